/* What became of what still ran, before a cycle's deploy replaced it. */
#include "store/view_parts.h"

#include <string.h>

bool view_is_drain(const json_t *job)
{
	return strcmp(js_str(job, "class"), "drain") == 0;
}

void view_put_drain_job(struct view *v, json_t *to, const json_t *row)
{
	int64_t running = js_int(row, "running", -1);

	view_put(v, to, "running",
		 running < 0 ? json_null() : json_integer(running));
	view_put(v, to, "until_ms", json_integer(js_int(row, "until_ms", 0)));
	view_put(v, to, "full_until_ms",
		 json_integer(js_int(row, "full_until_ms", 0)));
}

/* In the order of what speaks for all of them. */
enum drain_state {
	STATE_NONE,
	STATE_DRAINED,
	STATE_FORCED,
	STATE_CANCELLED,
	STATE_FAILED,
	STATE_RUNNING,
};

static enum drain_state state_of(const json_t *job)
{
	const char *state = js_str(job, "state");

	if (strcmp(state, "running") == 0)
		return STATE_RUNNING;
	if (strcmp(state, "skipped") == 0)
		return STATE_NONE;
	if (strcmp(state, "cancelled") == 0)
		return STATE_CANCELLED;
	if (strcmp(state, "success") != 0)
		return STATE_FAILED;
	return strcmp(js_str(job, "reason_code"), "forced") == 0
		       ? STATE_FORCED
		       : STATE_DRAINED;
}

struct drain_sum {
	enum drain_state state;
	size_t jobs;
	int64_t running; /* -1 = not known of at least one */
	int64_t ms;
	int64_t until_ms;
	int64_t full_until_ms;
	struct str text;
};

static int64_t greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void add_text(struct drain_sum *sum, const json_t *job, bool several)
{
	const char *text = js_str(job, "text");

	if (!*text)
		return;
	if (sum->text.len)
		str_puts(&sum->text, "; ");
	if (several)
		str_addf(&sum->text, "%s: ", js_str(job, "name"));
	str_puts(&sum->text, text);
}

static void add_job(struct drain_sum *sum, const json_t *job, bool several)
{
	enum drain_state state = state_of(job);
	int64_t running = js_int(job, "running", -1);

	if (state == STATE_NONE)
		return;
	sum->jobs++;
	if (state > sum->state)
		sum->state = state;
	if (running < 0 || sum->running < 0 || running > INT64_MAX / 1000)
		sum->running = -1;
	else
		sum->running += running;
	sum->ms = greater(sum->ms, js_int(job, "ms", 0));
	sum->until_ms = greater(sum->until_ms, js_int(job, "until_ms", 0));
	sum->full_until_ms =
		greater(sum->full_until_ms, js_int(job, "full_until_ms", 0));
	add_text(sum, job, several);
}

static size_t each(const json_t *stages, struct drain_sum *sum, bool several)
{
	json_t *stage, *job;
	size_t i, j, count = 0;

	json_array_foreach (stages, i, stage)
		json_array_foreach (js_get(stage, "jobs"), j, job)
			if (view_is_drain(job)) {
				count += state_of(job) != STATE_NONE;
				if (sum)
					add_job(sum, job, several);
			}
	return count;
}

json_t *view_drain(struct view *v, const json_t *stages)
{
	static const char *const names[] = {
		[STATE_DRAINED] = "drained",	 [STATE_FORCED] = "forced",
		[STATE_CANCELLED] = "cancelled", [STATE_FAILED] = "failed",
		[STATE_RUNNING] = "running",
	};
	struct drain_sum sum = {.text = STR_INIT(64u << 10)};
	size_t count = each(stages, NULL, false);
	json_t *o;

	each(stages, &sum, count > 1);
	if (!sum.jobs) {
		str_release(&sum.text);
		return json_null();
	}
	o = json_object();
	view_put(v, o, "state", json_string(names[sum.state]));
	view_put(v, o, "running",
		 sum.running < 0 ? json_null() : json_integer(sum.running));
	view_put(v, o, "ms", json_integer(sum.ms));
	view_put(v, o, "text", view_text(sum.text.text));
	view_put(v, o, "until_ms", json_integer(sum.until_ms));
	view_put(v, o, "full_until_ms", json_integer(sum.full_until_ms));
	str_release(&sum.text);
	return o;
}
