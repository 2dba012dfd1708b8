/*
 * Webhooks out: one hook per repository, all to one address, sent in order
 * by one thread, signed, never retried.  Every delivery is kept and can be
 * listed and sent again with its own GUID.
 */
#ifndef SANDBOX_WEBHOOKS_H
#define SANDBOX_WEBHOOKS_H

#include "tests/sandbox/state.h"

struct sb_hooks *sb_hooks_new(void);
void sb_hooks_free(struct sb_hooks *h);

/* Starts and ends the thread.  Both without the lock. */
NODISCARD enum err sb_hooks_start(struct sandbox *s, struct error *e);
void sb_hooks_stop(struct sandbox *s);

/*
 * From now on to url, "" = to nobody.  secret may be "": then there is no
 * signature.  What waits already goes to the new address.
 */
void sb_hooks_set(struct sandbox *s, const char *url, const char *secret);
/* "" when there is none. */
const char *sb_hooks_url(const struct sandbox *s);

/* Queues one delivery; takes payload over.  action may be NULL. */
void sb_hooks_send(struct sandbox *s, const struct sb_repo *repo,
		   const char *event, const char *action, json_t *payload);

/* As documented for POST /_sandbox/webhooks in control.c. */
NODISCARD enum err sb_hooks_gate(struct sandbox *s, const json_t *spec,
				 struct error *e);

/* ERR_MISSING when there is no such delivery (id, or 0 and a guid). */
NODISCARD enum err sb_hooks_redeliver(struct sandbox *s, int64_t id,
				      const char *guid, struct error *e);

/*
 * Newest first, of one repository or (NULL) of all; each an object of
 * GitHub's form "hook-delivery", but without the payload.  Borrowed objects
 * in a new array.
 */
json_t *sb_hooks_list(struct sandbox *s, const struct sb_repo *repo);

/* The whole of one, new; NULL when there is none. */
json_t *sb_hooks_get(struct sandbox *s, int64_t id);

#endif
