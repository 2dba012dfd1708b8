/*
 * bot/config.c and bot/yaml.c: whatever stands in the file, it is a whole
 * configuration or each mistake is a line with its place, and the same bytes
 * say the same twice.
 */
#include <string.h>

#include "bot/config.h"
#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "tests/fuzz/fuzz.h"

#define PATH "/etc/kcibot/f.yaml"

static struct config *read_config(const uint8_t *data, size_t size,
				  struct str *report, struct error *e)
{
	/* Without a NUL, so that a read behind the end is found. */
	CLEANUP(free) char *exact = malloc(size + !size);

	MUST(exact);
	if (size)
		memcpy(exact, data, size);
	return config_parse(PATH, exact, size, report, e);
}

/* Each line is PATH:LINE:COL: and words, of a place that there is. */
static size_t check_report(const struct str *report, size_t lines)
{
	const char *at = report->text;
	size_t n = 0;

	for (; *at; n++) {
		unsigned long line, column;
		int len = 0;

		MUST(sscanf(at, PATH ":%lu:%lu: %n", &line, &column, &len) ==
		     2);
		MUST(line >= 1 && line <= lines + 1 && column >= 1);
		MUST(at[len] && at[len] != '\n');
		at = strchr(at, '\n');
		MUST(at != NULL);
		at++;
	}
	return n;
}

static void check_environment(const struct environment *env)
{
	MUST(*env->name && env->project_count);
	MUST(env->policy.settle_ms >= 0 &&
	     env->policy.settle_max_ms >= env->policy.settle_ms);
	for (size_t i = 0; i < env->project_count; i++) {
		const struct project *p = &env->projects[i];

		MUST(strchr(p->repo, '/') && *p->base && *p->branch);
		MUST(p->branch[0] != '-' && p->base[0] != '-');
		MUST(!strstr(p->repo, "..") && p->repo[0] != '/');
		MUST(environment_project(env, p->repo) != NULL);
	}
}

static void check_config(const struct config *c)
{
	MUST(*c->bot_name && *c->state_dir && *c->listen_host);
	MUST(c->listen_port >= 0 && c->listen_port <= 65535);
	MUST(strstr(c->clone_url, "{repo}"));
	MUST(c->environment_count);
	for (size_t i = 0; i < c->environment_count; i++)
		check_environment(&c->environments[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(str_release) struct str report = STR_INIT(1u << 20);
	CLEANUP(str_release) struct str again = STR_INIT(1u << 20);
	struct error e = ERROR_INIT, e2 = ERROR_INIT;
	CLEANUP(config_free)
	struct config *c = read_config(data, size, &report, &e);
	CLEANUP(config_free)
	struct config *d = read_config(data, size, &again, &e2);
	size_t lines = 1, told;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r' ||
			 data[i] >= 0x80; /* YAML knows three more */
	told = check_report(&report, lines);
	MUST(c || (told && e.code == ERR_INVALID && *e.text));
	if (c)
		check_config(c);
	MUST(!c == !d && strcmp(report.text, again.text) == 0);
	return 0;
}

static void seed_file(const char *path)
{
	CLEANUP(str_release) struct str s = STR_INIT(LIMIT_CONFIG_FILE);
	struct error e = ERROR_INIT;

	MUST(!fs_read(path, &s, &e));
	fuzz_seed(s.text, s.len);
}

void fuzz_seeds(void)
{
	seed_file("examples/minimal.yaml");
	seed_file("examples/kernelci-staging.yaml");
	seed_file("tests/demo/kcibot.yaml");
}
