#include "tests/sandbox/http.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "bot/base/clock.h"
#include "tests/sandbox/answer.h"
#include "tests/sandbox/faults.h"

#define CONNECTIONS 256
#define IDLE_S 120

struct http {
	struct MHD_Daemon *daemon;
};

static const struct route *const api[] = {
	api_review_routes, api_org_routes,  api_routes, api_comment_routes,
	api_status_routes, api_hook_routes, NULL};
static const struct route *const control[] = {
	control_routes, control_people_routes, control_watch_routes, NULL};
static const struct route *const pages[] = {page_routes, NULL};

/* A call and where it came from. */
struct request {
	struct call call;
	char *uri;
	bool begun;
};

static void *request_new(void *ctx, const char *uri,
			 struct MHD_Connection *conn UNUSED)
{
	struct request *r = sb_new(sizeof(*r));

	r->uri = sb_dup(uri);
	r->call.s = ctx;
	r->call.path = sb_dup(uri);
	r->call.query = strchr(r->call.path, '?');
	if (r->call.query)
		*r->call.query++ = '\0';
	r->call.headers = sb_must(json_object());
	str_init(&r->call.raw, SB_BODY);
	str_init(&r->call.text, 2u * SB_BODY);
	return r;
}

static void request_free(void *ctx UNUSED, struct MHD_Connection *conn UNUSED,
			 void **at, enum MHD_RequestTerminationCode why UNUSED)
{
	struct request *r = *at;

	if (!r)
		return;
	for (int i = 0; i < CALL_ARGS; i++)
		free(r->call.args[i]);
	str_release(&r->call.raw);
	str_release(&r->call.text);
	json_decref(r->call.body);
	json_decref(r->call.headers);
	free(r->call.path);
	free(r->uri);
	free(r);
	*at = NULL;
}

static void forget_args(struct call *c)
{
	for (int i = 0; i < CALL_ARGS; i++) {
		free(c->args[i]);
		c->args[i] = NULL;
	}
}

static bool match(struct call *c, const char *pattern)
{
	const char *at = c->path;
	int n = 0;

	forget_args(c);
	while (*pattern) {
		size_t len = strcspn(at, "/"), want = strcspn(pattern, "/");

		if (*pattern == ':' && len && n < CALL_ARGS)
			c->args[n++] = url_decode(at, len, false);
		else if (len != want || strncmp(at, pattern, len) != 0)
			return false;
		at += len;
		pattern += want;
		if (*at != *pattern)
			return false;
		if (*at) {
			at++;
			pattern++;
		}
	}
	return !*at;
}

static const struct route *find_route(struct call *c,
				      const struct route *const *tables)
{
	for (; *tables; tables++)
		for (const struct route *r = *tables; r->method; r++)
			if (!strcmp(r->method, c->method) && match(c, r->path))
				return r;
	return NULL;
}

static const char *header(struct MHD_Connection *conn, const char *name)
{
	return MHD_lookup_connection_value(conn, MHD_HEADER_KIND, name);
}

static struct sb_user *who(struct sandbox *s, const char *authorization)
{
	static const char *const schemes[] = {"Bearer ", "token "};

	for (size_t i = 0; authorization && i < ARRAY_SIZE(schemes); i++)
		if (str_starts(authorization, schemes[i]))
			return sb_user_by_token(s, authorization +
							   strlen(schemes[i]));
	return NULL;
}

static void parse_body(struct call *c)
{
	struct error e = ERROR_INIT;

	if (c->raw.len)
		c->body = js_parse(c->raw.text, c->raw.len, &e);
}

/* false: the answer says already what is wrong. */
static bool may_call_api(struct call *c, struct MHD_Connection *conn)
{
	struct sb_rate *rate = &c->s->rate;

	c->user = who(c->s, header(conn, "Authorization"));
	if (!header(conn, "User-Agent"))
		call_error(c, 403,
			   "Request forbidden by administrative rules. "
			   "Please make sure your request has a "
			   "User-Agent header");
	else if (!c->user)
		call_error(c, 401,
			   header(conn, "Authorization")
				   ? "Bad credentials"
				   : "Requires authentication");
	else if (rate->used >= rate->limit)
		call_error(c, 403, "API rate limit exceeded");
	return c->status == 0;
}

