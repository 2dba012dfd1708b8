/*
 * "/pulls/OWNER/REPO/N": where a pull stands in each environment, and what
 * has happened to it.
 */
#include "bot/page_parts.h"
#include "bot/view_parts.h"

#include <string.h>

/* Is the revision one of the pull that env speaks of? */
static bool is_own(const json_t *env, const json_t *revision)
{
	return !strcasecmp(js_str(revision, "repo"), js_str(env, "repo")) &&
	       js_int(revision, "number", 0) == js_int(env, "number", -1);
}

/* Does what is deployed hold the head, another revision of it, or none? */
static const char *staged_sha(const json_t *env)
{
	json_t *r;
	size_t i;

	json_array_foreach (js_get(env, "on_staging.revisions"), i, r)
		if (!strcmp(js_str(r, "repo"), js_str(env, "repo")) &&
		    js_int(r, "number", 0) == js_int(env, "number", -1))
			return js_str(r, "sha");
	return "";
}

static void deployed(const struct sheet *s, const json_t *env)
{
	const char *sha = staged_sha(env);

	html_addf(s->out, "<dt>Deployed</dt><dd>");
	part_badge(s, *sha ? "staged" : "absent");
	if (*sha && strcmp(sha, js_str(env, "head_sha")) != 0) {
		html_addf(s->out, " with an older head, ");
		part_commit(s, js_str(env, "repo"), sha);
	}
	if (*sha) {
		html_addf(s->out, " in ");
		part_cycle(s, js_int(env, "on_staging.cycle", 0));
		html_addf(s->out, " since ");
		part_time(s, js_int(env, "on_staging.since_ms", 0));
	}
	html_addf(s->out, "</dd>\n");
}

static void why(const struct sheet *s, const json_t *env)
{
	int64_t at = js_int(env, "at_ms", 0);

	if (*js_str(env, "why")) {
		html_addf(s->out, "<dt>Why</dt><dd>");
		part_prose(s, "", js_str(env, "why"));
		html_addf(s->out, "</dd>\n");
	}
	if (at) {
		html_addf(s->out, "<dt>Starts</dt><dd>");
		if (at > s->now_ms)
			part_time(s, at);
		else
			html_addf(s->out, "any moment");
		html_addf(s->out, "</dd>\n");
	}
}

static void expected(const struct sheet *s, const json_t *env)
{
	int64_t before = js_int(env, "position", 0);
	int64_t from = js_int(env, "eta.from_ms", 0);
	const json_t *eta = js_get(env, "eta");

	if (before)
		html_addf(s->out,
			  "<dt>Queue</dt><dd>%lld cycle%s must end "
			  "before</dd>\n",
			  (long long)before, before == 1 ? "" : "s");
	if (!eta)
		return;
	html_addf(s->out, "<dt>Takes</dt><dd>");
	part_eta(s->out, eta);
	if (from) {
		html_addf(s->out, ", over between ");
		part_time(s, from);
		html_addf(s->out, " and ");
		part_time(s, js_int(eta, "to_ms", 0));
	}
	html_addf(s->out, "</dd>\n");
}

static void frozen(const struct sheet *s, const json_t *env)
{
	if (!*js_str(env, "frozen_why"))
		return;
	html_addf(s->out, "<dt>Nothing starts</dt><dd>");
	part_prose(s, "", js_str(env, "frozen_why"));
	if (js_int(env, "frozen_until_ms", 0)) {
		html_addf(s->out, ", until ");
		part_time(s, js_int(env, "frozen_until_ms", 0));
	}
	html_addf(s->out, "</dd>\n");
}

static void moment(const struct sheet *s, const char *name, int64_t ms)
{
	html_addf(s->out, "<dt>%s</dt><dd>", name);
	if (ms)
		part_time(s, ms);
	else
		html_addf(s->out, "<span class=\"soft\">not yet</span>");
	html_addf(s->out, "</dd>\n");
}

static void result(const struct sheet *s, const json_t *env)
{
	html_addf(s->out, "<dt>Result of this head</dt><dd>");
	part_badge(s, js_str(env, "result.outcome"));
	if (js_int(env, "result.cycle", 0)) {
		html_addf(s->out, " in ");
		part_cycle(s, js_int(env, "result.cycle", 0));
	}
	html_addf(s->out, "</dd>\n");
	moment(s, "Short passed", js_int(env, "result.short_ok_ms", 0));
	moment(s, "Full passed", js_int(env, "result.full_ok_ms", 0));
}

/* The end of a line of facts, with what somebody gave as their reason. */
static void reason(const struct sheet *s, const char *text)
{
	if (*text)
		html_addf(s->out, ": <bdi class=\"reason\">%s</bdi>", text);
	html_addf(s->out, "</dd>\n");
}

