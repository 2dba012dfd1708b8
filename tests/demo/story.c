#include "tests/demo/story.h"

#include <inttypes.h>
#include <string.h>

#include "bot/base/clock.h"
#include "tests/demo/projects.h"
#include "tests/demo/say.h"
#include "tests/demo/web.h"

#define ANSWER_MS 10000

#define GREETING_OLD "Welcome to our shop."
#define GREETING_NEW "Good morning, and welcome to our shop!"
#define APPLES_OLD "Apples: 2.5 EUR a kilo."
#define APPLES_NEW "Apples: 2.05 EUR a kilo."
#define HOURS "Open until 20:00."

/* Asks the service, prints its answer, and compares it. */
static enum err service_says(struct story *s, const char *expected,
			     struct error *e)
{
	CLEANUP(str_release) struct str body = STR_INIT(WEB_ANSWER);
	long status = web_get(s->watch.stage->service, ANSWER_MS, &body);

	if (stage_interrupted)
		return error_set(e, ERR_CONFLICT, "interrupted");
	if (status != 200)
		return error_set(e, ERR_INVALID, "the service answers %ld",
				 status);
	say_line("service", TONE_PLAIN, "GET %s answers",
		 s->watch.stage->service);
	say_more(TONE_PLAIN, body.text);
	if (strcmp(body.text, expected) != 0)
		return error_set(e, ERR_INVALID,
				 "the service should answer: %s", expected);
	snprintf(s->answer, sizeof(s->answer), "%s", body.text);
	return ERR_OK;
}

static enum err refused(struct error *e)
{
	return stage_interrupted ? error_set(e, ERR_CONFLICT, "interrupted")
				 : error_set(e, ERR_FATAL, "the forge refused");
}

/* A new pull request; what it changes is printed. */
static enum err open_pull(struct story *s, const char *repo, const char *author,
			  const char *title, const struct edit *edits,
			  char ret_sha[41], int *ret_number, struct error *e)
{
	const struct edit *const lists[] = {edits, NULL};
	CLEANUP(str_release) struct str diff = STR_INIT(8192);

	*ret_number = sbc_pull(s->watch.stage->forge, repo, author, title,
			       project_edited(repo, lists), ret_sha);
	if (!*ret_number)
		return refused(e);
	s->pulls++;
	edits_show(edits, &diff);
	say_note("The change:");
	say_more(TONE_QUIET, diff.text);
	return ERR_OK;
}

/* What a cycle without a pull request did: nobody's comment tells it. */
static void show_cycle(const struct story *s, int id)
{
	CLEANUP(free)
	char *url = str_format("%s/api/v1/cycles/%d", s->watch.stage->url, id);
	CLEANUP(str_release) struct str body = STR_INIT(WEB_ANSWER);
	CLEANUP(str_release) struct str text = STR_INIT(1024);
	CLEANUP(json_decref) json_t *cycle = NULL;
	struct error e = ERROR_INIT;
	json_t *stage;
	size_t i;

	if (!url || web_get(url, ANSWER_MS, &body) != 200)
		return;
	cycle = js_parse(body.text, body.len, &e);
	str_addf(&text, "cycle %d, %s:", id, js_str(cycle, "kind"));
	json_array_foreach (js_get(cycle, "stages"), i, stage) {
		str_addf(&text, "%s %s %s ", i ? "," : "",
			 js_str(stage, "name"), js_str(stage, "state"));
		time_span(&text, js_int(stage, "ms", 0));
	}
	say_line("kcibot", TONE_GOOD, "%s", text.text);
}

static enum err scene_base(struct story *s, struct error *e)
{
	static const char readme[] = "# service\n\nThe shop, open to all.\n";
	struct wish wishes[] = {
		{.type = "push", .repo = GREETING, .ref = "refs/tags/staging-"},
		{.type = "push", .repo = SERVICE, .ref = "refs/tags/staging-"},
	};
	CLEANUP(json_decref) json_t *done = NULL;

	say_heading("1. The base goes to staging");
	say_note("mona pushes to the base branch of one of the two projects.\n"
		 "Nothing was deployed yet, so this is a full deploy: build, "
		 "deploy, verify, test.\n");
	done = sbc_post(s->watch.stage->forge, "/_sandbox/push",
			json_pack("{s:s,s:s,s:s,s:{s:s}}", "repo", SERVICE,
				  "user", "mona", "message", "Open the shop",
				  "files", "README.md", readme));
	if (!done)
		return refused(e);
	if (watch_until(&s->watch, wishes, ARRAY_SIZE(wishes), e))
		return e->code;
	s->deploys++;
	show_cycle(s, 1);
	return service_says(s, GREETING_OLD "\n" APPLES_OLD "\n", e);
}

static enum err scene_contributor(struct story *s, struct error *e)
{
	char sha[41];
	int number;
	struct wish wishes[] = {
		{.type = "status", .sha = sha, .state = "success"},
		{.type = "comment", .repo = GREETING, .text = "\n✅"},
	};

