/*
 * What must never happen.  Each rule looks when something begins: a cycle (its
 * first merge), a push, a job.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/oracle.h"

/* --- rule 7: one cycle per environment at a time --- */

/* Seen from the jobs: those of two cycles never run side by side, nor does a
 * push come under the feet of one. */
static void one_cycle(struct sim *s, int64_t cycle, const char *environment,
		      const char *what)
{
	for (size_t i = 0; i < s->job_count; i++) {
		const struct sim_job *o = &s->jobs[i];

		if (o->running && o->cycle != cycle &&
		    !strcmp(o->environment, environment))
			sim_fail(s,
				 "one cycle: cycle %lld %s on %s while cycle "
				 "%lld still runs %s",
				 (long long)cycle, what, environment,
				 (long long)o->cycle, o->key);
	}
}

/* --- rules 1 and 2: no revision that nobody entitled had seen --- */

/* Had the bot been told of a later head when it was told of this one?  Then
 * it is history: what has come since is what is deployed. */
static bool was_passed(const struct sim_pull *p, size_t at)
{
	for (size_t i = at + 1; i < p->head_count; i++)
		if (p->heads[i].told_ms &&
		    p->heads[i].told_ms < p->heads[at].told_ms)
			return true;
	return false;
}

/*
 * A word for a revision ends with the next push that the bot knew of, also
 * when the same SHA comes back (A, B, A).
 */
static bool word_holds(const struct sim *s, const struct sim_comment *c,
		       int64_t at_ms)
{
	const struct sim_pull *p = &s->pulls[c->pull];

	for (size_t i = c->head_index + 1; i < p->head_count; i++)
		if (p->heads[i].told_ms && p->heads[i].told_ms < at_ms &&
		    !was_passed(p, i) &&
		    strcmp(p->heads[i].sha, c->head_then) != 0)
			return false;
	return true;
}

static bool was_asked_for(const struct sim *s, int pull, const char *sha,
			  int64_t at_ms)
{
	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];

		if (c->pull == pull && may_deploy(who_is(c->user)) &&
		    (said_verb(c, "deploy") || said_verb(c, "trigger") ||
		     said_verb(c, "retry")) &&
		    !strcmp(c->head_then, sha) && word_holds(s, c, at_ms))
			return true;
	}
	return false;
}

/* Has somebody said since then that the role is over, and nobody gave it? */
static bool was_untrusted(struct sim *s, int64_t from_ms, int64_t at_ms)
{
	bool over = false;

	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];

		if (said_verb(c, "trust") && c->made_ms > from_ms - DECIDED_MS)
			return false;
		over = over ||
		       (said_verb(c, "untrust") &&
			c->made_ms > from_ms + DECIDED_MS &&
			c->made_ms + DECIDED_MS < at_ms && was_accepted(s, c));
	}
	return over;
}

/* Did the wall clock jump before what was said then was decided? */
static bool jumped_after(const struct sim *s, int64_t said_ms)
{
	for (int i = 0; i < s->jumps && i < JUMPS_MAX; i++)
		if (s->jumped_ms[i] >= said_ms &&
		    s->jumped_ms[i] <= said_ms + DECIDED_MS)
			return true;
	return s->jumps > JUMPS_MAX;
}

/* Was this grant in force when the cycle began?  Its end is the wall's. */
static bool grant_holds(struct sim *s, const struct sim_comment *c,
			const struct sim_cycle *cycle)
{
	const struct person *by = who_is(c->user);
	int64_t at_ms = cycle->begun_ms;

	if (!said_verb(c, "trust") || !by || strcmp(by->role, "admin") != 0 ||
	    c->made_ms > at_ms)
		return false;
	if (c->said->span_ms && !jumped_after(s, c->made_ms) &&
	    c->wall_then + c->said->span_ms + DECIDED_MS < cycle->wall_then)
		return false;
	return c->said->span_ms || !was_untrusted(s, c->made_ms, at_ms);
}

