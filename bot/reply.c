/* Short words to people: outcomes, answers and commit statuses. */
#include "bot/render.h"

#include <string.h>

#include "bot/base/limits.h"
#include "bot/view_parts.h"

static bool is(const json_t *value, const char *path, const char *want)
{
	return strcmp(js_str(value, path), want) == 0;
}

static void add_inert_headline(struct str *out, const json_t *view)
{
	CLEANUP(str_release) struct str s = STR_INIT(2048);

	render_headline(&s, view);
	render_prose(out, s.text);
	str_inherit(out, &s);
}

void render_outcome(struct str *out, const json_t *view, const char *login)
{
	int64_t cycle = js_int(view, "cycle.id", 0);

	if (*js_str(view, "key"))
		part_marker(out, "key", js_str(view, "key"));
	/* Not first in the line: nobody's command, whatever the login is. */
	str_puts(out, "For ");
	render_mention(out, login);
	str_puts(out, ": **");
	render_inline(out, js_str(view, "environment"));
	str_puts(out, "**: ");
	add_inert_headline(out, view);
	if (*js_str(view, "frozen_why")) {
		CLEANUP(str_release) struct str s = STR_INIT(2048);

		str_puts(out, ".\n\nNothing starts there now, ");
		part_frozen(&s, view);
		render_inline(out, s.text);
		str_inherit(out, &s);
	}
	str_puts(out, ".\n\nRevision ");
	part_sha(out, js_str(view, "head_sha"), 40);
	if (cycle) {
		str_puts(out, ", ");
		part_cycle_link(out, view, cycle);
	}
	str_puts(out, ".\n");
}

void render_prose(struct str *out, const char *text)
{
	const char *open, *close;

	while ((open = strchr(text, '`')) && (close = strchr(open + 1, '`')) &&
	       close > open + 1 && close[1] != '`') {
		CLEANUP(free)
		char *before = strndup(text, (size_t)(open - text));
		CLEANUP(free)
		char *code = strndup(open + 1, (size_t)(close - open - 1));

		if (!before || !code) {
			out->failed = ERR_FATAL;
			return;
		}
		render_inline(out, before);
		render_code(out, code);
		text = close + 1;
	}
	render_inline(out, text);
}

void render_reply(struct str *out, const struct reply *reply)
{
	if (reply->key)
		part_marker(out, "key", reply->key);
	str_puts(out, "To ");
	render_mention(out, reply->login);
	if (reply->said && *reply->said) {
		str_puts(out, ", about ");
		render_code(out, reply->said);
	}
	str_puts(out, ":");
	if (reply->text && *reply->text) {
		str_putc(out, ' ');
		render_prose(out, reply->text);
	}
	if (reply->own && *reply->own)
		str_addf(out, " %s", reply->own);
	str_putc(out, '\n');
	if (reply->markdown && *reply->markdown)
		str_addf(out, "\n%s", reply->markdown);
	/* Without memory there may be no text at all. */
	if (reply->next && *reply->next && out->len) {
		/* Or the last line goes on in the paragraph or list above. */
		str_puts(out, out->text[out->len - 1] == '\n' ? "\n" : "\n\n");
		str_puts(out, "Type next:\n\n");
		render_block(out, reply->next);
	}
}

/* "short ok; full ok 14:05 UTC": a later short does not hide the full. */
static void describe_success(struct str *out, const json_t *view)
{
	int64_t now = js_int(view, "now_ms", 0);
	int64_t full = js_int(view, "result.full_ok_ms", 0);
	bool done = is(view, "state", "done");
	bool is_full = strcmp(part_kind(view), "full") == 0;

	if (!is_full && (done || js_int(view, "result.short_ok_ms", 0)))
		str_addf(out, "short ok%s", full ? "; " : "");
	if (is_full && !full)
		full = js_int(view, "cycle.finished_ms", 0);
	if (!is_full && !full)
		return;
	str_puts(out, "full ok");
	if (full) {
		str_putc(out, ' ');
		part_moment(out, full, now);
	}
}

static void describe_failure(struct str *out, const json_t *view)
{
	const json_t *only = part_only_new(view);
	const json_t *stage = part_failed(js_get(view, "cycle.stages"));
	const json_t *job = part_failed(js_get(stage, "jobs"));

	if (!only || !part_is_own(view, only)) {
		str_addf(out, "%s: %s failed, cause not known", part_kind(view),
			 js_str(view, "environment"));
		return;
	}
	str_addf(out, "%s failed", part_kind(view));
	if (stage)
		str_addf(out, ": stage %s", js_str(stage, "name"));
	if (job)
		str_addf(out, ", job %s", js_str(job, "name"));
}

static void describe_other(struct str *out, const json_t *view)
{
	const json_t *stage = part_failed(js_get(view, "cycle.stages"));

	/* "cancelled by ..." */
	if (is(view, "cycle.reason_code", "cancelled") &&
	    *js_str(view, "cycle.text")) {
		str_addf(out, "%s %s", part_kind(view),
			 js_str(view, "cycle.text"));
		return;
	}
	str_addf(out, "%s %s", part_kind(view),
		 is(view, "cycle.verdict", "error")
			 ? "not deployed, something went wrong"
			 : js_str(view, "cycle.verdict"));
	if (stage)
		str_addf(out, ": stage %s", js_str(stage, "name"));
	else if (*js_str(view, "cycle.text"))
		str_addf(out, ": %s", js_str(view, "cycle.text"));
}

static void describe_done(struct str *out, const json_t *view)
{
	const json_t *own = part_own(view, js_get(view, "cycle.revisions"));

	if (own && *js_str(own, "result") && !is(own, "result", "merged"))
		str_addf(out, "%s left out: %s", part_kind(view),
			 *js_str(own, "reason") ? js_str(own, "reason")
						: js_str(own, "result"));
	else if (is(view, "cycle.verdict", "success"))
		describe_success(out, view);
	else if (is(view, "cycle.verdict", "failure"))
		describe_failure(out, view);
	else
		describe_other(out, view);
}

void render_status_description(struct str *out, const json_t *view)
{
	CLEANUP(str_release) struct str s = STR_INIT(4096);
	int64_t at = js_int(view, "at_ms", 0);
	int64_t now = js_int(view, "now_ms", 0);

	if (is(view, "state", "running")) {
		str_addf(&s, "%s running: ", part_kind(view));
		part_progress(&s, view);
	} else if (is(view, "state", "waiting")) {
		str_addf(&s, "%s waiting", part_kind(view));
		if (at > now) {
			str_puts(&s, " until ");
			part_moment(&s, at, now);
		}
		if (*js_str(view, "why"))
			str_addf(&s, ": %s", js_str(view, "why"));
	} else if (is(view, "state", "done") && js_get(view, "cycle")) {
		describe_done(&s, view);
	} else if (js_int(view, "result.short_ok_ms", 0) ||
		   js_int(view, "result.full_ok_ms", 0)) {
		describe_success(&s, view);
	} else {
		str_addf(&s, "neither short nor full deployed%s%s",
			 *js_str(view, "why") ? ": " : "", js_str(view, "why"));
	}
	render_description(out, s.text);
	str_inherit(out, &s);
}
