#include "tests/sandbox/webhooks.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

#include "bot/base/clock.h"

#define DELIVERY_MS 10000 /* as GitHub */
#define RESPONSE_KEPT 4096

struct delivery {
	TAILQ_ENTRY(delivery) next;
	TAILQ_ENTRY(delivery) queued;
	int64_t repo_id;
	json_t *item; /* GitHub's hook-delivery */
	char *body;
	bool drop; /* recorded as failed, not sent */
};

/* What happens to the next `count` deliveries of `event`. */
struct gate {
	int64_t count;
	char *event; /* "" = any */
};

enum gate_kind { GATE_DROP, GATE_LOSE, GATE_DUPLICATE, GATE_MAX };
static const char *const gate_names[GATE_MAX] = {"drop", "lose", "duplicate"};

struct sb_hooks {
	TAILQ_HEAD(all, delivery) all;
	TAILQ_HEAD(queue, delivery) queue;
	struct gate gates[GATE_MAX];
	bool held;
	char *url, *secret;
	pthread_t thread;
	pthread_cond_t work;
	bool started;
};

/* One delivery under way: its own copies, good without the lock. */
struct sending {
	struct sandbox *s;
	char *url, *body;
	struct curl_slist *headers;
	struct str response;
	long status;
	CURLcode code;
	int64_t ms;
};

struct sb_hooks *sb_hooks_new(void)
{
	struct sb_hooks *h = sb_new(sizeof(*h));

	TAILQ_INIT(&h->all);
	TAILQ_INIT(&h->queue);
	for (int i = 0; i < GATE_MAX; i++)
		h->gates[i].event = sb_dup("");
	h->url = sb_dup("");
	h->secret = sb_dup("");
	pthread_cond_init(&h->work, NULL);
	return h;
}

void sb_hooks_free(struct sb_hooks *h)
{
	struct delivery *d;

	while ((d = TAILQ_FIRST(&h->all))) {
		TAILQ_REMOVE(&h->all, d, next);
		json_decref(d->item);
		free(d->body);
		free(d);
	}
	for (int i = 0; i < GATE_MAX; i++)
		free(h->gates[i].event);
	pthread_cond_destroy(&h->work);
	free(h->url);
	free(h->secret);
	free(h);
}

void sb_hooks_set(struct sandbox *s, const char *url, const char *secret)
{
	sb_set(&s->hooks->url, url);
	sb_set(&s->hooks->secret, secret);
}

const char *sb_hooks_url(const struct sandbox *s)
{
	return s->hooks->url;
}

static void make_guid(char guid[37])
{
	unsigned char b[16] = {0};

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort();
	snprintf(guid, 37,
		 "%02x%02x%02x%02x-%02x%02x-4%01x%02x-a%01x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6] & 15, b[7], b[8] & 15,
		 b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void sign(const char *secret, const char *body, char out[72])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	sb_must(HMAC(EVP_sha256(), secret, (int)strlen(secret),
		     (const unsigned char *)body, strlen(body), mac, &len));
	memcpy(out, "sha256=", 8);
	for (unsigned int i = 0; i < 32; i++)
		snprintf(out + 7 + 2 * i, 3, "%02x", mac[i]);
}

static json_t *request_headers(struct sandbox *s, const struct sb_repo *repo,
			       const char *event, const char *guid,
			       const char *body)
{
	CLEANUP(free)
	char *hook = sb_must(str_format("%" PRId64, repo->hook_id));
	CLEANUP(free) char *target = sb_must(str_format("%" PRId64, repo->id));
	char signature[72];
	json_t *h = sb_must(json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "Accept", "*/*",
		"Content-Type", "application/json", "User-Agent",
		"GitHub-Hookshot/sandbox", "X-GitHub-Delivery", guid,
		"X-GitHub-Event", event, "X-GitHub-Hook-ID", hook,
		"X-GitHub-Hook-Installation-Target-ID", target,
		"X-GitHub-Hook-Installation-Target-Type", "repository"));

	if (*s->hooks->secret) {
		sign(s->hooks->secret, body, signature);
		json_object_set_new(h, "X-Hub-Signature-256",
				    json_string(signature));
	}
	return h;
}

static json_t *item_new(struct sandbox *s, const char *guid, const char *event,
			const char *action, bool again)
{
	return sb_must(
		json_pack("{s:I,s:s,s:n,s:b,s:i,s:s,s:i,s:s,s:s?,s:n,"
			  "s:s,s:{s:n,s:n}}",
			  "id", (json_int_t)sb_id(s), "guid", guid,
			  "delivered_at", "redelivery", again, "duration", 0,
			  "status", "pending", "status_code", 0, "event", event,
			  "action", action, "installation_id", "url",
			  s->hooks->url, "response", "headers", "payload"));
}

static void enqueue(struct sandbox *s, struct delivery *d)
{
	TAILQ_INSERT_TAIL(&s->hooks->all, d, next);
	TAILQ_INSERT_TAIL(&s->hooks->queue, d, queued);
	pthread_cond_signal(&s->hooks->work);
}

