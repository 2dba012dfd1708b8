/*
 * A small HTTP client for tests of the server side: raw sockets, so that a
 * test can send what no library would, and stop where it likes.  Include
 * after cmocka.h.
 */
#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/str.h"

#define TEST_SECRET "0123456789abcdef0123456789abcdef"
#define TEST_OLD_SECRET "the one before it, of forty characters.."

/* Nothing here waits longer for the other side. */
#define HTTP_PATIENCE_S 60

/* One delivery to post; what is NULL is the ordinary, "" is left out. */
struct post {
	const char *guid;
	const char *event;
	const char *type;
	const char *signature;
	const char *secret; /* to sign with */
	const char *body;
	size_t len;	   /* 0 = strlen(body) */
	const char *extra; /* more header lines, each with CR LF */
	bool chunked;
	bool keep; /* keep-alive */
};

static inline int http_connect(int port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct timeval patience = {.tv_sec = HTTP_PATIENCE_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	close(fd);
	return -1;
}

/* False when the other side does not want it. */
static inline bool http_send(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static inline void http_header(struct str *out, const char *name,
			       const char *value, const char *usual)
{
	value = value ? value : usual;
	if (*value)
		str_addf(out, "%s: %s\r\n", name, value);
}

static inline size_t post_len(const struct post *p)
{
	return p->len ? p->len : p->body ? strlen(p->body) : 0;
}

static inline void http_sign(const struct post *p, char ret[80])
{
	const char *secret = p->secret ? p->secret : TEST_SECRET;
	unsigned char mac[32];
	unsigned len = sizeof(mac);

	HMAC(EVP_sha256(), secret, (int)strlen(secret),
	     (const unsigned char *)(p->body ? p->body : ""), post_len(p), mac,
	     &len);
	memcpy(ret, "sha256=", 8);
	for (unsigned n = 0; n < len; n++)
		snprintf(ret + 7 + 2 * n, 3, "%02x", mac[n]);
}

/* All of a POST but the body. */
static inline void http_head(struct str *out, const struct post *p)
{
	char signature[80];

	http_sign(p, signature);
	str_puts(out, "POST /webhook HTTP/1.1\r\nHost: test\r\n");
	http_header(out, "X-GitHub-Event", p->event, "ping");
	http_header(out, "X-GitHub-Delivery", p->guid, "guid");
	http_header(out, "X-Hub-Signature-256", p->signature, signature);
	http_header(out, "Content-Type", p->type, "application/json");
	str_puts(out, p->extra ? p->extra : "");
	str_puts(out, p->keep ? "" : "Connection: close\r\n");
	if (p->chunked)
		str_puts(out, "Transfer-Encoding: chunked\r\n\r\n");
	else
		str_addf(out, "Content-Length: %zu\r\n\r\n", post_len(p));
}

static inline bool http_send_post(int fd, const struct post *p)
{
	CLEANUP(str_release) struct str text = STR_INIT(64u << 20);
	size_t len = post_len(p);

	http_head(&text, p);
	for (size_t at = 0; p->chunked && at < len;) {
		size_t n = len - at < 100000 ? len - at : 100000;

		str_addf(&text, "%zx\r\n", n);
		str_add(&text, p->body + at, n);
		str_puts(&text, "\r\n");
		at += n;
	}
	if (p->chunked)
		str_puts(&text, "0\r\n\r\n");
	else
		str_add(&text, p->body ? p->body : "", len);
	return !text.failed && http_send(fd, text.text, text.len);
}

/* Where the body starts and how long it is to be; false: not all there. */
static inline bool http_complete(const struct str *text, bool head_only)
{
	const char *end = strstr(text->text, "\r\n\r\n");
	const char *length = strcasestr(text->text, "content-length:");
	size_t body;

	if (!end || !length)
		return false;
	body = strtoul(length + 15, NULL, 10);
	return head_only || text->len >= (size_t)(end + 4 - text->text) + body;
}

/* Reads one reply into text and returns its status; 0 = there is none. */
static inline int http_read(int fd, struct str *text, bool head_only)
{
	char buf[4096];
	ssize_t n;

	str_clear(text);
	while (!http_complete(text, head_only) &&
	       (n = recv(fd, buf, sizeof(buf), 0)) > 0)
		str_add(text, buf, (size_t)n);
	if (!str_starts(text->text, "HTTP/1.1 "))
		return 0;
	return atoi(text->text + 9);
}

static inline int http_status(int fd)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);

	return http_read(fd, &text, false);
}

/* A connection, a POST, the status. */
static inline int http_post(int port, const struct post *p)
{
	CLEANUP(fd_close) int fd = http_connect(port);

	if (fd < 0)
		return 0;
	/* A refusal may come before all was sent. */
	(void)!http_send_post(fd, p);
	return http_status(fd);
}

/* A connection, a request of these bytes, the reply. */
static inline int http_talk(int port, const char *request, struct str *reply)
{
	CLEANUP(fd_close) int fd = http_connect(port);

	if (fd < 0 || !http_send(fd, request, strlen(request)))
		return 0;
	return http_read(fd, reply, str_starts(request, "HEAD "));
}

/* Waits for the end of the connection; false when bytes came instead. */
static inline bool http_ended(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

#endif
