/*
 * What must be so once all is calm, and what stands on the forge then.
 */
#include <string.h>

#include "store/audit.h"
#include "tests/sim/oracle.h"

/* --- 6.4: statuses agree with what was done --- */

static const char *environment_of(const struct sim_status *st)
{
	return st->context + strlen("kcibot/");
}

/* A cycle there that had it: green, or failed by its code. */
static bool is_backed(struct sim *s, const struct sim_status *st, bool green)
{
	for (int64_t id = 1; id < CYCLES_MAX; id++) {
		const struct sim_cycle *c = &s->cycles[id];

		if (!c->begun || strcmp(c->environment, environment_of(st)))
			continue;
		for (int pull = 0; pull < PULLS_MAX; pull++)
			if (s->pulls[pull].repo == st->repo &&
			    (green ? cycle_is_green(s, c) : c->failed) &&
			    cycle_holds(s, c, pull, st->sha))
				return true;
	}
	return false;
}

static void status_is_true(struct sim *s, const struct sim_status *st)
{
	if (!strcmp(st->state, "success") && !is_backed(s, st, true))
		sim_fail(s, "status: %.8s is green on %s and never was there",
			 st->sha, environment_of(st));
	if (!strcmp(st->state, "success") && sha_is_broken(s, st->sha))
		sim_fail(s, "status: %.8s is green and breaks every deploy",
			 st->sha);
	if (!strcmp(st->state, "failure") && !is_backed(s, st, false))
		sim_fail(s, "status: %.8s is found guilty on %s of nothing",
			 st->sha, environment_of(st));
}

/* What the forge shows is what the bot wanted last. */
static void status_is_last(struct sim *s, const struct sim_status *st)
{
	if (ask(s,
		"SELECT count(*) FROM status WHERE repo = %Q AND sha = %Q AND "
		"context = %Q AND state = %Q",
		repos[st->repo], st->sha, st->context, st->state) != 1)
		sim_fail(s,
			 "status: %s at %.8s shows %s, which the bot does "
			 "not know of",
			 st->context, st->sha, st->state);
}

/* Nobody looks at a yellow dot for ever. */
static void status_is_final(struct sim *s, const struct sim_status *st)
{
	if (!strcmp(st->state, "pending"))
		sim_fail(s, "status: %.8s stays pending on %s: %s", st->sha,
			 environment_of(st), st->description);
}

/* --- rules 7 and 9: nothing waits for ever --- */

static void nothing_stays(struct sim *s)
{
	static const struct {
		const char *sql, *what;
	} none[] = {
		{"SELECT count(*) FROM cycle WHERE state <> 'finished'",
		 "cycles that never end"},
		{"SELECT count(*) FROM request WHERE state IN ('waiting', "
		 "'booked', 'running')",
		 "requests that wait for ever"},
		{"SELECT count(*) FROM said WHERE state = 'checking'",
		 "comments that are checked for ever"},
		{"SELECT count(*) FROM request WHERE announced = 0 AND state IN"
		 " ('done', 'dropped')",
		 "outcomes that nobody was told"},
		/* Scans come and go; they are never old. */
		{"SELECT count(*) FROM outbox WHERE state = 'ready' AND made_ms"
		 " < (SELECT max(made_ms) FROM outbox) - 1200000",
		 "effects that are never done"},
		{"SELECT count(*) FROM environment_lock WHERE ended_ms = 0",
		 "locks that never end"},
	};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		int64_t n = ask(s, "%s", none[i].sql);

		if (n > 0)
			sim_fail(s, "nothing stays: %lld %s", (long long)n,
				 none[i].what);
	}
}

/* --- 6.5: restarted at most restart_limit times --- */

static void restart_limit(struct sim *s)
{
	for (int i = 0; i < BRANCHES_MAX; i++) {
		const char *name = s->branches[i].environment;
		int limit = setting_environment(s, name)->policy.restart_limit;
		/* The longest run of cycles that were cut short. */
		int64_t most = ask(
			s,
			"WITH c AS (SELECT id, reason_code = 'restarted' AS r,"
			" row_number() OVER (ORDER BY id) AS n FROM cycle WHERE"
			" environment = %Q), g AS (SELECT n - row_number() OVER"
			" (ORDER BY id) AS k FROM c WHERE r) SELECT"
			" coalesce(max(m), 0) FROM (SELECT count(*) AS m FROM g"
			" GROUP BY k)",
			name);

		if (most > limit)
			sim_fail(s,
				 "restart limit: %lld restarts in a row on %s",
				 (long long)most, name);
	}
}

/* --- 4.6: what was acknowledged is handled, once --- */

static void deliveries_handled(struct sim *s)
{
	for (int64_t i = 0; i < s->delivery_count && !*s->failure; i++) {
		const struct sim_delivery *d = &s->deliveries[i];

		if (!d->journaled || (strcmp(d->event, "pull_request") != 0 &&
				      strcmp(d->event, "push") != 0))
			continue;
		if (ask(s, "SELECT count(*) FROM delivery WHERE guid = %Q",
			d->guid) != 1)
			sim_fail(s,
				 "acknowledged: webhook %s (%s) was journaled "
				 "and never handled",
				 d->guid, d->event);
	}
}

/* --- 4: the store follows the forge --- */

