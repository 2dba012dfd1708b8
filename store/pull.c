#include "store/pull.h"

#include <ctype.h>
#include <string.h>

#include "bot/base/str.h"
#include "bot/base/clock.h"
#include "store/head.h"
#include "store/internal.h"

static void read_pull(sqlite3_stmt *row, void *element)
{
	struct pull *p = element;

	p->id = db_int(row, 0);
	COPY(p->repo, db_text(row, 1));
	p->number = db_int(row, 2);
	COPY(p->title, db_text(row, 3));
	p->author_id = db_int(row, 4);
	COPY(p->author, db_text(row, 5));
	COPY(p->state, db_text(row, 6));
	p->draft = db_int(row, 7) != 0;
	COPY(p->base_ref, db_text(row, 8));
	COPY(p->head_sha, db_text(row, 9));
	COPY(p->labels, db_text(row, 10));
	p->active_ms = db_int(row, 11);
	p->updated_ms = db_int(row, 12);
	COPY(p->verbosity, db_text(row, 13));
	p->skipped_ms = db_int(row, 14);
	COPY(p->skipped_by, db_text(row, 15));
	COPY(p->skip_reason, db_text(row, 16));
}

enum err store_pull(struct store *s, const char *repo, int64_t number,
		    struct pull *ret, struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_PULL_GET, ARGS(ARG(repo), ARG(number)), &row,
		   e))
		return e->code;
	read_pull(row, ret);
	db_done(row);
	return ERR_OK;
}

enum err store_pull_by_id(struct store *s, int64_t id, struct pull *ret,
			  struct error *e)
{
	sqlite3_stmt *row;

	if (db_row(&s->db, STMT_PULL_BY_ID, ARGS(ARG(id)), &row, e))
		return e->code;
	read_pull(row, ret);
	db_done(row);
	return ERR_OK;
}

enum err store_pulls_open(struct store *s, const char *repo, struct pull **ret,
			  size_t *ret_count, struct error *e)
{
	return db_collect(&s->db, STMT_PULL_OPEN, ARGS(ARG(repo)),
			  sizeof(**ret), read_pull, NULL, ret, ret_count, e);
}

enum err store_pulls_with_sha(struct store *s, const char *repo,
			      const char *sha, const char *environment,
			      int64_t cycle_id, struct pull **ret,
			      size_t *ret_count, struct error *e)
{
	return db_collect(
		&s->db, STMT_PULL_WITH_SHA,
		ARGS(ARG(repo), ARG(sha), ARG(cycle_id), ARG(environment)),
		sizeof(**ret), read_pull, NULL, ret, ret_count, e);
}

unsigned pull_changes(const struct pull *old, const struct pull *now)
{
	unsigned changes = 0;

	if (strcmp(old->head_sha, now->head_sha) != 0)
		changes |= PULL_HEAD;
	if (strcmp(old->state, now->state) != 0 || old->draft != now->draft)
		changes |= PULL_STATE;
	if (strcmp(old->base_ref, now->base_ref) != 0)
		changes |= PULL_BASE;
	if (strcmp(old->labels, now->labels) != 0)
		changes |= PULL_LABELS;
	if (strcmp(old->title, now->title) != 0)
		changes |= PULL_TITLE;
	return changes;
}

static enum err put_row(struct store *s, const struct pull *p, struct error *e)
{
	const char *repo = p->repo, *title = p->title, *author = p->author;
	const char *state = p->state, *base = p->base_ref, *sha = p->head_sha;
	const char *labels = p->labels;

	return db_run(&s->db, STMT_PULL_PUT,
		      ARGS(ARG(repo), ARG(p->number), ARG(title),
			   ARG(p->author_id), ARG(author), ARG(state),
			   ARG(p->draft), ARG(base), ARG(sha), ARG(labels),
			   ARG(p->active_ms), ARG(p->updated_ms)),
		      e);
}

/* The pull was put: what it says of its head. */
static enum err put_head(struct store *s, const struct pull *p,
			 const char *source, int64_t now_ms, unsigned changes,
			 struct error *e)
{
	bool opened = strcmp(source, PULL_SOURCE_OPENED) == 0;
	bool asked = strcmp(source, PULL_SOURCE_API) == 0;
	const char *sha = p->head_sha;

