/*
 * demo [--keep]: kcibot at work on this machine, with a forge, a staging
 * machine and four people made up for it.  Touches nothing outside a fresh
 * folder and three ports of 127.0.0.1.
 *
 * demo put|start ...: the client of the staging machine, for the jobs.
 */
#include <curl/curl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "deploy/isolation.h"
#include "tests/demo/child.h"
#include "tests/demo/machine.h"
#include "tests/demo/projects.h"
#include "tests/demo/say.h"
#include "tests/demo/story.h"

#define TAIL_BYTES 3000

static void interrupt(int sig)
{
	stage_interrupted = sig;
}

static void catch_signals(void)
{
	/* Without SA_RESTART: whatever waits shall look up. */
	struct sigaction act = {.sa_handler = interrupt};

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void introduce(void)
{
	struct error why = ERROR_INIT;
	bool bwrap = strcmp(isolation_best(&why), "none") != 0;

	say_heading("kcibot: pull requests on staging, by one line of comment");
	say_note("%-14s what a shop says to its customers, in C\n"
		 "%-14s the shop as an HTTP server, in C; compiled with the "
		 "above\n",
		 GREETING, SERVICE);
	say_note("ada, admin     mona, maintainer     carl, contributor     "
		 "sam, a stranger\n");
	say_note(bwrap ? "The jobs run behind bubblewrap."
		       : "The jobs run without isolation: %s",
		 why.text);
}

static enum err set_up(struct stage *s, struct error *e)
{
	say_note("The forge, the staging machine and the bot are starting ...");
	if (stage_set(s, e) || stage_start_bot(s, e) ||
	    stage_trust(s, "mona", "maintainer", e) ||
	    stage_trust(s, "carl", "contributor", e))
		return e->code;
	say_note("$ kcibot trust add mona --role maintainer\n"
		 "$ kcibot trust add carl --role contributor");
	return ERR_OK;
}

/* Somebody at the terminal pressed Enter. */
static bool enter_pressed(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	/* In the background the terminal's input is somebody else's. */
	if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    poll(&in, 1, 0) <= 0)
		return false;
	tcflush(STDIN_FILENO, TCIFLUSH);
	return true;
}

static void show_addresses(const struct stage *s)
{
	say_heading("It stays up");
	say_note("the forge      %s/\n"
		 "               write comments there, as mona: %s/%s/pull/1",
		 sbc_url(s->forge), sbc_url(s->forge), SERVICE);
	say_note("the bot        %s/", s->url);
	say_note("the service    %s", s->service);
	say_note("its log        %s/bot.log", s->dir);
	say_note("or from here   %s/kcibot say --config %s/kcibot.yaml \\\n"
		 "                   --as mona --on %s#1 trigger\n",
		 s->programs, s->dir, SERVICE);
	say_note("Try \"@kcibot trigger\".  What happens is printed here.\n"
		 "Any user of this machine can use these addresses.\n"
		 "%s ends it and removes everything.\n",
		 isatty(STDIN_FILENO) ? "Enter (or Ctrl-C)" : "SIGTERM");
}

static void show_log(const struct stage *s)
{
	CLEANUP(free) char *path = stage_path(s, "bot.log");
	CLEANUP(str_release) struct str text = STR_INIT(64u << 20);
	struct error e = ERROR_INIT;
	const char *tail;

	if (!path || fs_read(path, &text, &e) || !text.len)
		return;
	tail = text.text;
	if (text.len > TAIL_BYTES) {
		tail += text.len - TAIL_BYTES;
		tail += strcspn(tail, "\n");
		tail += *tail == '\n';
	}
	say_note("\nThe end of the bot's log:");
	say_more(TONE_PLAIN, tail);
}

static void end_well(const struct story *s, int64_t ms)
{
	CLEANUP(str_release) struct str span = STR_INIT(100);
	char answer[sizeof(s->answer)];
	size_t n;

	snprintf(answer, sizeof(answer), "%s", s->answer);
	for (n = strlen(answer); n && answer[n - 1] == '\n'; n--)
		answer[n - 1] = '\0';
	for (char *p = answer; (p = strchr(p, '\n')); p++)
		*p = ' ';
	time_span(&span, ms);
	putchar('\n');
	say_end(TONE_GOOD,
		"demo: done in %s: %d pull requests, %d deploys (%d failed, as "
		"it should), the service answers \"%s\"",
		span.text, s->pulls, s->deploys, s->failed, answer);
}

static int end_badly(struct stage *stage, const struct error *e)
{
	bool made = *stage->dir;

	if (stage_interrupted) {
		stage_end(stage, false);
		say_end(TONE_BAD, "\ndemo: interrupted; everything is removed");
		return 128 + stage_interrupted;
	}
	if (made)
		show_log(stage);
	stage_end(stage, true);
	putchar('\n');
	say_end(TONE_BAD, "demo: FAILED: %s%s%s", e->text,
		made ? "; everything is left in " : "", stage->dir);
	return 1;
}

static void end_kept(struct stage *stage, bool keep)
{
	stage_end(stage, false);
	if (keep)
		say_end(TONE_GOOD, "\ndemo: ended; everything is removed");
}

static enum err play(struct stage *stage, struct story *story, bool keep,
		     struct error *e)
{
	int64_t begin = clock_mono(&clock_system);

	introduce();
	if (set_up(stage, e) || story_play(story, e))
		return e->code;
	end_well(story, clock_mono(&clock_system) - begin);
	if (!keep)
		return ERR_OK;
	show_addresses(stage);
	if (watch_on(&story->watch, enter_pressed, e) && !stage_interrupted)
		return e->code;
	return ERR_OK;
}

static int demo(bool keep)
{
	struct stage stage = STAGE_INIT;
	struct story story = {0};
	struct error e = ERROR_INIT;
	int ret = 0;

	say_init();
	catch_signals();
	child_adopt_orphans();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	watch_init(&story.watch, &stage);
	if (play(&stage, &story, keep, &e))
		ret = end_badly(&stage, &e);
	else
		end_kept(&stage, keep);
	watch_release(&story.watch);
	curl_global_cleanup();
	return ret;
}

int main(int argc, char **argv)
{
	bool keep = argc == 2 && !strcmp(argv[1], "--keep");

	if (argc == 1 || keep)
		return demo(keep);
	if (!strcmp(argv[1], "put") || !strcmp(argv[1], "start"))
		return machine_client(argc, argv);
	fprintf(stderr, "usage: demo [--keep]\n");
	return 2;
}
