/*
 * The audit's chain against somebody who can write to the file, and how an
 * entry is shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "bot/audit_text.h"
#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/operator.h"
#include "store/audit.h"

#define ENTRIES 8

static char folder[200];
static char path[256];

static struct store *open_store(void)
{
	struct error e = ERROR_INIT;
	struct store *s = store_open(path, &e);

	if (!s)
		fail_msg("%s", e.text);
	return s;
}

static void add(struct store *s, const char *why, json_t *evidence)
{
	struct error e = ERROR_INIT;

	assert_int_equal(store_begin(s, &e), ERR_OK);
	assert_int_equal(store_audit_with(s, 1000, "mona (11)", "deploy",
					  "o/r#7", why, evidence, &e),
			 ERR_OK);
	assert_int_equal(store_commit(s, &e), ERR_OK);
}

static void fill_with(size_t count, const char *why)
{
	struct store *s = open_store();

	for (size_t i = 0; i < count; i++)
		add(s, why, json_pack("{s:I}", "comment", (json_int_t)i));
	store_close(s);
}

static void fill(size_t count)
{
	fill_with(count, "asked");
}

static int set_up(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	if (sodium_init() < 0)
		return -1;
	snprintf(folder, sizeof(folder), "%s/audit.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/kcibot.db", folder);
	fill(ENTRIES);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	return fs_remove_tree(folder, &e) ? -1 : 0;
}

static void execute(const char *sql)
{
	char *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

/* With the guards gone: whoever writes to the file can do that, too. */
static void tamper(const char *sql)
{
	execute("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;"
		"DROP TRIGGER audit_no_replace");
	execute(sql);
}

static void verify(struct audit_report *ret)
{
	struct error e = ERROR_INIT;
	struct store *s = store_open_reader(path, &e);

	assert_non_null(s);
	assert_int_equal(store_begin(s, &e), ERR_OK);
	assert_int_equal(store_audit_verify(s, NULL, NULL, ret, &e), ERR_OK);
	store_rollback(s);
	store_close(s);
}

static void assert_intact(int64_t count)
{
	struct audit_report r;

	verify(&r);
	if (r.broken)
		fail_msg("entry %lld: %s", (long long)r.broken_id,
			 r.broken_how);
	assert_int_equal(r.count, count);
	assert_int_equal(r.head.id, count);
}

static void assert_broken(int64_t id, const char *how)
{
	struct audit_report r;

	verify(&r);
	assert_true(r.broken);
	if (r.broken_id != id || !strstr(r.broken_how, how))
		fail_msg("entry %lld: %s, instead of %lld: %s",
			 (long long)r.broken_id, r.broken_how, (long long)id,
			 how);
}

static void test_intact(void **state UNUSED)
{
	assert_intact(ENTRIES);
	fill(2);
	assert_intact(ENTRIES + 2);
}

static void test_nothing_but_appending(void **state UNUSED)
{
	static const char *const attempts[] = {
		"UPDATE audit SET why = 'x' WHERE id = 3",
		"DELETE FROM audit WHERE id = 3",
		"INSERT OR REPLACE INTO audit(id, at_ms, actor, action,"
		" subject, why) VALUES(3, 1, '', '', '', '')",
		"REPLACE INTO audit(id, at_ms, actor, action, subject, why)"
		" VALUES(8, 1, '', '', '', '')",
		"INSERT INTO audit(id, at_ms, actor, action, subject, why,"
		" hash) VALUES(9, 1, '', '', '', '', x'00')",
	};
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		if (sqlite3_exec(db, attempts[i], NULL, NULL, NULL) ==
		    SQLITE_OK)
			fail_msg("done: %s", attempts[i]);
	sqlite3_close(db);
	assert_intact(ENTRIES);
}

/* Every column counts, also a NUL and a word that moves to the next one. */
static void test_changes_are_found(void **state UNUSED)
{
	static const char *const changes[] = {
		"at_ms = at_ms + 1",
		"actor = 'eve (6)'",
		"action = 'skip'",
		"subject = 'o/r#8'",
		"why = ''",
		"evidence = ''",
		"evidence = '{\"comment\":9}'",
		"hash = zeroblob(32)",
		"why = why || char(0) || 'more'",
		"subject = subject || 'a', why = substr(why, 2)",
		"actor = actor || action, action = ''",
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		char sql[200];

		if (i) {
			tear_down(NULL);
			set_up(NULL);
		}
		snprintf(sql, sizeof(sql), "UPDATE audit SET %s WHERE id = 4",
			 changes[i]);
		tamper(sql);
		assert_broken(4, "changed");
	}
}

static void test_hash_taken_away(void **state UNUSED)
{
	tamper("UPDATE audit SET hash = NULL, prev = NULL WHERE id = 4");
	assert_broken(4, "hash is missing");
}

