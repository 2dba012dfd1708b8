/* The tables, logs and lists of the sticky comment. */
#include "bot/sticky.h"

#include <string.h>

#include "bot/base/clock.h"
#include "bot/render.h"
#include "bot/view_parts.h"

static bool is(const json_t *value, const char *path, const char *want)
{
	return strcmp(js_str(value, path), want) == 0;
}

void sticky_text(struct str *out, const char *text, size_t max)
{
	CLEANUP(str_release) struct str s = STR_INIT(max);
	size_t len = strlen(text);

	str_add(&s, text, str_utf8_cut(text, len, max));
	render_inline(out, s.text);
	str_inherit(out, &s);
	if (len > max)
		str_puts(out, "\xe2\x80\xa6");
}

void sticky_prose(struct str *out, const char *text, size_t max)
{
	CLEANUP(str_release) struct str s = STR_INIT(max);
	size_t len = strlen(text);

	str_add(&s, text, str_utf8_cut(text, len, max));
	render_prose(out, s.text);
	str_inherit(out, &s);
	if (len > max)
		str_puts(out, "\xe2\x80\xa6");
}

const char *sticky_icon(const char *state)
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

static void add_job(struct str *out, const json_t *job, const struct room *room)
{
	bool forced = is(job, "reason_code", "forced");
	bool tells = part_failed_state(job) || is(job, "class", "drain");

	str_puts(out, sticky_icon(forced ? "error" : js_str(job, "state")));
	sticky_text(out, js_str(job, "name"), room->text_bytes);
	if (tells && *js_str(job, "text")) {
		str_puts(out, " (");
		sticky_text(out, js_str(job, "text"), room->text_bytes);
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
	sticky_text(out, js_str(stage, "name"), room->text_bytes);
	str_addf(out, " | %s", sticky_icon(js_str(stage, "state")));
	sticky_text(out, js_str(stage, "state"), room->text_bytes);
	str_puts(out, " | ");
	if (ms > 0)
		time_span(out, ms);
	str_puts(out, " | ");
	json_array_foreach (js_get(stage, "jobs"), i, job) {
		if (i == room->rows)
			break;
		str_puts(out, i ? "<br>" : "");
		add_job(out, job, room);
	}
	str_puts(out, " |\n");
}

void sticky_stages(struct str *out, const json_t *view, const struct room *room)
{
	const json_t *stages = js_get(view, "cycle.stages");
	json_t *stage;
	size_t i;

	if (!json_array_size(stages))
		return;
	str_puts(out, "\n| Stage | Result | Time | Jobs |\n"
		      "|:--|:--|--:|:--|\n");
	json_array_foreach (stages, i, stage) {
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
	sticky_text(out, js_str(job, "name"), room->text_bytes);
	str_puts(out, ", its end</summary>\n\n");
	render_block(out, tail);
	str_puts(out, "\n</details>\n");
}

void sticky_logs(struct str *out, const json_t *view, const struct room *room)
{
	json_t *stage, *job;
	size_t i, j, shown = 0;

	json_array_foreach (js_get(view, "cycle.stages"), i, stage)
		json_array_foreach (js_get(stage, "jobs"), j, job)
			if (part_failed_state(job) && *js_str(job, "tail") &&
			    shown < room->tails) {
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
	sticky_text(out, js_str(rev, "title"), room->text_bytes / 4);
	str_puts(out, " | ");
	sticky_text(out, js_str(rev, "author"), room->text_bytes);
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

void sticky_aboard(struct str *out, const json_t *view, const struct room *room)
{
	const json_t *all = js_get(view, "cycle.revisions");
	size_t i, count = 0;
	json_t *rev;

	json_array_foreach (all, i, rev) {
		if (!is(rev, "result", "merged") || count++ >= room->rows)
			continue;
		if (count == 1)
			str_puts(out, "\n| On board | Revision | Title | "
				      "Author | |\n|:--|:--|:--|:--|:--|\n");
		add_aboard_row(out, view, rev, room);
	}
	add_more(out, count, room);
}

const char *sticky_result(const char *result)
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

void sticky_left_out(struct str *out, const json_t *view,
		     const struct room *room)
{
	size_t i, count = 0;
	json_t *rev;

	json_array_foreach (js_get(view, "cycle.revisions"), i, rev) {
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
		sticky_text(out, sticky_result(result), room->text_bytes);
		if (*js_str(rev, "reason")) {
			str_puts(out, ", ");
			sticky_text(out, js_str(rev, "reason"),
				    room->text_bytes);
		}
		str_putc(out, '\n');
	}
	add_more(out, count, room);
}
