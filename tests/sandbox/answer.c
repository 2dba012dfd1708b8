#include "tests/sandbox/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bot/base/clock.h"

#define PAGE_DEFAULT 30
#define PAGE_MAX 100

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *url_decode(const char *text, size_t len, bool plus)
{
	char *ret = sb_new(len + 1), *out = ret;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len && hex(text[i + 1]) >= 0 &&
		    hex(text[i + 2]) >= 0) {
			*out++ = (char)(hex(text[i + 1]) * 16 +
					hex(text[i + 2]));
			i += 2;
		} else {
			*out++ = plus && text[i] == '+' ? ' ' : text[i];
		}
	}
	return ret;
}

char *call_query(const struct call *c, const char *name)
{
	const char *at = c->query;
	size_t want = strlen(name);

	while (at && *at) {
		size_t len = strcspn(at, "&");

		if (len > want && at[want] == '=' && !strncmp(at, name, want))
			return url_decode(at + want + 1, len - want - 1, true);
		at += len;
		at += *at == '&';
	}
	return NULL;
}

int64_t call_query_int(const struct call *c, const char *name, int64_t absent)
{
	CLEANUP(free) char *text = call_query(c, name);

	return text && *text ? strtoll(text, NULL, 10) : absent;
}

void call_json(struct call *c, int status, json_t *value)
{
	CLEANUP(free)
	char *text = sb_must(json_dumps(sb_must(value), JSON_COMPACT));

	json_decref(value);
	c->status = status;
	c->type = "application/json; charset=utf-8";
	str_clear(&c->text);
	str_puts(&c->text, text);
}

void call_error(struct call *c, int status, const char *message)
{
	CLEANUP(free) char *code = sb_must(str_format("%d", status));

	call_json(c, status,
		  json_pack("{s:o,s:s,s:s}", "message", sb_text(message),
			    "documentation_url", "https://docs.github.com/rest",
			    "status", code));
}

void call_invalid(struct call *c, const char *resource, const char *field,
		  const char *message)
{
	call_json(c, 422,
		  json_pack("{s:s,s:s,s:s,s:[{s:s,s:s,s:s,s:o}]}", "message",
			    "Validation Failed", "documentation_url",
			    "https://docs.github.com/rest", "status", "422",
			    "errors", "resource", resource, "field", field,
			    "code", "custom", "message", sb_text(message)));
}

void call_failed(struct call *c, const struct error *e)
{
	call_error(c,
		   e->code == ERR_INVALID    ? 422
		   : e->code == ERR_MISSING  ? 404
		   : e->code == ERR_CONFLICT ? 409
		   : e->code == ERR_REFUSED  ? 403
					     : 500,
		   e->text);
}

void call_done(struct call *c, enum err err, const struct error *e)
{
	if (err)
		call_failed(c, e);
	else
		call_json(c, 200, json_object());
}

void call_missing(struct call *c, const char *what, const char *name)
{
	CLEANUP(free) char *text = sb_must(str_format("no %s %s", what, name));

	call_error(c, 404, text);
}

void call_header(struct call *c, const char *name, const char *value)
{
	json_object_set_new(c->headers, name, sb_text(value));
}

/* The query without its page, with a "&" at the end when there is one. */
static void other_params(const struct call *c, struct str *out)
{
	const char *at = c->query;

	while (at && *at) {
		size_t len = strcspn(at, "&");

		if (len && strncmp(at, "page=", 5) != 0) {
			str_add(out, at, len);
			str_putc(out, '&');
		}
		at += len;
		at += *at == '&';
	}
}

static void add_link(const struct call *c, struct str *out, const char *rel,
		     int64_t page)
{
	str_addf(out, "%s<%s%s?", out->len ? ", " : "", c->s->url, c->path);
	other_params(c, out);
	str_addf(out, "page=%" PRId64 ">; rel=\"%s\"", page, rel);
}

static int64_t between(int64_t n, int64_t low, int64_t high)
{
	return n < low ? low : n > high ? high : n;
}

void call_page(struct call *c, json_t *list)
{
	CLEANUP(str_release) struct str link = STR_INIT(16384);
	int64_t total = (int64_t)json_array_size(list);
	int64_t per = between(call_query_int(c, "per_page", PAGE_DEFAULT), 1,
			      PAGE_MAX);
	int64_t last = total ? (total + per - 1) / per : 1;
	int64_t page = between(call_query_int(c, "page", 1), 1, INT32_MAX);
	json_t *ret = sb_must(json_array());

	for (int64_t i = (page - 1) * per; i < page * per && i < total; i++)
		json_array_append(ret, json_array_get(list, (size_t)i));
	json_decref(list);
	if (page > 1)
		add_link(c, &link, "prev", page > last ? last : page - 1);
	if (page < last)
		add_link(c, &link, "next", page + 1);
	if (page < last)
		add_link(c, &link, "last", last);
	if (page > 1)
		add_link(c, &link, "first", 1);
	if (link.len)
		call_header(c, "Link", link.text);
	call_json(c, 200, ret);
}

void answer_wait(struct sandbox *s, int64_t ms)
{
	int64_t end = clock_mono(&clock_system) + ms;
	int64_t left;

	while (!s->stopping && (left = end - clock_mono(&clock_system)) > 0)
		json_decref(sb_log_after(s, &s->log, &s->log_seq, s->log_seq,
					 left));
}

/* Gives half of the body and then breaks off. */
struct half {
	char *text;
	size_t len;
};

static ssize_t half_read(void *ctx, uint64_t at, char *buf, size_t max)
{
	const struct half *h = ctx;
	size_t n = h->len / 2 > at ? h->len / 2 - (size_t)at : 0;

	if (!n)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = n > max ? max : n;
	memcpy(buf, h->text + at, n);
	return (ssize_t)n;
}

static void half_free(void *ctx)
{
	struct half *h = ctx;

	free(h->text);
	free(h);
}

static struct MHD_Response *make_response(struct call *c, bool cut)
{
	struct half *h;

	if (!cut)
		return MHD_create_response_from_buffer(
			c->text.len, c->text.text, MHD_RESPMEM_MUST_COPY);
	h = sb_new(sizeof(*h));
	h->len = c->text.len;
	h->text = sb_new(h->len + 1);
	memcpy(h->text, c->text.text, h->len);
	return MHD_create_response_from_callback(h->len, 4096, half_read, h,
						 half_free);
}

static void add_date(struct MHD_Response *r, int64_t skew)
{
	time_t now = (time_t)((clock_wall(&clock_system) + skew) / 1000);
	char text[64];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	MHD_add_response_header(r, "Date", text);
}

enum MHD_Result answer_send(struct call *c, struct MHD_Connection *conn,
			    const struct sb_fault *fault, int64_t skew)
{
	bool cut = fault && fault->kind == SB_FAULT_CUT;
	enum MHD_Result ret;
	struct MHD_Response *r;
	const char *name;
	json_t *value;

	if (fault &&
	    (fault->kind == SB_FAULT_CLOSE || fault->kind == SB_FAULT_HANG))
		return MHD_NO;
	r = make_response(c, cut);
	if (!r)
		return MHD_NO;
	add_date(r, skew);
	if (c->type && c->status != 204 && c->status != 304)
		MHD_add_response_header(r, "Content-Type", c->type);
	json_object_foreach (c->headers, name, value)
		MHD_add_response_header(r, name, json_string_value(value));
	ret = MHD_queue_response(conn, (unsigned int)c->status, r);
	MHD_destroy_response(r);
	return ret;
}
