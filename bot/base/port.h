/*
 * How the engine reaches the outside world.  A port takes an effect, never
 * blocks, and answers exactly once with an outcome, on a thread of its own.
 * Real ports: forge (bot/github.h), git (deploy/git_port.h), jobs
 * (deploy/backend.h).  Tests put simulated ones in their place.
 *
 * An effect may be started again after a crash: every kind must be safe to
 * repeat (its header says how).
 */
#ifndef BASE_PORT_H
#define BASE_PORT_H

#include <stdint.h>

#include "bot/base/json.h"

struct effect {
	int64_t id;	    /* of the outbox row */
	const char *kind;   /* "forge.status", "git.batch", "job.run", ... */
	const char *key;    /* idempotency key, the same on every repeat */
	const json_t *args; /* what the kind's header documents */
};

struct outcome {
	int64_t id;	 /* of the effect */
	enum err code;	 /* ERR_OK: body is the answer.  ERR_RETRY: again later.
			    Anything else is final. */
	int http_status; /* of a forge call; 0 when there was no answer */
	bool unknown;	 /* it may have happened: the answer was lost */
	int64_t wait_ms; /* with ERR_RETRY: not before this long; 0 = own
			    back-off */
	int64_t date_ms; /* what the forge's clock said when it answered (wall
			    ms, whole seconds); 0 = unknown */
	char text[400];	 /* for people, when code is not ERR_OK */
	json_t *body;	 /* owned by the outcome; may be NULL */
	bool part; /* of a listing, which goes on behind what body holds */
};

struct port {
	/*
	 * Borrows effect (and its strings) during the call only; takes its own
	 * reference on args.  done may be called before start returns.  The
	 * outcome and its body belong to the callee of done.
	 */
	void (*start)(struct port *p, const struct effect *effect,
		      void (*done)(void *ctx, struct outcome *o), void *ctx);
	/*
	 * No done() after this returns; waits for what cannot be interrupted
	 * and frees the port.
	 */
	void (*stop)(struct port *p);
};

#endif
