/* What is left of a conversation, in words that are the same each time. */
#include "tests/crash/talk.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "bot/base/fs.h"
#include "tests/integration/look.h"

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* So many hex digits as commits are told with; they may all be digits. */
static bool is_commit(size_t hex, size_t digits)
{
	return hex >= 7 && (digits < hex || hex == 12 || hex == 40);
}

/*
 * Names of commits become "#", any other number in a text "0", with what
 * stands behind its point: times, and how long something took.
 */
static void add_plain(struct str *out, const char *text)
{
	while (*text) {
		size_t hex = 0, digits = strspn(text, "0123456789");

		while (is_hex(text[hex]))
			hex++;
		if (is_commit(hex, digits)) {
			str_putc(out, '#');
			text += hex;
		} else if (digits) {
			str_putc(out, '0');
			text += digits;
			if (text[0] == '.' && text[1] != '.')
				text += 1 + strspn(text + 1, "0123456789");
		} else {
			str_putc(out, *text++);
		}
	}
}

static bool said_again(const struct talk *t, int64_t comment)
{
	for (int i = 0; i < t->again_count; i++)
		if (t->again[i] == comment)
			return true;
	return false;
}

static bool is_reply(const json_t *comment)
{
	return strstr(js_str(comment, "body"), "<!-- kcibot:reply -->");
}

static void add_comment(struct str *out, const json_t *comment)
{
	json_t *r;
	size_t i;

	str_addf(out, "%s says: ", js_str(comment, "user"));
	if (strcmp(js_str(comment, "user"), BOT) == 0)
		add_plain(out, js_str(comment, "body"));
	str_puts(out, "\n  reactions:");
	json_array_foreach (js_get(comment, "reactions"), i, r)
		str_addf(out, " %s", js_str(r, "content"));
	str_putc(out, '\n');
}

/*
 * Without what was asked back, and what had to be said again for it.  The
 * reply is written over each time: it stands where the first was, so it comes
 * last here.
 */
static void add_comments(struct str *out, const struct talk *t,
			 const struct talk_pull *p, const json_t *talk)
{
	json_t *m;
	size_t i;

	json_array_foreach (js_get(talk, "comments"), i, m)
		if (!is_reply(m) && !said_again(t, js_int(m, "id", 0)))
			add_comment(out, m);
	json_array_foreach (js_get(talk, "comments"), i, m)
		if (is_reply(m) && p->replied)
			add_comment(out, m);
}

static void add_statuses(struct str *out, const json_t *talk)
{
	const char *last = "";
	json_t *s;
	size_t i;

	json_array_foreach (js_get(talk, "statuses"), i, s) {
		str_addf(out, "status: %s: ", js_str(s, "state"));
		add_plain(out, js_str(s, "description"));
		str_putc(out, '\n');
	}
	/* A status that is overtaken before it was sent is never told; only
	 * "pending" may be. */
	str_puts(out, "history:");
	json_array_foreach (js_get(talk, "history"), i, s) {
		if (strcmp(js_str(s, "state"), "pending") == 0)
			continue;
		if (strcmp(last, js_str(s, "state")) != 0)
			str_addf(out, " %s", js_str(s, "state"));
		last = js_str(s, "state");
	}
	str_putc(out, '\n');
}

static void add_git(struct str *out, struct house *h, const char *repo)
{
	CLEANUP(free)
	char *tree = house_git(h, repo, GIT("ls-tree", "-r", "staging"));
	CLEANUP(free)
	char *subjects = house_git(
		h, repo, GIT("log", "--topo-order", "--format=%s", "staging"));
	CLEANUP(free)
	char *tags = house_git(h, repo, GIT("tag", "--list"));
	CLEANUP(free)
	char *branches =
		house_git(h, repo, GIT("for-each-ref", "--format=%(refname)"));

	str_addf(out, "%s has\n%s", repo, tree);
	add_plain(out, subjects);
	add_plain(out, tags);
	add_plain(out, branches);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Jobs of one stage may have begun in any order. */
static void add_ran(struct str *out, struct house *h)
{
	CLEANUP(free) char *path = str_format("%s/ran", h->dir);
	CLEANUP(str_release) struct str text = STR_INIT(1u << 20);
	struct error e = ERROR_INIT;
	char *lines[256], *at, *line;
	size_t n = 0;

	assert_int_equal(fs_read(path, &text, &e), ERR_OK);
	for (line = strtok_r(text.text, "\n", &at); line && n < 256;
	     line = strtok_r(NULL, "\n", &at))
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n; i++)
		str_addf(out, "ran %s\n", lines[i]);
}

