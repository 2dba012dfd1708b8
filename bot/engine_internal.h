/*
 * Between the files of the engine only.  Everything here runs on the engine's
 * thread and, unless it says otherwise, inside the event's transaction.
 */
#ifndef BOT_ENGINE_INTERNAL_H
#define BOT_ENGINE_INTERNAL_H

#include <pthread.h>

#include "bot/engine.h"
#include "commands/command.h"
#include "deploy/schedule.h"
#include "bot/base/skew.h"
#include "store/head.h"
#include "store/inbox.h"
#include "store/outbox.h"
#include "store/pull.h"
#include "store/record.h"
#include "store/said.h"
#include "store/view.h"

/* Something that waits for the engine's thread. */
struct event {
	struct event *next;
	enum { EVENT_OUTCOME, EVENT_CALL, EVENT_RELOAD } type;
	struct outcome outcome;
	json_t *call;
	struct config *config; /* to be taken; owned */
	json_t *reply;	 /* given after the commit; NULL: wait for said_id */
	int64_t said_id; /* what a call said */
	void (*answer)(void *ctx, const json_t *object);
	void *ctx;
};

/* A call of the command line that waits for what it said to be checked. */
struct waiter {
	struct waiter *next;
	int64_t said_id;
	void (*answer)(void *ctx, const json_t *object);
	void *ctx;
};

struct engine {
	struct engine_settings set;
	/* Another one is put here under config_lock; off the engine's thread it
	 * is read under it. */
	const struct config *config;
	pthread_rwlock_t config_lock;
	struct config *reloaded; /* it, when it is not the first; owned */
	struct view_settings view;
	struct store *store;
	struct inbox *inbox;
	/* How far the inbox was read, and how much of that is on record: what
	 * led to nothing may be read again after a crash. */
	int64_t cursor;
	int64_t cursor_kept;
	int64_t cursor_due_ms; /* when the rest is; 0 = there is none */

	/* Now = where the wall stood at start + what has really passed, so
	 * that delays keep their distance when the wall clock jumps. */
	int64_t wall_anchor_ms;
	int64_t mono_anchor_ms;
	/* How far the wall has gone away from that: dates and freeze windows
	 * follow it. */
	int64_t wall_skew_ms;
	int64_t now_ms;	  /* of the event in hand */
	int64_t heard_ms; /* when it reached us: a delivery may have waited */
	/* When it failed to, before, on the forge's clock; 0 = it did not. */
	int64_t missed_ms;

	int64_t timer_ms;     /* when the policy wants to be asked again */
	int64_t settled_ms;   /* when it was asked last; 0 = not yet */
	int64_t outbox_ms;    /* when an effect becomes due again */
	bool outbox_news;     /* the outbox may hold what was not looked at */
	int64_t next_scan_ms; /* 0 = at once */
	int64_t next_members_ms;
	int64_t next_prune_ms;
	int64_t self_id;       /* our user id on the forge; 0 = not known yet */
	struct skew skew;      /* of the forge's clock */
	int64_t alive_kept_ms; /* the last sign of life on record */
	int64_t lost_kept_ms;  /* the end of lost that is on record */
	bool self_asked;       /* the forge has answered who we are */
	json_t *lagging; /* targets that the forge does not show, since when */
	json_t *unseen;	 /* open pulls not shown: REPO#NUMBER, since when */

	struct waiter *waiters;
	json_t *answers; /* of this event, given after the commit */

	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;
	struct event *first, *last;
	bool woken;
	bool stop;
	bool failed;
	struct gap lost; /* deliveries were refused; to_ms 0 = none were */
	struct error failure;
	struct engine_gauges gauges;
	json_t *reload_note;
};

/* --- engine.c --- */

/* Trouble with one thing, which is noted and passed so that it stops nobody;
 * also true for ERR_OK. */
bool engine_may_pass(enum err code);

void flow_of(struct engine *g, const struct environment *env, struct flow *ret);

/* Where the engine's clock stands. */
int64_t engine_now(const struct engine *g);

