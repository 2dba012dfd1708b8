#include "store/request.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "store/internal.h"
#include "store/principal.h"
#include "store/trust.h"

enum err store_environment(struct store *s, const char *name, int64_t now_ms,
			   struct environment_record *ret, struct error *e)
{
	sqlite3_stmt *row;

	if (db_run(&s->db, STMT_ENV_ADD, ARGS(ARG(name), ARG(now_ms)), e) ||
	    db_row(&s->db, STMT_ENV_GET, ARGS(ARG(name)), &row, e))
		return e->code;
	ret->deployed_cycle = db_int(row, 0);
	ret->last_finish_ms = db_int(row, 1);
	ret->last_full_ms = db_int(row, 2);
	ret->schedule_from_ms = db_int(row, 3);
	ret->errors_in_row = db_int(row, 4);
	db_done(row);
	return ERR_OK;
}

enum err store_environment_finish(struct store *s, const char *name,
				  const struct environment_record *r,
				  struct error *e)
{
	return db_run(&s->db, STMT_ENV_FINISH,
		      ARGS(ARG(name), ARG(r->deployed_cycle),
			   ARG(r->last_finish_ms), ARG(r->last_full_ms),
			   ARG(r->schedule_from_ms), ARG(r->errors_in_row)),
		      e);
}

static void read_name(sqlite3_stmt *row, void *element)
{
	str_copy(element, sizeof((struct request){0}.environment),
		 db_text(row, 0));
}

enum err store_environments_busy(struct store *s, char (**ret)[64],
				 size_t *ret_count, struct error *e)
{
	return db_collect(&s->db, STMT_ENV_BUSY, NO_ARGS, sizeof(**ret),
			  read_name, NULL, ret, ret_count, e);
}

enum err store_environment_drop(struct store *s, const char *name,
				const char *outcome, struct error *e)
{
	return db_run(&s->db, STMT_ENV_DROP_REQUESTS,
		      ARGS(ARG(name), ARG(outcome)), e);
}

enum err store_environment_wait(struct store *s, const char *name,
				const char *why, int64_t until_ms,
				bool *ret_changed, struct error *e)
{
	if (db_run(&s->db, STMT_ENV_WAIT,
		   ARGS(ARG(name), ARG(why), ARG(until_ms)), e))
		return e->code;
	*ret_changed = db_changes(&s->db) > 0;
	return ERR_OK;
}

enum err store_request_add(struct store *s, struct request *r, struct error *e)
{
	const char *environment = r->environment, *kind = r->kind;
	const char *origin = r->origin, *sha = r->sha, *base = r->base_ref;
	const char *actor = r->actor, *state = r->state;
	const char *role = r->role, *reason = r->reason;

	if (db_run(&s->db, STMT_REQUEST_ADD,
		   ARGS(ARG(environment), ARG(kind), ARG(origin),
			ARG(r->pull_id), ARG(sha), ARG(base), ARG(r->actor_id),
			ARG(actor), ARG(r->said_id), ARG(r->made_ms),
			ARG(state), ARG(role), ARG(r->forced), ARG(reason),
			ARG(r->until_ms)),
		   e))
		return e->code;
	r->id = db_last_id(&s->db);
	return ERR_OK;
}

static void read_request(sqlite3_stmt *row, void *element)
{
	struct request *r = element;

	r->id = db_int(row, 0);
	COPY(r->environment, db_text(row, 1));
	COPY(r->kind, db_text(row, 2));
	COPY(r->origin, db_text(row, 3));
	r->pull_id = db_int(row, 4);
	COPY(r->sha, db_text(row, 5));
	COPY(r->base_ref, db_text(row, 6));
	r->actor_id = db_int(row, 7);
	COPY(r->actor, db_text(row, 8));
	r->said_id = db_int(row, 9);
	r->made_ms = db_int(row, 10);
	COPY(r->state, db_text(row, 11));
	r->cycle_id = db_int(row, 12);
	COPY(r->outcome, db_text(row, 13));
	COPY(r->role, db_text(row, 14));
	r->forced = db_int(row, 15) != 0;
	COPY(r->reason, db_text(row, 16));
	r->until_ms = db_int(row, 17);
	r->voided = db_int(row, 18) != 0;
	COPY(r->void_why, db_text(row, 19));
}

