/* bot/hook.c: which webhook is ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "bot/base/attr.h"
#include "bot/hook.h"

static json_t *hook(int id, bool active, const char *url)
{
	return json_pack("{s:i, s:b, s:{s:s}}", "id", id, "active", active,
			 "config", "url", url);
}

static void only_what_leads_here_is_ours(void **state UNUSED)
{
	static const struct {
		const char *url;
		bool ours;
	} cases[] = {
		{"https://bot.example.org", true},
		{"https://bot.example.org/webhook", true},
		{"https://bot.example.org/?of=forge", true},
		{"https://bot.example.org?of=forge", true},
		{"https://bot.example.org.evil.example", false},
		{"https://bot.example.organ/webhook", false},
		{"http://bot.example.org/webhook", false},
		{"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *list = json_pack("[o, o, o]",
					 hook(1, true, "https://ci.example"),
					 hook(2, false, cases[i].url),
					 hook(3, true, cases[i].url));
		const json_t *found =
			hook_find(list, "https://bot.example.org");

		assert_int_equal(js_int(found, "id", 0), cases[i].ours ? 3 : 0);
		json_decref(list);
	}
	assert_null(hook_find(NULL, "https://bot.example.org"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_leads_here_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
