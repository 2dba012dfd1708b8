/*
 * "/cycles/ID": the manifest, what became of each revision, and what ran.
 */
#include "bot/page_parts.h"
#include "bot/view_parts.h"

#include <string.h>

static void asked(const struct sheet *s, const json_t *list)
{
	json_t *q;
	size_t i;

	if (!json_array_size(list))
		return;
	html_addf(s->out, "<dt>Asked by</dt><dd><ul>");
	json_array_foreach (list, i, q) {
		html_addf(s->out, "<li>");
		part_asker(s, q);
		if (*js_str(q, "repo")) {
			html_addf(s->out, " on ");
			part_pull(s, js_str(q, "repo"), js_int(q, "number", 0));
		}
		html_addf(s->out, "</li>");
	}
	html_addf(s->out, "</ul></dd>\n");
}

static void drain(const struct sheet *s, const json_t *drain)
{
	if (!drain)
		return;
	html_addf(s->out, "<dt>Drain</dt><dd>");
	part_drained(s, drain);
	html_addf(s->out, "</dd>\n");
}

/* Where it comes from and what came after it, when those are cycles. */
static void purpose(const struct sheet *s, const json_t *c)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);
	int64_t of = js_int(c, "of_cycle", 0);
	int64_t back = js_int(c, "put_back.cycle", 0);

	if (part_purpose(&text, c))
		html_addf(s->out, "<p>What it is for: ");
	else if (part_put_back(&text, c))
		html_addf(s->out, "<p>");
	else
		return;
	part_prose(s, "", text.text);
	str_inherit(s->out, &text);
	html_addf(s->out, ". See ");
	part_cycle(s, of ? of : back);
	html_addf(s->out, ".</p>\n");
}

static void summary(const struct sheet *s, const json_t *c)
{
	int64_t from = js_int(c, "started_ms", 0);
	int64_t to = js_int(c, "finished_ms", 0);

	html_addf(s->out, "<p class=\"lead\">%s</p>\n", part_verdict(c));
	if (*js_str(c, "text")) {
		html_addf(s->out, "<p>");
		part_prose(s, "", js_str(c, "text"));
		html_addf(s->out, "</p>\n");
	}
	purpose(s, c);
	html_addf(s->out, "<dl>\n<dt>Environment</dt><dd>%s</dd>\n",
		  js_str(c, "environment"));
	if (*js_str(c, "reason_code"))
		html_addf(s->out, "<dt>Reason</dt><dd><code>%s</code></dd>\n",
			  js_str(c, "reason_code"));
	html_addf(s->out, "<dt>Started</dt><dd>");
	part_time(s, from);
	html_addf(s->out, "%s</dd>\n<dt>%s</dt><dd>",
		  js_bool(c, "scheduled", false) ? ", by the schedule" : "",
		  to ? "Took" : "Running for");
	part_span(s, (to ? to : s->now_ms) - from);
	if (js_int(c, "restarts", 0))
		html_addf(s->out, ", restarted %lld\u00d7",
			  (long long)js_int(c, "restarts", 0));
	html_addf(s->out, "</dd>\n");
	if (*js_str(c, "tag"))
		html_addf(s->out, "<dt>Tag</dt><dd><code>%s</code></dd>\n",
			  js_str(c, "tag"));
	drain(s, js_get(c, "drain"));
	asked(s, js_get(c, "asked"));
	html_addf(s->out, "</dl>\n");
}

static void project(const struct sheet *s, const json_t *p)
{
	const char *repo = js_str(p, "repo");

	html_addf(s->out,
		  "<tr><td data-name=\"Project\">%s</td>"
		  "<td data-name=\"Base\"><code>%s</code> at ",
		  repo, js_str(p, "base"));
	part_commit(s, repo, js_str(p, "base_sha"));
	html_addf(s->out,
		  "</td><td data-name=\"Staging branch\"><code>%s</code>"
		  "</td><td data-name=\"Before\">",
		  js_str(p, "branch"));
	part_commit(s, repo, js_str(p, "old_sha"));
	html_addf(s->out, "</td><td data-name=\"Result\">");
	part_commit(s, repo, js_str(p, "sha"));
	html_addf(s->out, "</td></tr>\n");
}

