#include "bot/github_answer.h"

#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/redact.h"

/* The least to wait for when a limit was hit: the forge counts in seconds. */
#define LEAST_WAIT_MS 1000
/* A limit without a time is the secondary one; its documented least. */
#define UNTIMED_WAIT_MS 60000

void github_answer_init(struct github_answer *a)
{
	*a = (struct github_answer){
		.trouble_code = ERR_RETRY,
		.retry_after = -1,
		.remaining = -1,
		.reset_ms = -1,
	};
	str_init(&a->body, LIMIT_FORGE_ANSWER);
}

void github_answer_release(struct github_answer *a)
{
	str_release(&a->body);
	free(a->etag);
	free(a->location);
	free(a->next);
	github_answer_init(a);
}

/* A validation error says in its first entry what is wrong. */
static void add_detail(const json_t *root, struct str *out)
{
	const json_t *first = json_array_get(js_get(root, "errors"), 0);
	const char *text = json_is_string(first) ? json_string_value(first)
						 : js_str(first, "message");

	if (*text)
		str_addf(out, ": %s", text);
	else if (*js_str(first, "field"))
		str_addf(out, ": %s %s", js_str(first, "field"),
			 js_str(first, "code"));
}

void github_answer_message(const struct github_answer *a, struct str *out)
{
	struct error ignored = ERROR_INIT;
	CLEANUP(json_decref)
	json_t *root = js_parse(a->body.text, a->body.len, &ignored);

	str_puts(out, js_str(root, "message"));
	if (root && out->len)
		add_detail(root, out);
}

bool github_answer_limited(const struct github_answer *a)
{
	static const char *const words[] = {
		"secondary rate limit",
		"rate limit exceeded",
		"abuse",
	};
	CLEANUP(str_release) struct str message = STR_INIT(4096);

	if (a->status == 429)
		return true;
	if (a->status != 403)
		return false;
	if (a->retry_after >= 0 || a->remaining == 0)
		return true;
	github_answer_message(a, &message);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(message.text, words[i]))
			return true;
	return false;
}

static int64_t bounded(int64_t ms, int64_t least)
{
	if (ms < least)
		return least;
	return ms > LIMIT_FORGE_HOLD_MS ? LIMIT_FORGE_HOLD_MS : ms;
}

int64_t github_answer_wait(const struct github_answer *a, int64_t now_ms)
{
	bool limited = github_answer_limited(a);
	int64_t least = limited ? LEAST_WAIT_MS : 0;

	if (a->retry_after >= 0 && (limited || a->status >= 500)) {
		if (a->retry_after > LIMIT_FORGE_HOLD_MS / 1000)
			return LIMIT_FORGE_HOLD_MS;
		return bounded(a->retry_after * 1000, LEAST_WAIT_MS);
	}
	if (a->remaining == 0 && a->reset_ms >= 0) {
		/* Both times are the forge's, so our clock may be wrong; a
		 * second more, because both are cut to whole seconds. */
		int64_t now = a->date_ms ? a->date_ms : now_ms;

		if (a->reset_ms < now && !limited)
			return 0;
		return bounded(a->reset_ms - now + 1000, least);
	}
	return limited ? UNTIMED_WAIT_MS : 0;
}

enum err github_answer_code(const struct github_answer *a,
			    const struct github_row *row)
{
	static const struct {
		int status;
		enum err code;
	} codes[] = {
		{401, ERR_REFUSED},  {403, ERR_REFUSED}, {404, ERR_MISSING},
		{409, ERR_CONFLICT}, {410, ERR_MISSING}, {451, ERR_REFUSED},
	};

	if (!a->status)
		return a->trouble_code;
	if (a->status >= 200 && a->status <= 299)
		return ERR_OK;
	if (github_answer_limited(a) || github_row_retries(row, a->status))
		return ERR_RETRY;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].status == a->status)
			return codes[i].code;
	return ERR_INVALID;
}

bool github_answer_unknown(const struct github_answer *a,
			   const struct github_row *row)
{
	if (!row->write)
		return false;
	return a->status ? a->status >= 500 : a->sent;
}

void github_explain(const char *source, const char *words, char *out,
		    size_t size)
{
	CLEANUP(str_release) struct str raw = STR_INIT(4 * LIMIT_FORGE_URL);
	CLEANUP(str_release) struct str safe = STR_INIT(8 * LIMIT_FORGE_URL);
	size_t n;

	str_addf(&raw, "%s%s%s", source ? source : "", source ? ": " : "",
		 words);
	for (char *p = raw.text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	/* Redacted before it is cut: half a secret is not recognised. */
	redact_text(&safe, raw.text, raw.len);
	n = str_utf8_cut(safe.text, safe.len, size - 1);
	memcpy(out, safe.text, n);
	out[n] = '\0';
}

void github_answer_explain(const struct github_answer *a,
			   const struct github_request *req, const char *note,
			   char *out, size_t size)
{
	CLEANUP(str_release) struct str source = STR_INIT(LIMIT_FORGE_URL + 64);
	CLEANUP(str_release) struct str words = STR_INIT(8192);

	str_addf(&source, "%s %s", req->row->method, req->path);
	if (!a->status) {
		github_explain(source.text, a->trouble, out, size);
		return;
	}
	str_addf(&source, ": HTTP %d", a->status);
	if (note)
		str_puts(&words, note);
	else
		github_answer_message(a, &words);
	if (!words.len)
		str_puts(&words, "no reason given");
	github_explain(source.text, words.text, out, size);
}
