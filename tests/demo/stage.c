#include "tests/demo/stage.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "bot/base/proc.h"
#include "tests/demo/child.h"
#include "tests/demo/machine.h"
#include "tests/demo/projects.h"
#include "tests/demo/web.h"

#define CONFIG_MAX (64u << 10)
#define PROGRAM_MAX (256u << 20)
/* The control socket lies in it, and a socket's path has 108 bytes. */
#define DIR_MAX 64
#define CALL_MS 30000
#define PAUSE_MS 50

volatile sig_atomic_t stage_interrupted;

char *stage_path(const struct stage *s, const char *name)
{
	return str_format("%s/%s", s->dir, name);
}

/* Can it stand in YAML and in a file:// URL as it is? */
static bool is_plain(const char *path)
{
	return *path == '/' && strlen(path) < DIR_MAX &&
	       !path[strspn(path, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")];
}

static enum err make_dir(struct stage *s, struct error *e)
{
	const char *tmp = getenv("TMPDIR");
	char path[STAGE_PATH];
	ssize_t n = readlink("/proc/self/exe", s->programs,
			     sizeof(s->programs) - 1);

	if (n <= 0)
		return error_errno(e, ERR_FATAL, "cannot read /proc/self/exe");
	s->programs[n] = '\0';
	*strrchr(s->programs, '/') = '\0';
	snprintf(path, sizeof(path), "%s/kcibot-demo-XXXXXX",
		 tmp && is_plain(tmp) ? tmp : "/tmp");
	if (!mkdtemp(path))
		return error_errno(e, ERR_FATAL, "cannot make %s", path);
	memcpy(s->dir, path, sizeof(s->dir));
	return ERR_OK;
}

static enum err make_file(const struct stage *s, const char *name,
			  const char *text, struct error *e)
{
	CLEANUP(free) char *path = stage_path(s, name);

	if (!path)
		return error_set(e, ERR_FATAL, "out of memory");
	return fs_write(path, text, strlen(text), 0600, e);
}

/* 64 hexadecimal digits that nobody can guess. */
static enum err make_secret(const struct stage *s, const char *name,
			    char ret[65], struct error *e)
{
	unsigned char raw[32];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return error_errno(e, ERR_FATAL, "no random numbers");
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(ret + 2 * i, 3, "%02x", raw[i]);
	return make_file(s, name, ret, e);
}

/*
 * A program of ours in a folder of ours: jobs may be unable to reach the one
 * that runs (root without capabilities, in somebody else's home).
 */
static enum err copy_self(const struct stage *s, struct error *e)
{
	CLEANUP(str_release) struct str program = STR_INIT(PROGRAM_MAX);
	CLEANUP(free) char *path = stage_path(s, "machine/client");

	if (!path || fs_read("/proc/self/exe", &program, e))
		return e->code ? e->code
			       : error_set(e, ERR_FATAL, "out of memory");
	return fs_write(path, program.text, program.len, 0700, e);
}

static enum err make_files(struct stage *s, struct error *e)
{
	static const char *const folders[] = {"machine", "recipes"};
	char unused[65];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		CLEANUP(free) char *path = stage_path(s, folders[i]);

		if (!path || mkdir(path, 0700))
			return error_errno(e, ERR_FATAL, "cannot make %s",
					   folders[i]);
	}
	for (size_t i = 0; i < RECIPE_FILES; i++) {
		CLEANUP(free)
		char *name = str_format("recipes/%s", recipe_files[i].name);

		if (!name || make_file(s, name, recipe_files[i].text, e))
			return e->code;
	}
	if (make_secret(s, "token", unused, e) ||
	    make_secret(s, "webhook-secret", unused, e) ||
	    make_secret(s, "machine-key", s->key, e))
		return e->code;
	return copy_self(s, e);
}

static enum err start_machine(struct stage *s, struct error *e)
{
	CLEANUP(free) char *log = stage_path(s, "machine.log");
	CLEANUP(free) char *dir = stage_path(s, "machine");
	CLEANUP(fd_close) int web = web_bind(&s->service_port);
	struct machine_settings m = {.dir = dir,
				     .port = s->service_port,
				     .web_fd = web,
				     .key = s->key};

	if (web < 0 || !log || !dir)
		return error_errno(e, ERR_FATAL, "no free port");
	snprintf(s->service, sizeof(s->service), "http://127.0.0.1:%d/",
		 m.port);
	s->machine = child_fork(log, e);
	if (s->machine == 0)
		machine_main(&m);
	return s->machine < 0 ? e->code : ERR_OK;
}

static enum err start_forge(struct stage *s, struct error *e)
{
	static const char *const people[] = {"ada", "mona", "carl", "sam"};
	static const char *const repos[] = {GREETING, SERVICE};
	CLEANUP(free) char *dir = stage_path(s, "forge");
	CLEANUP(free) char *secret = stage_path(s, "webhook-secret");
	CLEANUP(free) char *token = stage_path(s, "token");
	CLEANUP(free) char *program = str_format("%s/sandbox", s->programs);
	CLEANUP(free) char *webhook = str_format("%s/webhook", s->url);
	struct sbc_settings settings = {.dir = dir,
					.secret_file = secret,
					.token_file = token,
					.webhook = webhook,
					.program = program};

	if (sbc_start(&settings, &s->forge, e))
		return e->code;
	for (size_t i = 0; i < ARRAY_SIZE(people); i++)
		if (!sbc_user(s->forge, people[i]))
			return error_set(e, ERR_FATAL, "the forge refused");
	for (size_t i = 0; i < ARRAY_SIZE(repos); i++)
		if (!sbc_repo(s->forge, repos[i], project_files(repos[i]),
			      NULL))
			return error_set(e, ERR_FATAL, "the forge refused");
	return ERR_OK;
}

/* The configuration names it, so it is chosen before it is used. */
static enum err choose_port(struct stage *s, struct error *e)
{
	int fd = web_bind(&s->port);

	if (fd < 0)
		return error_errno(e, ERR_FATAL, "no free port");
	close(fd);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", s->port);
	return ERR_OK;
}

static enum err write_config(const struct stage *s, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(CONFIG_MAX);
	char port[16], service[16];
	const char *const pairs[][2] = {
		{"@DIR@", s->dir}, {"@FORGE@", sbc_url(s->forge)},
		{"@PORT@", port},  {"@SERVICE@", service},
		{NULL, NULL},
	};

	snprintf(port, sizeof(port), "%d", s->port);
	snprintf(service, sizeof(service), "%d", s->service_port);
	fill_in(&text, demo_config, pairs);
	return str_check(&text, e) ? e->code
				   : make_file(s, "kcibot.yaml", text.text, e);
}

enum err stage_set(struct stage *s, struct error *e)
{
	umask(077);
	if (make_dir(s, e) || make_files(s, e) || choose_port(s, e) ||
	    start_machine(s, e) || start_forge(s, e))
		return e->code;
	return write_config(s, e);
}

enum err stage_start_bot(struct stage *s, struct error *e)
{
	int64_t end = clock_mono(&clock_system) + SBC_WAIT_MS;
	CLEANUP(free) char *program = str_format("%s/kcibot", s->programs);
	CLEANUP(free) char *config = stage_path(s, "kcibot.yaml");
	CLEANUP(free) char *log = stage_path(s, "bot.log");
	CLEANUP(free) char *ready = str_format("%s/readyz", s->url);
	const char *argv[] = {program, "serve", "--config", config, NULL};

	if (!program || !config || !log || !ready)
		return error_set(e, ERR_FATAL, "out of memory");
	if (child_start(argv, log, &s->bot, e))
		return e->code;
	while (web_get(ready, CALL_MS, NULL) != 200) {
		if (child_ended(&s->bot))
			return error_set(e, ERR_FATAL, "the bot ended");
		if (stage_interrupted || clock_mono(&clock_system) > end)
			return error_set(e, ERR_RETRY, "the bot is not ready");
		poll(NULL, 0, PAUSE_MS);
	}
	return ERR_OK;
}

enum err stage_trust(const struct stage *s, const char *login, const char *role,
		     struct error *e)
{
	CLEANUP(free) char *program = str_format("%s/kcibot", s->programs);
	CLEANUP(free) char *config = stage_path(s, "kcibot.yaml");
	CLEANUP(proc_result_release)
	struct proc_result r = {.out = STR_INIT(4096), .err = STR_INIT(4096)};
	const char *argv[] = {program, "trust",	 "add", "--config", config,
			      login,   "--role", role,	NULL};

	if (!program || !config)
		return error_set(e, ERR_FATAL, "out of memory");
	if (proc_run(&(struct proc_spec){.argv = argv, .timeout_ms = CALL_MS},
		     &r, e))
		return e->code;
	if (r.exit_code != 0)
		return error_set(e, ERR_INVALID, "trust add %s: %s", login,
				 r.err.text);
	return ERR_OK;
}

void stage_end(struct stage *s, bool keep_files)
{
	struct error e = ERROR_INIT;

	child_stop(&s->bot);
	if (s->forge)
		sbc_stop(s->forge);
	s->forge = NULL;
	child_stop(&s->machine);
	child_end_all();
	if (*s->dir && !keep_files && fs_remove_tree(s->dir, &e))
		fprintf(stderr, "demo: %s stays: %s\n", s->dir, e.text);
}
