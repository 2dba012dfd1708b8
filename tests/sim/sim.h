/*
 * The simulator: the real engine, store, commands and policy in a world made
 * of chance.  Everything that happens follows from one seed.
 *
 *	setting.c what is configured, and the weather of a world
 *	people.c  what people do to the forge
 *	talk.c    what they say there, and how they take it back
 *	machine.c what happens to the machine
 *	forge.c   the forge: pulls, comments, statuses, its answers
 *	hooks.c   its webhooks, and its memory of them
 *	told.c    what the bot ever wrote there, also what it wrote over
 *	builder.c git
 *	jobs.c    jobs
 *	process.c the bot's life: starts, deaths
 *	disk.c    the disk under its databases
 *	oracle*.c what must be true, told from the world and not from the bot
 *	main.c    the run of time, a world from its beginning to its end
 *	seeds.c   many worlds; the shortest prefix that still fails
 *
 * One thread.  Time is a number; something due at a time is a struct moment.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bot/base/clock.h"
#include "bot/base/json.h"
#include "bot/base/port.h"
#include "bot/config.h"
#include "bot/engine.h"
#include "store/inbox.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

#define PULLS_MAX 24
#define HEADS_MAX 64
#define COMMENTS_MAX 4096
#define STATUSES_MAX 2048
#define JOBS_MAX 4096
#define RESULTS_MAX 1024
#define BATCH_MAX 24
#define PEOPLE_MAX 8
#define REPOS_MAX 2
#define BRANCHES_MAX 3
#define CYCLES_MAX 2048
#define CALLS_MAX 512
#define DELIVERIES_MAX 16384
#define JUMPS_MAX 256
#define KEYS_MAX 8192

/* --- chance (chance.c) --- */

struct chance {
	uint64_t state;
};
uint64_t chance_next(struct chance *c);
/* True so often in a thousand. */
bool chance_of(struct chance *c, int permille);
/* From low to high, both included. */
int64_t chance_between(struct chance *c, int64_t low, int64_t high);
/* A waiting time with this mean. */
int64_t chance_span(struct chance *c, int64_t mean_ms);

/* --- the world --- */

struct person {
	int64_t id;
	const char *login;
	const char *role; /* "" = a stranger */
	bool is_bot;
};

struct head {
	char sha[41];
	int64_t since_ms; /* when it really became the head */
	int64_t told_ms;  /* when the bot journaled that; 0 = never */
};

struct sim_pull {
	bool used;
	int repo;
	int64_t number;
	int author; /* index into people */
	struct head heads[HEADS_MAX];
	size_t head_count;
	const char *state; /* "open", "closed" */
	const char *base;
	const char *label; /* or NULL */
	bool draft;
	int64_t updated_ms;
	int64_t closed_ms; /* when it was closed last; 0 = never */
};

/* Each kind counts its ids for itself, from the same number on. */
enum speech { COMMENT, REVIEW, REVIEW_COMMENT, SPEECH_MAX };

struct sim_comment {
	int64_t id;
	enum speech kind;
	int pull;
	int64_t user; /* 0 = the bot */
	int64_t made_ms, updated_ms;
	char *body;
	bool deleted, dismissed, edited;
	bool unheard;	    /* all that would be told of it is lost */
	int64_t taken_ms;   /* when its author took it back; 0 = never */
	unsigned reactions; /* of the bot: 1 << enum reaction */
	/* What its author meant; NULL = nothing. */
	const struct phrase *said;
	char head_then[41]; /* what the author could see, or the review's */
	size_t head_index;  /* which becoming head that was */
	bool closed_then;
	int64_t wall_then; /* what the bot's wall clock showed */
	int jumps_then;	   /* how often that had jumped before */
	/* When the bot was told that it was said, and that it was taken back
	 * (journaled webhooks), and when a scan was first shown it, as it was
	 * said and as it was edited; 0 = never. */
	int64_t told_ms, end_told_ms, shown_ms, shown_edited_ms;
};

/* What is said: a text and the verb that is meant, NULL = none. */
struct phrase {
	const char *text, *verb;
	int weight;
	int64_t span_ms; /* that it asks for; 0 = no end */
	bool forces;
};

