/*
 * The end of a cycle whose environment is not configured any more: nobody
 * would follow its answers, and the target may have another name by now.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "deploy/flow_internal.h"
#include "store/outbox.h"

static const char why[] = "the environment is not configured any more";

/* What they say once they were ended reaches nobody. */
static enum err end_jobs(const struct flow *f, const struct cycle *c,
			 struct error *e)
{
	struct job *jobs;
	size_t count;
	bool ignored;
	enum err code = ERR_OK;

	if (store_jobs(f->store, c->id, &jobs, &count, e))
		return e->code;
	for (size_t i = 0; !code && i < count; i++) {
		struct job *j = &jobs[i];

		if (strcmp(j->state, "running") != 0)
			continue;
		COPY(j->verdict, "cancelled");
		COPY(j->reason_code, "unconfigured");
		COPY(j->text, why);
		j->tail = "";
		j->running = -1;
		j->finished_ms = f->now_ms;
		code = store_job_end(f->store, j, &ignored, e);
	}
	free(jobs);
	return code;
}

enum err flow_unconfigured(const struct flow *f, struct cycle *c,
			   struct error *e)
{
	bool ignored;

	COPY(c->verdict, "cancelled");
	COPY(c->reason_code, "unconfigured");
	COPY(c->text, why);
	c->finished_ms = f->now_ms;
	if (store_outbox_drop_cycle(f->store, c->id, f->now_ms, e) ||
	    flow_cancel_jobs(f, c, &ignored, e) || end_jobs(f, c, e))
		return e->code;
	/* Its push may have been sent, and nobody asks how that ended. */
	if ((strcmp(c->state, "pushing") == 0 || c->awaits_push) &&
	    store_cycle_moved(f->store, c->id, e))
		return e->code;
	if (store_cycle_finish(f->store, c->id, c->verdict, c->reason_code,
			       c->text, f->now_ms, e))
		return e->code;
	if (f->finished)
		f->finished(f->ctx, c);
	return ERR_OK;
}
