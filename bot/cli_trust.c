#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/cli.h"
#include "bot/cli_engine.h"
#include "bot/cli_parts.h"
#include "bot/cli_text.h"

static int trust_list(const struct config *c, int argc UNUSED,
		      char **argv UNUSED)
{
	CLEANUP(json_decref)
	json_t *answer = cli_ask(c, json_pack("{s:s}", "op", "trust.list"));
	CLEANUP(str_release) struct str out = STR_INIT(4u << 20);

	if (!answer)
		return 1;
	cli_trust_table(&out, js_get(answer, "trust"));
	fputs(out.text, stdout);
	return 0;
}

struct add_options {
	const char *login, *role, *scope, *reason;
	bool unasked;
	int64_t expires_ms;
};

static bool set_expiry(struct add_options *o, const char *until,
		       const char *span)
{
	int64_t ms;
	char iso[64];

	if (span) {
		if (!time_parse_span(span, &ms))
			return false;
		o->expires_ms = clock_wall(&clock_system) + ms;
		return true;
	}
	snprintf(iso, sizeof(iso), "%.20sT23:59:59Z", until);
	return time_parse_iso(iso, &o->expires_ms) ||
	       time_parse_iso(until, &o->expires_ms);
}

static bool set_unasked(struct add_options *o, const char *text)
{
	o->unasked = strcmp(text, "yes") == 0;
	return o->unasked || strcmp(text, "no") == 0;
}

static bool read_add_options(int argc, char **argv, struct add_options *o)
{
	static const struct option options[] = {
		{"role", required_argument, NULL, 'r'},
		{"for", required_argument, NULL, 'f'},
		{"until", required_argument, NULL, 'u'},
		{"project", required_argument, NULL, 'p'},
		{"reason", required_argument, NULL, 'w'},
		{"unasked", required_argument, NULL, 'd'},
		{0},
	};
	int opt;

	*o = (struct add_options){
		.role = "", .scope = "", .reason = "", .unasked = true};
	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'r')
			o->role = optarg;
		else if (opt == 'p')
			o->scope = optarg;
		else if (opt == 'w')
			o->reason = optarg;
		else if (opt == 'd' && !set_unasked(o, optarg))
			return false;
		else if (opt == 'f' && !set_expiry(o, NULL, optarg))
			return false;
		else if (opt == 'u' && !set_expiry(o, optarg, NULL))
			return false;
		else if (opt == '?')
			return false;
	}
	if (optind != argc - 1)
		return false;
	o->login = argv[optind] + (argv[optind][0] == '@');
	return *o->login && *o->role;
}

static int trust_add(const struct config *c, int argc, char **argv)
{
	struct error e = ERROR_INIT;
	struct add_options o;
	struct principal who;

	if (!read_add_options(argc, argv, &o))
		return cli_usage("trust add --config FILE LOGIN --role admin|"
				 "maintainer|contributor\n"
				 "       [--for 30d | --until 2027-01-31] "
				 "[--project OWNER/REPO] [--reason TEXT]\n"
				 "       [--unasked yes|no]");
	if (cli_look_up(c, o.login, &who, &e))
		return cli_fail("", &e);
	return cli_ask_and_print(
		c,
		json_pack("{s:s, s:s, s:I, s:s, s:b, s:s, s:s, s:s, s:I}", "op",
			  "trust.add", "login", who.login, "id",
			  (json_int_t)who.id, "kind", who.kind, "unasked",
			  o.unasked, "role", o.role, "scope", o.scope, "reason",
			  o.reason, "expires_ms", (json_int_t)o.expires_ms));
}

/* By its number, whatever it is called now. */
static int remove_id(const struct config *c, const char *text)
{
	char *end;
	long long id = strtoll(text, &end, 10);

	if (id <= 0 || *end)
		return cli_usage("trust remove --config FILE --id NUMBER");
	return cli_ask_and_print(c, json_pack("{s:s, s:s, s:I}", "op",
					      "trust.remove", "login", "", "id",
					      (json_int_t)id));
}

static int trust_remove(const struct config *c, int argc, char **argv)
{
	CLEANUP(free) char *login = NULL;
	struct error e = ERROR_INIT;
	const char *name;
	int64_t id = 0;
	enum err code;

	if (argc == 3 && strcmp(argv[1], "--id") == 0)
		return remove_id(c, argv[2]);
	if (argc != 2)
		return cli_usage(
			"trust remove --config FILE LOGIN|--id NUMBER");
	name = argv[1] + (argv[1][0] == '@');
	code = cli_resolve(c, name, &id, &login, &e);
	/* A deleted account is still found by the login we know. */
	if (code && code != ERR_MISSING)
		return cli_fail("", &e);
	return cli_ask_and_print(
		c, json_pack("{s:s, s:s, s:I}", "op", "trust.remove", "login",
			     login ? login : name, "id", (json_int_t)id));
}

int cli_trust(const struct config *c, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct config *c, int argc, char **argv);
	} verbs[] = {
		{"list", trust_list},	      {"add", trust_add},
		{"remove", trust_remove},     {"import", cli_trust_import},
		{"export", cli_trust_export},
	};

	for (size_t i = 0; argc > 0 && i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, argv[0]) == 0)
			return verbs[i].run(c, argc, argv);
	return cli_usage(
		"trust list|add|remove|import|export --config FILE ...");
}
