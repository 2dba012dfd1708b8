/*
 * The part of GitHub's REST API that a bot like ours uses: users,
 * repositories and pull requests here, the rest in the other api_*.c.
 */
#include "tests/sandbox/api.h"

#include <ctype.h>
#include <string.h>

#include "tests/sandbox/acts.h"
#include "tests/sandbox/git.h"
#include "tests/sandbox/shape.h"

int64_t api_number(const char *text)
{
	char *end;
	int64_t n = strtoll(text, &end, 10);

	return isdigit((unsigned char)*text) && !*end ? n : -1;
}

struct sb_repo *api_repo(struct call *c)
{
	CLEANUP(free)
	char *full = sb_must(str_format("%s/%s", c->args[0], c->args[1]));
	struct sb_repo *r = sb_repo_find(c->s, full);

	if (!r)
		call_error(c, 404, "Not Found");
	return r;
}

struct sb_pull *api_pull(struct call *c)
{
	struct sb_repo *r = api_repo(c);
	struct sb_pull *p =
		r ? sb_pull_find(c->s, r, api_number(c->args[2])) : NULL;

	if (r && !p)
		call_error(c, 404, "Not Found");
	return p;
}

static void get_self(struct call *c)
{
	call_json(c, 200, shape_profile(c->s, c->user, true));
}

static void answer_user(struct call *c, const struct sb_user *u)
{
	if (u)
		call_json(c, 200, shape_profile(c->s, u, false));
	else
		call_error(c, 404, "Not Found");
}

static void get_user(struct call *c)
{
	answer_user(c, sb_user_find(c->s, c->args[0]));
}

static void get_user_id(struct call *c)
{
	answer_user(c, sb_user_by_id(c->s, api_number(c->args[0])));
}

static void get_repo(struct call *c)
{
	struct sb_repo *r = api_repo(c);

	if (r)
		call_json(c, 200, shape_repo(c->s, r));
}

char *api_choice(struct call *c, const char *name, const char *const *words)
{
	char *text = call_query(c, name);

	if (!text)
		return sb_dup(words[0]);
	for (; *words; words++)
		if (!strcmp(*words, text))
			return text;
	free(text);
	call_invalid(c, "Query", name, "is not included in the list");
	return NULL;
}

void api_reverse(json_t *list)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i + 1 < n; i++) {
		json_t *last = json_incref(json_array_get(list, n - 1));

		json_array_remove(list, n - 1);
		json_array_insert_new(list, i, last);
	}
}

/* What by_member() looks at; guarded by the lock. */
static const char *sort_member;
static int by_member(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int c = strcmp(js_str(x, sort_member), js_str(y, sort_member));
	int64_t i = js_int(x, "id", 0), j = js_int(y, "id", 0);

	return c ? c : (i > j) - (i < j);
}

json_t *api_sort(json_t *list, const char *member, bool descending)
{
	size_t n = json_array_size(list), i;
	json_t **all = sb_new((n + 1) * sizeof(json_t *)), *one;
	json_t *ret = sb_must(json_array());

	json_array_foreach (list, i, one)
		all[i] = one;
	sort_member = member;
	qsort(all, n, sizeof(json_t *), by_member);
	for (i = 0; i < n; i++)
		json_array_append(ret, all[i]);
	free(all);
	json_decref(list);
	if (descending)
		api_reverse(ret);
	return ret;
}

static bool pull_wanted(const struct sb_pull *p, const char *state,
			const char *base)
{
	if (base && strcmp(base, p->base_ref) != 0)
		return false;
	return !strcmp(state, "all") || p->closed == !strcmp(state, "closed");
}

static void get_pulls(struct call *c)
{
	struct sb_repo *r = api_repo(c);
	CLEANUP(free)
	char *state = r ? CHOICE(c, "state", "open", "closed", "all") : NULL;
	CLEANUP(free)
	char *sort = state ? CHOICE(c, "sort", "created", "updated",
				    "popularity", "long-running")
			   : NULL;
	CLEANUP(free) char *direction = call_query(c, "direction");
	CLEANUP(free) char *base = call_query(c, "base");
	bool updated = sort && !strcmp(sort, "updated");
	json_t *list;
	struct sb_pull *p;

	if (!sort)
		return;
	list = sb_must(json_array());
	STAILQ_FOREACH(p, &c->s->pulls, next)
	if (p->repo == r && pull_wanted(p, state, base))
		json_array_append_new(list, shape_pull(c->s, p, false));
	/* GitHub shows the newest first, unless told how to sort. */
	call_page(c, api_sort(list, updated ? "updated_at" : "created_at",
			      direction ? !strcmp(direction, "desc")
					: !strcmp(sort, "created")));
}

static void get_pull(struct call *c)
{
	struct sb_pull *p = api_pull(c);

	if (!p)
		return;
	act_refresh(p);
	call_json(c, 200, shape_pull(c->s, p, true));
}

static void get_files(struct call *c)
{
	struct sb_pull *p = api_pull(c);
	json_t *list, *file;
	size_t i;

	if (!p)
		return;
	CLEANUP(json_decref)
	json_t *files = sb_git_files(p->repo->path, p->base_sha, p->head_sha);
	if (!files) {
		call_error(c, 500, "Server Error");
		return;
	}
	list = sb_must(json_array());
	json_array_foreach (files, i, file)
		json_array_append_new(list, shape_file(c->s, p, file));
	call_page(c, list);
}

const struct route api_routes[] = {
	{"GET", "/user", get_self},
	{"GET", "/user/:", get_user_id},
	{"GET", "/users/:", get_user},
	{"GET", REPO, get_repo},
	{"GET", REPO "/pulls", get_pulls},
	{"GET", REPO "/pulls/:", get_pull},
	{"GET", REPO "/pulls/:/files", get_files},
	{NULL, NULL, NULL},
};
