/*
 * Incidents of other bots at the door (docs/security.md): signatures, and
 * bodies made to break who reads them.  S9 and S10 are tried over HTTP against
 * the real intake, S11 there and, with bodies that are signed, in the engine.
 */
#include "tests/unit/engine_world.h"
#include "tests/unit/http_client.h"

#include <sys/resource.h>

#include "bot/base/limits.h"
#include "bot/intake.h"
#include "bot/signature.h"

#define BODY "{\"zen\":\"Design for failure.\"}"

static char folder[200];
static char journal[256];
static char secret[256];
static struct intake *intake;

static void put_secret(const char *text)
{
	struct error e = ERROR_INIT;

	world_must(fs_write(secret, text, strlen(text), 0600, &e), &e);
}

static int set_up(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	log_set_level(LOG_ERROR);
	snprintf(folder, sizeof(folder), "%s/door.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(journal, sizeof(journal), "%s/inbox.db", folder);
	snprintf(secret, sizeof(secret), "%s/secret", folder);
	put_secret(TEST_SECRET "\n");
	return 0;
}

static int tear_down(void **state UNUSED)
{
	struct error e = ERROR_INIT;

	if (intake)
		intake_stop(intake);
	intake = NULL;
	return fs_remove_tree(folder, &e) ? -1 : 0;
}

static struct intake *open_door(struct error *e)
{
	struct intake_settings s = {
		.host = "127.0.0.1",
		.inbox_path = journal,
		.secret_file = secret,
		.clock = &clock_system,
		.request_ms = 120000,
		.idle_ms = 3600000,
		.connections = LIMIT_CONNECTIONS,
	};

	return intake_start(&s, e);
}

static void start(void)
{
	struct error e = ERROR_INIT;

	intake = open_door(&e);
	if (!intake)
		fail_msg("%s", e.text);
}

static int64_t journaled(void)
{
	struct error e = ERROR_INIT;
	CLEANUP(inbox_close)
	struct inbox *i = inbox_open_reader(journal, &e);

	assert_non_null(i);
	return inbox_depth(i, 0);
}

static int post_signed(const char *signature)
{
	return http_post(intake_port(intake),
			 &(struct post){.body = BODY, .signature = signature});
}

static void right_signature(char ret[80])
{
	http_sign(&(struct post){.body = BODY}, ret);
}

/* --- S9 --- */

/*
 * There: strings were compared byte by byte until the first that differed,
 * and the time told how far one was.  Here: 32 raw bytes are compared in
 * constant time; a near miss is a miss, wherever it differs and however long
 * it is, with the same words.
 */
static void s09_near_misses(void **state UNUSED)
{
	char right[80], near[90];

	right_signature(right);
	start();
	for (size_t i = 0; i < strlen(right); i++) {
		snprintf(near, sizeof(near), "%s", right);
		near[i] = near[i] == '0' ? '1' : '0';
		assert_int_equal(post_signed(near), 401);
		/* The right one up to there, and one digit more than all. */
		snprintf(near, sizeof(near), "%.*s", (int)i, right);
		assert_int_equal(post_signed(near), 401);
	}
	snprintf(near, sizeof(near), "%s0", right);
	assert_int_equal(post_signed(near), 401);
	assert_int_equal(journaled(), 0);
	assert_int_equal(post_signed(right), 202);
	assert_int_equal(journaled(), 1);
}

/* --- S10 --- */

static void hex_of(const char *digest, const char *key, char *ret, size_t size)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = sizeof(mac);

	HMAC(EVP_get_digestbyname(digest), key, (int)strlen(key),
	     (const unsigned char *)BODY, strlen(BODY), mac, &len);
	for (unsigned n = 0; n < len && 2 * n + 3 < size; n++)
		snprintf(ret + 2 * n, 3, "%02x", mac[n]);
}

/*
 * There: the sender chose the algorithm (SHA-1, or none).  Here: only
 * SHA-256, under its own name; what is right under another is refused.
 */
