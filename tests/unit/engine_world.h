/*
 * The real engine on real databases, in a world that the test owns: a clock
 * that moves by hand, a forge with people and pulls, a git and jobs that say
 * what the test wants.  One thread; engine_turn() instead of the engine's.
 *
 *	struct world w;
 *
 *	world_begin(&w, "");
 *	world_trust(&w, MAINTAINER, "maintainer");
 *	world_open(&w, 1, STRANGER);
 *	world_comment(&w, 1, MAINTAINER, "@kcibot deploy");
 *	world_run(&w);
 *	assert_int_equal(world_sent(&w, "git.batch"), 1);
 *	world_end(&w);
 *
 * What goes out is on record in w.sent, oldest first, also across
 * world_restart(), which is a kill -9: answers not yet given are lost.
 */
#ifndef TESTS_ENGINE_WORLD_H
#define TESTS_ENGINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/fs.h"
#include "bot/base/log.h"
#include "bot/engine.h"
#include "store/audit.h"
#include "store/inbox.h"

#define REPO "acme/api"
#define MINUTE (60LL * 1000)
#define HOUR (60 * MINUTE)
/* What forge.commit_guard is unless it is configured. */
#define GUARD 10000

/* People, by their ids on the forge. */
enum {
	BOT = 1,
	ADMIN = 10,
	MAINTAINER = 11,
	CONTRIBUTOR = 12,
	STRANGER = 13,
	OTHER_STRANGER = 14,
};

#define PULLS_MAX 32
#define SENT_MAX 4096

struct world_pull {
	int64_t author;
	char sha[41];
	char base[128];
	const char *state; /* "open", "closed" */
	const char *label; /* or NULL */
	const char *title; /* NULL = "A change" */
	bool draft;
	int64_t updated_ms;
	const char *merge; /* what git says of it: "merged", "conflict", ... */
	const char *reason;
	/* What it changes, separated by blanks: NULL = "src/a.c", "*" = too
	 * many.  merged: what the merge finds, when that is more. */
	const char *paths, *merged;
};

/* An effect that reached a port. */
struct world_effect {
	struct world *world;
	int64_t id;
	char kind[32];
	char key[128];
	json_t *args;
	void (*done)(void *ctx, struct outcome *o);
	void *ctx;
	bool answered;
};

struct world {
	char dir[64];
	char store_path[128], inbox_path[128]; /* the engine borrows them */
	struct config *config;
	struct fake_clock clock;
	struct port forge, git, jobs;
	struct inbox *inbox;
	struct engine *engine;
	bool scans;
	int64_t skew_ms; /* the forge's clock minus ours */
	bool dateless;	 /* its answers carry no date */

	struct world_pull pulls[PULLS_MAX]; /* by number */
	int64_t next_comment;
	int64_t next_delivery;
	json_t *comments; /* what the listing of comments answers */
	json_t *review_comments, *reviews; /* and the listings of these */
	json_t *hooks;	    /* those of the repository that we may see */
	json_t *deliveries; /* what ours was sent, newest first */
	char base_sha[41];
	char staged_sha[41]; /* of the staging branch; "" = it is not there */

	/* Kinds whose effects stay unanswered, separated by blanks. */
	const char *hold;
	/* What all jobs say; "success" unless the test says otherwise. */
	const char *job_verdict;
	/* Kind that fails with this outcome's code, or NULL. */
	const char *fail_kind;
	enum err fail_code;
	int fail_status; /* HTTP */
	bool fail_unknown;
	const char *part_kind; /* of which only a part can be listed, or NULL */

	struct world_effect sent[SENT_MAX];
	size_t sent_count;
	char answer[512]; /* the last call's text */
	int answer_ok;	  /* -1 = no answer yet */
};