/* The wall clock minus the engine's. */
int64_t engine_wall_off(const struct engine *g);

/* Was the wall clock set since we started?  Then what others took from it
 * cannot be compared with our time. */
bool engine_wall_jumped(const struct engine *g);

/*
 * Runs one event's handler and all that follows from it in one transaction,
 * whole or not at all.
 */
NODISCARD enum err engine_transact(struct engine *g,
				   enum err (*handle)(struct engine *g,
						      void *arg,
						      struct error *e),
				   void *arg, struct error *e);

/* Gives the answers that the committed event has for the command line. */
void engine_give_answers(struct engine *g);

/* --- engine_life.c --- */

/* On record: from here on decisions are taken under this configuration. */
NODISCARD enum err engine_audit_config(struct engine *g, const char *action,
				       struct error *e);

/* --- unconfigured.c --- */

/* Ends what waits or runs where nothing is configured any more, and what was
 * told as pending. */
NODISCARD enum err engine_end_unconfigured(struct engine *g, void *arg,
					   struct error *e);

/* --- engine_reload.c --- */

/* On the engine's thread; takes over *c.  ERR_REFUSED and the like: nothing
 * has changed. */
NODISCARD enum err engine_take_config(struct engine *g, struct config **c,
				      struct error *e);
/* The last note, or NULL; the caller's. */
json_t *engine_reload_note(struct engine *g);

/* --- engine_gaps.c: when deliveries may have been lost --- */

/* The bot did not run until now. */
NODISCARD enum err gaps_start(struct engine *g, struct error *e);
/* Puts on record, with the event in hand, what was refused since, and a sign
 * of life every now and then. */
NODISCARD enum err gaps_keep(struct engine *g, struct error *e);
/* The same, after the commit. */
void gaps_kept(struct engine *g);
/* The listing of a repository shows heads that no webhook told. */
NODISCARD enum err gaps_unheard(struct engine *g, const char *repo,
				int64_t since_ms, struct error *e);

/* --- engine_deliveries.c, engine_events.c: what there is to handle --- */

NODISCARD enum err engine_deliveries(struct engine *g, bool *ret_any,
				     struct error *e);
NODISCARD enum err engine_events(struct engine *g, bool *ret_any,
				 struct error *e);
/* Answers every call and waiter with this refusal; drops outcomes. */
void engine_hang_up(struct engine *g, const char *text);

/* A port's answer; from any thread.  ctx is the engine. */
void engine_outcome(void *ctx, struct outcome *o);

/* --- effects.c: kinds of effects, and what their answers lead to --- */

/* Sends what is due; outside of a transaction. */
NODISCARD enum err effects_pump(struct engine *g, struct error *e);

/* Takes over o->body. */
NODISCARD enum err effects_answered(struct engine *g, struct outcome *o,
				    struct error *e);

/* Its answer cannot be handled: ends it, and what waits for it. */
NODISCARD enum err effects_given_up(struct engine *g, const struct outcome *o,
				    struct error *e);

/* --- deliveries.c --- */

/* Could it lead to anything?  Looks at the raw bytes only. */
bool delivery_matters(const struct engine *g, const struct inbox_delivery *d);

/* Is one of this event worth asking for when it was lost?  Not when most of
 * them are nothing to us: every program's statuses. */
bool delivery_wanted(const char *event);
/* Does one with this action take back what another one said? */
bool delivery_takes_back(const char *action);

/* One that matters. */
NODISCARD enum err delivery_handle(struct engine *g,
				   const struct inbox_delivery *d,
				   struct error *e);

/* What the forge says of a pull now; source: PULL_SOURCE_... */
NODISCARD enum err pull_seen(struct engine *g, struct pull *p,
			     const char *source, bool quiet, struct error *e);

/* --- hear.c, needs.c, decide.c: what people say --- */

