/*
 * For bot/page*.c only: the frame of a page and the parts that several pages
 * show.  A sheet is a page in the making.
 */
#ifndef BOT_PAGE_PARTS_H
#define BOT_PAGE_PARTS_H

#include "bot/base/json.h"
#include "bot/html.h"
#include "store/view.h"

struct sheet {
	struct str *out;
	const struct view_settings *settings;
	const char *root; /* from this page to "/": "", "../", ... */
	int64_t now_ms;
};

/* How often a page that shows work in progress looks again, and one at rest. */
#define REFRESH_BUSY_S 5
#define REFRESH_IDLE_S 30
/* ... and one that cannot be shown yet. */
#define REFRESH_BROKEN_S 10

/* refresh_s 0 = never; twin: the page as JSON, from the root, "" = none. */
void sheet_begin(const struct sheet *s, const char *title, int refresh_s,
		 const char *twin);
void sheet_end(const struct sheet *s);

/* "12:31 UTC, 3 min ago" with the date when it is not today's. */
void part_time(const struct sheet *s, int64_t ms);
/* "3 min ago", "in 5 min". */
void part_when(const struct sheet *s, int64_t ms);
void part_span(const struct sheet *s, int64_t ms);

/*
 * A sentence of ours, in which what stands between backticks is code:
 * "`@kcibot deploy`".  class: of its element, "" = none.
 */
void part_prose(const struct sheet *s, const char *class, const char *text);

/* What a cycle's drain waits for, or how it ended. */
void part_drained(const struct sheet *s, const json_t *drain);

/* A state, verdict or result as a sign, a word and a colour. */
void part_badge(const struct sheet *s, const char *word);

/* "kernelci-core#12", to our page of it. */
void part_pull(const struct sheet *s, const char *repo, int64_t number);
/* The same with its title, the way to the forge, and whether it is new. */
void part_pull_title(const struct sheet *s, const json_t *of);
/* The first digits of a SHA, to the forge; "none" for "". */
void part_commit(const struct sheet *s, const char *repo, const char *sha);
void part_cycle(const struct sheet *s, int64_t id);
/* The way to the forge's page of a pull, nothing when there is none. */
void part_forge_pull(const struct sheet *s, const char *repo, int64_t number);

/* Who or what a request comes from: "mia, by comment", "a push". */
void part_asker(const struct sheet *s, const json_t *request);

/* The stages of a cycle in a row, with state and time. */
void part_rail(const struct sheet *s, const json_t *cycle);
/* Revisions as a table: all, with what the merge made of each (results), or
 * only those that were merged. */
void part_revisions(const struct sheet *s, const json_t *revisions,
		    bool results);
/* Cycles as a table, one line each. */
void part_cycles(const struct sheet *s, const json_t *cycles);
/* "passed", "failed", ... or the state of one that still runs. */
const char *part_outcome(const json_t *cycle);
/* The outcome of a cycle in a whole sentence. */
const char *part_verdict(const json_t *cycle);

/* The pages themselves. */
void page_overview(const struct sheet *s, const json_t *view);
void page_cycle(const struct sheet *s, const json_t *view);
void page_pull(const struct sheet *s, const json_t *view);
/* status: 404, 500 or 503. */
void page_problem(const struct sheet *s, int status, const char *text);

#endif
