#include "store/view_parts.h"

#include <string.h>

#include "bot/base/str.h"

void view_init(struct view *v, struct store *s,
	       const struct view_settings *settings, int64_t now_ms,
	       struct error *e)
{
	*v = (struct view){
		.store = s,
		.settings = settings,
		.now_ms = now_ms,
		.tails_left = VIEW_TAILS,
		.e = e,
	};
}

static void fail(struct view *v, enum err code)
{
	if (!v->failed)
		v->failed = code;
}

static void fail_memory(struct view *v)
{
	if (!v->failed)
		v->failed = error_set(v->e, ERR_FATAL, "out of memory");
}

json_t *view_take(struct view *v, json_t *root)
{
	if (!v->failed && !root)
		fail_memory(v);
	if (v->failed) {
		json_decref(root);
		return NULL;
	}
	return root;
}

void view_put(struct view *v, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		fail_memory(v);
}

void view_push(struct view *v, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		fail_memory(v);
}

/* Bytes of the character at p that JSON takes, 0 when it is broken. */
static size_t good_char(const char *p)
{
	size_t left = strnlen(p, 4);

	for (size_t n = 1; n <= left; n++) {
		json_t *one = json_stringn(p, n);

		if (one) {
			json_decref(one);
			return n;
		}
	}
	return 0;
}

json_t *view_text(const char *text)
{
	CLEANUP(str_release) struct str s = STR_INIT(SIZE_MAX / 4);
	json_t *good = json_string(text);

	/* The usual case; logs of jobs may hold any bytes. */
	if (good)
		return good;
	while (*text) {
		size_t n = good_char(text);

		if (n)
			str_add(&s, text, n);
		else
			str_puts(&s, "\xef\xbf\xbd");
		text += n ? n : 1;
	}
	return s.failed ? NULL : json_stringn(s.text, s.len);
}

static json_t *column_json(sqlite3_stmt *s, int i, bool boolean)
{
	if (boolean)
		return json_boolean(db_int(s, i));
	if (sqlite3_column_type(s, i) == SQLITE_INTEGER)
		return json_integer(db_int(s, i));
	return view_text(db_text(s, i));
}

static json_t *row_json(struct view *v, sqlite3_stmt *s)
{
	json_t *row = json_object();

	for (int i = 0; i < sqlite3_column_count(s); i++) {
		char key[32];
		const char *name = sqlite3_column_name(s, i);
		size_t n = name ? strnlen(name, sizeof(key) - 1) : 0;
		bool boolean = n && name[n - 1] == '?';

		n -= boolean;
		memcpy(key, name ? name : "", n);
		key[n] = '\0';
		view_put(v, row, key, column_json(s, i, boolean));
	}
	return row;
}

json_t *view_rows(struct view *v, enum statement q, const struct arg *args,
		  size_t count)
{
	json_t *list = json_array();
	sqlite3_stmt *s;
	enum err code;

	if (v->failed)
		return list;
	if (db_start(&v->store->db, q, args, count, &s, v->e)) {
		fail(v, v->e->code);
		return list;
	}
	while (db_next(&v->store->db, s, &code, v->e))
		view_push(v, list, row_json(v, s));
	fail(v, code);
	return list;
}

json_t *view_row(struct view *v, enum statement q, const struct arg *args,
		 size_t count)
{
	CLEANUP(json_decref) json_t *list = view_rows(v, q, args, count);

	return json_incref(json_array_get(list, 0));
}

int64_t view_value(struct view *v, enum statement q, const struct arg *args,
		   size_t count, int64_t absent)
{
	int64_t value = absent;

	if (v->failed)
		return absent;
	fail(v, db_value(&v->store->db, q, args, count, absent, &value, v->e));
	return value;
}
