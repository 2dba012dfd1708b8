/*
 * The forge: its state, and what it answers.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

/* --- state --- */

const char *pull_head(const struct sim_pull *p)
{
	return p->heads[p->head_count - 1].sha;
}

const char *pull_head_at(const struct sim_pull *p, int64_t ms)
{
	const char *ret = "";

	for (size_t i = 0; i < p->head_count; i++)
		if (p->heads[i].since_ms <= ms)
			ret = p->heads[i].sha;
	return ret;
}

int find_pull(const struct sim *s, const char *repo, int64_t number)
{
	for (int i = 0; i < PULLS_MAX; i++)
		if (s->pulls[i].used && s->pulls[i].number == number &&
		    !strcmp(repos[s->pulls[i].repo], repo))
			return i;
	return -1;
}

int find_repo(const char *repo)
{
	for (int i = 0; i < REPOS_MAX; i++)
		if (!strcmp(repos[i], repo))
			return i;
	return -1;
}

const char *iso(int64_t ms)
{
	static char bufs[4][40];
	static int n;
	struct str text = STR_INIT(40);
	char *buf = bufs[n++ % 4];

	time_iso(&text, ms);
	snprintf(buf, sizeof(bufs[0]), "%s", text.text);
	str_release(&text);
	return buf;
}

static const char *login_of(int64_t id)
{
	for (int i = 0; i < PEOPLE_MAX; i++)
		if (people[i].id == id)
			return people[i].login;
	return "kcibot";
}

json_t *user_json(int64_t id)
{
	bool bot = id == 1;

	for (int i = 0; i < PEOPLE_MAX; i++)
		bot |= people[i].id == id && people[i].is_bot;
	return json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "login",
			 login_of(id), "type", bot ? "Bot" : "User");
}

json_t *pull_json(const struct sim_pull *p)
{
	json_t *labels = json_array();

	if (p->label)
		json_array_append_new(labels,
				      json_pack("{s:s}", "name", p->label));
	return json_pack("{s:I, s:s, s:o, s:s, s:b, s:{s:s}, s:{s:s}, s:o,"
			 " s:s}",
			 "number", (json_int_t)p->number, "title", "A change",
			 "user", user_json(people[p->author].id), "state",
			 p->state, "draft", p->draft, "base", "ref", p->base,
			 "head", "sha", pull_head(p), "labels", labels,
			 "updated_at", iso(p->updated_ms));
}

/* Where a speech of each kind keeps what the forge says of it. */
static const struct {
	const char *link, *made, *sha;
} kinds[SPEECH_MAX] = {
	[COMMENT] = {"issuecomment-", "created_at", NULL},
	[REVIEW] = {"pullrequestreview-", "submitted_at", "commit_id"},
	[REVIEW_COMMENT] = {"discussion_r", "created_at", "original_commit_id"},
};

json_t *comment_json(const struct sim *s, const struct sim_comment *c)
{
	const struct sim_pull *p = &s->pulls[c->pull];
	char url[128];
	json_t *ret;

	snprintf(url, sizeof(url), "https://forge.example/%s/pull/%lld#%s%lld",
		 repos[p->repo], (long long)p->number, kinds[c->kind].link,
		 (long long)c->id);
	ret = json_pack("{s:I, s:s, s:o, s:s, s:s}", "id", (json_int_t)c->id,
			"body", c->body, "user",
			user_json(c->user ? c->user : 1), kinds[c->kind].made,
			iso(c->made_ms), "html_url", url);
	/* Reviews do not tell when they were edited. */
	if (c->kind != REVIEW)
		json_object_set_new(ret, "updated_at",
				    json_string(iso(c->updated_ms)));
	else
		json_object_set_new(
			ret, "state",
			json_string(c->dismissed ? "DISMISSED" : "COMMENTED"));
	if (kinds[c->kind].sha)
		json_object_set_new(ret, kinds[c->kind].sha,
				    json_string(c->head_then));
	return ret;
}

void pull_touch(struct sim *s, int pull)
{
	s->pulls[pull].updated_ms = s->now_ms;
}

size_t forge_comment(struct sim *s, enum speech kind, int pull, int64_t user,
		     const char *body)
{
	struct sim_comment *c = &s->comments[s->comment_count];

	if (s->comment_count == COMMENTS_MAX) {
		sim_fail(s, "more than %d comments", COMMENTS_MAX);
		return 0;
	}
	*c = (struct sim_comment){
		.id = s->next_speech[kind]++,
		.kind = kind,
		.pull = pull,
		.user = user,
		.made_ms = s->now_ms,
		.updated_ms = s->now_ms,
		.body = strdup(body),
		.wall_then = s->clock.wall,
		.jumps_then = s->jumps,
	};
	pull_touch(s, pull);
	return s->comment_count++;
}

/* --- reading --- */

static json_t *list_pulls(const struct sim *s, const char *repo)
{
	json_t *list = json_array();

	for (int64_t number = 1; number <= PULLS_MAX; number++) {
		int i = find_pull(s, repo, number);

		if (i >= 0 && !strcmp(s->pulls[i].state, "open"))
			json_array_append_new(list, pull_json(&s->pulls[i]));
	}
	return list;
}

