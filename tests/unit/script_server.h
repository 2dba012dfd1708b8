/*
 * An HTTP server on 127.0.0.1 that does what a script says, also what no
 * decent server does.  A step answers the requests whose "METHOD /target"
 * begins with its expect; the first step with turns left is taken.  All
 * requests are kept for the test to look at.  Header only, for one test
 * program each.
 */
#ifndef TESTS_UNIT_SCRIPT_SERVER_H
#define TESTS_UNIT_SCRIPT_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SCRIPT_CONNS 256
#define SCRIPT_REQUESTS 4096
#define SCRIPT_STEPS 64
#define SCRIPT_FOREVER (-1)
/* Longer than any healthy wait; reached only by a failing test. */
#define SCRIPT_PATIENCE_S 30

enum script_way {
	SCRIPT_REPLY,
	SCRIPT_CUT,   /* promises more bytes than it sends, then closes */
	SCRIPT_CLOSE, /* reads the request and closes without a word */
	SCRIPT_HANG,  /* never answers */
	SCRIPT_GATE,  /* answers once the gate is open */
	SCRIPT_HUGE,  /* the body again and again, in chunks, to 34 MB */
};

struct script_step {
	const char *expect;
	int status;
	const char *headers; /* each with \r\n; {base} is http://HOST:PORT */
	const char *body;
	enum script_way way;
	int times; /* 0 = once */
};

struct script_request {
	char *head; /* request line and headers */
	char *body;
};

struct script_server {
	int fd;
	char base[64];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct script_step steps[SCRIPT_STEPS];
	int step_count;
	struct script_request requests[SCRIPT_REQUESTS];
	int count;
	int strays; /* requests that no step expected */
	int busy, peak;
	int conns[SCRIPT_CONNS];
	pthread_t workers[SCRIPT_CONNS];
	int conn_count;
	bool gate, stopping;
};

struct script_conn {
	struct script_server *server;
	int fd;
};

