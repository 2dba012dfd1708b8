/*
 * git.tag: the manifest as an annotated tag.  The tag object is a function
 * of commit, name, message and the commit's date, so a repeat recognises the
 * tag of the first try by its id, without fetching anything.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "deploy/git_kind.h"
#include "deploy/git_merge.h"

#define TAG_PROJECTS_MAX 64
#define TAG_MESSAGE_MAX (512u << 10)
/* Nine digits fit an int. */
#define TAG_DIGITS 9

struct tagged {
	struct git_mirror mirror;
	const char *sha;
	int64_t date;
	struct git_refs refs; /* the remote's tags with the prefix */
};

struct tag {
	const char *prefix;
	const char *message;
	struct tagged *items;
	size_t count;
};

static void tag_release(struct tag *t)
{
	for (size_t i = 0; i < t->count; i++) {
		git_mirror_release(&t->items[i].mirror);
		git_refs_release(&t->items[i].refs);
	}
	free(t->items);
}

static void tag_release_at(struct tag *t)
{
	tag_release(t);
}

static void ref_name(const struct tag *t, long n, char *ret, size_t size)
{
	snprintf(ret, size, "refs/tags/%s%ld", t->prefix, n);
}

/* The N of "refs/tags/PREFIX" N, 0 when it is another name. */
static long number_of(const struct tag *t, const char *name)
{
	size_t n = strlen(t->prefix), digits;

	if (!str_starts(name, "refs/tags/"))
		return 0;
	name += strlen("refs/tags/");
	if (strncmp(name, t->prefix, n) != 0)
		return 0;
	digits = strspn(name + n, "0123456789");
	if (!digits || digits > TAG_DIGITS || name[n + digits] ||
	    name[n] == '0')
		return 0;
	return strtol(name + n, NULL, 10);
}

static long highest(const struct tag *t)
{
	long max = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct git_refs *refs = &t->items[i].refs;

		for (size_t k = 0; k < refs->count; k++) {
			long n = number_of(t, refs->items[k].name);

			max = n > max ? n : max;
		}
	}
	return max;
}

/* The id of tag object n for one project; write = also store it. */
static enum err object(const struct tag *t, struct tagged *p, long n,
		       bool write, char ret[GIT_SHA_LEN + 1], struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	CLEANUP(str_release) struct str text = STR_INIT(TAG_MESSAGE_MAX + 4096);
	const struct git_settings *s = p->mirror.git->settings;
	struct git_call hash = {
		.argv = write ? GIT_ARGV("hash-object", "-t", "tag", "--stdin",
					 "-w")
			      : GIT_ARGV("hash-object", "-t", "tag", "--stdin"),
		.git_dir = p->mirror.dir,
	};

	str_addf(&text, "object %s\ntype commit\ntag %s%ld\n", p->sha,
		 t->prefix, n);
	str_addf(&text, "tagger %s <%s> %lld +0000\n\n%s\n", s->bot_name,
		 s->bot_email, (long long)p->date, t->message);
	if (str_check(&text, e))
		return e->code;
	hash.input = text.text;
	hash.input_len = text.len;
	if (git_run_ok(p->mirror.git, &hash, &r, e))
		return e->code;
	str_truncate(&r.out, strcspn(r.out.text, "\n"));
	if (!git_sha_ok(r.out.text))
		return error_set(e, ERR_RETRY, "git hash-object: no object");
	memcpy(ret, r.out.text, GIT_SHA_LEN + 1);
	return ERR_OK;
}

/*
 * Is number n ours?  *ret: at least one project has our object there and
 * none has another's.
 */
static enum err ours(const struct tag *t, long n, bool *ret, struct error *e)
{
	char name[256], mine[GIT_SHA_LEN + 1];
	size_t found = 0;

	*ret = false;
	ref_name(t, n, name, sizeof(name));
	for (size_t i = 0; i < t->count; i++) {
		const char *theirs = git_refs_find(&t->items[i].refs, name);

		if (!theirs)
			continue;
		if (object(t, &t->items[i], n, false, mine, e))
			return e->code;
		if (strcmp(theirs, mine) != 0)
			return ERR_OK;
		found++;
	}
	*ret = found > 0;
	return ERR_OK;
}

/* Newest first: a repeat comes soon after the first try. */
static enum err choose(const struct tag *t, long *ret, struct error *e)
{
	long max = highest(t);
	bool mine;

	for (long n = max; n > 0 && n > max - 20; n--) {
		if (ours(t, n, &mine, e))
			return e->code;
		if (mine) {
			*ret = n;
			return ERR_OK;
		}
	}
	*ret = max + 1;
	return ERR_OK;
}

