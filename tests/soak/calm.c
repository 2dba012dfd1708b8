/* The end: nobody says anything more, and all that was begun comes to rest. */
#include <stdlib.h>

#include "bot/base/clock.h"
#include "tests/integration/look.h"
#include "tests/soak/soak.h"

#define STICKY_MARK "<!-- kcibot:sticky "
/* What waits for the end of a lock or a back-off is over by then. */
#define CALM_MS (4LL * 60 * 1000)
#define CALM_ROUND_MS 20000

/* Whatever holds the environment still is ended, again if need be. */
static void unlock(struct soak *s)
{
	const struct soak_pull *p = soak_any_pull(s);

	if (p)
		soak_say(s, p, "ada", "@kcibot unlock reason=\"the end\"",
			 false);
}

/* The forge was looked through after the last event, and all is done. */
static bool is_calm(struct soak *s, int64_t since_ms)
{
	CLEANUP(free)
	char *query = str_format("SELECT count(*) FROM scan WHERE last_ms <= "
				 "%lld",
				 (long long)since_ms);

	return house_sql(s->h, query) == 0 && house_is_quiet(s->h);
}

static void become_calm(struct soak *s)
{
	int64_t since_ms = clock_wall(&clock_system);
	int64_t end = clock_mono(&clock_system) + CALM_MS;

	while (clock_mono(&clock_system) < end) {
		int64_t round = clock_mono(&clock_system) + CALM_ROUND_MS;

		unlock(s);
		while (clock_mono(&clock_system) < round) {
			if (is_calm(s, since_ms))
				return;
			look_pause();
		}
	}
	soak_problem(s, "it does not become calm");
}

/* --- the books --- */

static void expect_none(struct soak *s, const char *what, const char *query)
{
	int64_t count = house_sql(s->h, query);

	if (count != 0)
		soak_problem(s, "%lld %s", (long long)count, what);
}

static void check_books(struct soak *s)
{
	CLEANUP(str_release) struct str said = STR_INIT(64u << 20);

	expect_none(s, "commands are still being checked",
		    "SELECT count(*) FROM said WHERE state = 'checking'");
	/* A comment that its author deleted takes no reaction; what only asks
	 * the forge is asked again, and some of it is always on its way. */
	expect_none(s, "effects were given up",
		    "SELECT count(*) FROM outbox WHERE state = 'failed'"
		    " AND NOT (kind LIKE 'forge.%reaction' AND"
		    " error LIKE '%HTTP 404%') AND target NOT LIKE 'scan:%'"
		    " AND target NOT LIKE 'redeliver:%'");
	expect_none(s, "effects wait",
		    "SELECT count(*) FROM outbox WHERE state = 'ready' AND"
		    " target NOT LIKE 'scan:%' AND"
		    " target NOT LIKE 'redeliver:%'");
	expect_none(s, "cycles have not ended",
		    "SELECT count(*) FROM cycle WHERE state <> 'finished'");
	expect_none(s, "requests wait",
		    "SELECT count(*) FROM request WHERE state = 'waiting'");
	expect_none(s, "pages of the database are damaged",
		    "SELECT count(*) FROM pragma_integrity_check"
		    " WHERE integrity_check <> 'ok'");
	if (house_cli(s->h, CLI("audit", "--json"), &said))
		soak_problem(s, "the audit: %.300s",
			     said.len > 300 ? said.text + said.len - 300
					    : said.text);
}

/* --- the conversation --- */

static const json_t *find_comment(const json_t *talk, int64_t id)
{
	json_t *m;
	size_t i;

	json_array_foreach (js_get(talk, "comments"), i, m)
		if (js_int(m, "id", 0) == id)
			return m;
	return NULL;
}

/* Of what was said on a pull that closed then, only what was heard. */
static bool must_answer(struct soak *s, const struct soak_said *said)
{
	CLEANUP(free)
	char *query = str_format("SELECT count(*) FROM said WHERE comment_id = "
				 "%lld AND kind = 'comment' AND state IN "
				 "('accepted', 'refused')",
				 (long long)said->id);

	if (!said->command || said->touched)
		return false;
	return !said->closed || house_sql(s->h, query) == 1;
}

static bool has_answer(const json_t *comment)
{
	return json_array_size(js_get(comment, "reactions")) > 0;
}

static void check_answers(struct soak *s, const struct soak_pull *p,
			  const json_t *talk)
{
	for (int i = 0; i < s->said_count; i++) {
		const struct soak_said *said = &s->said[i];
		const json_t *m;

		if (said->number != p->number || said->repo != p->repo ||
		    said->touched)
			continue;
		m = find_comment(talk, said->id);
		if (!m)
			soak_problem(s, "%s#%d: comment %lld is gone", p->repo,
				     p->number, (long long)said->id);
		else if (!has_answer(m) && must_answer(s, said))
			soak_problem(s, "%s#%d: no answer to %s: \"%s\"",
				     p->repo, p->number, said->user,
				     js_str(m, "body"));
	}
}

static void check_sticky(struct soak *s, const struct soak_pull *p,
			 const json_t *talk)
{
	int count = 0;
	json_t *m;
	size_t i;

	json_array_foreach (js_get(talk, "comments"), i, m)
		if (strcmp(js_str(m, "user"), BOT) == 0 &&
		    strstr(js_str(m, "body"), STICKY_MARK))
			count++;
	if (count > 1)
		soak_problem(s, "%s#%d: %d sticky comments", p->repo, p->number,
			     count);
}

/* A head that waits for ever is one that the bot forgot. */
static void check_status(struct soak *s, const struct soak_pull *p,
			 const json_t *talk)
{
	const json_t *last = json_array_get(js_get(talk, "statuses"), 0);

	if (last && strcmp(js_str(last, "state"), "pending") == 0)
		soak_problem(s, "%s#%d: still pending: %s", p->repo, p->number,
			     js_str(last, "description"));
}

static void check_conversation(struct soak *s)
{
	for (int i = 0; i < s->pull_count; i++) {
		const struct soak_pull *p = &s->pulls[i];
		CLEANUP(json_decref)
		json_t *talk =
			sbc_conversation(s->h->forge, p->repo, p->number);

		assert_non_null(talk);
		check_answers(s, p, talk);
		check_sticky(s, p, talk);
		check_status(s, p, talk);
	}
}

void soak_calm(struct soak *s)
{
	soak_slow_end(s);
	soak_trouble_end(s);
	become_calm(s);
	check_books(s);
	check_conversation(s);
}
