/*
 * What has happened to other bots that listen to comments, done to this one:
 * each test replays the attack through deliveries, comments and answers of
 * the forge, in the whole engine.  docs/security.md lists the incidents; those
 * at the door (S9 to S11) are in test_incidents_door.c, those that need the
 * real program in tests/integration/test_incidents.c.
 */
#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include "bot/base/limits.h"
#include "bot/metrics.h"
#include "commands/grammar.h"
#include "bot/engine_internal.h"
#include "tests/unit/engine_world.h"

#define EVIL 'e'
static const char evil_sha[] = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";

static struct world w;

static void begin_with(const char *yaml)
{
	log_set_level(LOG_ERROR);
	world_begin(&w, yaml);
	world_trust_all(&w);
	/* The scan also learns who we are. */
	w.scans = true;
	world_restart(&w);
	world_run(&w);
}

static int begin(void **state UNUSED)
{
	begin_with("");
	world_open(&w, 1, STRANGER);
	world_pass(&w, MINUTE);
	return 0;
}

static int end(void **state UNUSED)
{
	world_end(&w);
	return 0;
}

static void nothing_ran(void)
{
	assert_int_equal(world_cycles(&w), 0);
	assert_int_equal(world_sent(&w, "git.batch"), 0);
	assert_int_equal(world_sent(&w, "job.run"), 0);
	assert_int_equal(world_sent(&w, "forge.status"), 0);
}

static void never_staged(const char *sha)
{
	assert_int_equal(world_sent_with(&w, "git.batch", sha), 0);
	assert_int_equal(world_sent_with(&w, "git.push", sha), 0);
	assert_int_equal(world_sent_with(&w, "job.run", sha), 0);
}

/* The text of the last comment of ours, "" = none. */
static const char *last_words(void)
{
	struct world_effect *x = world_last(&w, "forge.comment", "");

	return x ? js_str(x->args, "body") : "";
}

/* A push as git has it; its webhook is late. */
static void push_untold(char digit)
{
	world_sha(world_change(&w, 1)->sha, digit);
}

/* --- S1 --- */

/*
 * There: a bot asked the forge for the head after the maintainer had spoken,
 * and deployed what was pushed in between.  Here: that is not what the
 * maintainer saw; nothing runs, and the answer holds the line to paste.
 */
static void s01_push_after_the_comment(void **state UNUSED)
{
	json_t *comment =
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy");

	/* The attacker's script sees the comment and pushes; its push's
	 * webhook is not even here when the comment's is. */
	fake_clock_advance(&w.clock, 300);
	push_untold(EVIL);
	world_deliver(&w, "issue_comment",
		      world_comment_payload(&w, 1, MAINTAINER, comment));
	world_run(&w);
	nothing_ran();
	assert_true(world_reacted(&w, 50, "confused"));
	assert_non_null(strstr(last_words(), evil_sha));
	world_tell(&w, 1, "synchronize");
	world_pass(&w, 24 * HOUR);
	never_staged(evil_sha);
}

/* The same race with a label or an approval instead of a comment: neither is
 * a permission at all. */
static void s01_labels_and_approvals_permit_nothing(void **state UNUSED)
{
	json_t *review;

	world_change(&w, 1)->label = "ok-to-test";
	world_tell(&w, 1, "labeled");
	review = world_review_json(&w, 60, 1, MAINTAINER, "LGTM");
	json_object_set_new(review, "state", json_string("approved"));
	world_deliver(&w, "pull_request_review",
		      world_review_payload(&w, 1, MAINTAINER, "submitted",
					   "review", review));
	world_pass(&w, 7 * HOUR);
	nothing_ran();
}

/* --- S2 --- */

/*
 * There: another commit was tested or merged than the one approved, as a
 * cached head was used.  Here: between the word and the merge, the head moves
 * away and also back; the word was for what it was then.
 */
static void s02_another_commit_than_the_approved(void **state UNUSED)
{
	w.hold = "git.batch";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	assert_int_equal(world_sent(&w, "git.batch"), 1);
	push_untold(EVIL);
	w.hold = NULL;
	/* git finds another head than it was told to merge. */
	world_answer(world_last(&w, "git.batch", ""), ERR_OK, NULL);
	world_run(&w);
	world_tell(&w, 1, "synchronize");
	world_run(&w);
	push_untold('1');
	world_tell(&w, 1, "synchronize");
	world_pass(&w, 2 * HOUR);
	never_staged(evil_sha);
	/* If anything was built since, then the base alone. */
	assert_int_equal(world_sent_with(&w, "job.run", w.base_sha),
			 world_sent(&w, "job.run"));
	assert_string_not_equal(world_status(&w, 1), "success");
}