static void skipped(const struct sheet *s, const json_t *skip)
{
	if (!skip)
		return;
	html_addf(s->out, "<dt>Taken out</dt><dd>by <bdi>%s</bdi> ",
		  js_str(skip, "by"));
	part_time(s, js_int(skip, "since_ms", 0));
	reason(s, js_str(skip, "reason"));
}

static void disputes(const struct sheet *s, const json_t *list)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		html_addf(s->out, "<dt>Disputed</dt><dd>by <bdi>%s</bdi> ",
			  js_str(one, "by"));
		part_time(s, js_int(one, "at_ms", 0));
		reason(s, js_str(one, "reason"));
	}
}

/* The permission for the code of somebody who is not trusted. */
static void grant(const struct sheet *s, const char *repo, const json_t *one)
{
	const char *state = js_str(one, "state");

	if (!one)
		return;
	html_addf(s->out, "<dt>Permission</dt><dd>");
	part_badge(s, state);
	html_addf(s->out, " by <bdi>%s</bdi> for ", js_str(one, "by"));
	part_commit(s, repo, js_str(one, "sha"));
	if (strcmp(state, "void") != 0) {
		html_addf(s->out, ", %s ",
			  strcmp(state, "expired") ? "until" : "ended");
		part_time(s, js_int(one, "until_ms", 0));
	}
	html_addf(s->out, "</dd>\n");
}

static void requests(const struct sheet *s, const json_t *list)
{
	json_t *q;
	size_t i;

	if (!json_array_size(list))
		return;
	html_addf(s->out,
		  "<h3>Requests</h3>\n<table>\n<thead><tr><th>Wanted</th>"
		  "<th>Asked by</th><th>Since</th></tr></thead>\n<tbody>\n");
	json_array_foreach (list, i, q) {
		html_addf(s->out, "<tr><td data-name=\"Wanted\">");
		part_badge(s, js_str(q, "state"));
		html_addf(s->out, " %s%s</td><td data-name=\"Asked by\">",
			  js_str(q, "kind"),
			  js_bool(q, "forced", false) ? ", forced" : "");
		part_asker(s, q);
		if (*js_str(q, "reason"))
			html_addf(s->out, ": <bdi class=\"reason\">%s</bdi>",
				  js_str(q, "reason"));
		html_addf(s->out, "</td><td data-name=\"Since\">");
		part_time(s, js_int(q, "since_ms", 0));
		html_addf(s->out, "</td></tr>\n");
	}
	html_addf(s->out, "</tbody></table>\n");
}

/* What the merge of the cycle made of this pull. */
static void own_part(const struct sheet *s, const json_t *env,
		     const json_t *cycle)
{
	json_t *r;
	size_t i;

	json_array_foreach (js_get(cycle, "revisions"), i, r) {
		if (!is_own(env, r))
			continue;
		html_addf(s->out, "<p>");
		part_commit(s, js_str(r, "repo"), js_str(r, "sha"));
		html_addf(s->out, " ");
		part_badge(s, js_str(r, "result"));
		html_addf(s->out, " ");
		part_prose(s, "", js_str(r, "reason"));
		html_addf(s->out, "</p>\n");
	}
}

static void newest(const struct sheet *s, const json_t *env,
		   const json_t *cycle)
{
	html_addf(s->out, "<h3>Newest: ");
	part_cycle(s, js_int(cycle, "id", 0));
	html_addf(s->out, " <span class=\"tag\">%s</span> ",
		  js_str(cycle, "kind"));
	part_badge(s, part_outcome(cycle));
	html_addf(s->out, "</h3>\n");
	own_part(s, env, cycle);
	html_addf(s->out, "<p>%s</p>\n", part_verdict(cycle));
	if (*js_str(cycle, "text")) {
		html_addf(s->out, "<p>");
		part_prose(s, "", js_str(cycle, "text"));
		html_addf(s->out, "</p>\n");
	}
	if (js_get(cycle, "drain")) {
		html_addf(s->out, "<p>Drain: ");
		part_drained(s, js_get(cycle, "drain"));
		html_addf(s->out, "</p>\n");
	}
	part_rail(s, cycle);
}

static void environment(const struct sheet *s, const json_t *env)
{
	const json_t *cycle = js_get(env, "cycle");

	html_addf(s->out, "<article>\n<h2>On %s ", js_str(env, "environment"));
	part_badge(s, js_str(env, "state"));
	html_addf(s->out, "</h2>\n<dl>\n");
	deployed(s, env);
	why(s, env);
	frozen(s, env);
	expected(s, env);
	result(s, env);
	disputes(s, js_get(env, "disputes"));
	skipped(s, js_get(env, "skipped"));
	grant(s, js_str(env, "repo"), js_get(env, "grant"));
	html_addf(s->out, "</dl>\n");
	requests(s, js_get(env, "requests"));
	if (cycle)
		newest(s, env, cycle);
	html_addf(s->out, "</article>\n");
}

