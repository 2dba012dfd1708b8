/*
 * Could a JSON text hold the bot's mention?  Reading a comment as JSON costs
 * more than all else that is done with it, and most comments are not for the
 * bot.
 */
#ifndef BOT_MENTION_H
#define BOT_MENTION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * False only when no text in json, once unescaped, holds "@name" in any case
 * and with any unseen characters in it (see grammar.h).  True may be wrong.
 * Takes time in proportion to len.
 */
bool mention_possible(const char *name, const char *json, size_t len);

#endif