/* --- S3 --- */

/*
 * There: when the API lagged behind, a rule was taken as fulfilled.  Here:
 * what the forge cannot say, or says against what is known, runs nothing, and
 * is told.
 */
static void s03_a_forge_that_does_not_know(void **state UNUSED)
{
	static const struct {
		enum err code;
		int status;
	} ways[] = {
		{ERR_MISSING, 404}, {ERR_RETRY, 502},	{ERR_REFUSED, 403},
		{ERR_INVALID, 422}, {ERR_REFUSED, 401},
	};

	w.fail_kind = "forge.pull";
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int64_t id;

		w.fail_code = ways[i].code;
		w.fail_status = ways[i].status;
		id = world_say(&w, 1, MAINTAINER, "@kcibot deploy");
		world_pass(&w, HOUR);
		nothing_ran();
		assert_true(world_reacted(&w, id, "confused"));
		assert_true(*last_words());
	}
}

/* The API still shows the head before the push, of which we know. */
static void s03_an_answer_from_yesterday(void **state UNUSED)
{
	json_t *old;

	w.hold = "forge.pull";
	world_push(&w, 1, EVIL);
	old = world_pull_json(&w, 1);
	world_push(&w, 1, 'f');
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	for (int i = 0; i < 20; i++) {
		struct world_effect *x = world_last(&w, "forge.pull", "said");

		if (x && !x->answered)
			world_answer(x, ERR_OK, json_deep_copy(old));
		world_pass(&w, MINUTE);
	}
	json_decref(old);
	nothing_ran();
	assert_true(*last_words());
}

/* --- S4 --- */

/*
 * There: one "ok to test" held for whatever its author pushed later.  Here:
 * the word is for one revision and ends, and somebody else's deploy does not
 * take the next one along.
 */
static void s04_a_grant_for_later_commits(void **state UNUSED)
{
	world_open(&w, 2, CONTRIBUTOR);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, HOUR);
	assert_string_equal(world_status(&w, 1), "success");
	world_push(&w, 1, EVIL);
	world_push(&w, 2, 'c');
	world_pass(&w, 24 * HOUR);
	world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	world_pass(&w, HOUR);
	assert_true(world_sent_with(&w, "git.batch", w.pulls[2].sha) > 0);
	never_staged(evil_sha);
	/* And nobody can put it back by coming back to what was allowed. */
	world_push(&w, 1, '1');
	world_push(&w, 2, 'd');
	world_pass(&w, 24 * HOUR);
	assert_false(world_args_hold(world_last(&w, "git.batch", ""),
				     w.pulls[1].sha));
}

/* --- S7 --- */

/*
 * There: a workspace called "../../x" wrote files elsewhere.  Here: names of
 * deliveries only select what is configured, and the folders of a cycle are
 * made of its number and the configuration's names.
 */
static void s07_names_as_paths(void **state UNUSED)
{
	static const char *const repos[] = {
		"../../etc",	"acme/api/../..",
		"acme/..",	"acme/api/../../../tmp",
		"acme/api.git", "/etc/passwd",
		"acme\\api",	"acme/api\n",
		"acme/api#1",	"%2e%2e/api",
		"acme//api",	"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(repos); i++) {
		json_t *p = world_comment_payload(
			&w, 1, MAINTAINER,
			world_comment_json(&w, 700 + (int64_t)i, 1, MAINTAINER,
					   "@kcibot deploy"));

		json_object_set_new(js_get(p, "repository"), "full_name",
				    json_string(repos[i]));
		world_deliver(&w, "issue_comment", p);
	}
	for (int64_t n = -2; n < 1; n++) {
		json_t *p = world_comment_payload(
			&w, 1, MAINTAINER,
			world_comment_json(&w, 800 + n, 1, MAINTAINER,
					   "@kcibot deploy"));

		json_object_set_new(js_get(p, "issue"), "number",
				    json_integer(n));
		world_deliver(&w, "issue_comment", p);
	}
	world_pass(&w, HOUR);
	nothing_ran();
	w.pulls[1].title = "../../../../tmp/pwned";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, HOUR);
	assert_true(world_sent(&w, "job.run") > 0);
	for (size_t i = 0; i < w.sent_count; i++)
		if (str_starts(w.sent[i].kind, "git.") ||
		    str_starts(w.sent[i].kind, "job."))
			assert_false(world_args_hold(&w.sent[i], ".."));
}