static inline bool script_send(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* Copies text with {base} filled in; the caller frees it. */
static inline char *script_fill(const struct script_server *s, const char *text)
{
	size_t room = strlen(text) * 12 + sizeof(s->base) * 8 + 1;
	char *out = malloc(room), *to = out;

	while (*text) {
		if (strncmp(text, "{base}", 6) == 0) {
			to += snprintf(to, sizeof(s->base), "%s", s->base);
			text += 6;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
	return out;
}

/* Reads one request; false at the end of the connection. */
static inline bool script_read(int fd, struct script_request *r)
{
	size_t cap = 1 << 20, len = 0, want;
	char *buf = malloc(cap), *end = NULL, *field;
	ssize_t n;

	while (!end && len < cap - 1) {
		n = recv(fd, buf + len, cap - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
		buf[len] = '\0';
		end = strstr(buf, "\r\n\r\n");
	}
	if (!end) {
		free(buf);
		return false;
	}
	field = strcasestr(buf, "\r\nContent-Length:");
	want = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
	while (len < (size_t)(end + 4 - buf) + want) {
		n = recv(fd, buf + len, cap - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
		buf[len] = '\0';
	}
	r->head = strndup(buf, (size_t)(end + 2 - buf));
	r->body = strdup(end + 4);
	free(buf);
	return true;
}

/* Keeps the request and picks its step; lock held. */
static inline struct script_step script_note(struct script_server *s,
					     const struct script_request *r)
{
	struct script_step stray = {.status = 599, .body = "{}"};

	if (s->count < SCRIPT_REQUESTS)
		s->requests[s->count++] = *r;
	if (++s->busy > s->peak)
		s->peak = s->busy;
	pthread_cond_broadcast(&s->news);
	for (int i = 0; i < s->step_count; i++) {
		struct script_step *step = &s->steps[i];

		if (step->times == 0 ||
		    strncmp(r->head, step->expect, strlen(step->expect)) != 0)
			continue;
		if (step->times > 0)
			step->times--;
		return *step;
	}
	s->strays++;
	return stray;
}

static inline bool script_huge(int fd, const char *body)
{
	char line[32];
	size_t len = strlen(body);

	snprintf(line, sizeof(line), "%zx\r\n", len);
	for (size_t sent = 0; sent < 34u << 20; sent += len)
		if (!script_send(fd, line, strlen(line)) ||
		    !script_send(fd, body, len) || !script_send(fd, "\r\n", 2))
			return false;
	return script_send(fd, "0\r\n\r\n", 5);
}

static inline bool script_reply(struct script_server *s, int fd,
				const struct script_step *step)
{
	char *extra = script_fill(s, step->headers ? step->headers : "");
	char *body = script_fill(s, step->body ? step->body : "");
	size_t len = strlen(body) + (step->way == SCRIPT_CUT ? 100 : 0);
	size_t room = strlen(extra) + 200;
	char *head = malloc(room), length[64] = "";
	bool good;

	if (step->way == SCRIPT_HUGE)
		snprintf(length, sizeof(length),
			 "Transfer-Encoding: chunked\r\n");
	else if (!strstr(extra, "Content-Length") && step->status != 204 &&
		 step->status != 304)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
			 len);
	snprintf(head, room, "HTTP/1.1 %d X\r\n%s%s\r\n", step->status, extra,
		 length);
	good = script_send(fd, head, strlen(head));
	if (step->way == SCRIPT_HUGE)
		good = good && script_huge(fd, body);
	else
		good = good && script_send(fd, body, strlen(body));
	free(head);
	free(extra);
	free(body);
	return good && step->way != SCRIPT_CUT;
}

static inline bool script_act(struct script_server *s, int fd,
			      const struct script_step *step)
{
	bool wait = step->way == SCRIPT_HANG || step->way == SCRIPT_GATE;

	pthread_mutex_lock(&s->lock);
	while (wait && !s->stopping && !(step->way == SCRIPT_GATE && s->gate))
		pthread_cond_wait(&s->news, &s->lock);
	s->busy--; /* before the client can know and send another */
	wait = s->stopping;
	pthread_mutex_unlock(&s->lock);
	if (wait || step->way == SCRIPT_HANG || step->way == SCRIPT_CLOSE)
		return false;
	return script_reply(s, fd, step);
}

static inline void *script_serve(void *ctx)
{
	struct script_conn *c = ctx;
	struct script_request r;

	while (script_read(c->fd, &r)) {
		struct script_step step;

		pthread_mutex_lock(&c->server->lock);
		step = script_note(c->server, &r);
		pthread_mutex_unlock(&c->server->lock);
		if (!script_act(c->server, c->fd, &step))
			break;
	}
	shutdown(c->fd, SHUT_RDWR);
	free(c);
	return NULL;
}

static inline void *script_accept(void *ctx)
{
	struct script_server *s = ctx;
	int fd;

	while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct script_conn *c = malloc(sizeof(*c));
		int i, on = 1;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		*c = (struct script_conn){s, fd};
		pthread_mutex_lock(&s->lock);
		i = s->conn_count++;
		if (i >= SCRIPT_CONNS)
			abort();
		s->conns[i] = fd;
		pthread_create(&s->workers[i], NULL, script_serve, c);
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static inline void script_start(struct script_server *s)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->news, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(s->fd, 128) ||
	    getsockname(s->fd, (struct sockaddr *)&at, &len))
		abort();
	snprintf(s->base, sizeof(s->base), "http://127.0.0.1:%d",
		 ntohs(at.sin_port));
	pthread_create(&s->thread, NULL, script_accept, s);
}

/* The strings of step must live as long as the server. */
static inline void script_add(struct script_server *s, struct script_step step)
{
	if (step.times == 0)
		step.times = 1;
	pthread_mutex_lock(&s->lock);
	if (s->step_count == SCRIPT_STEPS)
		abort();
	s->steps[s->step_count++] = step;
	pthread_mutex_unlock(&s->lock);
}

static inline void script_open_gate(struct script_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->gate = true;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

/* Waits until count requests have come; false when patience ends. */
static inline bool script_wait(struct script_server *s, int count)
{
	struct timespec until;
	int bad = 0;
	bool there;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SCRIPT_PATIENCE_S;
	pthread_mutex_lock(&s->lock);
	while (s->count < count && !bad)
		bad = pthread_cond_timedwait(&s->news, &s->lock, &until);
	there = s->count >= count;
	pthread_mutex_unlock(&s->lock);
	return there;
}

static inline int script_count(struct script_server *s)
{
	int n;

	pthread_mutex_lock(&s->lock);
	n = s->count;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* Is header NAME of request i exactly value?  NULL: is it absent? */
static inline bool script_has(struct script_server *s, int i, const char *name,
			      const char *value)
{
	const char *p = s->requests[i].head;
	size_t n = strlen(name);

	while ((p = strstr(p, "\r\n")) && p[2]) {
		p += 2;
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1 + strspn(p + n + 1, " ");
		return value && strcspn(p, "\r") == strlen(value) &&
		       memcmp(p, value, strlen(value)) == 0;
	}
	return !value;
}

/* Is the request line of request i "METHOD /target"? */
static inline bool script_line(struct script_server *s, int i, const char *line)
{
	const char *head = s->requests[i].head;

	return i < s->count && strncmp(head, line, strlen(line)) == 0 &&
	       strncmp(head + strlen(line), " HTTP/", 6) == 0;
}

static inline void script_stop(struct script_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; i < s->conn_count; i++)
		shutdown(s->conns[i], SHUT_RDWR);
	for (int i = 0; i < s->conn_count; i++) {
		pthread_join(s->workers[i], NULL);
		close(s->conns[i]);
	}
	for (int i = 0; i < s->count; i++) {
		free(s->requests[i].head);
		free(s->requests[i].body);
	}
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->news);
}

#endif
