#include "tests/sandbox/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "bot/base/clock.h"

#define ANSWER_MAX (64u << 20)
#define STOP_MS 30000

struct sbc {
	pid_t pid;
	int in, out; /* its standard input and output */
	char *url;
	CURL *curl;
};

extern char **environ;

static char *program_path(const struct sbc_settings *s)
{
	const char *given = s->program ? s->program : getenv("KCIBOT_SANDBOX");
	char self[PATH_MAX];
	ssize_t n;

	if (given)
		return strdup(given);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return NULL;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	return str_format("%s/../sandbox", self);
}

/* Its input ends when we do, however we end. */
static enum err spawn(struct sbc *c, const char *const *argv, struct error *e)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int in[2], out[2], rc;
	sigset_t none;

	if (pipe2(in, O_CLOEXEC))
		return error_errno(e, ERR_RETRY, "cannot make a pipe");
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return error_errno(e, ERR_RETRY, "cannot make a pipe");
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	/* In a group of its own: Ctrl-C is for us, who then end it. */
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(&c->pid, argv[0], &actions, &attr,
			 (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
	if (rc) {
		c->pid = -1;
		return error_set(e, ERR_MISSING, "cannot start %s: %s", argv[0],
				 strerror(rc));
	}
	return ERR_OK;
}

/* "sandbox ready URL\n" */
static enum err read_ready(struct sbc *c, struct error *e)
{
	static const char ready[] = "sandbox ready ";
	int64_t end = clock_mono(&clock_system) + SBC_WAIT_MS;
	CLEANUP(str_release) struct str line = STR_INIT(4096);
	struct pollfd fd = {.fd = c->out, .events = POLLIN};
	char byte;

	for (;;) {
		int64_t left = end - clock_mono(&clock_system);

		if (left <= 0)
			return error_set(e, ERR_RETRY, "sandbox is not ready");
		if (poll(&fd, 1, (int)left) <= 0)
			continue;
		if (read(c->out, &byte, 1) != 1)
			return error_set(e, ERR_FATAL, "sandbox ended");
		if (byte == '\n')
			break;
		str_putc(&line, byte);
	}
	if (!str_starts(line.text, ready))
		return error_set(e, ERR_FATAL, "sandbox said: %s", line.text);
	c->url = strdup(line.text + strlen(ready));
	return c->url ? ERR_OK : error_set(e, ERR_FATAL, "out of memory");
}

static void stop_at(struct sbc **at)
{
	if (*at)
		sbc_stop(*at);
}

enum err sbc_start(const struct sbc_settings *s, struct sbc **ret,
		   struct error *e)
{
	CLEANUP(free) char *program = program_path(s);
	const char *argv[20] = {program,       "--dir",	   s->dir,
				"--until-eof", "--listen", "127.0.0.1:0"};
	const char *const options[][2] = {
		{"--webhook", s->webhook},
		{"--secret-file", s->secret_file},
		{"--token-file", s->token_file},
		{"--bot", s->bot},
		{"--url", s->url},
	};
	size_t n = 6;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!options[i][1])
			continue;
		argv[n++] = options[i][0];
		argv[n++] = options[i][1];
	}
	CLEANUP(stop) struct sbc *c = calloc(1, sizeof(*c));
	if (!c || !program)
		return error_set(e, ERR_FATAL, "out of memory");
	c->pid = c->in = c->out = -1;
	c->curl = curl_easy_init();
	if (!c->curl)
		return error_set(e, ERR_FATAL, "cannot start curl");
	if (spawn(c, argv, e) || read_ready(c, e))
		return e->code;
	*ret = TAKE(c);
	return ERR_OK;
}

/* Its output ends when it ends; a child that hangs is killed. */
static void await_end(const struct sbc *c)
{
	int64_t end = clock_mono(&clock_system) + STOP_MS;
	struct pollfd fd = {.fd = c->out, .events = POLLIN};
	char drop[4096];

	for (;;) {
		int64_t left = end - clock_mono(&clock_system);

		if (left <= 0) {
			kill(c->pid, SIGKILL);
			return;
		}
		if (poll(&fd, 1, (int)left) > 0 &&
		    read(c->out, drop, sizeof(drop)) <= 0)
			return;
	}
}

int sbc_stop(struct sbc *c)
{
	int status = -1;

	if (c->in >= 0)
		close(c->in);
	if (c->pid > 0) {
		await_end(c);
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (c->out >= 0)
		close(c->out);
	curl_easy_cleanup(c->curl);
	free(c->url);
	free(c);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *sbc_url(const struct sbc *c)
{
	return c->url;
}

char *sbc_clone_url(const struct sbc *c)
{
	CLEANUP(json_decref)
	json_t *state = sbc_get((struct sbc *)(uintptr_t)c, "/_sandbox/state");

	return strdup(js_str(state, "clone_url"));
}

void sbc_answer_release(struct sbc_answer *a)
{
	json_decref(a->json);
	a->json = NULL;
	str_release(&a->text);
	str_release(&a->headers);
}

static size_t keep(char *data, size_t one, size_t n, void *ctx)
{
	str_add(ctx, data, one * n);
	return one * n;
}

static struct curl_slist *request_headers(const char *token, const char *header)
{
	CLEANUP(free)
	char *auth =
		token ? str_format("Authorization: Bearer %s", token) : NULL;
	struct curl_slist *list =
		curl_slist_append(NULL, "Content-Type: application/json");

	list = curl_slist_append(list, "Expect:");
	if (auth)
		list = curl_slist_append(list, auth);
	if (header)
		list = curl_slist_append(list, header);
	return list;
}

void sbc_request(struct sbc *c, const char *method, const char *path,
		 const json_t *body, const char *token, const char *header,
		 struct sbc_answer *ret)
{
	CLEANUP(free) char *url = str_format("%s%s", c->url, path);
	CLEANUP(free) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct curl_slist *headers = request_headers(token, header);
	struct error e = ERROR_INIT;

	memset(ret, 0, sizeof(*ret));
	str_init(&ret->text, ANSWER_MAX);
	str_init(&ret->headers, 1u << 20);
	curl_easy_reset(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	/* On an old connection curl would send it twice when that is cut. */
	curl_easy_setopt(c->curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "sandbox-client");
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, 2L * SBC_WAIT_MS);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	if (text)
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &ret->text);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, keep);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &ret->headers);
	if (curl_easy_perform(c->curl) == CURLE_OK)
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE,
				  &ret->status);
	curl_slist_free_all(headers);
	if (ret->text.len)
		ret->json = js_parse(ret->text.text, ret->text.len, &e);
}

static json_t *control(struct sbc *c, const char *method, const char *path,
		       const json_t *body)
{
	CLEANUP(sbc_answer_release) struct sbc_answer a;

	sbc_request(c, method, path, body, NULL, NULL, &a);
	if (a.status >= 200 && a.status < 300)
		return TAKE(a.json);
	fprintf(stderr, "sandbox: %s %s: %ld %s\n", method, path, a.status,
		a.text.text);
	return NULL;
}

json_t *sbc_post(struct sbc *c, const char *path, json_t *body)
{
	json_t *ret = control(c, "POST", path, body);

	json_decref(body);
	return ret;
}

json_t *sbc_get(struct sbc *c, const char *path)
{
	return control(c, "GET", path, NULL);
}
