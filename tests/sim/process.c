/*
 * The bot's life: it starts, it dies, it starts again.
 */
#include <stdlib.h>
#include <string.h>

#include "store/store.h"
#include "tests/sim/sim.h"

/*
 * Every world begins with files that have their tables: made once, and a copy
 * for each.  Nobody dies while they are made, here as little as before.
 */
static struct image store_image, inbox_image;

static void make_images(struct sim *s)
{
	struct error e = ERROR_INIT;
	struct store *store = store_open(s->store_path, &e);
	struct inbox *inbox = inbox_open(s->inbox_path, &e);

	store_close(store);
	inbox_close(inbox);
	if (disk_keep(s->store_path, &store_image) &&
	    disk_keep(s->inbox_path, &inbox_image))
		return;
	fprintf(stderr, "no databases to begin with: %s\n", e.text);
	exit(2);
}

void process_begin(struct sim *s)
{
	if (!store_image.data) {
		disk_clear(0);
		make_images(s);
	}
	disk_clear(s->seed);
	disk_put(s->store_path, &store_image);
	disk_put(s->inbox_path, &inbox_image);
	process_boot(s, 0);
	process_run(s);
}

void process_die(struct sim *s, const char *why)
{
	sim_trace(s, "the process dies: %s", why);
	s->deaths++;
	/* From here on it writes nothing and calls nobody. */
	disk_die(true);
	engine_free(s->engine);
	inbox_close(s->inbox);
	s->engine = NULL;
	s->inbox = NULL;
	disk_die(false);
	s->life++;
	calls_cut(s);
	sim_at(s, s->now_ms + chance_between(&s->chance, SECOND, 3 * MINUTE),
	       process_boot, 0);
}

/* Monotonic time begins anew, and no job lives on. */
void process_reboot(struct sim *s)
{
	if (s->engine)
		process_die(s, "the machine reboots");
	s->clock.mono = MINUTE;
	jobs_vanish(s);
}

/* What a call of the command line was told does not matter here. */
static void hear_nothing(void *ctx, const json_t *object)
{
	(void)ctx;
	(void)object;
}

/* At the first start the operator makes the trust list. */
static void grant_all(struct sim *s)
{
	for (int i = 0; i < PEOPLE_MAX; i++)
		if (*people[i].role)
			engine_call(s->engine,
				    json_pack("{s:s, s:I, s:s, s:s, s:s, s:s,"
					      " s:s}",
					      "op", "trust.add", "id",
					      (json_int_t)people[i].id, "login",
					      people[i].login, "role",
					      people[i].role, "scope", "", "by",
					      "operator", "reason", "sim"),
				    hear_nothing, NULL);
}

void process_boot(struct sim *s, int64_t arg)
{
	struct error e = ERROR_INIT;
	struct engine_settings set = {
		.config = s->config,
		.clock = &s->clock.clock,
		.store_path = s->store_path,
		.inbox_path = s->inbox_path,
		.forge = &s->forge,
		.git = &s->git,
		.jobs = &s->jobs_port,
		.scans = true,
	};

	(void)arg;
	s->inbox = inbox_open(s->inbox_path, &e);
	s->engine = s->inbox ? engine_new(&set, &e) : NULL;
	if (!s->engine) {
		inbox_close(s->inbox);
		s->inbox = NULL;
		/* A full or dying disk passes; anything else is a fault. */
		if (!disk_is_full() && !process_dead())
			sim_fail(s, "the process does not start: %s", e.text);
		disk_die(false);
		sim_at(s, s->now_ms + MINUTE, process_boot, 0);
		return;
	}
	s->woken = true;
	s->life_ms = s->now_ms;
	s->offs += s->off_ms != s->clock.wall - s->now_ms;
	s->off_ms = s->clock.wall - s->now_ms;
	sim_trace(s, "the process starts");
	if (!s->boots++)
		grant_all(s);
}

void process_run(struct sim *s)
{
	struct error e = ERROR_INIT;
	bool idle = false;

	/* As in serve: nobody looks before there is something to see. */
	if (!s->engine || (!s->woken && engine_due_in(s->engine)))
		return;
	s->woken = false;
	for (int n = 0; s->engine && !idle; n++) {
		enum err code = engine_turn(s->engine, &idle, &e);

		if (process_dead()) {
			process_die(s, "in the middle of a write");
			return;
		}
		if (code) {
			if (!disk_is_full())
				sim_fail(s, "the engine gives up: %s", e.text);
			process_die(s, "the disk is full");
			return;
		}
		if (n > 2000) {
			sim_fail(s, "the engine never comes to rest");
			return;
		}
	}
}
