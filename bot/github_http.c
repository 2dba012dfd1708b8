#include "bot/github_http.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "bot/base/limits.h"
#include "bot/github_url.h"

/* A transfer below this many bytes a second for this long is dead. */
#define LOW_SPEED_BYTES 10L
#define LOW_SPEED_SECONDS 20L

struct exchange {
	CURL *easy;
	struct curl_slist *headers;
	struct github_answer answer;
	char trouble[CURL_ERROR_SIZE];
	void *owner;
};

static void dispose(struct exchange *x)
{
	curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->headers);
	github_answer_release(&x->answer);
	free(x);
}
DEFINE_CLEANUP(struct exchange *, dispose)

void exchange_free(struct exchange *x)
{
	if (x)
		dispose(x);
}

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;

	/* Counts what was unpacked, so that nothing small grows large. */
	str_add(&x->answer.body, data, size * count);
	return x->answer.body.failed ? CURL_WRITEFUNC_ERROR : size * count;
}

/* curl's own sockets would be inherited by every job that is started. */
static curl_socket_t open_socket(void *ctx UNUSED, curlsocktype purpose UNUSED,
				 struct curl_sockaddr *to)
{
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool add_header(struct exchange *x, const char *name, const char *value)
{
	CLEANUP(free) char *line = str_format("%s: %s", name, value);
	struct curl_slist *more = NULL;

	if (line)
		more = curl_slist_append(x->headers, line);
	if (more)
		x->headers = more;
	if (line)
		explicit_bzero(line, strlen(line));
	return more != NULL;
}

static bool set_headers(struct exchange *x, const struct github_request *req,
			const char *token, const char *etag)
{
	CLEANUP(free) char *bearer = str_format("Bearer %s", token);
	bool good = bearer && add_header(x, "Authorization", bearer) &&
		    add_header(x, "Accept", "application/vnd.github+json") &&
		    add_header(x, "X-GitHub-Api-Version", "2022-11-28");

	if (bearer)
		explicit_bzero(bearer, strlen(bearer));
	/* Without a value: then curl adds none of its own. */
	if (good && req->row->write)
		good = add_header(x, "Content-Type",
				  req->body ? "application/json" : "");
	if (good && etag)
		good = add_header(x, "If-None-Match", etag);
	return good &&
	       !curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static bool set_body(CURL *c, const struct github_request *req)
{
	int bad = 0;

	const char *body = req->body ? req->body : "";

	bad |= curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->row->method);
	if (!req->row->write)
		return !bad;
	/* Also nothing has a length: without one some servers answer 411. */
	bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
				(curl_off_t)strlen(body));
	bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	return !bad;
}

/* Only what api_url says, only HTTP, nothing from files of the user. */
static bool set_reach(CURL *c, const struct github_request *req)
{
	int bad = 0;

	bad |= curl_easy_setopt(c, CURLOPT_URL, req->url);
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	bad |= curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION,
				(long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
	/*
	 * The environment may name a proxy for https, which then sees only
	 * encrypted bytes; plain http through one would show it the token.
	 */
	if (!str_starts(req->url, "https://"))
		bad |= curl_easy_setopt(c, CURLOPT_PROXY, "");
	/*
	 * On a kept connection that turns out dead curl sends a request again
	 * by itself, also one that the forge has carried out: two comments.
	 * On a fresh one it never does.
	 */
	if (req->row->write)
		bad |= curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	return !bad;
}

static bool set_bounds(CURL *c, const struct github_http *how)
{
	int bad = 0;

	bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
				(long)how->connect_ms);
	bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)how->call_ms);
	bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_SECONDS);
	bad |= curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE,
				(curl_off_t)LIMIT_FORGE_ANSWER);
	bad |= curl_easy_setopt(c, CURLOPT_USERAGENT, how->user_agent);
	return !bad;
}

static bool set_answer(struct exchange *x)
{
	int bad = 0;

	bad |= curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, take_body);
	bad |= curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	bad |= curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->trouble);
	bad |= curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	return !bad;
}

struct exchange *exchange_new(const struct github_http *how,
			      const struct github_request *req,
			      const char *token, const char *etag, void *owner,
			      struct error *e)
{
	CLEANUP(dispose) struct exchange *x = calloc(1, sizeof(*x));

