/*
 * The sticky comment, top down: what matters to a busy maintainer stands in
 * the first line, evidence further down.  Each section adds nothing when the
 * view has nothing for it.
 */
#include "bot/render.h"

#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/limits.h"
#include "bot/view_parts.h"

/* How much is shown; tried in this order until it fits into a comment. */
static const struct room {
	size_t tails;	   /* logs */
	size_t tail_bytes; /* of each, its end */
	size_t rows;	   /* of each list */
	size_t text_bytes; /* of each reason, title or name */
} rooms[] = {
	{6, LIMIT_JOB_TAIL_BYTES, 200, 400},
	{2, 1500, 200, 400},
	{0, 0, 200, 200},
	{0, 0, 30, 100},
	{0, 0, 5, 40},
};

static bool is(const json_t *value, const char *path, const char *want)
{
	return strcmp(js_str(value, path), want) == 0;
}

/* Inert, cut with an ellipsis. */
static void add_text(struct str *out, const char *text, size_t max)
{
	CLEANUP(str_release) struct str s = STR_INIT(max);
	size_t len = strlen(text);

	str_add(&s, text, str_utf8_cut(text, len, max));
	render_inline(out, s.text);
	if (len > max)
		str_puts(out, "\xe2\x80\xa6");
}

static const char *icon(const char *state)
{
	static const struct {
		const char *state, *icon;
	} icons[] = {
		{"success", "\xe2\x9c\x85 "},		/* check mark */
		{"failure", "\xe2\x9d\x8c "},		/* cross */
		{"error", "\xe2\x9a\xa0\xef\xb8\x8f "}, /* warning */
		{"running", "\xe2\x8f\xb3 "},		/* hourglass */
		{"waiting", "\xe2\x8f\xb3 "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(icons); i++)
		if (strcmp(icons[i].state, state) == 0)
			return icons[i].icon;
	return "";
}

/* What the whole comes down to, for its icon. */
static const char *outcome(const json_t *view)
{
	const json_t *own = part_own(view, js_get(view, "cycle.revisions"));

	if (!is(view, "state", "done"))
		return js_str(view, "state");
	if (own && *js_str(own, "result") && !is(own, "result", "merged"))
		return "error";
	return js_str(view, "cycle.verdict");
}

static void add_headline(struct str *out, const json_t *view,
			 const struct room *room)
{
	CLEANUP(str_release) struct str s = STR_INIT(2048);

	render_headline(&s, view);
	str_addf(out, "%s**", icon(outcome(view)));
	render_inline(out, js_str(view, "environment"));
	str_puts(out, ": ");
	add_text(out, s.text, 2 * room->text_bytes);
	str_puts(out, "**\n\n");
}

/* Whom to look at, if anybody: only a single new revision can be it. */
static void add_blame(struct str *out, const json_t *view)
{
	const json_t *only = part_only_new(view);

	if (!is(view, "state", "done") || !is(view, "cycle.verdict", "failure"))
		return;
	if (!only) {
		str_puts(out, "The cause is not known: several revisions were "
			      "new.\n\n");
		return;
	}
	if (part_is_own(view, only))
		str_puts(out, "This is the only revision that was new.\n\n");
	else {
		str_puts(out, "The only revision that was new is ");
		part_pull_link(out, view, only);
		str_puts(out, ".\n\n");
	}
}

static void add_reason(struct str *out, const json_t *view,
		       const struct room *room)
{
	const char *text = js_str(view, "cycle.text");
	const char *code = js_str(view, "cycle.reason_code");

	if (!is(view, "state", "done") || is(view, "cycle.verdict", "success"))
		return;
	add_blame(out, view);
	if (!*text)
		return;
	add_text(out, text, 2 * room->text_bytes);
	if (*code) {
		str_puts(out, " (");
		add_text(out, code, room->text_bytes);
		str_putc(out, ')');
	}
	str_puts(out, "\n\n");
}

static void add_line(struct str *out, const char *label)
{
	str_addf(out, "- **%s:** ", label);
}

static void add_revision(struct str *out, const json_t *view)
{
	if (!*js_str(view, "head_sha"))
		return;
	add_line(out, "Revision");
	part_sha(out, js_str(view, "head_sha"), 40);
	if (js_bool(view, "draft", false))
		str_puts(out, ", a draft");
	str_putc(out, '\n');
}

static void add_cycle_facts(struct str *out, const json_t *view,
			    const struct room *room)
{
	int64_t now = js_int(view, "now_ms", 0);
	int64_t from = js_int(view, "cycle.started_ms", 0);
	int64_t to = js_int(view, "cycle.finished_ms", 0);
	int64_t restarts = js_int(view, "cycle.restarts", 0);

	if (!js_get(view, "cycle"))
		return;
	add_line(out, is(view, "state", "waiting") ? "Last deploy" : "Deploy");
	part_cycle_link(out, view, js_int(view, "cycle.id", 0));
	if (*js_str(view, "cycle.kind")) {
		str_puts(out, ", ");
		add_text(out, js_str(view, "cycle.kind"), room->text_bytes);
	}
	if (from) {
		str_puts(out, ", started ");
		part_time(out, from, now);
	}
	if (from && to >= from) {
		str_puts(out, ", took ");
		time_span(out, to - from);
	}
	if (restarts > 0)
		str_addf(out, ", restarted %s",
			 restarts == 1 ? "once" : "more than once");
	if (*js_str(view, "cycle.tag")) {
		str_puts(out, ", tag ");
		render_code(out, js_str(view, "cycle.tag"));
	}
	str_putc(out, '\n');
}

static void add_request(struct str *out, const json_t *view,
			const json_t *request, const struct room *room)
{
	int64_t now = js_int(view, "now_ms", 0);
	int64_t at = js_int(request, "at_ms", 0);
	const char *by = js_str(request, "by");
	bool automatic = is(request, "kind", "auto");

	add_text(out, automatic ? "automatic" : js_str(request, "kind"),
		 room->text_bytes);
	if (*by) {
		str_puts(out, " by ");
		add_text(out, by, room->text_bytes);
	}
	if (*js_str(request, "origin") && !is(request, "origin", "command")) {
		str_puts(out, " (");
		add_text(out, js_str(request, "origin"), room->text_bytes);
		str_putc(out, ')');
	}
	if (*js_str(request, "state")) {
		str_puts(out, ", ");
		add_text(out, js_str(request, "state"), room->text_bytes);
	}
	if (at > now) {
		str_puts(out, " for ");
		part_time(out, at, now);
	}
}

static void add_requests(struct str *out, const json_t *view,
			 const struct room *room)
{
	const json_t *all = js_get(view, "requests");
	json_t *request;
	size_t i;

	if (!json_array_size(all))
		return;
	add_line(out, "Asked for");
	json_array_foreach(all, i, request)
	{
		if (i == room->rows)
			break;
		str_puts(out, i ? "; " : "");
		add_request(out, view, request, room);
	}
	str_putc(out, '\n');
}

static void add_passed(struct str *out, const json_t *view, const char *kind,
		       const char *path, bool *first)
{
	int64_t ms = js_int(view, path, 0);

	if (!ms)
		return;
	if (*first)
		add_line(out, "Passed with this revision");
	str_addf(out, "%s%s ", *first ? "" : ", ", kind);
	part_time(out, ms, js_int(view, "now_ms", 0));
	*first = false;
}

static void add_result(struct str *out, const json_t *view)
{
	bool first = true;

	add_passed(out, view, "short", "result.short_ok_ms", &first);
	add_passed(out, view, "full", "result.full_ok_ms", &first);
	if (!first)
		str_putc(out, '\n');
}

static void add_on_staging(struct str *out, const json_t *view,
			   const struct room *room)
{
	const json_t *on = js_get(view, "on_staging");
	const json_t *own = part_own(view, js_get(on, "revisions"));
	int64_t cycle = js_int(on, "cycle", 0);

	if (!on || (is(view, "cycle.verdict", "success") &&
		    cycle == js_int(view, "cycle.id", 0)))
		return;
	add_line(out, "On staging now");
	part_cycle_link(out, view, cycle);
	str_puts(out, ", ");
	add_text(out, js_str(on, "kind"), room->text_bytes);
	if (!own)
		str_puts(out, ", without this pull request");
	else if (is(own, "sha", js_str(view, "head_sha")))
		str_puts(out, ", with this revision");
	else {
		str_puts(out, ", with the older revision ");
		part_sha(out, js_str(own, "sha"), 12);
	}
	str_putc(out, '\n');
}

static void add_facts(struct str *out, const json_t *view,
		      const struct room *room)
{
	add_revision(out, view);
	add_cycle_facts(out, view, room);
	add_on_staging(out, view, room);
	add_requests(out, view, room);
	add_result(out, view);
}

static void add_job(struct str *out, const json_t *job, const struct room *room)
{
	str_puts(out, icon(js_str(job, "state")));
	add_text(out, js_str(job, "name"), room->text_bytes);
	if (part_failed_state(job) && *js_str(job, "text")) {
		str_puts(out, " (");
		add_text(out, js_str(job, "text"), room->text_bytes);
		str_putc(out, ')');
	}
}

static void add_stage(struct str *out, const json_t *stage,
		      const struct room *room)
{
	int64_t ms = js_int(stage, "ms", 0);
	json_t *job;
	size_t i;

	str_puts(out, "| ");
	add_text(out, js_str(stage, "name"), room->text_bytes);
	str_addf(out, " | %s", icon(js_str(stage, "state")));
	add_text(out, js_str(stage, "state"), room->text_bytes);
	str_puts(out, " | ");
	if (ms > 0)
		time_span(out, ms);
	str_puts(out, " | ");
	json_array_foreach(js_get(stage, "jobs"), i, job)
	{
		if (i == room->rows)
			break;
		str_puts(out, i ? "<br>" : "");
		add_job(out, job, room);
	}
	str_puts(out, " |\n");
}

static void add_stages(struct str *out, const json_t *view,
		       const struct room *room)
{
	const json_t *stages = js_get(view, "cycle.stages");
	json_t *stage;
	size_t i;

	if (!json_array_size(stages))
		return;
	str_puts(out, "\n| Stage | Result | Time | Jobs |\n"
		      "|:--|:--|--:|:--|\n");
	json_array_foreach(stages, i, stage)
	{
		if (i == room->rows)
			break;
		add_stage(out, stage, room);
	}
}

static void add_log(struct str *out, const json_t *job, const struct room *room)
{
	const char *tail = js_str(job, "tail");
	size_t len = strlen(tail);

	if (len > room->tail_bytes) {
		tail += len - room->tail_bytes;
		/* Not in the middle of a character. */
		while ((*tail & 0xc0) == 0x80)
			tail++;
	}
	str_puts(out, "\n<details><summary>Log of job ");
	add_text(out, js_str(job, "name"), room->text_bytes);
	str_puts(out, ", its end</summary>\n\n");
	render_block(out, tail);
	str_puts(out, "\n</details>\n");
}

static void add_logs(struct str *out, const json_t *view,
		     const struct room *room)
{
	json_t *stage, *job;
	size_t i, j, shown = 0;

	json_array_foreach(js_get(view, "cycle.stages"), i, stage)
		json_array_foreach(js_get(stage, "jobs"), j,
				   job) if (part_failed_state(job) &&
					    *js_str(job, "tail") &&
					    shown < room->tails)
	{
		add_log(out, job, room);
		shown++;
	}
}

static void add_aboard_row(struct str *out, const json_t *view,
			   const json_t *rev, const struct room *room)
{
	str_puts(out, "| ");
	part_pull_link(out, view, rev);
	str_puts(out, " | ");
	part_sha(out, js_str(rev, "sha"), 12);
	str_puts(out, " | ");
	add_text(out, js_str(rev, "title"), room->text_bytes / 4);
	str_puts(out, " | ");
	add_text(out, js_str(rev, "author"), room->text_bytes);
	str_addf(out, " | %s%s |\n", part_is_own(view, rev) ? "this one" : "",
		 !js_bool(rev, "new", false) ? ""
		 : part_is_own(view, rev)    ? ", new"
					     : "new");
}

static void add_more(struct str *out, size_t count, const struct room *room)
{
	if (count > room->rows)
		str_addf(out, "\nand %zu more\n", count - room->rows);
}

static void add_aboard(struct str *out, const json_t *view,
		       const struct room *room)
{
	const json_t *all = js_get(view, "cycle.revisions");
	size_t i, count = 0;
	json_t *rev;

	json_array_foreach(all, i, rev)
	{
		if (!is(rev, "result", "merged") || count++ >= room->rows)
			continue;
		if (count == 1)
			str_puts(out, "\n| On board | Revision | Title | "
				      "Author | |\n|:--|:--|:--|:--|:--|\n");
		add_aboard_row(out, view, rev, room);
	}
	add_more(out, count, room);
}

static const char *result_words(const char *result)
{
	static const struct {
		const char *result, *words;
	} words[] = {
		{"conflict", "merge conflict"},
		{"moved", "has a newer head"},
		{"missing", "the revision is gone"},
		{"merged_already", "already in the base branch"},
		{"left_out", "left out"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].result, result) == 0)
			return words[i].words;
	return result;
}

