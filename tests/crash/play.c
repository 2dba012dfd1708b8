#include "tests/crash/play.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "tests/crash/plan.h"
#include "tests/crash/talk.h"
#include "tests/integration/look.h"

/* Of one conversation: nothing in it waits longer than HOUSE_WAIT_MS. */
#define ONE_PLAY_S 300
#define SKIPPED 77
#define LOOK_EACH_MS 100

/* --- in the child: one conversation --- */

static const struct play *playing;
static struct fault_block *block;
static bool skipped;

static struct fault_block *make_block(const char *path)
{
	CLEANUP(fd_close)
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *at;

	if (fd < 0 || ftruncate(fd, FAULT_SIZE))
		return NULL;
	at = mmap(NULL, FAULT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

static void fail_at_difference(const char *want, const char *got)
{
	size_t line = 0, i = 0;

	for (; want[i] && want[i] == got[i]; i++)
		if (want[i] == '\n')
			line = i + 1;
	if (want[i] != got[i])
		fail_msg("it ends differently: \"%.*s\" instead of \"%.*s\"",
			 (int)strcspn(got + line, "\n"), got + line,
			 (int)strcspn(want + line, "\n"), want + line);
}

static void compare(const struct str *got)
{
	CLEANUP(free) char *path = str_format("%s/record", playing->dir);
	CLEANUP(str_release) struct str want = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;

	if (fs_write(path, got->text, got->len, 0600, &e))
		fail_msg("%s", e.text);
	if (!playing->like)
		return;
	if (fs_read(playing->like, &want, &e))
		fail_msg("%s", e.text);
	fail_at_difference(want.text, got->text);
}

static void take_turn(struct talk *t)
{
	const struct turn *turn = playing->kind ? playing->kind->turn : NULL;
	const char *why;

	if (!turn)
		return;
	t->way = (int)playing->at;
	t->between = turn->between;
	t->during = turn->during;
	if (turn->prepare && !turn->prepare(t, &why)) {
		snprintf(block->met, sizeof(block->met), "%s", why);
		skipped = true;
		skip();
	}
}

static void play_it(void **state UNUSED)
{
	CLEANUP(str_release) struct str record = STR_INIT(1u << 20);
	struct talk t = {.script = playing->script,
			 .h = talk_house(),
			 .block = block,
			 .read = STR_INIT(1u << 20)};

	take_turn(&t);
	snprintf(block->dir, sizeof(block->dir), "%s/", t.h->state);
	if (playing->kind)
		house_expect(t.h, " ");
	talk_play(&t);
	block->what = FAULT_NONE;
	atomic_store(&block->wall_jump_ms, 0);
	house_await_quiet(t.h);
	talk_record(&t, &record);
	str_release(&t.read);
	house_end(t.h);
	compare(&record);
}

static void arm(const struct play *p)
{
	CLEANUP(free) char *path = str_format("%s/fault", p->dir);

	block = make_block(path);
	if (!block)
		_exit(2);
	setenv(FAULT_ENV, path, 1);
	if (!p->kind)
		return;
	block->what = p->kind->fault;
	block->points = p->kind->points;
	block->at = p->at;
	block->for_ms = p->kind->for_ms;
	if (snprintf(block->ledger, sizeof(block->ledger), "%s/ledger",
		     p->dir) >= (int)sizeof(block->ledger) ||
	    mkdir(block->ledger, 0700))
		_exit(2);
}

static void NORETURN play_child(const struct play *p)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(play_it),
	};
	CLEANUP(free) char *log = str_format("%s/log", p->dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int status;

	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(2);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A terminal's ^C is for the sweep, which ends it in good order. */
	setpgid(0, 0);
	alarm(ONE_PLAY_S);
	setenv("TMPDIR", p->dir, 1);
	setenv("HOUSE_KEEP", "1", 1);
	look_each_ms(LOOK_EACH_MS);
	playing = p;
	arm(p);
	status = cmocka_run_group_tests_name("play", tests, NULL, NULL) != 0;
	fflush(NULL);
	/* What a failed test did not free is not of interest. */
	_exit(skipped ? SKIPPED : status);
}

/* --- in the parent --- */

/* What cmocka printed of the first failure, after one of its marks. */
static void read_why(struct play *p, int status)
{
	static const char *const marks[] = {"\nERROR: ", "[  ERROR   ] --- "};
	CLEANUP(free) char *path = str_format("%s/log", p->dir);
	CLEANUP(str_release) struct str log = STR_INIT(64u << 20);
	struct error e = ERROR_INIT;
	const char *at = NULL;

	snprintf(p->why, sizeof(p->why), "it took too long, or crashed (%d)",
		 status);
	if (fs_read(path, &log, &e))
		return;
	for (size_t i = 0; !at && i < ARRAY_SIZE(marks); i++) {
		at = strstr(log.text, marks[i]);
		if (at)
			at += strlen(marks[i]);
	}
	if (at)
		snprintf(p->why, sizeof(p->why), "%.*s", (int)strcspn(at, "\n"),
			 at);
}

void play_counts(const struct play *p, struct fault_block *ret)
{
	CLEANUP(free) char *path = str_format("%s/fault", p->dir);
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
		*ret = (struct fault_block){0};
}

void play_start(struct play *p, const char *dir)
{
	struct error e = ERROR_INIT;

	snprintf(p->dir, sizeof(p->dir), "%s/%s-%s-%lld", dir, p->script->name,
		 p->kind ? p->kind->name : "undisturbed", (long long)p->at);
	if (fs_remove_tree(p->dir, &e) || fs_mkdirs(p->dir, 0755, &e)) {
		fprintf(stderr, "sweep: %s\n", e.text);
		exit(2);
	}
	fflush(NULL);
	p->pid = fork();
	if (p->pid < 0) {
		perror("sweep: fork");
		exit(2);
	}
	if (p->pid)
		return;
	play_child(p);
}

void play_end(struct play *p, int status)
{
	struct fault_block seen;
	struct error e = ERROR_INIT;

	p->over = true;
	p->skipped = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
	p->failed = status != 0 && !p->skipped;
	play_counts(p, &seen);
	p->met = atomic_load(&seen.hits) > 0 || (p->kind && p->kind->turn);
	snprintf(p->what, sizeof(p->what), "%s", seen.met);
	if (p->failed)
		read_why(p, status);
	else if (p->kind && fs_remove_tree(p->dir, &e))
		fprintf(stderr, "sweep: %s\n", e.text);
}
