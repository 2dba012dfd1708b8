#include "bot/page_parts.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/version.h"
#include "bot/view_parts.h"

/* One sign and one word for each state: colour is never the only one. */
static const struct look {
	const char *word;
	const char *sign;
	const char *label;
	const char *tone;
} looks[] = {
	{"success", "\u2713", "passed", "good"},
	{"failure", "\u2717", "failed", "bad"},
	{"error", "!", "error", "warn"},
	{"cancelled", "\u2298", "cancelled", "off"},
	{"inconclusive", "?", "no clear answer", "warn"},
	{"merging", "\u25b6", "merging", "busy"},
	{"pushing", "\u25b6", "pushing", "busy"},
	{"running", "\u25b6", "running", "busy"},
	{"stopping", "\u25b6", "stopping", "busy"},
	{"waiting", "\u25cb", "waiting", "wait"},
	{"booked", "\u25cb", "booked", "wait"},
	{"idle", "\u00b7", "idle", "off"},
	{"skipped", "\u2013", "skipped", "off"},
	{"kept", "\u2713", "kept", "good"},
	{"done", "\u00b7", "done", "off"},
	{"merged", "\u2713", "merged", "good"},
	{"merged_already", "\u2713", "already in base", "good"},
	{"conflict", "\u2717", "conflict", "bad"},
	{"moved", "!", "head moved", "warn"},
	{"missing", "!", "not found", "warn"},
	{"unrelated", "\u2717", "unrelated history", "bad"},
	{"left_out", "\u2013", "left out", "off"},
	{"open", "\u25cb", "open", "good"},
	{"closed", "\u2298", "closed", "off"},
	{"draft", "\u25cb", "draft", "off"},
	{"accepted", "\u2713", "accepted", "good"},
	{"refused", "\u2717", "refused", "bad"},
	{"checking", "\u25cb", "being checked", "wait"},
	{"granted", "\u2713", "granted", "good"},
	{"expired", "\u2013", "ended", "off"},
	{"void", "\u2298", "void", "off"},
	{"staged", "\u2713", "on board", "good"},
	{"absent", "\u2013", "not on board", "off"},
	{"", "\u25cb", "not tried yet", "wait"},
};

void part_badge(const struct sheet *s, const char *word)
{
	const struct look unknown = {word, "?", word, "off"};
	const struct look *look = &unknown;

	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		if (!strcmp(word, looks[i].word))
			look = &looks[i];
	html_addf(s->out,
		  "<span class=\"badge %s\"><span aria-hidden=\"true\">%s"
		  "</span> %s</span>",
		  look->tone, look->sign, look->label);
}

void sheet_begin(const struct sheet *s, const char *title, int refresh_s,
		 const char *twin)
{
	const char *home = *s->root ? s->root : "./";

	html_addf(s->out,
		  "<!doctype html>\n<html lang=\"en\">\n<head>\n"
		  "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
		  "content=\"width=device-width, initial-scale=1\">\n"
		  "<meta name=\"color-scheme\" content=\"light dark\">\n"
		  "<meta name=\"referrer\" content=\"no-referrer\">\n");
	if (refresh_s)
		html_addf(s->out,
			  "<meta http-equiv=\"refresh\" content=\"%lld\">\n",
			  (long long)refresh_s);
	html_addf(s->out,
		  "<title>%s \u00b7 %s</title>\n"
		  "<link rel=\"stylesheet\" href=\"%sstyle.css\">\n",
		  title, s->settings->bot, s->root);
	if (*twin)
		html_addf(s->out,
			  "<link rel=\"alternate\" type=\"application/json\" "
			  "href=\"%s%s\">\n",
			  s->root, twin);
	html_addf(s->out,
		  "</head>\n<body>\n<header><a class=\"brand\" href=\"%s\">%s"
		  "</a><nav><a href=\"%s\">Overview</a>",
		  home, s->settings->bot, home);
	if (*twin)
		html_addf(s->out, "<a href=\"%s%s\">JSON</a>", s->root, twin);
	html_addf(s->out, "</nav></header>\n<main>\n");
}