enum reaction { EYES, ROCKET, MINUS, CONFUSED, REACTION_MAX };

struct sim_status {
	int repo;
	char sha[41];
	char context[64];
	char state[16];
	char description[160];
};

struct sim_job {
	char key[128];
	int64_t cycle;
	int64_t number; /* that the job knows it by: of the cycle that built */
	int64_t timeout_ms;
	char environment[64], kind[8], stage[32], name[32];
	int64_t started_ms, ended_ms, due_ms;
	const char *verdict, *reason;
	int starts;
	bool running, cancelled, known;
};

/* A result of merging: which revisions a commit of a staging branch holds. */
struct sim_result {
	char sha[41];
	int repo;
	size_t count;
	int pulls[BATCH_MAX];
	char shas[BATCH_MAX][41];
};

struct sim_branch {
	int repo;
	const char *name, *environment;
	char sha[41];
	int64_t meddled_ms; /* when somebody else moved it last */
};

/* A cycle, as far as git and the jobs could see it. */
struct sim_cycle {
	bool begun, full;
	char environment[16];
	int64_t begun_ms;		/* when its merge was asked for */
	int64_t wall_then;		/* what the wall clock showed then */
	bool merges;			/* any revision */
	char results[BRANCHES_MAX][41]; /* what was pushed for it */
	bool started;			/* its first job has begun */
	int green, red;			/* jobs that ended so */
	int kept;			/* green jobs that it builds on */
	bool failed;			/* one of them by its code */
	bool tested;			/* it came to what only a full has */
	int64_t ended_ms;		/* the last end of a job */
	int offs_then;	    /* how often the bot's clock was set by then */
	int64_t stopped_ms; /* people were told that it is; 0 = never */
	bool tagged;
};

/* What a comment of the bot's was about once: "said:7", "request:3". */
struct sim_key {
	char what[32];
	int64_t id;
	int pull;
	int64_t at_ms; /* first */
};

/* A webhook, and what became of it. */
struct sim_delivery {
	char guid[32];
	char event[32];
	char action[32];
	char *body;
	int repo, pull;
	size_t head;	   /* of the pull, then */
	int64_t comment;   /* that it tells of, or -1 */
	int arrivals;	   /* still to come */
	int status;	   /* of the last attempt; 0 = under way */
	int64_t failed_ms; /* the last attempt */
	bool journaled;	   /* the bot said 202 */
	bool forgotten;	   /* by the forge */
};

/* A call of the bot that is under way. */
struct sim;
struct call {
	bool used;
	uint64_t life; /* of the process that made it */
	int64_t id;
	char kind[32], key[128];
	json_t *args;
	void (*done)(void *ctx, struct outcome *o);
	void *ctx;
	void (*perform)(struct sim *s, int64_t call); /* NULL: it is done */
	int64_t number; /* of all calls; tells one in a slot from the next */
	bool waits;	/* for a job to end */
};

struct moment {
	int64_t at_ms;
	uint64_t order;
	void (*run)(struct sim *s, int64_t arg);
	int64_t arg;
};

struct knobs {
	int actions;	 /* people do so much, then the world is calm */
	int64_t pace_ms; /* mean time between two acts */
	int64_t reconcile_ms;
	int lost; /* webhooks, per mille, and so on */
	int doubled;
	int late;
	int failing;	 /* calls that fail before they do anything */
	int unanswered;	 /* calls that are done and not answered */
	int lagging;	 /* 404 where something was just written */
	int dying;	 /* per mille of acts: the process dies */
	int disk;	 /* per mille of acts: the disk fills for a while */
	int jumping;	 /* per mille of acts: the wall clock jumps */
	int broken;	 /* revisions that break a deploy */
	int conflicting; /* revisions that do not merge */
	int flaky;	 /* jobs that fail for nothing */
	int hanging;	 /* jobs that run into their timeout */
	bool sees_hooks; /* the bot may look at its webhook */
	bool scheduled;	 /* what was lost is deployed all the same */
};

struct sim {
	uint64_t seed;
	struct chance chance;
	struct knobs knobs;
	int64_t now_ms; /* real time; the forge's clock */
	struct fake_clock clock;
	int acts; /* that people did so far */
	bool calm;