static const char world_yaml[] =
	"listen: 127.0.0.1:0\n"
	"public_url: https://bot.example.org\n"
	"state_dir: /nonexistent/kcibot\n"
	"bot: {name: kcibot}\n"
	"forge:\n"
	"  api_url: https://api.github.com\n"
	"  clone_url: https://github.com/{repo}.git\n"
	"  token_file: /nonexistent/token\n"
	"  webhook_secret_file: /nonexistent/secret\n"
	"trust:\n"
	"  admins: [root]\n"
	"environments:\n"
	"  staging:\n"
	"    projects:\n"
	"      - {repo: " REPO ", base: main, branch: staging}\n"
	"    labels: {skip: skip-me, include: \"\"}\n"
	"    policy: {settle: 5m, settle_max: 20m, cooldown: 30m, "
	"full_interval: 6h,\n"
	"             restart_limit: 1, schedule: 8h, max_batch: 20, "
	"stale_after: 14d}\n"
	"    recipe:\n"
	"      short: [build, deploy]\n"
	"      full:  [build, deploy, test]\n"
	"    isolation: none\n"
	"    jobs:\n"
	"      deploy: {stage: deploy, run: [/bin/true], timeout: 5m}\n"
	"      tests: {stage: test, run: [/bin/true], timeout: 5m,\n"
	"              changed: {" REPO ": [\"src/**\"]}}\n"
	"      build: {stage: build, run: [/bin/true], timeout: 5m,\n"
	"              changed: {" REPO ": [\"src/**\"]}}\n";

/* --- small things --- */

static inline void world_must(enum err code, const struct error *e)
{
	if (code)
		fail_msg("%s: %s", err_name(code), e->text);
}

/* 40 times the same hex digit. */
static inline void world_sha(char ret[41], char digit)
{
	memset(ret, digit, 40);
	ret[40] = '\0';
}

static inline const char *world_iso(int64_t ms)
{
	static char bufs[4][32];
	static int n;
	struct str s = STR_INIT(64);
	char *buf = bufs[n++ % 4];

	time_iso(&s, ms);
	snprintf(buf, sizeof(bufs[0]), "%s", s.text);
	str_release(&s);
	return buf;
}

static inline const char *world_login(int64_t id)
{
	static char bufs[4][32];
	static int n;
	char *buf = bufs[n++ % 4];

	snprintf(buf, sizeof(bufs[0]), "user%lld", (long long)id);
	return buf;
}

static inline bool world_has_word(const char *list, const char *word)
{
	const char *at = list ? strstr(list, word) : NULL;

	return at && strchr(" ", at[strlen(word)]) != NULL;
}

/* --- what the ports answer --- */

static inline json_t *world_pull_json(struct world *w, int64_t number)
{
	struct world_pull *p = &w->pulls[number];
	json_t *labels = json_array();

	if (p->label)
		json_array_append_new(labels,
				      json_pack("{s:s}", "name", p->label));
	return json_pack("{s:I, s:s, s:{s:I, s:s}, s:s, s:b, s:{s:s}, s:{s:s},"
			 " s:o, s:s}",
			 "number", (json_int_t)number, "title",
			 p->title ? p->title : "A change", "user", "id",
			 (json_int_t)p->author, "login", world_login(p->author),
			 "state", p->state, "draft", p->draft, "base", "ref",
			 p->base, "head", "sha", p->sha, "labels", labels,
			 "updated_at", world_iso(p->updated_ms));
}

static inline json_t *world_pulls_json(struct world *w)
{
	json_t *list = json_array();

	for (int64_t n = 1; n < PULLS_MAX; n++)
		if (w->pulls[n].author && !strcmp(w->pulls[n].state, "open"))
			json_array_append_new(list, world_pull_json(w, n));
	return list;
}

/* Adds "paths", as git says them. */
static inline void world_add_paths(json_t *to, const char *paths)
{
	char *copy = strdup(paths ? paths : "src/a.c"), *rest = copy, *one;
	json_t *list = json_array();

	while ((one = strsep(&rest, " ")))
		json_array_append_new(list, json_string(one));
	if (strcmp(copy, "*") != 0)
		json_object_set(to, "paths", list);
	json_decref(list);
	free(copy);
}

static inline json_t *world_paths_json(struct world *w, const json_t *args)
{
	struct world_pull *p = &w->pulls[js_int(args, "number", 0)];
	bool known = !strcmp(js_str(args, "sha"), p->sha);
	json_t *body = json_pack("{s:s, s:s}", "result",
				 known ? "known" : "moved", "reason", "");

	if (known)
		world_add_paths(body, p->paths);
	return body;
}

