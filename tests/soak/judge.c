#include "tests/soak/judge.h"

#include <stdlib.h>

#include "bot/base/cleanup.h"

/* --- memory --- */

static int compare_numbers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t rss_of(const struct sample *s)
{
	return s->rss_kb;
}

static int64_t pss_of(const struct sample *s)
{
	return s->pss_kb;
}

static int64_t anonymous_of(const struct sample *s)
{
	return s->anonymous_kb;
}

/* Of a quarter from 0, by time; 0 = too few. */
static int64_t median(const struct samples *s, int quarter,
		      int64_t (*of)(const struct sample *s))
{
	int64_t whole = s->count ? s->all[s->count - 1].at_ms : 0;
	int64_t *values = calloc((size_t)s->count + 1, sizeof(*values));
	int64_t ret = 0;
	int count = 0;

	for (int i = 0; values && i < s->count; i++) {
		const struct sample *one = &s->all[i];

		if (one->at_ms * 4 >= quarter * whole &&
		    one->at_ms * 4 <= (quarter + 1) * whole)
			values[count++] = of(one);
	}
	if (count >= JUDGE_LEAST) {
		qsort(values, (size_t)count, sizeof(*values), compare_numbers);
		ret = values[count / 2];
	}
	free(values);
	return ret;
}

static void problem(struct verdict *v, struct str *words, const char *what,
		    int64_t was, int64_t is)
{
	v->problems++;
	str_addf(words, "%s: %lld, then %lld\n", what, (long long)was,
		 (long long)is);
}

static void judge_memory(const struct samples *s, struct verdict *v,
			 struct str *words)
{
	static const struct {
		const char *name;
		int64_t (*of)(const struct sample *s);
	} kinds[] = {
		{"RSS grows, in KB", rss_of},
		{"PSS grows, in KB", pss_of},
		{"anonymous memory grows, in KB", anonymous_of},
	};
	int64_t quarter_ms = s->count ? s->all[s->count - 1].at_ms / 4 : 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int64_t early = median(s, 1, kinds[i].of);
		int64_t late = median(s, 3, kinds[i].of);
		int64_t more = late - early;

		if (!early || !late)
			return;
		if (i == 0) {
			v->early_kb = early;
			v->late_kb = late;
		}
		if (quarter_ms >= JUDGE_WARM_MS &&
		    (more > JUDGE_GROWTH_KB ||
		     more * 100 > early * JUDGE_GROWTH_PERCENT))
			problem(v, words, kinds[i].name, early, late);
	}
}

/* --- the rest --- */

static void judge_quiet(const struct sample *first, const struct sample *s,
			struct verdict *v, struct str *words)
{
	static const char *const at = "at a quiet point";
	const struct {
		const char *what;
		int64_t was, is;
	} same[] = {
		{"threads", first->threads, s->threads},
		{"open files", first->files, s->files},
		{"pipes", first->pipes, s->pipes},
		{"sockets", first->sockets, s->sockets},
		{"other descriptors", first->others, s->others},
		{"children", 0, s->children},
		{"zombies", 0, s->zombies},
	};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		CLEANUP(free) char *what = NULL;

		if (same[i].was == same[i].is)
			continue;
		what = str_format("%s %s after %lld s", same[i].what, at,
				  (long long)s->at_ms / 1000);
		problem(v, words, what, same[i].was, same[i].is);
	}
	if (s->books > JUDGE_BOOKS)
		problem(v, words, "descriptors of the databases", JUDGE_BOOKS,
			s->books);
	if (s->forge > JUDGE_FORGE)
		problem(v, words, "connections to the forge", JUDGE_FORGE,
			s->forge);
}

/* Between two quiet points anything may be open, within what is allowed. */
static void judge_peaks(const struct samples *s, struct verdict *v,
			struct str *words)
{
	int64_t wal = 0;

	for (int i = 0; i < s->count; i++) {
		if (s->all[i].kcibot_wal > wal)
			wal = s->all[i].kcibot_wal;
		if (s->all[i].inbox_wal > wal)
			wal = s->all[i].inbox_wal;
	}
	if (wal > JUDGE_WAL)
		problem(v, words, "a write-ahead log, in bytes", JUDGE_WAL,
			wal);
}

void judge(const struct samples *s, struct verdict *ret, struct str *ret_words)
{
	int64_t whole = s->count ? s->all[s->count - 1].at_ms : 0;
	const struct sample *first = NULL;

	*ret = (struct verdict){0};
	judge_memory(s, ret, ret_words);
	for (int i = 0; i < s->count; i++) {
		const struct sample *one = &s->all[i];

		if (!one->quiet || one->at_ms * 4 < whole)
			continue;
		if (!first)
			first = one;
		judge_quiet(first, one, ret, ret_words);
		ret->quiets++;
		ret->fds = one->fds - one->forge - one->books;
		ret->threads = one->threads;
	}
	judge_peaks(s, ret, ret_words);
}