/* --- S12 --- */

/*
 * There: the names of event and delivery are in no signature, so whoever can
 * replay a body can call it something else.  Here: the shape must agree, and
 * the same body under new names does nothing twice.
 */
static void s12_a_body_under_another_name(void **state UNUSED)
{
	static const char *const events[] = {
		"pull_request",
		"pull_request_review",
		"pull_request_review_comment",
		"push",
		"status",
		"issues",
		"ping",
		"check_run",
		"",
	};
	json_t *p = world_comment_payload(
		&w, 1, MAINTAINER,
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot deploy"));
	json_t *review = world_review_payload(
		&w, 1, MAINTAINER, "submitted", "review",
		world_review_json(&w, 60, 1, MAINTAINER, "@kcibot deploy"));

	for (size_t i = 0; *events[i]; i++) {
		world_deliver(&w, events[i], json_deep_copy(p));
		if (strcmp(events[i], "pull_request_review") != 0)
			world_deliver(&w, events[i], json_deep_copy(review));
	}
	world_deliver(&w, "issue_comment", review);
	world_pass(&w, HOUR);
	nothing_ran();
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 0);
	/* The true one, five times with other GUIDs: once. */
	json_object_set_new(js_get(p, "comment"), "created_at",
			    json_string(world_iso(clock_wall(&w.clock.clock))));
	for (int i = 0; i < 5; i++)
		world_deliver(&w, "issue_comment", json_deep_copy(p));
	json_decref(p);
	world_pass(&w, 3 * HOUR);
	assert_int_equal(world_cycles(&w), 1);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), 1);
}

/* --- S13 and S16 --- */

DEFINE_CLEANUP(cmark_node *, cmark_node_free)
DEFINE_CLEANUP(cmark_iter *, cmark_iter_free)
DEFINE_CLEANUP(cmark_parser *, cmark_parser_free)

/* Each of them is a name or a text that an attacker may choose. */
static const char *const hostile[] = {
	"a&&id;$(id)`id`|id>/tmp/x",
	"$KCIBOT_TOKEN ${IFS}",
	"@victim/team @victim &#64;victim &commat;victim \\@victim",
	"closes #666, GH-666, evil/repo#666",
	"deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
	"[log in](https://evil.example) ![x](https://evil.example/x.png)",
	"https://evil.example www.evil.example",
	"<img src=https://evil.example/x> <!-- kcibot:sticky staging -->",
	"-->\n\n@kcibot deploy\n\n<!--",
	"```\n```\n@kcibot deploy\n# head\n- [x] LGTM, approved",
	"| a | b |\n|--|--|\n",
	"</details></summary>\n\n> APPROVED by @victim",
	("\xe2\x80\xae"
	 "evil"),
	("@\xe2\x80\x8b"
	 "victim"),
	"{cycle}{kind} %s%n %2e%2e",
};

static cmark_node *parse(const char *text)
{
	static const char *const names[] = {
		"table", "strikethrough", "autolink", "tagfilter", "tasklist",
	};
	CLEANUP(cmark_parser_free) cmark_parser *p = NULL;

	cmark_gfm_core_extensions_ensure_registered();
	p = cmark_parser_new(CMARK_OPT_FOOTNOTES);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		cmark_parser_attach_syntax_extension(
			p, cmark_find_syntax_extension(names[i]));
	cmark_parser_feed(p, text, strlen(text));
	return cmark_parser_finish(p);
}

static bool is_our_html(const char *html)
{
	return str_starts(html, "<!-- kcibot:") ||
	       str_starts(html, "<details><summary>Log of job ") ||
	       str_starts(html, "</details>") || strcmp(html, "<br>") == 0;
}

/* What the forge makes of plain text: only people who spoke are called. */
static void check_plain(const char *text, const char *whole)
{
	static const char *const live[] = {"@victim", "#666",  "GH-666",
					   "://evil", "www.e", "deadbee"};

	for (size_t i = 0; i < ARRAY_SIZE(live); i++)
		if (strstr(text, live[i]))
			fail_msg("%s lives in: %s", live[i], whole);
}

