/*
 * A health job: GET a URL until it answers as expected or the tries are used
 * up.  http and https only, no redirect is followed, no proxy, a bounded
 * answer, a bounded time for each try.
 */
#ifndef DEPLOY_HTTP_CHECK_H
#define DEPLOY_HTTP_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/json.h"

/* One try: connecting and answering. */
#define HTTP_CHECK_TRY_MS 10000
/* An answer to a health check is a page at most. */
#define HTTP_CHECK_ANSWER (1u << 20)
/* How late the end of waiting notices stop(). */
#define HTTP_CHECK_TICK_MS 100

struct http_probe {
	const char *url;
	int64_t status;	    /* expected */
	const json_t *json; /* the answer must contain it; NULL = any answer */
	int64_t tries;	    /* at least 1 */
	int64_t every_ms;   /* from the end of a try to the next one */

	/* Asked often; true ends the check at once. */
	bool (*stop)(void *ctx);
	/* What a try gave, a line without its end. */
	void (*say)(void *ctx, const char *line);
	void *ctx;
};

/*
 * ERR_OK when a try was as expected; ERR_MISSING with what the last try gave
 * when none was; ERR_CONFLICT when stop() said so; ERR_INVALID for a URL that
 * is not http or https; ERR_FATAL without memory.
 */
NODISCARD enum err http_check_run(const struct http_probe *probe,
				  struct error *e);

/*
 * One try.  ERR_OK with the JSON of an answer that has the expected status,
 * whatever it is, in *ret (the caller's; ret NULL: it need not be any); else as
 * http_check_run(), but nothing is said and tries, every_ms and json do not
 * matter.
 */
NODISCARD enum err http_check_once(const struct http_probe *probe, json_t **ret,
				   struct error *e);

/* Waits ms; false as soon as stop() says so. */
NODISCARD bool http_check_pause(const struct http_probe *probe, int64_t ms);

/*
 * Is part contained in whole?  An object when every member is contained in
 * the member of the same name; an array when both are equally long and each
 * element is contained in its counterpart; numbers by value; else equality.
 */
bool json_contains(const json_t *whole, const json_t *part);

#endif