static bool is_trusted(struct sim *s, const struct person *p,
		       const struct sim_cycle *cycle)
{
	if (*p->role)
		return true;
	for (size_t i = 0; !strcmp(p->login, "sam") && i < s->comment_count;
	     i++)
		if (grant_holds(s, &s->comments[i], cycle))
			return true;
	return false;
}

static bool is_about(const struct sim *s, const struct sim_comment *c,
		     const char *environment)
{
	return !strcmp(environment, "staging") ||
	       s->pulls[c->pull].repo == REPOS_MAX - 1;
}

static const struct sim_cycle *cycle_before(const struct sim *s,
					    const struct sim_cycle *now)
{
	for (const struct sim_cycle *c = now - 1; c > s->cycles; c--)
		if (c->begun && !strcmp(c->environment, now->environment))
			return c;
	return NULL;
}

/* While it was being stopped its last job may have ended well. */
static bool was_over(const struct sim *s, const struct sim_cycle *c,
		     int64_t at_ms)
{
	return cycle_is_green(s, c) && at_ms > c->ended_ms + DECIDED_MS;
}

bool puts_back(struct sim *s, const struct sim_cycle *c)
{
	const struct sim_cycle *last = cycle_before(s, c);

	if (c->merges || !last)
		return false;
	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *said = &s->comments[i];

		if (said_verb(said, "cancel") &&
		    is_about(s, said, c->environment) &&
		    said->made_ms + DECIDED_MS > last->begun_ms &&
		    !was_over(s, last, said->made_ms) &&
		    said->made_ms < c->begun_ms && was_accepted(s, said))
			return true;
	}
	return false;
}

/* What lay there green before was judged when it came. */
static bool was_green(const struct sim *s, const struct sim_branch *b,
		      const struct sim_cycle *now)
{
	for (const struct sim_cycle *c = s->cycles; c < now; c++)
		if (c->begun && cycle_is_green(s, c) &&
		    !strcmp(c->results[b - s->branches], b->sha))
			return true;
	return false;
}

static void only_entitled(struct sim *s, const struct sim_branch *b,
			  const struct sim_result *r, const struct sim_cycle *c)
{
	int64_t at_ms = c->begun_ms;

	if (puts_back(s, c) && was_green(s, b, c))
		return;
	for (size_t i = 0; i < r->count; i++) {
		const struct sim_pull *p = &s->pulls[r->pulls[i]];

		if (!is_trusted(s, &people[p->author], c) &&
		    !was_asked_for(s, r->pulls[i], r->shas[i], at_ms))
			sim_fail(s,
				 "only entitled: #%lld at %.8s was deployed: "
				 "its author is a stranger and nobody who may "
				 "asked for it",
				 (long long)p->number, r->shas[i]);
	}
}

/* --- 6.5: in a lock or a freeze window nothing starts --- */

static void no_window(struct sim *s, const char *environment)
{
	int64_t minute = s->clock.wall / MINUTE % (24 * 60);
	int64_t day = s->clock.wall / (24 * HOUR) % 7; /* 0 = Thursday */

	if (!strcmp(environment, "qa") && day == 4 && minute >= 16 * 60 &&
	    minute < 17 * 60)
		sim_fail(s, "frozen: a cycle begins on qa within its window");
}

/* Did anybody say anything else about locks that may have come after it? */
static bool lock_is_last(const struct sim *s, const struct sim_comment *lock)
{
	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];

		if (c != lock && c->made_ms + DECIDED_MS > lock->made_ms &&
		    (said_verb(c, "lock") || said_verb(c, "unlock")))
			return false;
	}
	return true;
}

static void no_lock(struct sim *s, const char *environment)
{
	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];

		if (said_verb(c, "lock") && is_about(s, c, environment) &&
		    s->jumps == c->jumps_then &&
		    s->clock.wall < c->wall_then + c->said->span_ms &&
		    lock_is_last(s, c) && was_accepted(s, c))
			sim_fail(s,
				 "locked: a cycle begins on %s within the lock "
				 "of comment %lld",
				 environment, (long long)c->id);
	}
}

/* --- 6.5: never a full within the interval unless forced --- */

