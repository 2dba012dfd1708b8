#include "tests/bench/measure.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/base/proc.h"
#include "tests/bench/forge.h"
#include "tests/bench/http.h"
#include "tests/bench/payload.h"

/* A program is idle when it has had this long for itself. */
#define SETTLE_MS 400
/* Whatever a command leads to has been done when nobody calls for so long. */
#define REST_MS 100
#define CALL_MS 10000
/* Comments whose ids no payload file has. */
#define COMMAND_ID 2000000000LL

static const char *words_of(const struct scenario *s)
{
	return s->wrong ? "wrong" : "right";
}

/* Runs wrk; its last line is ours (see wrk.lua). */
static enum err run_wrk(const struct program *program, const struct place *p,
			const struct running *r, const struct scenario *s,
			int seconds, int index, struct str *out,
			struct error *e)
{
	CLEANUP(free) char *url = NULL, *lua = NULL;
	char conns[16], duration[16], first[16];
	const char *const argv[] = {"wrk",
				    "-t1",
				    "-c",
				    conns,
				    "-d",
				    duration,
				    "-s",
				    lua = str_format("%s/wrk.lua", p->here),
				    url = str_format("http://127.0.0.1:%d%s",
						     r->port, program->path),
				    "--",
				    s->base,
				    first,
				    words_of(s),
				    NULL};
	struct proc_spec spec = {
		.argv = argv,
		.env = (const char *const *)environ,
		.timeout_ms = (seconds + 20) * 1000,
	};
	CLEANUP(proc_result_release) struct proc_result result = {0};

	snprintf(conns, sizeof(conns), "%d", s->connections);
	snprintf(duration, sizeof(duration), "%d", seconds);
	snprintf(first, sizeof(first), "%d", index);
	str_init(&result.out, 64 << 10);
	str_init(&result.err, 4096);
	if (proc_run(&spec, &result, e))
		return e->code;
	if (result.exit_code)
		return error_set(e, ERR_FATAL, "wrk failed: %s",
				 result.err.text);
	str_add(out, result.out.text, result.out.len);
	return str_check(out, e);
}

static enum err read_wrk(const struct str *out, struct measure *m,
			 struct error *e)
{
	const char *at = strstr(out->text, "\nbench ");
	long long requests, us, p50, p99, refused, broken;

	if (!at || sscanf(at, " bench %lld %lld %lld %lld %lld %lld", &requests,
			  &us, &p50, &p99, &refused, &broken) != 6)
		return error_set(e, ERR_FATAL, "wrk said: %s", out->text);
	if (!requests || !us)
		return error_set(e, ERR_FATAL, "no answer at all");
	m->acks = requests - refused;
	m->refused = refused;
	m->broken = broken;
	m->figures[ANSWERS_S] = (double)requests * 1e6 / (double)us;
	m->figures[P50_MS] = (double)p50 / 1e3;
	m->figures[P99_MS] = (double)p99 / 1e3;
	return ERR_OK;
}

static void note_memory(const struct running *r, bool idle, struct measure *m)
{
	struct memory memory;

	program_memory(r, &memory);
	if (idle) {
		m->figures[IDLE_MB] = (double)memory.rss_kb / 1024;
		m->figures[PRIVATE_MB] = (double)memory.private_dirty_kb / 1024;
		return;
	}
	m->figures[LOADED_MB] = (double)memory.rss_kb / 1024;
	m->figures[PEAK_MB] = (double)memory.peak_kb / 1024;
}

static enum err load(const struct program *program, const struct place *p,
		     const struct running *r, const struct scenario *s,
		     int seconds, int index, struct measure *m, struct error *e)
{
	CLEANUP(str_release) struct str out = STR_INIT(64 << 10);
	double answers;
	int64_t before;

	sleep_ms(SETTLE_MS);
	forge_rest(REST_MS);
	note_memory(r, true, m);
	before = program_cpu_us(r);
	if (run_wrk(program, p, r, s, seconds, index, &out, e) ||
	    read_wrk(&out, m, e))
		return e->code;
	answers = (double)(m->acks + m->refused);
	m->figures[CPU_US] = (double)(program_cpu_us(r) - before) / answers;
	note_memory(r, false, m);
	m->figures[DONE_US] = m->figures[CPU_US];
	if (program != &programs[PROGRAM_KCIBOT])
		return ERR_OK;
	if (!program_drain(r))
		return error_set(e, ERR_FATAL, "the engine does not catch up");
	m->figures[DONE_US] = (double)(program_cpu_us(r) - before) / answers;
	note_memory(r, false, m);
	return ERR_OK;
}

enum err measure_load(const struct program *program, const struct place *p,
		      const struct scenario *s, int seconds, int index,
		      struct measure *ret, struct error *e)
{
	struct running r;
	enum err code;

	*ret = (struct measure){.rows = -1};
	if (program_start(program, p, &r, e))
		return e->code;
	code = load(program, p, &r, s, seconds, index, ret, e);
	program_stop(&r);
	if (program == &programs[PROGRAM_KCIBOT])
		ret->rows = program_rows(p);
	return code;
}

static enum err one_call(const struct program *program, const struct running *r,
			 const json_t *comment, int n, double *ret_us,
			 struct error *e)
{
	char signature[65];
	CLEANUP(free)
	char *body = payload_one(comment, COMMAND_ID + n, "@kcibot status",
				 BENCH_SECRET, signature);
	int64_t sent, called;
	int status;

	if (!body)
		return error_set(e, ERR_FATAL, "out of memory");
	forge_rest(REST_MS);
	forge_arm();
	status =
		http_comment(r->port, program->path, n, body, signature, &sent);
	if (status < 200 || status > 299)
		return error_set(e, ERR_FATAL, "%s answers %d to a command",
				 program->name, status);
	called = forge_first_ns(CALL_MS);
	if (!called)
		return error_set(e, ERR_FATAL, "%s does not call the forge",
				 program->name);
	*ret_us = (double)(called - sent) / 1e3;
	return ERR_OK;
}

enum err measure_first_call(const struct program *program,
			    const struct place *p, const json_t *comment,
			    double ret_us[FIRST_CALLS], struct error *e)
{
	enum err code = ERR_OK;
	struct running r;

	if (program_start(program, p, &r, e))
		return e->code;
	sleep_ms(SETTLE_MS);
	for (int n = 0; n < FIRST_CALLS && !code; n++)
		code = one_call(program, &r, comment, n, &ret_us[n], e);
	program_stop(&r);
	return code;
}