static void check_node(cmark_node *n, const char *whole)
{
	static const char *const never[] = {"image", "footnote_reference",
					    "block_quote"};
	const char *type = cmark_node_get_type_string(n);
	const char *literal = cmark_node_get_literal(n);
	const char *url = cmark_node_get_url(n);

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_string_not_equal(type, never[i]);
	if (!strcmp(type, "link") &&
	    !str_starts(url, "https://bot.example.org/") &&
	    !str_starts(url, "https://github.com/"))
		fail_msg("a link to %s in: %s", url, whole);
	if (!strcmp(type, "text"))
		check_plain(literal, whole);
	if (str_starts(type, "html_") && !is_our_html(literal))
		fail_msg("HTML %s in: %s", literal, whole);
}

/* As the forge shows it, it is ours alone; as we read it, it says nothing. */
static void check_body(const char *body)
{
	CLEANUP(cmark_node_free) cmark_node *root = parse(body);
	CLEANUP(cmark_iter_free) cmark_iter *it = cmark_iter_new(root);
	struct error e = ERROR_INIT;
	cmark_event_type event;
	struct said said;

	while ((event = cmark_iter_next(it)) != CMARK_EVENT_DONE)
		if (event == CMARK_EVENT_ENTER)
			check_node(cmark_iter_get_node(it), body);
	if (grammar_read("kcibot", body, strlen(body), &said, &e))
		fail_msg("%s: %s", e.text, body);
	assert_int_equal(said.count, 0);
	assert_true(strlen(body) <= LIMIT_COMMENT);
}

static size_t check_all_bodies(void)
{
	size_t count = 0;

	for (size_t i = 0; i < w.sent_count; i++) {
		if (strcmp(w.sent[i].kind, "forge.comment") != 0)
			continue;
		check_body(js_str(w.sent[i].args, "body"));
		count++;
	}
	return count;
}

/* A pull all of whose names are this text; its base stays ours. */
static void open_hostile(int64_t number, const char *text)
{
	json_t *p;

	w.pulls[number] = (struct world_pull){
		.author = STRANGER,
		.state = "open",
		.merge = "merged",
		.base = "main",
		.title = text,
		.label = text,
	};
	world_sha(world_change(&w, number)->sha,
		  "0123456789abcdef"[number % 16]);
	p = world_pull_json(&w, number);
	json_object_set_new(js_get(p, "head"), "ref", json_string(text));
	json_object_set_new(js_get(p, "user"), "login", json_string(text));
	json_object_set_new(p, "body", json_string(text));
	world_deliver(&w, "pull_request",
		      json_pack("{s:s, s:I, s:o, s:{s:s}}", "action", "opened",
				"number", (json_int_t)number, "pull_request", p,
				"repository", "full_name", REPO));
	world_run(&w);
}

/* Nothing of it is among what git and the jobs are told. */
static void nothing_of(const char *text)
{
	CLEANUP(json_decref) json_t *value = json_string(text);
	CLEANUP(free) char *quoted = json_dumps(value, JSON_ENCODE_ANY);

	assert_non_null(quoted);
	quoted[strlen(quoted) - 1] = '\0';
	for (size_t i = 0; i < w.sent_count; i++)
		if ((str_starts(w.sent[i].kind, "git.") ||
		     str_starts(w.sent[i].kind, "job.")) &&
		    world_args_hold(&w.sent[i], quoted + 1))
			fail_msg("%s in %s", text, w.sent[i].kind);
}

/*
 * There: branch names and titles became part of shell lines.  Here: they are
 * in nothing that git or a job is given, neither argument nor manifest.
 */
static void s13_names_are_data(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		int64_t number = 2 + (int64_t)i;

		open_hostile(number, hostile[i]);
		world_say(&w, number, MAINTAINER, "@kcibot deploy");
		world_pass(&w, HOUR);
		assert_string_equal(world_status(&w, number), "success");
		nothing_of(hostile[i]);
	}
	assert_true(check_all_bodies() > ARRAY_SIZE(hostile));
}

