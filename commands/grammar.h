/*
 * What a comment says to the bot.  Pure: text in, words out.
 *
 * A command is "@NAME VERB ..." at the start of a line of running text.  The
 * text is parsed with cmark-gfm, as GitHub does it; quotes, code (fenced,
 * indented, inline), HTML, links, images, tables and headings are inert.  The
 * mention must stand in the source bytes at the line's start (up to 3 blanks,
 * a list marker allowed), so escapes, entities and emphasis do not count.
 * A line "-- " begins a mail signature, which ends the reading.
 *
 *	@kcibot deploy			verb "deploy"
 *	- @KCIbot: Deploy 12ab, now.	verb "deploy", args "12ab, now"
 *	@kcibot				verb "": asks for a hint
 *	@kcibot **deploy**		verb "**deploy**": no such command
 *	@kcibot-dev deploy		somebody else
 */
#ifndef COMMANDS_GRAMMAR_H
#define COMMANDS_GRAMMAR_H

#include <stddef.h>

#include "bot/base/error.h"
#include "bot/base/limits.h"

struct said_command {
	char verb[32];		       /* lower case, one of .,!;: dropped,
					  cut when longer, "" when absent;
					  as hostile as all user text */
	char args[LIMIT_COMMAND_LINE]; /* the rest of the line, trimmed */
	int line;		       /* in the comment, from 1 */
};

struct said {
	size_t count;
	struct said_command commands[LIMIT_COMMANDS_PER_COMMENT];
};

/*
 * Reads a comment of len bytes.  A comment without a mention is ERR_OK with
 * count 0.  ERR_INVALID with a sentence for the author when there are too
 * many commands, the comment or a command line is too long, or a command line
 * holds control, bidi or zero-width characters; the author is answered then,
 * nothing runs.  ERR_FATAL when out of memory, though
 * cmark-gfm then ends the process by itself.  On failure count is 0.
 */
NODISCARD enum err grammar_read(const char *bot_name, const char *text,
				size_t len, struct said *ret, struct error *e);

#endif
