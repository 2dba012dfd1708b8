#include "deploy/drain.h"

#include <string.h>

#include "bot/base/clock.h"

void drain_begin(struct drain *d, const json_t *spec, int64_t now)
{
	*d = (struct drain){
		.began = now,
		.deadline = now + js_int(spec, "timeout_ms", 0),
		.full_until = now + js_int(spec, "full_ms", 0),
		.running = DRAIN_UNKNOWN,
	};
}

int64_t drain_deadline(const struct drain *d)
{
	int64_t until = d->deadline;

	if (d->running > 0)
		until = d->full_until;
	else if (d->running == DRAIN_UNKNOWN && d->lost)
		until = d->lost + (d->deadline - d->began);
	if (until > d->full_until)
		until = d->full_until;
	return until > d->deadline ? until : d->deadline;
}

static void forget(struct drain *d)
{
	if (d->running != DRAIN_UNKNOWN)
		d->lost = clock_mono(&clock_system);
	d->running = DRAIN_UNKNOWN;
}

/* The count on the line so far, or DRAIN_UNKNOWN. */
static int64_t line_count(const struct drain *d)
{
	size_t n = d->line_len;
	int64_t count = 0;

	if (n && n <= sizeof(d->line) && d->line[n - 1] == '\r')
		n--;
	if (!n || n > DRAIN_DIGITS)
		return DRAIN_UNKNOWN;
	for (size_t i = 0; i < n; i++) {
		if (d->line[i] < '0' || d->line[i] > '9')
			return DRAIN_UNKNOWN;
		count = count * 10 + (d->line[i] - '0');
	}
	return count;
}

static void end_line(struct drain *d)
{
	int64_t count = line_count(d);

	if (count != DRAIN_UNKNOWN)
		d->running = count;
	d->line_len = 0;
}

void drain_feed(struct drain *d, const char *data, size_t len)
{
	if (!len)
		end_line(d);
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			end_line(d);
		else if (data[i] == ' ' && !d->line_len)
			continue; /* as wc and others begin */
		else if (d->line_len < sizeof(d->line))
			d->line[d->line_len++] = data[i];
	}
}

bool drain_shape(const json_t *json)
{
	while (json_object_size(json) == 1)
		json = json_object_iter_value(
			json_object_iter((json_t *)(uintptr_t)json));
	return json_is_integer(json) && json_integer_value(json) == 0;
}

/* What stands in the answer where the shape has its 0, or NULL. */
static const json_t *find_count(const json_t *answer, const json_t *shape)
{
	while (json_is_object(shape)) {
		void *at = json_object_iter((json_t *)(uintptr_t)shape);

		if (!at)
			return NULL;
		answer = json_object_get(answer, json_object_iter_key(at));
		shape = json_object_iter_value(at);
	}
	return answer;
}

/* One question; *ret_count is a count only with ERR_OK. */
static enum err ask(const struct http_probe *p, int64_t *ret_count,
		    struct error *e)
{
	CLEANUP(json_decref) json_t *answer = NULL;
	const json_t *count;

	if (http_check_once(p, &answer, e))
		return e->code;
	count = find_count(answer, p->json);
	if (!json_is_integer(count) || json_integer_value(count) < 0)
		return error_set(e, ERR_MISSING,
				 "the answer holds no whole number, 0 or more, "
				 "where the count should be");
	*ret_count = (int64_t)json_integer_value(count);
	return ERR_OK;
}

/* Only what is news: it is asked for hours. */
static void tell(const struct http_probe *p, char *told, size_t size,
		 int64_t count, const char *why)
{
	char line[400];

	if (*why)
		snprintf(line, sizeof(line), "not known how many run: %.340s",
			 why);
	else
		snprintf(line, sizeof(line), "%lld still running",
			 (long long)count);
	if (!p->say || strcmp(line, told) == 0)
		return;
	snprintf(told, size, "%s", line);
	p->say(p->ctx, line);
}

enum err drain_poll(struct drain *d, const struct http_probe *p,
		    struct error *e)
{
	int64_t every =
		p->every_ms > DRAIN_EVERY_MS ? p->every_ms : DRAIN_EVERY_MS;
	struct error why = ERROR_INIT;
	char told[400] = "";
	int misses = 0;

	for (;;) {
		struct error now = ERROR_INIT;
		int64_t count = 0;
		enum err rc = ask(p, &count, &now);

		if (rc == ERR_OK) {
			misses = 0;
			d->running = count;
		} else if (rc == ERR_MISSING) {
			if (++misses >= DRAIN_MISSES)
				forget(d);
		} else if (rc == ERR_CONFLICT) {
			break;
		} else {
			return error_set(e, rc, "%s", now.text);
		}
		why = now;
		tell(p, told, sizeof(told), count, why.text);
		if (rc == ERR_OK && !count)
			return ERR_OK;
		if (!http_check_pause(p, every))
			break;
	}
	return error_set(e, ERR_CONFLICT, "%s", why.text);
}

void drain_say(const struct drain *d, bool forced, int64_t now, const char *why,
	       struct str *out)
{
	str_puts(out, forced ? "forced after " : "drained in ");
	time_span(out, now - d->began);
	if (!forced)
		return;
	if (d->running >= 0)
		str_addf(out, " with %lld still running",
			 (long long)d->running);
	else
		str_puts(out, ", not known how many still run");
	if (d->running < 0 && *why)
		str_addf(out, ": %s", why);
}
