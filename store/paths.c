#include "store/paths.h"

#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

enum err store_paths(struct store *s, int64_t pull_id, const char *sha,
		     const char *base, bool *ret_known, json_t **ret,
		     struct error *e)
{
	sqlite3_stmt *row;
	const char *text;
	enum err code =
		db_row(&s->db, STMT_PATHS_GET,
		       ARGS(ARG(pull_id), ARG(sha), ARG(base)), &row, e);

	*ret = NULL;
	*ret_known = !code;
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	text = db_text(row, 0);
	if (*text && !(*ret = js_parse(text, strlen(text), e)))
		code = e->code;
	db_done(row);
	return code;
}

enum err store_paths_put(struct store *s, int64_t pull_id, const char *sha,
			 const char *base, const json_t *paths, struct error *e)
{
	CLEANUP(free) char *owned = paths ? js_dump(paths) : NULL;
	const char *text = owned ? owned : "";

	if (paths && !owned)
		return error_set(e, ERR_FATAL, "out of memory");
	if (db_run(&s->db, STMT_PATHS_PUT,
		   ARGS(ARG(pull_id), ARG(sha), ARG(base), ARG(text)), e))
		return e->code;
	return db_run(&s->db, STMT_PATHS_PRUNE, ARGS(ARG(pull_id)), e);
}
