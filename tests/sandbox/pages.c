/*
 * Pages for people: what is on the forge, and a form to take part.  All text
 * is escaped or rendered without raw HTML; the content policy allows our own
 * style sheet and one small script, which only refreshes the conversation.
 */
#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <inttypes.h>
#include <string.h>

#include "tests/sandbox/acts.h"
#include "tests/sandbox/git.h"
#include "tests/sandbox/http.h"
#include "tests/sandbox/page_files.h"
#include "tests/sandbox/shape.h"

#define COMMITS_SHOWN 50

static void esc(struct str *out, const char *text)
{
	for (; text && *text; text++) {
		switch (*text) {
		case '<':
			str_puts(out, "&lt;");
			break;
		case '>':
			str_puts(out, "&gt;");
			break;
		case '&':
			str_puts(out, "&amp;");
			break;
		case '"':
			str_puts(out, "&quot;");
			break;
		case '\'':
			str_puts(out, "&#39;");
			break;
		default:
			str_putc(out, *text);
		}
	}
}

/* Adds fmt with every "@" replaced by the next word, escaped; NULL ends. */
static void html(struct str *out, const char *fmt, const char *const *words)
{
	for (; *fmt; fmt++) {
		if (*fmt == '@' && *words)
			esc(out, *words++);
		else
			str_putc(out, *fmt);
	}
}

#define HTML(out, fmt, ...)                                                    \
	html(out, fmt, (const char *const[]){__VA_ARGS__, NULL})

static void markdown(struct str *out, const char *text)
{
	static const char *const names[] = {
		"table", "strikethrough", "autolink", "tasklist", "tagfilter"};
	cmark_parser *parser =
		sb_must(cmark_parser_new(CMARK_OPT_VALIDATE_UTF8));
	cmark_node *doc;
	char *rendered;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		cmark_parser_attach_syntax_extension(
			parser, cmark_find_syntax_extension(names[i]));
	cmark_parser_feed(parser, text, strlen(text));
	doc = sb_must(cmark_parser_finish(parser));
	/* Without CMARK_OPT_UNSAFE: no raw HTML, no javascript: links. */
	rendered = sb_must(
		cmark_render_html(doc, CMARK_OPT_DEFAULT,
				  cmark_parser_get_syntax_extensions(parser)));
	str_puts(out, rendered);
	free(rendered);
	cmark_node_free(doc);
	cmark_parser_free(parser);
}

static void page_begin(struct call *c, const char *title)
{
	c->status = 200;
	c->type = "text/html; charset=utf-8";
	call_header(c, "Content-Security-Policy",
		    "default-src 'none'; style-src 'self'; script-src 'self'; "
		    "connect-src 'self'; form-action 'self'; base-uri 'none'; "
		    "frame-ancestors 'none'");
	call_header(c, "X-Content-Type-Options", "nosniff");
	call_header(c, "Referrer-Policy", "same-origin");
	call_header(c, "Cache-Control", "no-store");
	HTML(&c->text,
	     "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	     "<meta name=\"viewport\" content=\"width=device-width\">"
	     "<title>@</title>"
	     "<link rel=\"stylesheet\" href=\"/_sandbox/style.css\">"
	     "<script defer src=\"/_sandbox/live.js\"></script>"
	     "</head><body><header><a href=\"/\">sandbox forge</a></header>"
	     "<main>\n",
	     title);
}

static void page_end(struct call *c)
{
	str_puts(&c->text, "</main></body></html>\n");
}

static const char *pull_state(const struct sb_pull *p)
{
	return p->merged_by ? "merged"
	       : p->closed  ? "closed"
	       : p->draft   ? "draft"
			    : "open";
}