/* All of it made to look older than the chain. */
static void test_hashes_taken_away(void **state UNUSED)
{
	tamper("UPDATE audit SET why = 'x' WHERE id = 2;"
	       "UPDATE audit SET hash = NULL, prev = NULL WHERE id < 5");
	assert_broken(5, "older entries");
}

static void test_other_predecessor(void **state UNUSED)
{
	tamper("UPDATE audit SET prev = zeroblob(32) WHERE id = 5");
	assert_broken(5, "does not follow");
}

static void test_deleted_in_the_middle(void **state UNUSED)
{
	tamper("DELETE FROM audit WHERE id = 5");
	assert_broken(5, "it is missing");
}

static void test_several_deleted(void **state UNUSED)
{
	tamper("DELETE FROM audit WHERE id IN (3, 4)");
	assert_broken(3, "3 to 4 are missing");
}

static void test_first_deleted(void **state UNUSED)
{
	tamper("DELETE FROM audit WHERE id = 1");
	assert_broken(1, "missing");
}

static void test_deleted_and_numbers_closed_up(void **state UNUSED)
{
	tamper("DELETE FROM audit WHERE id = 5;"
	       "UPDATE audit SET id = id - 1 WHERE id > 5");
	assert_broken(5, "does not follow");
}

static void test_two_swapped(void **state UNUSED)
{
	tamper("UPDATE audit SET id = -3 WHERE id = 3;"
	       "UPDATE audit SET id = 3 WHERE id = 4;"
	       "UPDATE audit SET id = 4 WHERE id = -3");
	assert_broken(3, "does not follow");
}

static void test_one_put_in(void **state UNUSED)
{
	tamper("UPDATE audit SET id = -id WHERE id > 4;"
	       "UPDATE audit SET id = 1 - id WHERE id < 0;"
	       "INSERT INTO audit(id, at_ms, actor, action, subject, why,"
	       " prev, hash) SELECT 5, at_ms, actor, 'skip', subject, why,"
	       " hash, zeroblob(32) FROM audit WHERE id = 4");
	assert_broken(5, "changed");
}

static void test_one_put_before_all(void **state UNUSED)
{
	tamper("INSERT INTO audit(id, at_ms, actor, action, subject, why)"
	       " VALUES(0, 1, '', '', '', '')");
	assert_broken(0, "no entry has such a number");
}

/* The head is kept beside the entries. */
static void test_end_cut_off(void **state UNUSED)
{
	tamper("DELETE FROM audit WHERE id = 8");
	assert_broken(8, "missing");
	/* What comes later does not heal it. */
	fill(3);
	assert_broken(8, "missing");
}

static void test_end_emptied(void **state UNUSED)
{
	tamper("DELETE FROM audit");
	assert_broken(1, "1 to 8 are missing");
}

static void test_added_at_the_end(void **state UNUSED)
{
	tamper("INSERT INTO audit(id, at_ms, actor, action, subject, why,"
	       " prev, hash) SELECT 9, 1, 'eve', '', '', '', hash,"
	       " zeroblob(32) FROM audit WHERE id = 8");
	assert_broken(9, "changed");
	fill(1);
	assert_broken(9, "changed");
}

/* The hash has no key: the entry itself is well made, but our head is not
 * it.  Here it was really added, and then our head put back. */
static void test_forged_at_the_end(void **state UNUSED)
{
	tamper("CREATE TABLE before AS SELECT value FROM meta"
	       " WHERE key = 'audit_head'");
	fill(1);
	execute("UPDATE meta SET value = (SELECT value FROM before)"
		" WHERE key = 'audit_head'");
	assert_broken(9, "added by somebody else");
	fill(1);
	assert_broken(10, "does not follow");
}

/* The last one, well made, instead of ours. */
static void test_last_replaced(void **state UNUSED)
{
	tamper("CREATE TABLE before AS SELECT value FROM meta"
	       " WHERE key = 'audit_head';"
	       "DELETE FROM audit WHERE id = 8;"
	       "UPDATE meta SET value = (SELECT id || ':' || lower(hex(hash))"
	       " FROM audit WHERE id = 7) WHERE key = 'audit_head'");
	fill_with(1, "other");
	assert_intact(8);
	execute("UPDATE meta SET value = (SELECT value FROM before)"
		" WHERE key = 'audit_head'");
	assert_broken(8, "replaced");
}

static void test_head_replaced(void **state UNUSED)
{
	tamper("DELETE FROM meta WHERE key = 'audit_head'");
	assert_broken(8, "record of the last entry");
	/* Another start does not bless it. */
	store_close(open_store());
	assert_broken(8, "record of the last entry");
	fill(1);
	assert_broken(9, "does not follow");
}

