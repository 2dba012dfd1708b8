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

static double field_median(const struct outcome_of *o, enum program_id p,
			   size_t offset)
{
	double numbers[ROUNDS_MAX];

	for (int n = 0; n < o->rounds[p]; n++)
		numbers[n] = *(const double *)((const char *)&o->runs[p][n] +
					       offset);
	return median(numbers, o->rounds[p]);
}

struct measure outcome_median(const struct outcome_of *o, enum program_id p)
{
	static const size_t fields[] = {
		offsetof(struct measure, acks_s),
		offsetof(struct measure, cpu_us),
		offsetof(struct measure, done_us),
		offsetof(struct measure, p50_ms),
		offsetof(struct measure, p99_ms),
		offsetof(struct measure, idle_mb),
		offsetof(struct measure, private_mb),
		offsetof(struct measure, loaded_mb),
		offsetof(struct measure, peak_mb),
	};
	struct measure m = {0};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		*(double *)((char *)&m + fields[i]) =
			field_median(o, p, fields[i]);
	for (int n = 0; n < o->rounds[p]; n++) {
		m.acks += o->runs[p][n].acks;
		m.refused += o->runs[p][n].refused;
		m.broken += o->runs[p][n].broken;
		m.rows += o->runs[p][n].rows;
	}
	return m;
}

static void row(struct str *out, const char *name, const struct measure *m)
{
	str_addf(out, "%-10s %9.0f %9.0f %9.0f %8.2f %8.2f %8.1f %8.1f %8.1f\n",
		 name, m->cpu_us, m->done_us, m->acks_s, m->p50_ms, m->p99_ms,
		 m->idle_mb, m->loaded_mb, m->peak_mb);
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
	str_addf(out,
		 " %8.2fx %8.2fx %8.2fx %7.2fx %7.2fx %7.2fx %7.2fx "
		 "%7.2fx\n",
		 ratio(peer->cpu_us, ours->cpu_us),
		 ratio(peer->done_us, ours->done_us),
		 ratio(peer->acks_s, ours->acks_s),
		 ratio(peer->p50_ms, ours->p50_ms),
		 ratio(peer->p99_ms, ours->p99_ms),
		 ratio(peer->idle_mb, ours->idle_mb),
		 ratio(peer->loaded_mb, ours->loaded_mb),
		 ratio(peer->peak_mb, ours->peak_mb));
}

void table_scenario(struct str *out, const struct outcome_of *o)
{
	struct measure ours = outcome_median(o, PROGRAM_KCIBOT);

	str_addf(out,
		 "\n%s\n%-10s %9s %9s %9s %8s %8s %8s %8s %8s\n%-10s %9s %9s "
		 "%9s %8s %8s %8s %8s %8s\n",
		 o->scenario->title, "", "CPU us", "CPU us", "answers", "p50",
		 "p99", "RSS MB", "RSS MB", "RSS MB", "", "/answer", "handled",
		 "/s", "ms", "ms", "idle", "after", "peak");
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