	struct moment *moments; /* a heap */
	size_t moment_count, moment_room;
	uint64_t order;

	/* the forge */
	struct sim_pull pulls[PULLS_MAX];
	struct sim_comment comments[COMMENTS_MAX];
	size_t comment_count;
	struct sim_status statuses[STATUSES_MAX];
	size_t status_count;
	struct sim_key keys[KEYS_MAX];
	size_t key_count;
	int64_t next_id;
	int64_t next_speech[SPEECH_MAX];
	struct sim_delivery deliveries[DELIVERIES_MAX];
	int64_t delivery_count;
	char bases[REPOS_MAX][41];

	/* git and jobs */
	struct sim_branch branches[BRANCHES_MAX];
	struct sim_result results[RESULTS_MAX];
	size_t result_count;
	struct sim_job jobs[JOBS_MAX];
	size_t job_count;
	struct sim_cycle cycles[CYCLES_MAX]; /* by id */

	/* the process */
	char dir[64], store_path[96], inbox_path[96];
	struct config *config;
	struct port forge, git, jobs_port;
	struct inbox *inbox;
	struct engine *engine; /* NULL: it does not run */
	bool woken;	       /* it has something to look at */
	uint64_t life;
	int64_t boots, deaths;
	int64_t life_ms; /* when it began */
	/* How far the bot's clock is off: it looks at the wall when it starts.
	 */
	int64_t off_ms;
	int offs;		      /* how often that became another */
	int jumps;		      /* of the wall clock */
	int64_t jumped_ms[JUMPS_MAX]; /* when */
	struct call calls[CALLS_MAX];

	/* counted for the closing line */
	int64_t webhooks, lost_webhooks, forge_calls;

	FILE *trace;	   /* or NULL */
	char failure[512]; /* "" = all is well */
};

extern const struct person people[PEOPLE_MAX];
extern const char *const repos[REPOS_MAX];

/* What there was in some worlds. */
struct tally {
	int64_t ms; /* of simulated time */
	int64_t calls, webhooks, lost, deaths;
};
/*
 * Lives through one world and adds to tally.  actions: people do so much, 0 =
 * as much as it is their nature; trace: or NULL.  ret is the failure's text,
 * "" = all was well; *ret_acts what people did until then.
 */
void run_world(uint64_t seed, int actions, FILE *trace, char *ret, size_t size,
	       struct tally *tally, int *ret_acts);

