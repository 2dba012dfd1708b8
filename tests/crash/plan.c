#include "tests/crash/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/attr.h"

#define WHILE_MS 1500
#define HALVES (POINT_WRITE | POINT_SOCKET)
#define FILES (POINT_WRITE | POINT_FILE)
#define OTHERS (POINT_SOCKET | POINT_CHILD)

/*
 * Torn is only what has halves, or a child beside it: any other call that
 * happens before the bot is killed is the same as the bot killed before its
 * next point, for nothing but points is seen from outside.
 *
 * A while is hundreds of points long, and the single one is there for the
 * call that fails first: one that begins at each tenth sees all of them.
 */
static const struct kind kinds[] = {
	{"kill", FAULT_KILL, FILES | OTHERS, 0, 4, 1, NULL},
	{"tear", FAULT_TEAR, HALVES | POINT_CHILD, 0, 3, 1, NULL},
	{"power", FAULT_POWER, FILES | OTHERS, 0, 3, 1, NULL},
	{"short", FAULT_SHORT, HALVES, 0, 1, 1, NULL},
	{"eio", FAULT_EIO, FILES, 0, 1, 1, NULL},
	{"eio-while", FAULT_EIO, FILES, WHILE_MS, 1, 10, NULL},
	{"full", FAULT_FULL, FILES, 0, 1, 1, NULL},
	{"full-while", FAULT_FULL, FILES, WHILE_MS, 1, 10, NULL},
	{"files", FAULT_FILES, POINT_OPEN, 0, 1, 1, NULL},
	{"files-while", FAULT_FILES, POINT_OPEN, WHILE_MS, 1, 10, NULL},
	{"clock", FAULT_NONE, 0, 0, 1, 1, &turn_clock},
	{"disk", FAULT_NONE, 0, 0, 1, 1, &turn_disk},
	/* Out of memory mostly ends the process.  There are a hundred times
	 * as many points, so not among all of them. */
	{"alloc", FAULT_ALLOC, POINT_ALLOC, 0, 0, 100, NULL},
};

const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* --- making it --- */

static int64_t points_of(const struct kind *k, struct fault_block *seen)
{
	int64_t sum = 0;

	if (k->turn)
		return k->turn->count;
	for (int i = 0; i < FAULT_KINDS; i++)
		if (k->points & (1u << i))
			sum += atomic_load(&seen->of_kind[i]);
	return sum;
}

/* So that its share of the time is enough: a play with a fault takes longer
 * by a restart, and by what is tried again. */
static int64_t stride(const struct part *part, int weights,
		      const struct plan_wish *w)
{
	int weight = part->kind->weight ? part->kind->weight : 1;
	int64_t plays;

	if (w->every)
		return w->every * part->kind->coarse;
	if (w->one_ms < 1 || weights < 1)
		return part->points;
	plays = w->all_ms * weight / (w->one_ms * 3 / 2 + 1) / weights;
	return plays < 1 ? part->points : (part->points + plays - 1) / plays;
}

static void add(struct plan *p, const struct kind *k, int64_t at)
{
	/* Doubled whenever it is full, which is at each power of two. */
	if ((p->count & (p->count - 1)) == 0) {
		size_t room = p->count ? 2 * (size_t)p->count : 1;

		p->plays = reallocarray(p->plays, room, sizeof(*p->plays));
		if (!p->plays)
			exit(2);
	}
	p->plays[p->count++] = (struct play){.kind = k, .at = at};
}

static void add_part(struct plan *p, const struct part *part,
		     const struct plan_wish *w)
{
	const struct kind *k = part->kind;

	if (w->at) {
		add(p, k, w->at);
		return;
	}
	/* From the middle of the first step: not always the very first. */
	for (int64_t at = (part->every + 1) / 2; at <= part->points;
	     at += part->every)
		if (k != w->from || at >= w->from_at)
			add(p, k, at);
}

static int list_parts(struct plan *p, const struct plan_wish *w,
		      struct fault_block *seen)
{
	int weights = 0;

	for (int i = 0; i < w->kind_count; i++)
		p->parts[p->part_count++].kind = w->kinds[i];
	for (size_t i = 0; !w->kind_count && i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].weight)
			p->parts[p->part_count++].kind = &kinds[i];
	for (int i = 0; i < p->part_count; i++) {
		weights += p->parts[i].kind->weight;
		p->parts[i].points = points_of(p->parts[i].kind, seen);
	}
	return weights;
}

void plan_make(struct plan *ret, const struct plan_wish *w,
	       struct fault_block *seen)
{
	bool on = !w->from;
	int weights;

	*ret = (struct plan){0};
	weights = list_parts(ret, w, seen);
	for (int i = 0; i < ret->part_count; i++) {
		struct part *part = &ret->parts[i];

		part->every = stride(part, weights, w);
		on = on || part->kind == w->from;
		if (on)
			add_part(ret, part, w);
	}
}

void plan_release(struct plan *p)
{
	free(p->plays);
	*p = (struct plan){0};
}

/* --- its sums --- */

struct sums {
	int played, failed, missed, skipped;
};

static void count_plays(const struct plan *p, const struct kind *k,
			struct sums *ret)
{
	for (int i = 0; i < p->count; i++) {
		const struct play *one = &p->plays[i];

		if ((k && one->kind != k) || !one->over)
			continue;
		ret->played++;
		ret->failed += one->failed;
		ret->missed += !one->met && !one->skipped;
		ret->skipped += one->skipped;
	}
}

int plan_report(const struct plan *p, int64_t took_ms)
{
	struct sums all = {0};

	for (int i = 0; i < p->part_count; i++) {
		const struct part *part = &p->parts[i];
		struct sums t = {0};

		count_plays(p, part->kind, &t);
		printf("%-12s %5d of %6lld points, every %lld: %d failed, %d "
		       "not met again, %d skipped\n",
		       part->kind->name, t.played, (long long)part->points,
		       (long long)part->every, t.failed, t.missed, t.skipped);
	}
	count_plays(p, NULL, &all);
	printf("%d passed, %d failed, %d skipped\n",
	       all.played - all.failed - all.skipped, all.failed, all.skipped);
	printf("crash: %d of %d conversations in %lld min %lld s; %s\n",
	       all.played, p->count, (long long)took_ms / 60000,
	       (long long)took_ms / 1000 % 60,
	       all.failed ? "NOT ALL ended the same" : "all ended the same");
	return all.failed;
}
