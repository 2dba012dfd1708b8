/*
 * The sticky comment, top down: what matters to a busy maintainer stands in
 * the first line, evidence further down.  Each section adds nothing when the
 * view has nothing for it.
 */
#include "bot/render.h"

#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/limits.h"
#include "bot/sticky.h"
#include "bot/view_parts.h"

/* How much is shown; tried in this order until it fits into a comment. */
static const struct room rooms[] = {
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

/* What the whole comes down to, for its icon. */
static const char *outcome(const json_t *view)
{
	const json_t *own = part_own(view, js_get(view, "cycle.revisions"));

	if (!is(view, "state", "done"))
		return js_str(view, "state");
	if (own && *js_str(own, "result") && !is(own, "result", "merged"))
		return "error";
	if (part_is_bystander(view))
		return "success";
	if (part_has_left(view))
		return "idle";
	return js_str(view, "cycle.verdict");
}

static void add_headline(struct str *out, const json_t *view,
			 const struct room *room)
{
	CLEANUP(str_release) struct str s = STR_INIT(2048);

	render_headline(&s, view);
	str_addf(out, "%s**", sticky_icon(outcome(view)));
	render_inline(out, js_str(view, "environment"));
	str_puts(out, ": ");
	sticky_prose(out, s.text, 2 * room->text_bytes);
	str_puts(out, "**\n\n");
	str_inherit(out, &s);
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

	const json_t *own = part_own(view, js_get(view, "cycle.revisions"));

	if (!is(view, "state", "done") || is(view, "cycle.verdict", "success"))
		return;
	/* What became of the others says nothing of one that was left out. */
	if (*js_str(own, "result") && !is(own, "result", "merged"))
		return;
	add_blame(out, view);
	/* The headline of one that somebody cancelled says it all. */
	if (!*text || is(view, "cycle.reason_code", "cancelled"))
		return;
	sticky_text(out, text, 2 * room->text_bytes);
	if (*code) {
		str_puts(out, " (");
		sticky_text(out, code, room->text_bytes);
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

static void add_purpose(struct str *out, const json_t *view,
			const struct room *room)
{
	CLEANUP(str_release) struct str why = STR_INIT(1024);

	if (!part_purpose(&why, js_get(view, "cycle")))
		return;
	str_puts(out, ", ");
	sticky_prose(out, why.text, room->text_bytes);
	str_inherit(out, &why);
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
	add_line(out, is(view, "state", "waiting") || part_has_left(view)
			      ? "Last deploy"
			      : "Deploy");
	part_cycle_link(out, view, js_int(view, "cycle.id", 0));
	if (*js_str(view, "cycle.kind")) {
		str_puts(out, ", ");
		sticky_text(out, js_str(view, "cycle.kind"), room->text_bytes);
	}
	if (from) {
		str_puts(out, ", started ");
		part_moment(out, from, now);
	}
	if (from && to >= from) {
		str_puts(out, ", took ");
		time_span(out, to - from);
	}
	if (restarts > 0)
		str_addf(out, ", restarted %s",
			 restarts == 1 ? "once" : "more than once");
	add_purpose(out, view, room);
	if (*js_str(view, "cycle.tag")) {
		str_puts(out, ", tag ");
		render_code(out, js_str(view, "cycle.tag"));
	}
	str_putc(out, '\n');
}

static void add_drain(struct str *out, const json_t *view,
		      const struct room *room)
{
	CLEANUP(str_release) struct str text = STR_INIT(LIMIT_COMMENT);

	if (!js_get(view, "cycle.drain") || is(view, "state", "waiting") ||
	    part_has_left(view))
		return;
	part_drain(&text, js_get(view, "cycle.drain"),
		   js_int(view, "now_ms", 0));
	str_inherit(out, &text);
	add_line(out, "Drain");
	str_puts(out, is(view, "cycle.drain.state", "forced")
			      ? sticky_icon("error")
			      : "");
	sticky_text(out, text.text, room->text_bytes);
	str_putc(out, '\n');
}

static void add_request(struct str *out, const json_t *view,
			const json_t *request, const struct room *room)
{
	int64_t now = js_int(view, "now_ms", 0);
	int64_t at = js_int(request, "at_ms", 0);
	const char *by = js_str(request, "by");
	bool automatic = is(request, "kind", "auto");

	sticky_text(out, automatic ? "automatic" : js_str(request, "kind"),
		    room->text_bytes);
	if (*by) {
		str_puts(out, " by ");
		sticky_text(out, by, room->text_bytes);
	}
	if (*js_str(request, "origin") && !is(request, "origin", "command")) {
		str_puts(out, " (");
		sticky_text(out, js_str(request, "origin"), room->text_bytes);
		str_putc(out, ')');
	}
	if (*js_str(request, "state")) {
		str_puts(out, ", ");
		sticky_text(out, js_str(request, "state"), room->text_bytes);
	}
	if (at > now) {
		str_puts(out, " for ");
		part_moment(out, at, now);
	}
	if (js_bool(request, "forced", false))
		str_puts(out, ", forced");
	if (*js_str(request, "reason")) {
		str_puts(out, ": ");
		sticky_text(out, js_str(request, "reason"), room->text_bytes);
	}
}

static void add_requests(struct str *out, const json_t *view,
			 const struct room *room)
{
	const json_t *all = js_get(view, "requests");
	size_t last = 0, last_len = 0, i;
	json_t *request;

	if (!json_array_size(all))
		return;
	add_line(out, "Asked for");
	json_array_foreach (all, i, request) {
		size_t before = out->len, start;

		if (i == room->rows)
			break;
		str_puts(out, i ? "; " : "");
		start = out->len;
		add_request(out, view, request, room);
		/* Asked for twice is one wish to whoever reads it. */
		if (last_len && out->len - start == last_len &&
		    memcmp(out->text + last, out->text + start, last_len) ==
			    0) {
			str_truncate(out, before);
			continue;
		}
		last = start;
		last_len = out->len - start;
	}
	str_putc(out, '\n');
}

/* The sign that a review was heard, which cannot get a reaction. */
static void add_heard(struct str *out, const json_t *view,
		      const struct room *room)
{
	static const struct {
		const char *request, *words;
	} words[] = {
		{"waiting", "queued"},	 {"booked", "booked"},
		{"running", "runs now"}, {"done", "done"},
		{"dropped", "dropped"},	 {"", "answered"},
	};
	const json_t *heard = js_get(view, "heard");

	if (!json_is_object(heard))
		return;
	add_line(out, "Heard");
	sticky_text(out, js_str(heard, "by"), room->text_bytes);
	str_puts(out, "'s review at ");
	part_moment(out, js_int(heard, "at_ms", 0), js_int(view, "now_ms", 0));
	str_puts(out, ": ");
	sticky_text(out, js_str(heard, "verbs"), room->text_bytes);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (is(heard, "request", words[i].request))
			str_addf(out, ", %s", words[i].words);
	str_putc(out, '\n');
}

/* What ended a permission, and what gives a new one. */
static void add_ended(struct str *out, const json_t *view, const json_t *grant,
		      const struct room *room)
{
	const char *why = js_str(grant, "why");

	if (strcmp(why, "moved") == 0) {
		str_puts(out, "the permission for ");
		part_sha(out, js_str(grant, "sha"), 12);
		str_puts(out, " was for that revision only: look at the new "
			      "one, then ");
	} else {
		str_puts(out, "what ");
		sticky_text(out, js_str(grant, "by"), room->text_bytes);
		str_puts(out, " gave for ");
		part_sha(out, js_str(grant, "sha"), 12);
		str_addf(out, " is void, because %s: look at it again, then ",
			 strcmp(why, "closed") == 0 ? "it was closed"
			 : strcmp(why, "granter") == 0
				 ? "they may not command any more"
				 : "the base branch was changed");
	}
	str_addf(out, "`@%s deploy`", js_str(view, "bot"));
}

/* Only the code of somebody who is not trusted needs one. */
static void add_grant(struct str *out, const json_t *view,
		      const struct room *room)
{
	const json_t *grant = js_get(view, "grant");
	bool granted = is(grant, "state", "granted");

	/* None helps one that is closed. */
	if (!json_is_object(grant) ||
	    (*js_str(view, "pull_state") && !is(view, "pull_state", "open")))
		return;
	add_line(out, "Permission");
	if (is(grant, "state", "void")) {
		add_ended(out, view, grant, room);
		str_putc(out, '\n');
		return;
	}
	str_puts(out, granted ? "granted by " : "that of ");
	sticky_text(out, js_str(grant, "by"), room->text_bytes);
	str_addf(out, " for this revision %s ", granted ? "until" : "ended");
	part_moment(out, js_int(grant, "until_ms", 0),
		    js_int(view, "now_ms", 0));
	if (!granted)
		str_addf(out, ": `@%s deploy` gives it again",
			 js_str(view, "bot"));
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
	part_moment(out, ms, js_int(view, "now_ms", 0));
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
	sticky_text(out, js_str(on, "kind"), room->text_bytes);
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

/* Its place in the queue, and when it should be over. */
static void add_expected(struct str *out, const json_t *view)
{
	int64_t before = js_int(view, "position", 0);
	int64_t now = js_int(view, "now_ms", 0);
	int64_t from = js_int(view, "eta.from_ms", 0);
	int64_t to = js_int(view, "eta.to_ms", 0);
	bool waits = is(view, "state", "waiting");

	if (!js_get(view, "eta") && !(waits && before))
		return;
	add_line(out, waits ? "Queue" : "Expected");
	if (waits && before)
		str_addf(out, "%lld cycle%s must end before", (long long)before,
			 before == 1 ? "" : "s");
	else if (waits)
		str_puts(out, "next");
	if (js_get(view, "eta")) {
		str_puts(out, waits ? ", takes " : "takes ");
		part_eta(out, js_get(view, "eta"));
	}
	if (to > now) {
		str_puts(out, ", over between ");
		part_moment(out, from, now);
		str_puts(out, " and ");
		part_moment(out, to, now);
	} else if (to) {
		str_puts(out, ", longer than usual");
	}
	str_putc(out, '\n');
}

/*
 * Where something waits for nothing else, the headline has it already.  What
 * is done is not rendered again when the freeze ends, so it says nothing.
 */
static void add_frozen(struct str *out, const json_t *view,
		       const struct room *room)
{
	const json_t *request = json_array_get(js_get(view, "requests"), 0);
	CLEANUP(str_release) struct str s = STR_INIT(2048);
	bool booked =
		is(view, "state", "waiting") && is(request, "state", "booked");

	if (!*js_str(view, "frozen_why") ||
	    !(booked || is(view, "state", "running")))
		return;
	add_line(out, "Nothing starts here");
	part_frozen(&s, view);
	sticky_text(out, s.text, 2 * room->text_bytes);
	str_putc(out, '\n');
	str_inherit(out, &s);
}

static void add_skipped(struct str *out, const json_t *view,
			const struct room *room)
{
	const json_t *skipped = js_get(view, "skipped");

	if (!skipped)
		return;
	add_line(out, "Taken out");
	str_puts(out, "by ");
	sticky_text(out, js_str(skipped, "by"), room->text_bytes);
	str_putc(out, ' ');
	part_moment(out, js_int(skipped, "since_ms", 0),
		    js_int(view, "now_ms", 0));
	if (*js_str(skipped, "reason")) {
		str_puts(out, ": ");
		sticky_text(out, js_str(skipped, "reason"), room->text_bytes);
	}
	str_addf(out, "; `@%s include` puts it back\n", js_str(view, "bot"));
}

/* Whoever reads of the blame reads that it is disputed. */
static void add_disputes(struct str *out, const json_t *view,
			 const struct room *room)
{
	const json_t *all = js_get(view, "disputes");
	json_t *one;
	size_t i;

	if (!json_array_size(all))
		return;
	add_line(out, "Disputed by");
	json_array_foreach (all, i, one) {
		if (i == room->rows)
			break;
		str_puts(out, i ? "; " : "");
		sticky_text(out, js_str(one, "by"), room->text_bytes);
		if (*js_str(one, "reason")) {
			str_puts(out, ": ");
			sticky_text(out, js_str(one, "reason"),
				    room->text_bytes);
		}
	}
	str_putc(out, '\n');
}

static void add_verbosity(struct str *out, const json_t *view)
{
	const char *word = js_str(view, "verbosity");

	if (strcmp(word, "quiet") != 0 && strcmp(word, "verbose") != 0)
		return;
	add_line(out, "Comments");
	str_addf(out, "%s; `@%s %s off` ends that\n", word, js_str(view, "bot"),
		 word);
}

static void add_facts(struct str *out, const json_t *view,
		      const struct room *room)
{
	add_revision(out, view);
	add_skipped(out, view, room);
	add_cycle_facts(out, view, room);
	add_drain(out, view, room);
	add_on_staging(out, view, room);
	add_requests(out, view, room);
	add_expected(out, view);
	add_frozen(out, view, room);
	add_heard(out, view, room);
	add_grant(out, view, room);
	add_result(out, view);
	add_disputes(out, view, room);
	add_verbosity(out, view);
}

/* After a deploy that did not work. */
static void add_again(struct str *out, const json_t *view)
{
	const char *bot = js_str(view, "bot");

	str_addf(out, "%s`@%s deploy` tries again",
		 is(view, "cycle.verdict", "failure") ? "Push a fix, or " : "",
		 bot);
	if (part_failed(js_get(view, "cycle.stages")))
		str_addf(out, ", `@%s retry` from the failed stage on", bot);
	str_puts(out, ". ");
}

/* What would change something now, for the one who may. */
static void add_advice(struct str *out, const json_t *view)
{
	const json_t *request = json_array_get(js_get(view, "requests"), 0);
	const char *bot = js_str(view, "bot");

	if (is(view, "state", "running") || js_get(view, "skipped") ||
	    (is(view, "state", "waiting") && !is(request, "kind", "auto")))
		return;
	/* The headline says what is in the way, and what to type about it. */
	if (!part_is_staged(view) && *js_str(view, "why") &&
	    (part_has_left(view) || is(view, "state", "idle")))
		return;
	if (!is(view, "state", "done") && !part_is_staged(view))
		str_addf(out,
			 "`@%s deploy` deploys it now (short), `@%s trigger` "
			 "also runs the builds and tests (full). ",
			 bot, bot);
	else if (is(view, "state", "done") &&
		 strcmp(outcome(view), "success") != 0)
		add_again(out, view);
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

/* The author's last question is answered here, not in a new comment. */
static void add_answer(struct str *out, const json_t *view)
{
	/* It told what was to come; that has come. */
	if (!*js_str(view, "answer") ||
	    js_int(view, "cycle.started_ms", 0) > js_int(view, "answer_ms", 0))
		return;
	str_puts(out, "\n---\nAnswer to the author, ");
	part_moment(out, js_int(view, "answer_ms", 0),
		    js_int(view, "now_ms", 0));
	str_addf(out, ":\n\n%s", js_str(view, "answer"));
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
	if (!is(view, "state", "waiting") && !part_has_left(view)) {
		sticky_stages(out, view, room);
		sticky_logs(out, view, room);
		sticky_aboard(out, view, room);
		sticky_left_out(out, view, room);
	}
	/* Markdown of ours is not cut: it goes as a whole when there is no
	 * room at all. */
	if (room->text_bytes > 40)
		add_answer(out, view);
	add_next(out, view);
}

void render_sticky(struct str *out, const json_t *view)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_COMMENT);

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		str_clear(&s);
		try_sticky(&s, view, &rooms[i]);
		if (s.failed != ERR_INVALID)
			break;
	}
	str_add(out, s.text, s.len);
	str_inherit(out, &s);
}
