/*
 * From the raw bytes of deliveries to what the engine makes of them: the real
 * engine on real databases, with the ports of tests/unit/engine_world.h.
 *
 * An input is up to DELIVERIES_MAX pairs of lines, the event's name and the
 * body; "wait" lets so many minutes pass, and cycles run to their end.  Pull 1
 * is a contributor's, pull 2 a stranger's.  Whatever arrives, nobody is heard
 * who has not spoken, nothing is staged that nobody trusted may have staged,
 * and the engine lives.
 */
#include "bot/engine_internal.h"
#include "bot/base/limits.h"
#include "commands/grammar.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/rewind.h"
#include "tests/unit/engine_world.h"

#define DELIVERIES_MAX 4
#define WAIT_MAX 600 /* minutes */
#define WAIT_STEPS 4
#define ASKED_AGAIN_MS 10000
#define ASKED_AGAIN_MAX 10
#define KNOWN_PULLS 2
/* SQLite's pages, with its own words on each. */
#define PAGE_BYTES 4608
#define PAGES 1024
/* The journal is not taken back: this often it is emptied. */
#define JOURNAL_MAX 2000

static struct world w;
static struct rewind *kept;
static struct engine engine_kept; /* its times */
static struct fake_clock clock_kept;
static int64_t trust_kept;

/* Who spoke to the bot in this input. */
static struct {
	int64_t actors[DELIVERIES_MAX];
	size_t count;
} speakers;

/* --- what may go out --- */

/* No words of the bot are a command, whatever it quotes. */
static void check_comment(const char *body)
{
	struct error e = ERROR_INIT;
	struct said said;

	MUST(strlen(body) <= LIMIT_COMMENT);
	MUST(!grammar_read("kcibot", body, strlen(body), &said, &e));
	MUST(!said.count);
}

static void check_effect(const struct effect *x)
{
	const char *repo = js_str(x->args, "repo");

	MUST(!*repo || strcasecmp(repo, REPO) == 0);
	if (strcmp(x->kind, "forge.comment") == 0)
		check_comment(js_str(x->args, "body"));
	if (strcmp(x->kind, "forge.status") == 0)
		MUST(strlen(js_str(x->args, "description")) <=
		     LIMIT_STATUS_DESCRIPTION);
}

/* A stranger's revision goes along only when somebody who may has said so. */
static void check_batch(void)
{
	static const char strays[] =
		"SELECT count(*) FROM revision r"
		" JOIN cycle c ON c.id = r.cycle_id"
		" JOIN pull p ON p.id = r.pull_id"
		" WHERE c.state = 'merging' AND (p.state <> 'open'"
		"  OR p.head_sha <> r.sha OR NOT EXISTS(SELECT 1 FROM trust t"
		"   WHERE t.principal_id = p.author_id AND t.revoked_ms = 0))"
		" AND NOT EXISTS(SELECT 1 FROM said s JOIN trust t"
		"  ON t.principal_id = s.actor_id WHERE s.state = 'accepted'"
		"  AND s.repo = p.repo AND s.number = p.number"
		"  AND t.role IN ('admin', 'maintainer'))";

	MUST(rewind_ask(kept, strays, 0, 0) == 0);
}

static bool knows_pull(int64_t number)
{
	return number >= 1 && number <= KNOWN_PULLS;
}

static bool knows_pulls(const json_t *args)
{
	json_t *project, *revision;
	size_t i, j;

	json_array_foreach (js_get(args, "projects"), i, project)
		json_array_foreach (js_get(project, "revisions"), j, revision)
			if (!knows_pull(js_int(revision, "number", 0)))
				return false;
	return true;
}

static void answer_missing(const struct effect *x,
			   void (*done)(void *ctx, struct outcome *o),
			   void *ctx)
{
	struct outcome o = {.id = x->id, .code = ERR_MISSING};

	snprintf(o.text, sizeof(o.text), "there is no such pull");
	done(ctx, &o);
}

static void forge(struct port *p, const struct effect *x,
		  void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	check_effect(x);
	if (knows_pull(js_int(x->args, "number", 1)))
		world_forge(p, x, done, ctx);
	else
		answer_missing(x, done, ctx);
}

/* A cycle's merge; what "plan" asks for is the same call, for somebody who
 * waits for the answer. */
static bool is_cycles_batch(const struct effect *x)
{
	return strcmp(x->kind, "git.batch") == 0 &&
	       strncmp(x->key, "said:", strlen("said:")) != 0;
}

