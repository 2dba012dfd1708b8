/* What people say, in comments and reviews, and what they take back. */
#include "tests/soak/soak.h"

#include <stdlib.h>

static const char *const by_maintainers[] = {
	"@kcibot deploy",
	"@kcibot deploy",
	"@kcibot deploy",
	"@kcibot trigger",
	"@kcibot trigger",
	"@kcibot lock 10s reason=\"a look\"",
	"@kcibot unlock reason=\"all is well\"",
	"@kcibot unlock reason=\"go on\"",
	"@kcibot unlock reason=\"go on\"",
	"@kcibot skip reason=\"later\"",
	"@kcibot include",
	"@kcibot include",
	"@kcibot cancel",
	"@kcibot retry",
	"@kcibot quiet",
	"@kcibot quiet off",
	"@kcibot verbose",
	"@kcibot verbose off",
	"@kcibot trusted",
	"@kcibot why",
	"@kcibot plan",
	"@kcibot status\n@kcibot why",
};

static const char *const by_admins[] = {
	"@kcibot trigger force reason=\"today\"",
	"@kcibot trust @s30 role=contributor for=1d",
	"@kcibot untrust @s30",
	"@kcibot trust @s31 role=maintainer for=1d reason=\"a guest\"",
	"@kcibot untrust @s31",
	"@kcibot unlock",
	"@kcibot trusted",
};

static const char *const by_anybody[] = {
	"@kcibot status",     "@kcibot plan",	    "@kcibot why",
	"@kcibot help",	      "@kcibot help lock",  "@kcibot ping",
	"@kcibot notmyfault", "@kcibot skip",	    "@kcibot deploy",
	"@kcibot trigger",    "@kcibot unlock",	    "@kcibot untrust @ada",
	"@kcibot depoly",     "@kcibot deploy now", "@kcibot lock forever",
};

/* Not for the bot, or for nobody. */
static const char *const idle[] = {
	"Looks good to me.",
	"> @kcibot deploy\n\nWho said that?",
	"```\n@kcibot deploy\n```",
	"I would ask @kcibot deploy here, but not today.",
	"`@kcibot trigger` is what you want",
	"<!-- @kcibot deploy -->\n<!-- kcibot:sticky staging -->",
	"<details><summary>log</summary>\n\n@kcibotdeploy\n</details>",
	"@everybody \xf0\x9f\x9a\x80 \xe2\x80\xae deploy",
};

#define PICK(s, list) ((list)[soak_between(s, 0, (int)ARRAY_SIZE(list) - 1)])

void soak_say(struct soak *s, const struct soak_pull *p, const char *user,
	      const char *body, bool command)
{
	int64_t id = house_say(s->h, p->repo, p->number, user, body);

	soak_spoke(s, user);
	s->said = reallocarray(s->said, (size_t)s->said_count + 1,
			       sizeof(*s->said));
	assert_non_null(s->said);
	s->said[s->said_count++] = (struct soak_said){
		.repo = p->repo,
		.number = p->number,
		.id = id,
		.user = user,
		.command = command && strcmp(user, SOAK_CHATTERBOX) != 0,
		.closed = !p->open,
	};
}

void soak_closed(struct soak *s, const struct soak_pull *p)
{
	for (int i = 0; i < s->said_count; i++)
		if (s->said[i].number == p->number &&
		    s->said[i].repo == p->repo)
			s->said[i].closed = true;
}

static void say_on_open(struct soak *s, const char *user, const char *body,
			bool command)
{
	const struct soak_pull *p = soak_open_pull(s);

	if (p)
		soak_say(s, p, user, body, command);
}

static void maintainer(struct soak *s)
{
	say_on_open(s, soak_maintainer(s), PICK(s, by_maintainers), true);
}

/* The whole head, or the beginning of another. */
static void with_sha(struct soak *s)
{
	const struct soak_pull *p = soak_open_pull(s);
	CLEANUP(free) char *line = NULL;

	if (!p)
		return;
	line = str_format("@kcibot deploy %.*s", soak_of(s, 70) ? 40 : 12,
			  soak_of(s, 80) ? p->sha : p->first);
	soak_say(s, p, soak_maintainer(s), line, true);
}

