/* What the files of the HTTP side share; for bot/intake*.c only. */
#ifndef BOT_INTAKE_INTERNAL_H
#define BOT_INTAKE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bot/answer.h"
#include "bot/committer.h"
#include "bot/intake.h"
#include "bot/reaper.h"
#include "bot/signature.h"

#define NAME_BYTES 128

struct intake {
	struct intake_settings s;
	int port;
	struct MHD_Daemon *daemon;
	struct answers *answers;
	struct committer *committer;
	struct reaper *reaper;

	atomic_bool stopping;
	pthread_mutex_t secret_lock;
	struct signature *signature;

	pthread_mutex_t lock;
	pthread_cond_t quiet;
	unsigned active;     /* requests between first sight and completion */
	unsigned committing; /* of these, in the committer's hands */
	bool closed;	     /* none comes into its hands any more */

	size_t bodies; /* HTTP thread only: bytes that all requests hold */
};

/* The headers that decide anything, collected in one pass. */
struct request_headers {
	const char *event;
	const char *delivery;
	const char *signature;
	const char *content_type;
	const char *content_length;
	const char *transfer_encoding;
	bool twice; /* one of them is there more than once */
};

enum request_state {
	REQUEST_RECEIVING,
	REQUEST_COMMITTING, /* suspended, or about to be seen again */
	REQUEST_ANSWERED,
};

/* One request, from its headers to its completion. */
struct request {
	struct intake *intake;
	struct MHD_Connection *conn;
	struct visit *visit;
	enum request_state state;
	struct job job;
	char guid[NAME_BYTES + 1];
	char event[NAME_BYTES + 1];
	unsigned char claim[SIGNATURE_BYTES];
	char *body;
	size_t len;
	size_t cap;
	size_t expected; /* Content-Length; 0 = unknown */
};

/* Does the request announce a body? */
bool request_has_body(const struct request_headers *h);

/*
 * Answers.  While (more of) a body is to come it cannot be done in the
 * ordinary way: refuse then, which also ends the connection.
 */
enum MHD_Result request_answer(struct request *r, enum answer n);
enum MHD_Result request_refuse(struct request *r, enum answer n);

/* POST /webhook: the headers, each piece of the body, and its end. */
enum MHD_Result webhook_begin(struct request *r,
			      const struct request_headers *h);
enum MHD_Result webhook_data(struct request *r, const char *data, size_t len);
enum MHD_Result webhook_end(struct request *r);

/* Seen again after the commit. */
enum MHD_Result webhook_committed(struct request *r);

/* Gives the body's memory back, when no committer reads it; any number of
 * times. */
void webhook_release(struct request *r);

/* What libmicrohttpd calls; cls is the intake. */
enum MHD_Result request_step(void *cls, struct MHD_Connection *conn,
			     const char *path, const char *method,
			     const char *version, const char *data, size_t *len,
			     void **con_cls);
void request_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
		       enum MHD_RequestTerminationCode why);
void *request_line(void *cls, const char *uri, struct MHD_Connection *conn);
void connection_changed(void *cls, struct MHD_Connection *conn, void **context,
			enum MHD_ConnectionNotificationCode what);

/* The committer's done(). */
void request_written(void *ctx, struct job *j);

#endif
