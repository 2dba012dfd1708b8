#include "tests/bench/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/fs.h"
#include "bot/base/proc.h"
#include "store/inbox.h"
#include "tests/bench/forge.h"
#include "tests/bench/http.h"

#define START_MS 20000
#define STOP_MS 15000
#define DRAIN_MS 90000

static enum err put(const struct place *p, const char *name, const char *text,
		    struct error *e)
{
	CLEANUP(free) char *path = str_format("%s/%s", p->run, name);

	if (!path)
		return error_set(e, ERR_FATAL, "out of memory");
	return fs_write(path, text, strlen(text), 0600, e);
}

/* The first line that a program prints; NULL = it cannot be run. */
static char *first_line(const char *const *argv)
{
	struct proc_spec spec = {
		.argv = argv,
		.env = (const char *const *)environ,
		.timeout_ms = 10000,
	};
	struct proc_result r = {0};
	struct error e = ERROR_INIT;
	char *line = NULL;

	str_init(&r.out, 4096);
	str_init(&r.err, 4096);
	if (!proc_run(&spec, &r, &e) && !r.exit_code) {
		str_truncate(&r.out, strcspn(r.out.text, "\n"));
		line = strdup(r.out.text);
	}
	proc_result_release(&r);
	return line;
}

/* --- kcibot --- */

static bool kcibot_look(const struct place *p, char **ret_words)
{
	const char *const argv[] = {p->kcibot, "version", NULL};

	*ret_words = first_line(argv);
	if (*ret_words)
		return true;
	*ret_words = str_format("%s cannot be run", p->kcibot);
	return false;
}

static const char config[] =
	"listen: 127.0.0.1:%d\n"
	"public_url: http://127.0.0.1:%d\n"
	"state_dir: %s/state\n"
	"bot: {name: kcibot}\n"
	"forge:\n"
	"  api_url: http://127.0.0.1:%d\n"
	"  clone_url: \"file://%s/repos/{repo}.git\"\n"
	"  token_file: %s/token\n"
	"  webhook_secret_file: %s/secret\n"
	"  reconcile: 1h\n"
	"trust:\n"
	"  admins: [ada]\n"
	"environments:\n"
	"  staging:\n"
	"    projects:\n"
	"      - {repo: acme/api, base: main, branch: staging}\n"
	"    recipe:\n"
	"      short: [deploy]\n"
	"      full: [deploy]\n"
	"    jobs:\n"
	"      deploy: {stage: deploy, run: [/bin/true], timeout: 1m}\n";

static enum err kcibot_write(const struct place *p, int port, struct error *e)
{
	CLEANUP(str_release) struct str text = STR_INIT(16 << 10);

	str_addf(&text, config, port, port, p->run, p->forge_port, p->run,
		 p->run, p->run);
	if (str_check(&text, e) || put(p, "config.yaml", text.text, e) ||
	    put(p, "secret", BENCH_SECRET "\n", e))
		return e->code;
	return put(p, "token", "bench-token\n", e);
}

static void kcibot_argv(const struct place *p, int port UNUSED, char *ret[9])
{
	ret[0] = strdup(p->kcibot);
	ret[1] = strdup("serve");
	ret[2] = strdup("--config");
	ret[3] = str_format("%s/config.yaml", p->run);
}

/* --- Debian's webhook --- */

static bool webhook_look(const struct place *p UNUSED, char **ret_words)
{
	const char *const argv[] = {"webhook", "-version", NULL};

	*ret_words = first_line(argv);
	if (*ret_words)
		return true;
	*ret_words = strdup("not installed (Debian package \"webhook\")");
	return false;
}

/* Checks the signature, then sees that the comment is not for it. */
static const char hooks[] =
	"[{\"id\": \"bench\", \"execute-command\": \"/bin/true\",\n"
	"  \"trigger-rule\": {\"and\": [\n"
	"   {\"match\": {\"type\": \"payload-hmac-sha256\",\n"
	"     \"secret\": \"" BENCH_SECRET "\", \"parameter\":\n"
	"     {\"source\": \"header\", \"name\": \"X-Hub-Signature-256\"}}},\n"
	"   {\"match\": {\"type\": \"regex\", \"regex\": \"(?m)^@kcibot\",\n"
	"     \"parameter\": {\"source\": \"payload\", \"name\":\n"
	"     \"comment.body\"}}}]}}]\n";

static enum err webhook_write(const struct place *p, int port UNUSED,
			      struct error *e)
{
	return put(p, "hooks.json", hooks, e);
}

static void webhook_argv(const struct place *p, int port, char *ret[9])
{
	ret[0] = strdup("webhook");
	ret[1] = strdup("-ip");
	ret[2] = strdup("127.0.0.1");
	ret[3] = strdup("-port");
	ret[4] = str_format("%d", port);
	ret[5] = strdup("-hooks");
	ret[6] = str_format("%s/hooks.json", p->run);
}

/* --- Probot --- */

static char *probot_file(const struct place *p, const char *name)
{
	return str_format("%s/node_modules/probot/%s", p->npm, name);
}

static bool probot_look(const struct place *p, char **ret_words)
{
	CLEANUP(free) char *file = probot_file(p, "package.json");
	CLEANUP(free)
	char *code = str_format("console.log('Probot ' + "
				"require('%s').version + ', Node ' + "
				"process.versions.node)",
				file);
	const char *const argv[] = {"node", "-e", code, NULL};

	*ret_words = first_line(argv);
	if (*ret_words)
		return true;
	*ret_words = strdup("not installed (needs npm, Node and the registry)");
	return false;
}