/* A comment, a review or a comment on code, as the forge shows it. */
struct heard {
	const char *kind; /* SAID_COMMENT, SAID_REVIEW, SAID_REVIEW_COMMENT */
	const char *repo;
	int64_t number;	      /* of the pull */
	const json_t *object; /* the comment or review itself */
	const char *source;   /* "webhook", "scan" */
	const char *doubt;    /* why nothing in it may run, or NULL */
};
/* When it was written, on the forge's clock; false = it does not say. */
NODISCARD bool heard_made_ms(const struct heard *h, int64_t *ret);
/* Does it show that it is a review that was dismissed since? */
bool heard_dismissed(const struct heard *h);
/* Is it not known yet, and for us?  Then it is checked.  *ret_result tells
 * what came of it, for the record. */
NODISCARD enum err hear(struct engine *g, const struct heard *h,
			const char **ret_result, struct error *e);
/* The same on a pull that is closed: nothing in it runs, and who might command
 * there is told so; to others it is silence. */
NODISCARD enum err hear_closed(struct engine *g, const struct heard *h,
			       const char **ret_result, struct error *e);
/*
 * It was "edited", "dismissed" or "deleted": what it asked for and has not
 * started is dropped, and if it is not known yet it never runs.
 * sender: who did it.
 */
NODISCARD enum err hear_taken_back(struct engine *g, const struct heard *h,
				   const char *how, const json_t *sender,
				   const char **ret_result, struct error *e);
/* A scan shows it: *ret_known when it was heard before; edited since then it
 * is taken back. */
NODISCARD enum err hear_again(struct engine *g, const struct heard *h,
			      bool *ret_known, struct error *e);
/* The pull is known now: authorise and run. */
NODISCARD enum err hear_checked(struct engine *g, const json_t *args,
				const struct outcome *o, struct error *e);
/* Something that had to be known first. */
NODISCARD enum err needs_answered(struct engine *g, const json_t *args,
				  const struct outcome *o, struct error *e);
NODISCARD enum err needs_pull_answered(struct engine *g, const json_t *args,
				       const struct outcome *o,
				       struct error *e);
NODISCARD enum err needs_plan_answered(struct engine *g, const json_t *args,
				       const struct outcome *o,
				       struct error *e);
/* It will never be known: tells who waits. */
NODISCARD enum err hear_failed(struct engine *g, int64_t said_id,
			       struct error *e);
/* From the command line; *ret_said_id: wait for it, 0 = answered already. */
NODISCARD enum err hear_call(struct engine *g, const json_t *call,
			     int64_t *ret_said_id, struct error *e);

/* --- paths.c: what revisions change, where some of it is sensitive --- */

/*
 * Wants the paths of the pull's head wherever it would be deployed unasked if
 * they were harmless.  wish: then it is, as if it had been pushed.
 */
NODISCARD enum err paths_ask(struct engine *g, const struct pull *p, bool wish,
			     struct error *e);
NODISCARD enum err paths_answered(struct engine *g, const json_t *args,
				  const struct outcome *o, struct error *e);
/* The same for something that was said and waits for it. */
NODISCARD enum err paths_said(struct engine *g, const json_t *args,
			      const struct outcome *o, struct error *e);

/* --- report.c: sticky comments, statuses, reactions --- */

/* Everything that is due to be told after this event. */
NODISCARD enum err report_all(struct engine *g, struct error *e);

/* Our one reply comment on a pull. */
NODISCARD enum err report_reply(struct engine *g, const struct pull *p,
				const char *body, const char *key,
				struct error *e);
NODISCARD enum err report_reaction(struct engine *g,
				   const struct said_record *said,
				   const char *content, struct error *e);
/* A comment of ours exists. */
NODISCARD enum err report_posted(struct engine *g, const json_t *args,
				 const struct outcome *o, struct error *e);
/* The sticky of a pull is wanted, whether or not it was deployed. */
NODISCARD enum err report_sticky(struct engine *g, const struct pull *p,
				 const struct environment *env, bool force,
				 struct error *e);

/* --- locks.c: locks and freezes as time passes --- */

