#include "bot/cli_parts.h"

#include <stdio.h>

#include "bot/cli_engine.h"
#include "bot/cli_text.h"

int cli_fail(const char *what, const struct error *e)
{
	fprintf(stderr, "kcibot: %s%s%s\n", what, *what ? ": " : "", e->text);
	return 1;
}

int cli_usage(const char *text)
{
	fprintf(stderr, "usage: kcibot %s\n", text);
	return 2;
}

json_t *cli_ask(const struct config *c, json_t *call)
{
	struct error e = ERROR_INIT;
	json_t *answer = NULL;

	if (!call) {
		error_set(&e, ERR_INVALID, "a word of it is no UTF-8 text");
		cli_fail("", &e);
		return NULL;
	}
	if (cli_engine_call(c, call, &answer, &e)) {
		cli_fail("", &e);
		return NULL;
	}
	if (!js_bool(answer, "ok", false)) {
		fprintf(stderr, "kcibot: %s\n", js_str(answer, "text"));
		json_decref(answer);
		return NULL;
	}
	return answer;
}

int cli_ask_and_print(const struct config *c, json_t *call)
{
	CLEANUP(json_decref) json_t *answer = cli_ask(c, call);
	CLEANUP(str_release) struct str out = STR_INIT(4u << 20);

	if (!answer)
		return 1;
	cli_lines(&out, js_str(answer, "text"));
	printf("%s\n", out.text);
	return 0;
}