static void s10_the_sender_chooses_no_algorithm(void **state UNUSED)
{
	static const char *const names[] = {"md5",	 "sha1",   "sha224",
					    "sha384",	 "sha512", "sha3-256",
					    "blake2s256"};
	char hex[200], header[300], right[80];

	right_signature(right);
	start();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct post p = {.body = BODY};

		hex_of(names[i], TEST_SECRET, hex, sizeof(hex));
		snprintf(header, sizeof(header), "%s=%s", names[i], hex);
		assert_int_equal(post_signed(header), 401);
		snprintf(header, sizeof(header), "sha256=%s", hex);
		assert_int_equal(post_signed(header), 401);
		/* As it was before there was the other header. */
		p.signature = "";
		snprintf(header, sizeof(header), "X-Hub-Signature: %s=%s\r\n",
			 names[i], hex);
		p.extra = header;
		assert_int_equal(http_post(intake_port(intake), &p), 401);
	}
	snprintf(header, sizeof(header), "none=%s", right + 7);
	assert_int_equal(post_signed(header), 401);
	assert_int_equal(post_signed("none"), 401);
	assert_int_equal(post_signed("sha256="), 401);
	/* Two of them are neither of them. */
	snprintf(header, sizeof(header), "X-Hub-Signature-256: %s\r\n", right);
	assert_int_equal(http_post(intake_port(intake),
				   &(struct post){.body = BODY,
						  .signature = "sha256=00",
						  .extra = header}),
			 400);
	/* Signed with no secret at all. */
	assert_int_equal(http_post(intake_port(intake),
				   &(struct post){.body = BODY, .secret = ""}),
			 401);
	assert_int_equal(journaled(), 0);
}

/*
 * There: without a secret nothing was checked.  Here: without one of 32 bytes
 * the bot does not start, and one that is being changed cannot become none.
 */
static void s10_no_secret_no_start(void **state UNUSED)
{
	static const char *const bad[] = {
		"",
		"\n",
		"\r\n\n",
		"short\n",
		"0123456789abcdef0123456789abcde\n", /* 31 */
		(TEST_SECRET "\nshort\n"),
	};
	struct error e = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put_secret(bad[i]);
		assert_null(open_door(&e));
		assert_true(*e.text);
	}
	assert_int_equal(unlink(secret), 0);
	assert_null(open_door(&e));
	put_secret(TEST_SECRET "\n");
	start();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put_secret(bad[i]);
		assert_int_not_equal(intake_reload_secret(intake, &e), ERR_OK);
		assert_int_equal(
			http_post(intake_port(intake),
				  &(struct post){.body = BODY, .secret = ""}),
			401);
	}
	assert_int_equal(journaled(), 0);
	assert_int_equal(post_signed(NULL), 202);
}

/* Two while it is changed, and the old one ends with it. */
static void s10_rotation(void **state UNUSED)
{
	const struct post with_new = {.guid = "1", .body = BODY};
	struct post with_old = {
		.guid = "2", .body = BODY, .secret = TEST_OLD_SECRET};
	const struct post with_third = {
		.guid = "3",
		.body = BODY,
		.secret = "a third one that is long enough, surely"};
	struct error e = ERROR_INIT;

	put_secret(TEST_SECRET "\n" TEST_OLD_SECRET "\n");
	start();
	assert_int_equal(http_post(intake_port(intake), &with_new), 202);
	assert_int_equal(http_post(intake_port(intake), &with_old), 202);
	assert_int_equal(http_post(intake_port(intake), &with_third), 401);
	put_secret(TEST_SECRET "\n");
	world_must(intake_reload_secret(intake, &e), &e);
	with_old.guid = "4";
	assert_int_equal(http_post(intake_port(intake), &with_old), 401);
	assert_int_equal(journaled(), 2);
}

/* --- S11 --- */

static long memory_kib(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss;
}

/*
 * There: a body was parsed, or kept without end, before its signature was
 * looked at.  Here: the length is judged first, the signature over the raw
 * bytes second, and nothing unsigned leaves a trace.
 */
