/* The part of GitHub's REST API that a bot like ours uses. */
#include <ctype.h>
#include <string.h>

#include "bot/base/clock.h"
#include "tests/sandbox/acts.h"
#include "tests/sandbox/git.h"
#include "tests/sandbox/http.h"
#include "tests/sandbox/shape.h"
#include "tests/sandbox/webhooks.h"

/* The whole argument as a number; -1 when it is none. */
static int64_t number(const char *text)
{
	char *end;
	int64_t n = strtoll(text, &end, 10);

	return isdigit((unsigned char)*text) && !*end ? n : -1;
}

static struct sb_repo *repo_of(struct call *c)
{
	CLEANUP(free)
	char *full = sb_must(str_format("%s/%s", c->args[0], c->args[1]));
	struct sb_repo *r = sb_repo_find(c->s, full);

	if (!r)
		call_error(c, 404, "Not Found");
	return r;
}

static struct sb_pull *pull_of(struct call *c)
{
	struct sb_repo *r = repo_of(c);
	struct sb_pull *p =
		r ? sb_pull_find(c->s, r, number(c->args[2])) : NULL;

	if (r && !p)
		call_error(c, 404, "Not Found");
	return p;
}

static struct sb_comment *comment_of(struct call *c)
{
	struct sb_repo *r = repo_of(c);
	struct sb_comment *m =
		r ? sb_comment_find(c->s, number(c->args[2])) : NULL;

	if (m && m->pull->repo != r)
		m = NULL;
	if (r && !m)
		call_error(c, 404, "Not Found");
	return m;
}

static bool can_write(const struct sb_repo *r, const struct sb_user *u)
{
	const char *role = sb_role(r, u->login);

	return strcmp(role, "read") != 0 && strcmp(role, "triage") != 0;
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
	answer_user(c, sb_user_by_id(c->s, number(c->args[0])));
}

static void get_repo(struct call *c)
{
	struct sb_repo *r = repo_of(c);

	if (r)
		call_json(c, 200, shape_repo(c->s, r));
}

/* One of few words, the first of which is the default; NULL after a 422. */
static char *choice(struct call *c, const char *name, const char *const *words)
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

#define CHOICE(c, name, ...)                                                   \
	choice(c, name, (const char *const[]){__VA_ARGS__, NULL})

static void reverse(json_t *list)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i + 1 < n; i++) {
		json_t *last = json_incref(json_array_get(list, n - 1));

		json_array_remove(list, n - 1);
		json_array_insert_new(list, i, last);
	}
}

/* By the time in member, then by number or id; both orders are stable. */
static const char *sort_member;
static int by_member(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int c = strcmp(js_str(x, sort_member), js_str(y, sort_member));
	int64_t i = js_int(x, "id", 0), j = js_int(y, "id", 0);

	return c ? c : (i > j) - (i < j);
}

/* Only with the lock held, which guards sort_member. */
static json_t *sorted(json_t *list, const char *member, bool descending)
{
	size_t n = json_array_size(list), i;
	json_t **all = sb_new((n + 1) * sizeof(json_t *)), *one;
	json_t *ret = sb_must(json_array());

	json_array_foreach(list, i, one) all[i] = one;
	sort_member = member;
	qsort(all, n, sizeof(json_t *), by_member);
	for (i = 0; i < n; i++)
		json_array_append(ret, all[i]);
	free(all);
	json_decref(list);
	if (descending)
		reverse(ret);
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
	struct sb_repo *r = repo_of(c);
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
	call_page(c, sorted(list, updated ? "updated_at" : "created_at",
			    direction ? !strcmp(direction, "desc")
				      : !strcmp(sort, "created")));
}

static void get_pull(struct call *c)
{
	struct sb_pull *p = pull_of(c);

	if (!p)
		return;
	act_refresh(p);
	call_json(c, 200, shape_pull(c->s, p, true));
}

static void get_files(struct call *c)
{
	struct sb_pull *p = pull_of(c);
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
	json_array_foreach(files, i, file)
		json_array_append_new(list, shape_file(c->s, p, file));
	call_page(c, list);
}