static enum err push_tag(const struct tag *t, struct tagged *p, long n,
			 struct error *e)
{
	CLEANUP(proc_result_release) struct proc_result r = GIT_RESULT_INIT;
	CLEANUP(str_release) struct str reason = STR_INIT(400);
	char name[256], id[GIT_SHA_LEN + 1], spec[400];
	struct git_call push = {
		.argv = GIT_ARGV("push", "--porcelain", "--no-verify",
				 "--no-follow-tags", "--no-signed",
				 "--recurse-submodules=no", "--end-of-options",
				 p->mirror.place.url.text, spec),
		.git_dir = p->mirror.dir,
		.remote = &p->mirror.place,
	};

	ref_name(t, n, name, sizeof(name));
	if (git_refs_find(&p->refs, name))
		return ERR_OK;
	if (object(t, p, n, true, id, e))
		return e->code;
	snprintf(spec, sizeof(spec), "%s:%s", id, name);
	if (git_run(p->mirror.git, &push, &r, e))
		return e->code;
	if (!r.exit_code)
		return ERR_OK;
	git_failure(p->mirror.git, &push, &r, e);
	switch (git_refusal_of(&r, &reason)) {
	case GIT_ACCEPTED:
		return e->code = ERR_RETRY;
	case GIT_REFUSED_LEASE: /* the number was taken: look again */
		return error_set(e, ERR_RETRY, "%s", reason.text);
	default:
		return error_set(e, ERR_REFUSED, "%s", reason.text);
	}
}

static enum err look_up(const struct tag *t, struct tagged *p, struct error *e)
{
	char pattern[256];

	snprintf(pattern, sizeof(pattern), "refs/tags/%s*", t->prefix);
	if (git_mirror_need(&p->mirror, p->sha, e) ||
	    git_commit_date(&p->mirror, p->sha, &p->date, e))
		return e->code;
	return git_mirror_remote_refs(&p->mirror, pattern, &p->refs, e);
}

/* A damaged mirror is made anew, once; what is to be tagged was pushed. */
static enum err open_one(struct git *g, const struct tag *t, const json_t *args,
			 struct tagged *p, struct error *e)
{
	enum err code;

	p->sha = js_str(args, "sha");
	if (!git_sha_ok(p->sha))
		return error_set(e, ERR_INVALID, "not a commit");
	g->corrupt = false;
	if (git_mirror_open(g, js_str(args, "repo"), &p->mirror, e))
		return e->code;
	code = look_up(t, p, e);
	if (!code || !g->corrupt)
		return code;
	if (git_mirror_renew(&p->mirror, e))
		return e->code;
	return look_up(t, p, e);
}

static enum err open_all(struct git *g, const json_t *args, struct tag *t,
			 struct error *e)
{
	const json_t *list = js_get(args, "projects"), *one;
	CLEANUP(free) char *probe = str_format("%s1", t->prefix);
	size_t i;

	if (!probe || !git_branch_ok(probe))
		return error_set(e, ERR_INVALID, "not a tag's name");
	if (!json_array_size(list) || json_array_size(list) > TAG_PROJECTS_MAX)
		return error_set(e, ERR_INVALID, "no projects, or more than %d",
				 TAG_PROJECTS_MAX);
	t->items = calloc(json_array_size(list), sizeof(*t->items));
	if (!t->items)
		return error_set(e, ERR_RETRY, "out of memory");
	json_array_foreach (list, i, one) {
		t->count++;
		if (open_one(g, t, one, &t->items[i], e))
			return error_prefix(e, "%s", js_str(one, "repo"));
	}
	return ERR_OK;
}

enum err git_tag(struct git *g, const json_t *args, struct git_answer *ret,
		 struct error *e)
{
	CLEANUP(tag_release)
	struct tag t = {
		.prefix = js_str(args, "prefix"),
		.message = js_str(args, "message"),
	};
	char name[256];
	long n;

	if (open_all(g, args, &t, e) || choose(&t, &n, e))
		return e->code;
	for (size_t i = 0; i < t.count; i++) {
		if (push_tag(&t, &t.items[i], n, e)) {
			ret->unknown = e->code == ERR_RETRY;
			return error_prefix(e, "%s", t.items[i].mirror.repo);
		}
	}
	ref_name(&t, n, name, sizeof(name));
	ret->body = json_pack("{s:s}", "tag", name + strlen("refs/tags/"));
	return ERR_OK;
}
