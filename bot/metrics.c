/*
 * One table says which series exist.  A label is either closed (its values
 * are all in the table, anything else counts as "other") or open (values come
 * from our own code; new ones get a series until the table is full, then they
 * count as "other").  So nothing that a stranger sends makes memory grow.
 */
#include "bot/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "bot/base/attr.h"

#define VALUE_MAX 40
#define SERIES_MAX 256
#define OTHER "other"

struct label {
	const char *name;
	bool open;
	const char *const *values; /* NULL at the end */
};

struct metric_info {
	const char *name;
	const char *help;
	bool seconds; /* a sum and a count instead of a total */
	struct label a;
	struct label b; /* no name: one label only */
};

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct metric_info table[METRIC_MAX] = {
	[METRIC_DELIVERIES] =
		{.name = "kcibot_deliveries",
		 .help = "Webhook requests by what became of them.",
		 .a = {"result", false,
		       VALUES("accepted", "duplicate", "bad_signature",
			      "too_large", "bad_request", "refused",
			      "timeout")}},
	[METRIC_EVENTS] = {.name = "kcibot_events",
			   .help = "Deliveries handled, by event.",
			   .a = {"event", false,
				 VALUES("check_run", "check_suite", "create",
					"delete", "installation",
					"installation_repositories",
					"issue_comment", "issues", "label",
					"member", "membership", "ping",
					"pull_request", "pull_request_review",
					"pull_request_review_comment", "push",
					"repository", "status", OTHER)}},
	[METRIC_COMMANDS] =
		{.name = "kcibot_commands",
		 .help = "Commands given, by verb and by what became of them.",
		 .a = {"verb", true,
		       VALUES("deploy", "trigger", "plan", "status", "why",
			      "skip", "include", "cancel", "notmyfault",
			      "quiet", "verbose", "ping", "trust", "untrust",
			      "trusted", "help")},
		 .b = {"result", true,
		       VALUES("accepted", "refused", "limited", "withdrawn")}},
	[METRIC_DISPUTES] = {.name = "kcibot_disputes",
			     .help = "Failures said to be somebody else's "
				     "fault, by repository.",
			     .a = {"repo", true, VALUES(OTHER)}},
	[METRIC_CYCLES] = {.name = "kcibot_cycles",
			   .help = "Cycles finished, by kind and verdict.",
			   .a = {"kind", true, VALUES("short", "full")},
			   .b = {"verdict", true,
				 VALUES("success", "failure", "error",
					"cancelled", "inconclusive")}},
	[METRIC_CYCLE_SECONDS] = {.name = "kcibot_cycle_seconds",
				  .help = "Time that finished cycles took.",
				  .seconds = true,
				  .a = {"kind", true, VALUES("short", "full")}},
	[METRIC_FORGE_CALLS] =
		{.name = "kcibot_forge_calls",
		 .help = "Calls to the forge, by call and HTTP status.",
		 .a = {"call", true, VALUES(OTHER)},
		 .b = {"status", true, VALUES("200", OTHER)}},
	[METRIC_FORGE_SECONDS] = {.name = "kcibot_forge_seconds",
				  .help = "Time that calls to the forge took.",
				  .seconds = true,
				  .a = {"call", true, VALUES(OTHER)}},
	[METRIC_EFFECTS] =
		{.name = "kcibot_effects",
		 .help = "Effects of the outbox, by kind and result.",
		 .a = {"kind", true, VALUES(OTHER)},
		 .b = {"result", true, VALUES("done", "failed")}},
	[METRIC_BREAKER] = {.name = "kcibot_breaker_trips",
			    .help = "Environments frozen by errors in a row.",
			    .a = {"environment", true, VALUES(OTHER)}},
	[METRIC_LOGINS] =
		{.name = "kcibot_logins",
		 .help = "Accounts that got another login, and logins of "
			 "trusted accounts that another account has now.",
		 .a = {"result", false, VALUES("changed", "reused")}},
	[METRIC_LOST] = {.name = "kcibot_lost_events",
			 .help = "What no webhook told and asking the forge "
				 "found, by what it was.",
			 .a = {"how", false,
			       VALUES("pull", "comment", "review",
				      "delivery")}},
	[METRIC_DRAINS] = {.name = "kcibot_drains",
			   .help = "Drain jobs that ended: with nothing "
				   "running, or by their deadline.",
			   .a = {"result", false,
				 VALUES("drained", "forced", OTHER)}},
	[METRIC_FOREIGN_STATUSES] =
		{.name = "kcibot_foreign_statuses",
		 .help = "Statuses of ours that somebody else wrote over, by "
			 "whether ours was written again at once.",
		 .a = {"result", false, VALUES("repaired", "later")}},
};

