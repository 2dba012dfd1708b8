/*
 * Where an answer may send us next: the host of api_url and no other.
 */
#ifndef BOT_GITHUB_URL_H
#define BOT_GITHUB_URL_H

#include "bot/base/str.h"

/* ERR_INVALID unless url is http(s)://HOST[:PORT][/PATH] and no more. */
NODISCARD enum err github_url_check(const char *url, struct error *e);

/*
 * link, absolute or relative to from (a whole URL), when it has from's
 * scheme, host and port and no user part; else NULL.  The caller frees it.
 */
char *github_url_follow(const char *from, const char *link);

/*
 * Adds the address that a Link header (RFC 8288) names as rel="next" to out.
 * false, and nothing added, when there is none.
 */
bool github_link_next(const char *header, struct str *out);

#endif
