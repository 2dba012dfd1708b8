/* store/inbox.c: the journal of deliveries, on a real file. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "bot/base/fs.h"
#include "store/db.h"
#include "store/inbox.h"
#include "store/pack.h"

static char folder[200];
static char path[256];

static int set_up(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/inbox.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/inbox.db", folder);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	return fs_remove_tree(folder, &e) ? -1 : 0;
}

static struct inbox *open_or_fail(void)
{
	struct error e = ERROR_INIT;
	struct inbox *i = inbox_open(path, &e);

	if (!i)
		fail_msg("%s", e.text);
	return i;
}

static struct inbox *read_or_fail(void)
{
	struct error e = ERROR_INIT;
	struct inbox *i = inbox_open_reader(path, &e);

	if (!i)
		fail_msg("%s", e.text);
	return i;
}

static struct inbox_delivery delivery(const char *guid, const char *body)
{
	return (struct inbox_delivery){
		.guid = guid,
		.event = "issue_comment",
		.body = body,
		.len = strlen(body),
		.received_ms = 1000,
	};
}

static void add(struct inbox *i, const char *guid, const char *body,
		int64_t received_ms)
{
	struct inbox_delivery d = delivery(guid, body);
	struct error e = ERROR_INIT;

	d.received_ms = received_ms;
	if (inbox_add(i, &d, 1, &e))
		fail_msg("%s", e.text);
	assert_false(d.duplicate);
}

static void assert_next(struct inbox *i, int64_t after, int64_t seq,
			const char *body)
{
	struct inbox_delivery d;
	struct error e = ERROR_INIT;

	if (inbox_next(i, after, &d, &e))
		fail_msg("%s", e.text);
	assert_int_equal(d.seq, seq);
	if (!body) {
		assert_null(d.body);
		return;
	}
	assert_int_equal(d.len, strlen(body));
	assert_memory_equal(d.body, body, d.len);
}

static void test_a_group_comes_back_in_order(void **state UNUSED)
{
	/* printf abc | sha256sum */
	static const unsigned char abc[] = {0xba, 0x78, 0x16, 0xbf};
	struct error e = ERROR_INIT;
	CLEANUP(inbox_close) struct inbox *w = open_or_fail();
	CLEANUP(inbox_close) struct inbox *r = read_or_fail();
	struct inbox_delivery d[] = {delivery("g1", "abc"), delivery("g2", ""),
				     delivery("g3", "third")};
	struct inbox_delivery got;

	assert_int_equal(inbox_last(r), 0);
	assert_int_equal(inbox_next(r, 0, &got, &e), ERR_MISSING);
	assert_int_equal(inbox_add(w, d, 3, &e), ERR_OK);
	assert_int_equal(d[2].seq, 3);
	assert_int_equal(inbox_depth(r, 0), 3);
	assert_int_equal(inbox_depth(r, 2), 1);
	assert_int_equal(inbox_last(r), 3);

	assert_int_equal(inbox_next(r, 0, &got, &e), ERR_OK);
	assert_string_equal(got.guid, "g1");
	assert_string_equal(got.event, "issue_comment");
	assert_int_equal(got.received_ms, 1000);
	inbox_hash(&got);
	assert_memory_equal(got.body_hash, abc, sizeof(abc));
	assert_next(r, 0, 1, "abc");
	assert_next(r, 1, 2, "");
	assert_next(r, 2, 3, "third");
	assert_int_equal(inbox_next(r, 3, &got, &e), ERR_MISSING);
}

static void test_duplicates(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	CLEANUP(inbox_close) struct inbox *w = open_or_fail();
	struct inbox_delivery group[] = {delivery("g", "first"),
					 delivery("g", "again"),
					 delivery("G", "other case, other id")};
	struct inbox_delivery later = delivery("g", "later");

	assert_int_equal(inbox_add(w, group, 3, &e), ERR_OK);
	assert_false(group[0].duplicate);
	assert_true(group[1].duplicate);
	assert_false(group[2].duplicate);
	assert_int_equal(inbox_add(w, &later, 1, &e), ERR_OK);
	assert_true(later.duplicate);
	assert_int_equal(inbox_depth(w, 0), 2);
	assert_next(w, 0, 1, "first");
}

static void test_a_group_is_all_or_nothing(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	CLEANUP(inbox_close) struct inbox *w = open_or_fail();
	struct inbox_delivery d[] = {delivery("g1", "a"), delivery("", "b"),
				     delivery("g3", "c")};

	assert_int_not_equal(inbox_add(w, d, 3, &e), ERR_OK);
	assert_int_equal(inbox_depth(w, 0), 0);
	add(w, "g1", "a", 1); /* the handle goes on */
	assert_int_equal(inbox_depth(w, 0), 1);
}