/*
 * For the cycle or to come, and not taken back, pushed over or cancelled.  One
 * that waits for a full to end may be as old as that is long.
 */
static bool was_forced(struct sim *s, const struct sim_cycle *cycle,
		       int64_t from_ms)
{
	for (size_t i = 0; i < s->comment_count; i++) {
		const struct sim_comment *c = &s->comments[i];

		if (c->said && c->said->forces && c->made_ms > from_ms &&
		    ask(s,
			"SELECT count(*) FROM request q JOIN said d ON d.id = "
			"q.said_id WHERE d.kind = %Q AND d.comment_id = %lld "
			"AND q.environment = %Q AND q.forced = 1 AND (q.state "
			"IN ('waiting', 'booked', 'running') OR q.cycle_id = "
			"%lld)",
			speech_word(c->kind), (long long)c->id,
			cycle->environment, (long long)(cycle - s->cycles)) > 0)
			return true;
	}
	return false;
}

static void full_interval(struct sim *s, const struct sim_cycle *c)
{
	const struct environment *env = setting_environment(s, c->environment);

	for (int64_t id = 1; id < CYCLES_MAX; id++) {
		const struct sim_cycle *o = &s->cycles[id];
		int64_t next = o->ended_ms + env->policy.full_interval_ms;

		if (o != c && o->full && o->tested && o->ended_ms &&
		    o->begun_ms < c->begun_ms &&
		    !strcmp(o->environment, c->environment) &&
		    o->offs_then == s->offs && c->begun_ms < next &&
		    !was_forced(s, c, o->begun_ms - HOUR))
			sim_fail(s,
				 "full interval: a full begins on %s %lld min "
				 "early",
				 c->environment,
				 (long long)(next - c->begun_ms) / MINUTE);
	}
}

/* --- 6.4: the branches move before the first job, all or none --- */

static void builds_the_manifest(struct sim *s, const struct sim_job *j,
				const json_t *args)
{
	const struct sim_cycle *c = cycle_of(s, j->cycle);
	json_t *project;
	size_t i;

	json_array_foreach (js_get(args, "manifest.projects"), i, project) {
		const struct sim_branch *b = find_branch(
			s, js_str(project, "repo"), js_str(project, "branch"));

		if (strcmp(b->sha, js_str(project, "sha")) != 0 && c &&
		    b->meddled_ms < c->begun_ms)
			sim_fail(s,
				 "manifest: %s runs with %.8s of %s, and its "
				 "branch is at %.8s",
				 j->key, js_str(project, "sha"), repos[b->repo],
				 b->sha);
	}
}

/* --- rule 8: no job twice --- */

static void once(struct sim *s, const struct sim_job *j)
{
	for (size_t i = 0; i < s->job_count; i++) {
		const struct sim_job *o = &s->jobs[i];

		if (o->starts > 1 || (o != j && o->cycle == j->cycle &&
				      !strcmp(o->name, j->name)))
			sim_fail(s, "once: job %s started twice", j->key);
	}
}

/* --- when something begins --- */

void oracle_begins(struct sim *s, int64_t cycle)
{
	const struct sim_cycle *c = cycle_of(s, cycle);

	one_cycle(s, cycle, c->environment, "begins");
	/* It may have begun in the life before, and be told only now; and what
	 * was touched is put back at once, whoever has locked it. */
	if (s->now_ms == s->life_ms || puts_back(s, c))
		return;
	no_window(s, c->environment);
	no_lock(s, c->environment);
}

void oracle_pushed(struct sim *s, const struct sim_branch *b,
		   const struct sim_result *r, int64_t cycle)
{
	const struct sim_cycle *c = cycle_of(s, cycle);

	one_cycle(s, cycle, b->environment, "pushes");
	if (c)
		only_entitled(s, b, r, c);
}

void oracle_job(struct sim *s, const struct sim_job *j, const json_t *args)
{
	const struct sim_cycle *c = cycle_of(s, j->cycle);

	one_cycle(s, j->cycle, j->environment, "starts a job");
	once(s, j);
	builds_the_manifest(s, j, args);
	if (c && c->full)
		full_interval(s, c);
}
