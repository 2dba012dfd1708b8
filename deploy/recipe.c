#include "deploy/recipe.h"

#include <sodium.h>
#include <string.h>

#include "bot/base/cleanup.h"

/* Each with its length in front: no two recipes read the same. */
static void add(struct str *out, const char *text)
{
	str_addf(out, "%zu:%s", strlen(text), text);
}

static void add_list(struct str *out, text_list list)
{
	for (; *list; list++)
		add(out, *list);
	str_putc(out, ';');
}

static void add_job(struct str *out, const struct job_spec *job)
{
	add(out, job->name);
	add_list(out, job->run);
	if (job->http) {
		add(out, job->http->url);
		add(out, job->http->expect_json ? job->http->expect_json : "");
		str_addf(out, "%d,", job->http->expect_status);
	}
	for (size_t i = 0; i < job->changed_count; i++) {
		add(out, job->changed[i].repo);
		add_list(out, job->changed[i].globs);
	}
	for (size_t i = 0; i < job->secret_count; i++) {
		add(out, job->secrets[i].name);
		add(out, job->secrets[i].file);
	}
	str_addf(out, "%d,%d\n", (int)job->job_class, job->drains);
}

enum err recipe_hash(const struct environment *env, enum cycle_kind kind,
		     char ret[65], struct error *e)
{
	CLEANUP(str_release) struct str all = STR_INIT(4u << 20);
	unsigned char hash[crypto_hash_sha256_BYTES];
	text_list stages =
		kind == KIND_FULL ? env->recipe_full : env->recipe_short;

	for (; *stages; stages++) {
		add(&all, *stages);
		for (size_t i = 0; i < env->job_count; i++)
			if (strcmp(env->jobs[i].stage, *stages) == 0)
				add_job(&all, &env->jobs[i]);
	}
	if (str_check(&all, e))
		return e->code;
	crypto_hash_sha256(hash, (const unsigned char *)all.text, all.len);
	sodium_bin2hex(ret, 65, hash, sizeof(hash));
	return ERR_OK;
}

enum err recipe_changed(const struct environment *env, const struct cycle *c,
			bool *ret, struct error *e)
{
	char now[65];

	*ret = false;
	if (!*c->recipe)
		return ERR_OK;
	if (recipe_hash(env,
			strcmp(c->kind, "full") == 0 ? KIND_FULL : KIND_SHORT,
			now, e))
		return e->code;
	*ret = strcmp(now, c->recipe) != 0;
	return ERR_OK;
}
