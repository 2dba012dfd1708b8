/*
 * The one sentence: where does this pull request stand?  As plain text; the
 * callers make it inert.
 */
#include "bot/render.h"

#include <string.h>
#include <strings.h>

#include "bot/base/clock.h"
#include "bot/view_parts.h"

static const char *or_else(const char *text, const char *otherwise)
{
	return *text ? text : otherwise;
}

static bool is(const json_t *view, const char *path, const char *value)
{
	return strcmp(js_str(view, path), value) == 0;
}

static void add_others(struct str *out, const json_t *view)
{
	size_t others = 0, i;
	json_t *rev;

	json_array_foreach (js_get(view, "cycle.revisions"), i, rev)
		if (is(rev, "result", "merged") && !part_is_own(view, rev))
			others++;
	if (others == 0)
		str_puts(out, ", alone");
	else
		str_addf(out, " with %zu other pull request%s", others,
			 others == 1 ? "" : "s");
}

/* "stage build, job build-api" of the first that failed; false when none. */
static bool add_failed(struct str *out, const json_t *view)
{
	const json_t *stage = part_failed(js_get(view, "cycle.stages"));
	const json_t *job = part_failed(js_get(stage, "jobs"));

	if (!stage)
		return false;
	str_addf(out, "stage %s", js_str(stage, "name"));
	if (job)
		str_addf(out, ", job %s", js_str(job, "name"));
	return true;
}

static void add_cycle(struct str *out, const json_t *view)
{
	str_addf(out, "%s, cycle %lld", part_kind(view),
		 (long long)js_int(view, "cycle.id", 0));
}

static void say_success(struct str *out, const json_t *view)
{
	str_addf(out, "deployed %s in cycle %lld", part_kind(view),
		 (long long)js_int(view, "cycle.id", 0));
	add_others(out, view);
}

static void say_failure(struct str *out, const json_t *view)
{
	str_puts(out, "failed");
	if (js_get(view, "cycle.stages")) {
		CLEANUP(str_release) struct str where = STR_INIT(1024);

		if (add_failed(&where, view))
			str_addf(out, " in %s", where.text);
		str_inherit(out, &where);
	}
	str_puts(out, " (");
	add_cycle(out, view);
	str_putc(out, ')');
}

static void say_error(struct str *out, const json_t *view)
{
	CLEANUP(str_release) struct str where = STR_INIT(1024);

	str_puts(out, "not deployed, something went wrong");
	if (add_failed(&where, view))
		str_addf(out, " in %s", where.text);
	str_inherit(out, &where);
	str_puts(out, " (");
	add_cycle(out, view);
	str_puts(out, "); no pull request is blamed");
}

/* What the text says of the future is past as soon as there is a cycle that
 * puts the environment back. */
static void say_cancelled(struct str *out, const json_t *view)
{
	const json_t *cycle = js_get(view, "cycle");
	const char *text = js_str(cycle, "text"), *end = strchr(text, ';');
	CLEANUP(str_release) struct str back = STR_INIT(512);
	bool by_hand = is(view, "cycle.reason_code", "cancelled");

	if (by_hand && part_put_back(&back, cycle) && end)
		str_addf(out, "%.*s; %s", (int)(end - text), text, back.text);
	else
		str_puts(out, by_hand && *text ? text : "cancelled");
	str_inherit(out, &back);
	str_puts(out, " (");
	add_cycle(out, view);
	str_putc(out, ')');
}

static void say_inconclusive(struct str *out, const json_t *view)
{
	str_puts(out, "no clear result (");
	add_cycle(out, view);
	str_putc(out, ')');
}

static void say_running(struct str *out, const json_t *view)
{
	CLEANUP(str_release) struct str what = STR_INIT(1024);

	part_progress(&what, view);
	str_addf(out, "%s deploy runs in cycle %lld: %s", part_kind(view),
		 (long long)js_int(view, "cycle.id", 0), what.text);
	str_inherit(out, &what);
	if (js_get(view, "eta")) {
		str_puts(out, ", takes ");
		part_eta(out, js_get(view, "eta"));
	}
}

static void say_staged(struct str *out, const json_t *view)
{
	str_addf(out, "deployed %s since ",
		 or_else(js_str(view, "on_staging.kind"), "short"));
	part_moment(out, js_int(view, "on_staging.since_ms", 0),
		    js_int(view, "now_ms", 0));
}

/* The short is done; the full that was asked for with it has to wait. */
static bool say_booked(struct str *out, const json_t *view)
{
	const json_t *request = json_array_get(js_get(view, "requests"), 0);

	if (!is(request, "state", "booked") || !part_is_staged(view))
		return false;
	say_staged(out, view);
	str_puts(out, "; full booked for ");
	part_moment(out, js_int(view, "at_ms", 0), js_int(view, "now_ms", 0));
	return true;
}

