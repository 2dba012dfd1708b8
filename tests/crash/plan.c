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
 *
 * Unasked, the second conversation is only killed: what differs in it is what
 * the bot was about when it died.  It is long, and the rest of its time would
 * be that of the first.  Its power is not cut: the keeper waits until the jobs
 * of the dead bot end by themselves, and one of them waits for its cancel.
 */
static const struct kind kinds[] = {
	{"kill", FAULT_KILL, FILES | OTHERS, 0, {4, 6}, 1, NULL},
	{"tear", FAULT_TEAR, HALVES | POINT_CHILD, 0, {3}, 1, NULL},
	{"power", FAULT_POWER, FILES | OTHERS, 0, {3, -1}, 1, NULL},
	{"short", FAULT_SHORT, HALVES, 0, {1}, 1, NULL},
	{"eio", FAULT_EIO, FILES, 0, {1}, 1, NULL},
	{"eio-while", FAULT_EIO, FILES, WHILE_MS, {1}, 10, NULL},
	{"full", FAULT_FULL, FILES, 0, {1}, 1, NULL},
	{"full-while", FAULT_FULL, FILES, WHILE_MS, {1}, 10, NULL},
	{"files", FAULT_FILES, POINT_OPEN, 0, {1}, 1, NULL},
	{"files-while", FAULT_FILES, POINT_OPEN, WHILE_MS, {1}, 10, NULL},
	{"clock", FAULT_NONE, 0, 0, {1}, 1, &turn_clock},
	{"disk", FAULT_NONE, 0, 0, {1}, 1, &turn_disk},
	/* Out of memory mostly ends the process.  There are a hundred times
	 * as many points, so not among all of them. */
	{"alloc", FAULT_ALLOC, POINT_ALLOC, 0, {0}, 100, NULL},
};

const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const struct script *script_find(const char *name)
{
	for (size_t i = 0; i < SCRIPT_COUNT; i++)
		if (strcmp(talk_scripts[i].name, name) == 0)
			return &talk_scripts[i];
	return NULL;
}

/* --- making it --- */

static int64_t points_of(const struct part *part)
{
	const struct kind *k = part->kind;
	int64_t sum = 0;

	if (k->turn)
		return k->turn->count(part->script);
	for (int i = 0; i < FAULT_KINDS; i++)
		if (k->points & (1u << i))
			sum += atomic_load(&part->like->seen.of_kind[i]);
	return sum;
}

/* So that its share of the time is enough: a play with a fault takes longer
 * by a restart, and by what is tried again. */
static int64_t stride(const struct part *part, int weights,
		      const struct plan_wish *w)
{
	int weight = part->weight ? part->weight : 1;
	int64_t one_ms = part->like->took_ms;
	int64_t plays;

	if (part->points < 1)
		return 1;
	if (w->every)
		return w->every * part->kind->coarse;
	if (one_ms < 1 || weights < 1)
		return part->points;
	plays = w->all_ms * weight / (one_ms * 3 / 2 + 1) / weights;
	return plays < 1 ? part->points : (part->points + plays - 1) / plays;
}

static void add(struct plan *p, const struct part *part, int64_t at)
{
	/* Doubled whenever it is full, which is at each power of two. */
	if ((p->count & (p->count - 1)) == 0) {
		size_t room = p->count ? 2 * (size_t)p->count : 1;

		p->plays = reallocarray(p->plays, room, sizeof(*p->plays));
		if (!p->plays)
			exit(2);
	}
	p->plays[p->count++] = (struct play){.script = part->script,
					     .kind = part->kind,
					     .like = part->like->record,
					     .at = at};
}

static bool begins_with(const struct plan_wish *w, const struct part *part)
{
	return part->kind == w->from && part->script == w->from_script;
}

static void add_part(struct plan *p, const struct part *part,
		     const struct plan_wish *w)
{
	if (w->at) {
		/* What is counted varies a little; ways do not. */
		if (!part->kind->turn || w->at <= part->points)
			add(p, part, w->at);
		return;
	}
	/* From the middle of the first step: not always the very first. */
	for (int64_t at = (part->every + 1) / 2; at <= part->points;
	     at += part->every)
		if (!begins_with(w, part) || at >= w->from_at)
			add(p, part, at);
}

static bool is_named(const struct plan_wish *w, const struct kind *k)
{
	for (int i = 0; i < w->kind_count; i++)
		if (w->kinds[i] == k)
			return true;
	return false;
}

/* A fault that is named meets the first conversation at least. */
static bool is_wanted(const struct plan_wish *w, const struct kind *k,
		      const struct script *s)
{
	bool named = is_named(w, k);
	int weight = k->weight[s - talk_scripts];

	if (weight < 0 || (w->script && w->script != s) ||
	    (w->kind_count && !named))
		return false;
	return weight || (named && (w->script || s == talk_scripts));
}

bool plan_has(const struct plan_wish *w, const struct script *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (is_wanted(w, &kinds[i], s))
			return true;
	return false;
}

/* The sum of their weights. */
static int list_parts(struct plan *p, const struct plan_wish *w, int script,
		      const struct reference *like)
{
	const struct script *s = &talk_scripts[script];
	int weights = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct part *part = &p->parts[p->part_count];

		if (!is_wanted(w, &kinds[i], s))
			continue;
		*part = (struct part){.kind = &kinds[i],
				      .script = s,
				      .like = like,
				      .weight = kinds[i].weight[script]};
		part->points = points_of(part);
		weights += part->weight;
		p->part_count++;
	}
	return weights;
}

void plan_make(struct plan *ret, const struct plan_wish *w,
	       const struct reference *references)
{
	bool on = !w->from;
	int weights = 0;

	*ret = (struct plan){0};
	for (int i = 0; i < SCRIPT_COUNT; i++)
		weights += list_parts(ret, w, i, &references[i]);
	for (int i = 0; i < ret->part_count; i++) {
		struct part *part = &ret->parts[i];

		part->every = stride(part, weights, w);
		on = on || begins_with(w, part);
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

/* part: NULL = of all. */
static void count_plays(const struct plan *p, const struct part *part,
			struct sums *ret)
{
	for (int i = 0; i < p->count; i++) {
		const struct play *one = &p->plays[i];

		if (!one->over || (part && (one->kind != part->kind ||
					    one->script != part->script)))
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

		count_plays(p, part, &t);
		printf("%-6s %-12s %5d of %6lld points, every %lld: %d failed, "
		       "%d not met again, %d skipped\n",
		       part->script->name, part->kind->name, t.played,
		       (long long)part->points, (long long)part->every,
		       t.failed, t.missed, t.skipped);
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
