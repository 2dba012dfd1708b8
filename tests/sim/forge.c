/*
 * The forge: its state, what it tells by webhook, what it answers.
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

static int find_repo(const char *repo)
{
	for (int i = 0; i < REPOS_MAX; i++)
		if (!strcmp(repos[i], repo))
			return i;
	return -1;
}

static const char *iso(int64_t ms)
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

static json_t *user_json(int64_t id)
{
	bool bot = id == 1;

	for (int i = 0; i < PEOPLE_MAX; i++)
		bot |= people[i].id == id && people[i].is_bot;
	return json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "login",
			 login_of(id), "type", bot ? "Bot" : "User");
}

static json_t *pull_json(const struct sim_pull *p)
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

static json_t *comment_json(const struct sim *s, const struct sim_comment *c)
{
	const struct sim_pull *p = &s->pulls[c->pull];
	char url[128];

	snprintf(url, sizeof(url),
		 "https://forge.example/%s/pull/%lld#issuecomment-%lld",
		 repos[p->repo], (long long)p->number, (long long)c->id);
	return json_pack("{s:I, s:s, s:o, s:s, s:s, s:s}", "id",
			 (json_int_t)c->id, "body", c->body, "user",
			 user_json(c->user ? c->user : 1), "created_at",
			 iso(c->made_ms), "updated_at", iso(c->updated_ms),
			 "html_url", url);
}

size_t forge_comment(struct sim *s, int pull, int64_t user, const char *body)
{
	struct sim_comment *c = &s->comments[s->comment_count];

	if (s->comment_count == COMMENTS_MAX) {
		sim_fail(s, "more than %d comments", COMMENTS_MAX);
		return 0;
	}
	*c = (struct sim_comment){
		.id = s->next_id++,
		.pull = pull,
		.user = user,
		.made_ms = s->now_ms,
		.updated_ms = s->now_ms,
		.body = strdup(body),
	};
	return s->comment_count++;
}

/* --- webhooks --- */

struct delivery {
	char guid[32];
	char event[24];
	char *body;
	int arrivals; /* still to come */
};

#define DELIVERIES_MAX 4096
static struct delivery deliveries[DELIVERIES_MAX];

void forge_reset(void)
{
	for (int i = 0; i < DELIVERIES_MAX; i++)
		free(deliveries[i].body);
	memset(deliveries, 0, sizeof(deliveries));
}

static void arrive(struct sim *s, int64_t index)
{
	struct delivery *d = &deliveries[index];
	struct inbox_delivery row = {
		.guid = d->guid,
		.event = d->event,
		.body = d->body,
		.len = strlen(d->body),
		.received_ms = clock_wall(&s->clock.clock),
	};
	struct error e = ERROR_INIT;

	d->arrivals--;
	s->woken = true;
	if (!s->inbox || inbox_add(s->inbox, &row, 1, &e)) {
		s->lost_webhooks++;
		sim_trace(s, "webhook %s %s finds nobody", d->guid, d->event);
		if (s->inbox && process_dead())
			process_die(s, "while it took a webhook");
	} else {
		sim_trace(s, "webhook %s %s", d->guid, d->event);
	}
	if (!d->arrivals) {
		free(d->body);
		*d = (struct delivery){0};
	}
}

static int64_t free_delivery(struct sim *s)
{
	for (int64_t i = 0; i < DELIVERIES_MAX; i++)
		if (!deliveries[i].body)
			return i;
	sim_fail(s, "more than %d webhooks under way", DELIVERIES_MAX);
	return -1;
}

static int64_t travel_time(struct sim *s)
{
	if (!s->calm && chance_of(&s->chance, s->knobs.late))
		return chance_between(&s->chance, 30 * SECOND, 15 * MINUTE);
	return chance_between(&s->chance, 50, 4 * SECOND);
}

static void send_webhook(struct sim *s, const char *event, json_t *payload)
{
	int64_t i = free_delivery(s);
	struct delivery *d;

	s->webhooks++;
	if (i < 0 || (!s->calm && chance_of(&s->chance, s->knobs.lost))) {
		sim_trace(s, "webhook %s is lost", event);
		s->lost_webhooks++;
		json_decref(payload);
		return;
	}
	d = &deliveries[i];
	snprintf(d->guid, sizeof(d->guid), "guid-%lld",
		 (long long)++s->next_delivery);
	snprintf(d->event, sizeof(d->event), "%s", event);
	d->body = json_dumps(payload, JSON_COMPACT);
	json_decref(payload);
	d->arrivals = 1 + (!s->calm && chance_of(&s->chance, s->knobs.doubled));
	for (int n = d->arrivals; n > 0; n--)
		sim_at(s, s->now_ms + travel_time(s), arrive, i);
}

