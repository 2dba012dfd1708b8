#include "store/audit.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/limits.h"
#include "bot/base/str.h"
#include "store/internal.h"
#include "store/record.h"

#define HEAD_KEY "audit_head"
#define TEXTS 5

/* Text as SQLite has it: a NUL in the middle hides nothing from the hash. */
struct span {
	const char *text;
	size_t len;
};

struct entry {
	int64_t id, at_ms;
	struct span texts[TEXTS]; /* actor, action, subject, why, evidence */
};

static void hash_number(crypto_generichash_state *h, int64_t n)
{
	uint64_t left = (uint64_t)n;
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++, left >>= 8)
		bytes[i] = (unsigned char)left;
	crypto_generichash_update(h, bytes, sizeof(bytes));
}

/* Lengths stand before texts, so that none can lean over into the next. */
static void hash_entry(const struct entry *x, const unsigned char *prev,
		       unsigned char ret[AUDIT_HASH_SIZE])
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, NULL, 0, AUDIT_HASH_SIZE);
	crypto_generichash_update(&h, prev, AUDIT_HASH_SIZE);
	hash_number(&h, x->id);
	hash_number(&h, x->at_ms);
	for (size_t i = 0; i < TEXTS; i++) {
		hash_number(&h, (int64_t)x->texts[i].len);
		crypto_generichash_update(
			&h, (const unsigned char *)x->texts[i].text,
			x->texts[i].len);
	}
	crypto_generichash_final(&h, ret, AUDIT_HASH_SIZE);
}

/* --- the head --- */

void audit_head_text(const struct audit_head *head,
		     char ret[AUDIT_HEAD_TEXT_SIZE])
{
	char hex[2 * AUDIT_HASH_SIZE + 1];

	sodium_bin2hex(hex, sizeof(hex), head->hash, AUDIT_HASH_SIZE);
	snprintf(ret, AUDIT_HEAD_TEXT_SIZE, "%lld:%s", (long long)head->id,
		 hex);
}

bool audit_head_parse(const char *text, struct audit_head *ret)
{
	const char *hex = strchr(text, ':');
	size_t len;
	char *end;

	if (!hex || *text < '0' || *text > '9')
		return false;
	ret->id = strtoll(text, &end, 10);
	return end == hex && strlen(++hex) == 2 * AUDIT_HASH_SIZE &&
	       !sodium_hex2bin(ret->hash, AUDIT_HASH_SIZE, hex,
			       2 * AUDIT_HASH_SIZE, NULL, &len, NULL) &&
	       len == AUDIT_HASH_SIZE;
}

static enum err read_head(struct store *s, struct audit_head *ret,
			  bool *ret_known, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(AUDIT_HEAD_TEXT_SIZE);

	*ret = (struct audit_head){0};
	if (store_meta(s, HEAD_KEY, &text, e))
		return e->code;
	*ret_known = audit_head_parse(text.text, ret);
	if (!*ret_known)
		*ret = (struct audit_head){0};
	return ERR_OK;
}

enum err store_audit_head(struct store *s, struct audit_head *ret,
			  struct error *e)
{
	bool known;

	return read_head(s, ret, &known, e);
}

static enum err write_head(struct store *s, const struct audit_head *head,
			   struct error *e)
{
	char text[AUDIT_HEAD_TEXT_SIZE];

	audit_head_text(head, text);
	return store_meta_set(s, HEAD_KEY, text, e);
}

/* --- adding --- */

void audit_actor(char *ret, size_t size, const char *by_whom, const char *login,
		 int64_t id)
{
	snprintf(ret, size, "%.96s%s%.64s (%lld)", by_whom,
		 *by_whom ? " as " : "", login, (long long)id);
}

/* What cannot be kept must not keep the entry away. */
static char *evidence_text(const json_t *evidence)
{
	char *text = evidence ? js_dump(evidence) : NULL;
	size_t len = text ? strlen(text) : 0;

	if (len <= LIMIT_AUDIT_EVIDENCE)
		return text;
	free(text);
	return str_format("{\"too_long\":%zu}", len);
}

static enum err add(struct store *s, struct entry *x, struct error *e)
{
	const char *actor = x->texts[0].text, *action = x->texts[1].text;
	const char *subject = x->texts[2].text, *why = x->texts[3].text;
	const char *evidence = x->texts[4].text;
	struct audit_head head, next;
	int64_t last;
	bool known;

	/*
	 * What we kept of the end counts, not what lies there now: an end
	 * that was cut off or added to stays visible behind our entry.
	 */
	if (read_head(s, &head, &known, e) ||
	    db_value(&s->db, STMT_AUDIT_LAST, NO_ARGS, 0, &last, e))
		return e->code;
	if (head.id > last)
		last = head.id;
	if (last == INT64_MAX)
		return error_set(e, ERR_FATAL, "the audit has no number left");
	x->id = next.id = last + 1;
	for (size_t i = 0; i < TEXTS; i++)
		x->texts[i].len = strlen(x->texts[i].text);
	hash_entry(x, head.hash, next.hash);
	if (db_run(&s->db, STMT_AUDIT_ADD,
		   ARGS(ARG(x->id), ARG(x->at_ms), ARG(actor), ARG(action),
			ARG(subject), ARG(why), ARG(evidence),
			arg_blob(head.hash, AUDIT_HASH_SIZE),
			arg_blob(next.hash, AUDIT_HASH_SIZE)),
		   e))
		return e->code;
	return write_head(s, &next, e);
}

