/*
 * What the bot remembers, in one SQLite file, kcibot.db.  Only this folder
 * knows SQL; the questions and changes stand in the header of their subject
 * (store/trust.h, store/pull.h, ...) in the bot's own words.
 *
 * A handle belongs to one thread.  The engine holds the only writing one;
 * pages and the command line open readers.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "bot/base/cleanup.h"
#include "bot/base/error.h"

struct store;

void store_close(struct store *s);
DEFINE_CLEANUP(struct store *, store_close)

/* Opens, makes and migrates.  NULL when the file is from a newer bot. */
NODISCARD OWNED_BY(store_close)
struct store *store_open(const char *path, struct error *e);

/* For reading beside a running bot; the file must exist and be current. */
NODISCARD OWNED_BY(store_close)
struct store *store_open_reader(const char *path, struct error *e);

/*
 * How far the wall clock is ahead of the now_ms that questions get; 0 at first.
 * The dates that people read follow the wall: the end of a trust, of a
 * permission.  (Those about locks get the wall itself.)
 */
void store_set_wall(struct store *s, int64_t skew_ms);

/*
 * begin/commit bracket one event's effects.  rollback is silent and safe
 * when nothing is open, so an error path may call it blindly.  A reader
 * brackets too, to see one moment.
 */
NODISCARD enum err store_begin(struct store *s, struct error *e);
NODISCARD enum err store_commit(struct store *s, struct error *e);
void store_rollback(struct store *s);
/*
 * Since store_begin(): may anything have been written that decides what an
 * environment does?  Cycles, requests, locks, trust; not what was told, heard
 * or is on its way.
 */
bool store_moved(const struct store *s);
/*
 * A part of the transaction that can be taken back by itself: begun by
 * store_try(), ended by one of the others.
 */
NODISCARD enum err store_try(struct store *s, struct error *e);
NODISCARD enum err store_try_keep(struct store *s, struct error *e);
NODISCARD enum err store_try_undo(struct store *s, struct error *e);

#endif