static void say_waiting(struct str *out, const json_t *view)
{
	int64_t now = js_int(view, "now_ms", 0);
	int64_t at = js_int(view, "at_ms", 0);

	if (say_booked(out, view))
		return;
	str_puts(out, "waiting");
	if (at > now) {
		str_puts(out, " until ");
		part_moment(out, at, now);
		str_puts(out, " (");
		time_span(out, at - now);
		str_puts(out, " from now)");
	}
	str_addf(out, ": %s", or_else(js_str(view, "why"), "in the queue"));
	if (js_get(view, "eta")) {
		str_puts(out, "; then ");
		part_eta(out, js_get(view, "eta"));
	}
}

/* The revision of this pull request that staging has now, or NULL. */
static const json_t *staged(const json_t *view)
{
	return part_own(view, js_get(view, "on_staging.revisions"));
}

static void say_idle(struct str *out, const json_t *view)
{
	const json_t *on = staged(view);
	const char *why = js_str(view, "why");

	if (on && is(on, "sha", js_str(view, "head_sha"))) {
		say_staged(out, view);
	} else if (on) {
		str_puts(out, "an older revision is deployed");
	} else {
		str_puts(out, "not deployed");
	}
	if (*why)
		str_addf(out, ": %s", why);
}

static void say_left_out(struct str *out, const json_t *view, const json_t *own)
{
	str_addf(out, "left out of cycle %lld: %s",
		 (long long)js_int(view, "cycle.id", 0),
		 or_else(js_str(own, "reason"),
			 or_else(js_str(own, "result"), "no reason given")));
}

/* Staging has it as before; the cycle was about what others brought. */
static void say_bystander(struct str *out, const json_t *view)
{
	const json_t *only = part_only_new(view);
	const char *name = strrchr(js_str(only, "repo"), '/');
	CLEANUP(str_release) struct str where = STR_INIT(1024);

	say_staged(out, view);
	str_addf(out, "; cycle %lld failed with ",
		 (long long)js_int(view, "cycle.id", 0));
	if (only)
		str_addf(out, "%s#%lld", name ? name + 1 : "",
			 (long long)js_int(only, "number", 0));
	else
		str_puts(out, "what others brought");
	if (add_failed(&where, view))
		str_addf(out, " (%s)", where.text);
	str_inherit(out, &where);
}

static void say_verdict(struct str *out, const json_t *view, const json_t *own)
{
	static const struct {
		const char *verdict;
		void (*say)(struct str *out, const json_t *view);
	} verdicts[] = {
		{"success", say_success},
		{"failure", say_failure},
		{"error", say_error},
		{"cancelled", say_cancelled},
		{"inconclusive", say_inconclusive},
	};

	if (own && !is(own, "result", "merged") && *js_str(own, "result")) {
		say_left_out(out, view, own);
		return;
	}
	if (part_is_bystander(view)) {
		say_bystander(out, view);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		if (is(view, "cycle.verdict", verdicts[i].verdict)) {
			verdicts[i].say(out, view);
			return;
		}
	}
	say_idle(out, view);
}

static void say_left(struct str *out, const json_t *view, const json_t *own)
{
	const char *why = js_str(view, "why");

	str_addf(out, "%s deployed in cycle %lld, and is not any more",
		 is(own, "sha", js_str(view, "head_sha"))
			 ? "was"
			 : "an older revision was",
		 (long long)js_int(view, "cycle.id", 0));
	if (*why)
		str_addf(out, ": %s", why);
}

/* What became of an older revision says nothing of the head. */
static void say_done(struct str *out, const json_t *view)
{
	const json_t *own = part_own(view, js_get(view, "cycle.revisions"));
	const char *head = js_str(view, "head_sha"), *why = js_str(view, "why");

	if (part_has_left(view)) {
		say_left(out, view, own);
		return;
	}
	say_verdict(out, view, own);
	if (own && *head && *why && !is(own, "sha", head))
		str_addf(out, "; the head `%.12s` is not deployed: %s", head,
			 why);
}

void render_headline(struct str *out, const json_t *view)
{
	if (is(view, "pull_state", "merged") ||
	    is(view, "pull_state", "closed"))
		str_addf(out, "this pull request is %s; ",
			 js_str(view, "pull_state"));
	if (is(view, "state", "running"))
		say_running(out, view);
	else if (is(view, "state", "waiting"))
		say_waiting(out, view);
	else if (is(view, "state", "done"))
		say_done(out, view);
	else
		say_idle(out, view);
}