static void rate_begin(struct sandbox *s)
{
	if (s->rate.reset > sb_now(s))
		return;
	s->rate.reset = sb_now(s) + 3600 * 1000;
	s->rate.used = 0;
}

static void rate_headers(struct call *c)
{
	const struct sb_rate *r = &c->s->rate;
	int used = r->used > r->limit ? r->limit : r->used;
	const struct {
		const char *name;
		int64_t value;
	} all[] = {
		{"X-RateLimit-Limit", r->limit},
		{"X-RateLimit-Remaining", r->limit - used},
		{"X-RateLimit-Used", used},
		{"X-RateLimit-Reset", r->reset / 1000},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		CLEANUP(free)
		char *text = sb_must(str_format("%" PRId64, all[i].value));

		call_header(c, all[i].name, text);
	}
	call_header(c, "X-RateLimit-Resource", "core");
}

static void run_api(struct call *c, struct MHD_Connection *conn)
{
	const struct route *r = find_route(c, api);

	if (!may_call_api(c, conn))
		return;
	parse_body(c);
	if (!r)
		call_error(c, 404, "Not Found");
	else if (c->raw.len && !c->body)
		call_error(c, 400, "Problems parsing JSON");
	else
		r->run(c);
}

/* A faulty answer instead of the true one, or on top of it. */
static void fault_answer(struct call *c, const struct sb_fault *f)
{
	const char *name;
	json_t *value;

	c->status = f->status;
	json_object_clear(c->headers);
	str_clear(&c->text);
	str_puts(&c->text, f->body);
	c->type = "application/json; charset=utf-8";
	if (!*f->body)
		call_error(c, f->status, "Fault on demand");
	json_object_foreach (f->headers, name, value)
		if (json_is_string(value))
			call_header(c, name, json_string_value(value));
}

static void log_call(const struct call *c, const struct sb_fault *f)
{
	json_t *body = c->body ? json_incref(c->body)
			       : sb_text(c->raw.text ? c->raw.text : "");

	sb_log_request(c->s,
		       json_pack("{s:s,s:s,s:s,s:i,s:s?,s:b,s:o}", "method",
				 c->method, "path", c->path, "query",
				 c->query ? c->query : "", "status", c->status,
				 "user", c->user ? c->user->login : NULL,
				 "fault", f != NULL, "body", body));
}

/* An ETag for what can be asked again, 304 when it is known already. */
static void conditional(struct call *c, struct MHD_Connection *conn)
{
	const char *known = header(conn, "If-None-Match");
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char tag[3 + 64 + 2] = "W/\"";

	if (strcmp(c->method, "GET") != 0 || c->status != 200)
		return;
	EVP_Digest(c->text.text, c->text.len, md, &len, EVP_sha256(), NULL);
	for (unsigned int i = 0; i < 32; i++)
		snprintf(tag + 3 + 2 * i, 3, "%02x", md[i]);
	memcpy(tag + 67, "\"", 2);
	call_header(c, "ETag", tag);
	call_header(c, "Cache-Control", "private, max-age=60, s-maxage=60");
	if (known && (!strcmp(known, tag) || !strcmp(known, tag + 2))) {
		c->status = 304;
		str_clear(&c->text);
	}
}

static const struct sb_fault *serve_api(struct call *c,
					struct MHD_Connection *conn)
{
	const struct sb_fault *f =
		sb_fault_next(c->s, c->method, c->path, c->raw.text);

	rate_begin(c->s);
	if (!f || f->apply)
		run_api(c, conn);
	conditional(c, conn);
	if (f && f->kind == SB_FAULT_STATUS)
		fault_answer(c, f);
	if (c->status != 304)
		c->s->rate.used++;
	rate_headers(c);
	log_call(c, f);
	return f;
}

