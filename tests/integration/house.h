/*
 * The whole bot for a test: a forge of its own (the sandbox), the real
 * program as a child process with a configuration made for it, everything in
 * a fresh folder.
 *
 * Nothing here sleeps for a fixed time: what is waited for is looked at until
 * it is so, and a test that waits in vain prints the bot's log and what was
 * said.  One house per test; house_end() is where a test proves that the bot
 * ended well.
 *
 * To look at one of them: HOUSE_ONLY=test_x (also with *) runs it alone, and
 * HOUSE_KEEP=1 leaves its folder with the bot's log and databases.
 *
 * The forge has the users ada (admin), mona (maintainer), carl (contributor)
 * and sam (nobody), and the projects acme/api and acme/web with one file
 * "text" each; both are staged on the branch `staging`.
 */
#ifndef TESTS_HOUSE_H
#define TESTS_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bot/base/attr.h"
#include "bot/base/json.h"
#include "bot/base/str.h"
#include "tests/sandbox/client.h"

#define API "acme/api"
#define WEB "acme/web"
#define BOT "kcibot"

/* Only a failing test waits so long. */
#define HOUSE_WAIT_MS 60000

struct house {
	char dir[128];	  /* all of it, removed at the end */
	char state[160];  /* state_dir */
	char config[160]; /* the configuration file */
	char log[160];	  /* the bot's standard error, of all its lives */
	char url[64];	  /* of the bot */
	int port;
	int pid; /* 0 = does not run */
	struct sbc *forge;
	const char *expected[8]; /* error lines that may be in the log */
};

/* NULL or 0 = as said. */
struct house_settings {
	const char *policy;    /* "settle: 1s, ..." instead of HOUSE_POLICY */
	const char *reconcile; /* "5m" */
	const char *guard;     /* "0s": people here write at once */
	const char *isolation; /* "none" */
	const char *recipe;    /* YAML lines instead of HOUSE_RECIPE */
	const char *jobs;      /* YAML lines instead of the three below */
	bool deaf;	       /* the forge has no webhook */
	bool asleep;	       /* the bot is not started */
};

#define HOUSE_SECRET "a webhook secret that only this test knows"
#define HOUSE_POLICY                                                           \
	"settle: 1s, settle_max: 5s, cooldown: 0s, full_interval: 6h, "        \
	"restart_limit: 1, schedule: 0s"
#define HOUSE_RECIPE                                                           \
	"      short: [build, deploy]\n"                                       \
	"      full: [build, deploy, test]\n"

/*
 * A job that house_job() describes writes "NAME CYCLE KIND" to the file that
 * house_ran() counts, then waits while it is held, and fails if a project has
 * a file "broken-NAME".  The jobs build, deploy and test are there unless the
 * settings say otherwise.
 */
#define HOUSE_JOB(name, stage, more)                                           \
	"      " name ": {stage: " stage ", run: [/bin/sh, JOB, " name         \
	"]" more "}\n"

/* Makes all, starts the bot, and waits until it is ready for work. */
struct house *house_new(const struct house_settings *settings);

/* The second half of that, for a house that was made asleep. */
void house_begin(struct house *h);

/* SIGTERM, exit status 0, no line in the log that was not expected. */
void house_end(struct house *h);

/* For cmocka: whatever is left is killed and removed. */
int house_teardown(void **state);
#define HOUSE_TEST(f) cmocka_unit_test_teardown(f, house_teardown)

/* --- the bot's life --- */

/* Starts the bot again and waits until it answers. */
void house_start(struct house *h);
/* kill -9, and it is gone. */
void house_kill(struct house *h);
/* SIGTERM, and exit status 0. */
void house_stop(struct house *h);
/* Error lines that contain text are allowed in the log. */
void house_expect(struct house *h, const char *text);

/*
 * Runs `kcibot ARGV... --config FILE`; the exit status.  What it said on
 * both outputs is appended to *ret_said unless that is NULL.
 */
