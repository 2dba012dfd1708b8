/* Who calls the bot's own address, and how badly: browsers, scanners,
 * forgers, and those who never finish a sentence. */
#include "tests/soak/soak.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bot/base/clock.h"

#define ANSWER_MS 20000

/* A request that was answered badly: none at all, or "my fault". */
static void judge_status(struct soak *s, const char *what, long status)
{
	if (status == 0 || (status >= 500 && status != 503))
		soak_problem(s, "%s: the bot answered %ld", what, status);
}

static void page(struct soak *s)
{
	static const char *const paths[] = {
		"/",
		"/metrics",
		"/healthz",
		"/style.css",
		"/api/v1/status",
		"/%00",
		"/cycles/1",
		"/api/v1/cycles/2",
		"/nothing/here",
		"/../../etc/passwd?x=%ff",
	};
	const char *path =
		paths[soak_between(s, 0, (int)ARRAY_SIZE(paths) - 1)];

	judge_status(s, path, house_get(s->h, path, NULL));
}

static void page_of_something(struct soak *s)
{
	const struct soak_pull *p = soak_any_pull(s);
	const char *api = soak_of(s, 50) ? "/api/v1" : "";
	CLEANUP(free) char *path = NULL;

	if (p && soak_of(s, 60))
		path = str_format("%s/pulls/%s/%d", api, p->repo, p->number);
	else
		path = str_format("%s/cycles/%d", api, soak_between(s, 1, 900));
	judge_status(s, path, house_get(s->h, path, NULL));
}

/* --- by hand --- */

static int dial(const struct soak *s, int flags)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)s->h->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	struct timeval wait = {.tv_sec = ANSWER_MS / 1000};

	assert_true(fd >= 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

/* All of it, until the other side has enough. */
static void put(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* The status of the answer, 0 = none. */
static long exchange(const struct soak *s, const struct str *head,
		     const struct str *body)
{
	CLEANUP(fd_close) int fd = dial(s, 0);
	char line[64] = "";
	ssize_t n;

	if (fd < 0)
		return 0;
	put(fd, head->text, head->len);
	put(fd, body->text, body->len);
	n = recv(fd, line, sizeof(line) - 1, MSG_WAITALL);
	if (n < 12 || !str_starts(line, "HTTP/1.1 "))
		return 0;
	return strtol(line + 9, NULL, 10);
}

static void add_garbage(struct soak *s, struct str *body)
{
	int len = soak_between(s, 0, soak_of(s, 10) ? 300000 : 3000);

	for (int i = 0; i < len; i++)
		str_putc(body, (char)soak_between(s, 0, 255));
}

/* Signed by somebody who does not know the secret, or by nobody. */
static void forged(struct soak *s)
{
	CLEANUP(str_release) struct str head = STR_INIT(4096);
	CLEANUP(str_release) struct str body = STR_INIT(1u << 20);
	long status;

	add_garbage(s, &body);
	str_addf(&head,
		 "POST /webhook HTTP/1.1\r\nHost: localhost\r\n"
		 "Connection: close\r\nContent-Length: %zu\r\n"
		 "X-GitHub-Event: issue_comment\r\n"
		 "X-GitHub-Delivery: forged-%d\r\n",
		 body.len, s->events);
	if (soak_of(s, 80))
		str_addf(&head, "X-Hub-Signature-256: sha256=%064x\r\n",
			 (unsigned)soak_between(s, 0, 1 << 30));
	str_puts(&head, "\r\n");
	status = exchange(s, &head, &body);
	if (status / 100 == 2)
		soak_problem(s, "a forged webhook was taken");
	judge_status(s, "a forged webhook", status);
}

/* What knows the secret, and makes no sense. */
static void senseless(struct soak *s)
{
	static const char *const events[] = {"issue_comment", "pull_request",
					     "push", "gollum", "status"};
	static const char *const texts[] = {
		"{}",
		"[]",
		"no JSON at all",
		"{\"action\": \"created\", \"comment\": {\"id\": -1, "
		"\"body\": \"@kcibot deploy\"}}",
		"{\"action\": \"opened\", \"pull_request\": {\"number\": 1e99}"
		", \"repository\": {\"full_name\": \"../..\"}}",
		"{\"ref\": \"refs/heads/main\", \"after\": \"0000\"}",
	};
	const char *event =
		events[soak_between(s, 0, (int)ARRAY_SIZE(events) - 1)];
	const char *text =
		texts[soak_between(s, 0, (int)ARRAY_SIZE(texts) - 1)];

	judge_status(s, event, house_deliver_text(s->h, event, text));
}

/* --- slowly --- */

/* Nothing; half a line; a body that never comes; an answer nobody reads. */
static const char *const openings[] = {
	"",
	"GET / HT",
	("POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n"
	 "X-GitHub-Event: push\r\n\r\n{"),
	"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
};

static void slow(struct soak *s)
{
	const char *opening =
		openings[soak_between(s, 0, (int)ARRAY_SIZE(openings) - 1)];

	for (int i = 0; i < SOAK_SLOW; i++) {
		struct soak_slow *one = &s->slow[i];

		if (one->fd >= 0)
			continue;
		one->fd = dial(s, SOCK_NONBLOCK);
		if (one->fd < 0)
			return;
		one->drips = soak_of(s, 50);
		one->until_ms =
			clock_mono(&clock_system) + soak_between(s, 200, 15000);
		put(one->fd, opening, strlen(opening));
		return;
	}
}

static void leave(struct soak *s, struct soak_slow *one)
{
	struct linger none = {.l_onoff = 1};

	/* Half of them without a good-bye. */
	if (soak_of(s, 50))
		setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(one->fd);
	one->fd = -1;
}

void soak_slow_tick(struct soak *s)
{
	for (int i = 0; i < SOAK_SLOW; i++) {
		struct soak_slow *one = &s->slow[i];

		if (one->fd < 0)
			continue;
		if (clock_mono(&clock_system) > one->until_ms)
			leave(s, one);
		else if (one->drips && soak_of(s, 30))
			put(one->fd, "x", 1);
	}
}

void soak_slow_end(struct soak *s)
{
	for (int i = 0; i < SOAK_SLOW; i++)
		if (s->slow[i].fd >= 0)
			leave(s, &s->slow[i]);
}

const struct soak_act soak_caller_acts[] = {
	{"page", 6, page},	  {"page of", 6, page_of_something},
	{"forged", 5, forged},	  {"senseless", 4, senseless},
	{"slow client", 5, slow}, {NULL, 0, NULL},
};
