/* The house: what people do on the forge, and what they read there. */
#include "tests/integration/look.h"

#include <stdlib.h>

json_t *house_file(const char *name, const char *text)
{
	return json_pack("{s:s}", name, text);
}

void house_await_head(struct house *h, const char *sha)
{
	CLEANUP(free)
	char *query = str_format(
		"SELECT count(*) FROM pull WHERE head_sha = '%s'", sha);

	house_await_sql(h, query, 1);
}

int house_pull(struct house *h, const char *repo, const char *author,
	       const char *file, char ret_sha[41])
{
	CLEANUP(free) char *title = str_format("Add %s", file);
	CLEANUP(free) char *text = str_format("%s by %s\n", file, author);
	char sha[41];
	int number = sbc_pull(h->forge, repo, author, title,
			      house_file(file, text), sha);

	assert_true(number > 0);
	if (h->pid && (!strcmp(repo, API) || !strcmp(repo, WEB)))
		house_await_head(h, sha);
	if (ret_sha)
		memcpy(ret_sha, sha, sizeof(sha));
	return number;
}

void house_push(struct house *h, const char *repo, int number, json_t *files,
		char ret_sha[41])
{
	char sha[41];

	assert_true(sbc_push(h->forge, repo, number, files, false, sha));
	house_await_head(h, sha);
	if (ret_sha)
		memcpy(ret_sha, sha, sizeof(sha));
}

int64_t house_say(struct house *h, const char *repo, int number,
		  const char *user, const char *body)
{
	int64_t id = sbc_comment(h->forge, repo, number, user, body);

	assert_true(id > 0);
	return id;
}

void house_await_reaction(struct house *h, const char *repo, int number,
			  int64_t comment, const char *content)
{
	if (!sbc_await_reaction(h->forge, repo, number, comment, BOT, content,
				HOUSE_WAIT_MS))
		look_fail(h, content);
}

void house_await_status(struct house *h, const char *repo, int number,
			const char *state)
{
	if (!sbc_await_status(h->forge, repo, number, BOT "/staging", state,
			      HOUSE_WAIT_MS))
		look_fail(h, state);
}

void house_await_comment(struct house *h, const char *repo, int number,
			 const char *text)
{
	if (!sbc_await_comment(h->forge, repo, number, BOT, text,
			       HOUSE_WAIT_MS))
		look_fail(h, text);
}

void house_reactions(struct house *h, const char *repo, int number,
		     int64_t comment, char ret[128])
{
	CLEANUP(json_decref)
	json_t *all = sbc_conversation(h->forge, repo, number);
	CLEANUP(str_release) struct str s = STR_INIT(127);
	json_t *m, *r;
	size_t i, j;

	json_array_foreach (js_get(all, "comments"), i, m) {
		if (js_int(m, "id", 0) != comment)
			continue;
		json_array_foreach (js_get(m, "reactions"), j, r)
			str_addf(&s, "%s%s", s.len ? " " : "",
				 js_str(r, "content"));
	}
	snprintf(ret, 128, "%s", s.text);
}

void house_assert_reactions(struct house *h, const char *repo, int number,
			    int64_t comment, const char *want)
{
	char got[128];

	house_reactions(h, repo, number, comment, got);
	assert_string_equal(got, want);
}

/* The bot's comments that hold text; *ret_first unless NULL. */
static int find_comments(struct house *h, const char *repo, int number,
			 const char *text, char **ret_first)
{
	CLEANUP(json_decref)
	json_t *all = sbc_conversation(h->forge, repo, number);
	int count = 0;
	json_t *m;
	size_t i;

	assert_non_null(all);
	json_array_foreach (js_get(all, "comments"), i, m) {
		if (strcmp(js_str(m, "user"), BOT) != 0 ||
		    !strstr(js_str(m, "body"), text))
			continue;
		if (!count++ && ret_first)
			*ret_first = strdup(js_str(m, "body"));
	}
	return count;
}

int house_count(struct house *h, const char *repo, int number, const char *text)
{
	return find_comments(h, repo, number, text, NULL);
}

char *house_comment(struct house *h, const char *repo, int number,
		    const char *text)
{
	char *ret = NULL;

	find_comments(h, repo, number, text, &ret);
	return ret;
}

char *house_status(struct house *h, const char *repo, int number)
{
	CLEANUP(json_decref)
	json_t *all = sbc_conversation(h->forge, repo, number);
	const json_t *one = json_array_get(js_get(all, "statuses"), 0);

	if (!one)
		return strdup("");
	return str_format("%s: %s", js_str(one, "state"),
			  js_str(one, "description"));
}

char *house_status_history(struct house *h, const char *repo, int number)
{
	CLEANUP(json_decref)
	json_t *all = sbc_conversation(h->forge, repo, number);
	CLEANUP(str_release) struct str s = STR_INIT(64u << 10);
	struct error e = ERROR_INIT;
	const char *last = "";
	char *ret = NULL;
	json_t *one;
	size_t i;

	json_array_foreach (js_get(all, "history"), i, one) {
		if (strcmp(last, js_str(one, "state")) != 0)
			str_addf(&s, "%s%s", s.len ? " " : "",
				 js_str(one, "state"));
		last = js_str(one, "state");
	}
	assert_int_equal(str_take(&s, &ret, &e), ERR_OK);
	return ret;
}

void house_fault(struct house *h, json_t *fault)
{
	CLEANUP(json_decref)
	json_t *a = sbc_post(h->forge, "/_sandbox/faults", fault);

	assert_non_null(a);
}

void house_assert_has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part,
			 text ? text : "(nothing)");
}

void house_assert_lacks(const char *text, const char *part)
{
	if (text && strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}
