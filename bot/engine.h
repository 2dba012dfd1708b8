/*
 * The engine: one thread, one event at a time, each handled in one
 * transaction on kcibot.db: read state, decide, write state, effects and
 * cursor.  So every event takes effect exactly once, whatever dies when.
 * Deliveries that are not for the bot have no effect and no transaction: the
 * cursor on record passes them a little later.
 *
 * Events are deliveries (read from the journal), answers of the ports, calls
 * of the command line, and time.
 */
#ifndef BOT_ENGINE_H
#define BOT_ENGINE_H

#include "bot/base/clock.h"
#include "bot/base/cleanup.h"
#include "bot/base/port.h"
#include "bot/base/str.h"
#include "bot/config.h"

struct engine;
struct store;

struct engine_settings {
	const struct config *config;
	const struct clock *clock;
	const char *store_path;
	const char *inbox_path; /* NULL: no deliveries (command line) */
	/* Owned by the caller, who stops them after engine_stop(). */
	struct port *forge;
	struct port *git;
	struct port *jobs;
	bool scans; /* reconcile with the forge by scanning */
};

/* Opens store and journal; nothing runs yet. */
struct engine *engine_new(const struct engine_settings *settings,
			  struct error *e);

/*
 * The thread.  engine_start() begins, engine_stop() ends after the event in
 * hand and answers every call that waits; later calls are refused at once.
 * Ports must be stopped in between: engine_stop(), port->stop(),
 * engine_free().
 */
NODISCARD enum err engine_start(struct engine *g, struct error *e);
void engine_stop(struct engine *g);
void engine_free(struct engine *g);
DEFINE_CLEANUP(struct engine *, engine_free)

/* There are new deliveries.  From any thread. */
void engine_wake(struct engine *g);

/* A delivery was refused just now, which the forge may not send again.  From
 * any thread. */
void engine_lost_delivery(struct engine *g);

/*
 * A call of the command line: {"op", ...}.  answer is called exactly once,
 * on the engine's thread, or when the engine stops first; it borrows the
 * object: {"ok": bool, "text": for people, ...}.  Takes over the reference
 * on call.
 */
void engine_call(struct engine *g, json_t *call,
		 void (*answer)(void *ctx, const json_t *object), void *ctx);

/*
 * Another configuration, taken whole or not at all, between two events.
 * Takes over c, which lives as long as the engine or until the next one is
 * taken; answer as for engine_call(): refused when an environment with a
 * running cycle is missing in it, or a time zone is not known.
 */
void engine_reload(struct engine *g, struct config *c,
		   void (*answer)(void *ctx, const json_t *object), void *ctx);

/* As view_settings.against, under the configuration in force; ctx is the
 * engine.  From any thread. */
void engine_against(const void *ctx, struct store *s, const char *environment,
		    const char *repo, int64_t number, int64_t now_ms,
		    struct str *out);

/*
 * What became of the last reading of the configuration, for `status`:
 * {"at_ms", "ok", "text", "changes": [line]}.  Takes over note; from any
 * thread.
 */
void engine_note_reload(struct engine *g, json_t *note);

/*
 * One turn without the thread (tests, command line): handles what is there
 * and sends what is due.  *ret_idle: nothing was there.
 */
NODISCARD enum err engine_turn(struct engine *g, bool *ret_idle,
			       struct error *e);

/* In how many ms at the latest the next turn is due if nothing happens. */
int64_t engine_due_in(const struct engine *g);

/* false, with a sentence in e, once the engine had to give up. */
bool engine_healthy(struct engine *g, struct error *e);

/* For metrics and readiness; from any thread. */
struct engine_gauges {
	int64_t journal_depth;
	int64_t outbox_depth;
	bool hooks_known;   /* every repository was asked */
	bool hooks_missing; /* some repository has no webhook of ours, or we
			       may not look */
};
void engine_gauges(struct engine *g, struct engine_gauges *ret);

#endif
