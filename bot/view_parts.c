#include "bot/view_parts.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "bot/base/clock.h"

static bool is(const json_t *value, const char *path, const char *want)
{
	return strcmp(js_str(value, path), want) == 0;
}

bool part_is_own(const json_t *view, const json_t *revision)
{
	return js_int(revision, "number", -1) == js_int(view, "number", 0) &&
	       strcasecmp(js_str(revision, "repo"), js_str(view, "repo")) == 0;
}

const json_t *part_own(const json_t *view, const json_t *revisions)
{
	json_t *rev;
	size_t i;

	json_array_foreach (revisions, i, rev)
		if (part_is_own(view, rev))
			return rev;
	return NULL;
}

const json_t *part_only_new(const json_t *view)
{
	const json_t *ret = NULL;
	json_t *rev;
	size_t i;

	json_array_foreach (js_get(view, "cycle.revisions"), i, rev) {
		if (!js_bool(rev, "new", false) || !is(rev, "result", "merged"))
			continue;
		if (ret)
			return NULL;
		ret = rev;
	}
	return ret;
}

bool part_is_staged(const json_t *view)
{
	const json_t *own =
		part_own(view, js_get(view, "on_staging.revisions"));

	return own && is(own, "sha", js_str(view, "head_sha"));
}

bool part_has_left(const json_t *view)
{
	const json_t *own = part_own(view, js_get(view, "cycle.revisions"));
	const json_t *on = js_get(view, "on_staging");

	return is(view, "state", "done") &&
	       is(view, "cycle.verdict", "success") &&
	       is(own, "result", "merged") && json_is_object(on) &&
	       js_int(on, "cycle", 0) > js_int(view, "cycle.id", 0) &&
	       !part_own(view, js_get(on, "revisions"));
}

bool part_is_bystander(const json_t *view)
{
	const json_t *own = part_own(view, js_get(view, "cycle.revisions"));
	json_t *rev;
	size_t i;

	if (!is(view, "state", "done") || is(view, "cycle.verdict", "success"))
		return false;
	if (!own || !is(own, "result", "merged") || js_bool(own, "new", false))
		return false;
	json_array_foreach (js_get(view, "cycle.revisions"), i, rev)
		if (js_bool(rev, "new", false) && is(rev, "result", "merged"))
			return part_is_staged(view);
	return false;
}

bool part_failed_state(const json_t *item)
{
	return is(item, "state", "failure") || is(item, "state", "error");
}

const json_t *part_failed(const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (is(item, "state", "failure") || is(item, "state", "error"))
			return item;
	return NULL;
}

const char *part_kind(const json_t *view)
{
	const json_t *request = json_array_get(js_get(view, "requests"), 0);

	if (*js_str(view, "cycle.kind") && !is(view, "state", "waiting"))
		return is(view, "cycle.kind", "full") ? "full" : "short";
	if (is(request, "kind", "auto"))
		return "short or full";
	return is(request, "kind", "full") ? "full" : "short";
}

static void add_manifest(struct str *out, const char *tag, int64_t number)
{
	if (*tag)
		str_addf(out, "manifest `%s`", tag);
	else
		str_addf(out, "the manifest of cycle %lld", (long long)number);
}

static void add_retry(struct str *out, const json_t *cycle)
{
	int64_t first = js_int(cycle, "first_stage", 0);
	const char *why = js_str(cycle, "whole_why");
	const json_t *stage =
		first > 0
			? json_array_get(js_get(cycle, "stages"), (size_t)first)
			: NULL;

	str_addf(out, "retry of cycle %lld",
		 (long long)js_int(cycle, "of_cycle", 0));
	if (stage)
		str_addf(out, ", from stage %s on", js_str(stage, "name"));
	else if (*why)
		str_addf(out, ", all stages, because %s", why);
}