static void git(struct port *p, const struct effect *x,
		void (*done)(void *ctx, struct outcome *o), void *ctx)
{
	const char *hold = w.hold;

	check_effect(x);
	if (is_cycles_batch(x))
		check_batch();
	else
		w.hold = NULL;
	if (knows_pulls(x->args))
		world_git(p, x, done, ctx);
	else
		answer_missing(x, done, ctx);
	w.hold = hold;
}

/* --- one world for all inputs --- */

/* Whatever arrives was looked at before it is to be written down. */
static void on_sqlite(void *ctx UNUSED, int code, const char *text)
{
	if ((code & 0xff) != SQLITE_CONSTRAINT)
		return;
	fprintf(stderr, "%s\n", text);
	MUST((code & 0xff) != SQLITE_CONSTRAINT);
}

/* A held one will never be answered. */
static void forget_effects(void)
{
	for (size_t i = 0; i < w.sent_count; i++) {
		if (!w.sent[i].answered)
			store_outbox_unmark(w.engine->store, w.sent[i].id);
		json_decref(w.sent[i].args);
	}
	w.sent_count = 0;
}

static void end(void)
{
	rewind_free(kept);
	world_end(&w);
}

static void begin(void)
{
	static _Alignas(8) char pages[PAGE_BYTES * PAGES];

	MUST(sqlite3_config(SQLITE_CONFIG_LOG, on_sqlite, NULL) == SQLITE_OK);
	/* SQLite is not what is tested: most of its memory apart from ASan. */
	MUST(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 1200, 2000) == SQLITE_OK);
	MUST(sqlite3_config(SQLITE_CONFIG_PAGECACHE, pages, PAGE_BYTES,
			    PAGES) == SQLITE_OK);
	world_begin(&w, "");
	world_trust_all(&w);
	world_open(&w, 1, CONTRIBUTOR);
	world_open(&w, 2, STRANGER);
	world_pass(&w, HOUR);
	forget_effects();
	w.forge.start = forge;
	w.git.start = git;
	/* The cursor goes with the journal. */
	kept = rewind_new(w.store_path, "cursor");
	engine_kept = *w.engine;
	clock_kept = w.clock;
	trust_kept = rewind_ask(
		kept, "SELECT total(id + revoked_ms) FROM trust", 0, 0);
	atexit(end);
}

static void empty_journal(void)
{
	struct error e = ERROR_INIT;

	MUST(!inbox_prune(w.inbox, inbox_last(w.inbox), INT64_MAX, INT64_MAX,
			  &e));
	inbox_checkpoint(w.inbox);
}

static void go_back(void)
{
	static int count;
	struct engine *g = w.engine;

	rewind_back(kept);
	forget_effects();
	speakers.count = 0;
	w.clock = clock_kept;
	g->timer_ms = engine_kept.timer_ms;
	g->outbox_ms = engine_kept.outbox_ms;
	g->cursor_due_ms = engine_kept.cursor_due_ms;
	g->next_scan_ms = engine_kept.next_scan_ms;
	g->next_prune_ms = engine_kept.next_prune_ms;
	if (++count % JOURNAL_MAX == 0)
		empty_journal();
}

/* --- what an input says --- */

struct line {
	const char *text;
	size_t len;
};

static struct line take_line(const char **at, const char *end)
{
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));
	struct line l = {*at, (size_t)((stop ? stop : end) - *at)};

	*at = stop ? stop + 1 : end;
	return l;
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* Judged apart from the bot's own reading. */
static void note_speaker(const char *event, const struct line *body)
{
	CLEANUP(json_decref)
	json_t *root = json_loadb(body->text, body->len, 0, NULL);
	const char *action = js_str(root, "action");
	const json_t *words =
		js_get(root, ends_in(event, "_review") ? "review" : "comment");
	const json_t *user = js_get(words, "user");
	int64_t id = js_int(user, "id", 0);

	if ((strcmp(action, "created") == 0 ||
	     strcmp(action, "submitted") == 0) &&
	    id > 0 && id != BOT && id == js_int(root, "sender.id", 0) &&
	    strcmp(js_str(user, "type"), "Bot") != 0 &&
	    !ends_in(js_str(user, "login"), "[bot]") &&
	    strcasecmp(js_str(root, "repository.full_name"), REPO) == 0 &&
	    strchr(js_str(words, "body"), '@'))
		speakers.actors[speakers.count++] = id;
}