static void list_pulls(struct call *c, const struct sb_repo *r)
{
	struct sb_pull *p;

	str_puts(&c->text, "<ul class=\"pulls\">");
	STAILQ_FOREACH(p, &c->s->pulls, next)
	{
		CLEANUP(free) char *n = sb_must(str_format("%d", p->number));
		const char *state = pull_state(p);

		if (p->repo == r)
			HTML(&c->text,
			     "<li><span class=\"state @\">@</span> "
			     "<a href=\"/@/pull/@\">@</a> "
			     "<small>#@ by @</small></li>\n",
			     state, state, r->full, n, p->title, n,
			     p->author->login);
	}
	str_puts(&c->text, "</ul>");
}

static void get_home(struct call *c)
{
	struct sb_repo *r;

	page_begin(c, "sandbox forge");
	str_puts(&c->text, "<div id=\"live\">");
	STAILQ_FOREACH(r, &c->s->repos, next)
	{
		if (!r->path)
			continue;
		HTML(&c->text, "<section><h2>@</h2>", r->full);
		list_pulls(c, r);
		str_puts(&c->text, "</section>\n");
	}
	str_puts(&c->text, "</div>");
	page_end(c);
}

static struct sb_pull *pull_of(struct call *c)
{
	CLEANUP(free)
	char *full = sb_must(str_format("%s/%s", c->args[0], c->args[1]));
	struct sb_repo *r = sb_repo_find(c->s, full);
	struct sb_pull *p =
		r ? sb_pull_find(c->s, r, strtoll(c->args[2], NULL, 10)) : NULL;

	if (!p)
		call_error(c, 404, "Not Found");
	return p;
}

static void show_head(struct call *c, const struct sb_pull *p)
{
	CLEANUP(free) char *n = sb_must(str_format("%d", p->number));
	const char *state = pull_state(p);
	json_t *label;
	size_t i;

	HTML(&c->text,
	     "<h1>@ <small>#@</small></h1><p><span class=\"state @\">@</span> "
	     "<b>@</b> wants to merge <code>@</code> into <code>@</code>, "
	     "head <code>@</code>",
	     p->title, n, state, state, p->author->login, p->head_ref,
	     p->base_ref, p->head_sha);
	json_array_foreach (p->labels, i, label)
		HTML(&c->text, " <span class=\"label\">@</span>",
		     json_string_value(label));
	str_puts(&c->text, "</p>\n");
	if (*p->body)
		markdown(&c->text, p->body);
}

static void show_commits(struct call *c, const struct sb_pull *p)
{
	CLEANUP(json_decref)
	json_t *commits = sb_git_commits(p->repo->path, p->base_sha,
					 p->head_sha, COMMITS_SHOWN);
	json_t *one;
	size_t i;

	str_puts(&c->text, "<ul class=\"commits\">");
	json_array_foreach (commits, i, one) {
		CLEANUP(free)
		char *subject =
			sb_must(strndup(js_str(one, "message"),
					strcspn(js_str(one, "message"), "\n")));

		HTML(&c->text, "<li><code>@</code> @ <small>@</small></li>\n",
		     js_str(one, "id"), subject, js_str(one, "name"));
	}
	str_puts(&c->text, "</ul>\n");
}

/* Only such links leave the page. */
static bool is_web(const char *url)
{
	return url &&
	       (str_starts(url, "http://") || str_starts(url, "https://"));
}

static void show_statuses(struct call *c, const struct sb_pull *p)
{
	struct sb_status *st = NULL;

	str_puts(&c->text, "<ul class=\"statuses\">");
	while ((st = sb_status_next(c->s, p->repo, p->head_sha, st))) {
		HTML(&c->text,
		     "<li><span class=\"check @\">@</span> <b>@</b> @ ",
		     st->state, st->state, st->context,
		     st->description ? st->description : "");
		if (is_web(st->target_url))
			HTML(&c->text,
			     "<a rel=\"noreferrer\" href=\"@\">"
			     "details</a>",
			     st->target_url);
		str_puts(&c->text, "</li>\n");
	}
	str_puts(&c->text, "</ul>\n");
}