static void heads(const struct sheet *s, const json_t *view)
{
	json_t *h;
	size_t i;

	html_addf(s->out, "<section>\n<h2>Heads</h2>\n"
			  "<ol class=\"line\">\n");
	json_array_foreach (js_get(view, "heads"), i, h) {
		html_addf(s->out, "<li>");
		part_commit(s, js_str(view, "repo"), js_str(h, "sha"));
		html_addf(s->out, " seen ");
		part_time(s, js_int(h, "seen_ms", 0));
		html_addf(s->out, " <span class=\"soft\">by %s</span></li>\n",
			  js_str(h, "source"));
	}
	html_addf(s->out, "</ol>\n</section>\n");
}

/* All our own words, code and all. */
static void answer(const struct sheet *s, const char *text)
{
	html_addf(s->out, "<br>");
	part_prose(s, "reason", text);
}

/* Where it was said, if not in a comment. */
static const char *place(const char *kind)
{
	static const char *const words[][2] = {
		{"review", " in a review"},
		{"review_comment", " on the code"},
		{"cli", " on the command line"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(kind, words[i][0]))
			return words[i][1];
	return "";
}

static void said(const struct sheet *s, const json_t *list)
{
	json_t *one, *word;
	size_t i, k;

	if (!json_array_size(list))
		return;
	html_addf(s->out, "<section>\n<h2>Commands</h2>\n"
			  "<ol class=\"line\">\n");
	json_array_foreach (list, i, one) {
		html_addf(s->out, "<li><bdi>%s</bdi>%s: ", js_str(one, "by"),
			  place(js_str(one, "kind")));
		json_array_foreach (js_get(one, "words"), k, word)
			html_addf(s->out, "<code>%s</code> ",
				  js_str(word, "verb"));
		part_badge(s, js_str(one, "state"));
		html_addf(s->out, " ");
		part_time(s, js_int(one, "at_ms", 0));
		if (*js_str(one, "answer"))
			answer(s, js_str(one, "answer"));
		html_addf(s->out, "</li>\n");
	}
	html_addf(s->out, "</ol>\n</section>\n");
}

static bool at_rest(const json_t *environments)
{
	json_t *env;
	size_t i;

	json_array_foreach (environments, i, env)
		if (!strcmp(js_str(env, "state"), "running") ||
		    !strcmp(js_str(env, "state"), "waiting"))
			return false;
	return true;
}

static void title(const struct sheet *s, const json_t *view)
{
	const char *state = js_str(view, "pull_state");

	if (js_bool(view, "draft", false) && !strcmp(state, "open"))
		state = "draft";
	html_addf(s->out,
		  "<h1><bdi>%s</bdi> <span class=\"soft\">%s#%lld"
		  "</span>",
		  js_str(view, "title"), js_str(view, "repo"),
		  (long long)js_int(view, "number", 0));
	part_forge_pull(s, js_str(view, "repo"), js_int(view, "number", 0));
	html_addf(s->out, "</h1>\n<p class=\"lead\">");
	part_badge(s, state);
	html_addf(s->out, " by <bdi>%s</bdi>, head ", js_str(view, "author"));
	part_commit(s, js_str(view, "repo"), js_str(view, "head_sha"));
	html_addf(s->out, "</p>\n");
}

void page_pull(const struct sheet *s, const json_t *view)
{
	const json_t *environments = js_get(view, "environments");
	CLEANUP(str_release) struct str name = STR_INIT(400);
	CLEANUP(str_release) struct str twin = STR_INIT(400);
	json_t *env;
	size_t i;

	str_addf(&name, "%s#%lld", js_str(view, "repo"),
		 (long long)js_int(view, "number", 0));
	str_addf(&twin, "api/v1/pulls/%s/%lld", js_str(view, "repo"),
		 (long long)js_int(view, "number", 0));
	sheet_begin(s, name.text,
		    at_rest(environments) ? REFRESH_IDLE_S : REFRESH_BUSY_S,
		    twin.text);
	str_inherit(s->out, &name);
	str_inherit(s->out, &twin);
	title(s, view);
	json_array_foreach (environments, i, env)
		environment(s, env);
	if (json_array_size(js_get(view, "history"))) {
		html_addf(s->out, "<section>\n<h2>History</h2>\n");
		part_cycles(s, js_get(view, "history"));
		html_addf(s->out, "</section>\n");
	}
	said(s, js_get(view, "said"));
	heads(s, view);
	sheet_end(s);
}