static void deliver(const char *event, const struct line *body)
{
	/* Without a NUL, so that a read behind the end is found. */
	CLEANUP(free) char *exact = malloc(body->len + !body->len);
	struct error e = ERROR_INIT;
	char guid[32];
	struct inbox_delivery d = {
		.guid = guid,
		.event = event,
		.body = exact,
		.len = body->len,
		.received_ms = clock_wall(&w.clock.clock),
	};

	MUST(exact);
	memcpy(exact, body->text, body->len);
	snprintf(guid, sizeof(guid), "guid-%lld", (long long)++w.next_delivery);
	MUST(!inbox_add(w.inbox, &d, 1, &e));
	note_speaker(event, body);
}

static void take_turns(void)
{
	struct error e = ERROR_INIT;

	if (!world_try(&w, &e))
		return;
	fprintf(stderr, "%s\n", e.text);
	MUST(!"the engine gave up");
}

/* As the intake asks it of the header. */
static bool is_name(const char *event)
{
	size_t len = strlen(event);

	if (len < 1 || len > 128)
		return false;
	for (; *event; event++)
		if (*event < 0x21 || *event > 0x7e)
			return false;
	return true;
}

static void happen(const struct line *event, const struct line *body)
{
	CLEANUP(free) char *name = fuzz_text(event->text, event->len);
	CLEANUP(free) char *text = fuzz_text(body->text, body->len);
	long minutes;

	if (strlen(name) != event->len || !is_name(name))
		return;
	if (strcmp(name, "wait") != 0) {
		deliver(name, body);
		take_turns();
		fake_clock_advance(&w.clock, 1000);
		return;
	}
	minutes = strtol(text, NULL, 10);
	if (minutes < 0 || minutes > WAIT_MAX)
		return;
	for (int n = 0; n < WAIT_STEPS; n++) {
		fake_clock_advance(&w.clock, minutes * MINUTE / WAIT_STEPS);
		take_turns();
	}
}

/* --- what may have come of it --- */

/* Each thing heard was said, by somebody who spoke, once. */
static void check_heard(void)
{
	int64_t left = rewind_ask(kept, "SELECT count(*) FROM said", 0, 0);

	for (size_t i = 0; i < speakers.count; i++) {
		int64_t actor = speakers.actors[i], times = 0, heard;
		bool first = true;

		for (size_t j = 0; j < speakers.count; j++) {
			times += speakers.actors[j] == actor;
			first = first &&
				(j >= i || speakers.actors[j] != actor);
		}
		heard = rewind_ask(
			kept, "SELECT count(*) FROM said WHERE actor_id = ?1",
			actor, 0);
		MUST(heard <= times);
		left -= first ? heard : 0;
	}
	MUST(left == 0);
}

/* The forge answers at once here; but where it contradicts what a delivery
 * told, it is asked again a few times, a while apart. */
static void check_settled(void)
{
	static const char unsettled[] =
		"SELECT count(*) FROM said WHERE state = 'checking'";

	for (int n = 0; n < ASKED_AGAIN_MAX; n++) {
		if (rewind_ask(kept, unsettled, 0, 0) == 0)
			return;
		fake_clock_advance(&w.clock, ASKED_AGAIN_MS);
		take_turns();
	}
	MUST(!"what was said is checked for ever");
}