static inline json_t *world_batch_json(struct world *w, const json_t *args)
{
	json_t *projects = json_array(), *project, *revision;
	size_t i, j;

	json_array_foreach (js_get(args, "projects"), i, project) {
		json_t *list = json_array();
		char sha[41];

		memcpy(sha, w->base_sha, sizeof(sha));
		json_array_foreach (js_get(project, "revisions"), j, revision) {
			int64_t n = js_int(revision, "number", 0);
			struct world_pull *p = &w->pulls[n];
			const char *merge =
				strcmp(js_str(revision, "sha"), p->sha) != 0
					? "moved"
					: p->merge;

			json_t *one = json_pack(
				"{s:I, s:s, s:s, s:s}", "number", (json_int_t)n,
				"sha", js_str(revision, "sha"), "result", merge,
				"reason", p->reason ? p->reason : "");

			world_add_paths(one, p->merged ? p->merged : p->paths);
			json_array_append_new(list, one);
			if (!strcmp(merge, "merged"))
				sha[n] = p->sha[0];
		}
		json_array_append_new(
			projects,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "repo",
				  js_str(project, "repo"), "base", "main",
				  "branch", "staging", "base_sha", w->base_sha,
				  "old_sha", w->staged_sha, "sha", sha,
				  "revisions", list));
	}
	return json_pack("{s:o}", "projects", projects);
}

static inline json_t *world_body(struct world *w, const struct world_effect *x)
{
	static int64_t next_posted = 9000;

	if (!strcmp(x->kind, "forge.pull"))
		return world_pull_json(w, js_int(x->args, "number", 0));
	if (!strcmp(x->kind, "forge.pulls"))
		return world_pulls_json(w);
	if (!strcmp(x->kind, "forge.comments"))
		return json_incref(w->comments);
	if (!strcmp(x->kind, "forge.review_comments"))
		return json_incref(w->review_comments);
	if (!strcmp(x->kind, "forge.reviews"))
		return json_incref(w->reviews);
	if (!strcmp(x->kind, "forge.hooks"))
		return json_incref(w->hooks);
	if (!strcmp(x->kind, "forge.deliveries"))
		return json_incref(w->deliveries);
	if (!strcmp(x->kind, "forge.self"))
		return json_pack("{s:i, s:s}", "id", BOT, "login", "kcibot");
	if (!strcmp(x->kind, "forge.comment"))
		return json_pack(
			"{s:I}", "id",
			(json_int_t)(js_int(x->args, "comment_id", 0)
					     ? js_int(x->args, "comment_id", 0)
					     : next_posted++));
	if (!strcmp(x->kind, "git.batch"))
		return world_batch_json(w, x->args);
	if (!strcmp(x->kind, "git.paths"))
		return world_paths_json(w, x->args);
	if (!strcmp(x->kind, "git.tag"))
		return json_pack("{s:s}", "tag", "staging-1");
	if (!strcmp(x->kind, "job.run"))
		return json_pack("{s:s, s:s, s:s, s:i, s:s}", "verdict",
				 w->job_verdict, "reason_code", "exit", "text",
				 "it ended", "exit_code", 0, "tail", "");
	return json_object();
}

/* Answers an effect; body NULL = what the world would say. */
static inline void world_answer(struct world_effect *x, enum err code,
				json_t *body)
{
	struct world *w = x->world;
	struct outcome o = {.id = x->id, .code = code};
	int64_t date = clock_wall(&w->clock.clock) + w->skew_ms;

	/* Whole seconds, as in a Date header. */
	if (!strncmp(x->kind, "forge.", 6) && !w->dateless)
		o.date_ms = date - date % 1000;
	assert_false(x->answered);
	x->answered = true;
	if (!code && !strcmp(x->kind, "git.push"))
		snprintf(w->staged_sha, sizeof(w->staged_sha), "%s",
			 js_str(json_array_get(js_get(x->args, "projects"), 0),
				"sha"));
	if (code)
		snprintf(o.text, sizeof(o.text), "the test says no");
	else
		o.body = body ? body : world_body(x->world, x);
	o.unknown = code && x->world->fail_unknown;
	o.part = w->part_kind && !strcmp(w->part_kind, x->kind);
	o.http_status = code ? x->world->fail_status : 200;
	x->done(x->ctx, &o);
}