void sheet_end(const struct sheet *s)
{
	html_addf(s->out, "</main>\n<footer>As of ");
	part_time(s, s->now_ms);
	html_addf(s->out, " \u00b7 kcibot %s</footer>\n</body>\n</html>\n",
		  KCIBOT_VERSION);
}

/* The largest unit is enough beside the exact time. */
static void add_rough(struct str *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {
		{86400000, "d"},
		{3600000, "h"},
		{60000, "min"},
		{1000, "s"},
	};
	size_t i = 0;

	while (i < ARRAY_SIZE(units) - 1 && ms < units[i].ms)
		i++;
	html_addf(out, "%lld %s", (long long)(ms / units[i].ms), units[i].unit);
}

void part_when(const struct sheet *s, int64_t ms)
{
	int64_t ago = s->now_ms - ms;

	if (ago > -1000 && ago < 1000) {
		html_addf(s->out, "just now");
		return;
	}
	if (ago < 0)
		html_addf(s->out, "in ");
	add_rough(s->out, ago < 0 ? -ago : ago);
	if (ago > 0)
		html_addf(s->out, " ago");
}

void part_time(const struct sheet *s, int64_t ms)
{
	CLEANUP(str_release) struct str iso = STR_INIT(40);
	CLEANUP(str_release) struct str today = STR_INIT(40);

	if (!ms) {
		html_addf(s->out, "never");
		return;
	}
	time_iso(&iso, ms);
	time_iso(&today, s->now_ms);
	str_inherit(s->out, &iso);
	str_inherit(s->out, &today);
	html_addf(s->out, "<time datetime=\"%s\">", iso.text);
	/* "2026-11-21T14:05:09Z" */
	if (iso.len >= 20 && strncmp(iso.text, today.text, 10) != 0) {
		str_add(s->out, iso.text, 10);
		str_putc(s->out, ' ');
	}
	if (iso.len >= 20)
		str_add(s->out, iso.text + 11, 5);
	html_addf(s->out, " UTC</time>");
	if (ms == s->now_ms)
		return;
	html_addf(s->out, " <span class=\"soft\">");
	part_when(s, ms);
	html_addf(s->out, "</span>");
}

void part_span(const struct sheet *s, int64_t ms)
{
	CLEANUP(str_release) struct str span = STR_INIT(60);

	time_span(&span, ms);
	html_text(s->out, span.text);
	str_inherit(s->out, &span);
}

void part_prose(const struct sheet *s, const char *class, const char *text)
{
	bool code = false;

	if (*class)
		html_addf(s->out, "<bdi class=\"%s\">", class);
	else
		html_addf(s->out, "<bdi>");
	while (*text) {
		size_t n = strcspn(text, "`");
		CLEANUP(str_release) struct str part = STR_INIT(n + 1);

		str_add(&part, text, n);
		html_text(s->out, part.text);
		str_inherit(s->out, &part);
		text += n;
		/* One without a partner is itself. */
		if (*text && (code || strchr(text + 1, '`'))) {
			str_puts(s->out, code ? "</code>" : "<code>");
			code = !code;
			text++;
		} else if (*text) {
			str_putc(s->out, *text++);
		}
	}
	str_puts(s->out, "</bdi>");
}

void part_drained(const struct sheet *s, const json_t *drain)
{
	CLEANUP(str_release) struct str text = STR_INIT(64u << 10);

	part_drain(&text, drain, s->now_ms);
	html_addf(s->out, "<bdi>%s</bdi>", text.text);
	str_inherit(s->out, &text);
}

static bool has_forge(const struct sheet *s)
{
	/* It begins a href: nothing but the web may. */
	return str_starts(s->settings->web_url, "https://") ||
	       str_starts(s->settings->web_url, "http://");
}