enum err store_audit_with(struct store *s, int64_t at_ms, const char *actor,
			  const char *action, const char *subject,
			  const char *why, json_t *evidence, struct error *e)
{
	CLEANUP(json_decref) json_t *owned = evidence;
	CLEANUP(free) char *text = evidence_text(owned);
	struct entry x = {
		.at_ms = at_ms,
		.texts = {{.text = actor},
			  {.text = action},
			  {.text = subject},
			  {.text = why},
			  {.text = text ? text : ""}},
	};

	return add(s, &x, e);
}

enum err store_audit(struct store *s, int64_t at_ms, const char *actor,
		     const char *action, const char *subject, const char *why,
		     struct error *e)
{
	return store_audit_with(s, at_ms, actor, action, subject, why, NULL, e);
}

/* --- looking --- */

static void broke(struct audit_report *r, int64_t id, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static void broke(struct audit_report *r, int64_t id, const char *fmt, ...)
{
	va_list ap;

	if (r->broken)
		return;
	r->broken = true;
	r->broken_id = id;
	va_start(ap, fmt);
	vsnprintf(r->broken_how, sizeof(r->broken_how), fmt, ap);
	va_end(ap);
}

static void missing(struct audit_report *r, int64_t first, int64_t last)
{
	if (first == last)
		broke(r, first, "it is missing");
	else
		broke(r, first, "entries %lld to %lld are missing",
		      (long long)first, (long long)last);
}

static bool is_same(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, AUDIT_HASH_SIZE) == 0;
}

/* after_old: the entries before it have no hash of their own. */
static void check(struct audit_report *r, const struct audit_row *row,
		  const unsigned char *computed, bool after_old)
{
	if (row->id > r->head.id + 1)
		missing(r, r->head.id + 1, row->id - 1);
	else if (row->id <= r->head.id)
		broke(r, row->id, "no entry has such a number");
	else if (!row->chained && !after_old)
		broke(r, row->id, "its hash is missing");
	else if (row->chained && !is_same(row->prev, r->head.hash))
		broke(r, row->id, "%s",
		      after_old && r->count ? "it does not follow from the "
					      "older entries: one of them was "
					      "changed"
					    : "it does not follow the entry "
					      "before: one of the two was "
					      "replaced");
	else if (row->chained && !is_same(row->hash, computed))
		broke(r, row->id, "it was changed");
}

static const unsigned char *hash_column(sqlite3_stmt *row, int column)
{
	const void *data = sqlite3_column_blob(row, column);

	return sqlite3_column_bytes(row, column) == AUDIT_HASH_SIZE ? data
								    : NULL;
}

static void read_entry(sqlite3_stmt *from, struct entry *x,
		       struct audit_row *row)
{
	const char **texts[TEXTS] = {&row->actor, &row->action, &row->subject,
				     &row->why, &row->evidence};

	x->id = row->id = db_int(from, 0);
	x->at_ms = row->at_ms = db_int(from, 1);
	for (int i = 0; i < TEXTS; i++) {
		*texts[i] = x->texts[i].text = db_text(from, i + 2);
		x->texts[i].len = (size_t)sqlite3_column_bytes(from, i + 2);
	}
	row->prev = hash_column(from, TEXTS + 2);
	row->hash = hash_column(from, TEXTS + 3);
	row->chained = row->prev && row->hash;
}

/* The head that was kept must be the last entry. */
static enum err check_head(struct store *s, struct audit_report *r,
			   bool chained, struct error *e)
{
	struct audit_head kept;
	bool known;

	if (read_head(s, &kept, &known, e))
		return e->code;
	/* A file that was only just migrated has none yet. */
	if (!known && chained)
		broke(r, r->head.id, "the record of the last entry is gone");
	if (!known)
		return ERR_OK;
	if (kept.id > r->head.id)
		missing(r, r->head.id + 1, kept.id);
	else if (kept.id < r->head.id)
		broke(r, kept.id + 1, "it was added by somebody else");
	else if (!is_same(kept.hash, r->head.hash))
		broke(r, kept.id, "it was changed or replaced");
	return ERR_OK;
}

enum err store_audit_verify(
	struct store *s, void (*each)(void *ctx, const struct audit_row *row),
	void *ctx, struct audit_report *ret, struct error *e)
{
	unsigned char computed[AUDIT_HASH_SIZE];
	struct audit_row row;
	struct entry x;
	sqlite3_stmt *from;
	bool chained = false;
	enum err code;

	*ret = (struct audit_report){0};
	if (db_start(&s->db, STMT_AUDIT_ALL, NO_ARGS, &from, e))
		return e->code;
	while (db_next(&s->db, from, &code, e)) {
		read_entry(from, &x, &row);
		hash_entry(&x, ret->head.hash, computed);
		check(ret, &row, computed, !chained);
		if (!row.hash)
			row.hash = computed;
		if (each)
			each(ctx, &row);
		chained = chained || row.chained;
		ret->count++;
		ret->head.id = row.id;
		memcpy(ret->head.hash, row.hash, AUDIT_HASH_SIZE);
	}
	return code ? code : check_head(s, ret, chained, e);
}

/* --- the beginning --- */

enum err audit_begin_chain(struct store *s, struct error *e)
{
	struct audit_report report;
	struct audit_head head;
	int64_t chained;
	bool known;

	/* With a chain but no head somebody was at work: that must show. */
	if (read_head(s, &head, &known, e) ||
	    db_value(&s->db, STMT_AUDIT_CHAINED, NO_ARGS, 0, &chained, e))
		return e->code;
	if (known || chained)
		return ERR_OK;
	if (store_begin(s, e))
		return e->code;
	if (store_audit_verify(s, NULL, NULL, &report, e) ||
	    write_head(s, &report.head, e) || store_commit(s, e)) {
		store_rollback(s);
		return e->code;
	}
	return ERR_OK;
}