static struct delivery *delivery_new(struct sandbox *s,
				     const struct sb_repo *repo,
				     const char *event, const char *action,
				     json_t *payload)
{
	struct delivery *d = sb_new(sizeof(*d));
	char guid[37];

	make_guid(guid);
	d->repo_id = repo->id;
	d->body = sb_must(json_dumps(payload, JSON_COMPACT));
	d->item = item_new(s, guid, event, action, false);
	json_object_set_new(d->item, "repository_id", json_integer(repo->id));
	json_object_set_new(d->item, "request",
			    sb_must(json_pack("{s:o,s:o}", "headers",
					      request_headers(s, repo, event,
							      guid, d->body),
					      "payload", payload)));
	return d;
}

/* The same delivery once more: same GUID, same bytes. */
static struct delivery *delivery_again(struct sandbox *s,
				       const struct delivery *old,
				       bool redelivery)
{
	struct delivery *d = sb_new(sizeof(*d));

	d->repo_id = old->repo_id;
	d->body = sb_dup(old->body);
	d->item = item_new(
		s, js_str(old->item, "guid"), js_str(old->item, "event"),
		json_string_value(json_object_get(old->item, "action")),
		redelivery);
	json_object_set_new(d->item, "repository_id", json_integer(d->repo_id));
	json_object_set(d->item, "request",
			json_object_get(old->item, "request"));
	return d;
}

static bool gate_hits(struct sandbox *s, enum gate_kind kind, const char *event)
{
	struct gate *g = &s->hooks->gates[kind];

	if (g->count <= 0 || (*g->event && strcmp(g->event, event) != 0))
		return false;
	g->count--;
	return true;
}

void sb_hooks_send(struct sandbox *s, const struct sb_repo *repo,
		   const char *event, const char *action, json_t *payload)
{
	struct delivery *d;

	if (!*s->hooks->url || gate_hits(s, GATE_LOSE, event)) {
		json_decref(payload);
		return;
	}
	d = delivery_new(s, repo, event, action, payload);
	d->drop = gate_hits(s, GATE_DROP, event);
	enqueue(s, d);
	if (gate_hits(s, GATE_DUPLICATE, event))
		enqueue(s, delivery_again(s, d, false));
}

static void reverse(struct sb_hooks *h)
{
	struct delivery *last = TAILQ_LAST(&h->queue, queue);
	struct delivery *d;

	while (last && (d = TAILQ_FIRST(&h->queue)) != last) {
		TAILQ_REMOVE(&h->queue, d, queued);
		TAILQ_INSERT_AFTER(&h->queue, last, d, queued);
	}
}

enum err sb_hooks_gate(struct sandbox *s, const json_t *spec, struct error *e)
{
	const char *action = js_str(spec, "action");
	struct sb_hooks *h = s->hooks;

	for (int i = 0; i < GATE_MAX; i++) {
		if (strcmp(action, gate_names[i]) != 0)
			continue;
		h->gates[i].count = js_int(spec, "count", 1);
		sb_set(&h->gates[i].event, js_str(spec, "event"));
		return ERR_OK;
	}
	if (strcmp(action, "hold") && strcmp(action, "release"))
		return error_set(e, ERR_INVALID,
				 "action is drop, lose, duplicate, hold or "
				 "release");
	h->held = !strcmp(action, "hold");
	if (!strcmp(js_str(spec, "order"), "reverse"))
		reverse(h);
	pthread_cond_signal(&h->work);
	return ERR_OK;
}

static const struct delivery *find(const struct sandbox *s, int64_t id,
				   const char *guid)
{
	const struct delivery *d;

	TAILQ_FOREACH(d, &s->hooks->all, next)
	if (id ? js_int(d->item, "id", 0) == id
	       : !strcmp(js_str(d->item, "guid"), guid))
		return d;
	return NULL;
}

enum err sb_hooks_redeliver(struct sandbox *s, int64_t id, const char *guid,
			    struct error *e)
{
	const struct delivery *d = find(s, id, guid);

	if (!d)
		return error_set(e, ERR_MISSING, "no such delivery");
	enqueue(s, delivery_again(s, d, true));
	return ERR_OK;
}

json_t *sb_hooks_list(struct sandbox *s, const struct sb_repo *repo)
{
	json_t *ret = sb_must(json_array());
	struct delivery *d;

	TAILQ_FOREACH_REVERSE(d, &s->hooks->all, all, next)
	if (!repo || d->repo_id == repo->id)
		json_array_append(ret, d->item);
	return ret;
}

json_t *sb_hooks_get(struct sandbox *s, int64_t id)
{
	const struct delivery *d = id > 0 ? find(s, id, "") : NULL;
	struct error e = ERROR_INIT;
	json_t *ret;

	if (!d)
		return NULL;
	ret = sb_must(json_deep_copy(d->item));
	json_object_set_new(js_get(ret, "request"), "payload",
			    sb_must(js_parse(d->body, strlen(d->body), &e)));
	return ret;
}

