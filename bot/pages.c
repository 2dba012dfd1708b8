/*
 * From a path to an answer.  A path is matched strictly and whole: there is
 * no percent-decoding, one slash at the end is let pass, and whatever is not
 * one of ours is a 404 that says where to go.
 */
#include "bot/pages.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/redact.h"
#include "bot/page_parts.h"

#define HTML "text/html; charset=utf-8"
#define JSON "application/json"

struct pages {
	char *store_path;
	struct view_settings settings;
	const struct clock *clock;
	struct store *store; /* NULL until it could be opened */
};

static const char style[] = {
#include "bot/style.css.inc"
};

/* What a path asks for. */
struct target {
	bool json;
	char repo[202];
	int64_t number; /* of the pull, or id of the cycle */
};

struct route {
	const char *prefix; /* of the page; the twin's is /api/v1 + twin */
	const char *twin;
	bool (*parse)(const char *rest, struct target *ret);
	json_t *(*view)(struct pages *p, const struct target *t, int64_t now,
			struct error *e);
	void (*draw)(const struct sheet *s, const json_t *view);
};

static bool parse_number(const char *text, int64_t *ret)
{
	size_t n = strspn(text, "0123456789");

	/* 18 digits cannot overflow; one number has one spelling. */
	if (!n || n > 18 || text[n] || *text == '0')
		return false;
	*ret = strtoll(text, NULL, 10);
	return true;
}

/* Bytes of a name of an owner or a repository at p; 0 = it is none. */
static size_t name_length(const char *p)
{
	size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789-_.");

	if (n > 100 || (n == 1 && p[0] == '.') ||
	    (n == 2 && p[0] == '.' && p[1] == '.'))
		return 0;
	return n;
}

static bool parse_nothing(const char *rest, struct target *ret UNUSED)
{
	return !*rest;
}

static bool parse_id(const char *rest, struct target *ret)
{
	return parse_number(rest, &ret->number);
}

/* OWNER/REPO/N */
static bool parse_pull(const char *rest, struct target *ret)
{
	size_t owner = name_length(rest), name;

	if (!owner || rest[owner] != '/')
		return false;
	name = name_length(rest + owner + 1);
	if (!name || rest[owner + 1 + name] != '/')
		return false;
	snprintf(ret->repo, sizeof(ret->repo), "%.*s", (int)(owner + 1 + name),
		 rest);
	return parse_number(rest + owner + name + 2, &ret->number);
}

static json_t *status_view(struct pages *p, const struct target *t UNUSED,
			   int64_t now, struct error *e)
{
	return view_status(p->store, &p->settings, now, e);
}

static json_t *cycle_view(struct pages *p, const struct target *t, int64_t now,
			  struct error *e)
{
	return view_cycle(p->store, &p->settings, t->number, now, e);
}

static json_t *pull_view(struct pages *p, const struct target *t, int64_t now,
			 struct error *e)
{
	return view_pull_all(p->store, &p->settings, t->repo, t->number, now,
			     e);
}

static const struct route routes[] = {
	{"/", "/status", parse_nothing, status_view, page_overview},
	{"/cycles/", "/cycles/", parse_id, cycle_view, page_cycle},
	{"/pulls/", "/pulls/", parse_pull, pull_view, page_pull},
};

/* path without its last slash, or NULL: too long to be one of ours. */
static const char *trimmed(const char *path, char *buffer, size_t size)
{
	size_t n = strlen(path);

	if (n >= size)
		return NULL;
	memcpy(buffer, path, n + 1);
	if (n > 2 && buffer[n - 1] == '/')
		buffer[n - 1] = '\0';
	return buffer;
}

static bool matches(const char *path, const char *prefix, const struct route *r,
		    struct target *t)
{
	return str_starts(path, prefix) && r->parse(path + strlen(prefix), t);
}

static const struct route *find_route(const char *path, struct target *t)
{
	static const char api[] = "/api/v1";
	size_t skip = sizeof(api) - 1;

	*t = (struct target){.json = str_starts(path, api) &&
				     path[skip] == '/'};
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (t->json ? matches(path + skip, routes[i].twin, &routes[i],
				      t)
			    : matches(path, routes[i].prefix, &routes[i], t))
			return &routes[i];
	return NULL;
}

/*
 * The way from path back to "/", so that the pages also work below a proxy's
 * prefix that they know nothing of.
 */
static void add_root(struct str *out, const char *path)
{
	for (path++; *path && out->len < 60; path++)
		if (*path == '/')
			str_puts(out, "../");
}