static enum err list(struct store *s, size_t statement, const struct arg *args,
		     size_t arg_count, struct request **ret, size_t *ret_count,
		     struct error *e)
{
	return db_collect(&s->db, statement, args, arg_count, sizeof(**ret),
			  read_request, NULL, ret, ret_count, e);
}

enum err store_requests_in(struct store *s, const char *environment,
			   const char *state, struct request **ret,
			   size_t *ret_count, struct error *e)
{
	return list(s, STMT_REQUEST_OPEN, ARGS(ARG(environment), ARG(state)),
		    ret, ret_count, e);
}

enum err store_requests_of_cycle(struct store *s, int64_t cycle_id,
				 struct request **ret, size_t *ret_count,
				 struct error *e)
{
	return list(s, STMT_REQUEST_OF_CYCLE, ARGS(ARG(cycle_id)), ret,
		    ret_count, e);
}

enum err store_requests_of_pull(struct store *s, int64_t pull_id,
				struct request **ret, size_t *ret_count,
				struct error *e)
{
	return list(s, STMT_REQUEST_OF_PULL, ARGS(ARG(pull_id)), ret, ret_count,
		    e);
}

enum err store_requests_to_announce(struct store *s, struct request **ret,
				    size_t *ret_count, struct error *e)
{
	return list(s, STMT_REQUEST_TO_ANNOUNCE, NO_ARGS, ret, ret_count, e);
}

/* A request with the repository that the asker must have a role in. */
struct permit {
	struct request request;
	char repo[160];
};

static void read_permit(sqlite3_stmt *row, void *element)
{
	struct permit *p = element;

	read_request(row, &p->request);
	COPY(p->repo, db_text(row, 20));
}

static bool is_open(const struct request *r)
{
	return strcmp(r->state, "waiting") == 0 ||
	       strcmp(r->state, "booked") == 0;
}

/* A forced one is an admin's as long as it has not begun. */
static const char *least_role(const struct request *r)
{
	return r->forced && is_open(r) ? "admin" : "maintainer";
}

/*
 * What waits does so for an hour on a membership that the forge does not
 * confirm.  A permission does not count then either, but it has not ended:
 * the bot may only have been away.
 */
static int64_t believed_ms(const struct request *r, int64_t now_ms)
{
	return is_open(r) ? MEMBER_KEPT_MS : now_ms;
}

/* Moves those whose asker may not command any more to the front. */
static enum err keep_ungranted(struct store *s, int64_t now_ms,
			       const struct permit *list, size_t count,
			       struct request *ret, size_t *ret_count,
			       struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		const char *role;
		const struct request *r = &list[i].request;

		if (store_role_held(s, r->actor_id, list[i].repo,
				    believed_ms(r, now_ms), now_ms, &role, e))
			return e->code;
		if (!trust_role_reaches(role, least_role(r)))
			ret[(*ret_count)++] = *r;
	}
	return ERR_OK;
}

enum err store_requests_ungranted(struct store *s, const char *environment,
				  int64_t now_ms, struct request **ret,
				  size_t *ret_count, struct error *e)
{
	struct permit *list;
	struct request *out;
	size_t count;
	enum err code;

	*ret_count = 0;
	if (db_collect(&s->db, STMT_REQUEST_PERMITS,
		       ARGS(ARG(environment), ARG(wall_at(s, now_ms))),
		       sizeof(*list), read_permit, NULL, &list, &count, e))
		return e->code;
	out = calloc(count + 1, sizeof(*out));
	code = out ? keep_ungranted(s, now_ms, list, count, out, ret_count, e)
		   : error_set(e, ERR_FATAL, "out of memory");
	free(list);
	if (code)
		free(out);
	else
		*ret = out;
	return code;
}

enum err store_requests_void(struct store *s, const char *environment,
			     int64_t pull_id, const char *keep_sha,
			     const char *why, int64_t *ret_count,
			     struct error *e)
{
	if (db_run(&s->db, STMT_REQUEST_VOID,
		   ARGS(ARG(environment), ARG(pull_id), ARG(keep_sha),
			ARG(why)),
		   e))
		return e->code;
	*ret_count = db_changes(&s->db);
	return ERR_OK;
}

