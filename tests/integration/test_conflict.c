/* What does not work: merges, builds, health, time. */
#include "tests/integration/house.h"

#include <microhttpd.h>
#include <stdlib.h>

#define STICKY "<!-- kcibot:sticky staging -->"

static const struct house_settings usual = {0};

static void await_deployed(struct house *h, const char *repo, int number)
{
	house_await_status(h, repo, number, "success");
	house_await_quiet(h);
}

static void assert_status(struct house *h, const char *repo, int number,
			  const char *part)
{
	CLEANUP(free) char *status = house_status(h, repo, number);

	house_assert_has(status, part);
}

static void assert_sticky(struct house *h, const char *repo, int number,
			  const char *part)
{
	CLEANUP(free) char *sticky = house_comment(h, repo, number, STICKY);

	assert_int_equal(house_count(h, repo, number, STICKY), 1);
	house_assert_has(sticky, part);
}

/* The bot hears of both together, however long it takes to make them. */
static void hold_webhooks(struct house *h)
{
	assert_true(sbc_webhooks(h->forge, "hold", NULL, 0));
}

static void release_webhooks(struct house *h)
{
	assert_true(sbc_webhooks(h->forge, "release", NULL, 0));
}

/* The older one goes; the other hears why, from the bot and in its status. */
static void test_two_in_conflict(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	CLEANUP(free) char *text = NULL;
	int first, second;
	int64_t said;

	hold_webhooks(h);
	first = sbc_pull(h->forge, WEB, "carl", "First",
			 house_file("text", "mine\n"), NULL);
	second = sbc_pull(h->forge, WEB, "carl", "Second",
			  house_file("text", "yours\n"), NULL);
	release_webhooks(h);
	await_deployed(h, WEB, first);
	house_await_status(h, WEB, second, "error");
	assert_status(h, WEB, second, "left out");
	assert_status(h, WEB, second, "conflict");
	assert_sticky(h, WEB, second, "left out of cycle 1");
	assert_sticky(h, WEB, second, "text");
	text = house_git(h, WEB, GIT("show", "staging:text"));
	assert_string_equal(text, "mine\n");

	/* Who asks for it hears that, too, and it is no success. */
	said = house_say(h, WEB, second, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, second, said, "-1");
	house_await_quiet(h);
	house_assert_reactions(h, WEB, second, said, "eyes -1");
	assert_int_equal(
		house_count(h, WEB, second, "<!-- kcibot:key request:"), 1);
	assert_status(h, WEB, second, "left out");
	assert_status(h, WEB, first, "success");
	house_end(h);
}

/* One new revision, and the build fails: that is who it was. */
static void test_only_new_one_fails(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	CLEANUP(free) char *history = NULL, *files = NULL;
	int green = house_pull(h, API, "carl", "fine", NULL), red;
	int64_t said;
	char sha[41];

	await_deployed(h, API, green);
	red = sbc_pull(h->forge, WEB, "sam", "Broken",
		       house_file("broken-build", "a missing brace"), sha);
	house_await_head(h, sha);
	said = house_say(h, WEB, red, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, red, said, "-1");
	house_await_quiet(h);
	house_assert_reactions(h, WEB, red, said, "eyes -1");
	assert_status(h, WEB, red, "failure: short failed");
	assert_status(h, WEB, red, "build");
	history = house_status_history(h, WEB, red);
	assert_string_equal(history, "pending failure");
	assert_sticky(h, WEB, red, "cannot build: a missing brace");
	assert_sticky(h, WEB, red, "only revision that was new");
	assert_int_equal(house_ran(h, "deploy 2 short"), 0);
	/* The green one keeps its word, and staging comes back with it. */
	assert_status(h, API, green, "success");
	assert_status(h, API, green, "full ok");
	assert_int_equal(house_ran(h, "deploy 3 short"), 1);
	files = house_git(h, WEB, GIT("ls-tree", "--name-only", "staging"));
	assert_string_equal(files, "text\n");

	/* Mended: */
	house_push(h, WEB, red, json_pack("{s:n}", "broken-build"), NULL);
	said = house_say(h, WEB, red, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, red, said, "rocket");
	house_await_quiet(h);
	assert_status(h, WEB, red, "success: short ok");
	house_end(h);
}

