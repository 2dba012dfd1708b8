/* The answer to `plan`: what would go where, in which order, and when. */
#include <string.h>

#include "bot/render.h"
#include "bot/sticky.h"
#include "bot/view_parts.h"

#define TITLE_BYTES 60
#define REASON_BYTES 200

static bool is(const json_t *value, const char *path, const char *want)
{
	return strcmp(js_str(value, path), want) == 0;
}

static void add_moment(struct str *out, const char *word, int64_t at_ms,
		       int64_t now_ms)
{
	if (at_ms <= now_ms)
		return;
	str_addf(out, "%s ", word);
	part_moment(out, at_ms, now_ms);
}

static void add_action(struct str *out, const json_t *when, int64_t now_ms)
{
	int64_t at = js_int(when, "at_ms", 0);

	if (is(when, "action", "start")) {
		str_addf(out, "starts a %s at once", js_str(when, "kind"));
	} else if (is(when, "action", "restart")) {
		str_addf(out, "restarts the running cycle as a %s",
			 js_str(when, "kind"));
	} else if (is(when, "action", "wait")) {
		str_puts(out, "waits");
		add_moment(out, " until", at, now_ms);
		str_puts(out, ": ");
		sticky_text(out, js_str(when, "why"), REASON_BYTES);
	} else {
		str_puts(out, "nothing happens");
		add_moment(out, " before", at, now_ms);
	}
}

static void add_when(struct str *out, const json_t *forecast)
{
	int64_t now = js_int(forecast, "at_ms", 0);
	const json_t *trigger = js_get(forecast, "trigger");

	str_puts(out, "- `deploy` now: ");
	add_action(out, js_get(forecast, "deploy"), now);
	str_puts(out, "\n- `trigger` now: ");
	add_action(out, trigger, now);
	if (!is(trigger, "kind", "full") && !is(trigger, "action", "wait") &&
	    js_int(trigger, "full_ms", 0) > now)
		add_moment(out, ", the full follows at",
			   js_int(trigger, "full_ms", 0), now);
	str_puts(out, "\n- If nobody says anything: ");
	add_action(out, js_get(forecast, "alone"), now);
	str_putc(out, '\n');
}

static void add_stages(struct str *out, const json_t *forecast,
		       const char *kind)
{
	json_t *stage;
	size_t i;

	str_addf(out, "- Stages of a %s: ", kind);
	json_array_foreach (js_get(forecast, kind), i, stage) {
		str_puts(out, i ? ", " : "");
		sticky_text(out, json_string_value(stage), TITLE_BYTES);
	}
	str_putc(out, '\n');
}

/* What git says of one revision of a project; NULL = nothing. */
static const json_t *merge_of(const json_t *fact, size_t project,
			      int64_t number)
{
	const json_t *merged =
		json_array_get(json_object_get(fact, "projects"), project);
	json_t *rev;
	size_t i;

	json_array_foreach (js_get(merged, "revisions"), i, rev)
		if (js_int(rev, "number", 0) == number)
			return rev;
	return NULL;
}

static void add_result(struct str *out, const json_t *rev, const json_t *merge)
{
	const char *result = js_str(merge, "result");

	if (is(merge, "result", "merged"))
		str_puts(out,
			 js_bool(rev, "new", false) ? "merges, new" : "merges");
	else if (*result)
		sticky_text(out, sticky_result(result), REASON_BYTES);
	else
		str_puts(out, "not tried");
	if (*js_str(merge, "reason")) {
		str_puts(out, ": ");
		sticky_text(out, js_str(merge, "reason"), REASON_BYTES);
	}
}

static size_t add_project(struct str *out, const json_t *view,
			  const json_t *fact, size_t index,
			  const json_t *project, size_t row)
{
	json_t *rev;
	size_t i;

	json_array_foreach (js_get(project, "revisions"), i, rev) {
		json_object_set(rev, "repo", js_get(project, "repo"));
		if (!row++)
			str_puts(out, "\n| | Pull request | Revision | Title | "
				      "Result |\n|--:|:--|:--|:--|:--|\n");
		str_addf(out, "| %zu | ", row);
		part_pull_link(out, view, rev);
		str_puts(out, " | ");
		part_sha(out, js_str(rev, "sha"), 12);
		str_puts(out, " | ");
		sticky_text(out, js_str(rev, "title"), TITLE_BYTES);
		str_puts(out, " | ");
		add_result(out, rev,
			   merge_of(fact, index, js_int(rev, "number", 0)));
		str_puts(out,
			 part_is_own(view, rev) ? " (this one) |\n" : " |\n");
	}
	return row;
}

static void add_batch(struct str *out, const json_t *view, const json_t *fact)
{
	json_t *project;
	size_t i, rows = 0;

	json_array_foreach (js_get(fact, "forecast.projects"), i, project)
		rows = add_project(out, view, fact, i, project, rows);
	if (!rows)
		str_puts(out, "\nNo pull request would go: the base branches "
			      "alone.\n");
}

static void add_out(struct str *out, const json_t *view, const json_t *forecast)
{
	int64_t more = js_int(forecast, "out_count", 0);
	json_t *one;
	size_t i;

	json_array_foreach (js_get(forecast, "out"), i, one) {
		if (!i)
			str_puts(out, "\nStays out:\n\n");
		str_puts(out, "- ");
		part_pull_link(out, view, one);
		str_puts(out, ": ");
		render_prose(out, js_str(one, "why"));
		str_putc(out, '\n');
	}
	more -= (int64_t)json_array_size(js_get(forecast, "out"));
	if (more > 0)
		str_addf(out, "- and %lld more\n", (long long)more);
}

void render_plan(struct str *out, const json_t *view, const json_t *fact)
{
	const json_t *forecast = js_get(fact, "forecast");

	str_puts(out, "**");
	render_inline(out, js_str(forecast, "environment"));
	str_puts(out, "**, a dry run; nothing was changed.\n");
	if (*js_str(forecast, "standing")) {
		str_puts(out, "This pull request would not go along: ");
		render_prose(out, js_str(forecast, "standing"));
		str_puts(out, ".\n");
	}
	if (*js_str(forecast, "may_need"))
		str_addf(out,
			 "I have not looked yet at which files it changes: "
			 "some need the word of %s.\n",
			 js_str(forecast, "may_need"));
	str_putc(out, '\n');
	add_when(out, forecast);
	add_stages(out, forecast, "short");
	add_stages(out, forecast, "full");
	if (*js_str(fact, "error")) {
		str_puts(out, "- The merge could not be tried: ");
		sticky_text(out, js_str(fact, "error"), REASON_BYTES);
		str_putc(out, '\n');
	}
	add_batch(out, view, fact);
	add_out(out, view, forecast);
}