struct series {
	char a[VALUE_MAX];
	char b[VALUE_MAX];
	int64_t value; /* a count, or milliseconds */
	int64_t count; /* observations of a _SECONDS metric */
};

/* All under one lock: a page must show counters of one moment. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct series series[METRIC_MAX][SERIES_MAX];
static size_t used[METRIC_MAX];
static atomic_llong last_delivery;

static void copy_value(char to[VALUE_MAX], const char *from)
{
	size_t len = strnlen(from, VALUE_MAX - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

static struct series *find(enum metric m, const char *a, const char *b)
{
	for (size_t n = 0; n < used[m]; n++)
		if (!strcmp(series[m][n].a, a) && !strcmp(series[m][n].b, b))
			return &series[m][n];
	return NULL;
}

/* Needs room. */
static struct series *make(enum metric m, const char *a, const char *b)
{
	struct series *s = &series[m][used[m]++];

	copy_value(s->a, a);
	copy_value(s->b, b);
	return s;
}

static void declare_metric(enum metric m)
{
	static const char *const none[] = {"", NULL};
	const char *const *b = table[m].b.name ? table[m].b.values : none;

	for (const char *const *x = table[m].a.values; *x; x++)
		for (const char *const *y = b; *y; y++)
			make(m, *x, *y);
}

/* The value that this label shows for what was given. */
static const char *fold(const struct label *l, const char *value)
{
	if (!l->name)
		return "";
	if (!value || !*value)
		return OTHER;
	if (l->open)
		return strlen(value) < VALUE_MAX ? value : OTHER;
	for (const char *const *v = l->values; *v; v++)
		if (!strcmp(*v, value))
			return value;
	return OTHER;
}

/* Under the lock. */
static struct series *get(enum metric m, const char *a, const char *b)
{
	struct series *s;

	if (!used[m])
		declare_metric(m);
	a = fold(&table[m].a, a);
	b = fold(&table[m].b, b);
	s = find(m, a, b);
	if (!s && used[m] >= SERIES_MAX - 1) {
		/* The last place is for what finds none. */
		a = OTHER;
		b = table[m].b.name ? OTHER : "";
		s = find(m, a, b);
	}
	return s ? s : make(m, a, b);
}

void metric_add(enum metric m, const char *a, const char *b, int64_t n)
{
	pthread_mutex_lock(&lock);
	get(m, a, b)->value += n;
	pthread_mutex_unlock(&lock);
}

void metric_time(enum metric m, const char *a, int64_t ms)
{
	struct series *s;

	pthread_mutex_lock(&lock);
	s = get(m, a, NULL);
	s->value += ms;
	s->count++;
	pthread_mutex_unlock(&lock);
}

void metric_delivery_seen(int64_t mono_ms)
{
	atomic_store(&last_delivery, mono_ms);
}

int64_t metric_last_delivery(void)
{
	return atomic_load(&last_delivery);
}

/* As the exposition format wants it: backslash, quote and newline. */
static void add_label(struct str *out, const char *name, const char *value)
{
	str_puts(out, name);
	str_puts(out, "=\"");
	for (; *value; value++) {
		if (*value == '\n') {
			str_puts(out, "\\n");
			continue;
		}
		if (*value == '\\' || *value == '"')
			str_putc(out, '\\');
		str_putc(out, *value);
	}
	str_putc(out, '"');
}

static void add_name(struct str *out, const struct metric_info *info,
		     const char *suffix, const struct series *s)
{
	str_addf(out, "%s%s{", info->name, suffix);
	add_label(out, info->a.name, s->a);
	if (info->b.name) {
		str_putc(out, ',');
		add_label(out, info->b.name, s->b);
	}
	str_puts(out, "} ");
}

static void write_metric(struct str *out, enum metric m)
{
	const struct metric_info *info = &table[m];

	/* A sum and a count alone are what the format calls a summary. */
	str_addf(out, "# HELP %s%s %s\n", info->name,
		 info->seconds ? "" : "_total", info->help);
	str_addf(out, "# TYPE %s%s %s\n", info->name,
		 info->seconds ? "" : "_total",
		 info->seconds ? "summary" : "counter");
	for (size_t n = 0; n < used[m]; n++) {
		const struct series *s = &series[m][n];

		if (info->seconds) {
			add_name(out, info, "_sum", s);
			str_addf(out, "%.3f\n", (double)s->value / 1000);
			add_name(out, info, "_count", s);
			str_addf(out, "%lld\n", (long long)s->count);
		} else {
			add_name(out, info, "_total", s);
			str_addf(out, "%lld\n", (long long)s->value);
		}
	}
}

void metrics_write(struct str *out)
{
	pthread_mutex_lock(&lock);
	for (enum metric m = 0; m < METRIC_MAX; m++) {
		if (!used[m])
			declare_metric(m);
		write_metric(out, m);
	}
	pthread_mutex_unlock(&lock);
}