static int add_row(void *ctx, int count, char **values, char **names)
{
	(void)names;
	for (int i = 0; i < count; i++)
		str_addf(ctx, " %s", values[i] ? values[i] : "-");
	str_putc(ctx, '\n');
	return 0;
}

static void add_query(struct str *out, struct house *h, const char *file,
		      const char *query)
{
	CLEANUP(free) char *path = str_format("%s/%s", h->state, file);
	char *text = NULL;
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ||
	    sqlite3_busy_timeout(db, 10000) ||
	    sqlite3_exec(db, query, add_row, out, &text))
		fail_msg("%s: %s", query, text ? text : sqlite3_errmsg(db));
	sqlite3_free(text);
	sqlite3_close(db);
}

static void add_books(struct str *out, struct house *h)
{
	/* A push that was given up is merged again, or ends its cycle. */
	static const char *const queries[] = {
		"SELECT 'cycle', id, kind, purpose, of_cycle, number, state,"
		" restarts, verdict, reason_code, cancelled_by FROM cycle"
		" ORDER BY id",
		"SELECT 'job', key, state, verdict FROM job ORDER BY key",
		"SELECT 'request', kind, origin, state, outcome, cycle_id,"
		" announced, voided FROM request ORDER BY id",
		"SELECT 'said', actor, words ->> '$[0].verb', state FROM said"
		" WHERE actor = 'sam' OR state <> 'refused' ORDER BY id",
		"SELECT 'on the way', kind, args FROM outbox WHERE state ="
		" 'ready' AND target NOT LIKE 'scan:%'",
		"SELECT 'given up', kind, error FROM outbox WHERE state ="
		" 'failed' AND kind <> 'git.push'",
		"SELECT 'trust', login, role FROM trust JOIN principal ON"
		" principal.id = principal_id WHERE revoked_ms = 0 ORDER BY"
		" login",
		"SELECT 'posted', slot FROM posted ORDER BY slot",
		/* An operator who was not answered says it again. */
		"SELECT 'audit', action, iif(actor LIKE 'operator %(uid %',"
		" count(DISTINCT subject), count(*)) FROM audit"
		" WHERE action NOT IN ('start', 'refused')"
		" GROUP BY action, actor LIKE 'operator %(uid %'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++)
		add_query(out, h, "kcibot.db", queries[i]);
}

static void assert_sound(struct house *h)
{
	static const char *const files[] = {"kcibot.db", "inbox.db"};
	CLEANUP(str_release) struct str said = STR_INIT(1u << 20);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(str_release) struct str text = STR_INIT(64u << 10);

		add_query(&text, h, files[i], "PRAGMA integrity_check");
		if (strcmp(text.text, " ok\n") != 0)
			look_fail(h, text.text);
	}
	if (house_cli(h, CLI("audit"), &said))
		look_fail(h, said.text);
}

void talk_read(struct talk *t, const struct talk_pull *p, struct str *out)
{
	CLEANUP(json_decref)
	json_t *talk = sbc_conversation(t->h->forge, p->repo, p->number);

	str_addf(out, "on %s:\n", p->repo);
	add_comments(out, t, p, talk);
	add_statuses(out, talk);
}

void talk_record(struct talk *t, struct str *ret)
{
	assert_sound(t->h);
	str_puts(ret, t->read.text);
	for (int i = 0; i < t->pull_count; i++)
		talk_read(t, &t->pulls[i], ret);
	add_git(ret, t->h, API);
	add_git(ret, t->h, WEB);
	add_ran(ret, t->h);
	add_books(ret, t->h);
}
