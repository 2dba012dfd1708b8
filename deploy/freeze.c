#include "deploy/freeze.h"

#include "bot/base/str.h"
#include "deploy/calendar.h"
#include "store/lock.h"

/* Locks and windows that follow each other; a person makes no longer chain. */
#define LINKS_MAX 100

int64_t freeze_wall_ms(const struct flow *f)
{
	return f->now_ms + f->wall_skew_ms;
}

/* All that can hold it. */
struct holds {
	struct lock lock; /* id 0 = none */
	struct freeze_record record;
	struct calendar_state window;
};

static enum err look(const struct flow *f, struct holds *h, struct error *e)
{
	enum err code;

	*h = (struct holds){0};
	code = store_lock(f->store, f->env->name, &h->lock, e);
	if (code && code != ERR_MISSING)
		return code;
	if (store_freeze(f->store, f->env->name, &h->record, e))
		return e->code;
	return calendar_at(f->env->freezes, f->env->freeze_count,
			   freeze_wall_ms(f), &h->window, e);
}

static bool is_locked(const struct holds *h, int64_t wall_ms)
{
	return h->lock.id && wall_ms < h->lock.until_ms;
}

/*
 * When nothing holds it any more: a window may begin while a lock lasts, and
 * the other way round.
 */
static enum err find_end(const struct flow *f, const struct holds *h,
			 int64_t *ret, struct error *e)
{
	struct calendar_state window = h->window;
	int64_t at = freeze_wall_ms(f);

	*ret = 0;
	if (h->record.broken_ms)
		return ERR_OK;
	for (int n = 0; n < LINKS_MAX; n++) {
		if (is_locked(h, at))
			at = h->lock.until_ms;
		else if (window.frozen && window.until_ms)
			at = window.until_ms;
		else
			break;
		if (calendar_at(f->env->freezes, f->env->freeze_count, at,
				&window, e))
			return e->code;
	}
	if (!window.frozen && !is_locked(h, at))
		*ret = at;
	return ERR_OK;
}

static void add_why(struct str *out, const struct holds *h, int64_t wall_ms)
{
	if (is_locked(h, wall_ms)) {
		str_addf(out, "locked by %s", h->lock.owner);
		if (*h->lock.reason)
			str_addf(out, " (%s)", h->lock.reason);
		str_puts(out, "; unlock ends it");
	}
	if (h->record.broken_ms)
		str_addf(out,
			 "%sfrozen after %d errors in a row; unlock "
			 "resumes",
			 out->len ? ", and " : "", FREEZE_ERRORS);
	if (h->window.frozen) {
		str_addf(out, "%sfreeze window", out->len ? ", and " : "");
		if (*h->window.reason)
			str_addf(out, " (%s)", h->window.reason);
	}
}

enum err freeze_look(const struct flow *f, struct freeze_state *ret,
		     struct error *e)
{
	CLEANUP(str_release) struct str why = STR_INIT(4096);
	int64_t now = freeze_wall_ms(f);
	struct holds h;

	*ret = (struct freeze_state){0};
	if (look(f, &h, e))
		return e->code;
	ret->next_ms = h.window.until_ms;
	if (is_locked(&h, now) &&
	    (!ret->next_ms || h.lock.until_ms < ret->next_ms))
		ret->next_ms = h.lock.until_ms;
	add_why(&why, &h, now);
	ret->frozen = why.len;
	COPY(ret->why, why.text);
	return ret->frozen ? find_end(f, &h, &ret->until_ms, e) : ERR_OK;
}
