#include "bot/github_url.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "bot/base/cleanup.h"

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)
DEFINE_CLEANUP(char *, curl_free)

static CURLU *parse(const char *url)
{
	CURLU *u = curl_url();

	if (u && curl_url_set(u, CURLUPART_URL, url, 0)) {
		curl_url_cleanup(u);
		u = NULL;
	}
	return u;
}

static bool has(CURLU *u, CURLUPart part)
{
	CLEANUP(curl_free) char *text = NULL;

	return curl_url_get(u, part, &text, 0) == CURLUE_OK;
}

static bool same(CURLU *a, CURLU *b, CURLUPart part)
{
	CLEANUP(curl_free) char *x = NULL;
	CLEANUP(curl_free) char *y = NULL;

	if (curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) ||
	    curl_url_get(b, part, &y, CURLU_DEFAULT_PORT))
		return false;
	return strcasecmp(x, y) == 0;
}

enum err github_url_check(const char *url, struct error *e)
{
	CLEANUP(curl_url_cleanup) CURLU *u = parse(url);

	if (!u || (!str_starts(url, "http://") && !str_starts(url, "https://")))
		return error_set(e, ERR_INVALID,
				 "api_url must begin with https:// and a host");
	if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD))
		return error_set(e, ERR_INVALID,
				 "api_url must not hold a user or password");
	if (strpbrk(url, "?#"))
		return error_set(e, ERR_INVALID,
				 "api_url must not hold a query");
	return ERR_OK;
}

char *github_url_follow(const char *from, const char *link)
{
	CLEANUP(curl_url_cleanup) CURLU *here = parse(from);
	CLEANUP(curl_url_cleanup) CURLU *there = parse(from);
	CLEANUP(curl_free) char *whole = NULL;

	if (!here || !there || curl_url_set(there, CURLUPART_URL, link, 0))
		return NULL;
	if (!same(here, there, CURLUPART_SCHEME) ||
	    !same(here, there, CURLUPART_HOST) ||
	    !same(here, there, CURLUPART_PORT) || has(there, CURLUPART_USER) ||
	    has(there, CURLUPART_PASSWORD))
		return NULL;
	/* What was compared is what is asked: one parser's own spelling. */
	if (curl_url_get(there, CURLUPART_URL, &whole, 0))
		return NULL;
	return strdup(whole);
}

/* The end of one parameter: its ';' or ',', quoted ones passed over. */
static const char *param_end(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || !strchr(";,", *p)); p++) {
		if (quoted && *p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

/* Is p..end rel=next, with or without quotes, among other relations? */
static bool is_rel_next(const char *p, const char *end)
{
	p += strspn(p, " \t");
	if (strncasecmp(p, "rel", 3) != 0)
		return false;
	p += 3;
	p += strspn(p, " \t");
	if (*p++ != '=')
		return false;
	while (p < end) {
		size_t n;

		p += strspn(p, " \t\"");
		n = strcspn(p, " \t\";,");
		if (n == 4 && strncasecmp(p, "next", 4) == 0)
			return p < end;
		if (!n)
			break;
		p += n;
	}
	return false;
}

bool github_link_next(const char *header, struct str *out)
{
	const char *p = header;

	while ((p = strchr(p, '<'))) {
		const char *address = ++p;
		size_t len = strcspn(p, ">");

		if (!p[len])
			break;
		p += len + 1;
		p += strspn(p, " \t");
		while (*p == ';') {
			const char *end = param_end(++p);

			if (is_rel_next(p, end)) {
				str_add(out, address, len);
				return true;
			}
			p = end;
		}
	}
	return false;
}
