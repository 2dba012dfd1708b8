/* Who may what, in a real store: roles, kinds, names, memberships. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/fs.h"
#include "store/request.h"
#include "store/trust.h"

#define NOW 1790000000000LL
#define MINUTE (60LL * 1000)
#define DAY (24 * 60 * MINUTE)
#define WEB "acme/web"
#define API "acme/api"
#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { ADA = 1, BEN = 2, CAT = 3, ORG = 50, APP = 60 };

struct fixture {
	char dir[128];
	char path[160];
	struct store *s;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");
	struct error e = ERROR_INIT;

	snprintf(f->dir, sizeof(f->dir), "%.80s/trust.XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/kcibot.db", f->dir);
	f->s = store_open(f->path, &e);
	assert_non_null(f->s);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct error e = ERROR_INIT;

	store_close(f->s);
	assert_int_equal(fs_remove_tree(f->dir, &e), ERR_OK);
	free(f);
	return 0;
}

/* One number out of the file. */
static int64_t ask(struct fixture *f, const char *sql)
{
	sqlite3_stmt *row;
	sqlite3 *db;
	int64_t value;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL),
			 SQLITE_OK);
	value = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int64(row, 0)
						: -1;
	sqlite3_finalize(row);
	sqlite3_close(db);
	return value;
}

