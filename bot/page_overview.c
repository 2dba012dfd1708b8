/*
 * "/": what is deployed, what runs, what waits and why, what was.
 */
#include "bot/page_parts.h"
#include "bot/view_parts.h"

#include <string.h>

static void deployed(const struct sheet *s, const json_t *cycle)
{
	html_addf(s->out, "<section>\n<h3>Deployed now</h3>\n");
	if (!cycle) {
		html_addf(s->out,
			  "<p class=\"soft\">Nothing yet: no cycle has passed "
			  "here.</p>\n</section>\n");
		return;
	}
	html_addf(s->out, "<p>");
	part_cycle(s, js_int(cycle, "id", 0));
	html_addf(s->out, " <span class=\"tag\">%s</span> since ",
		  js_str(cycle, "kind"));
	part_time(s, js_int(cycle, "finished_ms", 0));
	if (*js_str(cycle, "tag"))
		html_addf(s->out, " as <code>%s</code>", js_str(cycle, "tag"));
	html_addf(s->out, "</p>\n");
	part_revisions(s, js_get(cycle, "revisions"), false);
	html_addf(s->out, "</section>\n");
}

static void running(const struct sheet *s, const json_t *env)
{
	const json_t *cycle = js_get(env, "running");
	const json_t *eta = js_get(js_get(env, "eta"), js_str(cycle, "kind"));

	if (!cycle)
		return;
	html_addf(s->out, "<section class=\"live\">\n<h3>Running now</h3>\n"
			  "<p>");
	part_cycle(s, js_int(cycle, "id", 0));
	html_addf(s->out, " <span class=\"tag\">%s</span> ",
		  js_str(cycle, "kind"));
	part_badge(s, js_str(cycle, "state"));
	html_addf(s->out, " since ");
	part_time(s, js_int(cycle, "started_ms", 0));
	if (js_int(cycle, "restarts", 0))
		html_addf(s->out, ", restarted %lld\u00d7",
			  (long long)js_int(cycle, "restarts", 0));
	if (eta) {
		html_addf(s->out, ", takes ");
		part_eta(s->out, eta);
	}
	html_addf(s->out, "</p>\n");
	if (js_get(cycle, "drain")) {
		html_addf(s->out, "<p>Drain: ");
		part_drained(s, js_get(cycle, "drain"));
		html_addf(s->out, "</p>\n");
	}
	part_rail(s, cycle);
	part_revisions(s, js_get(cycle, "revisions"), true);
	html_addf(s->out, "</section>\n");
}

static void request(const struct sheet *s, const json_t *q)
{
	html_addf(s->out, "<tr><td data-name=\"For\">");
	if (*js_str(q, "repo"))
		part_pull_title(s, q);
	else if (!strcmp(js_str(q, "origin"), "base"))
		html_addf(s->out, "a base branch as it is now");
	else
		html_addf(s->out, "to put it right");
	html_addf(s->out, "</td><td data-name=\"Wanted\">");
	part_badge(s, js_str(q, "state"));
	html_addf(s->out, " %s</td><td data-name=\"Asked by\">",
		  js_str(q, "kind"));
	part_asker(s, q);
	html_addf(s->out, "</td><td data-name=\"Since\">");
	part_time(s, js_int(q, "since_ms", 0));
	html_addf(s->out, "</td></tr>\n");
}

static void wait_reason(const struct sheet *s, const json_t *env)
{
	int64_t until = js_int(env, "wait_until_ms", 0);
	int64_t busy = js_int(env, "running.id", 0);

	html_addf(s->out, "<p>");
	if (*js_str(env, "wait_why")) {
		html_addf(s->out, "Waits: ");
		part_prose(s, "", js_str(env, "wait_why"));
		html_addf(s->out, ".");
	} else if (busy) {
		html_addf(s->out, "Waits: cycle %lld is running.",
			  (long long)busy);
	}
	if (until > s->now_ms) {
		html_addf(s->out, " Starts at ");
		part_time(s, until);
		html_addf(s->out, ".");
	} else if (until) {
		html_addf(s->out, " Starts any moment.");
	}
	html_addf(s->out, "</p>\n");
}

static void frozen(const struct sheet *s, const json_t *env)
{
	int64_t until = js_int(env, "frozen_until_ms", 0);

	if (!*js_str(env, "frozen_why"))
		return;
	html_addf(s->out, "<p>Nothing starts: ");
	part_prose(s, "", js_str(env, "frozen_why"));
	if (until) {
		html_addf(s->out, ", until ");
		part_time(s, until);
	}
	html_addf(s->out, ".</p>\n");
}

