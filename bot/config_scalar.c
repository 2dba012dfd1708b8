#include "bot/config_scalar.h"

#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/config_json.h"
#include "deploy/environment.h"

#define TEXT_MAX 1000
#define LINES_MAX (64 << 10)

typedef void read_scalar(const struct value *v);

/*
 * Says that the value must be something else; quotes it when it is short and
 * not what must not be seen.
 */
void scalar_refuse(const struct value *v, const char *must)
{
	size_t n = v->n->kind == YNODE_TEXT ? strlen(v->n->text) : 0;

	if (v->n->kind != YNODE_TEXT)
		report_mistake(v->r->report, v->n->at, "'%s' %s, not %s",
			       v->name, must, ynode_kind_name(v->n));
	else if (ynode_is_null(v->n))
		report_mistake(v->r->report, v->n->at,
			       "'%s' has no value; it %s", v->name, must);
	else if (n > 60 || str_starts(must, "must not"))
		report_mistake(v->r->report, v->n->at, "'%s' %s", v->name,
			       must);
	else
		report_mistake(v->r->report, v->n->at, "'%s' %s, not '%s'",
			       v->name, must, v->n->text);
}

static bool has_control(const char *text, bool lines)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < 0x20 || c == 0x7f) &&
		    !(lines && (c == '\n' || c == '\t')))
			return true;
	}
	return false;
}

/* NULL when it is not such a text, which is then reported. */
static const char *good_text(const struct value *v)
{
	size_t max = v->f->lines ? LINES_MAX : TEXT_MAX;
	struct error e = ERROR_INIT;
	CLEANUP(str_release) struct str must = STR_INIT(200);

	if (v->f->type == FIELD_TEXT && v->f->max)
		max = (size_t)v->f->max;
	if (v->n->kind != YNODE_TEXT || ynode_is_null(v->n)) {
		scalar_refuse(v, "must be text");
	} else if (strlen(v->n->text) > max) {
		str_addf(&must, "must have at most %zu bytes", max);
		scalar_refuse(v, must.text);
	} else if (has_control(v->n->text, v->f->lines)) {
		scalar_refuse(v, "must not hold control characters");
	} else if (v->f->check && v->f->check(v->n->text, &e) == ERR_FATAL) {
		v->r->report->arena->failed = true;
	} else if (e.code) {
		scalar_refuse(v, e.text);
	} else {
		return v->n->text;
	}
	return NULL;
}

static void read_text(const struct value *v)
{
	const char *text = good_text(v);

	if (text)
		*(const char **)v->member = text;
}

static void read_base_url(const struct value *v)
{
	const char *text = good_text(v);
	size_t n = text ? strlen(text) : 0;
	const char *copy;

	while (n && text[n - 1] == '/')
		n--;
	copy = text ? arena_text(v->r->report->arena, text, n) : NULL;
	if (copy)
		*(const char **)v->member = copy;
}

static void read_file(const struct value *v)
{
	const char *text = good_text(v), *copy;
	CLEANUP(str_release) struct str path = STR_INIT(3 * TEXT_MAX);

	if (!text)
		return;
	if (!*text) {
		scalar_refuse(v, "must be the path of a file");
		return;
	}
	if (text[0] != '/')
		str_addf(&path, "%s/", v->r->folder);
	str_puts(&path, text);
	if (path.failed == ERR_INVALID) {
		scalar_refuse(v, "must be a shorter path");
		return;
	}
	if (path.failed) {
		v->r->report->arena->failed = true;
		return;
	}
	copy = arena_text(v->r->report->arena, path.text, path.len);
	if (copy)
		*(const char **)v->member = copy;
}

/* A whole number within the row's range. */
static bool whole(const struct value *v, int64_t *ret)
{
	CLEANUP(str_release) struct str must = STR_INIT(200);
	const char *digits = v->n->kind == YNODE_TEXT ? v->n->text : "";
	size_t n;

	digits += *digits == '-';
	n = strspn(digits, "0123456789");
	if (!n || digits[n] || !v->n->plain) {
		scalar_refuse(v, "must be a whole number");
		return false;
	}
	*ret = n > 15 ? INT64_MAX : strtoll(v->n->text, NULL, 10);
	if (*ret >= v->f->min && *ret <= v->f->max)
		return true;
	str_addf(&must, "must be from %lld to %lld", (long long)v->f->min,
		 (long long)v->f->max);
	scalar_refuse(v, must.text);
	return false;
}

static void read_int(const struct value *v)
{
	int64_t number;

	if (whole(v, &number))
		*(int *)v->member = (int)number;
}

static void read_id(const struct value *v)
{
	int64_t number;

	if (whole(v, &number))
		*(int64_t *)v->member = number;
}

static void read_minutes(const struct value *v)
{
	int64_t number;

	if (whole(v, &number))
		*(int64_t *)v->member = number * 60000;
}

