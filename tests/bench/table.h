/* The numbers as a table for people, with the ratios and the bars. */
#ifndef TESTS_BENCH_TABLE_H
#define TESTS_BENCH_TABLE_H

#include "tests/bench/measure.h"

#define ROUNDS_MAX 9

/* All rounds of one scenario; rounds[p] is 0 for who did not take part. */
struct outcome_of {
	const struct scenario *scenario;
	struct measure runs[PROGRAM_COUNT][ROUNDS_MAX];
	int rounds[PROGRAM_COUNT];
};

void table_scenario(struct str *out, const struct outcome_of *o);

/* has[p]: us[p] holds numbers. */
void table_first_call(struct str *out, const bool has[PROGRAM_COUNT],
		      double us[PROGRAM_COUNT][FIRST_CALLS]);

/* The middle of count numbers, which are put in order. */
double median(double *numbers, int count);

/* The medians of the rounds, field by field; the sums of the counts. */
struct measure outcome_median(const struct outcome_of *o, enum program_id p);

#endif