/* What the file alone cannot tell, a noted head can. */
static void test_end_and_head_cut_off(void **state UNUSED)
{
	struct audit_report before, after;

	fill(2);
	verify(&before);
	tamper("DELETE FROM audit WHERE id > 8;"
	       "UPDATE meta SET value = (SELECT id || ':' || lower(hex(hash))"
	       " FROM audit WHERE id = 8) WHERE key = 'audit_head'");
	verify(&after);
	assert_false(after.broken);
	assert_true(after.head.id < before.head.id);
}

static void test_rolled_back_leaves_no_gap(void **state UNUSED)
{
	struct store *s = open_store();
	struct error e = ERROR_INIT;

	assert_int_equal(store_begin(s, &e), ERR_OK);
	assert_int_equal(store_audit(s, 1, AUDIT_BOT, "a", "b", "c", &e),
			 ERR_OK);
	store_rollback(s);
	add(s, "after", NULL);
	store_close(s);
	assert_intact(ENTRIES + 1);
}

static void test_head_text(void **state UNUSED)
{
	static const char *const wrong[] = {
		"",	 ":",	  "8",	"8:",	"8:00",
		"-8:00", " 8:00", "8x", "8:zz", ":00",
	};
	char text[AUDIT_HEAD_TEXT_SIZE], longer[AUDIT_HEAD_TEXT_SIZE + 2];
	struct audit_head head = {.id = INT64_MAX}, again;

	memset(head.hash, 0xa5, sizeof(head.hash));
	audit_head_text(&head, text);
	assert_true(audit_head_parse(text, &again));
	assert_int_equal(again.id, head.id);
	assert_memory_equal(again.hash, head.hash, AUDIT_HASH_SIZE);
	snprintf(longer, sizeof(longer), "%s0", text);
	assert_false(audit_head_parse(longer, &again));
	text[strlen(text) - 1] = '\0';
	assert_false(audit_head_parse(text, &again));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(audit_head_parse(wrong[i], &again));
}

/* --- evidence --- */

struct last {
	char evidence[256];
	char hash[2 * AUDIT_HASH_SIZE + 1];
};

static void take_last(void *ctx, const struct audit_row *row)
{
	struct last *last = ctx;

	snprintf(last->evidence, sizeof(last->evidence), "%s", row->evidence);
	sodium_bin2hex(last->hash, sizeof(last->hash), row->hash,
		       AUDIT_HASH_SIZE);
}

static void read_last(struct last *ret)
{
	struct error e = ERROR_INIT;
	struct audit_report r;
	struct store *s = store_open_reader(path, &e);

	assert_non_null(s);
	assert_int_equal(store_audit_verify(s, take_last, ret, &r, &e), ERR_OK);
	assert_false(r.broken);
	store_close(s);
}

static void test_evidence(void **state UNUSED)
{
	struct store *s = open_store();
	json_t *big = json_object();
	struct last last;
	char *noise = calloc(1, LIMIT_AUDIT_EVIDENCE + 1);

	add(s, "x", json_pack("{s:s, s:i}", "b", "two", "a", 1));
	read_last(&last);
	assert_string_equal(last.evidence, "{\"a\":1,\"b\":\"two\"}");
	memset(noise, 'x', LIMIT_AUDIT_EVIDENCE);
	json_object_set_new(big, "noise", json_string(noise));
	free(noise);
	add(s, "x", big);
	read_last(&last);
	assert_string_equal(last.evidence, "{\"too_long\":65548}");
	add(s, "x", NULL);
	read_last(&last);
	assert_string_equal(last.evidence, "");
	store_close(s);
}

/*
 * Computed by hand from what the header says, so that others can check a
 * chain without this program and no later version reads it in another way.
 */
static void test_the_hash_is_as_documented(void **state UNUSED)
{
	static const char *const texts[] = {"kcibot", "start", "s", "",
					    "{\"a\":1}"};
	unsigned char bytes[512] = {0}, hash[AUDIT_HASH_SIZE];
	size_t len = AUDIT_HASH_SIZE;
	char want[2 * AUDIT_HASH_SIZE + 1];
	struct error e = ERROR_INIT;
	struct store *s;
	struct last last;

	bytes[len] = 1; /* id */
	len += 8;
	bytes[len] = 0x34; /* at_ms */
	bytes[len + 1] = 0x12;
	len += 8;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t n = strlen(texts[i]);

		bytes[len] = (unsigned char)n;
		len += 8;
		memcpy(bytes + len, texts[i], n);
		len += n;
	}
	crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
	sodium_bin2hex(want, sizeof(want), hash, sizeof(hash));

	unlink(path);
	s = open_store();
	assert_int_equal(store_begin(s, &e), ERR_OK);
	assert_int_equal(store_audit_with(s, 0x1234, texts[0], texts[1],
					  texts[2], texts[3],
					  json_pack("{s:i}", "a", 1), &e),
			 ERR_OK);
	assert_int_equal(store_commit(s, &e), ERR_OK);
	store_close(s);
	read_last(&last);
	assert_string_equal(last.hash, want);
}