static void store_follows(struct sim *s)
{
	for (int i = 0; i < PULLS_MAX; i++) {
		const struct sim_pull *p = &s->pulls[i];

		if (p->used && !strcmp(p->state, "open") &&
		    ask(s,
			"SELECT count(*) FROM pull WHERE repo = %Q AND number ="
			" %lld AND state = 'open' AND head_sha = %Q AND"
			" base_ref = %Q AND draft = %d",
			repos[p->repo], (long long)p->number, pull_head(p),
			p->base, p->draft) != 1)
			sim_fail(s,
				 "follows: the bot does not know #%d as it "
				 "is",
				 i + 1);
	}
}

/* 6.5: the schedule comes round when the content would differ, so nothing old
 * is on a staging branch in the end. */
static void nothing_stale(struct sim *s)
{
	for (int b = 0; b < BRANCHES_MAX; b++) {
		const struct sim_result *r = find_result(s, s->branches[b].sha);

		for (size_t i = 0; r && i < r->count; i++) {
			const struct sim_pull *p = &s->pulls[r->pulls[i]];

			if (strcmp(p->state, "open") != 0 ||
			    strcmp(pull_head(p), r->shas[i]) != 0)
				sim_fail(s,
					 "stale: #%lld at %.8s is left on %s",
					 (long long)p->number, r->shas[i],
					 s->branches[b].environment);
		}
	}
}

static bool was_skipped(const struct sim *s, int pull)
{
	for (size_t i = 0; i < s->comment_count; i++)
		if (said_verb(&s->comments[i], "skip") &&
		    s->comments[i].pull == pull)
			return true;
	return false;
}

/* Nobody has to ask for it, and nothing keeps it out. */
static bool comes_by_itself(const struct sim *s, int pull)
{
	const struct sim_pull *p = &s->pulls[pull];

	return p->used && !strcmp(p->state, "open") && !p->draft && !p->label &&
	       !strcmp(p->base, "main") && *people[p->author].role &&
	       !was_skipped(s, pull);
}

/*
 * The first listing of a repository that shows pulls may be the first of all,
 * when those before it had no answer: what it shows is history.
 */
static bool is_history(struct sim *s, const struct sim_pull *p)
{
	return ask(s,
		   "SELECT count(*) FROM head h JOIN pull p ON p.id = h.pull_id"
		   " WHERE p.repo = %Q AND p.number = %lld AND h.sha = %Q AND"
		   " h.source = 'api' AND h.seen_ms = (SELECT min(o.seen_ms)"
		   " FROM head o JOIN pull q ON q.id = o.pull_id WHERE q.repo ="
		   " p.repo AND o.source = 'api')",
		   repos[p->repo], (long long)p->number, pull_head(p)) > 0;
}

/*
 * 6.5: what comes by itself was tried, at the latest when all waits are over;
 * where nothing is scheduled, nothing makes up for a wish that was lost.
 */
static void nothing_missed(struct sim *s, const struct sim_branch *b)
{
	/* Errors in a row ended it after people went home. */
	if (ask(s, "SELECT broken_ms FROM environment WHERE name = %Q",
		b->environment) > 0)
		return;
	for (int i = 0; i < PULLS_MAX; i++) {
		const struct sim_pull *p = &s->pulls[i];

		if (comes_by_itself(s, i) && p->repo == b->repo &&
		    !is_history(s, p) &&
		    ask(s,
			"SELECT count(*) FROM revision r JOIN cycle c ON c.id ="
			" r.cycle_id WHERE r.repo = %Q AND r.number = %lld AND"
			" r.sha = %Q AND c.environment = %Q",
			repos[p->repo], (long long)p->number, pull_head(p),
			b->environment) == 0)
			sim_fail(s, "missed: #%d at %.8s was never tried on %s",
				 i + 1, pull_head(p), b->environment);
	}
}

/* --- the audit --- */

/* 4: a chain that verifies. */
static void audit_verifies(struct sim *s)
{
	struct error e = ERROR_INIT;
	struct audit_report report = {0};
	struct store *reader = store_open_reader(s->store_path, &e);

	if (!reader || store_begin(reader, &e) ||
	    store_audit_verify(reader, NULL, NULL, &report, &e))
		sim_fail(s, "audit: it cannot be read: %s", e.text);
	else if (report.broken)
		sim_fail(s, "audit: broken at %lld: %s",
			 (long long)report.broken_id, report.broken_how);
	else if (!report.count)
		sim_fail(s, "audit: it is empty");
	if (reader)
		store_rollback(reader);
	store_close(reader);
}

/* Every cycle began and ended there, once each. */
static void audit_complete(struct sim *s)
{
	if (ask(s,
		"SELECT count(*) FROM cycle c WHERE 1 <> (SELECT count(*) "
		"FROM audit WHERE action = 'cycle.begin' AND subject = "
		"'cycle ' || c.id || ' on ' || c.environment) OR 1 <> "
		"(SELECT count(*) FROM audit WHERE action = 'cycle.end' AND "
		"subject = 'cycle ' || c.id || ' on ' || c.environment)") > 0)
		sim_fail(s, "audit: a cycle is not on record as it was");
}

void oracle_rest(struct sim *s)
{
	for (size_t i = 0; i < s->status_count && !*s->failure; i++) {
		status_is_true(s, &s->statuses[i]);
		status_is_last(s, &s->statuses[i]);
		status_is_final(s, &s->statuses[i]);
	}
	nothing_stays(s);
	restart_limit(s);
	deliveries_handled(s);
	store_follows(s);
	nothing_stale(s);
	for (int i = 0; i < BRANCHES_MAX; i++)
		nothing_missed(s, &s->branches[i]);
	audit_verifies(s);
	audit_complete(s);
}
