/* The shop's HTTP server: one request at a time, two pages. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "greeting.h"
#include "page.h"
#include "price.h"

static void answer(int fd, const char *status, const char *type,
		   const char *body)
{
	char text[2048];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 %s\r\n"
			 "Content-Type: %s; charset=utf-8\r\n"
			 "Content-Length: %zu\r\n"
			 "Connection: close\r\n\r\n%s",
			 status, type, strlen(body), body);

	if (n > 0 && (size_t)n < sizeof(text) && write(fd, text, n) != n)
		perror("service");
}

static void serve(int fd)
{
	char request[4096] = "", body[1024];
	size_t have = 0;
	ssize_t n;

	while (have < sizeof(request) - 1 && !strstr(request, "\r\n\r\n")) {
		n = read(fd, request + have, sizeof(request) - 1 - have);
		if (n <= 0)
			return;
		have += (size_t)n;
		request[have] = '\0';
	}
	if (!strncmp(request, "GET / ", 6)) {
		page_write(body, sizeof(body));
		answer(fd, "200 OK", "text/plain", body);
	} else if (!strncmp(request, "GET /healthz ", 13)) {
		snprintf(body, sizeof(body),
			 "{\"ok\": true, \"greeting\": \"%s\"}\n",
			 greeting_text());
		answer(fd, "200 OK", "application/json", body);
	} else {
		answer(fd, "404 Not Found", "text/plain", "No such page.\n");
	}
}

static int listen_on(const char *port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(fd, 16)) {
		perror("service: cannot listen");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	const struct timeval patience = {.tv_sec = 2};
	int listener = getenv("LISTEN_FDS") ? 3
					    : listen_on(argc > 1 ? argv[1] : "0");

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		serve(fd);
		close(fd);
	}
}