	say_heading("2. A contributor's pull request is deployed by itself");
	say_note("carl is on the list of contributors.  Nobody has to ask: "
		 "the bot waits until\n"
		 "no more pushes come (settle: 1 s here, 5 min as shipped) and "
		 "deploys.\n");
	if (open_pull(s, GREETING, "carl", "Greet people nicely", greet_nicely,
		      sha, &number, e) ||
	    watch_until(&s->watch, wishes, ARRAY_SIZE(wishes), e))
		return e->code;
	s->deploys++;
	return service_says(s, GREETING_NEW "\n" APPLES_OLD "\n", e);
}

static enum err stranger_tries(struct story *s, int number, struct error *e)
{
	int64_t id = sbc_comment(s->watch.stage->forge, SERVICE, number, "sam",
				 "@kcibot deploy");
	struct wish wishes[] = {
		{.type = "reaction", .comment = id, .content = "confused"},
	};

	if (!id)
		return refused(e);
	return watch_until(&s->watch, wishes, ARRAY_SIZE(wishes), e);
}

static enum err maintainer_says_so(struct story *s, int number, const char *sha,
				   struct error *e)
{
	int64_t id = sbc_comment(s->watch.stage->forge, SERVICE, number, "mona",
				 "@kcibot deploy");
	struct wish wishes[] = {
		{.type = "reaction", .comment = id, .content = "eyes"},
		{.type = "status", .sha = sha, .state = "success"},
		{.type = "reaction", .comment = id, .content = "rocket"},
		{.type = "comment", .repo = SERVICE, .text = "\n✅"},
	};

	if (!id)
		return refused(e);
	return watch_until(&s->watch, wishes, ARRAY_SIZE(wishes), e);
}

static enum err scene_stranger(struct story *s, struct error *e)
{
	char sha[41];
	int number;

	say_heading("3. A stranger's pull request waits for a maintainer");
	say_note("sam is on no list.  The price is wrong: apples cost 205 "
		 "cents.\n");
	if (open_pull(s, SERVICE, "sam", "Print the right price", price_right,
		      sha, &number, e) ||
	    watch_until(&s->watch, NULL, 0, e))
		return e->code;
	say_note("\nNothing happens: a stranger's code runs when a maintainer "
		 "says so.  sam tries it:\n");
	if (stranger_tries(s, number, e))
		return e->code;
	say_note("\nmona has read the change and puts exactly this revision on "
		 "staging:\n");
	if (maintainer_says_so(s, number, sha, e))
		return e->code;
	s->deploys++;
	say_note("\nBoth pull requests, from two repositories, are on staging "
		 "now:\n");
	return service_says(s, GREETING_NEW "\n" APPLES_NEW "\n", e);
}

static enum err scene_broken(struct story *s, int *ret_number, struct error *e)
{
	char sha[41];
	struct wish wishes[] = {
		{.type = "status", .sha = sha, .state = "failure"},
		{.type = "comment", .repo = SERVICE, .text = "\n❌"},
		{.type = "push", .repo = GREETING, .ref = "refs/tags/staging-"},
		{.type = "push", .repo = SERVICE, .ref = "refs/tags/staging-"},
	};

	say_heading("4. A pull request that does not compile");
	say_note("Only its own status turns red, its comment has the end of "
		 "the log, and the bot\n"
		 "brings staging back up without it.\n");
	if (open_pull(s, SERVICE, "carl", "Say when we close", hours_broken,
		      sha, ret_number, e) ||
	    watch_until(&s->watch, wishes, ARRAY_SIZE(wishes), e))
		return e->code;
	s->deploys += 2;
	s->failed++;
	return service_says(s, GREETING_NEW "\n" APPLES_NEW "\n", e);
}

static enum err scene_repaired(struct story *s, int number, struct error *e)
{
	const struct edit *const lists[] = {hours_broken, hours_repaired, NULL};
	CLEANUP(str_release) struct str diff = STR_INIT(8192);
	char sha[41] = "";
	struct wish wishes[] = {
		{.type = "status", .sha = sha, .state = "success"},
		{.type = "comment",
		 .repo = SERVICE,
		 .number = number,
		 .text = "\n✅"},
	};

	say_heading("5. Its author repairs it");
	if (!sbc_push(s->watch.stage->forge, SERVICE, number,
		      project_edited(SERVICE, lists), false, sha))
		return refused(e);
	edits_show(hours_repaired, &diff);
	say_note("The change:");
	say_more(TONE_QUIET, diff.text);
	if (watch_until(&s->watch, wishes, ARRAY_SIZE(wishes), e))
		return e->code;
	s->deploys++;
	return service_says(s, GREETING_NEW "\n" APPLES_NEW "\n" HOURS "\n", e);
}

enum err story_play(struct story *s, struct error *e)
{
	int number = 0;

	watch_skip(&s->watch);
	if (scene_base(s, e) || scene_contributor(s, e) ||
	    scene_stranger(s, e) || scene_broken(s, &number, e) ||
	    scene_repaired(s, number, e))
		return e->code;
	return ERR_OK;
}
