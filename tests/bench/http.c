#include "tests/bench/http.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "tests/bench/forge.h"

static struct sockaddr_in address(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port),
	};
}

/* -1 when nobody listens. */
static int dial(int port)
{
	struct sockaddr_in a = address(port);
	struct timeval patience = {.tv_sec = 20};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	close(fd);
	return -1;
}

static bool send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

int http_talk(int port, const char *text, size_t len, struct str *ret)
{
	CLEANUP(fd_close) int fd = dial(port);
	char piece[4096], head[16] = "";
	bool first = true;
	ssize_t n;

	if (fd < 0 || !send_all(fd, text, len))
		return 0;
	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
		if (first && (size_t)n >= sizeof(head))
			memcpy(head, piece, sizeof(head) - 1);
		first = false;
		if (ret)
			str_add(ret, piece, (size_t)n);
	}
	return str_starts(head, "HTTP/1.1 ") ? atoi(head + 9) : 0;
}

int http_get(int port, const char *path, struct str *ret)
{
	CLEANUP(free)
	char *text = str_format("GET %s HTTP/1.1\r\nHost: bench\r\n"
				"Connection: close\r\n\r\n",
				path);

	return text ? http_talk(port, text, strlen(text), ret) : 0;
}

int http_comment(int port, const char *path, int64_t guid, const char *body,
		 const char *signature, int64_t *ret_sent_ns)
{
	CLEANUP(free)
	char *text = str_format(
		"POST %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n"
		"X-GitHub-Event: issue_comment\r\n"
		"X-GitHub-Delivery: 00000000-0000-4000-8000-%012llx\r\n"
		"X-Hub-Signature-256: sha256=%s\r\n\r\n%s",
		path, strlen(body), (long long)guid, signature, body);

	*ret_sent_ns = mono_ns();
	return text ? http_talk(port, text, strlen(text), NULL) : 0;
}

bool http_listens(int port)
{
	CLEANUP(fd_close) int fd = dial(port);

	return fd >= 0;
}

int http_free_port(void)
{
	struct sockaddr_in a = address(0);
	socklen_t len = sizeof(a);
	CLEANUP(fd_close)
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		return 0;
	return ntohs(a.sin_port);
}
