#include "bot/serve.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <time.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/base/log.h"
#include "bot/control.h"
#include "bot/engine.h"
#include "bot/github.h"
#include "bot/intake.h"
#include "bot/metrics.h"
#include "bot/pages.h"
#include "bot/reload.h"
#include "bot/version.h"
#include "bot/web.h"
#include "deploy/backend.h"
#include "deploy/git_port.h"
#include "store/inbox.h"

/* Writes on github.com are advised to be a second apart; elsewhere (GitHub
 * Enterprise Server, tests) nobody asks for it. */
#define WRITE_GAP_MS 1000
#define MOVED_RETRY_MS 2000

char *web_url_of(const struct config *c)
{
	const char *at = strstr(c->clone_url, "://"), *end;

	if (!str_starts(c->clone_url, "http") || !at)
		return strdup("");
	end = strchr(at + 3, '/');
	return strndup(c->clone_url, end ? (size_t)(end - c->clone_url)
					 : strlen(c->clone_url));
}

void state_paths_init(struct state_paths *p, const struct config *c)
{
	const struct {
		char **to;
		const char *name;
	} names[] = {
		{&p->lock, "lock"},	 {&p->store, "kcibot.db"},
		{&p->inbox, "inbox.db"}, {&p->control, "control"},
		{&p->git, "git"},	 {&p->jobs, "jobs"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		*names[i].to = str_format("%s/%s", c->state_dir, names[i].name);
		if (!*names[i].to)
			abort(); /* no memory before anything has begun */
	}
}

void state_paths_release(struct state_paths *p)
{
	free(p->lock);
	free(p->store);
	free(p->inbox);
	free(p->control);
	free(p->git);
	free(p->jobs);
}

/* Everything that runs. */
struct house {
	const struct config *config;
	struct state_paths paths;
	int lock_fd;
	char *web_url;
	const char **hide_files;
	struct git_settings git;
	struct port *forge_port, *git_port, *jobs_port;
	struct engine *engine;
	struct control *control;
	struct web web;
	struct intake *intake;
	struct reload reload;
};

static void committed(void *ctx)
{
	struct house *h = ctx;

	engine_wake(h->engine);
}

static void refused(void *ctx)
{
	struct house *h = ctx;

	engine_lost_delivery(h->engine);
}

static void page(void *ctx, const char *path, struct page *ret)
{
	struct house *h = ctx;

	web_answer(&h->web, path, ret);
}

static void count_call(void *ctx UNUSED, const char *kind, int status,
		       int64_t ms)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", status);
	metric_add(METRIC_FORGE_CALLS, kind, text, 1);
	metric_time(METRIC_FORGE_SECONDS, kind, ms);
}

static void quiet_signals(sigset_t *ret_set)
{
	struct rlimit no_core = {0, 0};

	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGHUP);
	/* Before any thread, so that they land in main. */
	pthread_sigmask(SIG_BLOCK, ret_set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A file at its size limit is an error, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_CORE, &no_core);
	umask(077);
}

static enum err prepare(struct house *h, struct error *e)
{
	CLEANUP(inbox_close) struct inbox *inbox = NULL;

	if (fs_mkdirs(h->config->state_dir, 0700, e) || git_check_version(e))
		return e->code;
	if (fs_lock(h->paths.lock, &h->lock_fd, e)) {
		if (e->code == ERR_CONFLICT)
			error_set(e, ERR_CONFLICT,
				  "another kcibot runs on %s: stop it first",
				  h->config->state_dir);
		return e->code;
	}
	/* The engine reads what the intake writes: the file must be there. */
	inbox = inbox_open(h->paths.inbox, e);
	return inbox ? ERR_OK : e->code;
}

/* What no job may read: the files that hold secrets of the bot's own. */
static enum err collect_hidden(struct house *h, struct error *e)
{
	const struct config *c = h->config;
	size_t n = 0, room = 8;

	for (size_t i = 0; i < c->environment_count; i++)
		for (size_t j = 0; j < c->environments[i].job_count; j++)
			room += c->environments[i].jobs[j].secret_count;
	h->hide_files = calloc(room, sizeof(*h->hide_files));
	if (!h->hide_files)
		return error_set(e, ERR_FATAL, "out of memory");
	if (c->token_file && *c->token_file)
		h->hide_files[n++] = c->token_file;
	if (c->app_key_file && *c->app_key_file)
		h->hide_files[n++] = c->app_key_file;
	if (c->webhook_secret_file && *c->webhook_secret_file)
		h->hide_files[n++] = c->webhook_secret_file;
	for (size_t i = 0; i < c->environment_count; i++)
		for (size_t j = 0; j < c->environments[i].job_count; j++) {
			const struct job_spec *job =
				&c->environments[i].jobs[j];

			for (size_t k = 0; k < job->secret_count; k++)
				h->hide_files[n++] = job->secrets[k].file;
		}
	return ERR_OK;
}

static enum err open_ports(struct house *h, struct error *e)
{
	const struct config *c = h->config;
	struct github_settings github = {
		.api_url = c->api_url,
		.token_file = c->token_file,
		.user_agent = "kcibot/" KCIBOT_VERSION,
		.write_gap_ms = strstr(c->api_url, "://api.github.com")
					? WRITE_GAP_MS
					: 0,
		.clock = &clock_system,
		.count = count_call,
	};
	struct backend_settings backend = {
		.dir = h->paths.jobs,
		.hide = c->state_dir,
		.hide_files = h->hide_files,
		.program = "/proc/self/exe",
		.parallel = LIMIT_JOBS_PARALLEL,
		.clock = &clock_system,
	};

