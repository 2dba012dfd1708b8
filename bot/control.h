/*
 * The socket between the command line and a running bot: state_dir/control,
 * mode 0600, peer uid checked and put into the call as "by" (operator.h).
 * One JSON object each way, each on a line.
 */
#ifndef BOT_CONTROL_H
#define BOT_CONTROL_H

#include "bot/engine.h"

struct control;

/* NULL when the socket cannot be made.  Hands calls to the engine. */
struct control *control_start(const char *path, struct engine *engine,
			      struct error *e);

/* No new calls; call it before the engine is stopped. */
void control_quiesce(struct control *c);

/* Waits for the answers in hand, which engine_stop() has given; before
 * engine_free(). */
void control_free(struct control *c);

/*
 * The command line's side.  ERR_MISSING when no bot listens there.  The
 * caller owns *ret_answer.
 */
NODISCARD enum err control_call(const char *path, const json_t *call,
				json_t **ret_answer, struct error *e);

#endif