static inline void world_start(struct world *w, const struct effect *effect,
			       void (*done)(void *ctx, struct outcome *o),
			       void *ctx)
{
	struct world_effect *x = &w->sent[w->sent_count];
	long long id = ADMIN;
	bool is_user = !strcmp(effect->kind, "forge.user");

	assert_true(w->sent_count < SENT_MAX);
	w->sent_count++;
	*x = (struct world_effect){
		.world = w,
		.id = effect->id,
		.args = json_deep_copy(effect->args),
		.done = done,
		.ctx = ctx,
	};
	snprintf(x->kind, sizeof(x->kind), "%s", effect->kind);
	snprintf(x->key, sizeof(x->key), "%s", effect->key);
	if (world_has_word(w->hold, x->kind))
		return;
	if (w->fail_kind && !strcmp(w->fail_kind, x->kind)) {
		world_answer(x, w->fail_code, NULL);
		return;
	}
	/* The first admins have names of their own. */
	if (is_user &&
	    sscanf(js_str(effect->args, "login"), "user%lld", &id) != 1)
		id = ADMIN;
	world_answer(x, ERR_OK,
		     is_user ? json_pack("{s:I, s:s, s:s}", "id",
					 (json_int_t)id, "login",
					 world_login(id), "type", "User")
			     : NULL);
}

static inline void world_forge(struct port *p, const struct effect *effect,
			       void (*done)(void *ctx, struct outcome *o),
			       void *ctx)
{
	world_start((struct world *)((char *)p - offsetof(struct world, forge)),
		    effect, done, ctx);
}

static inline void world_git(struct port *p, const struct effect *effect,
			     void (*done)(void *ctx, struct outcome *o),
			     void *ctx)
{
	world_start((struct world *)((char *)p - offsetof(struct world, git)),
		    effect, done, ctx);
}

static inline void world_jobs(struct port *p, const struct effect *effect,
			      void (*done)(void *ctx, struct outcome *o),
			      void *ctx)
{
	world_start((struct world *)((char *)p - offsetof(struct world, jobs)),
		    effect, done, ctx);
}

/* --- what went out --- */

static inline size_t world_sent(struct world *w, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < w->sent_count; i++)
		n += !strcmp(w->sent[i].kind, kind);
	return n;
}

static inline bool world_args_hold(const struct world_effect *x,
				   const char *text)
{
	char *all = json_dumps(x->args, JSON_COMPACT | JSON_SORT_KEYS);
	bool found = strstr(all, text) != NULL;

	free(all);
	return found;
}

/* The last effect of a kind whose args hold text, or NULL. */
static inline struct world_effect *world_last(struct world *w, const char *kind,
					      const char *text)
{
	for (size_t i = w->sent_count; i > 0; i--)
		if (!strcmp(w->sent[i - 1].kind, kind) &&
		    world_args_hold(&w->sent[i - 1], text))
			return &w->sent[i - 1];
	return NULL;
}

static inline size_t world_sent_with(struct world *w, const char *kind,
				     const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < w->sent_count; i++)
		n += !strcmp(w->sent[i].kind, kind) &&
		     world_args_hold(&w->sent[i], text);
	return n;
}

/* The state that a pull's head shows last, "" = none. */
static inline const char *world_status(struct world *w, int64_t number)
{
	struct world_effect *x =
		world_last(w, "forge.status", w->pulls[number].sha);

	return x ? js_str(x->args, "state") : "";
}

static inline const char *world_description(struct world *w, int64_t number)
{
	struct world_effect *x =
		world_last(w, "forge.status", w->pulls[number].sha);

	return x ? js_str(x->args, "description") : "";
}