static void manifest(const struct sheet *s, const json_t *projects)
{
	json_t *p;
	size_t i;

	html_addf(s->out, "<section>\n<h2>Manifest</h2>\n");
	if (!json_array_size(projects)) {
		html_addf(s->out, "<p class=\"soft\">Not known yet.</p>\n"
				  "</section>\n");
		return;
	}
	html_addf(s->out,
		  "<table>\n<thead><tr><th>Project</th><th>Base</th>"
		  "<th>Staging branch</th><th>Before</th><th>Result</th></tr>"
		  "</thead>\n<tbody>\n");
	json_array_foreach (projects, i, p)
		project(s, p);
	html_addf(s->out, "</tbody></table>\n</section>\n");
}

static void job(const struct sheet *s, const json_t *j)
{
	const char *state = js_str(j, "state");
	bool ended = !strcmp(state, "failure") || !strcmp(state, "error");

	html_addf(s->out, "<li class=\"job\"><b>%s</b> ", js_str(j, "name"));
	part_badge(s, state);
	if (js_int(j, "ms", 0)) {
		html_addf(s->out, " <span class=\"soft\">");
		part_span(s, js_int(j, "ms", 0));
		html_addf(s->out, "</span>");
	}
	if (*js_str(j, "text"))
		html_addf(s->out, " <bdi class=\"reason\">%s</bdi>",
			  js_str(j, "text"));
	if (ended && *js_str(j, "reason_code"))
		html_addf(s->out, " <code>%s</code>", js_str(j, "reason_code"));
	if (*js_str(j, "tail")) {
		html_addf(s->out,
			  "<details%s><summary>End of the log</summary>"
			  "<pre tabindex=\"0\">",
			  ended ? " open" : "");
		html_log(s->out, js_str(j, "tail"));
		html_addf(s->out, "</pre></details>");
	}
	html_addf(s->out, "</li>\n");
}

static void stage(const struct sheet *s, const json_t *stage)
{
	json_t *j;
	size_t i;

	html_addf(s->out, "<h3>%s ", js_str(stage, "name"));
	part_badge(s, js_str(stage, "state"));
	html_addf(s->out, "</h3>\n");
	if (!json_array_size(js_get(stage, "jobs")))
		return;
	html_addf(s->out, "<ul class=\"jobs\">\n");
	json_array_foreach (js_get(stage, "jobs"), i, j)
		job(s, j);
	html_addf(s->out, "</ul>\n");
}

void page_cycle(const struct sheet *s, const json_t *c)
{
	bool finished = !strcmp(js_str(c, "state"), "finished");
	long long id = (long long)js_int(c, "id", 0);
	char title[60], twin[60];
	json_t *one;
	size_t i;

	snprintf(title, sizeof(title), "Cycle %lld", id);
	snprintf(twin, sizeof(twin), "api/v1/cycles/%lld", id);
	/* A finished cycle does not change any more. */
	sheet_begin(s, title, finished ? 0 : REFRESH_BUSY_S, twin);
	html_addf(s->out, "<h1>%s <span class=\"tag\">%s</span> ", title,
		  js_str(c, "kind"));
	part_badge(s, part_outcome(c));
	html_addf(s->out, "</h1>\n");
	summary(s, c);
	part_rail(s, c);
	html_addf(s->out, "<section>\n<h2>Revisions</h2>\n");
	part_revisions(s, js_get(c, "revisions"), true);
	html_addf(s->out, "</section>\n");
	manifest(s, js_get(c, "projects"));
	html_addf(s->out, "<section>\n<h2>Stages</h2>\n");
	json_array_foreach (js_get(c, "stages"), i, one)
		stage(s, one);
	html_addf(s->out, "</section>\n");
	sheet_end(s);
}