static void test_bodies_survive_packing(void **state UNUSED)
{
	static const size_t sizes[] = {0,     1,      255,     256,	 257,
				       65536, 131073, 3000000, 25u << 20};
	CLEANUP(inbox_close) struct inbox *w = open_or_fail();
	CLEANUP(inbox_close) struct inbox *r = read_or_fail();
	unsigned char *body = malloc(25u << 20);
	uint32_t random = 12345;
	int64_t seq = 0;

	assert_non_null(body);
	for (size_t n = 0; n < ARRAY_SIZE(sizes) * 2; n++) {
		size_t len = sizes[n / 2];
		bool noise = n % 2; /* cannot be packed */
		char guid[32];
		struct inbox_delivery d = {.guid = guid,
					   .event = "push",
					   .body = body,
					   .len = len};
		struct inbox_delivery got;
		struct error e = ERROR_INIT;

		if (noise && len > 3000000)
			continue; /* slow, and nothing new */
		for (size_t b = 0; b < len; b++) {
			random = random * 1664525 + 1013904223;
			body[b] = noise ? (unsigned char)(random >> 24)
					: (unsigned char)"json"[random >> 30];
		}
		snprintf(guid, sizeof(guid), "g%zu", n);
		assert_int_equal(inbox_add(w, &d, 1, &e), ERR_OK);
		assert_int_equal(inbox_next(r, seq, &got, &e), ERR_OK);
		assert_int_equal(got.len, len);
		assert_memory_equal(got.body, body, len);
		seq = got.seq;
	}
	free(body);
}

static void execute(const char *sql)
{
	sqlite3 *h;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
}

static void test_a_damaged_body_is_an_error(void **state UNUSED)
{
	CLEANUP(inbox_close) struct inbox *w = open_or_fail();
	struct error e = ERROR_INIT;
	struct inbox_delivery got;
	char body[1000];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	add(w, "g1", body, 1);
	add(w, "g2", "good", 1);
	execute("UPDATE delivery SET body = x'00112233' WHERE seq = 1");
	assert_int_equal(inbox_next(w, 0, &got, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "delivery 1"));
	execute("UPDATE delivery SET size = 1 << 40 WHERE seq = 1");
	assert_int_equal(inbox_next(w, 0, &got, &e), ERR_INVALID);
	assert_next(w, 1, 2, "good");
}

static void test_journal_id(void **state UNUSED)
{
	char first[33];
	struct inbox *w = open_or_fail();

	assert_int_equal(strlen(inbox_journal_id(w)), 32);
	assert_int_equal(strspn(inbox_journal_id(w), "0123456789abcdef"), 32);
	strncpy(first, inbox_journal_id(w), sizeof(first));
	inbox_close(w);
	w = open_or_fail();
	assert_string_equal(inbox_journal_id(w), first);
	inbox_close(w);
	assert_int_equal(unlink(path), 0);
	w = open_or_fail();
	assert_string_not_equal(inbox_journal_id(w), first);
	inbox_close(w);
}

static void test_prune(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	CLEANUP(inbox_close) struct inbox *w = open_or_fail();
	struct inbox_delivery again = delivery("g2", "again");

	add(w, "g1", "one", 100);
	add(w, "g2", "two", 200);
	add(w, "g3", "three", 300);
	add(w, "g4", "four", 100);
	/* Not read yet (seq > upto) or young enough: kept. */
	assert_int_equal(inbox_prune(w, 3, 300, 200, &e), ERR_OK);
	assert_next(w, 0, 2, NULL);
	assert_next(w, 2, 3, "three");
	assert_next(w, 3, 4, "four");
	assert_int_equal(inbox_add(w, &again, 1, &e), ERR_OK);
	assert_true(again.duplicate);

	/* A number is never given twice, even when all may go. */
	assert_int_equal(inbox_prune(w, INT64_MAX, 1000, 1000, &e), ERR_OK);
	assert_int_equal(inbox_last(w), 4);
	assert_next(w, 0, 4, NULL);
	assert_int_equal(inbox_depth(w, 4), 0);
	assert_int_equal(inbox_depth(w, 9), 0);
	add(w, "g5", "five", 2000);
	assert_int_equal(inbox_depth(w, 4), 1);
	assert_int_equal(inbox_last(w), 5);
	assert_int_equal(inbox_prune(w, 4, 1000, 1000, &e), ERR_OK);
	assert_next(w, 0, 5, "five");
}

