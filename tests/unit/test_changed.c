#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "deploy/changed.h"

static void globs(void **state UNUSED)
{
	static const struct {
		const char *glob, *path;
		bool match;
	} cases[] = {
		{"api/**", "api/main.py", true},
		{"api/**", "api/a/b/c.py", true},
		{"api/**", "apis/main.py", false},
		{"api/**", "src/api/main.py", false},
		{"api/**", "api", false},
		{"docker/**", "docker/api/Dockerfile", true},
		{"*.md", "README.md", true},
		{"*.md", "docs/README.md", false},
		{"**/*.md", "README.md", true},
		{"**/*.md", "docs/a/README.md", true},
		{"**/*.md", "docs/a/README.mdx", false},
		{"**/x", "ax", false},
		{"**/x", "a/x", true},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"a/**/b", "axb", false},
		{"a/**/b", "a/xb", false},
		{"requirements*", "requirements.txt", true},
		{"requirements*", "requirements-dev.txt", true},
		{"requirements*", "requirements/base.txt", false},
		{"requirements**", "requirements/base.txt", true},
		{"**", "any/thing", true},
		{"**", "", true},
		{"*", "a/b", false},
		{"*", "", true},
		{"?", "/", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[!a-c]x", "dx", true},
		{"[!a-c]x", "ax", false},
		{"[]]x", "]x", true},
		{"[!a]x", "/x", false},
		{"[ab", "[ab", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"", "", true},
		{"", "a", false},
		{".github/**", ".github/workflows/x.yml", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (path_glob_match(cases[i].glob, cases[i].path) !=
		    cases[i].match)
			fail_msg("%s on %s", cases[i].glob, cases[i].path);
	}
}

/* Would take longer than the sun lives, tried branch by branch. */
static void hostile_path(void **state UNUSED)
{
	char path[4001];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(path_glob_match("**a*a*a**a*a*a*a**a*a*a*a*a*b", path));
}

static void long_glob(void **state UNUSED)
{
	char glob[400];

	memset(glob, 'a', sizeof(glob) - 1);
	glob[sizeof(glob) - 1] = '\0';
	assert_true(path_glob_match(glob, "b"));
}

static void rules(void **state UNUSED)
{
	static const char *const api[] = {"api/**", "docker/**", NULL};
	static const char *const docs[] = {"*.md", NULL};
	static const struct job_changed changed[] = {
		{"Kernelci/kernelci-api", api},
		{"kernelci/kernelci-core", docs},
	};
	static const struct {
		const char *manifest;
		bool runs;
	} cases[] = {
		{"{}", false},
		{"{'projects':[]}", false},
		{"{'projects':[{'repo':'kernelci/kernelci-api',"
		 "'revisions':[{'paths':['api/x']}]}]}",
		 true},
		{"{'projects':[{'repo':'kernelci/kernelci-api',"
		 "'revisions':[{'paths':['x'],'result':'merged'},"
		 "{'paths':['docker/a/b'],'result':'merged'}]}]}",
		 true},
		{"{'projects':[{'repo':'kernelci/kernelci-api',"
		 "'revisions':[{'paths':['README.md']}]}]}",
		 false},
		{"{'projects':[{'repo':'kernelci/kernelci-core',"
		 "'revisions':[{'paths':['README.md']}]}]}",
		 true},
		{"{'projects':[{'repo':'kernelci/kernelci-api',"
		 "'revisions':[{'result':'merged'}]}]}",
		 true},
		{"{'projects':[{'repo':'kernelci/kernelci-api',"
		 "'revisions':[{'result':'conflict','paths':['api/x']},"
		 "{'result':'moved'}]}]}",
		 false},
		{"{'projects':[{'repo':'kernelci/other',"
		 "'revisions':[{'paths':['api/x']}]}]}",
		 false},
		{"{'projects':[{'repo':'kernelci/kernelci-api',"
		 "'paths':['docker/x'],'revisions':[]}]}",
		 true},
		{"{'projects':[{'repo':'kernelci/kernelci-api',"
		 "'paths':null,'revisions':[]}]}",
		 true},
		{"{'projects':[{'repo':'kernelci/kernelci-api',"
		 "'paths':[],'revisions':[{'paths':[]}]}]}",
		 false},
	};
	struct job_spec job = {.changed = changed, .changed_count = 2};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[400];
		struct error e = ERROR_INIT;

		snprintf(text, sizeof(text), "%s", cases[i].manifest);
		for (char *p = text; *p; p++)
			*p = *p == '\'' ? '"' : *p;
		CLEANUP(json_decref)
		json_t *manifest = js_parse(text, strlen(text), &e);
		assert_non_null(manifest);
		if (job_has_changes(&job, manifest) != cases[i].runs)
			fail_msg("%s", cases[i].manifest);
	}
	job.changed_count = 0;
	assert_true(job_has_changes(&job, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs),
		cmocka_unit_test(hostile_path),
		cmocka_unit_test(long_glob),
		cmocka_unit_test(rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