static void read_span(const struct value *v)
{
	CLEANUP(str_release) struct str must = STR_INIT(200);
	int64_t ms;

	if (v->n->kind != YNODE_TEXT || !time_parse_span(v->n->text, &ms)) {
		scalar_refuse(v,
			      "must be a duration such as 30s, 5m, 6h or 14d");
		return;
	}
	if (ms >= v->f->min && ms <= v->f->max) {
		*(int64_t *)v->member = ms;
		return;
	}
	str_puts(&must, "must be from ");
	config_span(&must, v->f->min);
	str_puts(&must, " to ");
	config_span(&must, v->f->max);
	scalar_refuse(v, must.text);
}

static void read_bool(const struct value *v)
{
	bool text = v->n->kind == YNODE_TEXT && v->n->plain;

	if (text && !strcmp(v->n->text, "true"))
		*(bool *)v->member = true;
	else if (text && !strcmp(v->n->text, "false"))
		*(bool *)v->member = false;
	else
		scalar_refuse(v, "must be true or false");
}

static void read_number(const struct value *v)
{
	CLEANUP(str_release) struct str must = STR_INIT(200);
	const char *text = v->n->kind == YNODE_TEXT ? v->n->text : "";
	double number = strtod(text, NULL);

	/* The digits alone: strtod() knows hexadecimal and "nan", too. */
	if (strspn(text, "0123456789.") == strlen(text) && *text &&
	    strlen(text) < 20 && number * 1000 >= (double)v->f->min &&
	    number * 1000 <= (double)v->f->max) {
		*(double *)v->member = number;
		return;
	}
	str_addf(&must, "must be a number from 0.%03lld to 0.%03lld",
		 (long long)v->f->min, (long long)v->f->max);
	scalar_refuse(v, must.text);
}

static void read_choice(const struct value *v)
{
	CLEANUP(str_release) struct str must = STR_INIT(200);

	for (int i = 0; v->f->choices[i]; i++) {
		if (v->n->kind == YNODE_TEXT &&
		    !strcmp(v->n->text, v->f->choices[i])) {
			*(int *)v->member = i;
			return;
		}
		str_addf(&must, "%s%s",
			 !i			? "must be "
			 : v->f->choices[i + 1] ? ", "
						: " or ",
			 v->f->choices[i]);
	}
	scalar_refuse(v, must.text);
}

static void read_moment(const struct value *v)
{
	if (v->n->kind != YNODE_TEXT || !parse_moment(v->n->text, v->member))
		scalar_refuse(
			v,
			"must be a weekday and a time such as \"Fri 18:00\"");
}

bool scalar_countable(const struct value *v, enum ynode_kind kind)
{
	if (v->n->kind != kind) {
		scalar_refuse(v, kind == YNODE_LIST ? "must be a list"
						    : "must be a map");
		return false;
	}
	if ((int64_t)v->n->count < v->f->min)
		report_mistake(v->r->report, v->n->at, "'%s' is empty",
			       v->name);
	else if ((int64_t)v->n->count > v->f->max)
		report_mistake(v->r->report, v->n->at,
			       "'%s' has more than %lld entries", v->name,
			       (long long)v->f->max);
	return true;
}

static void read_texts(const struct value *v)
{
	const char **list;
	size_t count = 0;

	if (!scalar_countable(v, YNODE_LIST))
		return;
	list = arena_alloc(v->r->report->arena, v->n->count + 1, sizeof(*list));
	if (!list)
		return;
	for (const struct ynode *n = v->n->first; n; n = n->next) {
		struct value item = *v;

		item.n = n;
		list[count] = "";
		item.member = &list[count++];
		read_text(&item);
	}
	*(text_list *)v->member = list;
}

static void read_json(const struct value *v)
{
	const char *text;

	if (v->n->kind == YNODE_LIST || ynode_is_null(v->n)) {
		scalar_refuse(v, "must be a map or one value");
		return;
	}
	text = config_json(v->n, v->r->report);
	if (text)
		*(const char **)v->member = text;
}

static read_scalar *const readers[] = {
	[FIELD_TEXT] = read_text,
	[FIELD_FILE] = read_file,
	[FIELD_BASE_URL] = read_base_url,
	[FIELD_INT] = read_int,
	[FIELD_ID] = read_id,
	[FIELD_SPAN] = read_span,
	[FIELD_MINUTES] = read_minutes,
	[FIELD_BOOL] = read_bool,
	[FIELD_NUMBER] = read_number,
	[FIELD_CHOICE] = read_choice,
	[FIELD_MOMENT] = read_moment,
	[FIELD_TEXTS] = read_texts,
	[FIELD_JSON] = read_json,
};

void scalar_read(const struct value *v)
{
	readers[v->f->type](v);
}
