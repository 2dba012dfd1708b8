/*
 * For store/view*.c only: a view in the making, and rows as JSON.
 *
 * Failure is sticky, as in struct str: the first one is kept in *e, later
 * calls do no harm, and view_take() gives nothing away.
 */
#ifndef STORE_VIEW_PARTS_H
#define STORE_VIEW_PARTS_H

#include "store/internal.h"
#include "store/view.h"

struct view {
	struct store *store;
	const struct view_settings *settings;
	int64_t now_ms;
	size_t tails_left; /* bytes of log that may still go in */
	struct error *e;
	enum err failed;
};

void view_init(struct view *v, struct store *s,
	       const struct view_settings *settings, int64_t now_ms,
	       struct error *e);

/* The finished root, or NULL (root freed) after a failure. */
json_t *view_take(struct view *v, json_t *root);

/* text as JSON, whatever its bytes: a broken character becomes U+FFFD. */
json_t *view_text(const char *text);

/* Steals value; NULL is "out of memory". */
void view_put(struct view *v, json_t *object, const char *key, json_t *value);
void view_push(struct view *v, json_t *array, json_t *value);

/* All rows of a statement as an array of objects, named by its columns. */
json_t *view_rows(struct view *v, enum statement q, const struct arg *args,
		  size_t count);

/* The first row as an object; NULL when there is none. */
json_t *view_row(struct view *v, enum statement q, const struct arg *args,
		 size_t count);

/* The first column of the first row, or absent. */
int64_t view_value(struct view *v, enum statement q, const struct arg *args,
		   size_t count, int64_t absent);

/* A cycle in full (store/view.h); NULL when there is none with this id. */
json_t *view_cycle_part(struct view *v, int64_t id, bool tails);

/* Is it a drain job?  Of a row or of the job in a view. */
bool view_is_drain(const json_t *job);

/* What a drain job has beyond others, from its row. */
void view_put_drain_job(struct view *v, json_t *to, const json_t *row);

/* What the drain jobs of the finished stages of a view add up to, or null. */
json_t *view_drain(struct view *v, const json_t *stages);

/* A row of VIEW_PULL seen from a row of VIEW_ENVIRONMENTS. */
json_t *view_pull_part(struct view *v, const json_t *pull, const json_t *env);

/* {"short": eta | null, "full": eta | null} of an environment. */
json_t *view_eta_part(struct view *v, const char *env);

/*
 * Puts "position" and "eta" of a pull into its view, which has its "state";
 * env is a row of VIEW_ENVIRONMENTS; benched: the cycles that must end before
 * it has a place in a batch, from the one on that began last; 0 = it has one.
 */
void view_put_eta(struct view *v, json_t *to, const json_t *env,
		  const json_t *requests, int64_t benched);

/* Copies the members that describe a pull from its row. */
void view_put_pull(struct view *v, json_t *to, const json_t *pull);

#endif
