/*
 * `kcibot audit`: prints and proves the chain.  It reads the file itself,
 * beside a running bot or without one.
 */
#include <getopt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/audit_text.h"
#include "bot/base/clock.h"
#include "bot/cli.h"
#include "bot/serve.h"

struct listing {
	bool json;
	int64_t since_ms;
	bool expects;
	struct audit_head expected; /* noted elsewhere */
	bool found;
};

/* "7d", "2026-11-01" or "2026-11-01T10:00:00Z" */
static bool read_since(const char *text, int64_t *ret_ms)
{
	int64_t span;
	char day[40];

	if (time_parse_span(text, &span)) {
		*ret_ms = clock_wall(&clock_system) - span;
		return true;
	}
	if (time_parse_iso(text, ret_ms))
		return true;
	snprintf(day, sizeof(day), "%.20sT00:00:00Z", text);
	return time_parse_iso(day, ret_ms);
}

static bool read_options(int argc, char **argv, struct listing *l)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"since", required_argument, NULL, 's'},
		{"expect", required_argument, NULL, 'e'},
		{0},
	};
	int opt;

	*l = (struct listing){.since_ms = INT64_MIN};
	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'j')
			l->json = true;
		else if (opt == 's' && read_since(optarg, &l->since_ms))
			continue;
		else if (opt == 'e' && audit_head_parse(optarg, &l->expected))
			l->expects = true;
		else
			return false;
	}
	return optind == argc;
}

static void print_row(void *ctx, const struct audit_row *row)
{
	struct listing *l = ctx;
	CLEANUP(str_release) struct str line = STR_INIT(8u << 20);
	CLEANUP(json_decref) json_t *object = NULL;

	if (row->id == l->expected.id &&
	    memcmp(row->hash, l->expected.hash, AUDIT_HASH_SIZE) == 0)
		l->found = true;
	if (row->at_ms < l->since_ms)
		return;
	if (l->json) {
		object = audit_json(row);
		json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	} else {
		audit_line(&line, row);
		fputs(line.text, stdout);
	}
	putchar('\n');
}

/* The noted head is in the chain, be it the end or not. */
static bool check_expected(const struct listing *l,
			   const struct audit_report *r)
{
	const struct audit_head *x = &l->expected;

	/* What was noted of an empty chain. */
	if (!l->expects || l->found ||
	    (!x->id && sodium_is_zero(x->hash, AUDIT_HASH_SIZE)))
		return true;
	if (x->id > r->head.id)
		fprintf(stderr,
			"kcibot: audit: the chain ends at entry %lld: what "
			"follows up to %lld was cut off\n",
			(long long)r->head.id, (long long)x->id);
	else
		fprintf(stderr,
			"kcibot: audit: entry %lld has not the hash that was "
			"noted: the chain was replaced\n",
			(long long)x->id);
	return false;
}

static int conclude(const struct listing *l, const struct audit_report *r)
{
	char head[AUDIT_HEAD_TEXT_SIZE];

	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "kcibot: audit: cannot write\n");
		return 1;
	}
	if (r->broken) {
		fprintf(stderr,
			"kcibot: audit: %lld entries, chain BROKEN at entry "
			"%lld: %s\n",
			(long long)r->count, (long long)r->broken_id,
			r->broken_how);
		return 1;
	}
	if (!check_expected(l, r))
		return 1;
	audit_head_text(&r->head, head);
	fprintf(l->json ? stderr : stdout,
		"audit: %lld entries, chain intact, head %s\n",
		(long long)r->count, head);
	return 0;
}

int cli_audit(const struct config *c, int argc, char **argv)
{
	CLEANUP(state_paths_release)
	struct state_paths paths = {0};
	CLEANUP(store_close) struct store *s = NULL;
	struct error e = ERROR_INIT;
	struct audit_report report;
	struct listing l;
	enum err code;

	if (!read_options(argc, argv, &l)) {
		fprintf(stderr, "usage: kcibot audit --config FILE [--since 7d|"
				"2026-11-01|2026-11-01T10:00:00Z]\n"
				"       [--json] [--expect ID:HASH]\n");
		return 2;
	}
	state_paths_init(&paths, c);
	if (access(paths.store, F_OK)) {
		fprintf(stderr,
			"kcibot: audit: there is no %s: no bot has run here, "
			"or you may not look into its folder\n",
			paths.store);
		return 1;
	}
	s = store_open_reader(paths.store, &e);
	code = s ? store_begin(s, &e) : e.code;
	if (!code)
		code = store_audit_verify(s, print_row, &l, &report, &e);
	if (s)
		store_rollback(s);
	if (code) {
		fprintf(stderr, "kcibot: audit: %s\n", e.text);
		return 1;
	}
	return conclude(&l, &report);
}
