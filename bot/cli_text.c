#include "bot/cli_text.h"

#include <string.h>

#include "bot/base/clock.h"
#include "bot/render.h"
#include "bot/sticky.h"
#include "bot/view_parts.h"

/* User text on a terminal: no control characters. */
static void plain(struct str *out, const char *text)
{
	for (; *text; text++)
		str_putc(out, (unsigned char)*text < 0x20 || *text == 0x7f
				      ? ' '
				      : *text);
}

/* The same of a sentence of ours. */
static void prose(struct str *out, const char *text)
{
	CLEANUP(str_release) struct str bare = STR_INIT(64u << 10);

	render_unquoted(&bare, text);
	plain(out, bare.len ? bare.text : "");
	str_inherit(out, &bare);
}

void cli_lines(struct str *out, const char *text)
{
	for (; *text; text++)
		str_putc(out, *text == '\n' || ((unsigned char)*text >= 0x20 &&
						*text != 0x7f)
				      ? *text
				      : ' ');
}

void cli_trust_table(struct str *out, const json_t *trust)
{
	json_t *t;
	size_t i;

	json_array_foreach (trust, i, t) {
		int64_t expires = js_int(t, "expires_ms", 0);

		plain(out, js_str(t, "login"));
		str_addf(out, "\t%lld\t%s\t%s\t", (long long)js_int(t, "id", 0),
			 js_str(t, "role"),
			 *js_str(t, "scope") ? js_str(t, "scope") : "all");
		if (expires)
			time_iso(out, expires);
		else
			str_puts(out, "never");
		str_putc(out, '\t');
		plain(out, js_str(t, "by"));
		str_putc(out, '\t');
		plain(out, js_str(t, "reason"));
		str_addf(out, "\t%s\t%s", js_str(t, "kind"),
			 js_bool(t, "unasked", true) ? "unasked"
						     : "not unasked");
		str_putc(out, '\n');
	}
}

static void purpose(struct str *out, const json_t *c)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);

	if (part_purpose(&text, c) || part_put_back(&text, c)) {
		str_puts(out, ", ");
		prose(out, text.text);
	}
	str_inherit(out, &text);
}

/* What the cycle that runs waits for before it goes on. */
static void drain_line(struct str *out, const json_t *drain, int64_t now_ms)
{
	CLEANUP(str_release) struct str text = STR_INIT(64u << 10);

	if (!json_is_object(drain))
		return;
	part_drain(&text, drain, now_ms);
	str_puts(out, "    drain: ");
	prose(out, text.len ? text.text : "");
	str_putc(out, '\n');
	str_inherit(out, &text);
}

static void cycle_line(struct str *out, const char *what, const json_t *c)
{
	json_t *r;
	size_t i;

	if (!c)
		return;
	str_addf(out, "  %s: cycle %lld, %s, %s", what,
		 (long long)js_int(c, "id", 0), js_str(c, "kind"),
		 *js_str(c, "verdict") ? js_str(c, "verdict")
				       : js_str(c, "state"));
	if (*js_str(c, "text")) {
		str_puts(out, " (");
		prose(out, js_str(c, "text"));
		str_putc(out, ')');
	}
	purpose(out, c);
	str_putc(out, '\n');
	json_array_foreach (js_get(c, "revisions"), i, r) {
		const char *result = js_str(r, "result");

		str_addf(out, "    %s#%lld %.12s", js_str(r, "repo"),
			 (long long)js_int(r, "number", 0), js_str(r, "sha"));
		if (*result && strcmp(result, "merged") != 0)
			str_addf(out, ", left out: %s", sticky_result(result));
		str_putc(out, '\n');
	}
}

