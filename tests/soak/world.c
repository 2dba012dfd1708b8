/* Where it takes place: a house with many people, and jobs with moods. */
#include "tests/soak/soak.h"

#include <stdlib.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "bot/base/limits.h"

#define MAINTAINERS 14
#define CONTRIBUTORS 14
#define STRANGERS 12
#define PEOPLE (MAINTAINERS + CONTRIBUTORS + STRANGERS)
/* So far below the limit that nobody meets it who should not. */
#define SPEAK_MAX (LIMIT_COMMANDS_PER_HOUR - 20)
#define HOUR_MS (3600LL * 1000)

/* Many cycles in an hour; a full one now and then. */
#define POLICY                                                                 \
	"settle: 1s, settle_max: 4s, cooldown: 1s, full_interval: 40s, "       \
	"restart_limit: 1, schedule: 0s, max_batch: 10"

/* A job that hangs is ended within seconds. */
#define JOB_LINE(name)                                                         \
	"      " name ": {stage: " name ", run: [/bin/sh, DIR/soak.sh, " name  \
	"], timeout: 3s}\n"
static const char jobs[] =
	JOB_LINE("build") JOB_LINE("deploy") JOB_LINE("test");

/*
 * The mood of a job is its cycle's: most are quick, some print a lot or fail,
 * a few hang.
 */
static const char job_script[] =
	"#!/bin/sh\n"
	"c=$KCIBOT_CYCLE\n"
	"case $1$((c % 31)) in\n"
	"build3 | deploy11 | test17) echo 'it is broken'; exit 3 ;;\n"
	"build7 | test23) sleep 60 ;;\n"
	"build5 | deploy19) i=0\n"
	"	while [ $i -lt 20000 ]; do\n"
	"		i=$((i + 1))\n"
	"		echo \"$i: much is said, and little that tells\"\n"
	"	done ;;\n"
	"build13) sleep 1.5 ;;\n"
	"deploy29) echo left behind; sleep 40 & ;;\n"
	"esac\n"
	"echo \"$1 of $c is done\"\n";

/* "m0", ..., "c0", ..., "s0", ...; and what each said in the last hour. */
static struct person {
	char name[16];
	int64_t spoke_ms[SPEAK_MAX];
	int next;
} people[PEOPLE];

static void name_people(void)
{
	for (int i = 0; i < PEOPLE; i++) {
		char kind = i < MAINTAINERS		     ? 'm'
			    : i < MAINTAINERS + CONTRIBUTORS ? 'c'
							     : 's';

		snprintf(people[i].name, sizeof(people[i].name), "%c%d", kind,
			 i);
	}
}

static bool may_speak(const struct person *p)
{
	int64_t oldest = p->spoke_ms[p->next];

	return !oldest || clock_mono(&clock_system) - oldest > HOUR_MS;
}

void soak_spoke(struct soak *s UNUSED, const char *user)
{
	for (int i = 0; i < PEOPLE; i++) {
		struct person *p = &people[i];

		if (strcmp(p->name, user) != 0)
			continue;
		p->spoke_ms[p->next] = clock_mono(&clock_system);
		p->next = (p->next + 1) % SPEAK_MAX;
	}
}

static const char *one_of(struct soak *s, int first, int count)
{
	int from = soak_between(s, 0, count - 1);

	for (int i = 0; i < count; i++) {
		const struct person *p = &people[first + (from + i) % count];

		if (may_speak(p))
			return p->name;
	}
	return SOAK_CHATTERBOX;
}

const char *soak_maintainer(struct soak *s)
{
	return one_of(s, 0, MAINTAINERS);
}

const char *soak_contributor(struct soak *s)
{
	return one_of(s, MAINTAINERS, CONTRIBUTORS);
}

const char *soak_stranger(struct soak *s)
{
	return one_of(s, MAINTAINERS + CONTRIBUTORS, STRANGERS);
}

const char *soak_anybody(struct soak *s)
{
	return one_of(s, 0, PEOPLE);
}

static void trust(struct soak *s, const char *login, const char *role)
{
	CLEANUP(str_release) struct str said = STR_INIT(64u << 10);

	if (house_cli(s->h, CLI("trust", "add", login, "--role", role), &said))
		fail_msg("trust %s: %s", login, said.text);
}

/*
 * The forge's quota is for people who do not say in an hour what others say
 * in a week: with it the bot would rest for most of the time.
 */
static void lift_quota(struct soak *s)
{
	CLEANUP(json_decref)
	json_t *a = sbc_post(s->h->forge, "/_sandbox/rate",
			     json_pack("{s:i, s:i}", "limit", 10000000,
				       "remaining", 10000000));

	assert_non_null(a);
}

static void invite(struct soak *s)
{
	lift_quota(s);
	assert_true(sbc_user(s->h->forge, SOAK_CHATTERBOX));
	for (int i = 0; i < PEOPLE; i++)
		assert_true(sbc_user(s->h->forge, people[i].name));
	house_begin(s->h);
	trust(s, SOAK_CHATTERBOX, "contributor");
	for (int i = 0; i < MAINTAINERS + CONTRIBUTORS; i++)
		trust(s, people[i].name,
		      i < MAINTAINERS ? "maintainer" : "contributor");
}

void soak_world(struct soak *s)
{
	CLEANUP(str_release) struct str config = STR_INIT(64u << 10);
	struct error e = ERROR_INIT;

	name_people();
	s->h = house_new(&(struct house_settings){.policy = POLICY,
						  .reconcile = "20s",
						  .jobs = jobs,
						  .asleep = true});
	CLEANUP(free) char *script = str_format("%s/soak.sh", s->h->dir);
	assert_int_equal(
		fs_write(script, job_script, strlen(job_script), 0755, &e),
		ERR_OK);
	assert_int_equal(fs_read(s->h->config, &config, &e), ERR_OK);
	assert_int_equal(str_take(&config, &s->config, &e), ERR_OK);
	invite(s);
	house_await_quiet(s->h);
}
