#include "tests/demo/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "tests/demo/web.h"

#define BUILD_MAX (64u << 20) /* a service with sanitizers has 10 MiB */
#define LINE_MAX_ 256
#define NAME_MAX_ 32
#define PATIENCE_S 10 /* with whoever is connected */
#define UP_MS 5000    /* a new service must answer within */
#define TRY_MS 1000
#define PAUSE_MS 50
#define TICK_MS 500 /* between two looks at the service */

struct machine {
	const struct machine_settings *s;
	char name[NAME_MAX_]; /* of the build that waits; "" = none */
	pid_t service;	      /* -1 = none runs */
	int slot;	      /* it runs from dir/service.SLOT */
	bool deployed;
};

static char *slot_path(const struct machine *m, int slot)
{
	return str_format("%s/service.%d", m->s->dir, slot);
}

/* In the child: the service gets its socket as descriptor 3, and no more. */
static NORETURN void become_service(const struct machine *m, const char *path,
				    pid_t parent)
{
	char *argv[] = {(char *)(uintptr_t) "service", NULL};
	char *env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin",
		       (char *)(uintptr_t) "LISTEN_FDS=1", NULL};
	int web = fcntl(m->s->web_fd, F_DUPFD, 10);
	int none = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || web < 0 || none < 0)
		_exit(126);
	setpgid(0, 0);
	dup2(none, STDIN_FILENO);
	dup2(web, 3);
	close_range(4, ~0u, 0);
	if (chdir("/") == 0)
		execve(path, argv, env);
	_exit(127);
}

static void service_start(struct machine *m, int slot)
{
	CLEANUP(free) char *path = slot_path(m, slot);
	pid_t parent = getpid();

	m->slot = slot;
	m->service = path ? fork() : -1;
	if (m->service == 0)
		become_service(m, path, parent);
}

static void service_stop(struct machine *m)
{
	if (m->service <= 0)
		return;
	kill(m->service, SIGKILL);
	kill(-m->service, SIGKILL); /* and what it started */
	while (waitpid(m->service, NULL, 0) < 0 && errno == EINTR)
		;
	m->service = -1;
}

static bool service_ended(struct machine *m, int *ret_status)
{
	if (m->service > 0 && waitpid(m->service, ret_status, WNOHANG) == 0)
		return false;
	m->service = -1;
	return true;
}

/* Has it come up?  If not, why is in e. */
static enum err await_up(struct machine *m, struct error *e)
{
	int64_t end = clock_mono(&clock_system) + UP_MS;
	CLEANUP(free)
	char *url = str_format("http://127.0.0.1:%d/healthz", m->s->port);
	int status = 0;
	long got = 0;

	while (url && clock_mono(&clock_system) < end) {
		if (service_ended(m, &status))
			return error_set(e, ERR_INVALID,
					 WIFSIGNALED(status)
						 ? "it was ended by signal %d"
						 : "it ended with status %d",
					 WIFSIGNALED(status)
						 ? WTERMSIG(status)
						 : WEXITSTATUS(status));
		got = web_get(url, TRY_MS, NULL);
		if (got == 200)
			return ERR_OK;
		poll(NULL, 0, PAUSE_MS);
	}
	if (got)
		return error_set(e, ERR_INVALID, "/healthz answers %ld", got);
	return error_set(e, ERR_INVALID, "/healthz does not answer");
}

/* The old one stays on disk, in the other slot, until the next start. */
static enum err replace(struct machine *m, struct error *e)
{
	int old = m->slot;
	CLEANUP(free) char *path = slot_path(m, !old);
	CLEANUP(free) char *build = str_format("%s/build", m->s->dir);

	if (!path || !build)
		return error_set(e, ERR_FATAL, "out of memory");
	unlink(path);
	if (link(build, path) || listen(m->s->web_fd, SOMAXCONN))
		return error_errno(e, ERR_FATAL, "cannot place the build");
	service_stop(m);
	service_start(m, !old);
	if (!await_up(m, e)) {
		m->deployed = true;
		return ERR_OK;
	}
	service_stop(m);
	m->slot = old;
	if (m->deployed)
		service_start(m, old);
	return error_prefix(e, "the new service did not come up%s",
			    m->deployed ? ", the last one is back" : "");
}

static enum err do_start(struct machine *m, const char *name, const char *key,
			 struct error *e)
{
	if (strlen(key) != MACHINE_KEY_LEN ||
	    sodium_memcmp(key, m->s->key, MACHINE_KEY_LEN))
		return error_set(e, ERR_REFUSED, "wrong key");
	if (!*m->name || strcmp(name, m->name) != 0)
		return error_set(e, ERR_MISSING, "there is no build %s", name);
	return replace(m, e);
}

static enum err do_put(struct machine *m, int fd, const char *name,
		       const char *size, struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/build", m->s->dir);
	CLEANUP(str_release) struct str build = STR_INIT(BUILD_MAX);
	unsigned long long want = strtoull(size, NULL, 10);
	char buf[65536];

	if (want == 0 || want > BUILD_MAX || !path)
		return error_set(e, ERR_INVALID, "a build of %s bytes?", size);
	while (build.len < want && !build.failed) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			return error_set(e, ERR_INVALID, "cut off");
		str_add(&build, buf, (size_t)n);
	}
	*m->name = '\0';
	if (str_check(&build, e) || fs_write(path, build.text, want, 0700, e))
		return e->code;
	snprintf(m->name, sizeof(m->name), "%s", name);
	return ERR_OK;
}

/* Up to the end of a line, which is dropped; what follows is the file. */
static bool read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(fd, line + n, 1) == 1) {
		if (line[n] == '\n') {
			line[n] = '\0';
			return true;
		}
		n++;
	}
	return false;
}

static void converse(struct machine *m, int fd)
{
	char line[LINE_MAX_], verb[8], name[NAME_MAX_], more[80], text[512];
	struct error e = ERROR_INIT;
	enum err rc;

	if (!read_line(fd, line, sizeof(line)) ||
	    sscanf(line, "%7s %31[0-9A-Za-z] %79s", verb, name, more) != 3)
		rc = error_set(&e, ERR_INVALID, "what?");
	else if (!strcmp(verb, "put"))
		rc = do_put(m, fd, name, more, &e);
	else if (!strcmp(verb, "start"))
		rc = do_start(m, name, more, &e);
	else
		rc = error_set(&e, ERR_INVALID, "no such verb");
	if (rc)
		snprintf(text, sizeof(text), "error %s\n", e.text);
	else
		snprintf(text, sizeof(text), "ok build %s %s\n", name,
			 *verb == 'p' ? "is here" : "runs and answers");
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return; /* they have gone; there is nobody to tell */
}

static int listen_at(const char *dir)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", dir) >=
		    (int)sizeof(at.sun_path) ||
	    fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(fd, 16))
		_exit(1);
	return fd;
}

void machine_main(const struct machine_settings *s)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct machine m = {.s = s, .service = -1};
	struct pollfd at = {.fd = listen_at(s->dir), .events = POLLIN};
	int status;

	for (;;) {
		int fd;

		if (poll(&at, 1, TICK_MS) <= 0) {
			if (m.deployed && service_ended(&m, &status))
				service_start(&m, m.slot);
			continue;
		}
		fd = accept4(at.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			   sizeof(patience));
		converse(&m, fd);
		close(fd);
	}
}
