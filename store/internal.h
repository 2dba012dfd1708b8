/*
 * For the files of this folder only: the handle's inside and the names of
 * all statements.  A statement is a row STATEMENT(NAME, "SQL") in one of
 * store/sql/<subject>.def; test_migrate finds a wrong one.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/db.h"
#include "store/store.h"

/* In a statement that reads t from the view holds: is it so at ?n, when the
 * wall shows ?m?  Of an organisation's members it is for MEMBER_KEPT_MS. */
#define HOLDS_AT(now, wall)                                                    \
	"(t.expires_ms = 0 OR t.expires_ms > " wall ")"                        \
	" AND (t.org_id = 0 OR t.asked_ms BETWEEN " now " - 3600000 AND " now  \
	")"

#define STATEMENT(name, sql) STMT_##name,
enum statement {
#include "store/sql/intake.def"
#include "store/sql/trust.def"
#include "store/sql/pull.def"
#include "store/sql/request.def"
#include "store/sql/paths.def"
#include "store/sql/cycle.def"
#include "store/sql/lock.def"
#include "store/sql/outbox.def"
#include "store/sql/view.def"
	STMT_MAX
};
#undef STATEMENT

struct store {
	struct db db;

	/* Effects that this process has sent and that are not answered. */
	int64_t *sent;
	size_t sent_count;
	size_t sent_room;

	/* Pulls whose comment or statuses may have to be told anew. */
	int64_t *touched;
	size_t touched_count;
	size_t touched_room;

	int64_t wall_skew_ms; /* see store_set_wall() */
};

/* What the wall shows at now_ms: until when a date is to come. */
static inline int64_t wall_at(const struct store *s, int64_t now_ms)
{
	return now_ms + s->wall_skew_ms;
}

/* audit.c: holds on to what was there before there was a chain; once. */
NODISCARD enum err audit_begin_chain(struct store *s, struct error *e);

#endif