	if (!x) {
		error_set(e, ERR_RETRY, "out of memory");
		return NULL;
	}
	github_answer_init(&x->answer);
	x->owner = owner;
	x->easy = curl_easy_init();
	if (!x->easy || !set_headers(x, req, token, etag) ||
	    !set_body(x->easy, req) || !set_reach(x->easy, req) ||
	    !set_bounds(x->easy, how) || !set_answer(x)) {
		error_set(e, ERR_RETRY, "curl has no memory, or lacks https");
		return NULL;
	}
	return TAKE(x);
}

CURL *exchange_handle(struct exchange *x)
{
	return x->easy;
}

void *exchange_owner(CURL *handle)
{
	struct exchange *x = NULL;

	curl_easy_getinfo(handle, CURLINFO_PRIVATE, (char **)&x);
	return x ? x->owner : NULL;
}

/* The value of a header; NULL when there is none. */
static const char *header(CURL *c, const char *name, size_t index)
{
	struct curl_header *h;

	if (curl_easy_header(c, name, index, CURLH_HEADER, -1, &h))
		return NULL;
	return h->value;
}

/* A header that is a plain number; -1 when it is none. */
static int64_t number(CURL *c, const char *name)
{
	const char *text = header(c, name, 0);
	size_t n = text ? strspn(text, "0123456789") : 0;

	/* 15 digits leave room to multiply by 1000. */
	if (!n || text[n])
		return -1;
	return n > 15 ? INT64_C(999999999999999) : strtoll(text, NULL, 10);
}

static int64_t http_date(CURL *c, const char *name)
{
	const char *text = header(c, name, 0);
	time_t t = text ? curl_getdate(text, NULL) : -1;

	return t > 0 ? (int64_t)t * 1000 : 0;
}

/* Retry-After is seconds or a date. */
static int64_t retry_after(CURL *c, int64_t date_ms)
{
	int64_t seconds = number(c, "Retry-After");
	int64_t when = http_date(c, "Retry-After");

	if (seconds >= 0 || !when || !date_ms)
		return seconds;
	return when > date_ms ? (when - date_ms) / 1000 : 0;
}

static char *copy_header(CURL *c, const char *name)
{
	const char *text = header(c, name, 0);

	return text && *text ? strdup(text) : NULL;
}

static void read_next(CURL *c, struct github_answer *a)
{
	CLEANUP(str_release) struct str out = STR_INIT(LIMIT_FORGE_URL);
	struct error ignored = ERROR_INIT;
	const char *text;

	for (size_t i = 0; (text = header(c, "Link", i)); i++) {
		if (!github_link_next(text, &out))
			continue;
		/* A page that cannot be named must not look like the end. */
		a->next_lost = str_take(&out, &a->next, &ignored) != ERR_OK;
		return;
	}
}

static void read_headers(CURL *c, struct github_answer *a)
{
	int64_t reset = number(c, "X-RateLimit-Reset");

	a->date_ms = http_date(c, "Date");
	a->retry_after = retry_after(c, a->date_ms);
	a->remaining = number(c, "X-RateLimit-Remaining");
	a->reset_ms = reset < 0 ? -1 : reset * 1000;
	a->etag = copy_header(c, "ETag");
	a->location = copy_header(c, "Location");
	read_next(c, a);
}

static void read_trouble(struct exchange *x, CURLcode code)
{
	struct github_answer *a = &x->answer;
	const char *why = *x->trouble ? x->trouble : curl_easy_strerror(code);

	if (code == CURLE_FILESIZE_EXCEEDED || a->body.failed == ERR_INVALID) {
		a->trouble_code = ERR_INVALID;
		why = "the answer is too large";
	} else if (code == CURLE_URL_MALFORMAT) {
		a->trouble_code = ERR_INVALID;
	}
	snprintf(a->trouble, sizeof(a->trouble), "%s", why);
}

struct github_answer *exchange_end(struct exchange *x, CURLcode code)
{
	struct github_answer *a = &x->answer;
	curl_off_t took = 0;
	long status = 0, sent = 0;

	curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &took);
	curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	a->took_ms = took / 1000;
	a->sent = sent > 0;
	read_headers(x->easy, a);
	if (code == CURLE_OK)
		a->status = (int)status;
	else
		read_trouble(x, code);
	if (!a->status && !*a->trouble)
		snprintf(a->trouble, sizeof(a->trouble), "no HTTP answer");
	return a;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode started;

static void start_curl(void)
{
	started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err github_http_start(struct error *e)
{
	pthread_once(&once, start_curl);
	if (started)
		return error_set(e, ERR_FATAL, "curl does not start: %s",
				 curl_easy_strerror(started));
	return ERR_OK;
}