int house_cli(struct house *h, const char *const *argv, struct str *ret_said);
#define CLI(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The bot's own pages; the status code, 0 = no answer. */
long house_get(struct house *h, const char *path, struct str *ret);
/* The same as JSON; the caller's. */
json_t *house_json(struct house *h, const char *path);

/* --- looking and waiting --- */

/* The number that a query of kcibot.db (inbox.db is `inbox`) gives. */
int64_t house_sql(struct house *h, const char *query);
/* Waits until the query gives want. */
void house_await_sql(struct house *h, const char *query, int64_t want);
/*
 * Until all deliveries are handled, nothing waits, runs or is to be sent:
 * what has not happened by then does not happen.
 */
void house_await_quiet(struct house *h);
/* Is it so now? */
bool house_is_quiet(struct house *h);
void house_await_log(struct house *h, const char *text);

/* --- people --- */

/*
 * Delivers a webhook as the forge would, with a GUID of its own; the status
 * of the answer.
 */
long house_deliver(struct house *h, const char *event, const json_t *payload);
long house_deliver_text(struct house *h, const char *event, const char *text);

/* A file of this name and text, for a pull or a push. */
json_t *house_file(const char *name, const char *text);
/* Waits until the bot knows a pull with this head. */
void house_await_head(struct house *h, const char *sha);
/*
 * Opens a pull that changes one file, and a bot that runs and watches the
 * project has taken note of it; its number.
 */
int house_pull(struct house *h, const char *repo, const char *author,
	       const char *file, char ret_sha[41]);
/*
 * Its author pushes, and the bot has taken note of the new head: what is said
 * in the second of a push may mean the head before, so it is asked about.
 * files taken over.
 */
void house_push(struct house *h, const char *repo, int number, json_t *files,
		char ret_sha[41]);
int64_t house_say(struct house *h, const char *repo, int number,
		  const char *user, const char *body);
void house_await_reaction(struct house *h, const char *repo, int number,
			  int64_t comment, const char *content);
void house_await_status(struct house *h, const char *repo, int number,
			const char *state);
void house_await_comment(struct house *h, const char *repo, int number,
			 const char *text);

/* "eyes rocket": the bot's reactions on a comment, in order. */
void house_reactions(struct house *h, const char *repo, int number,
		     int64_t comment, char ret[128]);
void house_assert_reactions(struct house *h, const char *repo, int number,
			    int64_t comment, const char *want);
/* How many of the bot's comments hold text. */
int house_count(struct house *h, const char *repo, int number,
		const char *text);
/* The first of them; the caller's, NULL = none. */
char *house_comment(struct house *h, const char *repo, int number,
		    const char *text);
/* "STATE: DESCRIPTION" of the head now, "" = none; the caller's. */
char *house_status(struct house *h, const char *repo, int number);
/* "pending success": the states that the head had; the caller's. */
char *house_status_history(struct house *h, const char *repo, int number);

/* --- jobs and git --- */

/* How often the job ran; name and what follows it: "build 1 short". */
int house_ran(struct house *h, const char *line);
/* Waits until it has begun so often. */
void house_await_ran(struct house *h, const char *line, int count);
/* Waits until the job's end is on record: "c1-build". */
void house_await_job_end(struct house *h, const char *key);
/* The job of this name waits from now on, or goes on. */
void house_hold(struct house *h, const char *job);
void house_let_go(struct house *h, const char *job);

/* What git in the forge's repository says; the caller's. */
char *house_git(struct house *h, const char *repo, const char *const *argv);
#define GIT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A fault of the forge, as its control interface wants it (taken over). */
void house_fault(struct house *h, json_t *fault);
/* Waits until so many calls have met a fault: the world stands still. */
void house_await_faults(struct house *h, int count);

void house_assert_has(const char *text, const char *part);
void house_assert_lacks(const char *text, const char *part);

#endif
