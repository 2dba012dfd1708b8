/*
 * What the bot itself decides about cycles and requests, for the audit.
 * Inside the engine's transaction, like all of the flow.
 */
#ifndef DEPLOY_FLOW_AUDIT_H
#define DEPLOY_FLOW_AUDIT_H

#include "deploy/flow.h"
#include "store/request.h"

/* A cycle begins: with which requests and revisions.  After both are on
 * record for it. */
NODISCARD enum err flow_audit_begin(const struct flow *f, const struct cycle *c,
				    struct error *e);

/* It ended as c says: what went along, what was left out, what was pushed.
 * While its requests are still its own. */
NODISCARD enum err flow_audit_end(const struct flow *f, const struct cycle *c,
				  struct error *e);

/* This revision is found guilty by the cycle: it is left out from now on. */
NODISCARD enum err flow_audit_guilty(const struct flow *f,
				     const struct cycle *c,
				     const struct revision *r, struct error *e);

/* Ends a request that did not get its deploy; outcome is the word for why. */
NODISCARD enum err flow_drop(const struct flow *f, const struct request *r,
			     const char *outcome, struct error *e);

/* The permission that a request gave is over, whether its deploy is done or
 * not; why is the word for it. */
NODISCARD enum err flow_audit_void_one(const struct flow *f,
				       const struct request *r, const char *why,
				       struct error *e);

/* Permission that people gave for other revisions than keep_sha ("" = any)
 * of the pull is over. */
NODISCARD enum err flow_audit_void(const struct flow *f, const struct pull *p,
				   const char *keep_sha, int64_t count,
				   const char *outcome, struct error *e);

#endif