/* "staging: waiting until TIME: WHY" */
static void environment_line(struct str *out, const json_t *env)
{
	int64_t until = js_int(env, "wait_until_ms", 0);
	const char *state = js_str(env, "state"),
		   *why = js_str(env, "wait_why");
	bool waits = strcmp(state, "waiting") == 0;

	str_addf(out, "%s: %s", js_str(env, "name"), state);
	if (!waits && (until || *why))
		str_puts(out, "; the next one waits");
	if (until) {
		str_puts(out, " until ");
		time_iso(out, until);
	}
	if (*why) {
		str_puts(out, ": ");
		prose(out, why);
	}
	str_putc(out, '\n');
}

static void frozen_line(struct str *out, const json_t *env)
{
	int64_t until = js_int(env, "frozen_until_ms", 0);

	if (!*js_str(env, "frozen_why"))
		return;
	str_puts(out, "  nothing starts");
	if (until) {
		str_puts(out, " until ");
		time_iso(out, until);
	}
	str_puts(out, ": ");
	prose(out, js_str(env, "frozen_why"));
	str_putc(out, '\n');
}

static void schedule_line(struct str *out, const json_t *env)
{
	int64_t at = js_int(env, "schedule_ms", 0);

	if (!at)
		return;
	str_puts(out, "  by schedule, if something is new: ");
	time_iso(out, at);
	str_putc(out, '\n');
}

static void eta_line(struct str *out, const json_t *env, const char *kind)
{
	const json_t *eta = json_object_get(js_get(env, "eta"), kind);

	if (!json_is_object(eta))
		return;
	str_addf(out, "  a %s takes ", kind);
	part_eta(out, eta);
	str_putc(out, '\n');
}

static void queue_lines(struct str *out, const json_t *queue)
{
	json_t *r;
	size_t i;

	json_array_foreach (queue, i, r) {
		str_addf(out, "  %s: %s, %s", js_str(r, "state"),
			 js_str(r, "kind"), js_str(r, "origin"));
		if (js_int(r, "number", 0))
			str_addf(out, ", %s#%lld", js_str(r, "repo"),
				 (long long)js_int(r, "number", 0));
		if (*js_str(r, "by")) {
			str_puts(out, ", by ");
			plain(out, js_str(r, "by"));
		}
		if (js_int(r, "position", 0))
			str_addf(out, ", after %lld more",
				 (long long)js_int(r, "position", 0));
		str_putc(out, '\n');
	}
}

/* What became of the last SIGHUP. */
static void reload_lines(struct str *out, const json_t *note)
{
	json_t *line;
	size_t i;

	if (!note)
		return;
	str_addf(out, "configuration: %s at ",
		 js_bool(note, "ok", false) ? "read again" : "NOT read again");
	time_iso(out, js_int(note, "at_ms", 0));
	str_puts(out, ": ");
	plain(out, js_str(note, "text"));
	str_putc(out, '\n');
	json_array_foreach (js_get(note, "changes"), i, line) {
		str_puts(out, "  ");
		plain(out, json_string_value(line));
		str_putc(out, '\n');
	}
}

static void last_line(struct str *out, const json_t *c)
{
	str_addf(out, "  last: cycle %lld, %s, %s",
		 (long long)js_int(c, "id", 0), js_str(c, "kind"),
		 js_str(c, "verdict"));
	purpose(out, c);
	str_putc(out, '\n');
}

void cli_status_text(struct str *out, const json_t *status)
{
	json_t *env, *c;
	size_t i, j;

	reload_lines(out, js_get(status, "configuration"));

	json_array_foreach (js_get(status, "environments"), i, env) {
		environment_line(out, env);
		frozen_line(out, env);
		schedule_line(out, env);
		cycle_line(out, "deployed", js_get(env, "deployed"));
		cycle_line(out, "running", js_get(env, "running"));
		drain_line(out, js_get(env, "running.drain"),
			   js_int(status, "now_ms", 0));
		eta_line(out, env, "short");
		eta_line(out, env, "full");
		queue_lines(out, js_get(env, "queue"));
		json_array_foreach (js_get(env, "last"), j, c)
			last_line(out, c);
	}
}
