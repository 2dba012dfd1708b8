/* GitHub's API: webhooks and their deliveries. */
#include <inttypes.h>
#include <string.h>

#include "tests/sandbox/api.h"
#include "tests/sandbox/shape.h"
#include "tests/sandbox/webhooks.h"

/* GitHub's is not a number either: whoever makes one up is found out. */
#define CURSOR "v1_"

/* Hooks are the matter of admins; others do not learn that there are any. */
static struct sb_repo *hook_of(struct call *c, bool named)
{
	struct sb_repo *r = api_repo(c);

	if (!r)
		return NULL;
	if (strcmp(sb_role(r, c->user), "admin") != 0 ||
	    (named &&
	     (api_number(c->args[2]) != r->hook_id || !*sb_hooks_url(c->s)))) {
		call_error(c, 404, "Not Found");
		return NULL;
	}
	return r;
}

static void get_hooks(struct call *c)
{
	struct sb_repo *r = hook_of(c, false);
	json_t *list;

	if (!r)
		return;
	list = sb_must(json_array());
	if (*sb_hooks_url(c->s))
		json_array_append_new(list, shape_hook(c->s, r));
	call_page(c, list);
}

/* What has not been tried yet is in no list. */
static bool delivery_wanted(const json_t *d, const char *status)
{
	int64_t code = js_int(d, "status_code", 0);
	bool good = code >= 200 && code < 400;

	return code && (!*status || good == !strcmp(status, "success"));
}

static void link_next(struct call *c, int64_t per_page, int64_t cursor,
		      const char *status)
{
	CLEANUP(free)
	char *link =
		sb_must(str_format("<%s%s?per_page=%" PRId64 "&cursor=" CURSOR
				   "%" PRId64 "%s%s>; rel=\"next\"",
				   c->s->url, c->path, per_page, cursor,
				   *status ? "&status=" : "", status));

	call_header(c, "Link", link);
}

static json_t *delivery_row(const json_t *d)
{
	json_t *row = sb_must(json_copy((json_t *)(uintptr_t)d));

	json_object_del(row, "request");
	json_object_del(row, "response");
	json_object_del(row, "url");
	return row;
}

/* Pages by cursor: the id of the first delivery that the page shows. */
static void get_deliveries(struct call *c)
{
	struct sb_repo *r = hook_of(c, true);
	CLEANUP(free)
	char *status = r ? CHOICE(c, "status", "", "success", "failure") : NULL;
	CLEANUP(json_decref)
	json_t *all = status ? sb_hooks_list(c->s, r) : NULL;
	CLEANUP(free) char *at = call_query(c, "cursor");
	int64_t cursor = at && str_starts(at, CURSOR)
				 ? strtoll(at + strlen(CURSOR), NULL, 10)
				 : INT64_MAX;
	int64_t per_page = call_query_int(c, "per_page", 30);
	json_t *ret, *d;
	size_t i;

	if (!status)
		return;
	if (per_page < 1 || per_page > 100)
		per_page = 100;
	ret = sb_must(json_array());
	json_array_foreach (all, i, d) {
		int64_t id = js_int(d, "id", 0);

		if (id > cursor || !delivery_wanted(d, status))
			continue;
		if ((int64_t)json_array_size(ret) >= per_page) {
			link_next(c, per_page, id, status);
			break;
		}
		json_array_append_new(ret, delivery_row(d));
	}
	call_json(c, 200, ret);
}

static void get_delivery(struct call *c)
{
	struct sb_repo *r = hook_of(c, true);
	json_t *d = r ? sb_hooks_get(c->s, api_number(c->args[3])) : NULL;

	if (!r)
		return;
	if (d)
		call_json(c, 200, d);
	else
		call_error(c, 404, "Not Found");
}

static void post_attempt(struct call *c)
{
	struct sb_repo *r = hook_of(c, true);
	struct error e = ERROR_INIT;

	if (!r)
		return;
	if (sb_hooks_redeliver(c->s, api_number(c->args[3]), "", &e))
		call_failed(c, &e);
	else
		call_json(c, 202, json_object());
}

const struct route api_hook_routes[] = {
	{"GET", REPO "/hooks", get_hooks},
	{"GET", REPO "/hooks/:/deliveries", get_deliveries},
	{"GET", REPO "/hooks/:/deliveries/:", get_delivery},
	{"POST", REPO "/hooks/:/deliveries/:/attempts", post_attempt},
	{NULL, NULL, NULL},
};