/* One number out of kcibot.db. */
static inline int64_t world_ask(struct world *w, const char *sql)
{
	sqlite3_stmt *s;
	sqlite3 *db;
	int64_t value = -1;

	assert_int_equal(sqlite3_open(w->store_path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return value;
}

/* Entries of the audit with this action, and with this in their texts or
 * their evidence. */
static inline int64_t world_audited(struct world *w, const char *action,
				    const char *part)
{
	char *sql = sqlite3_mprintf(
		"SELECT count(*) FROM audit WHERE action = %Q AND"
		" instr(actor || '|' || subject || '|' || why || '|' ||"
		" evidence, %Q)",
		action, part);
	int64_t count = world_ask(w, sql);

	sqlite3_free(sql);
	return count;
}

static inline int64_t world_cycles(struct world *w)
{
	return world_ask(w, "SELECT count(*) FROM cycle");
}

/* --- time and turns --- */

/* Until nothing is left to do at this moment; the engine's own verdict. */
static inline enum err world_try(struct world *w, struct error *e)
{
	bool idle = false;

	for (int n = 0; n < 10000; n++) {
		if (engine_turn(w->engine, &idle, e))
			return e->code;
		if (idle)
			return ERR_OK;
	}
	fail_msg("the engine never comes to rest");
	return ERR_FATAL;
}

static inline void world_run(struct world *w)
{
	struct error e = ERROR_INIT;

	world_must(world_try(w, &e), &e);
}

/* Lets time pass in steps, so that what is due on the way happens. */
static inline void world_pass(struct world *w, int64_t ms)
{
	while (ms > 0) {
		int64_t step = ms < MINUTE ? ms : MINUTE;

		fake_clock_advance(&w->clock, step);
		ms -= step;
		world_run(w);
	}
}

/* --- life --- */

static inline void world_set_config(struct world *w, const char *yaml)
{
	struct str report = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	struct config *c =
		config_parse("test.yaml", yaml, strlen(yaml), &report, &e);

	if (!c)
		fail_msg("%s\n%s", e.text, report.text);
	str_release(&report);
	config_free(w->config);
	w->config = c;
}

static inline void world_boot(struct world *w)
{
	struct error e = ERROR_INIT;
	struct engine_settings s = {
		.config = w->config,
		.clock = &w->clock.clock,
		.store_path = w->store_path,
		.inbox_path = w->inbox_path,
		.forge = &w->forge,
		.git = &w->git,
		.jobs = &w->jobs,
		.scans = w->scans,
	};

	w->engine = engine_new(&s, &e);
	if (!w->engine)
		fail_msg("%s", e.text);
}

/* kill -9 and a new start; what was in flight is never answered. */
static inline void world_kill(struct world *w)
{
	engine_free(w->engine);
	w->engine = NULL;
	for (size_t i = 0; i < w->sent_count; i++)
		w->sent[i].answered = true;
}

static inline void world_restart(struct world *w)
{
	world_kill(w);
	world_boot(w);
}

static inline void world_begin(struct world *w, const char *yaml)
{
	const char *tmp = getenv("TMPDIR");
	struct error e = ERROR_INIT;

	assert_true(sodium_init() >= 0);
	*w = (struct world){
		.forge = {.start = world_forge},
		.git = {.start = world_git},
		.jobs = {.start = world_jobs},
		.job_verdict = "success",
		.next_comment = 100,
		.answer_ok = -1,
	};
	snprintf(w->dir, sizeof(w->dir), "%.40s/kcibot-XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	world_sha(w->base_sha, '0');
	w->comments = json_array();
	w->review_comments = json_array();
	w->reviews = json_array();
	w->hooks = json_array();
	w->deliveries = json_array();
	fake_clock_init(&w->clock, 1790000000000LL);
	world_set_config(w, *yaml ? yaml : world_yaml);
	snprintf(w->store_path, sizeof(w->store_path), "%s/kcibot.db", w->dir);
	snprintf(w->inbox_path, sizeof(w->inbox_path), "%s/inbox.db", w->dir);
	w->inbox = inbox_open(w->inbox_path, &e);
	if (!w->inbox)
		fail_msg("%s", e.text);
	world_boot(w);
	world_run(w);
}

/* Whatever happened, crashes and all, the audit holds together. */
static inline void world_check_audit(struct world *w)
{
	struct error e = ERROR_INIT;
	struct store *s = store_open_reader(w->store_path, &e);
	struct audit_report r;

	if (!s)
		fail_msg("%s", e.text);
	world_must(store_audit_verify(s, NULL, NULL, &r, &e), &e);
	store_close(s);
	if (r.broken)
		fail_msg("audit, entry %lld: %s", (long long)r.broken_id,
			 r.broken_how);
}

static inline void world_end(struct world *w)
{
	struct error e = ERROR_INIT;

	engine_free(w->engine);
	world_check_audit(w);
	inbox_close(w->inbox);
	for (size_t i = 0; i < w->sent_count; i++)
		json_decref(w->sent[i].args);
	json_decref(w->comments);
	json_decref(w->review_comments);
	json_decref(w->reviews);
	json_decref(w->hooks);
	json_decref(w->deliveries);
	config_free(w->config);
	world_must(fs_remove_tree(w->dir, &e), &e);
}

/* --- what people do --- */

/* Hands a delivery of any bytes to the journal. */
static inline void world_deliver_raw(struct world *w, const char *guid,
				     const char *event, const char *body,
				     size_t len)
{
	struct inbox_delivery d = {
		.guid = guid,
		.event = event,
		.body = body,
		.len = len,
		.received_ms = clock_wall(&w->clock.clock),
	};
	struct error e = ERROR_INIT;

	world_must(inbox_add(w->inbox, &d, 1, &e), &e);
}

/* The same; takes over payload. */
static inline void world_deliver_as(struct world *w, const char *guid,
				    const char *event, json_t *payload)
{
	char *body = json_dumps(payload, JSON_COMPACT);

	world_deliver_raw(w, guid, event, body, strlen(body));
	free(body);
	json_decref(payload);
}

static inline void world_deliver(struct world *w, const char *event,
				 json_t *payload)
{
	char guid[32];

	snprintf(guid, sizeof(guid), "guid-%lld",
		 (long long)++w->next_delivery);
	world_deliver_as(w, guid, event, payload);
}

/* Tells of a pull as it is now. */
static inline void world_tell(struct world *w, int64_t number,
			      const char *action)
{
	world_deliver(w, "pull_request",
		      json_pack("{s:s, s:I, s:o, s:{s:s}}", "action", action,
				"number", (json_int_t)number, "pull_request",
				world_pull_json(w, number), "repository",
				"full_name", REPO));
}

/* The pull's change is seen by nobody until a webhook or a scan. */
static inline struct world_pull *world_change(struct world *w, int64_t number)
{
	w->pulls[number].updated_ms = clock_wall(&w->clock.clock) + w->skew_ms;
	return &w->pulls[number];
}

static inline void world_open(struct world *w, int64_t number, int64_t author)
{
	struct world_pull *p = world_change(w, number);

	p->author = author;
	p->state = "open";
	p->merge = "merged";
	snprintf(p->base, sizeof(p->base), "main");
	world_sha(p->sha, "0123456789abcdef"[number % 16]);
	world_tell(w, number, "opened");
	world_run(w);
	/* A person needs a moment to look at it; what never had another head
	 * needs no guard. */
	world_pass(w, 2000);
}

static inline void world_push(struct world *w, int64_t number, char digit)
{
	world_sha(world_change(w, number)->sha, digit);
	world_tell(w, number, "synchronize");
	world_run(w);
	world_pass(w, GUARD + 1000);
}

static inline void world_set_state(struct world *w, int64_t number,
				   const char *state)
{
	world_change(w, number)->state = state;
	world_tell(w, number,
		   strcmp(state, "open") == 0 ? "reopened" : "closed");
	world_run(w);
	world_pass(w, 1000);
}

static inline json_t *world_comment_json(struct world *w, int64_t id,
					 int64_t number, int64_t user,
					 const char *text)
{
	char url[128];
	const char *now = world_iso(clock_wall(&w->clock.clock) + w->skew_ms);

	/* As when owner and repository are both called pull. */
	snprintf(url, sizeof(url),
		 "https://github.com/pull/pull/pull/%lld#c%lld",
		 (long long)number, (long long)id);
	return json_pack("{s:I, s:s, s:{s:I, s:s, s:s}, s:s, s:s, s:s}", "id",
			 (json_int_t)id, "body", text, "user", "id",
			 (json_int_t)user, "login", world_login(user), "type",
			 "User", "created_at", now, "updated_at", now,
			 "html_url", url);
}

static inline json_t *world_comment_payload(struct world *w, int64_t number,
					    int64_t sender, json_t *comment)
{
	return json_pack("{s:s, s:{s:I, s:s, s:{s:s}}, s:o, s:{s:I},"
			 " s:{s:s}}",
			 "action", "created", "issue", "number",
			 (json_int_t)number, "state", w->pulls[number].state,
			 "pull_request", "url", "x", "comment", comment,
			 "sender", "id", (json_int_t)sender, "repository",
			 "full_name", REPO);
}

/* Writes a comment and delivers it; does not run.  Returns its id. */
static inline int64_t world_comment(struct world *w, int64_t number,
				    int64_t user, const char *text)
{
	int64_t id = w->next_comment++;

	world_deliver(w, "issue_comment",
		      world_comment_payload(
			      w, number, user,
			      world_comment_json(w, id, number, user, text)));
	return id;
}

/* A review of the head as it is now. */
static inline json_t *world_review_json(struct world *w, int64_t id,
					int64_t number, int64_t user,
					const char *text)
{
	return json_pack("{s:I, s:s, s:{s:I, s:s, s:s}, s:s, s:s, s:s}", "id",
			 (json_int_t)id, "body", text, "user", "id",
			 (json_int_t)user, "login", world_login(user), "type",
			 "User", "submitted_at",
			 world_iso(clock_wall(&w->clock.clock)), "commit_id",
			 w->pulls[number].sha, "state", "commented");
}

/* A comment on a line of the head's code. */
static inline json_t *world_code_comment_json(struct world *w, int64_t id,
					      int64_t number, int64_t user,
					      const char *text)
{
	json_t *o = world_comment_json(w, id, number, user, text);

	json_object_set_new(o, "original_commit_id",
			    json_string(w->pulls[number].sha));
	return o;
}

/*
 * What is said in a review or on code, with the reduced pull that comes with
 * it; object ("review" or "comment") says which.
 */
static inline json_t *world_review_payload(struct world *w, int64_t number,
					   int64_t sender, const char *action,
					   const char *object, json_t *what)
{
	return json_pack("{s:s, s:{s:I, s:s, s:{s:s}}, s:o, s:{s:I, s:s},"
			 " s:{s:s}}",
			 "action", action, "pull_request", "number",
			 (json_int_t)number, "state", w->pulls[number].state,
			 "head", "sha", w->pulls[number].sha, object, what,
			 "sender", "id", (json_int_t)sender, "login",
			 world_login(sender), "repository", "full_name", REPO);
}

/* Submits a review and delivers it; does not run.  Returns its id. */
static inline int64_t world_review(struct world *w, int64_t number,
				   int64_t user, const char *text)
{
	int64_t id = w->next_comment++;

	world_deliver(w, "pull_request_review",
		      world_review_payload(
			      w, number, user, "submitted", "review",
			      world_review_json(w, id, number, user, text)));
	return id;
}

/* As world_comment(), and all that follows from it at once. */
static inline int64_t world_say(struct world *w, int64_t number, int64_t user,
				const char *text)
{
	int64_t id = world_comment(w, number, user, text);

	world_run(w);
	return id;
}

static inline void world_take_answer(void *ctx, const json_t *object)
{
	struct world *w = ctx;

	w->answer_ok = js_bool(object, "ok", false);
	snprintf(w->answer, sizeof(w->answer), "%s", js_str(object, "text"));
}

/* A call of the command line; takes over call. */
static inline void world_call(struct world *w, json_t *call)
{
	w->answer_ok = -1;
	engine_call(w->engine, call, world_take_answer, w);
	world_run(w);
}

static inline void world_trust(struct world *w, int64_t id, const char *role)
{
	world_call(w, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "op",
				"trust.add", "id", (json_int_t)id, "login",
				world_login(id), "role", role, "scope", "",
				"by", "test", "reason", ""));
	assert_int_equal(w->answer_ok, 1);
}

/* The usual people. */
static inline void world_trust_all(struct world *w)
{
	world_trust(w, ADMIN, "admin");
	world_trust(w, MAINTAINER, "maintainer");
	world_trust(w, CONTRIBUTOR, "contributor");
}

/* The usual world and people, with these words in place of the others. */
static inline void world_begin_with(struct world *w, const char *from,
				    const char *to)
{
	const char *at = strstr(world_yaml, from);
	char yaml[4096];

	log_set_level(LOG_ERROR);
	snprintf(yaml, sizeof(yaml), "%.*s%s%s", (int)(at - world_yaml),
		 world_yaml, to, at + strlen(from));
	world_begin(w, yaml);
	world_trust_all(w);
}

/* Did the comment get this reaction? */
static inline bool world_reacted(struct world *w, int64_t comment_id,
				 const char *content)
{
	char key[96];

	snprintf(key, sizeof(key), "reaction:%lld:%s", (long long)comment_id,
		 content);
	for (size_t i = 0; i < w->sent_count; i++)
		if (!strcmp(w->sent[i].key, key))
			return true;
	return false;
}

#endif
