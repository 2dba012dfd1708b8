#include "bot/cli_engine.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/fs.h"
#include "bot/control.h"
#include "bot/engine.h"
#include "bot/operator.h"
#include "bot/serve.h"
#include "bot/version.h"

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t come;
	json_t *object;
};

static void take_answer(void *ctx, const json_t *object)
{
	struct answer *a = ctx;

	pthread_mutex_lock(&a->lock);
	a->object = json_deep_copy(object);
	pthread_cond_signal(&a->come);
	pthread_mutex_unlock(&a->lock);
}

void cli_github(const struct config *c, struct github_settings *ret)
{
	*ret = (struct github_settings){
		.api_url = c->api_url,
		.token_file = c->token_file,
		.user_agent = "kcibot/" KCIBOT_VERSION,
		.clock = &clock_system,
	};
}

/* The engine in this process, for one call: no deliveries, no jobs. */
static enum err call_ourselves(const struct config *c,
			       const struct state_paths *paths, json_t *call,
			       json_t **ret_answer, struct error *e)
{
	struct answer a = {
		PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_COND_INITIALIZER,
		NULL,
	};
	struct github_settings github;
	struct engine_settings s = {
		.config = c,
		.clock = &clock_system,
		.store_path = paths->store,
	};
	struct engine *g;

	cli_github(c, &github);
	s.forge = github_port_new(&github, e);
	if (!s.forge) {
		json_decref(call);
		return e->code;
	}
	g = engine_new(&s, e);
	if (!g || engine_start(g, e)) {
		json_decref(call);
		engine_free(g);
		s.forge->stop(s.forge);
		return e->code;
	}
	operator_sign(call, getuid());
	engine_call(g, call, take_answer, &a);
	pthread_mutex_lock(&a.lock);
	while (!a.object)
		pthread_cond_wait(&a.come, &a.lock);
	pthread_mutex_unlock(&a.lock);
	engine_stop(g);
	s.forge->stop(s.forge);
	engine_free(g);
	*ret_answer = a.object;
	return ERR_OK;
}

enum err cli_engine_call(const struct config *c, json_t *call,
			 json_t **ret_answer, struct error *e)
{
	CLEANUP(state_paths_release)
	struct state_paths paths = {0};
	enum err code;

	state_paths_init(&paths, c);
	code = control_call(paths.control, call, ret_answer, e);
	if (code != ERR_MISSING) {
		json_decref(call);
		return code;
	}
	umask(077);
	CLEANUP(fd_close) int lock = -1;
	if (fs_mkdirs(c->state_dir, 0700, e) || fs_lock(paths.lock, &lock, e)) {
		json_decref(call);
		return e->code;
	}
	return call_ourselves(c, &paths, call, ret_answer, e);
}

/* What the forge answered, as far as it is somebody. */
static enum err read_principal(const char *login, const json_t *body,
			       struct principal *ret, struct error *e)
{
	const char *kind = principal_kind(js_str(body, "type"));

	*ret = (struct principal){.id = js_int(body, "id", 0)};
	COPY(ret->login, js_str(body, "login"));
	if (ret->id <= 0 || !*ret->login)
		return error_set(e, ERR_INVALID, "the forge gave no id for %s",
				 login);
	if (!kind)
		return error_set(e, ERR_INVALID,
				 "%s is neither a person nor an organisation "
				 "nor an app",
				 login);
	COPY(ret->kind, kind);
	return ERR_OK;
}

enum err cli_look_up(const struct config *c, const char *login,
		     struct principal *ret, struct error *e)
{
	CLEANUP(json_decref) json_t *args = json_pack("{s:s}", "login", login);
	struct github_settings github;
	struct outcome o = {0};
	enum err code;

	cli_github(c, &github);
	code = github_call(&github, "forge.user", args, &o, e);
	if (!code)
		code = read_principal(login, o.body, ret, e);
	else if (code == ERR_MISSING)
		error_set(e, code, "the forge knows no user %s", login);
	json_decref(o.body);
	return code;
}

enum err cli_resolve(const struct config *c, const char *login, int64_t *ret_id,
		     char **ret_login, struct error *e)
{
	struct principal who;

	if (cli_look_up(c, login, &who, e))
		return e->code;
	*ret_id = who.id;
	*ret_login = strdup(who.login);
	return *ret_login ? ERR_OK : error_set(e, ERR_FATAL, "out of memory");
}
