#include "tests/bench/payload.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"

/* Stands where the id goes; as long as an id of today. */
#define ID_MARK 1000000001LL
/* The size of GitHub's own example of a created comment. */
#define GENERATED_SIZE 10600

static const char sentence[] =
	"The job waits for the runner, as octocat@example.org says; the "
	"second try went through. ";

static void set(json_t *root, const char *object, const char *member,
		json_t *value)
{
	json_t *at = *object ? js_get(root, object) : root;

	json_object_set_new(at, member, value);
}

/* Made of members like those that real payloads consist of. */
static json_t *generate(void)
{
	json_t *root = json_pack("{s:s, s:{s:i, s:s, s:s, s:[]}, s:{}, s:{}, "
				 "s:{}}",
				 "action", "created", "issue", "number", 1,
				 "state", "open", "title", "Spelling", "labels",
				 "comment", "repository", "sender");
	size_t have = 200;
	char name[32], value[128];

	for (int n = 0; root && have < GENERATED_SIZE; n++) {
		snprintf(name, sizeof(name), "member_%d_url", n);
		snprintf(value, sizeof(value),
			 "https://api.github.com/repos/acme/api/%s{/other}",
			 name);
		set(root, n % 2 ? "repository" : "issue", name,
		    json_string(value));
		have += strlen(name) + strlen(value) + 6;
	}
	return root;
}

/* The smallest created comment among GitHub's examples. */
static json_t *pick(const json_t *events)
{
	const json_t *event, *one, *best = NULL;
	size_t i, j, least = SIZE_MAX;

	json_array_foreach (events, i, event) {
		if (strcmp(js_str(event, "name"), "issue_comment") != 0)
			continue;
		json_array_foreach (js_get(event, "examples"), j, one) {
			size_t len = json_dumpb(one, NULL, 0, JSON_COMPACT);

			if (strcmp(js_str(one, "action"), "created") == 0 &&
			    len < least) {
				best = one;
				least = len;
			}
		}
	}
	return json_deep_copy(best);
}

/* The examples are about issues of somebody else's repository. */
static void make_ours(json_t *root)
{
	set(root, "issue", "number", json_integer(PAYLOAD_NUMBER));
	set(root, "issue", "state", json_string("open"));
	set(root, "issue", "pull_request",
	    json_pack("{s:s}", "url",
		      "https://api.github.com/repos/acme/api/pulls/1"));
	set(root, "repository", "full_name", json_string(PAYLOAD_REPO));
	set(root, "comment", "user",
	    json_pack("{s:i, s:s, s:s}", "id", PAYLOAD_USER_ID, "login",
		      PAYLOAD_LOGIN, "type", "User"));
	set(root, "", "sender", json_deep_copy(js_get(root, "comment.user")));
	set(root, "comment", "created_at", json_string("2026-11-21T12:00:00Z"));
	set(root, "comment", "updated_at", json_string("2026-11-21T12:00:00Z"));
}

json_t *payload_comment(const char *examples, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(64 << 20);
	CLEANUP(json_decref) json_t *events = NULL;
	json_t *root;

	if (examples) {
		if (fs_read(examples, &text, e))
			return NULL;
		events = js_parse(text.text, text.len, e);
		if (!events)
			return NULL;
	}
	root = events ? pick(events) : generate();
	if (!root) {
		error_set(e, ERR_MISSING, "%s has no comment",
			  examples ? examples : "memory");
		return NULL;
	}
	make_ours(root);
	return root;
}

static void add_hmac(struct str *out, const char *body, size_t len,
		     const char *secret)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned mac_len = 0;

	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret),
		  (const unsigned char *)body, len, mac, &mac_len))
		abort(); /* no memory */
	sodium_bin2hex(hex, sizeof(hex), mac, mac_len);
	str_puts(out, hex);
}

static char *dump(const json_t *comment, int64_t id, const char *text)
{
	CLEANUP(json_decref) json_t *root = json_deep_copy(comment);

	set(root, "comment", "id", json_integer(id));
	set(root, "comment", "body", json_string(text));
	return json_dumps(root, JSON_COMPACT);
}

char *payload_one(const json_t *comment, int64_t id, const char *text,
		  const char *secret, char ret_signature[65])
{
	CLEANUP(str_release) struct str hex = STR_INIT(64);
	char *body = dump(comment, id, text);

	if (!body)
		return NULL;
	add_hmac(&hex, body, strlen(body), secret);
	memcpy(ret_signature, hex.text, hex.len + 1);
	return body;
}

static enum err write_part(const char *base, const char *end, const char *text,
			   size_t len, struct error *e)
{
	CLEANUP(free) char *path = str_format("%s.%s", base, end);

	if (!path)
		return error_set(e, ERR_FATAL, "out of memory");
	return fs_write(path, text, len, 0600, e);
}

/* The text is filled up with sentences until the whole has size bytes. */
static char *fill(const json_t *comment, size_t size)
{
	CLEANUP(str_release) struct str text = STR_INIT(LIMIT_COMMENT);
	CLEANUP(free) char *bare = NULL;

	str_puts(&text, "You are right, I will look at it right away. ");
	bare = dump(comment, ID_MARK, text.text);
	if (!bare)
		return NULL;
	for (size_t len = strlen(bare); len + sizeof(sentence) < size;
	     len += sizeof(sentence) - 1)
		str_puts(&text, sentence);
	return dump(comment, ID_MARK, text.text);
}

enum err payload_write(const json_t *comment, const char *base, size_t size,
		       int count, const char *secret, size_t *ret_size,
		       struct error *e)
{
	CLEANUP(str_release) struct str lines = STR_INIT(64 << 20);
	CLEANUP(free) char *body = fill(comment, size);
	char id[16], *at;
	size_t len;

	snprintf(id, sizeof(id), "%lld", ID_MARK);
	at = body ? strstr(body, id) : NULL;
	if (!at)
		return error_set(e, ERR_FATAL, "no place for the id");
	len = strlen(body);
	if (write_part(base, "head", body, (size_t)(at - body), e) ||
	    write_part(base, "tail", at + strlen(id), strlen(at + strlen(id)),
		       e))
		return e->code;
	for (int n = 0; n < count; n++) {
		snprintf(id, sizeof(id), "%lld", ID_MARK + n);
		memcpy(at, id, strlen(id));
		str_addf(&lines, "%s ", id);
		add_hmac(&lines, body, len, secret);
		str_putc(&lines, '\n');
	}
	*ret_size = len;
	if (str_check(&lines, e))
		return e->code;
	return write_part(base, "signed", lines.text, lines.len, e);
}

double payload_hmac_us(size_t size)
{
	enum { TIMES = 500 };
	CLEANUP(free) char *body = calloc(1, size);
	struct timespec from, to;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int n = 0; body && n < TIMES; n++) {
		CLEANUP(str_release) struct str hex = STR_INIT(64);

		add_hmac(&hex, body, size, "yardstick");
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e6 +
		(double)(to.tv_nsec - from.tv_nsec) / 1e3) /
	       TIMES;
}
