/* The house itself: making it, the bot's life in it, its end. */
#include "tests/integration/house.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "bot/base/fs.h"
#include "bot/base/proc.h"
#include "bot/control.h"
#include "tests/integration/look.h"

#define TOKEN "sandbox-token"

/* Of the running test; cmocka leaves a failed one by longjmp. */
static struct house *current;

static const char job_script[] =
	"#!/bin/sh\n"
	"cd \"${0%/*}\" || exit 9\n"
	"here=$PWD\n"
	"cd \"$OLDPWD\" || exit 9\n"
	"echo \"$1 $KCIBOT_CYCLE $KCIBOT_KIND\" >> \"$here/ran\"\n"
	"while [ -e \"$here/hold-$1\" ]; do sleep 0.02; done\n"
	"for f in */broken-$1; do\n"
	"	[ -e \"$f\" ] || continue\n"
	"	echo \"cannot $1: $(cat \"$f\")\"\n"
	"	exit 3\n"
	"done\n"
	"echo \"$1 is done\"\n";

static const char default_jobs[] = HOUSE_JOB("build", "build", "")
	HOUSE_JOB("deploy", "deploy", "") HOUSE_JOB("test", "test", "");

/* What the variable names, else what is built beside the tests. */
static const char *program(const char *variable, const char *name)
{
	static char path[4096];
	const char *given = getenv(variable);
	ssize_t n;

	if (given)
		return given;
	n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	assert_true(n > 0);
	path[n] = '\0';
	snprintf(strrchr(path, '/'), 64, "/../../%s", name);
	return path;
}

static void put(const struct house *h, const char *name, const char *text,
		mode_t mode)
{
	CLEANUP(free) char *path = str_format("%s/%s", h->dir, name);
	struct error e = ERROR_INIT;

	if (fs_write(path, text, strlen(text), mode, &e))
		fail_msg("%s", e.text);
}

/* Below the ports that the kernel gives to clients, so that none takes it
 * while the bot is down. */
static int free_port(void)
{
	for (int i = 0; i < 500; i++) {
		struct sockaddr_in a = {.sin_family = AF_INET};
		int port = 10000 + (getpid() * 37 + i * 101) % 20000;
		CLEANUP(fd_close)
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a.sin_port = htons((uint16_t)port);
		if (!bind(fd, (struct sockaddr *)&a, sizeof(a)))
			return port;
	}
	fail_msg("no free port");
	return 0;
}

/* Puts DIR/job.sh for JOB and DIR for DIR. */
static void add_jobs(const struct house *h, struct str *out, const char *jobs)
{
	while (*jobs) {
		if (str_starts(jobs, "JOB")) {
			str_addf(out, "%s/job.sh", h->dir);
			jobs += 3;
		} else if (str_starts(jobs, "DIR")) {
			str_puts(out, h->dir);
			jobs += 3;
		} else {
			str_putc(out, *jobs++);
		}
	}
}

static const char *or_else(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static void write_config(const struct house *h, const struct house_settings *s)
{
	CLEANUP(str_release) struct str y = STR_INIT(1u << 20);

	str_addf(&y,
		 "listen: 127.0.0.1:%d\n"
		 "public_url: %s\n"
		 "state_dir: %s\n"
		 "bot: {name: " BOT "}\n"
		 "forge:\n"
		 "  api_url: %s\n"
		 "  clone_url: \"file://%s/forge/repos/{repo}.git\"\n"
		 "  token_file: %s/token\n"
		 "  webhook_secret_file: %s/secret\n"
		 "  commit_guard: %s\n"
		 "  reconcile: %s\n"
		 "trust: {admins: [ada]}\n"
		 "environments:\n"
		 "  staging:\n"
		 "    projects:\n"
		 "      - {repo: " API ", base: main, branch: staging}\n"
		 "      - {repo: " WEB ", base: main, branch: staging}\n"
		 "    isolation: %s\n"
		 "    policy: {%s}\n"
		 "    recipe:\n%s"
		 "    jobs:\n",
		 h->port, h->url, h->state, sbc_url(h->forge), h->dir, h->dir,
		 h->dir, or_else(s->guard, "0s"), or_else(s->reconcile, "5m"),
		 or_else(s->isolation, "none"),
		 or_else(s->policy, HOUSE_POLICY),
		 or_else(s->recipe, HOUSE_RECIPE));
	add_jobs(h, &y, or_else(s->jobs, default_jobs));
	put(h, "kcibot.yaml", y.text, 0600);
}

static void make_folder(struct house *h)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(h->dir, sizeof(h->dir), "%s/house.XXXXXX",
		 tmp && strlen(tmp) < 60 ? tmp : "/tmp");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->state, sizeof(h->state), "%s/state", h->dir);
	snprintf(h->config, sizeof(h->config), "%s/kcibot.yaml", h->dir);
	snprintf(h->log, sizeof(h->log), "%s/bot.log", h->dir);
	put(h, "secret", HOUSE_SECRET, 0600);
	put(h, "token", TOKEN, 0600);
	put(h, "ran", "", 0666);
	put(h, "job.sh", job_script, 0755);
	h->port = free_port();
	snprintf(h->url, sizeof(h->url), "http://127.0.0.1:%d", h->port);
}

