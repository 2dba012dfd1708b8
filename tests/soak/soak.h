/*
 * A long life of the real program: random people talk to it, the forge and
 * its callers misbehave, and meanwhile it is watched from outside.
 *
 * What is said and done follows from the seed; when it happens does not, so
 * two runs with one seed are alike, not the same.
 */
#ifndef TESTS_SOAK_H
#define TESTS_SOAK_H

#include "tests/integration/house.h"

#define SOAK_PULLS_OPEN 14
#define SOAK_SLOW 12

struct soak_pull {
	const char *repo;
	int number;
	const char *author;
	char file[16];
	char first[41]; /* the head that it began with */
	char sha[41];
	bool open, draft;
};

/* A comment of a person. */
struct soak_said {
	const char *repo;
	int number;
	int64_t id;
	const char *user;
	bool command; /* must be answered */
	bool touched; /* edited or deleted: need not be any more */
	bool closed;  /* the pull was: then it may never be heard */
};

/* A connection that is held and leads nowhere. */
struct soak_slow {
	int fd; /* -1 = none */
	bool drips;
	int64_t until_ms;
};

struct samples;

struct soak {
	struct house *h;
	unsigned short chance[3];
	int64_t minutes, seconds; /* how long, together */
	unsigned seed;
	int per_minute; /* events, at most */
	const char *out;
	int64_t began_ms, end_ms; /* monotonic */

	struct soak_pull *pulls;
	int pull_count;
	struct soak_said *said;
	int said_count;
	struct soak_slow slow[SOAK_SLOW];
	int64_t held_ms; /* the forge keeps its webhooks back until then */
	char *config;

	struct samples *samples;
	int64_t log_at; /* read so far */
	int64_t log_lines;
	int events, problems;
};

/* --- chance --- */

/* From low to high, both with. */
int soak_between(struct soak *s, int low, int high);
bool soak_of(struct soak *s, int percent);

/* Something is not as it must be: told at once, and counted. */
void soak_problem(struct soak *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* --- the house and its people (world.c) --- */

/* Makes it, starts the bot, and says who is who. */
void soak_world(struct soak *s);
/* Somebody of a role who may still say something this hour. */
const char *soak_maintainer(struct soak *s);
const char *soak_contributor(struct soak *s);
const char *soak_stranger(struct soak *s);
const char *soak_anybody(struct soak *s);
/* Says more than anybody may in an hour; is not always answered. */
#define SOAK_CHATTERBOX "chatty"
/* Counts for LIMIT_COMMANDS_PER_HOUR. */
void soak_spoke(struct soak *s, const char *user);

/* --- what happens: each does one thing --- */

struct soak_act {
	const char *name;
	int weight;
	void (*act)(struct soak *s);
};

/* By subject; the last has no name. */
extern const struct soak_act soak_pull_acts[];
extern const struct soak_act soak_word_acts[];
extern const struct soak_act soak_caller_acts[];
extern const struct soak_act soak_trouble_acts[];

/* An open pull, opened when there is none; NULL = not now. */
struct soak_pull *soak_open_pull(struct soak *s);
/* Any that was ever opened, more often a late one. */
struct soak_pull *soak_any_pull(struct soak *s);
/* Says body on p, and remembers it; command: it must be answered. */
void soak_say(struct soak *s, const struct soak_pull *p, const char *user,
	      const char *body, bool command);

/* What was said on p need not be heard any more: the bot is deaf on what is
 * closed. */
void soak_closed(struct soak *s, const struct soak_pull *p);

/* Slow clients send their next byte, or go. */
void soak_slow_tick(struct soak *s);
void soak_slow_end(struct soak *s);
/* The forge sends what it kept back for long enough. */
void soak_trouble_tick(struct soak *s);
/* The forge and the configuration are well again. */
void soak_trouble_end(struct soak *s);

/* --- looking --- */

/* What is new in the bot's log, line by line. */
void soak_read_log(struct soak *s);
/* Alive, healthy, and its log has nothing that it should not. */
void soak_look(struct soak *s);
/* Until nothing is on its way, or wait_ms are over. */
bool soak_await_quiet(struct soak *s, int64_t wait_ms);
/* After the last event: everything calms down, everybody has an answer. */
void soak_calm(struct soak *s);

#endif