	if (!(changes & PULL_HEAD))
		return asked ? store_head_confirm(s, p, now_ms, e) : ERR_OK;
	if (opened)
		source = PULL_SOURCE_WEBHOOK;
	opened = opened && (changes & PULL_NEW);
	return db_run(&s->db, STMT_HEAD_ADD,
		      ARGS(ARG(p->id), ARG(sha), ARG(now_ms), ARG(source),
			   ARG(opened)),
		      e);
}

/* Something older than what is known changes nothing. */
static enum err put_late(struct store *s, struct pull *p,
			 const struct pull *known, const char *source,
			 int64_t now_ms, struct error *e)
{
	const char *sha = p->head_sha;

	if (strcmp(source, PULL_SOURCE_API) != 0 &&
	    strcmp(sha, known->head_sha) != 0 &&
	    store_head_late(s, known, sha, now_ms, e))
		return e->code;
	*p = *known;
	return ERR_OK;
}

enum err store_pull_put(struct store *s, struct pull *p, const char *source,
			int64_t now_ms, unsigned *ret_changes, struct error *e)
{
	struct pull old;
	enum err code = store_pull(s, p->repo, p->number, &old, e);

	if (code && code != ERR_MISSING)
		return code;
	if (!code && !p->updated_ms)
		p->updated_ms = old.updated_ms;
	if (code == ERR_MISSING) {
		*ret_changes = PULL_NEW | PULL_HEAD;
	} else if (p->updated_ms < old.updated_ms) {
		*ret_changes = 0;
		return put_late(s, p, &old, source, now_ms, e);
	} else {
		*ret_changes = pull_changes(&old, p);
	}
	p->active_ms = *ret_changes & PULL_HEAD ? now_ms : 0;
	if (put_row(s, p, e))
		return e->code;
	code = store_pull(s, p->repo, p->number, p, e);
	return code ? code : put_head(s, p, source, now_ms, *ret_changes, e);
}

enum err store_pull_active(struct store *s, int64_t id, int64_t now_ms,
			   struct error *e)
{
	return db_run(&s->db, STMT_PULL_ACTIVE, ARGS(ARG(id), ARG(now_ms)), e);
}

static void read_unreviewed(sqlite3_stmt *row, void *element)
{
	struct unreviewed *u = element;

	u->number = db_int(row, 0);
	u->updated_ms = db_int(row, 1);
}

enum err store_pulls_unreviewed(struct store *s, const char *repo,
				int64_t since_ms, struct unreviewed **ret,
				size_t *ret_count, struct error *e)
{
	return db_collect(&s->db, STMT_PULL_UNREVIEWED,
			  ARGS(ARG(repo), ARG(since_ms)), sizeof(**ret),
			  read_unreviewed, NULL, ret, ret_count, e);
}

enum err store_pull_reviewed(struct store *s, const char *repo, int64_t number,
			     int64_t updated_ms, struct error *e)
{
	return db_run(&s->db, STMT_PULL_REVIEWED,
		      ARGS(ARG(repo), ARG(number), ARG(updated_ms)), e);
}

enum err store_pull_skip(struct store *s, int64_t id, int64_t now_ms,
			 const char *by, const char *reason, struct error *e)
{
	return db_run(&s->db, STMT_PULL_SKIP,
		      ARGS(ARG(id), ARG(now_ms), ARG(by), ARG(reason)), e);
}

enum err store_pull_verbosity(struct store *s, int64_t id,
			      const char *verbosity, struct error *e)
{
	return db_run(&s->db, STMT_PULL_VERBOSITY,
		      ARGS(ARG(id), ARG(verbosity)), e);
}

enum err store_dispute_add(struct store *s, const struct dispute *d,
			   bool *ret_new, struct error *e)
{
	if (db_run(&s->db, STMT_DISPUTE_ADD,
		   ARGS(ARG(d->pull_id), ARG(d->sha), ARG(d->environment),
			ARG(d->cycle_id), ARG(d->actor_id), ARG(d->actor),
			ARG(d->reason), ARG(d->made_ms)),
		   e))
		return e->code;
	*ret_new = db_changes(&s->db) > 0;
	return ERR_OK;
}