/*
 * The hook comes last: what is made before is old history, and nothing of it
 * is still on its way when the bot starts.
 */
static void make_forge(struct house *h, bool deaf)
{
	CLEANUP(free) char *dir = str_format("%s/forge", h->dir);
	CLEANUP(free) char *hook = str_format("%s/webhook", h->url);
	CLEANUP(free) char *token = str_format("%s/token", h->dir);
	static const char *const users[] = {"ada", "mona", "carl", "sam"};
	static const char *const repos[] = {API, WEB};
	struct error e = ERROR_INIT;

	if (sbc_start(
		    &(struct sbc_settings){
			    .dir = dir,
			    .token_file = token,
			    .program = program("KCIBOT_SANDBOX", "sandbox")},
		    &h->forge, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		assert_true(sbc_user(h->forge, users[i]));
	for (size_t i = 0; i < ARRAY_SIZE(repos); i++)
		assert_true(sbc_repo(h->forge, repos[i],
				     house_file("text", "one\n"), NULL));
	assert_true(deaf || sbc_hook(h->forge, hook, HOUSE_SECRET));
}

static void trust(struct house *h, const char *login, const char *role)
{
	CLEANUP(free) char *path = str_format("%s/control", h->state);
	CLEANUP(free) char *user = str_format("/users/%s", login);
	CLEANUP(sbc_answer_release) struct sbc_answer a;
	CLEANUP(json_decref) json_t *answer = NULL;
	CLEANUP(json_decref) json_t *call = NULL;
	int64_t end = clock_mono(&clock_system) + HOUSE_WAIT_MS;
	struct error e = ERROR_INIT;

	sbc_request(h->forge, "GET", user, NULL, TOKEN, NULL, &a);
	call = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "op",
			 "trust.add", "login", login, "id",
			 (json_int_t)js_int(a.json, "id", 0), "role", role,
			 "scope", "", "reason", "", "by", "the test");
	/* Like a person: a bot that just died is asked once more. */
	while (control_call(path, call, &answer, &e) ||
	       !js_bool(answer, "ok", false)) {
		if (clock_mono(&clock_system) > end)
			look_fail(h, answer ? js_str(answer, "text") : e.text);
		json_decref(answer);
		answer = NULL;
		look_pause();
	}
}

struct house *house_new(const struct house_settings *s)
{
	struct house *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	current = h;
	make_folder(h);
	make_forge(h, s->deaf);
	write_config(h, s);
	if (!s->asleep)
		house_begin(h);
	return h;
}

void house_begin(struct house *h)
{
	house_start(h);
	/* The first scan is over and the first admin is known. */
	house_await_sql(h, "SELECT count(*) FROM trust", 1);
	house_await_sql(h,
			"SELECT count(*) FROM scan WHERE pulls_known AND"
			" hook <> ''",
			2);
	trust(h, "mona", "maintainer");
	trust(h, "carl", "contributor");
	house_await_quiet(h);
}

/* --- the bot --- */

/* Only calls that are safe between fork and exec. */
static void NORETURN become_bot(const struct house *h, const char *path,
				int log)
{
	sigset_t none;

	/* It must not outlive a test that crashed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(log, 1);
	dup2(log, 2);
	/* Our connections to the forge are not its own: curl hands them on. */
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execl(path, "kcibot", "serve", "--config", h->config, (char *)NULL);
	_exit(127);
}

void house_start(struct house *h)
{
	CLEANUP(fd_close)
	int log = open(h->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	const char *path = program("KCIBOT", "kcibot");
	int64_t end = clock_mono(&clock_system) + HOUSE_WAIT_MS;

	assert_int_equal(h->pid, 0);
	assert_true(log >= 0);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (!h->pid)
		become_bot(h, path, log);
	while (house_get(h, "/healthz", NULL) != 200) {
		if (waitpid(h->pid, NULL, WNOHANG) == h->pid) {
			h->pid = 0;
			look_fail(h, "the bot ended at once");
		}
		if (clock_mono(&clock_system) > end)
			look_fail(h, "the bot does not answer");
		look_pause();
	}
}

void house_kill(struct house *h)
{
	assert_true(h->pid > 0);
	kill(h->pid, SIGKILL);
	waitpid(h->pid, NULL, 0);
	h->pid = 0;
}

void house_stop(struct house *h)
{
	int64_t end = clock_mono(&clock_system) + HOUSE_WAIT_MS;
	int status = 0;

	assert_true(h->pid > 0);
	kill(h->pid, SIGTERM);
	while (waitpid(h->pid, &status, WNOHANG) == 0) {
		if (clock_mono(&clock_system) > end)
			look_fail(h, "the bot does not end");
		look_pause();
	}
	h->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		look_fail(h, "the bot did not exit with 0");
}

void house_expect(struct house *h, const char *text)
{
	size_t n = 0;

	while (n + 1 < ARRAY_SIZE(h->expected) && h->expected[n])
		n++;
	h->expected[n] = text;
}

int house_cli(struct house *h, const char *const *argv, struct str *ret_said)
{
	const char *args[32] = {program("KCIBOT", "kcibot")};
	const char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
			     "ASAN_OPTIONS=detect_leaks=1", NULL};
	__attribute__((
		cleanup(proc_result_release_at))) struct proc_result r = {
		.out = STR_INIT(1u << 20), .err = STR_INIT(1u << 20)};
	struct proc_spec spec = {
		.argv = args, .env = env, .timeout_ms = HOUSE_WAIT_MS};
	struct error e = ERROR_INIT;
	size_t n = 1;

	for (; *argv; argv++)
		args[n++] = *argv;
	args[n++] = "--config";
	args[n] = h->config;
	if (proc_run(&spec, &r, &e))
		fail_msg("%s", e.text);
	if (ret_said) {
		str_puts(ret_said, r.out.text);
		str_puts(ret_said, r.err.text);
	}
	return r.exit_code;
}

/* --- the end --- */

static bool is_expected(const struct house *h, const char *line)
{
	for (size_t i = 0; h->expected[i]; i++)
		if (strstr(line, h->expected[i]))
			return true;
	return false;
}

static bool is_bad(const struct house *h, const char *line)
{
	static const char *const reports[] = {"Sanitizer", "runtime error:"};

	for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
		if (strstr(line, reports[i]))
			return true;
	/* "2026-11-21T14:05:09Z error ..." */
	return strlen(line) > 21 && str_starts(line + 21, "error ") &&
	       !is_expected(h, line);
}

static void check_log(struct house *h)
{
	CLEANUP(str_release) struct str log = STR_INIT(16u << 20);
	struct error e = ERROR_INIT;
	char *at, *line;

	assert_int_equal(fs_read(h->log, &log, &e), ERR_OK);
	for (line = strtok_r(log.text, "\n", &at); line;
	     line = strtok_r(NULL, "\n", &at))
		if (is_bad(h, line))
			look_fail(h, line);
}

void house_end(struct house *h)
{
	if (h->pid)
		house_stop(h);
	check_log(h);
}

int house_teardown(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	struct house *h = current;

	current = NULL;
	if (!h)
		return 0;
	if (h->pid)
		house_kill(h);
	look_release_jobs(h);
	if (h->forge)
		sbc_stop(h->forge);
	if (getenv("HOUSE_KEEP"))
		fprintf(stderr, "kept: %s\n", h->dir);
	else if (*h->dir && fs_remove_tree(h->dir, &e))
		fprintf(stderr, "%s\n", e.text);
	free(h);
	return 0;
}
