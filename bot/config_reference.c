#include <inttypes.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/config_schema.h"

void config_span(struct str *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = {
		{86400000, 'd'},
		{3600000, 'h'},
		{60000, 'm'},
		{1000, 's'},
	};
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && (!ms || ms % units[i].ms))
		i++;
	str_addf(out, "%" PRId64 "%c", ms / units[i].ms, units[i].unit);
}

static void add_choices(struct str *out, const char *const *choices)
{
	for (size_t i = 0; choices[i]; i++)
		str_addf(out, "%s`%s`",
			 !i		  ? ""
			 : choices[i + 1] ? ", "
					  : " or ",
			 choices[i]);
}

/* What may stand there, for a person. */
static void add_form(struct str *out, const struct field *f)
{
	switch (f->type) {
	case FIELD_FILE:
		str_puts(out, "file");
		break;
	case FIELD_INT:
	case FIELD_ID:
	case FIELD_MINUTES:
		str_addf(out, "number, %" PRId64 " to %" PRId64, f->min,
			 f->max);
		break;
	case FIELD_SPAN:
		str_puts(out, "duration, `");
		config_span(out, f->min);
		str_puts(out, "` to `");
		config_span(out, f->max);
		str_putc(out, '`');
		break;
	case FIELD_NUMBER:
		str_addf(out, "number, 0.%03" PRId64 " to 0.%03" PRId64, f->min,
			 f->max);
		break;
	case FIELD_BOOL:
		str_puts(out, "`true` or `false`");
		break;
	case FIELD_CHOICE:
		add_choices(out, f->choices);
		break;
	case FIELD_MOMENT:
		str_puts(out, "weekday and time, `Fri 18:00`");
		break;
	case FIELD_JSON:
		str_puts(out, "map or value");
		break;
	case FIELD_SECTION:
	case FIELD_OBJECT:
	case FIELD_NAMED:
		str_puts(out, "map");
		break;
	case FIELD_LIST:
		str_puts(out, "list of maps");
		break;
	default:
		str_puts(out, f->form);
	}
}

static void add_row(struct str *out, const struct field *f,
		    const struct section *s)
{
	str_addf(out, "| `%s` | ", f->key ? f->key : s->key_form);
	add_form(out, f);
	if (f->required)
		str_puts(out, " | **required** | ");
	else if (f->absent && *f->absent)
		str_addf(out, " | `%s` | ", f->absent);
	else
		str_puts(out, " | | ");
	str_addf(out, "%s |\n", f->help);
}

static void add_section(struct str *out, const struct section *s,
			const char *path)
{
	if (*path)
		str_addf(out, "### `%s`\n\n", path);
	else
		str_puts(out, "### The top of the file\n\n");
	str_puts(out, "| key | value | when absent | meaning |\n"
		      "|---|---|---|---|\n");
	for (size_t i = 0; i < s->field_count; i++)
		add_row(out, &s->fields[i], s);
	str_putc(out, '\n');
	for (size_t i = 0; i < s->field_count; i++) {
		const struct field *f = &s->fields[i];
		CLEANUP(str_release) struct str below = STR_INIT(1000);

		if (!f->section)
			continue;
		str_addf(&below, "%s%s%s", path, *path ? "." : "", f->key);
		if (f->type == FIELD_NAMED && f->section->fields[0].key)
			str_addf(&below, ".%s", f->section->key_form);
		else if (f->type == FIELD_LIST)
			str_puts(&below, "[]");
		add_section(out, f->section, below.text);
	}
}

void config_reference(struct str *out)
{
	add_section(out, &config_schema, "");
}
