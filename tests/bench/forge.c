#include "tests/bench/forge.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "tests/bench/payload.h"

static atomic_llong first_ns, last_ns;

int64_t mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void sleep_ms(int64_t ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

void forge_arm(void)
{
	atomic_store(&first_ns, 0);
}

int64_t forge_first_ns(int64_t ms)
{
	int64_t until = mono_ns() + ms * 1000000;

	while (!atomic_load(&first_ns) && mono_ns() < until)
		sleep_ms(1);
	return atomic_load(&first_ns);
}

void forge_rest(int64_t quiet_ms)
{
	while (mono_ns() - atomic_load(&last_ns) < quiet_ms * 1000000)
		sleep_ms(5);
}

static void note_call(void)
{
	long long none = 0, now = mono_ns();

	atomic_compare_exchange_strong(&first_ns, &none, now);
	atomic_store(&last_ns, now);
}

static const char pull[] =
	"{\"number\":1,\"title\":\"Bench\",\"state\":\"open\",\"draft\":false,"
	"\"labels\":[],\"updated_at\":\"2026-11-21T11:00:00Z\","
	"\"user\":{\"id\":77,\"login\":\"sam\",\"type\":\"User\"},"
	"\"base\":{\"ref\":\"main\"},\"head\":{\"ref\":\"fix\","
	"\"sha\":\"1111111111111111111111111111111111111111\"}}";

/* By the start of the request line; the first that fits. */
static const struct {
	const char *request;
	const char *answer;
} answers[] = {
	{"GET /user ", "{\"id\":1,\"login\":\"kcibot\"}"},
	{"GET /users/", "{\"id\":4242,\"login\":\"ada\"}"},
	{"GET /repos/acme/api/pulls/1 ", pull},
	{"GET /", "[]"},
	{"", "{\"id\":7}"},
};

static void answer(int fd, const char *request)
{
	CLEANUP(free) char *text = NULL;
	size_t n = 0;

	while (!str_starts(request, answers[n].request))
		n++;
	text = str_format("HTTP/1.1 200 OK\r\n"
			  "Content-Type: application/json\r\n"
			  "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
			  strlen(answers[n].answer), answers[n].answer);
	if (text && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return; /* it went away: not our matter */
}

/* Is the request whole? */
static bool is_whole(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\r\nContent-Length:");
	size_t want;

	if (!end)
		return false;
	want = length && length < end
		       ? strtoul(length + strlen("\r\nContent-Length:"), NULL,
				 10)
		       : 0;
	return strlen(end + 4) >= want;
}

static void serve_one(int fd)
{
	char text[64 << 10];
	size_t len = 0;
	ssize_t n;

	while (len + 1 < sizeof(text) &&
	       (n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0) {
		if (!len)
			note_call();
		len += (size_t)n;
		text[len] = '\0';
		if (is_whole(text)) {
			answer(fd, text);
			return;
		}
	}
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;

	for (;;) {
		int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		struct timeval second = {.tv_sec = 1};

		if (one < 0)
			continue;
		setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &second,
			   sizeof(second));
		serve_one(one);
		close(one);
	}
	return NULL;
}

enum err forge_start(int *ret_port, struct error *e)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)&a, &len) ||
	    pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
		return error_errno(e, ERR_FATAL, "no forge");
	pthread_detach(thread);
	*ret_port = ntohs(a.sin_port);
	return ERR_OK;
}