static void s11_bombs_before_the_signature(void **state UNUSED)
{
	static const char *const announced[] = {
		"26214401",
		"99999999999",
		"18446744073709551615",
		"18446744073709551616",
		"-1",
		"0x10",
	};
	CLEANUP(str_release) struct str request = STR_INIT(4096);
	CLEANUP(str_release) struct str reply = STR_INIT(65536);
	CLEANUP(free) char *deep = malloc(LIMIT_BODY + 2);
	long before;
	int status;

	assert_non_null(deep);
	memset(deep, '[', LIMIT_BODY + 1);
	deep[LIMIT_BODY + 1] = '\0';
	start();
	before = memory_kib();
	for (size_t i = 0; i < ARRAY_SIZE(announced); i++) {
		str_clear(&request);
		str_addf(&request,
			 "POST /webhook HTTP/1.1\r\nHost: x\r\n"
			 "Content-Type: application/json\r\n"
			 "X-GitHub-Event: push\r\nX-GitHub-Delivery: g\r\n"
			 "X-Hub-Signature-256: sha256=%064d\r\n"
			 "Content-Length: %s\r\n\r\n",
			 0, announced[i]);
		status = http_talk(intake_port(intake), request.text, &reply);
		if (status != 413 && status != 400 && status != 0)
			fail_msg("%s: %d", announced[i], status);
	}
	/* Nothing was set aside for what was only announced. */
	assert_true(memory_kib() - before < 16 * 1024);
	status = http_post(intake_port(intake),
			   &(struct post){.body = deep,
					  .len = LIMIT_BODY,
					  .secret = "not the secret at all"});
	assert_int_equal(status, 401);
	status = http_post(intake_port(intake),
			   &(struct post){.body = deep,
					  .len = LIMIT_BODY + 1,
					  .chunked = true});
	assert_true(status == 413 || status == 0);
	assert_int_equal(journaled(), 0);
	assert_int_equal(post_signed(NULL), 202);
}

static struct world w;

/* One of many bytes: begin, then middle again and again, then end. */
static void deliver_bomb(const char *begin, const char *middle, size_t times,
			 const char *end)
{
	CLEANUP(str_release) struct str body = STR_INIT(64u << 20);
	static int count;
	char guid[32];

	str_puts(&body, begin);
	for (size_t i = 0; i < times; i++)
		str_puts(&body, middle);
	str_puts(&body, end);
	assert_int_equal(body.failed, ERR_OK);
	snprintf(guid, sizeof(guid), "bomb-%d", ++count);
	world_deliver_raw(&w, guid, "issue_comment", body.text, body.len);
	world_run(&w);
}

#define SPEAKS                                                                 \
	"{\"action\":\"created\",\"comment\":{\"body\":\"@kcibot deploy\""

/*
 * There: a payload that the parser choked on ended the whole process.  Here:
 * depth, numbers, members and memory have ends; what is unreadable is noted
 * and passed, and the next command is heard.
 */
static void s11_bombs_with_a_good_signature(void **state UNUSED)
{
	static const struct {
		const char *begin, *middle;
		size_t times;
		const char *end;
	} bombs[] = {
		{SPEAKS ",\"x\":", "[", 1000000, ""},
		{SPEAKS ",\"x\":", "{\"a\":", 200000, ""},
		{SPEAKS "},\"x\":[", "{},", 8000000, "0]}"},
		{SPEAKS "},\"x\":", "9", 100000, "}"},
		{SPEAKS ",\"id\":", "9", 19, "}}"},
		{SPEAKS ",\"id\":1e400", "", 0, "}}"},
		{SPEAKS ",\"id\":-1e-400", "", 0, "}}"},
		{SPEAKS ",\"id\":1", "0", 30, ".5}}"},
		{SPEAKS "},", "\"a\":1,", 1000, "\"a\":2}"},
		{SPEAKS "},\"x\":\"", "\\ud800", 1000, "\"}"},
		{SPEAKS "},\"x\":\"", "\\u0000", 1000, "\"}"},
		{SPEAKS "},\"x\":\"", "\xff\xfe", 1000, "\"}"},
		{"@kcibot", "\xef\xbb\xbf", 1000, "{}"},
		{"\"@kcibot\"", "", 0, ""},
		{"[\"@kcibot\"", ",null", 1000, "]"},
		{"@kcibot null", "", 0, ""},
	};

	log_set_level(LOG_ERROR);
	world_begin(&w, "");
	world_trust_all(&w);
	world_open(&w, 1, STRANGER);
	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++)
		deliver_bomb(bombs[i].begin, bombs[i].middle, bombs[i].times,
			     bombs[i].end);
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 0);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_cycles(&w), 1);
	world_end(&w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s09_near_misses),
		TEST(s10_the_sender_chooses_no_algorithm),
		TEST(s10_no_secret_no_start),
		TEST(s10_rotation),
		TEST(s11_bombs_before_the_signature),
		cmocka_unit_test(s11_bombs_with_a_good_signature),
	};

	return cmocka_run_group_tests_name("incidents at the door", tests, NULL,
					   NULL);
}
