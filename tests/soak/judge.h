/*
 * Does a process that was watched for a while hold what it has?  Functions
 * of the samples alone.
 */
#ifndef TESTS_SOAK_JUDGE_H
#define TESTS_SOAK_JUDGE_H

#include "bot/base/limits.h"
#include "bot/base/str.h"
#include "tests/soak/sample.h"

/*
 * What it needs is warm after the first quarter: caches, the heap's arenas.
 * From the second quarter to the last one the median may grow by this much at
 * most, both of it.  glibc's heap wobbles by some hundred kilobytes with what
 * happened to be allocated at one time; a leak of 100 bytes with each delivery
 * is a megabyte in half an hour of a soak.
 */
#define JUDGE_GROWTH_KB 2048
#define JUDGE_GROWTH_PERCENT 5
/* The caches (SQLite's pages, the forge's answers) are filled by what happens,
 * not by time: after a shorter quarter they may still be, and growth is told
 * but is no problem. */
#define JUDGE_WARM_MS (10LL * 60 * 1000)
/* Fewer samples in a quarter tell nothing. */
#define JUDGE_LEAST 12
/* What the forge client may keep open. */
#define JUDGE_FORGE LIMIT_FORGE_PARALLEL
/* SQLite keeps the descriptor of a connection that is closed while another one
 * to the same file is open, for the next: as many as were open at one time,
 * two for each, on two databases, plus the indexes of their logs. */
#define JUDGE_BOOKS 26
/* A log that is given back to its database does not become larger: SQLite
 * begins it anew at 1000 pages, and a reader may hold it up for a while. */
#define JUDGE_WAL (16 << 20)

struct verdict {
	int64_t early_kb, late_kb; /* medians of the RSS; 0 = too few */
	int fds, threads;	   /* at quiet points, without the books */
	int quiets;		   /* judged */
	int problems;
};

/* A line for each problem is added to ret_words. */
void judge(const struct samples *s, struct verdict *ret, struct str *ret_words);

#endif
