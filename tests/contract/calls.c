/*
 * The forge client by itself, for a test that watches what it sends.
 *
 *	calls --list            the client's table, as a JSON array
 *	calls URL TOKEN_FILE    makes a call for each line of standard input:
 *		{"kind", "args"} -> {"code", "status", "unknown", "text",
 *"body"}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/clock.h"
#include "bot/base/json.h"
#include "bot/github.h"
#include "bot/github_calls.h"
#include "bot/version.h"

static json_t *row_json(const struct github_row *r)
{
	json_t *send = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(r->send) && r->send[i]; i++)
		json_array_append_new(send, json_string(r->send[i]));
	return json_pack("{s:s,s:s,s:s,s:o,s:b}", "kind", r->kind, "method",
			 r->method, "path", r->path, "send", send, "pages",
			 r->pages);
}

static int show(json_t *value)
{
	CLEANUP(json_decref) json_t *owned = value;
	CLEANUP(free) char *text = js_dump(owned);

	if (!text)
		return 1;
	puts(text);
	return fflush(stdout) ? 1 : 0;
}

static int list(void)
{
	json_t *all = json_array();

	for (const struct github_row *r = github_rows; r->kind; r++)
		json_array_append_new(all, row_json(r));
	return show(all);
}

static int call(const struct github_settings *s, const char *line, size_t len)
{
	struct error e = ERROR_INIT;
	CLEANUP(json_decref) json_t *wish = js_parse(line, len, &e);
	struct outcome o;
	enum err code;

	if (!wish) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	code = github_call(s, js_str(wish, "kind"), js_get(wish, "args"), &o,
			   &e);
	return show(json_pack("{s:s,s:i,s:b,s:s,s:o?}", "code", err_name(code),
			      "status", o.http_status, "unknown", o.unknown,
			      "text", o.text, "body", o.body));
}

static int call_all(const char *url, const char *token_file)
{
	const struct github_settings s = {
		.api_url = url,
		.token_file = token_file,
		.user_agent = "kcibot/" KCIBOT_VERSION,
		.clock = &clock_system,
	};
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int bad = 0;

	while (!bad && (len = getline(&line, &room, stdin)) > 0)
		bad = call(&s, line, (size_t)len);
	free(line);
	return bad;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list();
	if (argc == 3)
		return call_all(argv[1], argv[2]);
	fputs("usage: calls --list | URL TOKEN_FILE\n", stderr);
	return 2;
}