/* false after a 422. */
static bool since_of(struct call *c, int64_t *ret)
{
	CLEANUP(free) char *since = call_query(c, "since");

	*ret = 0;
	if (!since || time_parse_iso(since, ret))
		return true;
	call_invalid(c, "IssueComment", "since", "is not a time");
	return false;
}

/* Seconds is all that GitHub compares and shows. */
static json_t *comments(struct call *c, const struct sb_repo *r,
			const struct sb_pull *p, int64_t since)
{
	json_t *list = sb_must(json_array());
	struct sb_comment *m;

	STAILQ_FOREACH(m, &c->s->comments, next)
	if (!m->deleted && m->pull->repo == r && (!p || m->pull == p) &&
	    m->updated / 1000 >= since / 1000)
		json_array_append_new(list, shape_comment(c->s, m));
	return list;
}

static void get_repo_comments(struct call *c)
{
	struct sb_repo *r = repo_of(c);
	CLEANUP(free)
	char *sort = r ? CHOICE(c, "sort", "created", "updated") : NULL;
	CLEANUP(free) char *direction = call_query(c, "direction");
	int64_t since;

	if (!sort || !since_of(c, &since))
		return;
	call_page(c,
		  sorted(comments(c, r, NULL, since),
			 !strcmp(sort, "updated") ? "updated_at" : "created_at",
			 direction && !strcmp(direction, "desc")));
}

static void get_comments(struct call *c)
{
	struct sb_pull *p = pull_of(c);
	int64_t since;

	if (p && since_of(c, &since))
		call_page(c, comments(c, p->repo, p, since));
}

static void post_comment(struct call *c)
{
	struct sb_pull *p = pull_of(c);
	struct error e = ERROR_INIT;
	struct sb_comment *m;

	if (!p)
		return;
	if (!json_is_string(js_get(c->body, "body")))
		call_invalid(c, "IssueComment", "body", "body is missing");
	else if (act_comment(c->s, p, c->user, js_str(c->body, "body"), &m, &e))
		call_invalid(c, "IssueComment", "data", e.text);
	else
		call_json(c, 201, shape_comment(c->s, m));
}

static void get_comment(struct call *c)
{
	struct sb_comment *m = comment_of(c);

	if (m)
		call_json(c, 200, shape_comment(c->s, m));
}

/* Its own, or anybody's with the right to write; else a 403. */
static struct sb_comment *own_comment(struct call *c)
{
	struct sb_comment *m = comment_of(c);

	if (!m || m->user == c->user || can_write(m->pull->repo, c->user))
		return m;
	call_error(c, 403, "Must have admin rights to Repository.");
	return NULL;
}

static void patch_comment(struct call *c)
{
	struct sb_comment *m = own_comment(c);
	struct error e = ERROR_INIT;

	if (!m)
		return;
	if (act_edit_comment(c->s, m, c->user, js_str(c->body, "body"), &e))
		call_invalid(c, "IssueComment", "data", e.text);
	else
		call_json(c, 200, shape_comment(c->s, m));
}

static void delete_comment(struct call *c)
{
	struct sb_comment *m = own_comment(c);

	if (!m)
		return;
	act_delete_comment(c->s, m, c->user);
	c->status = 204;
}

static void get_reactions(struct call *c)
{
	struct sb_comment *m = comment_of(c);
	CLEANUP(free) char *content = call_query(c, "content");
	struct sb_reaction *r;
	json_t *list;

	if (!m)
		return;
	list = sb_must(json_array());
	STAILQ_FOREACH(r, &m->reactions, next)
	if (!r->deleted && (!content || !strcmp(content, r->content)))
		json_array_append_new(list, shape_reaction(c->s, r));
	call_page(c, list);
}

static void post_reaction(struct call *c)
{
	struct sb_comment *m = comment_of(c);
	struct error e = ERROR_INIT;
	struct sb_reaction *r;
	bool new;

	if (!m)
		return;
	if (act_react(c->s, m, c->user, js_str(c->body, "content"), &r, &new,
		      &e))
		call_invalid(c, "Reaction", "content", e.text);
	else
		call_json(c, new ? 201 : 200, shape_reaction(c->s, r));
}