/*
 * The control interface and the forms obey whoever reaches them.  A page of
 * another site must not, be it by a form (then Origin is not ours) or by a
 * name of its own that it points at the loopback address (then Host is not).
 */
static bool from_here(const struct call *c, struct MHD_Connection *conn)
{
	const char *origin = header(conn, "Origin");
	const char *host = header(conn, "Host");
	const char *port = strchr(c->s->listen, ':');

	if (!host)
		return false;
	if (origin && (!str_starts(origin, "http://") ||
		       strcmp(origin + strlen("http://"), host) != 0))
		return false;
	if (!str_starts(c->s->listen, "127.") || !strcmp(host, c->s->listen))
		return true;
	return str_starts(host, "localhost") &&
	       !strcmp(host + strlen("localhost"), port);
}

static void serve_own(struct call *c, struct MHD_Connection *conn)
{
	const struct route *r = find_route(c, control);
	bool steering = r != NULL;

	if (!r)
		r = find_route(c, pages);
	if (!r) {
		call_error(c, 404, "Not Found");
		return;
	}
	if (!from_here(c, conn)) {
		call_error(c, 403, "Not from here");
		return;
	}
	if (steering)
		parse_body(c);
	if (steering && !strcmp(c->method, "POST") && !json_is_object(c->body))
		call_error(c, 400, "wants a JSON object");
	else
		r->run(c);
}

static bool is_api(const char *path)
{
	return str_starts(path, "/repos/") || str_starts(path, "/users/") ||
	       str_starts(path, "/orgs/") || str_starts(path, "/user/") ||
	       !strcmp(path, "/user");
}

static enum MHD_Result handle(void *ctx UNUSED, struct MHD_Connection *conn,
			      const char *url UNUSED, const char *method,
			      const char *version UNUSED, const char *data,
			      size_t *len, void **at)
{
	struct request *r = *at;
	struct call *c = &r->call;
	const struct sb_fault *f = NULL;
	int64_t skew;

	if (!r->begun) {
		r->begun = true;
		c->method = method;
		return MHD_YES;
	}
	if (*len) {
		str_add(&c->raw, data, *len);
		*len = 0;
		return MHD_YES;
	}
	sandbox_lock(c->s);
	if (c->raw.failed)
		call_error(c, 413, "Too large");
	else if (is_api(c->path))
		f = serve_api(c, conn);
	else
		serve_own(c, conn);
	if (f && f->ms > 0)
		answer_wait(c->s, f->ms);
	skew = c->s->clock_skew;
	sandbox_unlock(c->s);
	return answer_send(c, conn, f, skew);
}

/* Paths are decoded after they were split, by match(). */
static size_t leave_escaped(void *ctx UNUSED,
			    struct MHD_Connection *conn UNUSED, char *text)
{
	return strlen(text);
}

enum err http_start(struct sandbox *s, const char *host, int port,
		    struct http **ret, struct error *e)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port)};
	struct http *h = sb_new(sizeof(*h));

	if (inet_pton(AF_INET, host, &at.sin_addr) == 1)
		h->daemon = MHD_start_daemon(
			MHD_USE_POLL_INTERNAL_THREAD |
				MHD_USE_THREAD_PER_CONNECTION |
				MHD_USE_SUPPRESS_DATE_NO_CLOCK,
			(uint16_t)port, NULL, NULL, handle, NULL,
			MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_CONNECTION_LIMIT,
			CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
			MHD_OPTION_URI_LOG_CALLBACK, request_new, s,
			MHD_OPTION_NOTIFY_COMPLETED, request_free, NULL,
			MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
			MHD_OPTION_END);
	if (!h->daemon) {
		free(h);
		return error_set(e, ERR_FATAL, "cannot listen on %s:%d", host,
				 port);
	}
	*ret = h;
	return ERR_OK;
}

int http_port(const struct http *h)
{
	return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void http_stop(struct http *h)
{
	MHD_stop_daemon(h->daemon);
	free(h);
}
