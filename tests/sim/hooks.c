/*
 * Webhooks: lost, doubled, late, or refused because nobody is there; and what
 * the forge remembers of them, which the bot may ask for again.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

/* No answer in time: the forge's own word for it. */
#define TIMED_OUT 504

void hooks_end(struct sim *s)
{
	for (int64_t i = 0; i < s->delivery_count; i++)
		free(s->deliveries[i].body);
	s->delivery_count = 0;
}

static bool journal(struct sim *s, struct sim_delivery *d)
{
	struct inbox_delivery row = {
		.guid = d->guid,
		.event = d->event,
		.body = d->body,
		.len = strlen(d->body),
		.received_ms = clock_wall(&s->clock.clock),
	};
	struct error e = ERROR_INIT;

	s->woken = true;
	return s->inbox && inbox_add(s->inbox, &row, 1, &e) == ERR_OK;
}

/* Of a comment, a review: that it was said, or what became of it. */
static void note_speech(struct sim *s, const struct sim_delivery *d)
{
	struct sim_comment *c = &s->comments[d->comment];
	bool begins = !strcmp(d->action, "created") ||
		      !strcmp(d->action, "submitted");
	int64_t *at = begins ? &c->told_ms : &c->end_told_ms;

	if (!*at)
		*at = s->now_ms;
}

static void take_note(struct sim *s, struct sim_delivery *d)
{
	struct head *h;

	d->status = 202;
	d->journaled = true;
	if (d->comment >= 0)
		note_speech(s, d);
	if (strcmp(d->event, "pull_request") != 0)
		return;
	h = &s->pulls[d->pull].heads[d->head];
	if (!h->told_ms)
		h->told_ms = s->now_ms;
}

static void arrive(struct sim *s, int64_t index)
{
	struct sim_delivery *d = &s->deliveries[index];

	d->arrivals--;
	if (journal(s, d)) {
		sim_trace(s, "webhook %s %s", d->guid, d->event);
		take_note(s, d);
		return;
	}
	s->lost_webhooks++;
	d->status = d->status == 202 ? 202 : TIMED_OUT;
	d->failed_ms = s->now_ms;
	sim_trace(s, "webhook %s %s finds nobody", d->guid, d->event);
	if (s->inbox && process_dead())
		process_die(s, "while it took a webhook");
}

static int64_t travel_time(struct sim *s)
{
	if (!s->calm && chance_of(&s->chance, s->knobs.late))
		return chance_between(&s->chance, 30 * SECOND, 15 * MINUTE);
	return chance_between(&s->chance, 50, 4 * SECOND);
}

/* Gone on its way; of some the forge itself knows nothing. */
static void lose(struct sim *s, struct sim_delivery *d)
{
	sim_trace(s, "webhook %s %s is lost", d->guid, d->event);
	s->lost_webhooks++;
	d->status = TIMED_OUT;
	d->failed_ms = s->now_ms;
	d->forgotten = chance_of(&s->chance, 300);
}

static void send_webhook(struct sim *s, const char *event, int repo, int pull,
			 int64_t comment, json_t *payload)
{
	struct sim_delivery *d = &s->deliveries[s->delivery_count];

	s->webhooks++;
	if (s->delivery_count == DELIVERIES_MAX) {
		sim_fail(s, "more than %d webhooks", DELIVERIES_MAX);
		json_decref(payload);
		return;
	}
	*d = (struct sim_delivery){
		.repo = repo, .pull = pull, .comment = comment};
	if (pull >= 0)
		d->head = s->pulls[pull].head_count - 1;
	snprintf(d->guid, sizeof(d->guid), "guid-%lld",
		 (long long)++s->delivery_count);
	COPY(d->event, event);
	COPY(d->action, js_str(payload, "action"));
	d->body = json_dumps(payload, JSON_COMPACT);
	json_decref(payload);
	if (!s->calm && ((comment >= 0 && s->comments[comment].unheard) ||
			 chance_of(&s->chance, s->knobs.lost))) {
		lose(s, d);
		return;
	}
	d->arrivals = 1 + (!s->calm && chance_of(&s->chance, s->knobs.doubled));
	for (int n = d->arrivals; n > 0; n--)
		sim_at(s, s->now_ms + travel_time(s), arrive,
		       d - s->deliveries);
}

void tell_pull(struct sim *s, int pull, const char *action)
{
	const struct sim_pull *p = &s->pulls[pull];

	send_webhook(s, "pull_request", p->repo, pull, -1,
		     json_pack("{s:s, s:I, s:o, s:{s:s}}", "action", action,
			       "number", (json_int_t)p->number, "pull_request",
			       pull_json(p), "repository", "full_name",
			       repos[p->repo]));
}

/* What is told of the pull beside a comment or a review is little. */
static json_t *place_json(const struct sim_pull *p, enum speech kind)
{
	json_t *ret = json_pack("{s:I, s:s}", "number", (json_int_t)p->number,
				"state", p->state);

	if (kind == COMMENT)
		json_object_set_new(ret, "pull_request",
				    json_pack("{s:s}", "url", "x"));
	return ret;
}

void tell_comment(struct sim *s, size_t comment, const char *action,
		  int64_t sender)
{
	static const struct {
		const char *event, *place, *object;
	} kinds[SPEECH_MAX] = {
		[COMMENT] = {"issue_comment", "issue", "comment"},
		[REVIEW] = {"pull_request_review", "pull_request", "review"},
		[REVIEW_COMMENT] = {"pull_request_review_comment",
				    "pull_request", "comment"},
	};
	const struct sim_comment *c = &s->comments[comment];
	const struct sim_pull *p = &s->pulls[c->pull];

	send_webhook(s, kinds[c->kind].event, p->repo, c->pull,
		     (int64_t)comment,
		     json_pack("{s:s, s:o, s:o, s:o, s:{s:s}}", "action",
			       action, kinds[c->kind].place,
			       place_json(p, c->kind), kinds[c->kind].object,
			       comment_json(s, c), "sender", user_json(sender),
			       "repository", "full_name", repos[p->repo]));
}

void tell_push(struct sim *s, int repo)
{
	send_webhook(s, "push", repo, -1, -1,
		     json_pack("{s:s, s:s, s:{s:s}}", "ref", "refs/heads/main",
			       "after", s->bases[repo], "repository",
			       "full_name", repos[repo]));
}

/* --- what the forge remembers --- */

static json_t *attempt_json(const struct sim_delivery *d, int64_t id)
{
	return json_pack("{s:I, s:s, s:s, s:i, s:s, s:s}", "id", (json_int_t)id,
			 "guid", d->guid, "delivered_at", iso(d->failed_ms),
			 "status_code", d->status, "event", d->event, "action",
			 d->action);
}

/* Those that came count only against those that did not: left out. */
json_t *list_deliveries(const struct sim *s, const char *repo)
{
	json_t *list = json_array();

	for (int64_t i = s->delivery_count; i-- > 0;) {
		const struct sim_delivery *d = &s->deliveries[i];

		if (d->status == TIMED_OUT && !d->forgotten &&
		    !strcmp(repos[d->repo], repo))
			json_array_append_new(list, attempt_json(d, i + 1));
	}
	return list;
}

bool redeliver(struct sim *s, int64_t id)
{
	struct sim_delivery *d = &s->deliveries[id - 1];

	if (id <= 0 || id > s->delivery_count)
		return false;
	sim_trace(s, "webhook %s is sent once more", d->guid);
	d->arrivals++;
	sim_at(s, s->now_ms + travel_time(s), arrive, id - 1);
	return true;
}
