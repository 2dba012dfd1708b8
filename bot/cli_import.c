/*
 * The trust list as a file: KernelCI's data/staging.ini, taken over and
 * written.  Names are looked up here; what follows from them is decided by
 * the engine, in one event.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/cli_engine.h"
#include "bot/cli_parts.h"
#include "bot/staging_list.h"

#define REMOVALS_MAX 10

struct import_options {
	const char *path;
	bool apply;
	bool skip_unknown;
	int64_t max_removals;
};

static bool read_number(const char *text, int64_t *ret)
{
	char *end;

	*ret = strtoll(text, &end, 10);
	return end != text && !*end && *ret >= 0;
}

static bool read_options(int argc, char **argv, struct import_options *o)
{
	static const struct option options[] = {
		{"apply", no_argument, NULL, 'a'},
		{"skip-unknown", no_argument, NULL, 's'},
		{"max-removals", required_argument, NULL, 'm'},
		{0},
	};
	int opt;

	*o = (struct import_options){.max_removals = REMOVALS_MAX};
	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'a')
			o->apply = true;
		else if (opt == 's')
			o->skip_unknown = true;
		else if (opt != 'm' || !read_number(optarg, &o->max_removals))
			return false;
	}
	if (optind != argc - 1)
		return false;
	o->path = argv[optind];
	return true;
}

static json_t *read_names(const char *path, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(LIMIT_CONFIG_FILE);

	if (fs_read(path, &text, e))
		return NULL;
	return staging_list_read(text.text, text.len, e);
}

/* All are looked up, so that all that are unknown are named. */
static enum err look_up_all(const struct config *c, const json_t *names,
			    json_t *list, size_t *ret_unknown, struct error *e)
{
	const json_t *name;
	size_t i;

	*ret_unknown = 0;
	json_array_foreach (names, i, name) {
		const char *login = json_string_value(name);
		struct principal who;
		enum err code = cli_look_up(c, login, &who, e);

		if (code == ERR_MISSING) {
			fprintf(stderr, "kcibot: unknown to the forge: %s\n",
				login);
			++*ret_unknown;
			continue;
		}
		if (code)
			return code;
		json_array_append_new(list,
				      json_pack("{s:I, s:s, s:s}", "id",
						(json_int_t)who.id, "login",
						who.login, "kind", who.kind));
	}
	return ERR_OK;
}

/* The file's name without its folder says which list it is. */
static char *source_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return str_format("import %s", slash ? slash + 1 : path);
}

int cli_trust_import(const struct config *c, int argc, char **argv)
{
	CLEANUP(json_decref) json_t *names = NULL;
	CLEANUP(json_decref) json_t *list = json_array();
	CLEANUP(free) char *source = NULL;
	struct error e = ERROR_INIT;
	struct import_options o;
	size_t unknown;

	if (!read_options(argc, argv, &o))
		return cli_usage("trust import --config FILE LIST [--apply] "
				 "[--max-removals 10] [--skip-unknown]");
	names = read_names(o.path, &e);
	if (!names)
		return cli_fail(o.path, &e);
	if (look_up_all(c, names, list, &unknown, &e))
		return cli_fail("", &e);
	if (unknown && !o.skip_unknown) {
		error_set(&e, ERR_MISSING,
			  "%zu unknown, nothing was done: mend the list, or "
			  "leave them out with --skip-unknown",
			  unknown);
		return cli_fail(o.path, &e);
	}
	source = source_of(o.path);
	return cli_ask_and_print(
		c, json_pack("{s:s, s:s, s:b, s:I, s:O}", "op", "trust.import",
			     "source", source, "apply", o.apply, "max_removals",
			     (json_int_t)o.max_removals, "list", list));
}

int cli_trust_export(const struct config *c, int argc, char **argv UNUSED)
{
	CLEANUP(str_release) struct str out = STR_INIT(4u << 20);
	CLEANUP(json_decref) json_t *answer = NULL;
	struct error e = ERROR_INIT;

	if (argc != 1)
		return cli_usage("trust export --config FILE");
	answer = cli_ask(c, json_pack("{s:s}", "op", "trust.list"));
	if (!answer)
		return 1;
	staging_list_write(&out, js_get(answer, "trust"));
	if (str_check(&out, &e))
		return cli_fail("", &e);
	fputs(out.text, stdout);
	return 0;
}
