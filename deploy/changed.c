#include "deploy/changed.h"

#include <string.h>
#include <strings.h>

/*
 * A glob is run as a state machine over all its positions at once, so that
 * no pattern of stars can make a path that a stranger chose expensive.
 */
#define MAX_STATES 256

enum token_type {
	TOKEN_CHAR,
	TOKEN_ANY,
	TOKEN_CLASS,
	TOKEN_STAR,
	TOKEN_STARS,
	TOKEN_FOLDERS, /* at the start of a folder name, ... */
	TOKEN_FOLDER,  /* ... inside one; always right after TOKEN_FOLDERS */
	TOKEN_END,
};

struct token {
	enum token_type type;
	char c;
	const char *set; /* of a class: after the bracket */
	size_t set_len;
};

struct machine {
	struct token tokens[MAX_STATES];
	size_t count; /* without the end */
};

/* The length of "[...]" at p, 0 when the bracket never closes. */
static size_t class_len(const char *p)
{
	size_t i = 1;

	if (p[i] == '!' || p[i] == '^')
		i++;
	if (p[i] == ']')
		i++;
	while (p[i] && p[i] != ']')
		i++;
	return p[i] ? i + 1 : 0;
}

static size_t read_token(const char *p, struct token *t)
{
	size_t len;

	*t = (struct token){.type = TOKEN_CHAR, .c = *p};
	if (*p == '\\' && p[1]) {
		t->c = p[1];
		return 2;
	}
	if (*p == '?')
		t->type = TOKEN_ANY;
	if (*p == '[' && (len = class_len(p)) != 0) {
		t->type = TOKEN_CLASS;
		t->set = p + 1;
		t->set_len = len - 2;
		return len;
	}
	if (*p != '*')
		return 1;
	len = strspn(p, "*");
	t->type = len == 1 ? TOKEN_STAR : TOKEN_STARS;
	return len;
}

static bool compile(struct machine *m, const char *glob)
{
	const char *p = glob;

	m->count = 0;
	while (*p) {
		struct token *t = &m->tokens[m->count];
		bool start = p == glob || p[-1] == '/';

		if (m->count + 3 >= MAX_STATES)
			return false;
		p += read_token(p, t);
		m->count++;
		if (t->type == TOKEN_STARS && start && *p == '/') {
			t->type = TOKEN_FOLDERS;
			t[1] = (struct token){.type = TOKEN_FOLDER};
			m->count++;
			p++;
		}
	}
	m->tokens[m->count] = (struct token){.type = TOKEN_END};
	return true;
}

static bool in_class(const struct token *t, char c)
{
	const char *s = t->set;
	size_t n = t->set_len;
	bool negated = n && (*s == '!' || *s == '^');

	for (size_t i = negated; i < n; i++) {
		unsigned char low = (unsigned char)s[i], high = low;

		if (i + 2 < n && s[i + 1] == '-') {
			high = (unsigned char)s[i + 2];
			i += 2;
		}
		if ((unsigned char)c >= low && (unsigned char)c <= high)
			return !negated;
	}
	return negated;
}

/* Enters state i and every state that needs no character to be reached. */
static void enter(const struct machine *m, bool *states, size_t i)
{
	for (;;) {
		enum token_type type = m->tokens[i].type;

		states[i] = true;
		if (type == TOKEN_STAR || type == TOKEN_STARS)
			i += 1;
		else if (type == TOKEN_FOLDERS)
			i += 2;
		else
			return;
	}
}

static void step(const struct machine *m, bool *next, size_t i, char c)
{
	const struct token *t = &m->tokens[i];

	switch (t->type) {
	case TOKEN_CHAR:
		if (c == t->c)
			enter(m, next, i + 1);
		break;
	case TOKEN_ANY:
		if (c != '/')
			enter(m, next, i + 1);
		break;
	case TOKEN_CLASS:
		if (c != '/' && in_class(t, c))
			enter(m, next, i + 1);
		break;
	case TOKEN_STAR:
		if (c != '/')
			enter(m, next, i);
		break;
	case TOKEN_STARS:
		enter(m, next, i);
		break;
	case TOKEN_FOLDERS:
		if (c == '/')
			enter(m, next, i);
		else
			next[i + 1] = true;
		break;
	case TOKEN_FOLDER:
		if (c == '/')
			enter(m, next, i - 1);
		else
			next[i] = true;
		break;
	case TOKEN_END:
		break;
	}
}

bool path_glob_match(const char *glob, const char *path)
{
	bool now[MAX_STATES] = {false}, next[MAX_STATES];
	struct machine m;

	if (!compile(&m, glob))
		return true;
	enter(&m, now, 0);
	for (const char *p = path; *p; p++) {
		memset(next, 0, sizeof(next));
		for (size_t i = 0; i < m.count; i++) {
			if (now[i])
				step(&m, next, i, *p);
		}
		memcpy(now, next, sizeof(now));
	}
	return now[m.count];
}

static bool rule_matches(const struct job_changed *rule, const json_t *paths)
{
	size_t i;
	json_t *path;

	json_array_foreach (paths, i, path) {
		const char *text = json_string_value(path);

		for (text_list g = rule->globs; text && *g; g++) {
			if (path_glob_match(*g, text))
				return true;
		}
	}
	return false;
}

static bool revision_matches(const struct job_changed *rule,
			     const json_t *revision)
{
	const char *result = js_str(revision, "result");
	const json_t *paths = js_get(revision, "paths");

	if (*result && strcmp(result, "merged") != 0)
		return false;
	return !json_is_array(paths) || rule_matches(rule, paths);
}

static bool project_matches(const struct job_changed *rule,
			    const json_t *project)
{
	const json_t *own = json_object_get(project, "paths");
	size_t i;
	json_t *revision;

	if (strcasecmp(js_str(project, "repo"), rule->repo) != 0)
		return false;
	if (json_is_null(own) || rule_matches(rule, own))
		return true;
	json_array_foreach (js_get(project, "revisions"), i, revision) {
		if (revision_matches(rule, revision))
			return true;
	}
	return false;
}

bool job_has_changes(const struct job_spec *job, const json_t *manifest)
{
	const json_t *projects = js_get(manifest, "projects");
	size_t i;
	json_t *project;

	for (size_t r = 0; r < job->changed_count; r++) {
		json_array_foreach (projects, i, project) {
			if (project_matches(&job->changed[r], project))
				return true;
		}
	}
	return job->changed_count == 0;
}
