#include "tests/crash/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "tests/integration/look.h"

#define HOUR (3600LL * 1000)
#define DAY (24 * HOUR)
/* A machine whose clock lost its battery. */
#define TO_1970 INT64_MIN

/* --- the clock --- */

/*
 * By way: where the wall stands from each step on, and in each cycle; and
 * whether the bot is killed where it changes.  It is right again before
 * anything is said or pushed: an hour ahead of the forge, every head would
 * seem to have moved while somebody wrote.  So a way belongs to where the
 * plain conversation speaks, and there are none of the other.
 */
static const struct clock_way {
	int64_t steps[TALK_STEPS_MOST + 1], cycles[TALK_CYCLES_MOST + 1];
	bool kills;
} clock_ways[] = {
	{{0, 0, 2 * DAY, -2 * DAY, HOUR, -HOUR, 0},
	 {0, -2 * DAY, 2 * DAY, HOUR},
	 false},
	{{0, -2 * DAY, -HOUR, 2 * DAY, 0, HOUR, 2 * DAY},
	 {0, HOUR, -HOUR, -2 * DAY},
	 false},
	{{0}, {0, HOUR, -HOUR}, true},
	{{0}, {0, -HOUR, HOUR}, true},
	{{0, 0, 2 * HOUR, TO_1970, -2 * HOUR, DAY, 0},
	 {0, TO_1970, -2 * HOUR, DAY},
	 false},
	{{0}, {0, 2 * HOUR, DAY, -2 * HOUR}, true},
};

static void kill_bot(struct talk *t)
{
	int lives = atomic_load(&t->block->lives);
	int pid = atomic_load(&t->block->pid);

	assert_true(pid > 0);
	kill(pid, SIGKILL);
	while (atomic_load(&t->block->lives) == lives ||
	       house_get(t->h, "/healthz", NULL) != 200)
		look_pause();
}

static void jump(struct talk *t, int64_t to)
{
	int64_t by = to == TO_1970 ? -clock_wall(&clock_system) : to;
	int64_t was = atomic_exchange(&t->block->wall_jump_ms, by);

	if (was != by && clock_ways[t->way - 1].kills)
		kill_bot(t);
}

static void clock_between(struct talk *t, int step)
{
	jump(t, clock_ways[t->way - 1].steps[step]);
}

static void clock_during(struct talk *t, int cycle)
{
	jump(t, clock_ways[t->way - 1].cycles[cycle]);
}

static int count_clock(const struct script *s)
{
	return s == &talk_scripts[SCRIPT_PLAIN] ? ARRAY_SIZE(clock_ways) : 0;
}

const struct turn turn_clock = {
	.name = "clock",
	.count = count_clock,
	.between = clock_between,
	.during = clock_during,
};

/* --- the disk --- */

/* Enough for all of it, little enough to be filled at once. */
#define DISK_SIZE "size=24m"
#define FULL_MS 2500
/* A delivery that fits in no place that a file still has. */
#define TOO_MUCH (8u << 20)

static bool write_map(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 &&
		  write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A place of our own for mounts, by right or in a user namespace. */
static bool own_mounts(void)
{
	char map[64];

	if (unshare(CLONE_NEWNS) == 0)
		return true;
	snprintf(map, sizeof(map), "0 %d 1", (int)getuid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_map("/proc/self/uid_map", map);
}

static bool disk_prepare(struct talk *t, const char **ret_why)
{
	struct error e = ERROR_INIT;

	assert_int_equal(fs_mkdirs(t->h->state, 0700, &e), ERR_OK);
	if (own_mounts() &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", t->h->state, "tmpfs", 0, DISK_SIZE) == 0)
		return true;
	*ret_why = "no right to mount a small disk";
	return false;
}

static void fill(const char *path)
{
	static const char zeros[64 << 10];
	size_t len = sizeof(zeros);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	while (len) {
		if (write(fd, zeros, len) < 0)
			len /= 2;
	}
	close(fd);
}

/* What it cannot keep it does not accept, and it says that it is not well; or
 * it is just being started again. */
static void assert_refuses(struct talk *t)
{
	CLEANUP(str_release) struct str text = STR_INIT(2 * TOO_MUCH);
	uint32_t random = 1;
	long status;

	str_puts(&text, "{\"text\":\"");
	for (size_t n = 0; n < TOO_MUCH / 8; n++) {
		random = random * 1664525 + 1013904223;
		str_addf(&text, "%08x", random);
	}
	str_puts(&text, "\"}");
	assert_false(text.failed);
	status = house_deliver_text(t->h, "star", text.text);
	if (status)
		assert_int_equal(status, 503);
	status = house_get(t->h, "/readyz", NULL);
	if (status)
		assert_int_equal(status, 503);
}

/* It becomes well by itself, whatever we are waiting for by then. */
static void full_for_a_while(struct talk *t)
{
	CLEANUP(free) char *path = str_format("%s/ballast", t->h->state);
	pid_t pid;

	fill(path);
	assert_refuses(t);
	atomic_fetch_add(&t->block->hits, 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return;
	usleep(FULL_MS * 1000);
	unlink(path);
	_exit(0);
}

static void disk_between(struct talk *t, int step)
{
	if (step == t->way && step < t->script->steps)
		full_for_a_while(t);
}

static void disk_during(struct talk *t, int cycle)
{
	if (t->script->steps - 1 + cycle == t->way)
		full_for_a_while(t);
}

static int count_disk(const struct script *s)
{
	return s->steps - 1 + s->cycles;
}

const struct turn turn_disk = {
	.name = "disk",
	.count = count_disk,
	.prepare = disk_prepare,
	.between = disk_between,
	.during = disk_during,
};
