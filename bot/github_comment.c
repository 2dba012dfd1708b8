#include "bot/github_comment.h"

#include <string.h>

#include "bot/base/str.h"

const char *comment_kind(enum comment_step step)
{
	static const char *const kinds[] = {
		[COMMENT_NONE] = "",
		[COMMENT_EDIT] = "forge.comment.edit",
		[COMMENT_SELF] = "forge.self",
		[COMMENT_LIST] = "forge.comment.list",
		[COMMENT_EDIT_FOUND] = "forge.comment.edit",
		[COMMENT_CREATE] = "forge.comment",
	};

	return kinds[step];
}

/*
 * Only the lines at the start are the bot's markers: the end of a log further
 * down shows whatever a job printed.
 */
static bool holds(const char *body, const char *marker)
{
	size_t len = strlen(marker);

	for (const char *line = body; line && str_starts(line, "<!-- ");
	     line = strchr(line, '\n'), line += line != NULL) {
		if (str_starts(line, marker) &&
		    strchr("\r\n", line[len])) /* or the end */
			return true;
	}
	return false;
}

enum err comment_check(const json_t *args, struct error *e)
{
	const char *marker = js_str(args, "marker");

	if (!*marker)
		return error_set(e, ERR_INVALID, "marker must be a text");
	if (!holds(js_str(args, "body"), marker))
		return error_set(e, ERR_INVALID,
				 "the body does not begin with its marker");
	return ERR_OK;
}

static enum comment_step look(int64_t self_id)
{
	return self_id ? COMMENT_LIST : COMMENT_SELF;
}

enum comment_step comment_first(const json_t *args, int64_t self_id)
{
	if (js_int(args, "comment_id", 0) > 0)
		return COMMENT_EDIT;
	return js_bool(args, "lookup", false) ? look(self_id) : COMMENT_CREATE;
}

bool comment_is_edit(enum comment_step step)
{
	return step == COMMENT_EDIT || step == COMMENT_EDIT_FOUND;
}

enum comment_step comment_after_none(enum comment_step step, int64_t self_id)
{
	return step == COMMENT_EDIT ? look(self_id) : COMMENT_CREATE;
}

int64_t comment_find(const json_t *list, int64_t self_id, const char *marker)
{
	const json_t *comment;
	size_t i;

	json_array_foreach (list, i, comment) {
		if (js_int(comment, "user.id", 0) == self_id &&
		    holds(js_str(comment, "body"), marker))
			return js_int(comment, "id", 0);
	}
	return 0;
}
