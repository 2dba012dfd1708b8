#include "bot/reload.h"

#include <string.h>

#include "bot/base/json.h"
#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/config_diff.h"

enum { RELOAD_IDLE, RELOAD_ASKED, RELOAD_TAKEN, RELOAD_REFUSED };

void reload_init(struct reload *r, const struct config *first,
		 struct engine *engine, struct intake *intake)
{
	*r = (struct reload){
		.first = first,
		.now = first,
		.engine = engine,
		.intake = intake,
		.report = STR_INIT(1u << 20),
		.changes = STR_INIT(LIMIT_CONFIG_FILE),
	};
}

void reload_release(struct reload *r)
{
	str_release(&r->report);
	str_release(&r->changes);
}

void reload_want(struct reload *r)
{
	r->wanted = true;
}

/* On the engine's thread. */
static void answer(void *ctx, const json_t *object)
{
	struct reload *r = ctx;
	bool ok = js_bool(object, "ok", false);

	if (!ok)
		error_set(&r->e, ERR_REFUSED, "%s", js_str(object, "text"));
	atomic_store(&r->state, ok ? RELOAD_TAKEN : RELOAD_REFUSED);
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

static void refused(struct reload *r)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);

	str_addf(&text, "nothing was changed: %s", r->e.text);
	note(r, false, text.text, log_lines(LOG_ERROR, r->report.text));
	log_error("configuration not read again, %s", text.text);
}

static void taken(struct reload *r)
{
	CLEANUP(str_release) struct str text = STR_INIT(100);
	struct error e = ERROR_INIT;

	r->now = r->next;
	json_decref(log_lines(LOG_WARNING, r->report.text));
	str_addf(&text, "%zu change%s", r->change_count,
		 r->change_count == 1 ? "" : "s");
	note(r, true, text.text, log_lines(LOG_INFO, r->changes.text));
	log_info("configuration read again: %s", text.text);
	if (intake_reload_secret(r->intake, &e))
		log_error("webhook secret not read again: %s", e.text);
}

static void begin(struct reload *r)
{
	struct config *c;

	r->wanted = false;
	r->e = (struct error)ERROR_INIT;
	str_clear(&r->report);
	str_clear(&r->changes);
	c = read_again(r, &r->report, &r->e);
	if (!c) {
		refused(r);
		return;
	}
	r->change_count = config_diff(r->now, c, &r->changes);
	r->next = c;
	atomic_store(&r->state, RELOAD_ASKED);
	/* The engine frees what it takes, and what it took before. */
	engine_reload(r->engine, c, answer, r);
}

void reload_step(struct reload *r)
{
	int state = atomic_load(&r->state);

	if (state == RELOAD_TAKEN)
		taken(r);
	else if (state == RELOAD_REFUSED)
		refused(r);
	else if (state == RELOAD_IDLE && r->wanted)
		begin(r);
	if (state == RELOAD_TAKEN || state == RELOAD_REFUSED)
		atomic_store(&r->state, RELOAD_IDLE);
}