enum err store_requests_void_said(struct store *s, const char *environment,
				  int64_t pull_id, int64_t before_ms,
				  const char *why, int64_t *ret_count,
				  struct error *e)
{
	if (db_run(&s->db, STMT_REQUEST_VOID_SAID,
		   ARGS(ARG(environment), ARG(pull_id), ARG(before_ms),
			ARG(why)),
		   e))
		return e->code;
	*ret_count = db_changes(&s->db);
	return ERR_OK;
}

enum err store_request_void(struct store *s, int64_t id, const char *why,
			    struct error *e)
{
	return db_run(&s->db, STMT_REQUEST_VOID_ONE, ARGS(ARG(id), ARG(why)),
		      e);
}

enum err store_request_announced(struct store *s, int64_t id, struct error *e)
{
	return db_run(&s->db, STMT_REQUEST_ANNOUNCED, ARGS(ARG(id)), e);
}

enum err store_request_run(struct store *s, int64_t id, int64_t cycle_id,
			   const char *kind, struct error *e)
{
	return db_run(&s->db, STMT_REQUEST_RUN,
		      ARGS(ARG(id), ARG(cycle_id), ARG(kind)), e);
}

enum err store_request_whole(struct store *s, int64_t id, struct error *e)
{
	return db_run(&s->db, STMT_REQUEST_WHOLE, ARGS(ARG(id)), e);
}

enum err store_request_end(struct store *s, int64_t id, const char *state,
			   const char *outcome, struct error *e)
{
	return db_run(&s->db, STMT_REQUEST_END,
		      ARGS(ARG(id), ARG(state), ARG(outcome)), e);
}

enum err store_requests_withdraw(struct store *s, int64_t said_id,
				 bool *ret_any, struct error *e)
{
	if (db_run(&s->db, STMT_REQUEST_WITHDRAW, ARGS(ARG(said_id)), e))
		return e->code;
	*ret_any = db_changes(&s->db) > 0;
	return db_run(&s->db, STMT_REQUEST_WITHDRAW_RUNNING, ARGS(ARG(said_id)),
		      e);
}

enum err store_requests_not_back(struct store *s, const char *environment,
				 int64_t pull_id, const char *outcome,
				 struct error *e)
{
	return db_run(&s->db, STMT_REQUEST_NOT_BACK,
		      ARGS(ARG(environment), ARG(pull_id), ARG(outcome)), e);
}

enum err store_request_twin_told(struct store *s, const struct request *r,
				 bool *ret, struct error *e)
{
	const char *environment = r->environment;
	int64_t one;

	if (db_value(&s->db, STMT_REQUEST_TWIN_TOLD,
		     ARGS(ARG(r->said_id), ARG(environment), ARG(r->id)), 0,
		     &one, e))
		return e->code;
	*ret = one != 0;
	return ERR_OK;
}

enum err store_requests_back(struct store *s, int64_t cycle_id, struct error *e)
{
	return db_run(&s->db, STMT_REQUEST_BACK, ARGS(ARG(cycle_id)), e);
}

enum err store_request_retries(struct store *s, int64_t id, int64_t cycle_id,
			       struct error *e)
{
	return db_run(&s->db, STMT_REQUEST_RETRIES,
		      ARGS(ARG(id), ARG(cycle_id)), e);
}

enum err store_request_retry_of(struct store *s, int64_t cycle_id,
				int64_t *ret_cycle, struct error *e)
{
	return db_value(&s->db, STMT_REQUEST_RETRY_OF, ARGS(ARG(cycle_id)), 0,
			ret_cycle, e);
}

struct asker {
	int64_t id;
	char role[16]; /* when asking */
};

static void read_asker(sqlite3_stmt *row, void *element)
{
	struct asker *a = element;

	a->id = db_int(row, 0);
	COPY(a->role, db_text(row, 1));
}

/* What the word of one asker weighs: then and now, whichever is less. */
static enum err weigh(struct store *s, const struct asker *a, const char *repo,
		      int64_t now_ms, const char **ret, struct error *e)
{
	const char *now, *then = trust_role_word(a->role);

	if (store_role_held(s, a->id, repo, MEMBER_KEPT_MS, now_ms, &now, e))
		return e->code;
	*ret = trust_role_reaches(now, then) ? then : now;
	return ERR_OK;
}

