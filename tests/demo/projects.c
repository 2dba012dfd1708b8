#include "tests/demo/projects.h"

#include <string.h>

#define FILE_MAX (64u << 10)

/* clang-format off */
const char demo_config[] =
#include "tests/demo/kcibot.yaml.inc"
;

const struct recipe_file recipe_files[RECIPE_FILES] = {
	{"build.sh",
#include "tests/demo/recipes/build.sh.inc"
	},
	{"deploy.sh",
#include "tests/demo/recipes/deploy.sh.inc"
	},
	{"test.sh",
#include "tests/demo/recipes/test.sh.inc"
	},
};

static const struct {
	const char *repo, *path, *text;
} files[] = {
	{GREETING, "README.md",
#include "tests/demo/projects/greeting/README.md.inc"
	},
	{GREETING, "greeting.c",
#include "tests/demo/projects/greeting/greeting.c.inc"
	},
	{GREETING, "greeting.h",
#include "tests/demo/projects/greeting/greeting.h.inc"
	},
	{SERVICE, "README.md",
#include "tests/demo/projects/service/README.md.inc"
	},
	{SERVICE, "page.c",
#include "tests/demo/projects/service/page.c.inc"
	},
	{SERVICE, "page.h",
#include "tests/demo/projects/service/page.h.inc"
	},
	{SERVICE, "price.h",
#include "tests/demo/projects/service/price.h.inc"
	},
	{SERVICE, "service.c",
#include "tests/demo/projects/service/service.c.inc"
	},
	{SERVICE, "test.sh",
#include "tests/demo/projects/service/test.sh.inc"
	},
	{SERVICE, "test_price.c",
#include "tests/demo/projects/service/test_price.c.inc"
	},
};
/* clang-format on */

const struct edit greet_nicely[] = {
	{GREETING, "greeting.c", "\treturn \"Welcome to our shop.\";\n",
	 "\treturn \"Good morning, and welcome to our shop!\";\n"},
	{0},
};

const struct edit price_right[] = {
	{SERVICE, "price.h",
	 "\tsnprintf(to, size, \"%d.%d EUR\", cents / 100, cents % 100);\n",
	 "\tsnprintf(to, size, \"%d.%02d EUR\", cents / 100, cents % 100);\n"},
	{SERVICE, "test_price.c", "\tcheck(250, \"2.50 EUR\");\n",
	 "\tcheck(250, \"2.50 EUR\");\n"
	 "\tcheck(205, \"2.05 EUR\");\n"},
	{0},
};

const struct edit hours_broken[] = {
	{SERVICE, "page.c", "\t\t \"Apples: %s a kilo.\\n\",\n",
	 "\t\t \"Apples: %s a kilo.\\n\"\n"
	 "\t\t \"Open until %s.\\n\",\n"},
	{SERVICE, "page.c", "\t\t greeting_text(), apples);\n",
	 "\t\t greeting_text(), apples, closing_time);\n"},
	{0},
};

const struct edit hours_repaired[] = {
	{SERVICE, "page.c", "#define APPLES 205 /* cents for a kilo */\n",
	 "#define APPLES 205 /* cents for a kilo */\n"
	 "\n"
	 "static const char closing_time[] = \"20:00\";\n"},
	{0},
};

json_t *project_files(const char *repo)
{
	json_t *ret = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].repo, repo))
			json_object_set_new(ret, files[i].path,
					    json_string(files[i].text));
	return ret;
}

static bool apply(json_t *all, const struct edit *edit, json_t *changed)
{
	CLEANUP(str_release) struct str text = STR_INIT(FILE_MAX);
	const char *old = json_string_value(json_object_get(all, edit->path));
	const char *at = old ? strstr(old, edit->from) : NULL;

	if (!at)
		return false;
	str_add(&text, old, (size_t)(at - old));
	str_puts(&text, edit->to);
	str_puts(&text, at + strlen(edit->from));
	json_object_set_new(all, edit->path, json_string(text.text));
	json_object_set_new(changed, edit->path, json_string(text.text));
	return true;
}

json_t *project_edited(const char *repo, const struct edit *const *lists)
{
	CLEANUP(json_decref) json_t *all = project_files(repo);
	CLEANUP(json_decref) json_t *changed = json_object();

	for (; *lists; lists++)
		for (const struct edit *edit = *lists; edit->repo; edit++)
			if (strcmp(edit->repo, repo) != 0 ||
			    !apply(all, edit, changed))
				return NULL;
	return TAKE(changed);
}

static bool has_line(const char *text, const char *line, size_t len)
{
	for (; *text; text += strcspn(text, "\n") + 1)
		if (strcspn(text, "\n") == len && !strncmp(text, line, len))
			return true;
	return false;
}

/* The lines of text that other lacks. */
static void show_lines(char sign, const char *text, const char *other,
		       struct str *out)
{
	for (; *text; text += strcspn(text, "\n") + 1) {
		size_t len = strcspn(text, "\n");
		size_t indent = strspn(text, "\t ");

		if (len && !has_line(other, text, len))
			str_addf(out, "%c %.*s\n", sign, (int)(len - indent),
				 text + indent);
	}
}

void edits_show(const struct edit *list, struct str *out)
{
	for (; list->repo; list++) {
		show_lines('-', list->from, list->to, out);
		show_lines('+', list->to, list->from, out);
	}
}

void fill_in(struct str *out, const char *text, const char *const (*pairs)[2])
{
	while (*text) {
		size_t i = 0, n = 0;

		for (; pairs[i][0]; i++) {
			n = strlen(pairs[i][0]);
			if (!strncmp(text, pairs[i][0], n))
				break;
		}
		if (pairs[i][0]) {
			str_puts(out, pairs[i][1]);
			text += n;
		} else {
			str_putc(out, *text++);
		}
	}
}
