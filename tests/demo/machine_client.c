#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "tests/demo/machine.h"

#define BUILD_MAX (64u << 20)

static int reach(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s", path) >=
	    (int)sizeof(at.sun_path))
		errno = ENAMETOOLONG;
	else if (fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	fprintf(stderr, "machine: cannot reach %s: %s\n", path,
		strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_all(int fd, const char *data, size_t len)
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

/* "machine: ok ..."; the machine's word decides. */
static int hear(int fd)
{
	char answer[600];
	size_t have = 0;
	ssize_t n;

	while (have < sizeof(answer) - 1) {
		n = recv(fd, answer + have, sizeof(answer) - 1 - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	answer[have] = '\0';
	if (!have)
		snprintf(answer, sizeof(answer), "no answer\n");
	printf("machine: %s", answer);
	return strncmp(answer, "ok ", 3) ? 1 : 0;
}

/* The line, and the file that follows it. */
static enum err compose(char **argv, struct str *line, struct str *build,
			struct error *e)
{
	const char *key = getenv("MACHINE_KEY");

	if (!strcmp(argv[1], "put")) {
		if (fs_read(argv[4], build, e))
			return e->code;
		str_addf(line, "put %s %zu\n", argv[3], build->len);
	} else {
		str_addf(line, "start %s %s\n", argv[3],
			 key && *key ? key : "none");
	}
	return str_check(line, e);
}

int machine_client(int argc, char **argv)
{
	CLEANUP(str_release) struct str line = STR_INIT(1024);
	CLEANUP(str_release) struct str build = STR_INIT(BUILD_MAX);
	CLEANUP(fd_close) int fd = -1;
	struct error e = ERROR_INIT;

	if (argc != (argc > 1 && !strcmp(argv[1], "put") ? 5 : 4))
		return 2;
	if (compose(argv, &line, &build, &e)) {
		fprintf(stderr, "machine: %s\n", e.text);
		return 1;
	}
	fd = reach(argv[2]);
	if (fd < 0)
		return 1;
	/* A machine that refuses early closes early: hear what it says. */
	if (send_all(fd, line.text, line.len))
		(void)!send_all(fd, build.text, build.len);
	return hear(fd);
}
