/* Markers, links and SHAs: Markdown that is ours, around checked values. */
#include "bot/view_parts.h"

#include <string.h>

#include "bot/render.h"

static const char word[] = "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

void part_marker(struct str *out, const char *what, const char *value)
{
	char last = '\0';

	str_addf(out, "<!-- kcibot:%s ", what);
	/* Nothing in it may end the HTML comment. */
	for (; *value; value++) {
		bool good = strchr(word, *value) || strchr("/:#", *value);
		char c = good && !(*value == '-' && last == '-') ? *value : '_';

		str_putc(out, c);
		last = c;
	}
	str_puts(out, " -->\n");
}

/* The address of our pages without the slash at the end, or "". */
static size_t base_url(const json_t *view, const char **ret)
{
	const char *url = js_str(view, "public_url");
	size_t n = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
			       "QRSTUVWXYZ0123456789._-~%/:[]");

	*ret = url;
	if (url[n] ||
	    (!str_starts(url, "http://") && !str_starts(url, "https://")))
		return 0;
	while (n && url[n - 1] == '/')
		n--;
	return n;
}

/* "owner/name" and nothing else; *ret is the name. */
static bool split_repo(const char *repo, const char **ret)
{
	size_t owner = strspn(repo, word);
	size_t name;

	if (!owner || repo[owner] != '/')
		return false;
	*ret = repo + owner + 1;
	name = strspn(*ret, word);
	return name && !(*ret)[name] && strcmp(*ret, "..") != 0 &&
	       strncmp(repo, "../", 3) != 0;
}

void part_cycle_link(struct str *out, const json_t *view, int64_t cycle)
{
	const char *url;
	size_t n = base_url(view, &url);

	if (n)
		str_addf(out, "[cycle %lld](%.*s/cycles/%lld)",
			 (long long)cycle, (int)n, url, (long long)cycle);
	else
		str_addf(out, "cycle %lld", (long long)cycle);
}

/*
 * The link's text is no reference to the forge: those would leave a note in
 * the other pull request each time.
 */
void part_pull_link(struct str *out, const json_t *view, const json_t *pull)
{
	long long number = (long long)js_int(pull, "number", 0);
	const char *repo = js_str(pull, "repo");
	const char *url, *name = "";
	size_t n = base_url(view, &url);
	bool good = split_repo(repo, &name);

	if (good && n)
		str_putc(out, '[');
	render_inline(out, good ? name : repo);
	render_inline(out, "#");
	str_addf(out, "%lld", number);
	if (good && n)
		str_addf(out, "](%.*s/pulls/%s/%lld)", (int)n, url, repo,
			 number);
}

void part_sha(struct str *out, const char *sha, size_t digits)
{
	size_t n = strspn(sha, "0123456789abcdef");

	if (n && !sha[n])
		str_addf(out, "`%.*s`", (int)digits, sha);
	else
		render_inline(out, sha);
}