void part_pull(const struct sheet *s, const char *repo, int64_t number)
{
	const char *slash = strrchr(repo, '/');

	html_addf(s->out,
		  "<a class=\"pull\" href=\"%spulls/%s/%lld\" "
		  "title=\"%s#%lld\">%s#%lld</a>",
		  s->root, repo, (long long)number, repo, (long long)number,
		  slash ? slash + 1 : repo, (long long)number);
}

void part_forge_pull(const struct sheet *s, const char *repo, int64_t number)
{
	if (!has_forge(s))
		return;
	html_addf(s->out,
		  " <a class=\"out\" href=\"%s/%s/pull/%lld\" "
		  "title=\"%s#%lld on the forge\">\u2197<span class=\"hidden\">"
		  " on the forge</span></a>",
		  s->settings->web_url, repo, (long long)number, repo,
		  (long long)number);
}

void part_pull_title(const struct sheet *s, const json_t *of)
{
	const char *repo = js_str(of, "repo");
	int64_t number = js_int(of, "number", 0);

	part_pull(s, repo, number);
	part_forge_pull(s, repo, number);
	if (js_bool(of, "new", false))
		html_addf(s->out, " <span class=\"tag\">new</span>");
	if (*js_str(of, "title"))
		html_addf(s->out, " <bdi class=\"title\">%s</bdi>",
			  js_str(of, "title"));
}

void part_commit(const struct sheet *s, const char *repo, const char *sha)
{
	char digits[13];

	if (!*sha) {
		html_addf(s->out, "<span class=\"soft\">none</span>");
		return;
	}
	snprintf(digits, sizeof(digits), "%s", sha);
	if (has_forge(s))
		html_addf(s->out,
			  "<a href=\"%s/%s/commit/%s\" title=\"%s\"><code>%s"
			  "</code></a>",
			  s->settings->web_url, repo, sha, sha, digits);
	else
		html_addf(s->out, "<code title=\"%s\">%s</code>", sha, digits);
}

void part_cycle(const struct sheet *s, int64_t id)
{
	html_addf(s->out, "<a href=\"%scycles/%lld\">cycle %lld</a>", s->root,
		  (long long)id, (long long)id);
}

void part_asker(const struct sheet *s, const json_t *request)
{
	static const char *const origins[][2] = {
		{"comment", "by comment"}, {"cli", "by command line"},
		{"push", "a push"},	   {"label", "a label"},
		{"state", "a new state"},  {"base", "a moved base branch"},
	};
	const char *origin = js_str(request, "origin");
	const char *by = js_str(request, "by");

	for (size_t i = 0; i < ARRAY_SIZE(origins); i++)
		if (!strcmp(origin, origins[i][0]))
			origin = origins[i][1];
	if (*by)
		html_addf(s->out, "<bdi>%s</bdi>, ", by);
	html_addf(s->out, "%s", origin);
}

void part_rail(const struct sheet *s, const json_t *cycle)
{
	json_t *stage;
	size_t i;

	html_addf(s->out, "<ol class=\"rail\">\n");
	json_array_foreach (js_get(cycle, "stages"), i, stage) {
		html_addf(s->out, "<li><b>%s</b> ", js_str(stage, "name"));
		part_badge(s, js_str(stage, "state"));
		if (js_int(stage, "ms", 0)) {
			html_addf(s->out, " <span class=\"soft\">");
			part_span(s, js_int(stage, "ms", 0));
			html_addf(s->out, "</span>");
		}
		html_addf(s->out, "</li>\n");
	}
	html_addf(s->out, "</ol>\n");
}

static void revision(const struct sheet *s, const json_t *r, bool results)
{
	html_addf(s->out, "<tr><td data-name=\"Pull request\">");
	part_pull_title(s, r);
	html_addf(s->out,
		  "</td><td class=\"name\" "
		  "data-name=\"Author\"><bdi>%s</bdi></td>"
		  "<td data-name=\"Revision\">",
		  js_str(r, "author"));
	part_commit(s, js_str(r, "repo"), js_str(r, "sha"));
	if (results) {
		html_addf(s->out, "</td><td data-name=\"Result\">");
		part_badge(s, js_str(r, "result"));
		if (*js_str(r, "reason")) {
			html_addf(s->out, " ");
			part_prose(s, "reason", js_str(r, "reason"));
		}
	}
	html_addf(s->out, "</td></tr>\n");
}

