/*
 * Statuses that somebody else wrote under our name: whoever may write to the
 * repository can.  It is put on record, and what we have to say is said again:
 * once an hour for each, so that two bots never wear each other out.
 */
#include <string.h>

#include "bot/base/log.h"
#include "bot/engine_internal.h"
#include "bot/metrics.h"
#include "bot/status.h"
#include "store/audit.h"

#define REPAIR_MS (3600LL * 1000)

/* One that says the same, also where it leads, does no harm. */
static bool is_different(const struct status_record *ours,
			 const json_t *payload)
{
	return strcmp(js_str(payload, "state"), ours->state) != 0 ||
	       strcmp(js_str(payload, "description"), ours->description) != 0 ||
	       (*ours->target_url &&
		strcmp(js_str(payload, "target_url"), ours->target_url) != 0);
}

static enum err note(struct engine *g, const struct status_record *ours,
		     const json_t *payload, int64_t again_ms, struct error *e)
{
	char actor[AUDIT_ACTOR_SIZE], subject[400], text[300], url[300];
	const char *why = again_ms > g->now_ms
				  ? "another hand wrote over our status; ours "
				    "was written again within the hour and "
				    "will be at the end of it"
				  : "another hand wrote over our status; ours "
				    "is written again";

	audit_actor(actor, sizeof(actor), "", js_str(payload, "sender.login"),
		    js_int(payload, "sender.id", 0));
	snprintf(subject, sizeof(subject), "%s at %s, %s", ours->repo,
		 ours->sha, ours->context);
	COPY(text, js_str(payload, "description"));
	COPY(url, js_str(payload, "target_url"));
	log_warning("%s: %s wrote over our status", subject, actor);
	return store_audit_with(
		g->store, g->now_ms, actor, "status.foreign", subject, why,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "state",
			  js_str(payload, "state"), "description", text,
			  "target_url", url, "our_state", ours->state,
			  "our_description", ours->description, "again_ms",
			  (json_int_t)again_ms),
		e);
}

/*
 * When ours is to be written again; *ret_booked: something is on its way for
 * then already.  A status that we had to say meanwhile took the place of what
 * was booked.
 */
static enum err when(struct engine *g, const struct status_record *ours,
		     int64_t *ret_ms, bool *ret_booked, struct error *e)
{
	int64_t last = ours->repaired_ms;
	char target[512];

	*ret_booked = false;
	*ret_ms = g->now_ms;
	if (last > g->now_ms) {
		*ret_ms = last;
		status_target(ours, target, sizeof(target));
		return store_outbox_waits(g->store, "forge.status", target,
					  ret_booked, e);
	}
	if (last && last + REPAIR_MS > g->now_ms)
		*ret_ms = last + REPAIR_MS;
	return ERR_OK;
}

static enum err repair(struct engine *g, const struct status_record *ours,
		       const json_t *payload, struct error *e)
{
	int64_t again_ms;
	bool booked;

	if (when(g, ours, &again_ms, &booked, e) ||
	    note(g, ours, payload, again_ms, e))
		return e->code;
	metric_add(METRIC_FOREIGN_STATUSES,
		   again_ms > g->now_ms ? "later" : "repaired", NULL, 1);
	if (booked)
		return ERR_OK;
	if (store_status_repaired(g->store, ours, again_ms, e))
		return e->code;
	return status_send(g, ours, again_ms, e);
}

enum err foreign_status(struct engine *g, const json_t *payload,
			const char **ret_result, struct error *e)
{
	const char *repo = js_str(payload, "repository.full_name");
	const char *context = js_str(payload, "context");
	int64_t sender = js_int(payload, "sender.id", 0);
	struct status_record ours;
	enum err code;

	*ret_result = "ignored";
	/* While we do not know who we are, every status might be ours. */
	if (!g->self_id || sender <= 0 || sender == g->self_id ||
	    !status_is_ours(g, repo, context))
		return ERR_OK;
	code = store_status_get(g->store, repo, js_str(payload, "sha"), context,
				&ours, e);
	if (code)
		return code == ERR_MISSING ? ERR_OK : code;
	if (!is_different(&ours, payload))
		return ERR_OK;
	*ret_result = "foreign";
	return repair(g, &ours, payload, e);
}
