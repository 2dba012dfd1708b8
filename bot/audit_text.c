#include "bot/audit_text.h"

#include <sodium.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/redact.h"
#include "bot/base/unicode.h"

/* A row that somebody tampered with may hold anything. */
#define TEXT_MAX (1u << 20)

static void plain(struct str *out, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t from = at;
		uint32_t c = unicode_next(text, len, &at);

		if (c == UNICODE_INVALID)
			str_addf(out, "\\x%02x", (unsigned char)text[from]);
		else if (c == '\t' || unicode_deceives(c))
			str_addf(out, "\\u%04x", (unsigned)c);
		else
			str_add(out, text + from, at - from);
	}
}

static void field(struct str *out, const char *text)
{
	CLEANUP(str_release) struct str safe = STR_INIT(TEXT_MAX);

	redact_text(&safe, text, strlen(text));
	str_putc(out, '\t');
	plain(out, safe.text, safe.len);
}

void audit_line(struct str *out, const struct audit_row *row)
{
	time_iso(out, row->at_ms);
	str_addf(out, "\t%lld", (long long)row->id);
	field(out, row->actor);
	field(out, row->action);
	field(out, row->subject);
	field(out, row->why);
}

static json_t *text_json(const char *text)
{
	CLEANUP(str_release) struct str safe = STR_INIT(TEXT_MAX);
	CLEANUP(str_release) struct str shown = STR_INIT(TEXT_MAX);
	json_t *value;

	redact_text(&safe, text, strlen(text));
	value = json_stringn(safe.text, safe.len);
	if (value)
		return value;
	/* It is not UTF-8. */
	plain(&shown, safe.text, safe.len);
	return json_stringn(shown.text, shown.len);
}

/* The same value with every text in it redacted. */
static json_t *redacted(const json_t *value)
{
	json_t *copy, *one;
	const char *name;
	size_t i;

	if (json_is_string(value))
		return text_json(json_string_value(value));
	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach (value, i, one)
			json_array_append_new(copy, redacted(one));
		return copy;
	}
	if (json_is_object(value)) {
		copy = json_object();
		json_object_foreach ((json_t *)(uintptr_t)value, name, one)
			json_object_set_new(copy, name, redacted(one));
		return copy;
	}
	return json_deep_copy(value);
}

static json_t *evidence_json(const char *text)
{
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *value = NULL;

	if (!*text)
		return json_object();
	value = js_parse(text, strlen(text), &e);
	return value ? redacted(value) : text_json(text);
}

static json_t *hash_json(const unsigned char *hash)
{
	char hex[2 * AUDIT_HASH_SIZE + 1];

	if (!hash)
		return json_null();
	sodium_bin2hex(hex, sizeof(hex), hash, AUDIT_HASH_SIZE);
	return json_string(hex);
}

json_t *audit_json(const struct audit_row *row)
{
	CLEANUP(str_release) struct str at = STR_INIT(64);

	time_iso(&at, row->at_ms);
	return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "id", (json_int_t)row->id, "at_ms",
			 (json_int_t)row->at_ms, "at", at.text, "actor",
			 text_json(row->actor), "action",
			 text_json(row->action), "subject",
			 text_json(row->subject), "why", text_json(row->why),
			 "evidence", evidence_json(row->evidence), "prev",
			 hash_json(row->chained ? row->prev : NULL), "hash",
			 hash_json(row->chained ? row->hash : NULL));
}