/* Ends and warns of what is due, tells what is new. */
NODISCARD enum err locks_tick(struct engine *g, struct error *e);
/* When to tick again, on the engine's clock; 0 = nothing is locked. */
NODISCARD enum err locks_next(struct engine *g, int64_t *ret_ms,
			      struct error *e);

/* --- status.c: what is told of a revision --- */

/* Is it exactly the context of an environment that has this project? */
bool status_is_ours(const struct engine *g, const char *repo,
		    const char *context);
/* The target of its effects. */
void status_target(const struct status_record *r, char *ret, size_t size);
/* A status as it is on record; not before then, 0 = now.  What is wanted
 * later takes its place. */
NODISCARD enum err status_send(struct engine *g, const struct status_record *r,
			       int64_t not_before_ms, struct error *e);

/* --- foreign.c: statuses that somebody else wrote --- */

/*
 * What a webhook says of a status.  If it is one of ours by its name, and by
 * another hand and different, it is put on record, and ours is written again,
 * at most once an hour.
 */
NODISCARD enum err foreign_status(struct engine *g, const json_t *payload,
				  const char **ret_result, struct error *e);

/* --- scan.c: the pulls as they are, whatever webhooks said --- */

/*
 * A scan begins so long before the newest comment that the last one saw: on
 * the forge's several machines a comment may show up after, or bear an earlier
 * time than, one that was already listed.  What is known is known by its id.
 */
#define SCAN_LOOK_BACK_MS (2LL * 60 * 1000)

NODISCARD enum err scan_start(struct engine *g, struct error *e);
NODISCARD enum err scan_pulls(struct engine *g, const json_t *args,
			      const struct outcome *o, struct error *e);
NODISCARD enum err scan_pull(struct engine *g, const json_t *args,
			     const struct outcome *o, struct error *e);
/* Asks for the open pulls of a repository, or for one pull, as they are. */
NODISCARD enum err scan_ask_pulls(struct engine *g, const char *repo,
				  struct error *e);
NODISCARD enum err scan_ask_pull(struct engine *g, const char *repo,
				 int64_t number, struct error *e);

/* --- scan_said.c: what people said, whatever webhooks said --- */
NODISCARD enum err scan_comments(struct engine *g, const json_t *args,
				 const struct outcome *o, struct error *e);
NODISCARD enum err scan_review_comments(struct engine *g, const json_t *args,
					const struct outcome *o,
					struct error *e);
NODISCARD enum err scan_reviews(struct engine *g, const json_t *args,
				const struct outcome *o, struct error *e);
/*
 * Why something must not run that was said at made_ms (on the forge's clock)
 * and that we learned of at heard_ms (on ours): a sentence for who said it;
 * NULL = that was in time.
 */
const char *scan_too_late(const struct engine *g, int64_t made_ms,
			  int64_t heard_ms);

/* --- scan_self.c: our webhook, who we are, the first admins --- */
NODISCARD enum err scan_hooks(struct engine *g, const json_t *args,
			      const struct outcome *o, struct error *e);
NODISCARD enum err scan_self(struct engine *g, const json_t *args,
			     const struct outcome *o, struct error *e);
/* An answer of the forge shows who we are there, if that is not known yet; 0
 * says nothing. */
NODISCARD enum err scan_learn_self(struct engine *g, int64_t id,
				   const char *login, struct error *e);
NODISCARD enum err scan_seed(struct engine *g, const json_t *args,
			     const struct outcome *o, struct error *e);

/* --- redeliver.c: deliveries that failed --- */

/* Asks what became of those of our webhook since the last look. */
NODISCARD enum err redeliver_look(struct engine *g, const char *repo,
				  int64_t hook_id, struct error *e);
NODISCARD enum err redeliver_listed(struct engine *g, const json_t *args,
				    const struct outcome *o, struct error *e);

/* --- call.c: the command line; fills ev->reply or ev->said_id --- */
NODISCARD enum err call_handle(struct engine *g, struct event *ev,
			       struct error *e);
/* What was said by a call is answered; after the transaction. */
void call_answered(struct engine *g, int64_t said_id, bool ok,
		   const char *text);

#endif