	h->git = (struct git_settings){
		.dir = h->paths.git,
		.clone_url = c->clone_url,
		.token_file =
			str_starts(c->clone_url, "http") ? c->token_file : "",
		.bot_name = c->bot_name,
		.bot_email = "kcibot@localhost",
		.moved_retry_ms = MOVED_RETRY_MS,
	};
	backend.git = h->git;
	h->forge_port = github_port_new(&github, e);
	if (!h->forge_port)
		return e->code;
	h->git_port = git_port_new(&h->git, e);
	if (!h->git_port)
		return e->code;
	h->jobs_port = backend_port_new(&backend, e);
	return h->jobs_port ? ERR_OK : e->code;
}

static enum err open_engine(struct house *h, struct error *e)
{
	struct engine_settings s = {
		.config = h->config,
		.clock = &clock_system,
		.store_path = h->paths.store,
		.inbox_path = h->paths.inbox,
		.forge = h->forge_port,
		.git = h->git_port,
		.jobs = h->jobs_port,
		.scans = true,
	};
	struct view_settings view = {
		.bot = h->config->bot_name,
		.public_url = h->config->public_url,
		.web_url = h->web_url,
		.against = engine_against,
	};

	h->engine = engine_new(&s, e);
	if (!h->engine)
		return e->code;
	view.ctx = h->engine;
	h->web = (struct web){
		.clock = &clock_system,
		.started_mono_ms = clock_mono(&clock_system),
		.engine = h->engine,
	};
	h->web.pages = pages_new(h->paths.store, &view, &clock_system, e);
	return h->web.pages ? ERR_OK : e->code;
}

static enum err open_doors(struct house *h, struct error *e)
{
	struct intake_settings s = {
		.host = h->config->listen_host,
		.port = h->config->listen_port,
		.inbox_path = h->paths.inbox,
		.secret_file = h->config->webhook_secret_file,
		.clock = &clock_system,
		.request_ms = LIMIT_REQUEST_MS,
		.connections = LIMIT_CONNECTIONS,
		.committed = committed,
		.refused = refused,
		.page = page,
		.ctx = h,
	};

	h->control = control_start(h->paths.control, h->engine, e);
	if (!h->control)
		return e->code;
	if (engine_start(h->engine, e))
		return e->code;
	h->intake = intake_start(&s, e);
	if (!h->intake)
		return e->code;
	h->web.intake = h->intake;
	return ERR_OK;
}

/* Doors first, then the engine, then what it waits for. */
static void close_all(struct house *h)
{
	struct port *ports[] = {h->forge_port, h->git_port, h->jobs_port};

	intake_stop(h->intake);
	if (h->control)
		control_quiesce(h->control);
	if (h->engine)
		engine_stop(h->engine);
	/* Its clients have their answers now, and may still be asking. */
	if (h->control)
		control_free(h->control);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i])
			ports[i]->stop(ports[i]);
	engine_free(h->engine);
	pages_free(h->web.pages);
	reload_release(&h->reload);
	free(h->hide_files);
	free(h->web_url);
	state_paths_release(&h->paths);
	if (h->lock_fd >= 0)
		close(h->lock_fd);
}

/* Until a signal ends it, or the engine gives up. */
static int stay(struct house *h, const sigset_t *set)
{
	const struct timespec second = {.tv_sec = 1};
	struct error e = ERROR_INIT;

	for (;;) {
		int sig = sigtimedwait(set, NULL, &second);

		if (sig == SIGTERM || sig == SIGINT) {
			log_info("stopping (%s)", strsignal(sig));
			return 0;
		}
		if (sig == SIGHUP)
			reload_want(&h->reload);
		reload_step(&h->reload);
		if (!engine_healthy(h->engine, &e)) {
			log_error("stopping: %s", e.text);
			return 1;
		}
	}
}

/*
 * The forge's answers are megabytes that live for a moment.  Left to itself
 * malloc() raises its threshold after the first, takes the next from a heap,
 * one for each thread, and keeps it.
 */
static void keep_memory_flat(void)
{
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	mallopt(M_ARENA_MAX, 2);
}

int serve(const struct config *c)
{
	struct house h = {.config = c, .lock_fd = -1};
	struct error e = ERROR_INIT;
	sigset_t set;
	int status = 1;

	keep_memory_flat();
	quiet_signals(&set);
	state_paths_init(&h.paths, c);
	h.web_url = web_url_of(c);
	if (prepare(&h, &e) || collect_hidden(&h, &e) || open_ports(&h, &e) ||
	    open_engine(&h, &e) || open_doors(&h, &e)) {
		log_error("cannot start: %s", e.text);
	} else {
		log_info("kcibot %s listens on http://%s%s%s:%d",
			 KCIBOT_VERSION, strchr(c->listen_host, ':') ? "[" : "",
			 c->listen_host, strchr(c->listen_host, ':') ? "]" : "",
			 intake_port(h.intake));
		reload_init(&h.reload, c, h.engine, h.intake);
		status = stay(&h, &set);
	}
	close_all(&h);
	if (!status)
		log_info("stopped");
	return status;
}
