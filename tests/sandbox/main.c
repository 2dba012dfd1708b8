/*
 * sandbox --dir DIR --listen 127.0.0.1:PORT ...: a small forge that speaks
 * GitHub's API, for the demo and the integration tests.
 */
#include <cmark-gfm-core-extensions.h>
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "tests/sandbox/http.h"
#include "tests/sandbox/pushes.h"
#include "tests/sandbox/webhooks.h"

#define SCAN_MS 50

struct options {
	const char *dir, *listen, *url, *bot;
	const char *webhook, *secret_file, *token_file;
	bool until_eof; /* end with standard input */
};

static const char usage[] =
	"usage: sandbox --dir DIR --listen 127.0.0.1:PORT\n"
	"  --webhook URL        send webhooks there\n"
	"  --secret-file FILE   and sign them with its first line\n"
	"  --token-file FILE    the bot's token (else \"sandbox-token\")\n"
	"  --bot LOGIN          the bot's name (else \"kcibot\")\n"
	"  --url URL            how others reach us, if not directly\n"
	"  --until-eof          end when standard input ends\n";

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{"dir", required_argument, NULL, 'd'},
		{"listen", required_argument, NULL, 'l'},
		{"url", required_argument, NULL, 'u'},
		{"bot", required_argument, NULL, 'b'},
		{"webhook", required_argument, NULL, 'w'},
		{"secret-file", required_argument, NULL, 's'},
		{"token-file", required_argument, NULL, 't'},
		{"until-eof", no_argument, NULL, 'e'},
		{NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){.bot = "kcibot"};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'd':
			o->dir = optarg;
			break;
		case 'l':
			o->listen = optarg;
			break;
		case 'u':
			o->url = optarg;
			break;
		case 'b':
			o->bot = optarg;
			break;
		case 'w':
			o->webhook = optarg;
			break;
		case 's':
			o->secret_file = optarg;
			break;
		case 't':
			o->token_file = optarg;
			break;
		case 'e':
			o->until_eof = true;
			break;
		default:
			return false;
		}
	}
	return o->dir && o->listen && strchr(o->listen, ':') &&
	       sb_name_ok(o->bot) && optind == argc;
}

/* The first line of path, or fallback when no path is given. */
static enum err first_line(const char *path, const char *fallback,
			   struct str *out, struct error *e)
{
	if (!path)
		str_puts(out, fallback);
	else if (fs_read(path, out, e))
		return e->code;
	str_truncate(out, strcspn(out->text, "\r\n"));
	return ERR_OK;
}

/* Until SIGINT or SIGTERM, or (until_eof) the end of standard input. */
static void serve(struct sandbox *s, int signals, bool until_eof)
{
	struct pollfd fds[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = until_eof ? STDIN_FILENO : -1, .events = POLLIN},
	};
	char drop[256];

	for (;;) {
		int n = poll(fds, 2, SCAN_MS);

		if (n > 0 && fds[0].revents)
			return;
		if (n > 0 && fds[1].revents &&
		    read(STDIN_FILENO, drop, sizeof(drop)) <= 0)
			return;
		sandbox_lock(s);
		sb_pushes_scan(s);
		sandbox_unlock(s);
	}
}

static int block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void set_urls(struct sandbox *s, const char *host, int port,
		     const char *url)
{
	CLEANUP(free) char *listen = sb_must(str_format("%s:%d", host, port));
	CLEANUP(free) char *own = sb_must(str_format("http://%s", listen));

	sandbox_lock(s);
	sb_set(&s->listen, listen);
	sb_set(&s->url, url ? url : own);
	sandbox_unlock(s);
	printf("sandbox ready %s\n", own);
	fflush(stdout);
}

static enum err run(const struct options *o, struct error *e)
{
	CLEANUP(str_release) struct str token = STR_INIT(LIMIT_TOKEN_FILE);
	CLEANUP(str_release) struct str secret = STR_INIT(LIMIT_SECRET_MAX);
	CLEANUP(free)
	char *host = sb_must(strndup(o->listen, strcspn(o->listen, ":")));
	CLEANUP(fd_close) int signals = block_signals();
	char dir[PATH_MAX];
	struct http *http;

	if (first_line(o->token_file, "sandbox-token", &token, e) ||
	    first_line(o->secret_file, "", &secret, e) ||
	    fs_mkdirs(o->dir, 0755, e))
		return e->code;
	if (!realpath(o->dir, dir))
		return error_errno(e, ERR_FATAL, "cannot use %s", o->dir);
	CLEANUP(sandbox_free)
	struct sandbox *s = sandbox_new(dir, o->bot, token.text);
	sb_hooks_set(s, o->webhook ? o->webhook : "", secret.text);
	if (sb_hooks_start(s, e))
		return e->code;
	if (http_start(s, host, atoi(strchr(o->listen, ':') + 1), &http, e)) {
		sb_hooks_stop(s);
		return e->code;
	}
	set_urls(s, host, http_port(http), o->url);
	serve(s, signals, o->until_eof);
	sb_hooks_stop(s);
	http_stop(http);
	return ERR_OK;
}

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;
	struct options o;
	int ret;

	if (!parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	cmark_gfm_core_extensions_ensure_registered();
	ret = run(&o, &e) ? 1 : 0;
	if (ret)
		fprintf(stderr, "sandbox: %s\n", e.text);
	curl_global_cleanup();
	return ret;
}
