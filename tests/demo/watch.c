#include "tests/demo/watch.h"

#include <inttypes.h>
#include <string.h>

#include "bot/base/clock.h"
#include "tests/demo/child.h"
#include "tests/demo/plain.h"
#include "tests/demo/say.h"

#define POLL_MS 400  /* one look at the log: Ctrl-C waits no longer */
#define QUIET_MS 600 /* nothing happened for so long: it is over */
#define SHORT_SHA 10
#define BOT "kcibot"

void watch_init(struct watch *w, struct stage *stage)
{
	*w = (struct watch){.stage = stage,
			    .places = json_object(),
			    .comments = json_object()};
}

void watch_release(struct watch *w)
{
	json_decref(w->places);
	json_decref(w->comments);
}

static const char *place_of_sha(const struct watch *w, const char *sha)
{
	const char *place = js_str(w->places, sha);

	return *place ? place : "?";
}

/* "shop/service#1"; remembers where the head belongs. */
static void remember(struct watch *w, const json_t *event, char *ret,
		     size_t size)
{
	const char *head = js_str(event, "head");

	snprintf(ret, size, "%s#%" PRId64, js_str(event, "repo"),
		 js_int(event, "number", 0));
	if (*head)
		json_object_set_new(w->places, head, json_string(ret));
}

static void show_pull(struct watch *w, const json_t *event)
{
	const char *action = js_str(event, "action");
	char place[200];

	remember(w, event, place, sizeof(place));
	if (!strcmp(action, "opened"))
		say_line(js_str(event, "user"), TONE_PLAIN,
			 "opens %s \"%s\" at %.*s", place,
			 js_str(event, "title"), SHORT_SHA,
			 js_str(event, "head"));
	else if (!strcmp(action, "synchronize"))
		say_line(js_str(event, "user"), TONE_PLAIN,
			 "pushes to %s, now at %.*s", place, SHORT_SHA,
			 js_str(event, "head"));
	else
		say_line(js_str(event, "user"), TONE_PLAIN, "%s: %s", place,
			 action);
}

static void show_push(struct watch *w UNUSED, const json_t *event)
{
	const char *ref = js_str(event, "ref"), *name = strrchr(ref, '/');
	bool tag = str_starts(ref, "refs/tags/");

	if (!name || (!tag && !str_starts(ref, "refs/heads/")))
		return;
	say_line(js_str(event, "user"), TONE_QUIET, "%s %s of %s at %.*s",
		 tag ? "tags" : "pushes", name + 1, js_str(event, "repo"),
		 SHORT_SHA, js_str(event, "after"));
}

static const struct {
	const char *state, *sign;
	enum tone tone;
} states[] = {
	{"pending", "○", TONE_BUSY},
	{"success", "✔", TONE_GOOD},
	{"failure", "✘", TONE_BAD},
	{"error", "✘", TONE_BAD},
};

static void show_status(struct watch *w, const json_t *event)
{
	const char *sha = js_str(event, "sha");

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(states[i].state, js_str(event, "state")))
			say_line(BOT, states[i].tone, "%s %s %.*s %s: %s",
				 states[i].sign, place_of_sha(w, sha),
				 SHORT_SHA, sha, states[i].state,
				 js_str(event, "description"));
}

static void show_reaction(struct watch *w, const json_t *event)
{
	static const char *const faces[][2] = {
		{"eyes", "👀"},	   {"rocket", "🚀"}, {"-1", "👎"},
		{"confused", "😕"}, {"+1", "👍"},
	};
	const char *face = js_str(event, "content");
	CLEANUP(free)
	char *id = str_format("%" PRId64, js_int(event, "comment", 0));

	for (size_t i = 0; i < ARRAY_SIZE(faces); i++)
		if (!strcmp(faces[i][0], face))
			face = faces[i][1];
	say_line(js_str(event, "user"), TONE_PLAIN, "%s  on \"%s\"", face,
		 js_str(w->comments, id ? id : ""));
}

/*
 * Of the comment that the bot keeps editing only what is new and final: what
 * goes on meanwhile is said by the statuses.
 */
static void show_sticky(struct watch *w, const char *place, const char *id,
			const char *body)
{
	CLEANUP(str_release) struct str head = STR_INIT(4096);
	CLEANUP(str_release) struct str text = STR_INIT(64u << 10);
	bool final = !strstr(body, "\n⏳"), red = strstr(body, "\n❌");
	const char *rest;
	bool begun = *js_str(w->comments, id);

	plain_headline(&head, body);
	if (!strcmp(js_str(w->comments, id), head.text) || (begun && !final))
		return;
	json_object_set_new(w->comments, id, json_string(head.text));
	say_line(BOT,
		 red	 ? TONE_BAD
		 : final ? TONE_GOOD
			 : TONE_PLAIN,
		 "%s its comment on %s: %s", begun ? "edits" : "writes", place,
		 head.text);
	if (!red || !strcmp(w->red, head.text))
		return;
	/* Others on board are told the same at less length. */
	snprintf(w->red, sizeof(w->red), "%s", head.text);
	plain_text(&text, body);
	rest = text.text + head.len;
	say_more(TONE_PLAIN, rest + strspn(rest, "\n"));
}