static void check_wishes(void)
{
	static const char orphans[] =
		"SELECT count(*) FROM request q WHERE origin IN"
		" ('comment', 'cli') AND NOT EXISTS(SELECT 1 FROM said s"
		"  WHERE s.id = q.said_id AND s.actor_id = q.actor_id"
		"  AND s.state = 'accepted')";
	static const char accepted[] =
		"SELECT count(*) FROM said WHERE state = 'accepted'";

	MUST(rewind_ask(kept, orphans, 0, 0) == 0);
	if (rewind_ask(kept, accepted, 0, 0) == 0)
		MUST(trust_kept ==
		     rewind_ask(kept,
				"SELECT total(id + revoked_ms) FROM trust", 0,
				0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *stop = at + size;

	if (!kept)
		begin();
	/* A whole cycle, and all that is told of it, takes as long as fifty
	 * deliveries: only where time passes. */
	w.hold = "git.batch forge.comment forge.reaction forge.status";
	if (size && memmem(data, size, "wait\n", 5))
		w.hold = NULL;
	for (int n = 0; n < DELIVERIES_MAX && at < stop; n++) {
		struct line event = take_line(&at, stop);
		struct line body = take_line(&at, stop);

		happen(&event, &body);
	}
	check_settled();
	check_heard();
	check_wishes();
	go_back();
	return 0;
}

/* --- other inputs --- */

static const char *const events[] = {
	"issue_comment",
	"pull_request",
	"push",
	"pull_request_review",
	"pull_request_review_comment",
	"issues",
};

static const char *const names[] = {
	"action",
	"after",
	"base",
	"before",
	"body",
	"changes",
	"comment",
	"commit_id",
	"created_at",
	"draft",
	"full_name",
	"head",
	"html_url",
	"id",
	"issue",
	"labels",
	"locked",
	"login",
	"merged",
	"merged_at",
	"name",
	"number",
	"organization",
	"original_commit_id",
	"performed_via_github_app",
	"pull_request",
	"ref",
	"repository",
	"review",
	"sender",
	"sha",
	"state",
	"submitted_at",
	"title",
	"type",
	"updated_at",
	"user",
	NULL,
};

#define SHA_1 "1111111111111111111111111111111111111111"
#define SHA_2 "2222222222222222222222222222222222222222"
#define SHA_A "abcdefabcdefabcdefabcdefabcdefabcdefabcd"

static const char *const values[] = {
	"null",
	"true",
	"false",
	"[]",
	"{}",
	"\"\"",
	"0",
	"1",
	"2",
	"3",
	"-1",
	"10",
	"11",
	"12",
	"13",
	"14",
	"1.5",
	"9007199254740993",
	"9223372036854775807",
	"-9223372036854775808",
	"\"created\"",
	"\"edited\"",
	"\"deleted\"",
	"\"submitted\"",
	"\"opened\"",
	"\"closed\"",
	"\"open\"",
	"\"synchronize\"",
	"\"labeled\"",
	"\"skip-me\"",
	"\"User\"",
	"\"Bot\"",
	"\"x[bot]\"",
	"\"main\"",
	"\"refs/heads/main\"",
	"\"refs/heads/staging\"",
	"\"" REPO "\"",
	"\"ACME/api\"",
	"\"acme/other\"",
	"\"" SHA_1 "\"",
	"\"" SHA_2 "\"",
	"\"" SHA_A "\"",
	"\"2026-09-21T14:13:20Z\"",
	"\"1970-01-01T00:00:00Z\"",
	"\"9999-12-31T23:59:59+14:00\"",
	"\"https://github.com/acme/api/pull/1#issuecomment-1\"",
	"\"@kcibot deploy\"",
	"\"@kcibot trigger\"",
	"\"@kcibot status\"",
	"\"@kcibot help\"",
	"\"@kcibot plan\\n@kcibot why\"",
	"\"@kcibot deploy " SHA_1 "\"",
	"\"@kcibot deploy " SHA_2 "\\r\\n@kcibot trigger\"",
	"\"> @kcibot deploy\"",
	"\"@kcibot lock 2h reason=\\\"x\\\"\"",
	"\"@kcibot trust @user13 role=admin\"",
	"\"@kcibot de\\u200bploy\"",
	"\"\\u202e \\ud83d\\ude00 <!-- --> @everyone ]] ``` | #1\"",
	NULL,
};

/* Another body in place of that line, or another event. */
static bool change_line(struct str *out, const struct line *l, bool is_body,
			unsigned *seed)
{
	static const struct mutate_words words = {names, values};
	CLEANUP(json_decref) json_t *root = NULL;
	CLEANUP(free) char *text = NULL;

	if (!is_body) {
		str_puts(out, events[mutate_pick(seed, ARRAY_SIZE(events))]);
		return true;
	}
	root = json_loadb(l->text, l->len, JSON_DECODE_ANY, NULL);
	if (!root)
		return false;
	for (unsigned n = mutate_pick(seed, 4) + 1; n; n--)
		mutate_json(root, &words, seed);
	text = json_dumps(
		root, JSON_COMPACT | JSON_ENCODE_ANY |
			      (mutate_pick(seed, 2) ? JSON_ENSURE_ASCII : 0));
	if (text)
		str_puts(out, text);
	return text != NULL;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned seed)
{
	CLEANUP(str_release) struct str out = STR_INIT(max);
	const char *at = (const char *)data, *stop = at + size;
	unsigned target = mutate_pick(&seed, 2 * DELIVERIES_MAX);
	bool changed = false;

	if (mutate_pick(&seed, 8) == 0)
		return LLVMFuzzerMutate(data, size, max);
	for (unsigned n = 0; at < stop; n++) {
		struct line l = take_line(&at, stop);

		/* Bodies, most of the time. */
		if (n == (target | (mutate_pick(&seed, 16) != 0)))
			changed |= change_line(&out, &l, n & 1, &seed);
		else
			str_add(&out, l.text, l.len);
		str_putc(&out, '\n');
	}
	if (!changed || out.failed)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(data, out.text, out.len);
	return out.len;
}