static void delete_reaction(struct call *c)
{
	struct sb_comment *m = comment_of(c);
	struct sb_reaction *r =
		m ? sb_reaction_find(m, number(c->args[3])) : NULL;

	if (!m)
		return;
	if (!r || r->user != c->user) {
		call_error(c, 404, "Not Found");
		return;
	}
	act_unreact(c->s, m, r);
	c->status = 204;
}

static void post_status(struct call *c)
{
	struct sb_repo *r = repo_of(c);
	json_t *description = js_get(c->body, "description");
	json_t *url = js_get(c->body, "target_url");
	struct error e = ERROR_INIT;
	struct sb_status *st;

	if (!r)
		return;
	if (!can_write(r, c->user))
		call_error(c, 404, "Not Found");
	else if (act_status(
			 c->s, r,
			 &(struct act_status){
				 .user = c->user,
				 .sha = c->args[2],
				 .state = js_str(c->body, "state"),
				 .context = js_str(c->body, "context"),
				 .description = json_string_value(description),
				 .target_url = json_string_value(url)},
			 &st, &e))
		call_invalid(c, "Status", "data", e.text);
	else
		call_json(c, 201, shape_status(c->s, st));
}

/* A full id, or the name of a branch or tag; "" after a 404. */
static void sha_of(struct call *c, const struct sb_repo *r, char sha[SB_SHA])
{
	static const char *const forms[] = {"%s", "refs/heads/%s", "refs/%s",
					    "refs/tags/%s"};
	const char *ref = c->args[2];
	struct error e = ERROR_INIT;

	for (size_t i = 0; r->path && i < ARRAY_SIZE(forms); i++) {
		CLEANUP(str_release) struct str rev = STR_INIT(4096);

		if (i)
			str_add(&rev, forms[i], strlen(forms[i]) - 2);
		str_puts(&rev, ref);
		if (!i && (strlen(ref) != SB_SHA - 1 ||
			   strspn(ref, "0123456789abcdef") != SB_SHA - 1))
			continue;
		if (!sb_git_resolve(r->path, rev.text, sha, &e))
			return;
	}
	*sha = '\0';
	call_error(c, 404, "Not Found");
}

static void get_statuses(struct call *c)
{
	struct sb_repo *r = repo_of(c);
	char sha[SB_SHA];
	struct sb_status *st;
	json_t *list;

	if (!r)
		return;
	sha_of(c, r, sha);
	if (!*sha)
		return;
	list = sb_must(json_array());
	STAILQ_FOREACH(st, &c->s->statuses, next)
	if (st->repo == r && !strcmp(st->sha, sha))
		json_array_append_new(list, shape_status(c->s, st));
	reverse(list);
	call_page(c, list);
}

static void get_combined(struct call *c)
{
	struct sb_repo *r = repo_of(c);
	char sha[SB_SHA];

	if (!r)
		return;
	sha_of(c, r, sha);
	if (*sha)
		call_json(c, 200, shape_combined(c->s, r, sha));
}

static void get_permission(struct call *c)
{
	struct sb_repo *r = repo_of(c);
	struct sb_user *u = r ? sb_user_find(c->s, c->args[2]) : NULL;

	if (!r)
		return;
	if (u && can_write(r, c->user))
		call_json(c, 200, shape_permission(c->s, r, u));
	else
		call_error(c, u ? 403 : 404,
			   u ? "Must have push access" : "Not Found");
}

/* Hooks are the matter of admins; others do not learn that there are any. */
static struct sb_repo *hook_of(struct call *c, bool named)
{
	struct sb_repo *r = repo_of(c);

	if (!r)
		return NULL;
	if (strcmp(sb_role(r, c->user->login), "admin") != 0 ||
	    (named &&
	     (number(c->args[2]) != r->hook_id || !*sb_hooks_url(c->s)))) {
		call_error(c, 404, "Not Found");
		return NULL;
	}
	return r;
}

static void get_hooks(struct call *c)
{
	struct sb_repo *r = hook_of(c, false);
	json_t *list;

	if (!r)
		return;
	list = sb_must(json_array());
	if (*sb_hooks_url(c->s))
		json_array_append_new(list, shape_hook(c->s, r));
	call_page(c, list);
}