static void scheduled(const struct sheet *s, const json_t *env)
{
	int64_t at = js_int(env, "schedule_ms", 0);

	if (!at)
		return;
	html_addf(s->out, " If something is new by then, the schedule deploys "
			  "it at ");
	part_time(s, at);
	html_addf(s->out, ".");
}

static void queue(const struct sheet *s, const json_t *env)
{
	const json_t *list = js_get(env, "queue");
	json_t *q;
	size_t i;

	html_addf(s->out, "<section>\n<h3>Queue</h3>\n");
	if (!json_array_size(list)) {
		html_addf(s->out, "<p class=\"soft\">Nothing waits.");
		scheduled(s, env);
		html_addf(s->out, "</p>\n</section>\n");
		return;
	}
	wait_reason(s, env);
	html_addf(s->out, "<table>\n<thead><tr><th>For</th><th>Wanted</th>"
			  "<th>Asked by</th><th>Since</th></tr></thead>\n"
			  "<tbody>\n");
	json_array_foreach (list, i, q)
		request(s, q);
	html_addf(s->out, "</tbody></table>\n</section>\n");
}

static void excluded(const struct sheet *s, const json_t *list)
{
	json_t *x;
	size_t i;

	if (!json_array_size(list))
		return;
	html_addf(s->out,
		  "<section>\n<h3>Excluded</h3>\n<p class=\"soft\">Until the "
		  "author pushes, or a maintainer lifts it.</p>\n<table>\n"
		  "<thead><tr><th>Pull request</th><th>Revision</th>"
		  "<th>Why</th><th>Since</th></tr></thead>\n<tbody>\n");
	json_array_foreach (list, i, x) {
		html_addf(s->out, "<tr><td data-name=\"Pull request\">");
		part_pull_title(s, x);
		html_addf(s->out, "</td><td data-name=\"Revision\">");
		part_commit(s, js_str(x, "repo"), js_str(x, "sha"));
		html_addf(s->out, "</td><td data-name=\"Why\">");
		part_prose(s, "", js_str(x, "reason"));
		html_addf(s->out, ", ");
		part_cycle(s, js_int(x, "cycle", 0));
		html_addf(s->out, "</td><td data-name=\"Since\">");
		part_time(s, js_int(x, "since_ms", 0));
		html_addf(s->out, "</td></tr>\n");
	}
	html_addf(s->out, "</tbody></table>\n</section>\n");
}

static void last(const struct sheet *s, const json_t *env)
{
	html_addf(s->out, "<section>\n<h3>Last cycles</h3>\n");
	part_cycles(s, js_get(env, "last"));
	html_addf(s->out, "<p class=\"soft\">Last full cycle: ");
	part_time(s, js_int(env, "last_full_ms", 0));
	html_addf(s->out, "</p>\n</section>\n");
}

/* One that nothing was ever asked of needs no empty tables. */
static bool is_new(const json_t *env)
{
	return !strcmp(js_str(env, "state"), "idle") &&
	       !*js_str(env, "frozen_why") &&
	       !json_array_size(js_get(env, "last"));
}

static void environment(const struct sheet *s, const json_t *env)
{
	html_addf(s->out, "<article>\n<h2>%s ", js_str(env, "name"));
	part_badge(s, js_str(env, "state"));
	html_addf(s->out, "</h2>\n");
	if (is_new(env)) {
		html_addf(s->out, "<p class=\"soft\">Nothing has been asked of "
				  "this environment yet.");
		scheduled(s, env);
		html_addf(s->out, "</p>\n</article>\n");
		return;
	}
	frozen(s, env);
	running(s, env);
	deployed(s, js_get(env, "deployed"));
	queue(s, env);
	excluded(s, js_get(env, "excluded"));
	if (json_array_size(js_get(env, "last")))
		last(s, env);
	html_addf(s->out, "</article>\n");
}

static bool at_rest(const json_t *environments)
{
	json_t *env;
	size_t i;

	json_array_foreach (environments, i, env)
		if (strcmp(js_str(env, "state"), "idle") != 0)
			return false;
	return true;
}

void page_overview(const struct sheet *s, const json_t *view)
{
	const json_t *list = js_get(view, "environments");
	json_t *env;
	size_t i;

	sheet_begin(s, "Overview",
		    at_rest(list) ? REFRESH_IDLE_S : REFRESH_BUSY_S,
		    "api/v1/status");
	html_addf(s->out, "<h1 class=\"hidden\">Overview</h1>\n");
	json_array_foreach (list, i, env)
		environment(s, env);
	if (!json_array_size(list))
		html_addf(s->out, "<p>No environment has been seen yet.</p>\n");
	sheet_end(s);
}
