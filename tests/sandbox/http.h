/*
 * The HTTP side of the sandbox: one thread per connection, so that a call
 * that hangs or waits holds up nobody else.  A request is read as a whole,
 * matched against the tables of routes, and run with the lock held.
 */
#ifndef SANDBOX_HTTP_H
#define SANDBOX_HTTP_H

#include "tests/sandbox/state.h"

#define CALL_ARGS 6

struct call {
	struct sandbox *s;
	const char *method;
	char *path; /* as sent: not decoded, without the query */
	char *query;
	char *args[CALL_ARGS]; /* decoded; what stood where ":" stands */
	struct str raw;	       /* the body */
	json_t *body;	       /* of a JSON request; NULL when there is none */
	struct sb_user *user;  /* whose token came along */

	/* The answer. */
	int status;
	const char *type; /* static */
	struct str text;
	json_t *headers; /* name -> text */
};

struct route {
	const char *method;
	const char *path; /* segments; ":" = any one, kept in args */
	void (*run)(struct call *c);
};

/* Ended by a row without method. */
extern const struct route api_routes[], api_comment_routes[],
	api_status_routes[], api_hook_routes[];
/* Before api_routes[]: "/pulls/:" would match "/pulls/comments". */
extern const struct route api_review_routes[], api_org_routes[];
extern const struct route control_routes[], control_people_routes[],
	control_watch_routes[];
extern const struct route page_routes[];

struct http;

/* host is an IPv4 address, port 0 = any.  Without the lock. */
NODISCARD enum err http_start(struct sandbox *s, const char *host, int port,
			      struct http **ret, struct error *e);
int http_port(const struct http *h);
/* sandbox.stopping is set already; waits for all calls. */
void http_stop(struct http *h);

/* Takes value over. */
void call_json(struct call *c, int status, json_t *value);
/* In GitHub's form of an error. */
void call_error(struct call *c, int status, const char *message);
/* 422 with one entry in "errors". */
void call_invalid(struct call *c, const char *resource, const char *field,
		  const char *message);
/* The status that fits the code of e, and its text. */
void call_failed(struct call *c, const struct error *e);
/* 200 {}, or as call_failed() when err is not ERR_OK. */
void call_done(struct call *c, enum err err, const struct error *e);
/* 404 "no WHAT NAME". */
void call_missing(struct call *c, const char *what, const char *name);
void call_header(struct call *c, const char *name, const char *value);

/* The decoded value; NULL when it is not there.  The caller frees it. */
char *call_query(const struct call *c, const char *name);
int64_t call_query_int(const struct call *c, const char *name, int64_t absent);

/*
 * The page of list that ?per_page and ?page ask for, with a Link header to
 * the others.  Takes list over.
 */
void call_page(struct call *c, json_t *list);

/* Decodes %XX, and "+" too when plus; new text. */
char *url_decode(const char *text, size_t len, bool plus);

#endif
