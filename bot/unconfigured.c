/*
 * What is on record of environments and projects that the configuration does
 * not have any more: nothing would ever end it but this.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "store/audit.h"
#include "store/request.h"

/* Nobody would ever end what an environment left that is gone. */
static enum err end_unconfigured(struct engine *g, const char *name,
				 struct error *e)
{
	struct cycle c;
	struct flow f;
	enum err code;

	if (config_environment(g->config, name))
		return ERR_OK;
	flow_of(g, NULL, &f);
	log_warning("%s is not configured any more: what waits there is "
		    "dropped",
		    name);
	code = store_cycle_running(g->store, name, &c, e);
	if (!code)
		code = flow_unconfigured(&f, &c, e);
	if (code && code != ERR_MISSING)
		return code;
	if (store_environment_drop(g->store, name, "unconfigured", e))
		return e->code;
	return store_audit_with(
		g->store, g->now_ms, AUDIT_BOT, "environment.drop", name,
		"not configured any more: its cycle is cancelled and its jobs "
		"are ended, its requests are dropped",
		code ? NULL : json_pack("{s:I}", "cycle", (json_int_t)c.id), e);
}

/* A check that somebody requires would wait for ever. */
static enum err end_statuses(struct engine *g, struct error *e)
{
	struct status_record *list;
	size_t count;
	bool news;
	enum err code = ERR_OK;

	if (store_statuses_pending(g->store, &list, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		struct status_record *r = &list[i];

		if (status_is_ours(g, r->repo, r->context))
			continue;
		COPY(r->state, "error");
		COPY(r->description,
		     "short or full not done: not configured any more");
		code = store_status_want(g->store, r, &news, e);
		if (!code)
			code = status_send(g, r, 0, e);
	}
	free(list);
	return code;
}

enum err engine_end_unconfigured(struct engine *g, void *arg UNUSED,
				 struct error *e)
{
	char(*names)[64];
	size_t count;
	enum err code = ERR_OK;

	if (store_environments_busy(g->store, &names, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++)
		code = end_unconfigured(g, names[i], e);
	free(names);
	return code ? code : end_statuses(g, e);
}
