/*
 * What is configured: two environments that share a repository, with a policy
 * each.  And the weather: how much goes wrong in a world.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

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
	"      short: [build, deploy, verify]\n"
	"      full:  [build, deploy, verify, test]\n"
	"    isolation: none\n"
	"    jobs:\n"
	"      build: {stage: build, run: [/bin/true], timeout: 30m}\n"
	"      deploy: {stage: deploy, run: [/bin/true], timeout: 30m}\n"
	"      health:\n"
	"        stage: verify\n"
	"        http: {url: \"http://127.0.0.1:9/\", expect: {status: 200}, "
	"tries: 3, every: 10s}\n"
	"      tests: {stage: test, run: [/bin/true], timeout: 2h}\n"
	/* The first afternoon of every world has the window in it. */
	"  qa:\n"
	"    projects:\n"
	"      - {repo: acme/web, base: main, branch: qa}\n"
	"    labels: {skip: no-qa, include: next-too}\n"
	"    policy: {settle: 2m, settle_max: 10m, cooldown: 10m, "
	"full_interval: 3h,\n"
	"             restart_limit: 2, schedule: 8h, max_batch: 3, "
	"stale_after: 14d}\n"
	"    recipe:\n"
	"      short: [deploy]\n"
	"      full:  [deploy, test]\n"
	"    isolation: none\n"
	"    freeze: [{from: \"Mon 16:00\", to: \"Mon 17:00\", zone: UTC, "
	"reason: tea}]\n"
	"    jobs:\n"
	"      roll: {stage: deploy, run: [/bin/true], timeout: 20m}\n"
	"      smoke: {stage: deploy, run: [/bin/true], timeout: 20m}\n"
	"      tests: {stage: test, run: [/bin/true], timeout: 2h}\n";

/* A schedule deploys in the end what a lost wish did not. */
static void never_scheduled(char *text)
{
	static const char every[] = "schedule: 8h", never[] = "schedule: 0s";

	for (char *at = text; (at = strstr(at, every));)
		memcpy(at, never, strlen(never));
}

struct config *setting_config(const struct knobs *k)
{
	char text[sizeof(yaml)];
	CLEANUP(str_release) struct str report = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	struct config *c;

	memcpy(text, yaml, sizeof(yaml));
	if (!k->scheduled)
		never_scheduled(text);
	c = config_parse("sim.yaml", text, strlen(text), &report, &e);
	if (!c) {
		printf("sim: %s\n%s", e.text, report.text);
		exit(2);
	}
	return c;
}

const struct environment *setting_environment(const struct sim *s,
					      const char *name)
{
	return config_environment(s->config, name);
}

/* Most worlds are short; a few are long. */
static int any_actions(struct chance *c)
{
	int64_t kind = chance_between(c, 0, 99);

	if (kind < 75)
		return (int)chance_between(c, 2, 10);
	if (kind < 95)
		return (int)chance_between(c, 10, 30);
	return (int)chance_between(c, 30, 150);
}

/* From a few acts a minute to a few a day; then it goes on for weeks, and
 * what was permitted, trusted and kept ends by itself. */
static int64_t any_pace(struct chance *c)
{
	int64_t least = 20 * SECOND << chance_between(c, 0, 8);

	if (chance_of(c, 100))
		least = 4 * HOUR;
	return chance_between(c, least, 2 * least);
}

/* A scan is half of what happens in a quiet hour, so it is seldom. */
static int64_t any_reconcile(struct chance *c)
{
	int64_t kind = chance_between(c, 0, 99);

	return kind < 5 ? 30 * MINUTE : kind < 20 ? HOUR : 4 * HOUR;
}

static void choose_trouble(struct chance *c, struct knobs *k)
{
	k->lost = (int)chance_between(c, 0, 150);
	k->doubled = (int)chance_between(c, 0, 150);
	k->late = (int)chance_between(c, 0, 150);
	k->failing = (int)chance_between(c, 0, 150);
	k->unanswered = (int)chance_between(c, 0, 100);
	k->lagging = (int)chance_between(c, 0, 200);
	k->dying = (int)chance_between(c, 0, 200);
	k->disk = (int)chance_between(c, 0, 15);
	k->jumping = (int)chance_between(c, 0, 20);
	k->hanging = (int)chance_between(c, 0, 15);
}

void setting_choose(struct sim *s)
{
	static const struct sim_branch branches[BRANCHES_MAX] = {
		{.repo = 0, .name = "staging", .environment = "staging"},
		{.repo = 1, .name = "staging", .environment = "staging"},
		{.repo = 1, .name = "qa", .environment = "qa"},
	};
	struct chance *c = &s->chance;
	struct knobs *k = &s->knobs;
	bool fair = chance_of(c, 150);
	/* Drawn also when it is given: fewer acts are the same world. */
	int actions = any_actions(c);

	memcpy(s->branches, branches, sizeof(branches));
	if (!k->actions)
		k->actions = actions;
	k->pace_ms = any_pace(c);
	/* Within the month for which the bot keeps what it handled. */
	if (k->pace_ms >= 4 * HOUR && k->actions > 60)
		k->actions = 60;
	k->reconcile_ms = any_reconcile(c);
	k->broken = (int)chance_between(c, 0, 150);
	k->conflicting = (int)chance_between(c, 0, 100);
	k->flaky = (int)chance_between(c, 0, 60);
	k->sees_hooks = chance_of(c, 500);
	k->scheduled = chance_of(c, 667);
	if (!fair)
		choose_trouble(c, k);
}
