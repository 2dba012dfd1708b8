/* What the forge and the operator do to the bot. */
#include "tests/soak/soak.h"

#include <signal.h>
#include <stdlib.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"

/* --- the forge --- */

static void post(struct soak *s, const char *path, json_t *body)
{
	CLEANUP(json_decref) json_t *a = sbc_post(s->h->forge, path, body);

	assert_non_null(a);
}

/* Few in a row: each try waits twice as long, and quiet is to come again. */
static void hiccup(struct soak *s)
{
	static const char *const kinds[] = {"status", "hang", "close", "cut",
					    "delay"};
	static const char *const methods[] = {"", "GET", "POST", "PATCH"};
	static const int statuses[] = {500, 502, 503, 429, 403};
	int i = soak_between(s, 0, (int)ARRAY_SIZE(kinds) - 1);

	post(s, "/_sandbox/faults",
	     json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:s, s:{s:s}}", "kind",
		       kinds[i], "method", methods[soak_between(s, 0, 3)],
		       "count", soak_between(s, 1, 2), "status",
		       statuses[soak_between(s, 0, 4)], "ms",
		       soak_between(s, 100, 3000), "apply", i && soak_of(s, 40),
		       "body",
		       "{\"message\": \"You have exceeded a secondary rate "
		       "limit.\"}",
		       "headers", "Retry-After", "1"));
}

static void webhooks(struct soak *s, const char *action, int count)
{
	assert_true(sbc_webhooks(s->h->forge, action, NULL, count));
}

static void duplicate(struct soak *s)
{
	webhooks(s, "duplicate", soak_between(s, 1, 5));
}

static void drop(struct soak *s)
{
	webhooks(s, "drop", soak_between(s, 1, 3));
}

static void lose(struct soak *s)
{
	webhooks(s, "lose", soak_between(s, 1, 3));
}

/* They come late, and in the wrong order. */
static void hold(struct soak *s)
{
	if (s->held_ms)
		return;
	webhooks(s, "hold", 1);
	s->held_ms = clock_mono(&clock_system) + soak_between(s, 100, 4000);
}

static void release(struct soak *s)
{
	post(s, "/_sandbox/webhooks",
	     json_pack("{s:s, s:s}", "action", "release", "order", "reverse"));
	s->held_ms = 0;
}

void soak_trouble_tick(struct soak *s)
{
	if (s->held_ms && clock_mono(&clock_system) > s->held_ms)
		release(s);
}

/* --- the operator --- */

static void write_config(struct soak *s, const char *text)
{
	struct error e = ERROR_INIT;

	assert_int_equal(fs_write(s->h->config, text, strlen(text), 0600, &e),
			 ERR_OK);
}

static void reload(struct soak *s, const char *text)
{
	write_config(s, text);
	assert_int_equal(kill(s->h->pid, SIGHUP), 0);
}

static void call(struct soak *s)
{
	const char *const *const calls[] = {
		CLI("status"),
		CLI("status", "--json"),
		CLI("trust", "list"),
		CLI("trust", "export"),
		CLI("trust", "add", "s32", "--role", "contributor"),
		CLI("trust", "remove", "s32"),
		CLI("audit", "--since", "1m"),
		CLI("say", "--as", "nobody", "--on", "no/where#1", "deploy"),
	};
	int i = soak_between(s, 0, (int)ARRAY_SIZE(calls) - 1);
	int code;

	write_config(s, s->config); /* the last one may have a mistake */
	code = house_cli(s->h, calls[i], NULL);
	if (code < 0 || code > 2)
		soak_problem(s, "kcibot %s ended with %d", calls[i][0], code);
}

static void say(struct soak *s)
{
	static const char *const words[] = {"deploy", "status", "why", "plan",
					    "unlock reason=\"go on\""};
	const struct soak_pull *p = soak_open_pull(s);
	CLEANUP(free) char *where = NULL;
	const char *who = soak_maintainer(s);
	int code;

	if (!p)
		return;
	where = str_format("%s#%d", p->repo, p->number);
	write_config(s, s->config);
	code = house_cli(s->h,
			 CLI("say", "--as", who, "--on", where,
			     words[soak_between(s, 0, 4)]),
			 NULL);
	soak_spoke(s, who);
	if (code < 0 || code > 1)
		soak_problem(s, "kcibot say ended with %d", code);
}

/* Of one length, so that the rest of the file stays where it is. */
static void change(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);

	assert_non_null(at);
	for (; *to; to++)
		*at++ = *to;
}

static void hang_up(struct soak *s)
{
	CLEANUP(free) char *text = strdup(s->config);

	assert_non_null(text);
	if (soak_of(s, 50))
		change(text, "cooldown: 1s", "cooldown: 2s");
	if (soak_of(s, 40))
		change(text, "max_batch: 10", "max_batch: 15");
	if (soak_of(s, 30))
		change(text, "restart_limit", "retsart_limit");
	if (soak_of(s, 10))
		change(text, "recipe:", "recipe?");
	reload(s, text);
}

void soak_trouble_end(struct soak *s)
{
	CLEANUP(sbc_answer_release) struct sbc_answer a;

	if (s->held_ms)
		release(s);
	sbc_request(s->h->forge, "DELETE", "/_sandbox/faults", NULL, NULL, NULL,
		    &a);
	/* None that waits for the next webhook. */
	webhooks(s, "duplicate", 0);
	webhooks(s, "drop", 0);
	webhooks(s, "lose", 0);
	reload(s, s->config);
}

const struct soak_act soak_trouble_acts[] = {
	{"hiccup", 3, hiccup}, {"duplicate", 3, duplicate}, {"drop", 2, drop},
	{"lose", 1, lose},     {"hold", 2, hold},	    {"call", 2, call},
	{"say", 3, say},       {"hang up", 2, hang_up},	    {NULL, 0, NULL},
};