static bool on_board(const json_t *r)
{
	return !strcmp(js_str(r, "result"), "merged") ||
	       !strcmp(js_str(r, "result"), "merged_already");
}

static bool any(const json_t *revisions, bool results)
{
	json_t *r;
	size_t i;

	json_array_foreach (revisions, i, r)
		if (results || on_board(r))
			return true;
	return false;
}

void part_revisions(const struct sheet *s, const json_t *revisions,
		    bool results)
{
	json_t *r;
	size_t i;

	if (!any(revisions, results)) {
		html_addf(s->out, "<p class=\"soft\">No pull requests: the "
				  "base branches alone.</p>\n");
		return;
	}
	html_addf(s->out,
		  "<table>\n<thead><tr><th>Pull request</th><th>Author</th>"
		  "<th>Revision</th>");
	if (results)
		html_addf(s->out, "<th>Result</th>");
	html_addf(s->out, "</tr></thead>\n<tbody>\n");
	json_array_foreach (revisions, i, r)
		if (results || on_board(r))
			revision(s, r, results);
	html_addf(s->out, "</tbody></table>\n");
}

const char *part_outcome(const json_t *cycle)
{
	const char *verdict = js_str(cycle, "verdict");

	return *verdict ? verdict : js_str(cycle, "state");
}

const char *part_verdict(const json_t *cycle)
{
	static const char *const words[][2] = {
		{"success", "Everything that this cycle runs has passed."},
		{"failure", "The code failed."},
		{"error", "The infrastructure failed; this says nothing about "
			  "the code."},
		{"cancelled", "It was stopped before its end; this says "
			      "nothing about the code."},
		{"inconclusive", "It ended without a clear answer."},
		{"merging", "The revisions are being merged onto their base "
			    "branches."},
		{"pushing", "The staging branches are being pushed."},
		{"running", "Its stages are running."},
		{"stopping", "It is being stopped."},
	};
	const char *outcome = part_outcome(cycle);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(outcome, words[i][0]))
			return words[i][1];
	return "";
}

static void cycle_row(const struct sheet *s, const json_t *c)
{
	int64_t from = js_int(c, "started_ms", 0);
	int64_t to = js_int(c, "finished_ms", 0);

	html_addf(s->out, "<tr><td data-name=\"Cycle\">");
	part_cycle(s, js_int(c, "id", 0));
	html_addf(s->out,
		  " <span class=\"tag\">%s</span></td>"
		  "<td data-name=\"Verdict\">",
		  js_str(c, "kind"));
	part_badge(s, part_outcome(c));
	if (*js_str(c, "text")) {
		html_addf(s->out, " ");
		part_prose(s, "reason", js_str(c, "text"));
	}
	html_addf(s->out,
		  "</td><td data-name=\"Pull requests\">%lld</td>"
		  "<td data-name=\"Started\">",
		  (long long)json_array_size(js_get(c, "revisions")));
	part_time(s, from);
	html_addf(s->out, "</td><td data-name=\"Took\">");
	part_span(s, (to ? to : s->now_ms) - from);
	html_addf(s->out, "</td></tr>\n");
}

void part_cycles(const struct sheet *s, const json_t *cycles)
{
	json_t *c;
	size_t i;

	html_addf(s->out,
		  "<table>\n<thead><tr><th>Cycle</th><th>Verdict</th>"
		  "<th>Pull requests</th><th>Started</th><th>Took</th></tr>"
		  "</thead>\n<tbody>\n");
	json_array_foreach (cycles, i, c)
		cycle_row(s, c);
	html_addf(s->out, "</tbody></table>\n");
}