/* --- how it is shown --- */

static struct audit_row hostile_row(void)
{
	static const unsigned char zeros[AUDIT_HASH_SIZE];

	return (struct audit_row){
		.id = 7,
		.at_ms = 1790000000000LL,
		.actor = "eve\n2026 mona (11)",
		.action = "refused",
		.subject = "o/r#7\tx \xe2\x80\xae"
			   "cba",
		.why = "\x1b[2J \xff ghp_012345678901234567890123456789012345",
		.evidence = "{\"a\":[\"ghp_012345678901234567890123456789012345"
			    "\",1,{\"b\":\"\\u202e\"}]}",
		.chained = true,
		.prev = zeros,
		.hash = zeros,
	};
}

static void test_line_is_one_line_and_plain(void **state UNUSED)
{
	CLEANUP(str_release) struct str out = STR_INIT(4096);
	struct audit_row row = hostile_row();
	size_t tabs = 0;

	audit_line(&out, &row);
	for (size_t i = 0; i < out.len; i++) {
		assert_true(out.text[i] == '\t' ||
			    (out.text[i] >= ' ' && out.text[i] <= '~'));
		tabs += out.text[i] == '\t';
	}
	assert_int_equal(tabs, 5);
	assert_non_null(
		strstr(out.text, "2026-09-21T14:13:20Z\t7\teve\\u000a"));
	assert_non_null(strstr(out.text, "\\u0009x \\u202ecba"));
	assert_non_null(strstr(out.text, "\\u001b[2J \\xff [redacted]"));
}

static void test_json_is_json(void **state UNUSED)
{
	struct audit_row row = hostile_row();
	CLEANUP(json_decref) json_t *object = audit_json(&row);
	CLEANUP(free)
	char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);

	assert_non_null(text);
	assert_null(strstr(text, "ghp_"));
	assert_null(strchr(text, '\n'));
	assert_string_equal(js_str(object, "actor"), row.actor);
	assert_non_null(strstr(js_str(object, "why"), "\\xff"));
	assert_int_equal(strlen(js_str(object, "hash")), 64);
	assert_non_null(strstr(text, "\"a\":[\"[redacted]\",1,{\"b\":\"\\u202E"
				     "\"}]"));
	row.chained = false;
	row.evidence = "no { JSON";
	json_decref(object);
	object = audit_json(&row);
	assert_true(json_is_null(json_object_get(object, "hash")));
	assert_string_equal(js_str(object, "evidence"), "no { JSON");
}

/* --- who --- */

static void test_actor(void **state UNUSED)
{
	char actor[AUDIT_ACTOR_SIZE], name[OPERATOR_SIZE];
	CLEANUP(json_decref)
	json_t *call = json_pack("{s:s, s:s}", "op", "say", "by", "somebody");

	audit_actor(actor, sizeof(actor), "", "mona", 11);
	assert_string_equal(actor, "mona (11)");
	audit_actor(actor, sizeof(actor), "operator root (uid 0)", "mona", 11);
	assert_string_equal(actor, "operator root (uid 0) as mona (11)");
	operator_name(name, 0);
	assert_string_equal(name, "operator root (uid 0)");
	operator_name(name, 4000000001u);
	assert_string_equal(name, "operator without a name (uid 4000000001)");
	/* What the caller claims is gone. */
	operator_sign(call, 0);
	assert_string_equal(js_str(call, "by"), "operator root (uid 0)");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_intact),
		TEST(test_nothing_but_appending),
		TEST(test_changes_are_found),
		TEST(test_hash_taken_away),
		TEST(test_hashes_taken_away),
		TEST(test_other_predecessor),
		TEST(test_deleted_in_the_middle),
		TEST(test_several_deleted),
		TEST(test_first_deleted),
		TEST(test_deleted_and_numbers_closed_up),
		TEST(test_two_swapped),
		TEST(test_one_put_in),
		TEST(test_one_put_before_all),
		TEST(test_end_cut_off),
		TEST(test_end_emptied),
		TEST(test_added_at_the_end),
		TEST(test_forged_at_the_end),
		TEST(test_last_replaced),
		TEST(test_head_replaced),
		TEST(test_end_and_head_cut_off),
		TEST(test_rolled_back_leaves_no_gap),
		TEST(test_head_text),
		TEST(test_evidence),
		TEST(test_the_hash_is_as_documented),
		TEST(test_line_is_one_line_and_plain),
		TEST(test_json_is_json),
		TEST(test_actor),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
