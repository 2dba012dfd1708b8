/*
 * For the files of this folder only: the handle's inside and the names of
 * all statements.  A statement is a row STATEMENT(NAME, "SQL") in one of
 * store/sql/<subject>.def; a wrong one stops the start.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/db.h"
#include "store/store.h"

#define STATEMENT(name, sql) STMT_##name,
enum statement {
#include "store/sql/intake.def"
#include "store/sql/trust.def"
#include "store/sql/pull.def"
#include "store/sql/request.def"
#include "store/sql/cycle.def"
#include "store/sql/outbox.def"
#include "store/sql/view.def"
	STMT_MAX
};
#undef STATEMENT

struct store {
	struct db db;
};

#endif