static enum err probot_write(const struct place *p UNUSED, int port UNUSED,
			     struct error *e UNUSED)
{
	return ERR_OK;
}

static void probot_argv(const struct place *p, int port, char *ret[9])
{
	ret[0] = strdup("node");
	ret[1] = str_format("%s/probot.mjs", p->here);
	ret[2] = probot_file(p, "lib/index.js");
	ret[3] = str_format("%d", port);
	ret[4] = strdup(BENCH_SECRET);
	ret[5] = str_format("http://127.0.0.1:%d", p->forge_port);
}

const struct program programs[PROGRAM_COUNT] = {
	[PROGRAM_KCIBOT] = {"kcibot", "/webhook", true, kcibot_look,
			    kcibot_write, kcibot_argv},
	[PROGRAM_WEBHOOK] = {"webhook", "/hooks/bench", false, webhook_look,
			     webhook_write, webhook_argv},
	[PROGRAM_PROBOT] = {"Probot", "/api/github/webhooks", true, probot_look,
			    probot_write, probot_argv},
};

/* --- starting and ending --- */

/* In the child: nothing but system calls. */
static NORETURN void become(char *const *argv, int log, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

static enum err spawn(char *const *argv, const char *log, struct running *r,
		      struct error *e)
{
	CLEANUP(fd_close)
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid_t parent = getpid();

	if (fd < 0)
		return error_errno(e, ERR_FATAL, "%s", log);
	r->pid = fork();
	if (r->pid < 0)
		return error_errno(e, ERR_FATAL, "fork");
	if (!r->pid)
		become(argv, fd, parent);
	return ERR_OK;
}

static enum err await_listening(const struct program *program,
				struct running *r, const char *log,
				struct error *e)
{
	int64_t until = mono_ns() + START_MS * 1000000LL;

	while (!http_listens(r->port)) {
		if (waitpid(r->pid, NULL, WNOHANG) == r->pid)
			r->pid = 0;
		if (!r->pid || mono_ns() > until) {
			program_stop(r);
			return error_set(e, ERR_FATAL,
					 "%s does not start: see %s",
					 program->name, log);
		}
		sleep_ms(20);
	}
	return ERR_OK;
}

enum err program_start(const struct program *program, const struct place *p,
		       struct running *ret, struct error *e)
{
	CLEANUP(free) char *log = str_format("%s/log", p->run);
	char *argv[9] = {NULL};
	enum err code;

	ret->port = http_free_port();
	if (fs_remove_tree(p->run, e) || fs_mkdirs(p->run, 0700, e) ||
	    program->write(p, ret->port, e))
		return e->code;
	program->argv(p, ret->port, argv);
	code = spawn(argv, log, ret, e);
	for (size_t n = 0; argv[n]; n++)
		free(argv[n]);
	return code ? code : await_listening(program, ret, log, e);
}

void program_stop(struct running *r)
{
	int64_t until = mono_ns() + STOP_MS * 1000000LL;

	if (r->pid <= 0)
		return;
	kill(r->pid, SIGTERM);
	while (waitpid(r->pid, NULL, WNOHANG) == 0) {
		if (mono_ns() > until)
			kill(r->pid, SIGKILL);
		sleep_ms(10);
	}
	r->pid = 0;
}

/* --- looking --- */

static bool read_proc(const struct running *r, const char *name,
		      struct str *ret)
{
	struct error e = ERROR_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)r->pid, name);
	return !fs_read(path, ret, &e);
}

int64_t program_cpu_us(const struct running *r)
{
	CLEANUP(str_release) struct str text = STR_INIT(4096);
	long long user = 0, kernel = 0;
	const char *end;

	if (!read_proc(r, "stat", &text))
		return 0;
	end = strrchr(text.text, ')'); /* the name may hold anything */
	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			   "%lld %lld",
			   &user, &kernel) != 2)
		return 0;
	return (user + kernel) * (1000000 / sysconf(_SC_CLK_TCK));
}

static int64_t kb_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

void program_memory(const struct running *r, struct memory *ret)
{
	CLEANUP(str_release) struct str text = STR_INIT(16 << 10);

	*ret = (struct memory){0};
	if (read_proc(r, "smaps_rollup", &text)) {
		ret->rss_kb = kb_of(text.text, "\nRss:");
		ret->private_dirty_kb = kb_of(text.text, "\nPrivate_Dirty:");
	}
	str_clear(&text);
	if (read_proc(r, "status", &text))
		ret->peak_kb = kb_of(text.text, "\nVmHWM:");
}

bool program_drain(const struct running *r)
{
	int64_t until = mono_ns() + DRAIN_MS * 1000000LL;

	while (mono_ns() < until) {
		CLEANUP(str_release) struct str text = STR_INIT(64 << 10);

		if (http_get(r->port, "/metrics", &text) != 200)
			return false;
		if (strstr(text.text, "\nkcibot_journal_depth 0\n"))
			return true;
		sleep_ms(20);
	}
	return false;
}

int64_t program_rows(const struct place *p)
{
	CLEANUP(free) char *path = str_format("%s/state/inbox.db", p->run);
	CLEANUP(inbox_close) struct inbox *inbox = NULL;
	struct error e = ERROR_INIT;
	struct inbox_delivery d = {0};
	int64_t rows = 0;

	inbox = inbox_open_reader(path, &e);
	if (!inbox)
		return -1;
	while (!inbox_next(inbox, d.seq, &d, &e))
		rows++;
	return e.code == ERR_MISSING ? rows : -1;
}
