/*
 * The run of time, and a world from its beginning to its end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/base/log.h"
#include "bot/base/str.h"
#include "tests/sim/sim.h"

/* --- the run of time --- */

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (*s->failure)
		return;
	va_start(ap, fmt);
	vsnprintf(s->failure, sizeof(s->failure), fmt, ap);
	va_end(ap);
	sim_trace(s, "FAILED: %s", s->failure);
}

void sim_trace(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->trace)
		return;
	fprintf(s->trace, "%8lld.%03lld ",
		(long long)(s->now_ms - 1790000000000LL) / 1000,
		(long long)s->now_ms % 1000);
	va_start(ap, fmt);
	vfprintf(s->trace, fmt, ap);
	va_end(ap);
	fputc('\n', s->trace);
}

static bool before(const struct moment *a, const struct moment *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void sim_at(struct sim *s, int64_t at_ms,
	    void (*run)(struct sim *s, int64_t arg), int64_t arg)
{
	size_t i;

	if (s->moment_count == s->moment_room) {
		s->moment_room = s->moment_room ? 2 * s->moment_room : 256;
		s->moments = realloc(s->moments,
				     s->moment_room * sizeof(*s->moments));
		if (!s->moments)
			abort();
	}
	i = s->moment_count++;
	s->moments[i] = (struct moment){at_ms, s->order++, run, arg};
	while (i && before(&s->moments[i], &s->moments[(i - 1) / 2])) {
		struct moment swap = s->moments[i];

		s->moments[i] = s->moments[(i - 1) / 2];
		s->moments[(i - 1) / 2] = swap;
		i = (i - 1) / 2;
	}
}

static struct moment take_moment(struct sim *s)
{
	struct moment first = s->moments[0];
	size_t i = 0, n = --s->moment_count;

	s->moments[0] = s->moments[n];
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
			if (before(&s->moments[c], &s->moments[least]))
				least = c;
		if (least == i)
			return first;
		struct moment swap = s->moments[i];

		s->moments[i] = s->moments[least];
		s->moments[least] = swap;
		i = least;
	}
}

static void advance(struct sim *s, int64_t to_ms)
{
	fake_clock_advance(&s->clock, to_ms - s->now_ms);
	s->now_ms = to_ms;
}

/* The bot's own next moment, if it comes before the world's. */
static int64_t next_time(const struct sim *s, int64_t end_ms)
{
	int64_t next = s->moment_count ? s->moments[0].at_ms : end_ms;
	int64_t due = s->engine ? engine_due_in(s->engine) : -1;

	if (due >= 0 && s->now_ms + due < next)
		next = s->now_ms + due;
	return next < end_ms ? next : end_ms;
}

static void run_until(struct sim *s, int64_t end_ms)
{
	while (s->now_ms < end_ms && !*s->failure) {
		int64_t next = next_time(s, end_ms);

		advance(s, next > s->now_ms ? next : s->now_ms + 1);
		while (s->moment_count && s->moments[0].at_ms <= s->now_ms &&
		       !*s->failure) {
			struct moment m = take_moment(s);

			m.run(s, m.arg);
			process_run(s);
		}
		process_run(s);
	}
}

/* --- a world --- */

static void world_begin(struct sim *s)
{
	const char *tmp = getenv("KCIBOT_SIM_DIR");

	s->chance.state = s->seed;
	chance_next(&s->chance);
	setting_choose(s);
	s->now_ms = 1790000000000LL;
	s->next_id = 100;
	for (int i = 0; i < SPEECH_MAX; i++)
		s->next_speech[i] = 100;
	fake_clock_init(&s->clock, s->now_ms);
	s->forge.start = forge_start;
	s->git.start = git_start;
	s->jobs_port.start = jobs_start;
	snprintf(s->dir, sizeof(s->dir), "%.30s/kcisim-XXXXXX",
		 tmp ? tmp : "/dev/shm");
	if (!mkdtemp(s->dir)) {
		perror(s->dir);
		exit(2);
	}
	snprintf(s->store_path, sizeof(s->store_path), "%s/kcibot.db", s->dir);
	snprintf(s->inbox_path, sizeof(s->inbox_path), "%s/inbox.db", s->dir);
	for (int i = 0; i < REPOS_MAX; i++)
		sha_of(s->bases[i], "base", s->seed, (uint64_t)i);
	s->config = setting_config(&s->knobs);
	s->config->reconcile_ms = s->knobs.reconcile_ms;
	process_begin(s);
	people_begin(s);
}

static void world_end(struct sim *s)
{
	struct error e = ERROR_INIT;

	disk_full(false);
	process_doom(s, -1);
	calls_reset();
	hooks_end(s);
	engine_free(s->engine);
	inbox_close(s->inbox);
	for (size_t i = 0; i < s->comment_count; i++)
		free(s->comments[i].body);
	for (int i = 0; i < CALLS_MAX; i++)
		json_decref(s->calls[i].args);
	free(s->moments);
	config_free(s->config);
	if (fs_remove_tree(s->dir, &e))
		fprintf(stderr, "%s\n", e.text);
}

/* Beside the trace, for who looks into it with sqlite3. */
static void keep_store(struct sim *s)
{
	char path[64];

	snprintf(path, sizeof(path), "build/sim-%llu.db",
		 (unsigned long long)s->seed);
	if (oracle_keep_store(s, path))
		fprintf(stderr, "sim:   its store: %s\n", path);
}

void run_world(uint64_t seed, int actions, FILE *trace, char *ret, size_t size,
	       struct tally *tally, int *ret_acts)
{
	struct sim *s = calloc(1, sizeof(*s));
	int64_t start;

	if (!s)
		abort();
	s->seed = seed;
	s->knobs.actions = actions;
	s->trace = trace;
	world_begin(s);
	start = s->now_ms;
	while (!s->calm && !*s->failure)
		run_until(s, s->now_ms + HOUR);
	/* Long enough for a booked full and what follows it. */
	run_until(s, s->now_ms + 13 * HOUR);
	/* The schedule may have begun one a moment ago. */
	for (int n = 0; n < 48 && !*s->failure && oracle_busy(s); n++)
		run_until(s, s->now_ms + 5 * MINUTE);
	if (!*s->failure)
		oracle_end(s);
	if (*s->failure && trace)
		keep_store(s);
	snprintf(ret, size, "%s", s->failure);
	tally->ms += s->now_ms - start;
	tally->calls += s->forge_calls;
	tally->webhooks += s->webhooks;
	tally->lost += s->lost_webhooks;
	tally->deaths += s->deaths;
	*ret_acts = s->acts;
	world_end(s);
	free(s);
}