static void show_comment(struct watch *w, const json_t *event)
{
	const char *body = js_str(event, "body"), *user = js_str(event, "user");
	CLEANUP(free) char *id = str_format("%" PRId64, js_int(event, "id", 0));
	CLEANUP(str_release) struct str text = STR_INIT(64u << 10);
	char place[200];

	remember(w, event, place, sizeof(place));
	if (id && strstr(body, "<!-- kcibot:sticky ")) {
		show_sticky(w, place, id, body);
		return;
	}
	plain_text(&text, body);
	if (id)
		json_object_set_new(w->comments, id, json_string(text.text));
	say_line(user, TONE_PLAIN, "%s on %s",
		 strcmp(js_str(event, "type"), "comment") ? "edits" : "writes",
		 place);
	say_more(TONE_PLAIN, text.text);
}

static const struct {
	const char *type;
	void (*show)(struct watch *w, const json_t *event);
} shows[] = {
	{"pull", show_pull},	   {"push", show_push},
	{"status", show_status},   {"reaction", show_reaction},
	{"comment", show_comment}, {"comment_edited", show_comment},
};

static bool has(const char *wanted, const char *text)
{
	return !wanted || strstr(text, wanted);
}

static bool is(const char *wanted, const char *text)
{
	return !wanted || !strcmp(wanted, text);
}

/* Everything but the state of a status. */
static bool concerns(const struct wish *h, const json_t *event)
{
	return str_starts(js_str(event, "type"), h->type) &&
	       is(h->sha, js_str(event, "sha")) &&
	       is(h->repo, js_str(event, "repo")) &&
	       has(h->text, js_str(event, "body")) &&
	       is(h->content, js_str(event, "content")) &&
	       (!h->ref || str_starts(js_str(event, "ref"), h->ref)) &&
	       (!h->comment || h->comment == js_int(event, "comment", 0)) &&
	       (!h->number || h->number == js_int(event, "number", 0));
}

static enum err grant(struct wish *wishes, size_t count, const json_t *event,
		      struct error *e)
{
	const char *state = js_str(event, "state");

	for (size_t i = 0; i < count; i++) {
		if (!concerns(&wishes[i], event))
			continue;
		if (is(wishes[i].state, state))
			wishes[i].seen = true;
		else if (strcmp(state, "pending") != 0)
			return error_set(e, ERR_INVALID,
					 "the status became %s (%s), not %s",
					 state, js_str(event, "description"),
					 wishes[i].state);
	}
	return ERR_OK;
}

/* What happened since; waits a moment for something to happen. */
static enum err look(struct watch *w, struct wish *wishes, size_t count,
		     bool *ret_any, struct error *e)
{
	CLEANUP(free)
	char *path = str_format("/_sandbox/log?after=%" PRId64 "&timeout=%d",
				w->after, POLL_MS);
	CLEANUP(json_decref)
	json_t *events = path ? sbc_get(w->stage->forge, path) : NULL;
	enum err rc = ERR_OK;
	json_t *event;
	size_t i;

	if (stage_interrupted)
		return error_set(e, ERR_CONFLICT, "interrupted");
	if (!events)
		return error_set(e, ERR_FATAL, "the forge ended");
	json_array_foreach (events, i, event) {
		for (size_t j = 0; j < ARRAY_SIZE(shows); j++)
			if (!strcmp(shows[j].type, js_str(event, "type")))
				shows[j].show(w, event);
		if (!rc)
			rc = grant(wishes, count, event, e);
		w->after = js_int(event, "seq", w->after);
	}
	*ret_any = json_array_size(events) > 0;
	if (!rc && child_ended(&w->stage->bot))
		return error_set(e, ERR_FATAL, "the bot ended");
	return rc;
}

void watch_skip(struct watch *w)
{
	CLEANUP(json_decref)
	json_t *events = sbc_get(w->stage->forge, "/_sandbox/log?after=0");
	size_t n = json_array_size(events);

	if (n)
		w->after = js_int(json_array_get(events, n - 1), "seq", 0);
}

static const char *missing(const struct wish *wishes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!wishes[i].seen)
			return wishes[i].type;
	return NULL;
}

enum err watch_until(struct watch *w, struct wish *wishes, size_t count,
		     struct error *e)
{
	int64_t now = clock_mono(&clock_system), end = now + SBC_WAIT_MS;
	int64_t last = now;
	const char *what;
	bool any;

	while ((what = missing(wishes, count)) || now - last < QUIET_MS) {
		if (now > end)
			return error_set(
				e, ERR_RETRY, "no such %s came within %d s",
				what ? what : "quiet", SBC_WAIT_MS / 1000);
		if (look(w, wishes, count, &any, e))
			return e->code;
		now = clock_mono(&clock_system);
		if (any)
			last = now;
	}
	return ERR_OK;
}

enum err watch_on(struct watch *w, bool (*done)(void), struct error *e)
{
	bool any;

	while (!done())
		if (look(w, NULL, 0, &any, e))
			return e->code;
	return ERR_OK;
}
