/* What people do, and waiting for it; the process itself is in client.c. */
#include "tests/sandbox/client.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "bot/base/clock.h"

#define POLL_MS 5000 /* one long poll; then the deadline is looked at */

/* The answer is looked at and dropped; false when there was none. */
static bool posted(struct sbc *c, const char *path, json_t *body,
		   char ret_sha[41])
{
	CLEANUP(json_decref) json_t *a = sbc_post(c, path, body);

	if (a && ret_sha)
		snprintf(ret_sha, 41, "%s", js_str(a, "sha"));
	return a != NULL;
}

int64_t sbc_user(struct sbc *c, const char *login)
{
	CLEANUP(json_decref)
	json_t *a = sbc_post(c, "/_sandbox/users",
			     json_pack("{s:s}", "login", login));

	return js_int(a, "id", 0);
}

bool sbc_repo(struct sbc *c, const char *repo, json_t *files, char ret_sha[41])
{
	return posted(c, "/_sandbox/repos",
		      json_pack("{s:s,s:o}", "repo", repo, "files", files),
		      ret_sha);
}

int sbc_pull(struct sbc *c, const char *repo, const char *author,
	     const char *title, json_t *files, char ret_sha[41])
{
	CLEANUP(json_decref)
	json_t *a =
		sbc_post(c, "/_sandbox/pulls",
			 json_pack("{s:s,s:s,s:s,s:o}", "repo", repo, "author",
				   author, "title", title, "files", files));

	if (ret_sha)
		snprintf(ret_sha, 41, "%s", js_str(a, "sha"));
	return (int)js_int(a, "number", 0);
}

bool sbc_push(struct sbc *c, const char *repo, int number, json_t *files,
	      bool force, char ret_sha[41])
{
	return posted(c, "/_sandbox/pulls/push",
		      json_pack("{s:s,s:i,s:o,s:b}", "repo", repo, "number",
				number, "files", files, "force", force),
		      ret_sha);
}

int64_t sbc_comment(struct sbc *c, const char *repo, int number,
		    const char *user, const char *body)
{
	CLEANUP(json_decref)
	json_t *a =
		sbc_post(c, "/_sandbox/comments",
			 json_pack("{s:s,s:i,s:s,s:s}", "repo", repo, "number",
				   number, "user", user, "body", body));

	return js_int(a, "id", 0);
}

bool sbc_act(struct sbc *c, const char *repo, int number, const char *user,
	     const char *action, const char *label)
{
	return posted(c, "/_sandbox/pulls/act",
		      json_pack("{s:s,s:i,s:s,s:s,s:s?}", "repo", repo,
				"number", number, "user", user, "action",
				action, "label", label),
		      NULL);
}

bool sbc_hook(struct sbc *c, const char *url, const char *secret)
{
	return posted(c, "/_sandbox/hook",
		      json_pack("{s:s,s:s?}", "url", url, "secret", secret),
		      NULL);
}

json_t *sbc_conversation(struct sbc *c, const char *repo, int number)
{
	CLEANUP(free)
	char *path = str_format("/_sandbox/conversation?repo=%s&number=%d",
				repo, number);

	return path ? sbc_get(c, path) : NULL;
}

/* What was logged after *after, which moves on; waits for the first. */
static json_t *next_events(struct sbc *c, int64_t *after, int64_t wait_ms)
{
	CLEANUP(free)
	char *path = str_format(
		"/_sandbox/log?after=%" PRId64 "&timeout=%" PRId64, *after,
		wait_ms > POLL_MS ? (int64_t)POLL_MS : wait_ms);
	json_t *list = path ? sbc_get(c, path) : NULL;
	size_t n = json_array_size(list);

	if (n)
		*after = js_int(json_array_get(list, n - 1), "seq", *after);
	return list;
}