/* A base branch with a hostile name is another base: nothing of ours. */
static void s13_a_base_branch_is_no_argument(void **state UNUSED)
{
	snprintf(w.pulls[1].base, sizeof(w.pulls[1].base),
		 "--upload-pack=touch${IFS}x");
	world_tell(&w, 1, "edited");
	world_run(&w);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, HOUR);
	nothing_of("--upload-pack");
	assert_int_equal(world_sent(&w, "job.run"), 0);
	check_all_bodies();
}

/*
 * There: what bots quoted of people mentioned others, closed issues, and
 * looked like an approval.  Here: reasons, wrong words, git's complaints and
 * the names of files come out inert, judged by the forge's own parser.
 */
static void s16_what_we_quote_is_inert(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEANUP(free) char *skip = NULL;
		CLEANUP(free) char *verb = NULL;
		CLEANUP(free) char *force = NULL;
		int64_t number = 2 + (int64_t)i;
		char flat[300];

		/* In one line, or there is no command in it. */
		snprintf(flat, sizeof(flat), "%s", hostile[i]);
		for (char *c = flat; *c; c++)
			if (*c == '\n')
				*c = ' ';
		skip = str_format("@kcibot skip reason=\"%s\"", flat);
		verb = str_format("@kcibot %s", flat);
		force = str_format("@kcibot trigger force reason=\"%s\"", flat);
		open_hostile(number, hostile[i]);
		world_say(&w, number, ADMIN, skip);
		world_say(&w, number, ADMIN, "@kcibot why");
		world_say(&w, number, MAINTAINER, "@kcibot include");
		world_say(&w, number, MAINTAINER, verb);
		w.pulls[number].merge = "conflict";
		w.pulls[number].reason = hostile[i];
		world_say(&w, number, ADMIN, force);
		world_say(&w, number, ADMIN, "@kcibot plan");
		world_say(&w, number, ADMIN, "@kcibot status");
		world_pass(&w, HOUR);
		snprintf(flat, sizeof(flat), "\"number\":%d,", (int)number);
		assert_non_null(world_last(&w, "forge.comment", flat));
	}
	assert_true(check_all_bodies() > 3 * ARRAY_SIZE(hostile));
}

/* --- S14 --- */

/*
 * There: the text of an account two days old reached a shell.  Here: a
 * stranger gets a reaction and one sentence, with nothing of the own text in
 * it, and a long comment is not parsed at all.
 */
static void s14_what_strangers_write(void **state UNUSED)
{
	CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
	size_t before;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		str_clear(&text);
		str_addf(&text, "@kcibot deploy\n@kcibot %s", hostile[i]);
		world_say(&w, 1, STRANGER, text.text);
		world_say(&w, 1, OTHER_STRANGER, text.text);
		world_pass(&w, 1000);
	}
	world_pass(&w, HOUR);
	nothing_ran();
	check_all_bodies();
	for (size_t i = 0; i < w.sent_count; i++)
		if (!strcmp(w.sent[i].kind, "forge.comment"))
			assert_null(
				strstr(js_str(w.sent[i].args, "body"), "evil"));
	/* One sentence for each of them. */
	assert_true(world_ask(&w, "SELECT count(*) FROM said"
				  " WHERE answer <> ''") <= 2);
	str_clear(&text);
	str_puts(&text, "@kcibot deploy\n");
	while (text.len <= LIMIT_STRANGER_COMMENT)
		str_puts(&text, "[[[[[[[[[[[[[[[[");
	before = w.sent_count;
	world_say(&w, 1, STRANGER, text.text);
	assert_int_equal(w.sent_count, before);
}

/* --- S15 --- */

/*
 * There: who may edit others' comments put a command into their mouth.
 * Here: only what is new and from its own author's hand counts.
 */
static void s15_edited_by_another(void **state UNUSED)
{
	json_t *comment = world_comment_json(&w, 50, 1, ADMIN, "Fine work.");
	json_t *p = world_comment_payload(&w, 1, STRANGER, comment);

	world_deliver(&w, "issue_comment", json_deep_copy(p));
	json_object_set_new(comment, "body", json_string("@kcibot deploy"));
	json_object_set_new(p, "action", json_string("edited"));
	world_deliver(&w, "issue_comment", json_deep_copy(p));
	/* Called new, but it is not its author who sends it. */
	json_object_set_new(p, "action", json_string("created"));
	world_deliver(&w, "issue_comment", json_deep_copy(p));
	json_object_set_new(js_get(p, "sender"), "id", json_integer(0));
	world_deliver(&w, "issue_comment", json_deep_copy(p));
	json_object_del(p, "sender");
	world_deliver(&w, "issue_comment", json_deep_copy(p));
	world_pass(&w, 2000);
	/* And the scan finds it, edited. */
	json_object_set_new(comment, "updated_at",
			    json_string(world_iso(clock_wall(&w.clock.clock))));
	json_array_append(w.comments, comment);
	world_pass(&w, HOUR);
	json_decref(p);
	nothing_ran();
}