static bool delivery_wanted(const json_t *d, const char *status)
{
	int64_t code = js_int(d, "status_code", 0);
	bool good = code >= 200 && code < 400;

	return !status || good == !strcmp(status, "success");
}

/* Pages by cursor: the id of the first delivery that the page shows. */
static void get_deliveries(struct call *c)
{
	struct sb_repo *r = hook_of(c, true);
	CLEANUP(json_decref) json_t *all = r ? sb_hooks_list(c->s, r) : NULL;
	CLEANUP(free) char *status = call_query(c, "status");
	int64_t cursor = call_query_int(c, "cursor", INT64_MAX);
	int64_t left = call_query_int(c, "per_page", 30);
	json_t *ret, *d;
	size_t i;

	if (!r)
		return;
	ret = sb_must(json_array());
	json_array_foreach(all, i, d)
	{
		int64_t id = js_int(d, "id", 0);
		json_t *row;

		if (id > cursor || !js_int(d, "status_code", 0) ||
		    !delivery_wanted(d, status))
			continue;
		if (left-- <= 0) {
			CLEANUP(free)
			char *link = sb_must(str_format(
				"<%s%s?per_page=%lld&cursor=%lld%s%s>; "
				"rel=\"next\"",
				c->s->url, c->path,
				(long long)call_query_int(c, "per_page", 30),
				(long long)id, status ? "&status=" : "",
				!status			     ? ""
				: !strcmp(status, "success") ? "success"
							     : "failure"));

			call_header(c, "Link", link);
			break;
		}
		row = sb_must(json_copy(d));
		json_object_del(row, "request");
		json_object_del(row, "response");
		json_object_del(row, "url");
		json_array_append_new(ret, row);
	}
	call_json(c, 200, ret);
}

static void get_delivery(struct call *c)
{
	struct sb_repo *r = hook_of(c, true);
	CLEANUP(json_decref) json_t *all = r ? sb_hooks_list(c->s, r) : NULL;
	json_t *d;
	size_t i;

	if (!r)
		return;
	json_array_foreach(all, i, d)
	{
		if (js_int(d, "id", 0) == number(c->args[3])) {
			call_json(c, 200, json_incref(d));
			return;
		}
	}
	call_error(c, 404, "Not Found");
}

static void post_attempt(struct call *c)
{
	struct sb_repo *r = hook_of(c, true);
	struct error e = ERROR_INIT;

	if (!r)
		return;
	if (sb_hooks_redeliver(c->s, number(c->args[3]), "", &e))
		call_failed(c, &e);
	else
		call_json(c, 202, json_object());
}

#define REPO "/repos/:/:"

const struct route api_routes[] = {
	{"GET", "/user", get_self},
	{"GET", "/user/:", get_user_id},
	{"GET", "/users/:", get_user},
	{"GET", REPO, get_repo},
	{"GET", REPO "/pulls", get_pulls},
	{"GET", REPO "/pulls/:", get_pull},
	{"GET", REPO "/pulls/:/files", get_files},
	{"GET", REPO "/issues/comments", get_repo_comments},
	{"GET", REPO "/issues/:/comments", get_comments},
	{"POST", REPO "/issues/:/comments", post_comment},
	{"GET", REPO "/issues/comments/:", get_comment},
	{"PATCH", REPO "/issues/comments/:", patch_comment},
	{"DELETE", REPO "/issues/comments/:", delete_comment},
	{"GET", REPO "/issues/comments/:/reactions", get_reactions},
	{"POST", REPO "/issues/comments/:/reactions", post_reaction},
	{"DELETE", REPO "/issues/comments/:/reactions/:", delete_reaction},
	{"POST", REPO "/statuses/:", post_status},
	{"GET", REPO "/commits/:/statuses", get_statuses},
	{"GET", REPO "/commits/:/status", get_combined},
	{"GET", REPO "/collaborators/:/permission", get_permission},
	{"GET", REPO "/hooks", get_hooks},
	{"GET", REPO "/hooks/:/deliveries", get_deliveries},
	{"GET", REPO "/hooks/:/deliveries/:", get_delivery},
	{"POST", REPO "/hooks/:/deliveries/:/attempts", post_attempt},
	{NULL, NULL, NULL},
};
