#include "deploy/http_check.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "bot/base/clock.h"
#include "bot/base/str.h"

static void curl_free_handle(CURL *c)
{
	curl_easy_cleanup(c);
}
DEFINE_CLEANUP(CURL *, curl_free_handle)

bool json_contains(const json_t *whole, const json_t *part)
{
	const char *name;
	json_t *value;
	size_t i;

	if (!whole)
		return false;
	if (json_is_integer(whole) && json_is_integer(part))
		return json_integer_value(whole) == json_integer_value(part);
	if (json_is_number(part))
		return json_is_number(whole) &&
		       json_number_value(whole) == json_number_value(part);
	if (json_typeof(whole) != json_typeof(part))
		return false;
	if (json_is_array(part)) {
		if (json_array_size(whole) != json_array_size(part))
			return false;
		json_array_foreach (part, i, value) {
			if (!json_contains(json_array_get(whole, i), value))
				return false;
		}
		return true;
	}
	if (!json_is_object(part))
		return json_equal(whole, part);
	json_object_foreach ((json_t *)(uintptr_t)part, name, value) {
		if (!json_contains(json_object_get(whole, name), value))
			return false;
	}
	return true;
}

static size_t take_answer(char *data, size_t size, size_t count, void *ctx)
{
	struct str *answer = ctx;

	str_add(answer, data, size * count);
	return answer->failed ? 0 : size * count;
}

static int watch(void *ctx, curl_off_t a UNUSED, curl_off_t b UNUSED,
		 curl_off_t c UNUSED, curl_off_t d UNUSED)
{
	const struct http_probe *probe = ctx;

	return probe->stop && probe->stop(probe->ctx);
}

static CURL *prepare(const struct http_probe *p, struct str *answer)
{
	CURL *c = curl_easy_init();

	if (!c)
		return NULL;
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)HTTP_CHECK_TRY_MS);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "kcibot");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, (void *)(uintptr_t)p);
	if (curl_easy_setopt(c, CURLOPT_URL, p->url) == CURLE_OK)
		return c;
	curl_easy_cleanup(c);
	return NULL;
}

/* The JSON of an answer with the right status; a bare number is JSON, too. */
static enum err read_answer(const struct http_probe *p, long status,
			    const struct str *answer, json_t **ret,
			    struct error *e)
{
	struct error why = ERROR_INIT;

	if (status != p->status)
		return error_set(e, ERR_MISSING, "HTTP %ld, expected %lld",
				 status, (long long)p->status);
	if (!ret)
		return ERR_OK;
	*ret = js_parse_any(answer->text, answer->len, &why);
	if (!*ret)
		return error_set(e, ERR_MISSING, "HTTP %ld, %s", status,
				 why.text);
	return ERR_OK;
}

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err http_check_once(const struct http_probe *p, json_t **ret,
			 struct error *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CLEANUP(str_release) struct str answer = STR_INIT(HTTP_CHECK_ANSWER);
	CLEANUP(curl_free_handle) CURL *c = NULL;
	long status = 0;
	CURLcode rc;

	pthread_once(&once, init_curl);
	c = prepare(p, &answer);
	if (!c)
		return error_set(e, ERR_FATAL, "out of memory");
	rc = curl_easy_perform(c);
	if (rc == CURLE_ABORTED_BY_CALLBACK)
		return error_set(e, ERR_CONFLICT, "stopped");
	if (rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_URL_MALFORMAT)
		return error_set(e, ERR_INVALID, "%s: %s", p->url,
				 curl_easy_strerror(rc));
	if (answer.failed == ERR_INVALID)
		return error_set(e, ERR_MISSING,
				 "the answer has more than %u bytes",
				 HTTP_CHECK_ANSWER);
	if (rc != CURLE_OK)
		return error_set(e, ERR_MISSING, "%s", curl_easy_strerror(rc));
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	return read_answer(p, status, &answer, ret, e);
}

static enum err try_once(const struct http_probe *p, struct error *e)
{
	CLEANUP(json_decref) json_t *root = NULL;

	if (http_check_once(p, p->json ? &root : NULL, e))
		return e->code;
	if (p->json && !json_contains(root, p->json))
		return error_set(e, ERR_MISSING,
				 "HTTP %lld, the JSON is not what is expected",
				 (long long)p->status);
	return ERR_OK;
}

bool http_check_pause(const struct http_probe *p, int64_t ms)
{
	int64_t end = clock_mono(&clock_system) + ms, left;

	for (;;) {
		if (p->stop && p->stop(p->ctx))
			return false;
		left = end - clock_mono(&clock_system);
		if (left <= 0)
			return true;
		if (left > HTTP_CHECK_TICK_MS)
			left = HTTP_CHECK_TICK_MS;
		nanosleep(&(struct timespec){.tv_sec = left / 1000,
					     .tv_nsec = left % 1000 * 1000000},
			  NULL);
	}
}

static void report(const struct http_probe *p, int64_t n, const char *what)
{
	char line[500];

	if (!p->say)
		return;
	snprintf(line, sizeof(line), "try %lld of %lld: %s", (long long)n,
		 (long long)p->tries, what);
	p->say(p->ctx, line);
}

enum err http_check_run(const struct http_probe *p, struct error *e)
{
	for (int64_t n = 1;; n++) {
		enum err rc = try_once(p, e);

		report(p, n, rc ? e->text : "as expected");
		if (rc != ERR_MISSING)
			return rc;
		if (n >= p->tries)
			return rc;
		if (!http_check_pause(p, p->every_ms))
			return error_set(e, ERR_CONFLICT, "stopped");
	}
}
