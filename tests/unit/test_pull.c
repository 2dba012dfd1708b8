/* store/pull.c: what is read of a pull as the forge has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bot/base/attr.h"
#include "store/pull.h"

#define SHA "0123456789abcdef0123456789abcdef01234567"

static void read_pull(json_t *labels, struct pull *ret)
{
	struct error e = ERROR_INIT;
	json_t *object = json_pack(
		"{s:i, s:s, s:s, s:{s:i, s:s}, s:{s:s}, s:{s:s}, s:o}",
		"number", 1, "state", "open", "title", "t", "user", "id", 20,
		"login", "sam", "head", "sha", SHA, "base", "ref", "main",
		"labels", labels);

	if (pull_from_json(ret, "acme/api", object, &e))
		fail_msg("%s", e.text);
	json_decref(object);
}

static void add(json_t *labels, const char *name)
{
	json_array_append_new(labels, json_pack("{s:s}", "name", name));
}

/* The last of as many as there may be is the one that keeps it out. */
static void no_label_hides_another(void **state UNUSED)
{
	json_t *labels = json_array();
	char name[64], *endless = calloc(1, 9001);
	struct pull p;

	assert_non_null(endless);
	memset(endless, 'x', 9000);
	add(labels, endless);
	for (int i = 0; i < 98; i++) {
		snprintf(name, sizeof(name), "%050d", i);
		add(labels, name);
	}
	add(labels, "skip-me");
	read_pull(labels, &p);
	assert_true(pull_has_label(&p, "skip-me"));
	assert_true(pull_has_label(&p, name));
	assert_false(pull_has_label(&p, endless));
	free(endless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_label_hides_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