static int by_update(const void *a, const void *b)
{
	const struct sim_comment *x = *(const struct sim_comment *const *)a;
	const struct sim_comment *y = *(const struct sim_comment *const *)b;

	if (x->updated_ms != y->updated_ms)
		return x->updated_ms < y->updated_ms ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void note_shown(const struct sim *s, struct sim_comment *c)
{
	int64_t *at = c->taken_ms ? &c->shown_edited_ms : &c->shown_ms;

	if (!*at)
		*at = s->now_ms;
}

/* Those of a kind; number 0: of all pulls of the repository. */
static json_t *list_speeches(struct sim *s, enum speech kind,
			     const json_t *args)
{
	int64_t number = kind == REVIEW ? js_int(args, "number", 0) : 0;
	const char *repo = js_str(args, "repo");
	const struct sim_comment **found =
		calloc(s->comment_count + 1, sizeof(*found));
	json_t *list = json_array();
	int64_t since = 0;
	size_t n = 0;

	if (*js_str(args, "since") &&
	    !time_parse_iso(js_str(args, "since"), &since))
		since = 0;
	for (size_t i = 0; i < s->comment_count; i++) {
		struct sim_comment *c = &s->comments[i];

		if (c->kind != kind || c->deleted ||
		    c->updated_ms / 1000 * 1000 < since ||
		    (number && s->pulls[c->pull].number != number) ||
		    strcmp(repos[s->pulls[c->pull].repo], repo) != 0)
			continue;
		note_shown(s, c);
		found[n++] = c;
	}
	qsort(found, n, sizeof(*found), by_update);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, comment_json(s, found[i]));
	free(found);
	return list;
}

/* --- writing --- */

static struct sim_comment *find_comment(struct sim *s, enum speech kind,
					int64_t id)
{
	for (size_t i = 0; i < s->comment_count; i++)
		if (s->comments[i].kind == kind && s->comments[i].id == id &&
		    !s->comments[i].deleted)
			return &s->comments[i];
	return NULL;
}

/* One of the bot's that carries the marker. */
static struct sim_comment *find_marked(struct sim *s, int pull,
				       const char *marker)
{
	for (size_t i = 0; i < s->comment_count; i++) {
		struct sim_comment *c = &s->comments[i];

		if (!c->user && !c->deleted && c->pull == pull && *marker &&
		    strstr(c->body, marker))
			return c;
	}
	return NULL;
}

static json_t *write_comment(struct sim *s, const json_t *args, int *status)
{
	int pull =
		find_pull(s, js_str(args, "repo"), js_int(args, "number", 0));
	struct sim_comment *c =
		find_comment(s, COMMENT, js_int(args, "comment_id", 0));

	if (!c && js_bool(args, "lookup", false))
		c = find_marked(s, pull, js_str(args, "marker"));
	if (pull < 0) {
		*status = 404;
		return NULL;
	}
	if (!c) {
		size_t i = forge_comment(s, COMMENT, pull, 0,
					 js_str(args, "body"));

		c = &s->comments[i];
		sim_trace(s, "  the bot's comment %lld on #%d: %.60s",
			  (long long)c->id, pull + 1, js_str(args, "marker"));
		tell_comment(s, i, "created", 1);
	} else {
		free(c->body);
		c->body = strdup(js_str(args, "body"));
		c->updated_ms = s->now_ms;
		tell_comment(s, (size_t)(c - s->comments), "edited", 1);
	}
	told_note(s, pull, c->body);
	return comment_json(s, c);
}

static json_t *write_reaction(struct sim *s, enum speech kind,
			      const json_t *args, int *status)
{
	static const char *const names[REACTION_MAX] = {"eyes", "rocket", "-1",
							"confused"};
	struct sim_comment *c =
		find_comment(s, kind, js_int(args, "comment_id", 0));

	if (!c) {
		*status = 404;
		return NULL;
	}
	for (int i = 0; i < REACTION_MAX; i++)
		if (!strcmp(names[i], js_str(args, "content")))
			c->reactions |= 1u << i;
	return json_object();
}

static json_t *write_status(struct sim *s, const json_t *args, int *status)
{
	int repo = find_repo(js_str(args, "repo"));
	struct sim_status *found = NULL;

	for (size_t i = 0; i < s->status_count && !found; i++)
		if (s->statuses[i].repo == repo &&
		    !strcmp(s->statuses[i].sha, js_str(args, "sha")) &&
		    !strcmp(s->statuses[i].context, js_str(args, "context")))
			found = &s->statuses[i];
	if (!found && s->status_count < STATUSES_MAX)
		found = &s->statuses[s->status_count++];
	if (!found || repo < 0) {
		*status = 422;
		return NULL;
	}
	found->repo = repo;
	COPY(found->sha, js_str(args, "sha"));
	COPY(found->context, js_str(args, "context"));
	COPY(found->state, js_str(args, "state"));
	COPY(found->description, js_str(args, "description"));
	return json_object();
}

/* --- answering --- */