static const char *face(const char *content)
{
	static const char *const faces[][2] = {
		{"+1", "👍"},	   {"-1", "👎"},		{"laugh", "😄"},
		{"confused", "😕"}, {"heart", "❤️"}, {"hooray", "🎉"},
		{"rocket", "🚀"},   {"eyes", "👀"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(faces); i++)
		if (!strcmp(faces[i][0], content))
			return faces[i][1];
	return content;
}

static void show_comment(struct call *c, const struct sb_comment *m)
{
	CLEANUP(free) char *id = sb_must(str_format("%" PRId64, m->id));
	CLEANUP(json_decref) json_t *when = shape_time(m->created);
	struct sb_reaction *r;

	HTML(&c->text,
	     "<article id=\"issuecomment-@\"><h3>@ "
	     "<small>@ @@</small></h3><div class=\"body\">",
	     id, m->user->login, shape_association(m->pull->repo, m->user),
	     json_string_value(when),
	     m->updated == m->created ? "" : " (edited)");
	markdown(&c->text, m->body);
	str_puts(&c->text, "</div><p class=\"reactions\">");
	STAILQ_FOREACH(r, &m->reactions, next)
	if (!r->deleted)
		HTML(&c->text, "<span title=\"@\">@</span> ", r->user->login,
		     face(r->content));
	str_puts(&c->text, "</p></article>\n");
}

static void show_form(struct call *c, const struct sb_pull *p)
{
	CLEANUP(free) char *n = sb_must(str_format("%d", p->number));
	struct sb_user *u;

	HTML(&c->text,
	     "<form method=\"post\" action=\"/@/pull/@\"><label>Comment as "
	     "<select name=\"user\">",
	     p->repo->full, n);
	STAILQ_FOREACH(u, &c->s->users, next)
	if (!strcmp(u->type, "User") && u != c->s->bot)
		HTML(&c->text, "<option>@</option>", u->login);
	str_puts(&c->text, "</select></label>"
			   "<textarea name=\"body\" rows=\"5\" required "
			   "aria-label=\"Comment\"></textarea>"
			   "<button>Comment</button></form>\n");
}

static void get_pull(struct call *c)
{
	struct sb_pull *p = pull_of(c);
	struct sb_comment *m;

	if (!p)
		return;
	page_begin(c, p->title);
	str_puts(&c->text, "<div id=\"live\">");
	show_head(c, p);
	show_commits(c, p);
	show_statuses(c, p);
	STAILQ_FOREACH(m, &c->s->comments, next)
	if (m->pull == p && !m->deleted)
		show_comment(c, m);
	str_puts(&c->text, "</div>\n");
	show_form(c, p);
	page_end(c);
}

/* Where the form goes; back to the conversation afterwards. */
static void post_pull(struct call *c)
{
	struct sb_pull *p = pull_of(c);
	struct error e = ERROR_INIT;
	struct sb_comment *m;

	if (!p)
		return;
	/* The body of a form is written as a query is. */
	c->query = c->raw.text;
	CLEANUP(free) char *login = call_query(c, "user");
	CLEANUP(free) char *body = call_query(c, "body");
	struct sb_user *u = login ? sb_user_find(c->s, login) : NULL;

	if (!u || !body)
		call_error(c, 422, "user or body is missing");
	else if (act_comment(c->s, p, u, body, &m, &e))
		call_failed(c, &e);
	else {
		call_header(c, "Location", c->path);
		c->status = 303;
	}
}

static void get_style(struct call *c)
{
	c->status = 200;
	c->type = "text/css; charset=utf-8";
	str_puts(&c->text, page_style);
}

static void get_script(struct call *c)
{
	c->status = 200;
	c->type = "text/javascript; charset=utf-8";
	str_puts(&c->text, page_script);
}

const struct route page_routes[] = {
	{"GET", "/", get_home},
	{"GET", "/_sandbox/style.css", get_style},
	{"GET", "/_sandbox/live.js", get_script},
	{"GET", "/:/:/pull/:", get_pull},
	{"POST", "/:/:/pull/:", post_pull},
	{NULL, NULL, NULL},
};
