#include "bot/web.h"

#include <string.h>

#include "bot/metrics.h"
#include "bot/version.h"

static void answer_json(struct page *ret, int status, json_t *object)
{
	CLEANUP(json_decref) json_t *owned = object;
	CLEANUP(free) char *text = js_dump(owned);

	ret->status = text ? status : 500;
	ret->type = "application/json";
	str_puts(&ret->body, text ? text : "{}");
	str_putc(&ret->body, '\n');
}

/* Seconds since the last accepted delivery; -1 = none since the start. */
static int64_t delivery_age(const struct web *w)
{
	int64_t last = metric_last_delivery();

	return last ? (clock_mono(w->clock) - last) / 1000 : -1;
}

static void healthz(struct web *w, struct page *ret)
{
	struct error e = ERROR_INIT;
	bool ok = engine_healthy(w->engine, &e);

	answer_json(ret, ok ? 200 : 503,
		    json_pack("{s:b, s:s, s:s}", "ok", ok, "reason",
			      ok ? "" : e.text, "version", KCIBOT_VERSION));
}

/* Ready is who can take work; what works by scan alone is ready, and says
 * so. */
static void readyz(struct web *w, struct page *ret)
{
	struct error e = ERROR_INIT;
	struct engine_gauges gauges;
	const char *reason = "";
	bool ok = engine_healthy(w->engine, &e);

	engine_gauges(w->engine, &gauges);
	if (!ok)
		reason = e.text;
	else if (w->intake && !intake_healthy(w->intake)) {
		ok = false;
		reason = "the journal cannot be written";
	}
	answer_json(
		ret, ok ? 200 : 503,
		json_pack("{s:b, s:s, s:s, s:I, s:I, s:I}", "ok", ok, "reason",
			  reason, "webhooks",
			  !gauges.hooks_known	 ? "not known yet"
			  : gauges.hooks_missing ? "scan only: some repository "
						   "has no webhook of ours, or "
						   "the token may not look"
						 : "ok",
			  "last_delivery_seconds", (json_int_t)delivery_age(w),
			  "journal_depth", (json_int_t)gauges.journal_depth,
			  "outbox_depth", (json_int_t)gauges.outbox_depth));
}

static void gauge(struct str *out, const char *name, const char *help,
		  int64_t value)
{
	str_addf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help,
		 name, name, (long long)value);
}

static void metrics(struct web *w, struct page *ret)
{
	struct engine_gauges g;

	engine_gauges(w->engine, &g);
	ret->status = 200;
	ret->type = "text/plain; version=0.0.4";
	metrics_write(&ret->body);
	gauge(&ret->body, "kcibot_journal_depth",
	      "Deliveries that the engine has not handled yet.",
	      g.journal_depth);
	gauge(&ret->body, "kcibot_outbox_depth",
	      "Effects that are not done yet.", g.outbox_depth);
	gauge(&ret->body, "kcibot_last_delivery_seconds",
	      "Seconds since the last accepted delivery; -1 = none since "
	      "the start.",
	      delivery_age(w));
	gauge(&ret->body, "kcibot_uptime_seconds", "Seconds since the start.",
	      (clock_mono(w->clock) - w->started_mono_ms) / 1000);
	str_addf(&ret->body,
		 "# HELP kcibot_info The version.\n# TYPE kcibot_info gauge\n"
		 "kcibot_info{version=\"%s\"} 1\n",
		 KCIBOT_VERSION);
}

void web_answer(void *ctx, const char *path, struct page *ret)
{
	static const struct {
		const char *path;
		void (*answer)(struct web *w, struct page *ret);
	} routes[] = {
		{"/healthz", healthz},
		{"/readyz", readyz},
		{"/metrics", metrics},
	};
	struct web *w = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (strcmp(routes[i].path, path) == 0) {
			routes[i].answer(w, ret);
			return;
		}
	pages_answer(w->pages, path, ret);
}
