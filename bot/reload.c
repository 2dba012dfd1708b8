#include "bot/reload.h"

#include <pthread.h>
#include <string.h>

#include "bot/base/json.h"
#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/config_diff.h"

/* The engine's answer, waited for. */
struct wait {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done, ok;
	struct error e;
};

static void answer(void *ctx, const json_t *object)
{
	struct wait *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->done = true;
	w->ok = js_bool(object, "ok", false);
	if (!w->ok)
		error_set(&w->e, ERR_REFUSED, "%s", js_str(object, "text"));
	pthread_cond_signal(&w->answered);
	pthread_mutex_unlock(&w->lock);
}

static enum err hand_over(struct engine *g, struct config *c, struct error *e)
{
	struct wait w = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.answered = PTHREAD_COND_INITIALIZER,
		.e = ERROR_INIT,
	};

	engine_reload(g, c, answer, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.answered, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.answered);
	pthread_mutex_destroy(&w.lock);
	if (!w.ok)
		*e = w.e;
	return w.e.code;
}

/* Each line of text; a JSON list of them too. */
static json_t *log_lines(enum log_level level, const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t n = strcspn(text, "\n");
		json_t *line = json_stringn(text, n);

		log_at(level, "configuration: %.*s", (int)n, text);
		if (line)
			json_array_append_new(list, line);
		text += n + (text[n] == '\n');
	}
	return list;
}

static void note(const struct reload *r, bool ok, const char *text,
		 json_t *lines)
{
	engine_note_reload(r->engine,
			   json_pack("{s:I, s:b, s:s, s:o}", "at_ms",
				     (json_int_t)clock_wall(&clock_system),
				     "ok", ok, "text", text, "changes", lines));
}

/* Read, whole, and fit for a bot that runs; NULL with a sentence. */
static struct config *read_again(const struct reload *r, struct str *report,
				 struct error *e)
{
	CLEANUP(str_release) struct str keys = STR_INIT(300);
	CLEANUP(config_free)
	struct config *c = config_load(r->first->path, report, e);

	if (!c || config_check_files(c, report, e))
		return NULL;
	if (config_needs_restart(r->first, c, &keys)) {
		error_set(e, ERR_REFUSED, "it needs a restart of the bot: %s",
			  keys.text);
		return NULL;
	}
	return TAKE(c);
}

static void refused(const struct reload *r, const char *report,
		    const struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);

	str_addf(&text, "nothing was changed: %s", e->text);
	note(r, false, text.text, log_lines(LOG_ERROR, report));
	log_error("configuration not read again, %s", text.text);
}

static void taken(const struct reload *r, size_t count, const char *changes)
{
	CLEANUP(str_release) struct str text = STR_INIT(100);

	str_addf(&text, "%zu change%s", count, count == 1 ? "" : "s");
	note(r, true, text.text, log_lines(LOG_INFO, changes));
	log_info("configuration read again: %s", text.text);
}

void reload_all(struct reload *r)
{
	CLEANUP(str_release) struct str changes = STR_INIT(LIMIT_CONFIG_FILE);
	CLEANUP(str_release) struct str report = STR_INIT(1u << 20);
	CLEANUP(config_free) struct config *c = NULL;
	struct error e = ERROR_INIT;
	const struct config *next;
	size_t count;

	c = read_again(r, &report, &e);
	if (!c) {
		refused(r, report.text, &e);
		return;
	}
	count = config_diff(r->now, c, &changes);
	next = c;
	/* The engine frees what it takes, and what it took before. */
	if (hand_over(r->engine, TAKE(c), &e)) {
		refused(r, report.text, &e);
		return;
	}
	r->now = next;
	json_decref(log_lines(LOG_WARNING, report.text));
	taken(r, count, changes.text);
	if (intake_reload_secret(r->intake, &e))
		log_error("webhook secret not read again: %s", e.text);
}