bool sbc_await(struct sbc *c, const char *repo, int number,
	       bool (*is_so)(const json_t *conversation, void *ctx), void *ctx,
	       int64_t wait_ms)
{
	int64_t end = clock_mono(&clock_system) + wait_ms, left = wait_ms;
	int64_t after = 0;

	json_decref(next_events(c, &after, 0));
	for (;;) {
		CLEANUP(json_decref)
		json_t *now = sbc_conversation(c, repo, number);
		CLEANUP(json_decref) json_t *events = NULL;

		if (now && is_so(now, ctx))
			return true;
		left = end - clock_mono(&clock_system);
		if (!now || left <= 0)
			return false;
		events = next_events(c, &after, left);
		if (!events)
			return false;
	}
}

/* What the ready-made conditions look for. */
struct wanted {
	const char *user, *text; /* of a comment */
	const char *context, *state;
	int64_t comment;
	const char *content;
};

static bool has_comment(const json_t *conversation, void *ctx)
{
	const struct wanted *w = ctx;
	json_t *m;
	size_t i;

	json_array_foreach (js_get(conversation, "comments"), i, m)
		if (!strcasecmp(js_str(m, "user"), w->user) &&
		    strstr(js_str(m, "body"), w->text))
			return true;
	return false;
}

static bool has_status(const json_t *conversation, void *ctx)
{
	const struct wanted *w = ctx;
	json_t *st;
	size_t i;

	json_array_foreach (js_get(conversation, "statuses"), i, st)
		if (!strcasecmp(js_str(st, "context"), w->context) &&
		    !strcmp(js_str(st, "state"), w->state))
			return true;
	return false;
}

static bool has_reaction_in(const json_t *comments, const struct wanted *w)
{
	json_t *m, *r;
	size_t i, j;

	json_array_foreach (comments, i, m) {
		if (js_int(m, "id", 0) != w->comment)
			continue;
		json_array_foreach (js_get(m, "reactions"), j, r)
			if (!strcasecmp(js_str(r, "user"), w->user) &&
			    !strcmp(js_str(r, "content"), w->content))
				return true;
	}
	return false;
}

static bool has_reaction(const json_t *conversation, void *ctx)
{
	return has_reaction_in(js_get(conversation, "comments"), ctx) ||
	       has_reaction_in(js_get(conversation, "review_comments"), ctx);
}

bool sbc_await_comment(struct sbc *c, const char *repo, int number,
		       const char *user, const char *text, int64_t wait_ms)
{
	struct wanted w = {.user = user, .text = text};

	return sbc_await(c, repo, number, has_comment, &w, wait_ms);
}

bool sbc_await_status(struct sbc *c, const char *repo, int number,
		      const char *context, const char *state, int64_t wait_ms)
{
	struct wanted w = {.context = context, .state = state};

	return sbc_await(c, repo, number, has_status, &w, wait_ms);
}

bool sbc_await_reaction(struct sbc *c, const char *repo, int number,
			int64_t comment, const char *user, const char *content,
			int64_t wait_ms)
{
	struct wanted w = {
		.user = user, .comment = comment, .content = content};

	return sbc_await(c, repo, number, has_reaction, &w, wait_ms);
}

static json_t *first_match(const json_t *events, const char *type,
			   const char *member, const char *value)
{
	json_t *one;
	size_t i;

	json_array_foreach (events, i, one)
		if (!strcmp(js_str(one, "type"), type) &&
		    (!member || !strcmp(js_str(one, member), value)))
			return one;
	return NULL;
}

json_t *sbc_await_log(struct sbc *c, int64_t *after, const char *type,
		      const char *member, const char *value, int64_t wait_ms)
{
	int64_t end = clock_mono(&clock_system) + wait_ms;
	int64_t at = *after, left = wait_ms;

	while (left > 0) {
		CLEANUP(json_decref) json_t *events = next_events(c, &at, left);
		json_t *found = first_match(events, type, member, value);

		if (found) {
			*after = js_int(found, "seq", at);
			return json_incref(found);
		}
		if (!events)
			return NULL;
		left = end - clock_mono(&clock_system);
	}
	return NULL;
}