/* An edit of a word that was obeyed never makes another one of it. */
static void s15_edited_after_it_was_heard(void **state UNUSED)
{
	json_t *comment =
		world_comment_json(&w, 50, 1, MAINTAINER, "@kcibot ping");
	json_t *p = world_comment_payload(&w, 1, MAINTAINER, comment);

	world_deliver(&w, "issue_comment", json_deep_copy(p));
	world_pass(&w, 2000);
	json_object_set_new(comment, "body", json_string("@kcibot deploy"));
	json_object_set_new(p, "action", json_string("edited"));
	json_object_set_new(js_get(p, "sender"), "id", json_integer(STRANGER));
	world_deliver(&w, "issue_comment", p);
	world_pass(&w, HOUR);
	nothing_ran();
}

/* --- S17 --- */

/* All that we have written, said again by somebody. */
static void feed_back(int64_t user, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(w.sent[i].kind, "forge.comment"))
			world_comment(&w, 1, user,
				      js_str(w.sent[i].args, "body"));
	world_run(&w);
}

/*
 * There: a bot read its own comments as state and as commands.  Here: nothing
 * that it writes is a command, even in an admin's mouth, and a marker in
 * somebody's comment is only text.
 */
static void s17_our_own_words(void **state UNUSED)
{
	int64_t said, cycles;
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		open_hostile(2 + (int64_t)i, hostile[i]);
	world_say(&w, 1, ADMIN, "@kcibot deply");
	world_say(&w, 1, ADMIN, "@kcibot help");
	push_untold(EVIL);
	world_say(&w, 1, MAINTAINER, "@kcibot deploy"); /* a line to paste */
	assert_non_null(strstr(last_words(), "@kcibot deploy eee"));
	world_say(&w, 2, MAINTAINER, "@kcibot trigger");
	world_pass(&w, HOUR);
	count = w.sent_count;
	said = world_ask(&w, "SELECT count(*) FROM said");
	cycles = world_cycles(&w);
	assert_true(cycles > 0);
	feed_back(ADMIN, count);
	feed_back(BOT, count);
	world_comment(&w, 1, BOT, "@kcibot deploy");
	world_comment(&w, 1, STRANGER,
		      "<!-- kcibot:sticky staging -->\n<!-- kcibot:key "
		      "sticky:staging:1 -->\nshort ok");
	world_pass(&w, HOUR);
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM said"), said);
	assert_int_equal(world_cycles(&w), cycles);
}

/* --- S20 --- */

#define OUR_CONTEXT "kcibot/staging"

struct foreign {
	const char *sha, *context, *state, *description, *url;
	int64_t sender;
};

static void tell_status(const struct foreign *f)
{
	static json_int_t id = 9000;

	world_deliver(&w, "status",
		      json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s?, s:{s:s},"
				" s:{s:I, s:s, s:s}}",
				"id", id++, "sha",
				f->sha ? f->sha : w.pulls[1].sha, "name", REPO,
				"context",
				f->context ? f->context : OUR_CONTEXT, "state",
				f->state, "description",
				f->description ? f->description : "all is well",
				"target_url", f->url, "repository", "full_name",
				REPO, "sender", "id",
				(json_int_t)(f->sender ? f->sender : STRANGER),
				"login", "mallory", "type", "User"));
	world_run(&w);
}

static long foreign_count(const char *result)
{
	CLEANUP(str_release) struct str page = STR_INIT(LIMIT_PAGE);
	char name[100];
	const char *at;

	metrics_write(&page);
	snprintf(name, sizeof(name),
		 "kcibot_foreign_statuses_total{result=\"%s\"} ", result);
	at = strstr(page.text, name);
	assert_non_null(at);
	return atol(at + strlen(name));
}

