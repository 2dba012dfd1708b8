#include "bot/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections that wait to be accepted, for bursts after an outage. */
#define BACKLOG 511

static int open_one(const struct addrinfo *a)
{
	int fd = socket(a->ai_family,
			a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
			a->ai_protocol);
	int on = 1;

	if (fd < 0)
		return -1;
	/* A restart must not wait for the kernel to forget old connections;
	 * two listeners at one time are still refused. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, BACKLOG))
		return fd;
	close(fd);
	return -1;
}

static int port_of(int fd)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len))
		return -1;
	if (a.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

enum err listen_on(const char *host, int port, int *ret_fd, int *ret_port,
		   struct error *e)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *list;
	char service[16];
	int fd = -1;
	int rc;

	snprintf(service, sizeof(service), "%d", port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc)
		return error_set(e, ERR_FATAL, "listen %s:%d: %s", host, port,
				 gai_strerror(rc));
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = open_one(a);
	if (fd < 0)
		error_errno(e, ERR_FATAL, "cannot listen on %s:%d", host, port);
	freeaddrinfo(list);
	if (fd < 0)
		return e->code;
	*ret_fd = fd;
	*ret_port = port_of(fd);
	return ERR_OK;
}
