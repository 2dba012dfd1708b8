#include "bot/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/operator.h"

#define CLIENTS_MAX 16
/* Somebody who says nothing, or does not read, must not hold a place for long.
 */
#define READ_SECONDS 5

struct client {
	struct control *control;
	pthread_t thread;
	int fd; /* -1 = free place */
	uid_t uid;
	bool done;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	char *answer;
};

struct control {
	char path[108];
	struct engine *engine;
	int fd;
	int stop_pipe[2];
	pthread_t thread;
	struct client clients[CLIENTS_MAX];
};

/* --- lines --- */

static enum err send_all(int fd, const char *text, size_t len, struct error *e)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_errno(e, ERR_RETRY, "cannot send");
		text += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

static enum err read_line(int fd, struct str *line, struct error *e)
{
	char buf[4096];

	while (!memchr(line->text, '\n', line->len)) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(e, ERR_RETRY,
					 "the other side hung up");
		str_add(line, buf, (size_t)n);
		if (str_check(line, e))
			return e->code;
	}
	return ERR_OK;
}

/* --- the bot's side --- */

static void take_answer(void *ctx, const json_t *object)
{
	struct client *c = ctx;

	pthread_mutex_lock(&c->lock);
	c->answer = js_dump(object);
	c->done = true;
	pthread_cond_signal(&c->answered);
	pthread_mutex_unlock(&c->lock);
}

static json_t *read_call(int fd)
{
	CLEANUP(str_release) struct str line = STR_INIT(LIMIT_CALL);
	struct error e = ERROR_INIT;

	if (read_line(fd, &line, &e))
		return NULL;
	return js_parse(line.text, line.len, &e);
}

static void *client_main(void *arg)
{
	struct client *c = arg;
	struct error e = ERROR_INIT;
	json_t *call = read_call(c->fd);

	if (call) {
		operator_sign(call, c->uid);
		engine_call(c->control->engine, call, take_answer, c);
		pthread_mutex_lock(&c->lock);
		while (!c->done)
			pthread_cond_wait(&c->answered, &c->lock);
		pthread_mutex_unlock(&c->lock);
		if (c->answer &&
		    !send_all(c->fd, c->answer, strlen(c->answer), &e))
			(void)!send_all(c->fd, "\n", 1, &e);
	}
	shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_lock(&c->lock);
	free(c->answer);
	c->answer = NULL;
	c->done = true;
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static bool is_allowed(int fd, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	*ret_uid = peer.uid;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void reap(struct client *c)
{
	pthread_join(c->thread, NULL);
	close(c->fd);
	c->fd = -1;
}

/* Its thread has shut the socket down: it only needs to be joined. */
static bool is_over(struct client *c)
{
	bool over;
	char byte;

	pthread_mutex_lock(&c->lock);
	over = c->done;
	pthread_mutex_unlock(&c->lock);
	return over && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static struct client *free_place(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &control->clients[i];

		if (c->fd < 0)
			return c;
		if (is_over(c)) {
			reap(c);
			return c;
		}
	}
	return NULL;
}

static void serve_client(struct control *control, int fd)
{
	struct timeval patience = {.tv_sec = READ_SECONDS};
	uid_t uid = 0;
	struct client *c = is_allowed(fd, &uid) ? free_place(control) : NULL;

	if (!c) {
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	c->control = control;
	c->fd = fd;
	c->uid = uid;
	c->done = false;
	if (pthread_create(&c->thread, NULL, client_main, c)) {
		close(fd);
		c->fd = -1;
	}
}

static void *accept_main(void *arg)
{
	struct control *c = arg;
	struct pollfd fds[] = {
		{.fd = c->fd, .events = POLLIN},
		{.fd = c->stop_pipe[0], .events = POLLIN},
	};

	for (;;) {
		int fd;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			serve_client(c, fd);
	}
}

static enum err make_address(const char *path, struct sockaddr_un *ret,
			     struct error *e)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return error_set(e, ERR_INVALID,
				 "state_dir is too long for a socket: %s",
				 path);
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return ERR_OK;
}

static enum err listen_on(struct control *c, const char *path, struct error *e)
{
	struct sockaddr_un address;

	if (make_address(path, &address, e))
		return e->code;
	memcpy(c->path, address.sun_path, sizeof(c->path));
	/* We hold the lock of state_dir: what lies there is a leftover. */
	unlink(path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || fchmod(c->fd, 0600) ||
	    bind(c->fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(c->fd, CLIENTS_MAX) || pipe2(c->stop_pipe, O_CLOEXEC))
		return error_errno(e, ERR_FATAL, "cannot listen on %s", path);
	return ERR_OK;
}

static void dispose(struct control *c)
{
	int fds[] = {c->fd, c->stop_pipe[0], c->stop_pipe[1]};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		pthread_mutex_destroy(&c->clients[i].lock);
		pthread_cond_destroy(&c->clients[i].answered);
	}
	free(c);
}

struct control *control_start(const char *path, struct engine *engine,
			      struct error *e)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	c->engine = engine;
	c->fd = c->stop_pipe[0] = c->stop_pipe[1] = -1;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		c->clients[i].fd = -1;
		pthread_mutex_init(&c->clients[i].lock, NULL);
		pthread_cond_init(&c->clients[i].answered, NULL);
	}
	if (listen_on(c, path, e)) {
		dispose(c);
		return NULL;
	}
	if (pthread_create(&c->thread, NULL, accept_main, c)) {
		error_errno(e, ERR_FATAL, "cannot start a thread");
		dispose(c);
		return NULL;
	}
	return c;
}

void control_quiesce(struct control *c)
{
	(void)!write(c->stop_pipe[1], "", 1);
	pthread_join(c->thread, NULL);
	unlink(c->path);
}

void control_free(struct control *c)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (c->clients[i].fd >= 0)
			reap(&c->clients[i]);
	dispose(c);
}

/* --- the command line's side --- */

enum err control_call(const char *path, const json_t *call, json_t **ret_answer,
		      struct error *e)
{
	CLEANUP(str_release) struct str line = STR_INIT(8 * LIMIT_CALL);
	CLEANUP(free) char *text = js_dump(call);
	struct sockaddr_un address;

	CLEANUP(fd_close)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !text)
		return error_errno(e, ERR_FATAL, "cannot make a socket");
	if (make_address(path, &address, e))
		return e->code;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return error_errno(e,
				   errno == ENOENT || errno == ECONNREFUSED
					   ? ERR_MISSING
					   : ERR_FATAL,
				   "cannot reach the bot at %s", path);
	if (send_all(fd, text, strlen(text), e) || send_all(fd, "\n", 1, e) ||
	    read_line(fd, &line, e))
		return error_prefix(e, "the bot did not answer");
	*ret_answer = js_parse(line.text, line.len, e);
	return *ret_answer ? ERR_OK : e->code;
}