/* A revision that failed, and a contributor who would rather it were green. */
static void fail_a_deploy(void)
{
	w.job_verdict = "failure";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, 2 * MINUTE);
	assert_string_equal(world_status(&w, 1), "failure");
}

/*
 * There: whoever may write to a repository can set a status under any name.
 * Here: it is on record with its author, counted, and ours is back at once.
 */
static void s20_a_green_status_by_another_hand(void **state UNUSED)
{
	long repaired = foreign_count("repaired");
	struct world_effect *ours;
	size_t sent;

	fail_a_deploy();
	sent = world_sent(&w, "forge.status");
	tell_status(&(struct foreign){.state = "success"});
	assert_int_equal(world_sent(&w, "forge.status"), sent + 1);
	ours = world_last(&w, "forge.status", "");
	assert_string_equal(js_str(ours->args, "state"), "failure");
	assert_string_equal(js_str(ours->args, "sha"), w.pulls[1].sha);
	assert_string_equal(js_str(ours->args, "context"), OUR_CONTEXT);
	assert_string_equal(js_str(ours->args, "target_url"),
			    "https://bot.example.org/pulls/acme/api/1");
	assert_int_equal(world_audited(&w, "status.foreign", "mallory (13)"),
			 1);
	assert_int_equal(world_audited(&w, "status.foreign", "all is well"), 1);
	assert_int_equal(foreign_count("repaired"), repaired + 1);
}

/* Never a war: once an hour, and the last word is ours. */
static void s20_no_war(void **state UNUSED)
{
	long later = foreign_count("later");
	size_t sent;

	fail_a_deploy();
	sent = world_sent(&w, "forge.status");
	for (int i = 0; i < 30; i++) {
		tell_status(&(struct foreign){.state = "success"});
		world_pass(&w, MINUTE);
	}
	assert_int_equal(world_sent(&w, "forge.status"), sent + 1);
	assert_int_equal(foreign_count("later"), later + 29);
	assert_int_equal(world_audited(&w, "status.foreign", ""), 30);
	/* Also over a restart, ours comes back at the end of the hour. */
	world_restart(&w);
	world_pass(&w, 29 * MINUTE);
	assert_int_equal(world_sent(&w, "forge.status"), sent + 1);
	world_pass(&w, 2 * MINUTE);
	assert_int_equal(world_sent(&w, "forge.status"), sent + 2);
	assert_string_equal(world_status(&w, 1), "failure");
	world_pass(&w, 24 * HOUR);
	assert_int_equal(world_sent(&w, "forge.status"), sent + 2);
}

/* What we have to say meanwhile is not held up by what is booked, and is not
 * undone by it; and what is written over that comes back as well. */
static void s20_news_take_the_place_of_what_is_booked(void **state UNUSED)
{
	size_t sent;

	fail_a_deploy();
	tell_status(&(struct foreign){.state = "success"});
	tell_status(&(struct foreign){.state = "success"});
	w.job_verdict = "success";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, 2 * MINUTE);
	assert_string_equal(world_status(&w, 1), "success");
	tell_status(&(struct foreign){.state = "error"});
	sent = world_sent(&w, "forge.status");
	world_pass(&w, 30 * MINUTE);
	assert_int_equal(world_sent(&w, "forge.status"), sent);
	world_pass(&w, 40 * MINUTE);
	assert_int_equal(world_sent(&w, "forge.status"), sent + 1);
	assert_string_equal(world_status(&w, 1), "success");
}

/* Where it leads is part of what it says. */
static void s20_the_same_words_with_another_link(void **state UNUSED)
{
	char text[200];

	fail_a_deploy();
	snprintf(text, sizeof(text), "%s", world_description(&w, 1));
	tell_status(&(struct foreign){
		.state = "failure",
		.description = text,
		.url = "https://bot.example.org/pulls/acme/api/1"});
	assert_int_equal(world_audited(&w, "status.foreign", ""), 0);
	tell_status(&(struct foreign){.state = "failure",
				      .description = text,
				      .url = "https://evil.example/"});
	assert_int_equal(world_audited(&w, "status.foreign", "evil"), 1);
}