static void add_left_out(struct str *out, const json_t *view,
			 const struct room *room)
{
	size_t i, count = 0;
	json_t *rev;

	json_array_foreach(js_get(view, "cycle.revisions"), i, rev)
	{
		const char *result = js_str(rev, "result");

		if (!*result || is(rev, "result", "merged") ||
		    count++ >= room->rows)
			continue;
		if (count == 1)
			str_puts(out, "\nLeft out:\n\n");
		str_puts(out, "- ");
		part_pull_link(out, view, rev);
		str_puts(out, " ");
		part_sha(out, js_str(rev, "sha"), 12);
		str_puts(out, ": ");
		add_text(out, result_words(result), room->text_bytes);
		if (*js_str(rev, "reason")) {
			str_puts(out, ", ");
			add_text(out, js_str(rev, "reason"), room->text_bytes);
		}
		str_putc(out, '\n');
	}
	add_more(out, count, room);
}

/* What would change something now, for the one who may. */
static void add_advice(struct str *out, const json_t *view)
{
	const json_t *request = json_array_get(js_get(view, "requests"), 0);
	const char *bot = js_str(view, "bot");

	if (is(view, "state", "running") ||
	    (is(view, "state", "waiting") && !is(request, "kind", "auto")))
		return;
	if (!is(view, "state", "done"))
		str_addf(out,
			 "`@%s deploy` deploys it now (short), `@%s trigger` "
			 "also runs the builds and tests (full). ",
			 bot, bot);
	else if (strcmp(outcome(view), "success") != 0)
		str_addf(out, "push a fix, or `@%s deploy` to try again. ",
			 bot);
	else if (!is(view, "cycle.kind", "full"))
		str_addf(out,
			 "`@%s trigger` also runs the builds and tests "
			 "(full). ",
			 bot);
}

/* Commands only in code and never at the start of a line. */
static void add_next(struct str *out, const json_t *view)
{
	if (!*js_str(view, "bot") || is(view, "pull_state", "merged") ||
	    is(view, "pull_state", "closed"))
		return;
	str_puts(out, "\nNext: ");
	add_advice(out, view);
	str_addf(out, "`@%s help` lists everything.\n", js_str(view, "bot"));
}

static void try_sticky(struct str *out, const json_t *view,
		       const struct room *room)
{
	part_marker(out, "sticky", js_str(view, "environment"));
	if (*js_str(view, "key"))
		part_marker(out, "key", js_str(view, "key"));
	str_putc(out, '\n');
	add_headline(out, view, room);
	add_reason(out, view, room);
	add_facts(out, view, room);
	/* While it waits, the last cycle is history: its page tells it. */
	if (!is(view, "state", "waiting")) {
		add_stages(out, view, room);
		add_logs(out, view, room);
		add_aboard(out, view, room);
		add_left_out(out, view, room);
	}
	add_next(out, view);
}

void render_sticky(struct str *out, const json_t *view)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		str_clear(&s);
		try_sticky(&s, view, &rooms[i]);
		if (!s.failed)
			break;
	}
	str_add(out, s.text, s.len);
}