/* Something that must not be: kept once, ends the run. */
void sim_fail(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sim_trace(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sim_at(struct sim *s, int64_t at_ms,
	    void (*run)(struct sim *s, int64_t arg), int64_t arg);

/* --- setting.c --- */
void setting_choose(struct sim *s);
struct config *setting_config(const struct knobs *k);
/* NULL: there is none. */
const struct environment *setting_environment(const struct sim *s,
					      const char *name);

/* --- chance for revisions: fixed by the SHA --- */
bool sha_is_broken(const struct sim *s, const char *sha);
bool sha_conflicts(const struct sim *s, const char *sha);
void sha_of(char ret[41], const char *text, uint64_t a, uint64_t b);

/* --- forge.c --- */
const char *pull_head(const struct sim_pull *p);
/* The head that the forge showed at that time; "" = none yet. */
const char *pull_head_at(const struct sim_pull *p, int64_t ms);
int find_pull(const struct sim *s, const char *repo, int64_t number);
size_t forge_comment(struct sim *s, enum speech kind, int pull, int64_t user,
		     const char *body);
json_t *pull_json(const struct sim_pull *p);
json_t *comment_json(const struct sim *s, const struct sim_comment *c);
json_t *user_json(int64_t id);
/* An ISO time, good until three more were asked for. */
const char *iso(int64_t ms);
int find_repo(const char *repo);
/* The pull has moved. */
void pull_touch(struct sim *s, int pull);
void forge_start(struct port *p, const struct effect *effect,
		 void (*done)(void *ctx, struct outcome *o), void *ctx);

/* --- told.c --- */
/* The bot wrote this on a pull. */
void told_note(struct sim *s, int pull, const char *body);

/* --- hooks.c --- */
void tell_pull(struct sim *s, int pull, const char *action);
void tell_comment(struct sim *s, size_t comment, const char *action,
		  int64_t sender);
void tell_push(struct sim *s, int repo);
/* What a webhook was sent, newest first. */
json_t *list_deliveries(const struct sim *s, const char *repo);
void hooks_end(struct sim *s);
/* Sends it once more; false: there is no such. */
bool redeliver(struct sim *s, int64_t id);

/* --- builder.c, jobs.c --- */
const struct sim_result *find_result(const struct sim *s, const char *sha);
struct sim_branch *find_branch(struct sim *s, const char *repo,
			       const char *name);
/* NULL: not known. */
struct sim_cycle *cycle_of(struct sim *s, int64_t id);
/* The machine went down, and the jobs with it. */
void jobs_vanish(struct sim *s);
void git_start(struct port *p, const struct effect *effect,
	       void (*done)(void *ctx, struct outcome *o), void *ctx);
void jobs_start(struct port *p, const struct effect *effect,
		void (*done)(void *ctx, struct outcome *o), void *ctx);

/* --- calls.c: what is between the bot and the world --- */
/* Takes note of a call; after a while perform() is run with its index. */
void call_begin(struct sim *s, const struct effect *effect,
		void (*done)(void *ctx, struct outcome *o), void *ctx,
		void (*perform)(struct sim *s, int64_t call));
/* The process is gone: what it sent arrives at once, or never. */
void calls_cut(struct sim *s);
/* Forgets what is on its way. */
void calls_reset(void);
/* Answers later, or never.  Takes body over. */
void call_answer(struct sim *s, int64_t call, enum err code, int http_status,
		 json_t *body);

/* --- process.c --- */
/* The first start, with databases that hold nothing yet. */
void process_begin(struct sim *s);
void process_boot(struct sim *s, int64_t arg);
void process_die(struct sim *s, const char *why);
/* Lets it do all that it has to do now; it may die of it. */
void process_run(struct sim *s);
/* The machine goes down and comes up again. */
void process_reboot(struct sim *s);

/* --- disk.c --- */
/* The process dies at the n-th write from now; -1 = not so. */
void process_doom(struct sim *s, int64_t writes);
bool process_dead(void);
/* Nothing is written any more, or the next process may. */
void disk_die(bool dead);
void disk_full(bool full);
bool disk_is_full(void);
void disk_init(void);
/* A new world: no files, and its own chance for what SQLite draws. */
void disk_clear(uint64_t seed);

/* What was in a file once, for other worlds to begin with. */
struct image {
	unsigned char *data;
	size_t size;
};
/* The caller frees ret->data; false: there is nothing in it. */
bool disk_keep(const char *name, struct image *ret);
void disk_put(const char *name, const struct image *image);

/* --- people.c, talk.c, machine.c --- */
void people_begin(struct sim *s);
int any_pull(struct sim *s);
void act_open(struct sim *s, int unused);
void act_comment(struct sim *s, int pull);
void act_review(struct sim *s, int pull);
void act_edit(struct sim *s, int unused);
void act_tidy(struct sim *s, int unused);
/* Says this, on an open pull. */
void say(struct sim *s, enum speech kind, int pull, int who,
	 const struct phrase *phrase);
/* Once all is calm: ends what people left locked. */
void say_unlock(struct sim *s);
bool said_verb(const struct sim_comment *c, const char *verb);
void trouble(struct sim *s);
void wall_set(struct sim *s, int64_t ms);

/* --- oracle*.c: while it runs --- */
void oracle_begins(struct sim *s, int64_t cycle);
void oracle_pushed(struct sim *s, const struct sim_branch *b,
		   const struct sim_result *r, int64_t cycle);
void oracle_job(struct sim *s, const struct sim_job *j, const json_t *args);

/* Does a cycle run, by the bot's own word? */
bool oracle_busy(struct sim *s);
/* When all is calm. */
void oracle_end(struct sim *s);
/* Writes the store of the bot to a file; false if that did not work. */
bool oracle_keep_store(struct sim *s, const char *path);

#endif