/* Nothing is done about what is none of ours, and about our own. */
static void s20_what_only_looks_like_it(void **state UNUSED)
{
	const struct foreign others[] = {
		{.state = "success", .context = "kcibot/staging2"},
		{.state = "success", .context = "KCIBOT/staging"},
		{.state = "success", .context = "kcibot/staging "},
		{.state = "success", .context = "kcibot/"},
		{.state = "success", .context = "ci/kcibot/staging"},
		{.state = "success", .sha = evil_sha},
		{.state = "success", .sha = "../../x"},
		{.state = "success", .sender = BOT},
		{.state = "success", .sender = -1},
	};
	size_t sent;

	fail_a_deploy();
	sent = world_sent(&w, "forge.status");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tell_status(&others[i]);
	world_pass(&w, 2 * HOUR);
	assert_int_equal(world_sent(&w, "forge.status"), sent);
	assert_int_equal(world_audited(&w, "status.foreign", ""), 0);
	/* While it is not known who we are, it may all be our own. */
	w.engine->self_id = 0;
	tell_status(&(struct foreign){.state = "success"});
	assert_int_equal(world_sent(&w, "forge.status"), sent);
}

/* --- S21 --- */

static void never_green(int64_t comment)
{
	assert_int_equal(world_sent_with(&w, "forge.status", "\"success\""), 0);
	assert_false(world_reacted(&w, comment, "rocket"));
	assert_true(*last_words());
}

/*
 * There: zero projects were planned, and it said success.  Here: what was not
 * deployed, or deployed by no job, is not green, however it came to that.
 */
static void s21_nothing_done_is_never_green(void **state UNUSED)
{
	static const char *const results[] = {"conflict", "moved", "missing",
					      "unrelated", "left_out"};

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		int64_t id, number = 2 + (int64_t)i;

		world_open(&w, number, STRANGER);
		w.pulls[number].merge = results[i];
		id = world_say(&w, number, MAINTAINER, "@kcibot deploy");
		world_pass(&w, HOUR);
		never_green(id);
	}
}

static void s21_no_job_ran(void **state UNUSED)
{
	const char *recipe = strstr(world_yaml, "    recipe:\n");
	CLEANUP(free)
	char *yaml = str_format("%.*s"
				"    recipe: {short: [build], full: [build]}\n"
				"    isolation: none\n"
				"    jobs: {build: {stage: build, run: [t], "
				"changed: {" REPO ": [none]}}}\n",
				(int)(recipe - world_yaml), world_yaml);
	int64_t id;

	/* It runs once, as it never did; then nothing touches its paths. */
	world_end(&w);
	begin_with(yaml);
	world_open(&w, 1, STRANGER);
	w.pulls[1].paths = w.pulls[1].merged = "doc/readme";
	world_say(&w, 1, MAINTAINER, "@kcibot deploy");
	world_pass(&w, HOUR);
	world_open(&w, 2, STRANGER);
	w.pulls[2].paths = w.pulls[2].merged = "doc/readme";
	id = world_say(&w, 2, MAINTAINER, "@kcibot deploy");
	world_pass(&w, HOUR);
	assert_string_not_equal(world_status(&w, 2), "success");
	assert_false(world_reacted(&w, id, "rocket"));
	assert_int_equal(world_ask(&w, "SELECT count(*) FROM cycle WHERE"
				       " verdict = 'inconclusive'"),
			 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s01_push_after_the_comment),
		TEST(s01_labels_and_approvals_permit_nothing),
		TEST(s02_another_commit_than_the_approved),
		TEST(s03_a_forge_that_does_not_know),
		TEST(s03_an_answer_from_yesterday),
		TEST(s04_a_grant_for_later_commits),
		TEST(s07_names_as_paths),
		TEST(s12_a_body_under_another_name),
		TEST(s13_names_are_data),
		TEST(s13_a_base_branch_is_no_argument),
		TEST(s14_what_strangers_write),
		TEST(s15_edited_by_another),
		TEST(s15_edited_after_it_was_heard),
		TEST(s16_what_we_quote_is_inert),
		TEST(s17_our_own_words),
		TEST(s20_a_green_status_by_another_hand),
		TEST(s20_no_war),
		TEST(s20_news_take_the_place_of_what_is_booked),
		TEST(s20_the_same_words_with_another_link),
		TEST(s20_what_only_looks_like_it),
		TEST(s21_nothing_done_is_never_green),
		TEST(s21_no_job_ran),
	};

	return cmocka_run_group_tests_name("incidents", tests, NULL, NULL);
}