enum err store_untold(struct store *s, int64_t pull_id, const char *sha,
		      const char *environment, int64_t *ret_cycle,
		      struct error *e)
{
	return db_value(&s->db, STMT_TOLD_NOT,
			ARGS(ARG(pull_id), ARG(sha), ARG(environment)), 0,
			ret_cycle, e);
}

enum err store_told(struct store *s, int64_t pull_id, const char *environment,
		    int64_t cycle_id, struct error *e)
{
	return db_run(&s->db, STMT_TOLD_PUT,
		      ARGS(ARG(pull_id), ARG(environment), ARG(cycle_id)), e);
}

enum err store_pull_answer(struct store *s, int64_t id, const char *markdown,
			   int64_t now_ms, struct error *e)
{
	return db_run(&s->db, STMT_PULL_ANSWER,
		      ARGS(ARG(id), ARG(markdown), ARG(now_ms)), e);
}

bool pull_has_label(const struct pull *p, const char *label)
{
	CLEANUP(json_decref)
	json_t *labels = js_read(p->labels);
	json_t *one;
	size_t i;

	json_array_foreach (labels, i, one) {
		const char *name = json_string_value(one);

		if (name && strcmp(name, label) == 0)
			return true;
	}
	return false;
}

static bool is_sha(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return !text[n] && (n == 40 || n == 64);
}

/*
 * Label names as a compact JSON array; those that do not fit are left out.
 * One of them may be what keeps the pull out, so memory is not to lack.
 */
static enum err copy_labels(struct pull *p, const json_t *object,
			    struct error *e)
{
	CLEANUP(json_decref) json_t *names = json_array();
	const json_t *list = js_get(object, "labels");
	json_t *one;
	size_t i;

	COPY(p->labels, "[]");
	json_array_foreach (list, i, one) {
		CLEANUP(free) char *text = NULL;

		if (!json_array_append_new(names,
					   json_string(js_str(one, "name"))))
			text = js_dump(names);
		if (!text)
			return error_set(e, ERR_FATAL, "out of memory");
		if (strlen(text) < sizeof(p->labels))
			COPY(p->labels, text);
		else
			json_array_remove(names, json_array_size(names) - 1);
	}
	return ERR_OK;
}

enum err pull_from_json(struct pull *p, const char *repo, const json_t *object,
			struct error *e)
{
	const char *title = js_str(object, "title");
	size_t cut;

	memset(p, 0, sizeof(*p));
	COPY(p->repo, repo);
	p->number = js_int(object, "number", 0);
	cut = str_utf8_cut(title, strlen(title), sizeof(p->title) - 1);
	memcpy(p->title, title, cut);
	p->author_id = js_int(object, "user.id", 0);
	COPY(p->author, js_str(object, "user.login"));
	COPY(p->state, js_str(object, "state"));
	if (js_bool(object, "merged", false) || *js_str(object, "merged_at"))
		COPY(p->state, "merged");
	p->draft = js_bool(object, "draft", false);
	COPY(p->base_ref, js_str(object, "base.ref"));
	COPY(p->head_sha, js_str(object, "head.sha"));
	if (copy_labels(p, object, e))
		return e->code;
	if (p->number <= 0 || !is_sha(p->head_sha) || !*p->base_ref ||
	    (strcmp(p->state, "open") != 0 && strcmp(p->state, "closed") != 0 &&
	     strcmp(p->state, "merged") != 0) ||
	    (*js_str(object, "updated_at") &&
	     !time_parse_iso(js_str(object, "updated_at"), &p->updated_ms)))
		return error_set(e, ERR_INVALID, "not a pull request object");
	return ERR_OK;
}

enum err store_posted(struct store *s, int64_t pull_id, const char *slot,
		      struct posted *ret, struct error *e)
{
	sqlite3_stmt *row;
	enum err code = db_row(&s->db, STMT_POSTED_GET,
			       ARGS(ARG(pull_id), ARG(slot)), &row, e);

