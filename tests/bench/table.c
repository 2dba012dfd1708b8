#include "tests/bench/table.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *numbers, int count)
{
	if (!count)
		return 0;
	qsort(numbers, (size_t)count, sizeof(*numbers), compare);
	return (numbers[count / 2] + numbers[(count - 1) / 2]) / 2;
}

static double figure_median(const struct outcome_of *o, enum program_id p,
			    enum figure figure)
{
	double numbers[ROUNDS_MAX];

	for (int n = 0; n < o->rounds[p]; n++)
		numbers[n] = o->runs[p][n].figures[figure];
	return median(numbers, o->rounds[p]);
}

struct measure outcome_median(const struct outcome_of *o, enum program_id p)
{
	struct measure m = {0};

	for (int f = 0; f < FIGURE_COUNT; f++)
		m.figures[f] = figure_median(o, p, f);
	for (int n = 0; n < o->rounds[p]; n++) {
		m.acks += o->runs[p][n].acks;
		m.refused += o->runs[p][n].refused;
		m.broken += o->runs[p][n].broken;
		m.rows += o->runs[p][n].rows;
	}
	return m;
}

/* The columns of a table: what stands above, and how it is written. */
static const struct {
	enum figure figure;
	const char *head, *unit;
	int digits;
} columns[] = {
	{CPU_US, "CPU us", "/answer", 0},  {DONE_US, "CPU us", "handled", 0},
	{ANSWERS_S, "answers", "/s", 0},   {P50_MS, "p50", "ms", 2},
	{P99_MS, "p99", "ms", 2},	   {IDLE_MB, "RSS MB", "idle", 1},
	{LOADED_MB, "RSS MB", "after", 1}, {PEAK_MB, "RSS MB", "peak", 1},
};

static void heads(struct str *out)
{
	str_addf(out, "%-10s", "");
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		str_addf(out, " %8s", columns[i].head);
	str_addf(out, "\n%-10s", "");
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		str_addf(out, " %8s", columns[i].unit);
	str_putc(out, '\n');
}

static void row(struct str *out, const char *name, const struct measure *m)
{
	str_addf(out, "%-10s", name);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		str_addf(out, " %8.*f", columns[i].digits,
			 m->figures[columns[i].figure]);
	str_putc(out, '\n');
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

/* How many times as much of it the peer has. */
static void ratio_row(struct str *out, const char *name,
		      const struct measure *peer, const struct measure *ours)
{
	str_addf(out, "  %-8s", name);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		enum figure f = columns[i].figure;

		str_addf(out, " %7.2fx",
			 ratio(peer->figures[f], ours->figures[f]));
	}
	str_putc(out, '\n');
}

void table_scenario(struct str *out, const struct outcome_of *o)
{
	struct measure ours = outcome_median(o, PROGRAM_KCIBOT);

	str_addf(out, "\n%s\n", o->scenario->title);
	heads(out);
	for (int p = 0; p < PROGRAM_COUNT; p++) {
		struct measure m = outcome_median(o, p);

		if (o->rounds[p])
			row(out, programs[p].name, &m);
	}
	for (int p = 0; p < PROGRAM_COUNT; p++) {
		struct measure m = outcome_median(o, p);

		if (o->rounds[p] && p != PROGRAM_KCIBOT)
			ratio_row(out, programs[p].name, &m, &ours);
	}
}

void table_first_call(struct str *out, const bool has[PROGRAM_COUNT],
		      double us[PROGRAM_COUNT][FIRST_CALLS])
{
	double ours = median(us[PROGRAM_KCIBOT], FIRST_CALLS);

	str_addf(out,
		 "\nfrom POST of a command to the first call of the "
		 "forge, %d times, idle before\n%-10s %9s %9s %9s\n",
		 FIRST_CALLS, "", "median ms", "least", "most");
	for (int p = 0; p < PROGRAM_COUNT; p++) {
		double middle;

		if (!has[p])
			continue;
		middle = median(us[p], FIRST_CALLS);
		str_addf(out, "%-10s %9.2f %9.2f %9.2f", programs[p].name,
			 middle / 1e3, us[p][0] / 1e3,
			 us[p][FIRST_CALLS - 1] / 1e3);
		if (p != PROGRAM_KCIBOT)
			str_addf(out, "  %.2fx", ratio(middle, ours));
		str_putc(out, '\n');
	}
}
