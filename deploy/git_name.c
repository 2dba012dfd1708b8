#include "deploy/git_name.h"

#include <sodium.h>
#include <string.h>

#include "bot/base/unicode.h"

#define URL_MAX_BYTES 1024

static const char alnum[] = "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool git_sha_ok(const char *text)
{
	return strspn(text, "0123456789abcdef") == GIT_SHA_LEN &&
	       !text[GIT_SHA_LEN];
}

static bool name_ok(const char *text, size_t len)
{
	if (!len || len > 100 || text[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr(alnum, text[i]) && !strchr("._-", text[i]))
			return false;
	return strspn(text, ".") < len;
}

bool git_repo_ok(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && name_ok(text, (size_t)(slash - text)) &&
	       name_ok(slash + 1, strlen(slash + 1));
}

static bool component_ok(const char *text, size_t len)
{
	if (!len || text[0] == '.')
		return false;
	return len < 5 || memcmp(text + len - 5, ".lock", 5) != 0;
}

bool git_branch_ok(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > 200 || text[0] == '-' || text[len - 1] == '.' ||
	    strcmp(text, "@") == 0 || strcmp(text, "HEAD") == 0)
		return false;
	if (strstr(text, "..") || strstr(text, "@{") ||
	    strpbrk(text, " ~^:?*[\\\177"))
		return false;
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20)
			return false;
	for (const char *p = text;; p++) {
		size_t n = strcspn(p, "/");

		if (!component_ok(p, n))
			return false;
		p += n;
		if (!*p)
			return true;
	}
}

void git_name_hash(const char *text, char ret[GIT_HASH_LEN + 1])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(ret, GIT_HASH_LEN + 1, hash, GIT_HASH_LEN / 2);
}

void git_place_release(struct git_place *p)
{
	str_release(&p->url);
	str_release(&p->origin);
}

static const char *scheme_of(const char *url)
{
	static const char *const schemes[] = {"https", "http", "file"};

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (strncmp(url, schemes[i], n) == 0 &&
		    strncmp(url + n, "://", 3) == 0)
			return schemes[i];
	}
	return NULL;
}

enum err git_place_of(const char *clone_url, const char *repo,
		      struct git_place *ret, struct error *e)
{
	const char *hole = strstr(clone_url, "{repo}");
	size_t host;

	str_init(&ret->url, URL_MAX_BYTES);
	str_init(&ret->origin, URL_MAX_BYTES);
	ret->scheme = scheme_of(clone_url);
	if (!git_repo_ok(repo))
		return error_set(e, ERR_INVALID, "not a repository's name");
	if (!ret->scheme || !hole)
		return error_set(e, ERR_INVALID,
				 "clone_url must be an https, http or file "
				 "URL with {repo} in it");
	host = strlen(ret->scheme) + 3;
	host += strcspn(clone_url + host, "/");
	if (memchr(clone_url, '@', host))
		return error_set(e, ERR_INVALID,
				 "clone_url must not hold a user or password; "
				 "use token_file");
	if (clone_url + host <= hole && strcmp(ret->scheme, "file") != 0)
		str_add(&ret->origin, clone_url, host);
	str_add(&ret->url, clone_url, (size_t)(hole - clone_url));
	str_puts(&ret->url, repo);
	str_puts(&ret->url, hole + strlen("{repo}"));
	return str_check(&ret->url, e);
}

void git_text(struct str *out, const char *bytes, size_t len)
{
	size_t at, next;

	for (at = next = 0; at < len; at = next) {
		uint32_t c = unicode_next(bytes, len, &next);

		if (c == UNICODE_INVALID)
			str_puts(out, "\xef\xbf\xbd");
		else if (c < 0x20 || c == 0x7f)
			str_putc(out, ' ');
		else
			str_add(out, bytes + at, next - at);
	}
}