/* One admin: few enough words that no limit is met. */
static void admin(struct soak *s)
{
	say_on_open(s, "ada", PICK(s, by_admins), false);
}

static void anybody(struct soak *s)
{
	const struct soak_pull *p = soak_any_pull(s);

	if (p)
		soak_say(s, p, soak_anybody(s), PICK(s, by_anybody), true);
}

static void chat(struct soak *s)
{
	const struct soak_pull *p = soak_any_pull(s);

	if (p)
		soak_say(s, p, SOAK_CHATTERBOX, PICK(s, by_anybody), false);
}

static void nothing(struct soak *s)
{
	const struct soak_pull *p = soak_any_pull(s);

	if (p)
		soak_say(s, p, soak_anybody(s), PICK(s, idle), false);
}

/* More than is read of a stranger, and as much as the forge takes. */
static void long_one(struct soak *s)
{
	const struct soak_pull *p = soak_any_pull(s);
	CLEANUP(str_release) struct str text = STR_INIT(65000);
	int lines = soak_between(s, 100, 2000);

	if (!p)
		return;
	for (int i = 0; i < lines; i++)
		str_addf(&text, "> * line %d of [a log](http://x.invalid/%d)\n",
			 i, i);
	str_puts(&text, "\n@kcibot status\n");
	soak_say(s, p, soak_anybody(s), text.text, false);
}

static struct soak_said *late_word(struct soak *s)
{
	struct soak_said *m;
	int low = s->said_count > 30 ? s->said_count - 30 : 0;

	if (!s->said_count)
		return NULL;
	m = &s->said[soak_between(s, low, s->said_count - 1)];
	return m->touched ? NULL : m;
}

static void edit(struct soak *s)
{
	struct soak_said *m = late_word(s);

	if (!m)
		return;
	m->command = false;
	assert_true(sbc_comment_edit(s->h->forge, m->repo, m->id, m->user,
				     soak_of(s, 50) ? "@kcibot deploy"
						    : "Never mind."));
}

static void delete_one(struct soak *s)
{
	struct soak_said *m = late_word(s);

	if (!m)
		return;
	m->touched = true;
	assert_true(sbc_comment_delete(s->h->forge, m->repo, m->id, m->user));
}

static void review(struct soak *s)
{
	static const char *const events[] = {"APPROVE", "COMMENT",
					     "REQUEST_CHANGES"};
	const struct soak_pull *p = soak_open_pull(s);
	const char *body =
		soak_of(s, 50) ? PICK(s, by_maintainers) : PICK(s, idle);
	const char *user = soak_maintainer(s);
	int64_t id;

	if (!p)
		return;
	id = sbc_review(s->h->forge, p->repo, p->number, user, PICK(s, events),
			body, NULL);
	assert_true(id > 0);
	soak_spoke(s, user);
	if (soak_of(s, 20))
		assert_true(sbc_review_edit(s->h->forge, id, user, "Hm."));
}

static void on_code(struct soak *s)
{
	const struct soak_pull *p = soak_open_pull(s);
	const char *user = soak_anybody(s);

	if (!p)
		return;
	assert_true(sbc_review_comment(s->h->forge, p->repo, p->number, user,
				       PICK(s, by_anybody), NULL) > 0);
	soak_spoke(s, user);
}

const struct soak_act soak_word_acts[] = {
	{"maintainer", 16, maintainer},
	{"with a SHA", 4, with_sha},
	{"admin", 1, admin},
	{"anybody", 12, anybody},
	{"chatterbox", 4, chat},
	{"nothing", 10, nothing},
	{"long", 1, long_one},
	{"edit", 3, edit},
	{"delete", 2, delete_one},
	{"review", 3, review},
	{"on code", 3, on_code},
	{NULL, 0, NULL},
};