static json_t *answer_user(const json_t *args, int *status)
{
	for (int i = 0; i < PEOPLE_MAX; i++)
		if (!strcmp(people[i].login, js_str(args, "login")))
			return user_json(people[i].id);
	*status = 404;
	return NULL;
}

static json_t *answer_pull(const struct sim *s, const json_t *args, int *status)
{
	int i = find_pull(s, js_str(args, "repo"), js_int(args, "number", 0));

	if (i >= 0)
		return pull_json(&s->pulls[i]);
	*status = 404;
	return NULL;
}

/* The webhook that calls the bot, where it may look. */
static json_t *list_hooks(const struct sim *s, int *status)
{
	if (s->knobs.sees_hooks)
		return json_pack("[{s:i, s:b, s:{s:s}}]", "id", 1, "active", 1,
				 "config", "url",
				 "https://bot.example.org/webhook");
	*status = 404;
	return NULL;
}

static json_t *send_again(struct sim *s, const json_t *args, int *status)
{
	if (redeliver(s, js_int(args, "delivery_id", 0)))
		return json_object();
	*status = 404;
	return NULL;
}

static json_t *body_of(struct sim *s, const struct call *c, int *status)
{
	const char *kind = c->kind + strlen("forge.");
	const json_t *args = c->args;

	if (!strcmp(kind, "self"))
		return user_json(1);
	if (!strcmp(kind, "user"))
		return answer_user(args, status);
	if (!strcmp(kind, "pull"))
		return answer_pull(s, args, status);
	if (!strcmp(kind, "pulls"))
		return list_pulls(s, js_str(args, "repo"));
	if (!strcmp(kind, "comments"))
		return list_speeches(s, COMMENT, args);
	if (!strcmp(kind, "reviews"))
		return list_speeches(s, REVIEW, args);
	if (!strcmp(kind, "review_comments"))
		return list_speeches(s, REVIEW_COMMENT, args);
	if (!strcmp(kind, "comment"))
		return write_comment(s, args, status);
	if (!strcmp(kind, "reaction"))
		return write_reaction(s, COMMENT, args, status);
	if (!strcmp(kind, "review_reaction"))
		return write_reaction(s, REVIEW_COMMENT, args, status);
	if (!strcmp(kind, "status"))
		return write_status(s, args, status);
	if (!strcmp(kind, "hooks"))
		return list_hooks(s, status);
	if (!strcmp(kind, "deliveries"))
		return list_deliveries(s, js_str(args, "repo"));
	if (!strcmp(kind, "redeliver"))
		return send_again(s, args, status);
	*status = 404;
	return NULL;
}

static bool is_write(const char *kind)
{
	return !strcmp(kind, "forge.comment") ||
	       !strcmp(kind, "forge.reaction") ||
	       !strcmp(kind, "forge.review_reaction") ||
	       !strcmp(kind, "forge.status");
}

/* So long after a write some of the forge has not caught up with it.  It is
 * less than the bot's fourth try takes, which believes what it is told. */
#define LAG_MS (10 * SECOND)

static int64_t head_made_ms(const struct sim *s, const char *sha)
{
	int64_t ret = 0;

	for (int i = 0; i < PULLS_MAX; i++)
		for (size_t n = 0; n < s->pulls[i].head_count; n++)
			if (!strcmp(s->pulls[i].heads[n].sha, sha))
				ret = s->pulls[i].heads[n].since_ms;
	return ret;
}

/* When what a call writes to was made. */
static int64_t target_made_ms(struct sim *s, const struct call *c)
{
	enum speech kind = strcmp(c->kind, "forge.review_reaction")
				   ? COMMENT
				   : REVIEW_COMMENT;
	const struct sim_comment *on =
		find_comment(s, kind, js_int(c->args, "comment_id", 0));
	int pull;

	if (on)
		return on->made_ms;
	if (!strcmp(c->kind, "forge.status"))
		return head_made_ms(s, js_str(c->args, "sha"));
	pull = find_pull(s, js_str(c->args, "repo"),
			 js_int(c->args, "number", 0));
	return pull < 0 ? 0 : s->pulls[pull].heads[0].since_ms;
}

static bool lags(struct sim *s, const struct call *c)
{
	return !s->calm && is_write(c->kind) &&
	       s->now_ms - target_made_ms(s, c) < LAG_MS &&
	       chance_of(&s->chance, s->knobs.lagging);
}

static void perform(struct sim *s, int64_t call)
{
	struct call *c = &s->calls[call];
	int status = 200;
	json_t *body;

	if (lags(s, c)) {
		if (chance_of(&s->chance, 500))
			call_answer(s, call, ERR_MISSING, 404, NULL);
		else
			call_answer(s, call, ERR_INVALID, 422, NULL);
		return;
	}
	body = body_of(s, c, &status);
	call_answer(s, call,
		    body	    ? ERR_OK
		    : status == 404 ? ERR_MISSING
				    : ERR_INVALID,
		    status, body);
}

void forge_start(struct port *p, const struct effect *effect,
		 void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	struct sim *s = (struct sim *)((char *)p - offsetof(struct sim, forge));

	call_begin(s, effect, done, ctx, perform);
}
