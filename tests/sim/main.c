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

static const char yaml[] =
	"listen: 127.0.0.1:0\n"
	"public_url: https://bot.example.org\n"
	"state_dir: /nonexistent/kcibot\n"
	"bot: {name: kcibot}\n"
	"forge:\n"
	"  api_url: https://api.github.com\n"
	"  clone_url: https://github.com/{repo}.git\n"
	"  token_file: /nonexistent/token\n"
	"  webhook_secret_file: /nonexistent/secret\n"
	"  reconcile: 1h\n"
	"trust:\n"
	"  admins: [root]\n"
	"environments:\n"
	"  staging:\n"
	"    projects:\n"
	"      - {repo: acme/api, base: main, branch: staging}\n"
	"      - {repo: acme/web, base: main, branch: staging}\n"
	"    labels: {skip: skip-me, include: \"\"}\n"
	"    policy: {settle: 5m, settle_max: 20m, cooldown: 30m, "
	"full_interval: 6h,\n"
	"             restart_limit: 1, schedule: 8h, max_batch: 20, "
	"stale_after: 14d}\n"
	"    recipe:\n"
	"      short: [build, deploy]\n"
	"      full:  [build, deploy, test]\n"
	"    isolation: none\n"
	"    jobs:\n"
	"      build: {stage: build, run: [/bin/true], timeout: 30m}\n"
	"      deploy: {stage: deploy, run: [/bin/true], timeout: 30m}\n"
	"      tests: {stage: test, run: [/bin/true], timeout: 2h}\n";

static struct config *read_config(void)
{
	CLEANUP(str_release) struct str report = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	struct config *c =
		config_parse("sim.yaml", yaml, strlen(yaml), &report, &e);

	if (!c) {
		fprintf(stderr, "%s\n%s", e.text, report.text);
		exit(2);
	}
	return c;
}

/* Most worlds are short; a few are long. */
static int any_actions(struct chance *c)
{
	int64_t kind = chance_between(c, 0, 99);

	if (kind < 65)
		return (int)chance_between(c, 3, 12);
	if (kind < 93)
		return (int)chance_between(c, 10, 40);
	return (int)chance_between(c, 40, 150);
}

/* From a few acts a minute to a few a day. */
static int64_t any_pace(struct chance *c)
{
	int64_t least = 20 * SECOND << chance_between(c, 0, 8);

	return chance_between(c, least, 2 * least);
}

/* A scan is half of what happens in a quiet hour, so it is seldom. */
static int64_t any_reconcile(struct chance *c)
{
	int64_t kind = chance_between(c, 0, 99);

	return kind < 5 ? 30 * MINUTE : kind < 20 ? HOUR : 4 * HOUR;
}

/* Every world has its own weather.  All is drawn, also what is given, so that
 * the first acts of a world are the same however many there are. */
static void choose_knobs(struct sim *s)
{
	struct chance *c = &s->chance;
	int given = s->knobs.actions;
	bool fair = chance_of(c, 150);

	s->knobs = (struct knobs){
		.actions = any_actions(c),
		.pace_ms = any_pace(c),
		.reconcile_ms = any_reconcile(c),
		.broken = (int)chance_between(c, 0, 150),
		.conflicting = (int)chance_between(c, 0, 100),
		.flaky = (int)chance_between(c, 0, 60),
	};
	if (given)
		s->knobs.actions = given;
	if (fair)
		return;
	s->knobs.lost = (int)chance_between(c, 0, 150);
	s->knobs.doubled = (int)chance_between(c, 0, 150);
	s->knobs.late = (int)chance_between(c, 0, 150);
	s->knobs.failing = (int)chance_between(c, 0, 150);
	s->knobs.unanswered = (int)chance_between(c, 0, 100);
	s->knobs.lagging = (int)chance_between(c, 0, 50);
	s->knobs.dying = (int)chance_between(c, 0, 200);
	s->knobs.disk = (int)chance_between(c, 0, 15);
	s->knobs.jumping = (int)chance_between(c, 0, 20);
}

static void world_begin(struct sim *s)
{
	const char *tmp = getenv("KCIBOT_SIM_DIR");

	s->chance.state = s->seed;
	chance_next(&s->chance);
	choose_knobs(s);
	s->now_ms = 1790000000000LL;
	s->next_id = 100;
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
	s->config = read_config();
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
	forge_reset();
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