static void run(struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

/* "" or why it was refused. */
static const char *add(struct fixture *f, int64_t id, const char *kind,
		       const char *role, const char *scope, int64_t expires_ms)
{
	static struct error e;
	char login[16];
	struct trust_grant g = {
		.user_id = id,
		.login = login,
		.kind = kind,
		.role = role,
		.scope = scope,
		.by = "test",
		.reason = "",
		.expires_ms = expires_ms,
		.unasked = true,
	};

	snprintf(login, sizeof(login), "p%d", (int)id);
	e = (struct error)ERROR_INIT;
	if (store_trust_add(f->s, &g, NOW, &e) == ERR_OK)
		return "";
	assert_int_equal(e.code, ERR_REFUSED);
	return e.text;
}

#define assert_added(...) assert_string_equal(add(__VA_ARGS__), "")
#define assert_refused(why, ...)                                               \
	do {                                                                   \
		const char *text_ = add(__VA_ARGS__);                          \
		if (!strstr(text_, why))                                       \
			fail_msg("not \"%s\": %s", why, text_);                \
	} while (0)

static enum err take_away(struct fixture *f, int64_t id, const char *scope)
{
	struct error e = ERROR_INIT;

	return store_trust_remove(f->s, id, "somebody", scope, "test", NOW, &e);
}

static const char *role_at(struct fixture *f, int64_t id, const char *repo,
			   int64_t now_ms)
{
	struct error e = ERROR_INIT;
	const char *role;

	assert_int_equal(store_role(f->s, id, repo, now_ms, &role, &e), ERR_OK);
	return role;
}

static bool unasked_at(struct fixture *f, int64_t id, const char *repo,
		       int64_t now_ms)
{
	struct error e = ERROR_INIT;
	bool unasked;

	assert_int_equal(store_unasked(f->s, id, repo, now_ms, &unasked, &e),
			 ERR_OK);
	return unasked;
}

static bool member(struct fixture *f, int64_t user, bool is_member,
		   int64_t now_ms)
{
	struct error e = ERROR_INIT;
	bool changed;

	assert_int_equal(store_member_put(f->s, ORG, user, is_member, now_ms,
					  &changed, &e),
			 ERR_OK);
	return changed;
}

/* --- roles --- */

static void test_scope_and_expiry(void **state)
{
	struct fixture *f = *state;

	assert_added(f, ADA, "user", "admin", "", 0);
	assert_added(f, BEN, "user", "maintainer", WEB, 0);
	assert_added(f, CAT, "user", "contributor", "", NOW + DAY);
	assert_string_equal(role_at(f, ADA, API, NOW), "admin");
	assert_string_equal(role_at(f, ADA, "", NOW), "admin");
	assert_string_equal(role_at(f, BEN, "ACME/Web", NOW), "maintainer");
	assert_string_equal(role_at(f, BEN, API, NOW), "");
	assert_string_equal(role_at(f, BEN, "", NOW), "");
	assert_string_equal(role_at(f, CAT, WEB, NOW + DAY - 1), "contributor");
	assert_string_equal(role_at(f, CAT, WEB, NOW + DAY), "");
	assert_false(unasked_at(f, CAT, WEB, NOW + DAY));
	assert_string_equal(role_at(f, 999, WEB, NOW), "");
}

static void test_unasked_is_another_question(void **state)
{
	struct fixture *f = *state;
	struct error e = ERROR_INIT;
	struct trust_grant g = {
		.user_id = BEN,
		.login = "ben",
		.kind = "user",
		.role = "maintainer",
		.scope = "",
		.by = "test",
		.reason = "",
		.unasked = false,
	};

	assert_int_equal(store_trust_add(f->s, &g, NOW, &e), ERR_OK);
	assert_string_equal(role_at(f, BEN, WEB, NOW), "maintainer");
	assert_false(unasked_at(f, BEN, WEB, NOW));
	/* What was said for a project counts there. */
	assert_added(f, BEN, "user", "contributor", WEB, 0);
	assert_true(unasked_at(f, BEN, WEB, NOW));
	assert_false(unasked_at(f, BEN, API, NOW));
	assert_string_equal(role_at(f, BEN, WEB, NOW), "maintainer");
	/* One's own no is not outvoted by an organisation's yes. */
	assert_added(f, ORG, "org", "contributor", "", 0);
	member(f, BEN, true, NOW);
	assert_false(unasked_at(f, BEN, API, NOW));
}

static void test_last_admin(void **state)
{
	struct fixture *f = *state;

	assert_refused("only for a time", f, ADA, "user", "admin", "",
		       NOW + DAY);
	assert_added(f, ADA, "user", "admin", "", 0);
	assert_refused("last admin", f, ADA, "user", "maintainer", "", 0);
	assert_refused("last admin", f, ADA, "user", "admin", "", NOW + DAY);
	assert_int_equal(take_away(f, ADA, TRUST_ALL_SCOPES), ERR_REFUSED);
	assert_int_equal(take_away(f, ADA, ""), ERR_REFUSED);
	/* Neither one for a time nor one of a project stands in. */
	assert_added(f, BEN, "user", "admin", "", NOW + 365 * DAY);
	assert_added(f, CAT, "user", "admin", WEB, 0);
	assert_refused("last admin", f, ADA, "user", "maintainer", "", 0);
	assert_int_equal(take_away(f, ADA, TRUST_ALL_SCOPES), ERR_REFUSED);
	assert_string_equal(role_at(f, ADA, "", NOW), "admin");
	/* They themselves can go. */
	assert_int_equal(take_away(f, BEN, TRUST_ALL_SCOPES), ERR_OK);
	assert_added(f, CAT, "user", "admin", "", 0);
	assert_int_equal(take_away(f, ADA, TRUST_ALL_SCOPES), ERR_OK);
	assert_int_equal(take_away(f, ADA, TRUST_ALL_SCOPES), ERR_MISSING);
	assert_string_equal(role_at(f, ADA, "", NOW), "");
}

static void test_one_scope_is_taken_back(void **state)
{
	struct fixture *f = *state;

	assert_added(f, BEN, "user", "maintainer", WEB, 0);
	assert_added(f, BEN, "user", "contributor", "", 0);
	assert_int_equal(take_away(f, BEN, WEB), ERR_OK);
	assert_int_equal(take_away(f, BEN, WEB), ERR_MISSING);
	assert_string_equal(role_at(f, BEN, WEB, NOW), "contributor");
}

static void test_kinds(void **state)
{
	struct fixture *f = *state;

	assert_refused("never commands", f, APP, "app", "maintainer", "", 0);
	assert_refused("organisation", f, ORG, "org", "admin", "", 0);
	assert_added(f, APP, "app", "contributor", "", 0);
	assert_string_equal(role_at(f, APP, WEB, NOW), "");
	assert_true(unasked_at(f, APP, WEB, NOW));
	assert_string_equal(principal_kind("Organization"), "org");
	assert_null(principal_kind("Mannequin"));
	assert_null(principal_kind(""));
}

/* What one person may, an organisation of that id does not inherit. */
static void test_a_person_becomes_an_organisation(void **state)
{
	struct fixture *f = *state;
	struct principal_news news;
	struct error e = ERROR_INIT;

	assert_added(f, ORG, "user", "maintainer", "", 0);
	member(f, BEN, true, NOW);
	assert_string_equal(role_at(f, BEN, WEB, NOW), "");
	assert_int_equal(
		store_principal_named(f->s, ORG, "p50", "org", NOW, &news, &e),
		ERR_OK);
	assert_string_equal(role_at(f, BEN, WEB, NOW), "");
	assert_int_equal(take_away(f, ORG, TRUST_ALL_SCOPES), ERR_MISSING);
}

/* --- organisations --- */

static void test_members(void **state)
{
	struct fixture *f = *state;

	assert_added(f, ORG, "org", "maintainer", WEB, 0);
	assert_string_equal(role_at(f, ORG, WEB, NOW), "");
	assert_string_equal(role_at(f, BEN, WEB, NOW), "");
	assert_true(member(f, BEN, true, NOW));
	assert_false(member(f, CAT, false, NOW));
	assert_string_equal(role_at(f, BEN, WEB, NOW), "maintainer");
	assert_string_equal(role_at(f, BEN, API, NOW), "");
	assert_string_equal(role_at(f, CAT, WEB, NOW), "");
	assert_false(unasked_at(f, CAT, WEB, NOW));
	/* Believed for a while: shorter for a command. */
	assert_string_equal(role_at(f, BEN, WEB, NOW + 5 * MINUTE),
			    "maintainer");
	assert_string_equal(role_at(f, BEN, WEB, NOW + 5 * MINUTE + 1), "");
	assert_true(unasked_at(f, BEN, WEB, NOW + 60 * MINUTE));
	assert_false(unasked_at(f, BEN, WEB, NOW + 60 * MINUTE + 1));
	/* Nothing is believed that comes from the future. */
	assert_false(unasked_at(f, BEN, WEB, NOW - 1));
	assert_true(member(f, BEN, false, NOW));
	assert_string_equal(role_at(f, BEN, WEB, NOW), "");
	assert_int_equal(
		ask(f, "SELECT count(*) FROM audit WHERE action LIKE 'memb%'"),
		2);
}

static void test_what_is_to_be_asked(void **state)
{
	struct fixture *f = *state;
	struct member_question *q;
	struct error e = ERROR_INIT;
	size_t n;

	assert_int_equal(store_member_unsure(f->s, BEN, WEB, NOW, &q, &n, &e),
			 ERR_OK);
	assert_int_equal(n, 0);
	assert_added(f, ORG, "org", "maintainer", WEB, 0);
	assert_int_equal(store_member_unsure(f->s, BEN, API, NOW, &q, &n, &e),
			 ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_member_unsure(f->s, BEN, WEB, NOW, &q, &n, &e),
			 ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(q->org_id, ORG);
	assert_string_equal(q->role, "maintainer");
	free(q);
	member(f, BEN, false, NOW);
	assert_int_equal(store_member_unsure(f->s, BEN, WEB, NOW, &q, &n, &e),
			 ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_member_unsure(f->s, BEN, WEB, NOW + 6 * MINUTE,
					     &q, &n, &e),
			 ERR_OK);
	assert_int_equal(n, 1);
	free(q);
}

/* Authors of open pulls without a word of their own. */
static void test_whose_membership_matters(void **state)
{
	struct fixture *f = *state;
	struct member_question *q;
	struct error e = ERROR_INIT;
	size_t n;

	run(f,
	    "INSERT INTO pull(id, repo, number, title, author_id, author,"
	    " state, draft, base_ref, head_sha, labels, active_ms,"
	    " updated_ms) VALUES"
	    " (1, 'acme/web', 1, '', 1, 'p1', 'open', 0, 'main', '" SHA
	    "', '[]',"
	    "  1, 1),"
	    " (2, 'acme/web', 2, '', 2, 'p2', 'open', 0, 'main', '" SHA
	    "', '[]',"
	    "  1, 1),"
	    " (3, 'acme/web', 3, '', 3, 'p3', 'closed', 0, 'main', '" SHA "',"
	    "  '[]', 1, 1)");
	assert_added(f, ADA, "user", "contributor", "", 0);
	assert_int_equal(store_member_due(f->s, 0, NOW, 9, &q, &n, &e), ERR_OK);
	assert_int_equal(n, 0);
	assert_added(f, ORG, "org", "contributor", "", 0);
	assert_int_equal(store_member_due(f->s, 0, NOW, 9, &q, &n, &e), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(q->user_id, BEN);
	free(q);
	assert_int_equal(store_member_due(f->s, CAT, NOW, 9, &q, &n, &e),
			 ERR_OK);
	assert_int_equal(n, 0);
	member(f, BEN, true, NOW);
	assert_int_equal(
		store_member_due(f->s, 0, NOW + 29 * MINUTE, 9, &q, &n, &e),
		ERR_OK);
	assert_int_equal(n, 0);
	/* Long before it is not believed any more. */
	assert_int_equal(
		store_member_due(f->s, 0, NOW + 31 * MINUTE, 9, &q, &n, &e),
		ERR_OK);
	assert_int_equal(n, 1);
	free(q);
}

/* --- names --- */

static void named(struct fixture *f, int64_t id, const char *login,
		  struct principal_news *ret)
{
	struct error e = ERROR_INIT;

	assert_int_equal(
		store_principal_named(f->s, id, login, "", NOW, ret, &e),
		ERR_OK);
}

static void test_a_login_changes(void **state)
{
	struct fixture *f = *state;
	struct principal_news news;

	assert_added(f, BEN, "user", "maintainer", "", 0); /* as p2 */
	named(f, BEN, "p2", &news);
	assert_string_equal(news.before, "");
	named(f, BEN, "P2", &news); /* the same to the forge */
	assert_string_equal(news.before, "");
	named(f, BEN, "benjamin", &news);
	assert_string_equal(news.before, "P2");
	assert_int_equal(news.before_id, 0);
	assert_string_equal(role_at(f, BEN, WEB, NOW), "maintainer");
	assert_int_equal(ask(f, "SELECT count(*) FROM audit WHERE action ="
				" 'login.changed'"),
			 1);
	/* Somebody takes the old login: noticed, and nothing comes with it. */
	named(f, CAT, "p2", &news);
	assert_int_equal(news.before_id, BEN);
	assert_string_equal(role_at(f, CAT, WEB, NOW), "");
	assert_string_equal(role_at(f, BEN, WEB, NOW), "maintainer");
	/* Once. */
	named(f, CAT, "p2", &news);
	assert_int_equal(news.before_id, 0);
	assert_int_equal(ask(f, "SELECT count(*) FROM audit WHERE action ="
				" 'login.reused'"),
			 1);
}

/* The old login of somebody who was not seen since. */
static void test_a_login_is_taken_before_the_change_is_seen(void **state)
{
	struct fixture *f = *state;
	struct principal_news news;
	struct error e = ERROR_INIT;
	int64_t before;

	assert_added(f, BEN, "user", "maintainer", "", 0);
	assert_int_equal(store_login_before(f->s, "P2", CAT, NOW, &before, &e),
			 ERR_OK);
	assert_int_equal(before, BEN);
	named(f, CAT, "p2", &news);
	assert_int_equal(news.before_id, BEN);
	/* Of a stranger's it is no news. */
	named(f, 4, "dora", &news);
	named(f, 5, "dora", &news);
	assert_int_equal(news.before_id, 0);
}

/* --- what was asked for --- */

static void ask_for(struct fixture *f)
{
	run(f, "INSERT INTO environment(name, schedule_from_ms)"
	       " VALUES('staging', 1);"
	       "INSERT INTO pull(id, repo, number, title, author_id, author,"
	       " state, draft, base_ref, head_sha, labels, active_ms,"
	       " updated_ms) VALUES(1, 'acme/web', 1, '', 9, 'x', 'open', 0,"
	       " 'main', '" SHA "', '[]', 1, 1);"
	       "INSERT INTO request(environment, kind, origin, pull_id, sha,"
	       " base_ref, actor_id, actor, made_ms, state, until_ms)"
	       " VALUES('staging', 'short', 'comment', 1, '" SHA "', 'main', 2,"
	       " 'p2', 1, 'done', 9000000000000)");
}

/* Is the permission one that its giver may not give any more? */
static int64_t ungranted(struct fixture *f)
{
	struct error e = ERROR_INIT;
	struct request *list;
	size_t count;

	assert_int_equal(store_requests_ungranted(f->s, "staging", NOW, &list,
						  &count, &e),
			 ERR_OK);
	free(list);
	return (int64_t)count;
}

static void test_removal_ends_permissions(void **state)
{
	struct fixture *f = *state;

	ask_for(f);
	assert_added(f, BEN, "user", "maintainer", "", 0);
	assert_int_equal(ungranted(f), 0);
	assert_added(f, BEN, "user", "admin", "", 0);
	assert_added(f, ADA, "user", "admin", "", 0);
	assert_int_equal(ungranted(f), 0);
	assert_added(f, BEN, "user", "contributor", "", 0);
	assert_int_equal(ungranted(f), 1);
}

static void test_leaving_an_organisation_voids(void **state)
{
	struct fixture *f = *state;

	ask_for(f);
	assert_added(f, ORG, "org", "maintainer", "", 0);
	member(f, BEN, true, NOW);
	assert_int_equal(ungranted(f), 0);
	member(f, BEN, false, NOW);
	assert_int_equal(ungranted(f), 1);
}

/* What waits is ended with its giver's role, also when it permits nothing any
 * more; what is over is left alone. */
static void test_a_wish_outlives_its_permission(void **state)
{
	struct fixture *f = *state;

	ask_for(f);
	run(f, "UPDATE request SET until_ms = 2");
	assert_int_equal(ungranted(f), 0);
	run(f, "UPDATE request SET state = 'booked'");
	assert_int_equal(ungranted(f), 1);
	run(f, "UPDATE request SET state = 'waiting'");
	assert_int_equal(ungranted(f), 1);
	assert_added(f, BEN, "user", "maintainer", "", 0);
	assert_int_equal(ungranted(f), 0);
}

/* grants.for may be longer than a week: as long as the word counts, it is
 * known whether its giver still belongs there. */
static void test_a_member_is_asked_for_while_the_word_counts(void **state)
{
	struct fixture *f = *state;
	struct member_question *q;
	struct error e = ERROR_INIT;
	size_t n;

	ask_for(f);
	assert_added(f, ORG, "org", "maintainer", "", 0);
	run(f, "UPDATE pull SET state = 'closed'");
	assert_int_equal(store_member_due(f->s, 0, NOW, 9, &q, &n, &e), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(q->user_id, BEN);
	free(q);
	run(f, "UPDATE request SET until_ms = 2");
	assert_int_equal(store_member_due(f->s, 0, NOW, 9, &q, &n, &e), ERR_OK);
	assert_int_equal(n, 0);
	free(q);
}

static void test_an_organisation_is_removed(void **state)
{
	struct fixture *f = *state;

	ask_for(f);
	assert_added(f, ORG, "org", "maintainer", "", 0);
	member(f, BEN, true, NOW);
	assert_int_equal(take_away(f, ORG, TRUST_ALL_SCOPES), ERR_OK);
	assert_int_equal(ungranted(f), 1);
	assert_string_equal(role_at(f, BEN, WEB, NOW), "");
}

static void test_permissions(void **state)
{
	struct fixture *f = *state;
	struct error e = ERROR_INIT;
	char has[16];

	assert_int_equal(store_permission(f->s, WEB, BEN, NOW, has, &e),
			 ERR_OK);
	assert_string_equal(has, "");
	assert_int_equal(store_permission_put(f->s, WEB, BEN, "write", NOW, &e),
			 ERR_OK);
	assert_int_equal(store_permission(f->s, "Acme/WEB", BEN,
					  NOW + 5 * MINUTE, has, &e),
			 ERR_OK);
	assert_string_equal(has, "write");
	assert_int_equal(
		store_permission(f->s, WEB, BEN, NOW + 5 * MINUTE + 1, has, &e),
		ERR_OK);
	assert_string_equal(has, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(test_##f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(scope_and_expiry),
		TEST(unasked_is_another_question),
		TEST(last_admin),
		TEST(one_scope_is_taken_back),
		TEST(kinds),
		TEST(a_person_becomes_an_organisation),
		TEST(members),
		TEST(what_is_to_be_asked),
		TEST(whose_membership_matters),
		TEST(a_login_changes),
		TEST(a_login_is_taken_before_the_change_is_seen),
		TEST(removal_ends_permissions),
		TEST(leaving_an_organisation_voids),
		TEST(a_wish_outlives_its_permission),
		TEST(a_member_is_asked_for_while_the_word_counts),
		TEST(an_organisation_is_removed),
		TEST(permissions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