	*ret = (struct posted){0};
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	ret->comment_id = db_int(row, 0);
	COPY(ret->body_hash, db_text(row, 1));
	db_done(row);
	return ERR_OK;
}

enum err store_posted_want(struct store *s, int64_t pull_id, const char *slot,
			   const char *body_hash, struct error *e)
{
	return db_run(&s->db, STMT_POSTED_WANT,
		      ARGS(ARG(pull_id), ARG(slot), ARG(body_hash)), e);
}

enum err store_posted_is(struct store *s, int64_t pull_id, const char *slot,
			 int64_t comment_id, struct error *e)
{
	return db_run(&s->db, STMT_POSTED_IS,
		      ARGS(ARG(pull_id), ARG(slot), ARG(comment_id)), e);
}

enum err store_posted_gone(struct store *s, const char *repo, int64_t number,
			   int64_t comment_id, struct error *e)
{
	return db_run(&s->db, STMT_POSTED_GONE,
		      ARGS(ARG(repo), ARG(number), ARG(comment_id)), e);
}

enum err store_status_get(struct store *s, const char *repo, const char *sha,
			  const char *context, struct status_record *ret,
			  struct error *e)
{
	sqlite3_stmt *row;

	*ret = (struct status_record){0};
	if (db_row(&s->db, STMT_STATUS_GET,
		   ARGS(ARG(repo), ARG(sha), ARG(context)), &row, e))
		return e->code;
	COPY(ret->repo, db_text(row, 4));
	COPY(ret->sha, sha);
	COPY(ret->context, context);
	COPY(ret->state, db_text(row, 0));
	COPY(ret->description, db_text(row, 1));
	COPY(ret->target_url, db_text(row, 2));
	ret->repaired_ms = db_int(row, 3);
	db_done(row);
	return ERR_OK;
}

enum err store_status_want(struct store *s, const struct status_record *r,
			   bool *ret_new, struct error *e)
{
	struct status_record old;
	enum err code =
		store_status_get(s, r->repo, r->sha, r->context, &old, e);

	if (code && code != ERR_MISSING)
		return code;
	*ret_new =
		code || strcmp(old.state, r->state) != 0 ||
		strcmp(old.description, r->description) != 0 ||
		(*old.target_url && strcmp(old.target_url, r->target_url) != 0);
	if (!*ret_new)
		return ERR_OK;
	return db_run(&s->db, STMT_STATUS_PUT,
		      ARGS(ARG(r->repo), ARG(r->sha), ARG(r->context),
			   ARG(r->state), ARG(r->description),
			   ARG(r->target_url)),
		      e);
}

static void read_pending(sqlite3_stmt *row, void *element)
{
	struct status_record *r = element;

	COPY(r->repo, db_text(row, 0));
	COPY(r->sha, db_text(row, 1));
	COPY(r->context, db_text(row, 2));
	COPY(r->target_url, db_text(row, 3));
}

enum err store_statuses_pending(struct store *s, struct status_record **ret,
				size_t *ret_count, struct error *e)
{
	return db_collect(&s->db, STMT_STATUS_PENDING, NO_ARGS, sizeof(**ret),
			  read_pending, NULL, ret, ret_count, e);
}

enum err store_status_repaired(struct store *s, const struct status_record *r,
			       int64_t at_ms, struct error *e)
{
	return db_run(
		&s->db, STMT_STATUS_REPAIRED,
		ARGS(ARG(r->repo), ARG(r->sha), ARG(r->context), ARG(at_ms)),
		e);
}

static void read_sha(sqlite3_stmt *row, void *element)
{
	str_copy(element, SHA_SIZE, db_text(row, 0));
}

enum err store_status_shas(struct store *s, int64_t pull_id,
			   const char *context, char (**ret)[SHA_SIZE],
			   size_t *ret_count, struct error *e)
{
	return db_collect(&s->db, STMT_STATUS_SHAS,
			  ARGS(ARG(pull_id), ARG(context)), sizeof(**ret),
			  read_sha, NULL, ret, ret_count, e);
}