void forge_tell_pull(struct sim *s, int pull, const char *action)
{
	const struct sim_pull *p = &s->pulls[pull];

	send_webhook(s, "pull_request",
		     json_pack("{s:s, s:I, s:o, s:{s:s}}", "action", action,
			       "number", (json_int_t)p->number, "pull_request",
			       pull_json(p), "repository", "full_name",
			       repos[p->repo]));
}

void forge_tell_comment(struct sim *s, size_t comment, const char *action,
			int64_t sender)
{
	const struct sim_comment *c = &s->comments[comment];
	const struct sim_pull *p = &s->pulls[c->pull];

	send_webhook(s, "issue_comment",
		     json_pack("{s:s, s:{s:I, s:s, s:{s:s}}, s:o, s:o,"
			       " s:{s:s}}",
			       "action", action, "issue", "number",
			       (json_int_t)p->number, "state", p->state,
			       "pull_request", "url", "x", "comment",
			       comment_json(s, c), "sender", user_json(sender),
			       "repository", "full_name", repos[p->repo]));
}

void forge_tell_push(struct sim *s, int repo)
{
	send_webhook(s, "push",
		     json_pack("{s:s, s:s, s:{s:s}}", "ref", "refs/heads/main",
			       "after", s->bases[repo], "repository",
			       "full_name", repos[repo]));
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

static json_t *list_comments(const struct sim *s, const json_t *args)
{
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
		const struct sim_comment *c = &s->comments[i];

		if (!c->deleted && c->updated_ms / 1000 * 1000 >= since &&
		    !strcmp(repos[s->pulls[c->pull].repo], repo))
			found[n++] = c;
	}
	qsort(found, n, sizeof(*found), by_update);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, comment_json(s, found[i]));
	free(found);
	return list;
}

/* --- writing --- */

static struct sim_comment *find_comment(struct sim *s, int64_t id)
{
	for (size_t i = 0; i < s->comment_count; i++)
		if (s->comments[i].id == id && !s->comments[i].deleted)
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
	struct sim_comment *c = find_comment(s, js_int(args, "comment_id", 0));

	if (!c && js_bool(args, "lookup", false))
		c = find_marked(s, pull, js_str(args, "marker"));
	if (pull < 0) {
		*status = 404;
		return NULL;
	}
	if (!c) {
		size_t i = forge_comment(s, pull, 0, js_str(args, "body"));

		c = &s->comments[i];
		sim_trace(s, "  the bot's comment %lld on #%d: %.60s",
			  (long long)c->id, pull + 1, js_str(args, "marker"));
		forge_tell_comment(s, i, "created", 1);
	} else {
		free(c->body);
		c->body = strdup(js_str(args, "body"));
		c->updated_ms = s->now_ms;
		forge_tell_comment(s, (size_t)(c - s->comments), "edited", 1);
	}
	return comment_json(s, c);
}

static json_t *write_reaction(struct sim *s, const json_t *args, int *status)
{
	static const char *const names[REACTION_MAX] = {"eyes", "rocket", "-1",
							"confused"};
	struct sim_comment *c = find_comment(s, js_int(args, "comment_id", 0));

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

static json_t *body_of(struct sim *s, const struct call *c, int *status)
{
	if (!strcmp(c->kind, "forge.self"))
		return user_json(1);
	if (!strcmp(c->kind, "forge.user"))
		return answer_user(c->args, status);
	if (!strcmp(c->kind, "forge.pull"))
		return answer_pull(s, c->args, status);
	if (!strcmp(c->kind, "forge.pulls"))
		return list_pulls(s, js_str(c->args, "repo"));
	if (!strcmp(c->kind, "forge.comments"))
		return list_comments(s, c->args);
	if (!strcmp(c->kind, "forge.comment"))
		return write_comment(s, c->args, status);
	if (!strcmp(c->kind, "forge.reaction"))
		return write_reaction(s, c->args, status);
	if (!strcmp(c->kind, "forge.status"))
		return write_status(s, c->args, status);
	if (!strcmp(c->kind, "forge.hooks") ||
	    !strcmp(c->kind, "forge.reviews") ||
	    !strcmp(c->kind, "forge.review_comments"))
		return json_array();
	*status = 404;
	return NULL;
}

static bool is_write(const char *kind)
{
	return !strcmp(kind, "forge.comment") ||
	       !strcmp(kind, "forge.reaction") || !strcmp(kind, "forge.status");
}

static void perform(struct sim *s, int64_t call)
{
	struct call *c = &s->calls[call];
	int status = 200;
	json_t *body;

	/* It has not caught up with a write of a moment ago. */
	if (!s->calm && is_write(c->kind) &&
	    chance_of(&s->chance, s->knobs.lagging)) {
		call_answer(s, call, ERR_MISSING, 404, NULL);
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