static size_t keep_response(char *data, size_t one, size_t n, void *ctx)
{
	str_add(ctx, data, one * n);
	return one * n;
}

static int stop_early(void *ctx, curl_off_t a UNUSED, curl_off_t b UNUSED,
		      curl_off_t c UNUSED, curl_off_t d UNUSED)
{
	struct sending *x = ctx;
	bool stop;

	sandbox_lock(x->s);
	stop = x->s->stopping;
	sandbox_unlock(x->s);
	return stop;
}

static void sending_init(struct sending *x, struct sandbox *s,
			 const struct delivery *d)
{
	const char *name;
	json_t *value;

	*x = (struct sending){.s = s};
	x->url = sb_dup(s->hooks->url);
	x->body = sb_dup(d->body);
	str_init(&x->response, RESPONSE_KEPT);
	json_object_foreach (js_get(d->item, "request.headers"), name, value) {
		CLEANUP(free)
		char *line = sb_must(
			str_format("%s: %s", name, json_string_value(value)));

		x->headers = sb_must(curl_slist_append(x->headers, line));
	}
	x->headers = sb_must(curl_slist_append(x->headers, "Expect:"));
}

static void sending_release(struct sending *x)
{
	curl_slist_free_all(x->headers);
	str_release(&x->response);
	free(x->url);
	free(x->body);
}

/* Without the lock. */
static void perform(struct sending *x)
{
	int64_t begin = clock_mono(&clock_system);
	CURL *c = sb_must(curl_easy_init());

	curl_easy_setopt(c, CURLOPT_URL, x->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, x->body);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)strlen(x->body));
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)DELIVERY_MS);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep_response);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &x->response);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, stop_early);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
	x->code = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &x->status);
	curl_easy_cleanup(c);
	x->ms = clock_mono(&clock_system) - begin;
}

static const char *outcome(struct sending *x)
{
	if (x->code == CURLE_OK)
		return x->status >= 200 && x->status < 300
			       ? "OK"
			       : "Invalid HTTP Response";
	x->status = x->code == CURLE_OPERATION_TIMEDOUT ? 504 : 502;
	return x->code == CURLE_OPERATION_TIMEDOUT
		       ? "timed out"
		       : "failed to connect to host";
}

static void record(struct sandbox *s, struct delivery *d, struct sending *x)
{
	CLEANUP(str_release) struct str now = STR_INIT(64);
	const char *status = outcome(x);
	json_t *i = d->item;

	time_iso(&now, sb_now(s));
	json_object_set_new(i, "delivered_at", json_string(now.text));
	json_object_set_new(i, "duration", json_real((double)x->ms / 1000));
	json_object_set_new(i, "status", json_string(status));
	json_object_set_new(i, "status_code", json_integer(x->status));
	json_object_set_new(
		i, "response",
		sb_must(json_pack("{s:{},s:o}", "headers", "payload",
				  sb_text(x->response.text))));
	sb_log(s, "webhook",
	       json_pack("{s:I,s:s,s:s,s:O,s:s,s:I,s:b}", "id",
			 (json_int_t)js_int(i, "id", 0), "guid",
			 js_str(i, "guid"), "event", js_str(i, "event"),
			 "action", json_object_get(i, "action"), "status",
			 status, "status_code", (json_int_t)x->status,
			 "redelivery", js_bool(i, "redelivery", false)));
}

/* With the lock, which is let go while the request is on its way. */
static void deliver(struct sandbox *s, struct delivery *d)
{
	struct sending x;

	sending_init(&x, s, d);
	x.code = CURLE_COULDNT_CONNECT;
	if (!d->drop) {
		sandbox_unlock(s);
		perform(&x);
		sandbox_lock(s);
	}
	record(s, d, &x);
	sending_release(&x);
}

static void *run(void *ctx)
{
	struct sandbox *s = ctx;
	struct sb_hooks *h = s->hooks;
	struct delivery *d;

	sandbox_lock(s);
	while (!s->stopping) {
		d = h->held ? NULL : TAILQ_FIRST(&h->queue);
		if (!d) {
			pthread_cond_wait(&h->work, &s->lock);
			continue;
		}
		TAILQ_REMOVE(&h->queue, d, queued);
		deliver(s, d);
	}
	sandbox_unlock(s);
	return NULL;
}

enum err sb_hooks_start(struct sandbox *s, struct error *e)
{
	if (pthread_create(&s->hooks->thread, NULL, run, s))
		return error_set(e, ERR_FATAL, "cannot start a thread");
	s->hooks->started = true;
	return ERR_OK;
}

void sb_hooks_stop(struct sandbox *s)
{
	if (!s->hooks->started)
		return;
	sandbox_lock(s);
	s->stopping = true;
	pthread_cond_signal(&s->hooks->work);
	pthread_cond_broadcast(&s->changed);
	sandbox_unlock(s);
	pthread_join(s->hooks->thread, NULL);
	s->hooks->started = false;
}
