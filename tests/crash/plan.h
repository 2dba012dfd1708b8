/* What a sweep plays: kinds of faults, and at which points; and its sums. */
#ifndef TESTS_CRASH_PLAN_H
#define TESTS_CRASH_PLAN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/crash/fault.h"
#include "tests/crash/play.h"

/* How something fails, and for how long. */
struct kind {
	const char *name;
	enum fault fault;
	unsigned points; /* of enum points: where it may */
	int64_t for_ms;	 /* 0 = at one point only */
	/* Its share of the time, by conversation; 0 = only by name, -1 = not
	 * even so. */
	int weight[SCRIPT_COUNT];
	int coarse;		 /* all = one point in so many */
	const struct turn *turn; /* instead of a fault; NULL = none */
};

/* NULL = there is none of this name. */
const struct kind *kind_find(const char *name);
const struct script *script_find(const char *name);

/* A conversation as it is undisturbed. */
struct reference {
	int64_t took_ms;
	struct fault_block seen; /* what was counted in it */
	char record[PATH_MAX];
};

#define KINDS_MOST 16

/* One kind in one conversation. */
struct part {
	const struct kind *kind;
	const struct script *script;
	const struct reference *like;
	int weight;
	int64_t points, every;
};

/* In the order of conversations, kinds and points. */
struct plan {
	struct part parts[KINDS_MOST * SCRIPT_COUNT];
	int part_count;
	struct play *plays;
	int count;
};

struct plan_wish {
	const struct kind
		*kinds[KINDS_MOST]; /* none = all that have a weight */
	int kind_count;
	const struct script *script; /* NULL = any that has a weight */
	int64_t at;		     /* only this point; 0 = a sweep */
	int64_t every;		     /* 0 = so that it takes all_ms */
	int64_t all_ms;
	/* Where an earlier sweep was interrupted; NULL = the beginning. */
	const struct kind *from;
	const struct script *from_script;
	int64_t from_at;
};

/* Is any of it wished for? */
bool plan_has(const struct plan_wish *wish, const struct script *script);
/*
 * references: of talk_scripts, those that are wished for.  They must outlive
 * the plan.  Ends the program without memory.
 */
void plan_make(struct plan *ret, const struct plan_wish *wish,
	       const struct reference *references);
void plan_release(struct plan *p);

/*
 * Prints what became of all that were played, with a last line that has it in
 * short; how many failed.
 */
int plan_report(const struct plan *p, int64_t took_ms);

#endif
