/* What people do with pull requests, without a word. */
#include "tests/soak/soak.h"

#include <stdlib.h>

/* Few enough names that two pulls meet in one file now and then. */
#define FILES 60
/* Those before are left alone; the bot knows them all the same. */
#define LATE 40

static const char *any_repo(struct soak *s)
{
	return soak_of(s, 50) ? API : WEB;
}

static json_t *new_text(struct soak *s, const char *file)
{
	CLEANUP(free)
	char *text =
		str_format("%d of %s\n", soak_between(s, 0, 1 << 30), file);

	return house_file(file, text);
}

static int count_open(const struct soak *s)
{
	int count = 0;

	for (int i = 0; i < s->pull_count; i++)
		count += s->pulls[i].open;
	return count;
}

static void open_one(struct soak *s)
{
	struct soak_pull p = {.repo = any_repo(s), .open = true};

	if (count_open(s) >= SOAK_PULLS_OPEN)
		return;
	p.author = soak_of(s, 60) ? soak_contributor(s) : soak_stranger(s);
	snprintf(p.file, sizeof(p.file), "f%d", soak_between(s, 0, FILES - 1));
	p.number = sbc_pull(s->h->forge, p.repo, p.author, "A *change* @kcibot",
			    new_text(s, p.file), p.sha);
	assert_true(p.number > 0);
	COPY(p.first, p.sha);
	s->pulls = reallocarray(s->pulls, (size_t)s->pull_count + 1,
				sizeof(*s->pulls));
	assert_non_null(s->pulls);
	s->pulls[s->pull_count++] = p;
}

struct soak_pull *soak_any_pull(struct soak *s)
{
	int low = s->pull_count > LATE ? s->pull_count - LATE : 0;

	if (!s->pull_count)
		return NULL;
	return &s->pulls[soak_between(s, low, s->pull_count - 1)];
}

struct soak_pull *soak_open_pull(struct soak *s)
{
	int from = s->pull_count ? soak_between(s, 0, s->pull_count - 1) : 0;

	for (int i = 0; i < s->pull_count; i++) {
		struct soak_pull *p = &s->pulls[(from + i) % s->pull_count];

		if (p->open)
			return p;
	}
	open_one(s);
	return NULL;
}

static void push(struct soak *s)
{
	struct soak_pull *p = soak_open_pull(s);

	if (p)
		assert_true(sbc_push(s->h->forge, p->repo, p->number,
				     new_text(s, p->file), soak_of(s, 30),
				     p->sha));
}

/* A, B, and A again. */
static void push_back(struct soak *s)
{
	struct soak_pull *p = soak_open_pull(s);

	if (!p || strcmp(p->first, p->sha) == 0)
		return;
	assert_true(sbc_push_to(s->h->forge, p->repo, p->number, p->first));
	COPY(p->sha, p->first);
}

static void act(struct soak *s, const struct soak_pull *p, const char *action,
		const char *label)
{
	assert_true(sbc_act(s->h->forge, p->repo, p->number, p->author, action,
			    label));
}

static void close_one(struct soak *s)
{
	struct soak_pull *p = soak_open_pull(s);

	if (!p)
		return;
	act(s, p, "close", NULL);
	p->open = false;
	soak_closed(s, p);
}

static void reopen(struct soak *s)
{
	struct soak_pull *p = soak_any_pull(s);

	if (!p || p->open || count_open(s) >= SOAK_PULLS_OPEN)
		return;
	act(s, p, "reopen", NULL);
	p->open = true;
}

static void draft(struct soak *s)
{
	struct soak_pull *p = soak_open_pull(s);

	if (!p)
		return;
	act(s, p, p->draft ? "ready" : "draft", NULL);
	p->draft = !p->draft;
}

static void label(struct soak *s)
{
	struct soak_pull *p = soak_open_pull(s);

	if (p)
		act(s, p, soak_of(s, 50) ? "label" : "unlabel",
		    soak_of(s, 50) ? "staging-skip" : "a <b>label</b>");
}

/* Also a file that pulls change, so that some conflict. */
static void push_base(struct soak *s)
{
	CLEANUP(free)
	char *file = str_format("f%d", soak_between(s, 0, 3 * FILES));
	CLEANUP(json_decref)
	json_t *a = sbc_post(s->h->forge, "/_sandbox/push",
			     json_pack("{s:s, s:s, s:s, s:o}", "repo",
				       any_repo(s), "branch", "main", "user",
				       "ada", "files", new_text(s, file)));

	assert_non_null(a);
}

const struct soak_act soak_pull_acts[] = {
	{"open", 10, open_one},
	{"push", 12, push},
	{"push back", 2, push_back},
	{"close", 8, close_one},
	{"reopen", 2, reopen},
	{"draft", 2, draft},
	{"label", 3, label},
	{"push base", 2, push_base},
	{NULL, 0, NULL},
};