enum err store_request_asked(struct store *s, const char *environment,
			     const struct pull *p, int64_t since_ms,
			     int64_t now_ms, const char **ret_role,
			     struct error *e)
{
	const char *sha = p->head_sha, *base = p->base_ref;
	struct asker *list;
	size_t count;
	enum err code = ERR_OK;

	*ret_role = "";
	if (db_collect(&s->db, STMT_REQUEST_ASKED,
		       ARGS(ARG(environment), ARG(p->id), ARG(sha), ARG(base),
			    ARG(since_ms), ARG(wall_at(s, now_ms))),
		       sizeof(*list), read_asker, NULL, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		const char *role = "";

		code = weigh(s, &list[i], p->repo, now_ms, &role, e);
		if (!code && trust_role_reaches(role, "maintainer") &&
		    trust_role_reaches(role, *ret_role))
			*ret_role = role;
	}
	free(list);
	return code;
}

enum err store_request_pending(struct store *s, const char *environment,
			       int64_t pull_id, const char *sha,
			       char ret_state[10], char ret_kind[8],
			       struct error *e)
{
	sqlite3_stmt *row;
	enum err code =
		db_row(&s->db, STMT_REQUEST_PENDING,
		       ARGS(ARG(environment), ARG(pull_id), ARG(sha)), &row, e);

	ret_state[0] = ret_kind[0] = '\0';
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	snprintf(ret_kind, 8, "%s", db_text(row, 0));
	snprintf(ret_state, 10, "%s", db_text(row, 1));
	db_done(row);
	return ERR_OK;
}

enum err store_request_forced(struct store *s, const char *environment,
			      int64_t pull_id, const char *sha,
			      char ret_actor[64], char ret_reason[256],
			      struct error *e)
{
	sqlite3_stmt *row;
	enum err code =
		db_row(&s->db, STMT_REQUEST_FORCED,
		       ARGS(ARG(environment), ARG(pull_id), ARG(sha)), &row, e);

	ret_actor[0] = ret_reason[0] = '\0';
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	str_copy(ret_actor, 64, db_text(row, 0));
	str_copy(ret_reason, 256, db_text(row, 1));
	db_done(row);
	return ERR_OK;
}

enum err store_request_booked(struct store *s, const char *environment,
			      int64_t pull_id, const char *sha, bool *ret,
			      struct error *e)
{
	int64_t one;

	if (db_value(&s->db, STMT_REQUEST_BOOKED,
		     ARGS(ARG(environment), ARG(pull_id), ARG(sha)), 0, &one,
		     e))
		return e->code;
	*ret = one != 0;
	return ERR_OK;
}

enum err store_request_since(struct store *s, const char *environment,
			     int64_t pull_id, const char *sha, bool or_booked,
			     int64_t *ret_ms, struct error *e)
{
	return db_value(
		&s->db, STMT_REQUEST_SINCE,
		ARGS(ARG(environment), ARG(pull_id), ARG(sha), ARG(or_booked)),
		0, ret_ms, e);
}

/* One that waits or is booked, by the columns of its row. */
static void count_request(sqlite3_stmt *row, struct request_facts *ret)
{
	bool by_people = db_int(row, 2) != 0, forced = db_int(row, 4) != 0;
	int64_t made_ms = db_int(row, 3);

	if (forced) {
		ret->forced_count++;
	} else if (strcmp(db_text(row, 1), "booked") == 0) {
		ret->booked_count++;
	} else if (!by_people) {
		if (!ret->auto_count || made_ms < ret->auto_first_ms)
			ret->auto_first_ms = made_ms;
		if (made_ms > ret->auto_last_ms)
			ret->auto_last_ms = made_ms;
		ret->auto_count++;
	} else if (strcmp(db_text(row, 0), "full") == 0) {
		ret->trigger_count++;
	} else {
		ret->deploy_count++;
	}
}

enum err store_request_facts(struct store *s, const char *environment,
			     bool but_benched, struct request_facts *ret,
			     struct error *e)
{
	sqlite3_stmt *row;
	enum err code;

	*ret = (struct request_facts){0};
	if (db_start(&s->db, STMT_REQUEST_FACTS,
		     ARGS(ARG(environment), ARG(but_benched)), &row, e))
		return e->code;
	while (db_next(&s->db, row, &code, e))
		count_request(row, ret);
	return code;
}