static void test_checkpoint_keeps_the_log_short(void **state UNUSED)
{
	CLEANUP(inbox_close) struct inbox *w = open_or_fail();
	CLEANUP(inbox_close) struct inbox *other = open_or_fail();
	CLEANUP(inbox_close) struct inbox *r = read_or_fail();
	char guid[16];

	for (int n = 0; n < 200; n++) {
		snprintf(guid, sizeof(guid), "g%d", n);
		add(w, guid, "body", 1);
	}
	/* Nobody does it behind our back ... */
	assert_true(inbox_log_pages(w) >= 400);
	assert_next(r, 0, 1, "body"); /* ... and a reader is not in the way */
	inbox_checkpoint(other);
	add(w, "last", "body", 1);
	assert_true(inbox_log_pages(w) < 20);
	assert_int_equal(inbox_depth(r, 0), 201);
}

static void test_probe_writes(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	CLEANUP(inbox_close) struct inbox *w = open_or_fail();
	int64_t before = inbox_log_pages(w);

	assert_int_equal(inbox_probe(w, 77, &e), ERR_OK);
	assert_true(inbox_log_pages(w) > before);
}

/* One thread writes, one reads, one prunes, one checkpoints. */
#define MANY 400

static atomic_bool over;

static void *write_all(void *ctx UNUSED)
{
	struct error e = ERROR_INIT;
	struct inbox *w = inbox_open(path, &e);
	char guid[16];

	for (int n = 1; w && n <= MANY; n++) {
		struct inbox_delivery d;

		snprintf(guid, sizeof(guid), "g%d", n);
		d = delivery(guid, guid);
		if (inbox_add(w, &d, 1, &e))
			break;
	}
	if (w)
		inbox_close(w);
	return NULL;
}

static void *prune_all(void *ctx UNUSED)
{
	struct error e = ERROR_INIT;
	struct inbox *w = inbox_open(path, &e);
	bool good = w;

	while (good && !atomic_load(&over))
		good = !inbox_prune(w, MANY / 2, 2000, 0, &e);
	if (w)
		inbox_close(w);
	return good ? NULL : (void *)1;
}

static void *checkpoint_all(void *ctx UNUSED)
{
	struct error e = ERROR_INIT;
	struct inbox *w = inbox_open(path, &e);

	while (w && !atomic_load(&over))
		inbox_checkpoint(w);
	if (w)
		inbox_close(w);
	return NULL;
}

static void test_reader_beside_writers(void **state UNUSED)
{
	void *(*const work[])(void *) = {write_all, prune_all, checkpoint_all};
	CLEANUP(inbox_close) struct inbox *maker UNUSED = open_or_fail();
	CLEANUP(inbox_close) struct inbox *r = read_or_fail();
	pthread_t threads[ARRAY_SIZE(work)];
	int64_t seq = 0;

	atomic_store(&over, false);
	for (size_t n = 0; n < ARRAY_SIZE(work); n++)
		assert_int_equal(
			pthread_create(&threads[n], NULL, work[n], NULL), 0);
	while (seq < MANY) {
		struct error e = ERROR_INIT;
		struct inbox_delivery got;
		enum err code = inbox_next(r, seq, &got, &e);
		char guid[16];

		if (code == ERR_MISSING)
			continue;
		assert_int_equal(code, ERR_OK);
		assert_int_equal(got.seq, ++seq); /* none skipped */
		snprintf(guid, sizeof(guid), "g%d", (int)seq);
		assert_string_equal(got.guid, guid);
		if (got.body)
			assert_memory_equal(got.body, guid, strlen(guid));
		else
			assert_true(seq <= MANY / 2);
	}
	atomic_store(&over, true);
	for (size_t n = 0; n < ARRAY_SIZE(work); n++) {
		void *bad;

		pthread_join(threads[n], &bad);
		assert_null(bad);
	}
}

static void test_reader_needs_a_file(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	assert_null(inbox_open_reader(path, &e));
	assert_int_equal(e.code, ERR_FATAL);
	assert_int_not_equal(access(path, F_OK), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_group_comes_back_in_order),
		TEST(test_duplicates),
		TEST(test_a_group_is_all_or_nothing),
		TEST(test_bodies_survive_packing),
		TEST(test_a_damaged_body_is_an_error),
		TEST(test_journal_id),
		TEST(test_prune),
		TEST(test_checkpoint_keeps_the_log_short),
		TEST(test_probe_writes),
		TEST(test_reader_beside_writers),
		TEST(test_reader_needs_a_file),
	};

	return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