bool part_purpose(struct str *out, const json_t *cycle)
{
	if (is(cycle, "purpose", "retry")) {
		add_retry(out, cycle);
		return true;
	}
	if (!is(cycle, "purpose", "rollback"))
		return false;
	str_addf(out,
		 "puts the last green deploy back after cycle %lld was "
		 "cancelled",
		 (long long)js_int(cycle, "of_cycle", 0));
	return true;
}

bool part_put_back(struct str *out, const json_t *cycle)
{
	const json_t *back = js_get(cycle, "put_back");
	bool ended = is(back, "state", "finished");

	if (!json_is_object(back))
		return false;
	if (ended && !is(back, "verdict", "success")) {
		str_addf(out,
			 "putting %s back failed in cycle %lld, so what is "
			 "there is not green",
			 js_str(cycle, "environment"),
			 (long long)js_int(back, "cycle", 0));
		return true;
	}
	str_addf(out, "%s %s put back to ", js_str(cycle, "environment"),
		 ended ? "was" : "is being");
	add_manifest(out, js_str(back, "tag"), js_int(back, "manifest", 0));
	str_addf(out, " by cycle %lld", (long long)js_int(back, "cycle", 0));
	return true;
}

void part_progress(struct str *out, const json_t *view)
{
	const json_t *stages = js_get(view, "cycle.stages");
	const char *state = js_str(view, "cycle.state");
	json_t *stage;
	size_t i;

	json_array_foreach (stages, i, stage) {
		if (is(stage, "state", "running")) {
			str_addf(out, "%sstage %s (%zu of %zu)",
				 is(view, "cycle.drain.state", "running")
					 ? "drains before "
					 : "",
				 js_str(stage, "name"), i + 1,
				 json_array_size(stages));
			return;
		}
	}
	str_puts(out,
		 *state && strcmp(state, "running") != 0 ? state : "starting");
}

void part_drain(struct str *out, const json_t *drain, int64_t now_ms)
{
	int64_t full = js_int(drain, "full_until_ms", 0);

	if (!is(drain, "state", "running")) {
		str_puts(out, *js_str(drain, "text") ? js_str(drain, "text")
						     : js_str(drain, "state"));
		return;
	}
	str_puts(out, "waits for what still runs, until ");
	part_moment(out, js_int(drain, "until_ms", 0), now_ms);
	str_puts(out, " at the latest");
	if (full) {
		str_puts(out, ", or ");
		part_moment(out, full, now_ms);
		str_puts(out, " while that may be work of the last full cycle");
	}
	str_puts(out, "; then the deploy goes on");
}

void part_moment(struct str *out, int64_t ms, int64_t now_ms)
{
	time_t t = (time_t)(ms / 1000);
	bool same_day = ms / 86400000 == now_ms / 86400000;
	char text[40];
	struct tm tm;

	if (gmtime_r(&t, &tm) &&
	    strftime(text, sizeof(text),
		     same_day ? "%H:%M UTC" : "%-d %b %H:%M UTC", &tm))
		str_puts(out, text);
}

void part_eta(struct str *out, const json_t *eta)
{
	int64_t low = js_int(eta, "p50_ms", 0) / 60000;
	int64_t high = (js_int(eta, "p90_ms", 0) + 59999) / 60000;

	if (high <= 1) {
		str_puts(out, "about a minute");
	} else if (low == high || !low) {
		str_puts(out, "about ");
		time_span(out, high * 60000);
	} else if (high < 120) {
		str_addf(out, "about %lld to %lld min", (long long)low,
			 (long long)high);
	} else {
		str_puts(out, "about ");
		time_span(out, low * 60000);
		str_puts(out, " to ");
		time_span(out, high * 60000);
	}
}

void part_frozen(struct str *out, const json_t *view)
{
	int64_t until = js_int(view, "frozen_until_ms", 0);

	if (until) {
		str_puts(out, "until ");
		part_moment(out, until, js_int(view, "now_ms", 0));
		str_puts(out, ": ");
	}
	str_puts(out, js_str(view, "frozen_why"));
}
