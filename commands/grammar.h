/*
 * What a comment says to the bot.  Pure: text in, words out.
 *
 * A command is "@NAME VERB ..." at the start of a line of running text.  The
 * text is parsed with cmark-gfm, as GitHub does it; quotes, code (fenced,
 * indented, inline), HTML, links, images, tables and headings are inert.  The
 * mention must stand in the source bytes at the line's start (up to 3 blanks,
 * a list marker allowed), so escapes, entities and emphasis do not count.
 */
#ifndef COMMANDS_GRAMMAR_H
#define COMMANDS_GRAMMAR_H

#include "bot/base/error.h"
#include "bot/base/limits.h"

struct said_command {
	char verb[32];			 /* lower case, punctuation dropped */
	char args[LIMIT_COMMAND_LINE];	 /* the rest of the line, trimmed */
	int line;			 /* in the comment, from 1 */
};

struct said {
	size_t count;
	struct said_command commands[LIMIT_COMMANDS_PER_COMMENT];
};

/*
 * Reads a comment of len bytes.  A comment without a mention is ERR_OK with
 * count 0.  ERR_INVALID with a sentence for the author when there are too
 * many commands, a command line is too long or holds control, bidi or
 * zero-width characters; the author is answered then, nothing runs.
 */
NODISCARD enum err grammar_read(const char *bot_name, const char *text,
				size_t len, struct said *ret, struct error *e);

#endif