/* Every text of a view, as the last step before it leaves. */
static void redact(json_t *v)
{
	CLEANUP(str_release) struct str clean = STR_INIT(LIMIT_PAGE);
	const char *key;
	json_t *inner;
	size_t i;

	if (json_is_string(v)) {
		redact_text(&clean, json_string_value(v),
			    json_string_length(v));
		/* What cannot be cleaned is not shown. */
		if (clean.failed || json_string_set(v, clean.text))
			json_string_set(v, "");
	}
	json_array_foreach (v, i, inner)
		redact(inner);
	json_object_foreach (v, key, inner)
		redact(inner);
}

/* One moment of the store, or NULL with a sentence. */
static json_t *look(struct pages *p, const struct route *r,
		    const struct target *t, int64_t now, struct error *e)
{
	json_t *view;

	if (!p->store)
		p->store = store_open_reader(p->store_path, e);
	if (!p->store)
		return NULL;
	if (store_begin(p->store, e)) {
		view = NULL;
	} else {
		view = r->view(p, t, now, e);
		/* Only read: there is nothing to commit. */
		store_rollback(p->store);
	}
	if (view)
		redact(view);
	/* The file may have been replaced: open it anew next time. */
	if (!view && e->code == ERR_FATAL) {
		store_close(p->store);
		p->store = NULL;
	}
	return view;
}

static void answer_json(struct page *ret, const json_t *view)
{
	CLEANUP(free)
	char *text = json_dumps(view, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	str_puts(&ret->body, text ? text : "{}");
	str_putc(&ret->body, '\n');
}

static void problem_json(struct page *ret, const char *text)
{
	CLEANUP(json_decref) json_t *o = json_pack("{s:s}", "error", text);

	answer_json(ret, o);
}

static void problem(const struct sheet *s, struct page *ret, bool json,
		    int status, const char *text)
{
	str_clear(&ret->body);
	ret->status = status;
	if (json)
		problem_json(ret, text);
	else
		page_problem(s, status, text);
}

/* What went wrong, without names of files: anyone may read this. */
static void failed(const struct sheet *s, struct page *ret, bool json,
		   const struct pages *p, const struct error *e)
{
	if (e->code == ERR_MISSING)
		problem(s, ret, json, 404, e->text);
	else if (!p->store)
		problem(s, ret, json, 503,
			"The bot's memory cannot be read now. It may still be "
			"starting.");
	else
		problem(s, ret, json, 503,
			"The bot's memory is busy. Try again.");
}

static void answer_view(const struct sheet *s, struct page *ret,
			const struct route *r, const struct target *t,
			const json_t *view)
{
	ret->status = 200;
	if (t->json)
		answer_json(ret, view);
	else
		r->draw(s, view);
	if (ret->body.failed)
		problem(s, ret, t->json, 500,
			"This page is too large to be shown.");
}

void pages_answer(struct pages *p, const char *path, struct page *ret)
{
	CLEANUP(str_release) struct str root = STR_INIT(64);
	CLEANUP(json_decref) json_t *view = NULL;
	struct sheet s = {&ret->body, &p->settings, "", clock_wall(p->clock)};
	struct error e = ERROR_INIT;
	const struct route *r;
	struct target t = {0};
	char buffer[300];

	if (!strcmp(path, "/style.css")) {
		ret->status = 200;
		ret->type = "text/css; charset=utf-8";
		str_puts(&ret->body, style);
		return;
	}
	add_root(&root, *path ? path : "/");
	s.root = root.text;
	path = trimmed(path, buffer, sizeof(buffer));
	r = path ? find_route(path, &t) : NULL;
	ret->type = t.json ? JSON : HTML;
	if (!r) {
		problem(&s, ret, t.json, 404, "There is no such page.");
		return;
	}
	view = look(p, r, &t, s.now_ms, &e);
	if (view)
		answer_view(&s, ret, r, &t, view);
	else
		failed(&s, ret, t.json, p, &e);
}

void pages_free(struct pages *p)
{
	if (!p)
		return;
	store_close(p->store);
	free(p->store_path);
	free((char *)(uintptr_t)p->settings.bot);
	free((char *)(uintptr_t)p->settings.public_url);
	free((char *)(uintptr_t)p->settings.web_url);
	free(p);
}

struct pages *pages_new(const char *store_path, const struct view_settings *v,
			const struct clock *clock, struct error *e)
{
	struct pages *p = calloc(1, sizeof(*p));

	if (p) {
		p->clock = clock;
		p->store_path = strdup(store_path);
		p->settings.against = v->against;
		p->settings.ctx = v->ctx;
		p->settings.bot = strdup(v->bot);
		p->settings.public_url = strdup(v->public_url);
		p->settings.web_url = strdup(v->web_url ? v->web_url : "");
	}
	if (!p || !p->store_path || !p->settings.bot ||
	    !p->settings.public_url || !p->settings.web_url) {
		pages_free(p);
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	return p;
}