/* Two new ones: nobody is blamed; the green one keeps its success. */
static void test_cause_not_known(void **state UNUSED)
{
	struct house *h = house_new(&usual);
	int green = house_pull(h, API, "carl", "fine", NULL), red, other;

	await_deployed(h, API, green);
	hold_webhooks(h);
	red = sbc_pull(h->forge, WEB, "carl", "Broken",
		       house_file("broken-build", "a missing brace"), NULL);
	other = sbc_pull(h->forge, WEB, "carl", "Innocent",
			 house_file("innocent", "is not"), NULL);
	release_webhooks(h);
	house_await_status(h, WEB, red, "error");
	house_await_status(h, WEB, other, "error");
	house_await_quiet(h);
	assert_status(h, WEB, red, "cause not known");
	assert_status(h, WEB, other, "cause not known");
	assert_sticky(h, WEB, other, "several revisions were new");
	assert_status(h, API, green, "success");
	house_end(h);
}

/* --- health --- */

struct service {
	struct MHD_Daemon *daemon;
	const char *body;
};

static enum MHD_Result serve(void *ctx, struct MHD_Connection *conn,
			     const char *url UNUSED, const char *method UNUSED,
			     const char *version UNUSED,
			     const char *data UNUSED, size_t *len UNUSED,
			     void **at UNUSED)
{
	const struct service *s = ctx;
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(s->body), (void *)(uintptr_t)s->body,
		MHD_RESPMEM_PERSISTENT);
	enum MHD_Result ret = MHD_queue_response(conn, 200, r);

	MHD_destroy_response(r);
	return ret;
}

static int start_service(struct service *s)
{
	s->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, NULL,
				     NULL, serve, s, MHD_OPTION_END);
	assert_non_null(s->daemon);
	return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

static void test_health(void **state UNUSED)
{
	struct service service = {.body = "{\"ok\": false}"};
	CLEANUP(free)
	char *jobs = str_format(
		HOUSE_JOB("build", "build",
			  "") "      health: {stage: verify, http: {url: "
			      "\"http://127.0.0.1:%d/\", expect: {status: 200, "
			      "json: "
			      "{ok: true}}, tries: 2, every: 0s}}\n",
		start_service(&service));
	struct house *h = house_new(&(struct house_settings){
		.jobs = jobs,
		.recipe = "      short: [build, verify]\n"
			  "      full: [build, verify]\n"});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "-1");
	house_await_quiet(h);
	assert_status(h, WEB, pull, "failure: short failed");
	assert_status(h, WEB, pull, "health");
	/* Next time it is well. */
	service.body = "{\"ok\": true, \"more\": 1}";
	said = house_say(h, WEB, pull, "mona", "@kcibot deploy");
	house_await_reaction(h, WEB, pull, said, "rocket");
	house_await_quiet(h);
	assert_status(h, WEB, pull, "success");
	house_end(h);
	MHD_stop_daemon(service.daemon);
}

static void test_timeout(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.jobs = HOUSE_JOB("build", "build", "")
			HOUSE_JOB("deploy", "deploy", "")
				HOUSE_JOB("test", "test", ", timeout: 3s")});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said;

	house_hold(h, "test");
	said = house_say(h, WEB, pull, "mona", "@kcibot trigger");
	house_await_reaction(h, WEB, pull, said, "-1");
	house_await_quiet(h);
	assert_status(h, WEB, pull, "failure: full failed");
	assert_sticky(h, WEB, pull, "timeout");
	assert_int_equal(house_ran(h, "test"), 1);
	house_end(h);
}

/* What cannot be started is nobody's fault. */
static void test_no_program(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.jobs = HOUSE_JOB("build", "build",
				  "") "      deploy: {stage: deploy, run: "
				      "[/no/such/program]}\n"});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "-1");
	house_await_quiet(h);
	assert_status(h, WEB, pull, "error: short not done");
	assert_sticky(h, WEB, pull, "/no/such/program");
	house_end(h);
}

/*
 * A program of the checkout that not even the base branch has: a matter of
 * configuration, not of the pull request.
 */
static void test_program_of_nobody(void **state UNUSED)
{
	struct house *h = house_new(&(struct house_settings){
		.jobs = HOUSE_JOB("build", "build", "")
			HOUSE_JOB("deploy", "deploy",
				  "") "      test: {stage: deploy, run: "
				      "[web/absent.sh]}\n"});
	int pull = house_pull(h, WEB, "sam", "sams", NULL);
	int64_t said = house_say(h, WEB, pull, "mona", "@kcibot deploy");

	house_await_reaction(h, WEB, pull, said, "-1");
	house_await_quiet(h);
	assert_status(h, WEB, pull, "error");
	assert_sticky(h, WEB, pull, "base branch has no such program");
	house_end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_two_in_conflict),
		HOUSE_TEST(test_only_new_one_fails),
		HOUSE_TEST(test_cause_not_known),
		HOUSE_TEST(test_health),
		HOUSE_TEST(test_timeout),
		HOUSE_TEST(test_no_program),
		HOUSE_TEST(test_program_of_nobody),
	};

	cmocka_set_test_filter(getenv("HOUSE_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
