#include "commands/evidence.h"

#include <stdlib.h>

#include "store/audit.h"
#include "store/said.h"

static void put(json_t *evidence, const char *name, const char *text)
{
	if (*text)
		json_object_set_new(evidence, name, json_string(text));
}

static json_t *of_said(const struct said_record *r, json_t *facts)
{
	json_t *evidence = json_pack(
		"{s:I, s:s, s:s, s:I, s:I}", "said", (json_int_t)r->id, "kind",
		r->kind, "source", r->source, "said_ms", (json_int_t)r->made_ms,
		"received_ms", (json_int_t)r->received_ms);

	if (r->comment_id)
		json_object_set_new(evidence, "comment",
				    json_integer(r->comment_id));
	put(evidence, "commit", r->commit_sha);
	json_object_set_new(evidence, "words", json_loads(r->words, 0, NULL));
	/* He is in the actor already. */
	json_object_del(facts, "operator");
	if (json_object_size(facts))
		json_object_set(evidence, "facts", facts);
	return evidence;
}

static enum err add_head(struct store *s, json_t *evidence,
			 const struct pull *p, struct error *e)
{
	CLEANUP(free) char *owned = NULL;
	struct sighting *seen;
	size_t count;

	if (store_sightings(s, p->id, &seen, &count, e))
		return e->code;
	owned = (char *)seen;
	if (!count)
		return ERR_OK;
	put(evidence, "head", p->head_sha);
	put(evidence, "base", p->base_ref);
	json_object_set_new(evidence, "head_recorded_ms",
			    json_integer(seen[count - 1].at_ms));
	return ERR_OK;
}

json_t *evidence_of_proof(const struct proof *proof)
{
	return json_pack(
		"{s:{s:s, s:s, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:b, s:b}}",
		"proof", "reason", proof_reason_name(proof->reason), "sha",
		proof->sha, "recorded_ms", (json_int_t)proof->recorded_ms,
		"made_from_ms", (json_int_t)proof->made_from_ms, "made_to_ms",
		(json_int_t)proof->made_to_ms, "skew_known", proof->skew.known,
		"skew_lo_ms", (json_int_t)proof->skew.lo_ms, "skew_hi_ms",
		(json_int_t)proof->skew.hi_ms, "guard_ms",
		(json_int_t)proof->guard_ms, "named", proof->named, "waived",
		proof->waived);
}

enum err evidence_audit(struct store *s, const struct decision *d, json_t *more,
			struct error *e)
{
	CLEANUP(json_decref) json_t *owned = more;
	CLEANUP(json_decref) json_t *facts = NULL;
	CLEANUP(json_decref) json_t *evidence = NULL;
	char actor[AUDIT_ACTOR_SIZE];
	struct said_record r;

	if (store_said(s, d->said_id, &r, e) ||
	    store_said_facts(s, d->said_id, &facts, e))
		return e->code;
	audit_actor(actor, sizeof(actor), js_str(facts, "operator"), r.actor,
		    r.actor_id);
	evidence = of_said(&r, facts);
	put(evidence, "role", role_name(d->role));
	if (d->pull && add_head(s, evidence, d->pull, e))
		return e->code;
	if (owned)
		json_object_update(evidence, owned);
	return store_audit_with(s, d->at_ms, actor, d->action, d->subject,
				d->why, json_incref(evidence), e);
}

enum err evidence_of_call(const struct command_call *call, const char *action,
			  const char *why, json_t *more, struct error *e)
{
	char subject[256];
	struct decision d = {
		.said_id = call->said_id,
		.pull = call->pull,
		.role = call->role,
		.action = action,
		.subject = subject,
		.why = why,
		.at_ms = call->now_ms,
	};

	snprintf(subject, sizeof(subject), "%s#%lld at %s", call->pull->repo,
		 (long long)call->pull->number, call->pull->head_sha);
	if (call->proof) {
		json_t *proof = evidence_of_proof(call->proof);

		json_object_update(proof, more);
		json_decref(more);
		more = proof;
	}
	return evidence_audit(call->store, &d, more, e);
}
