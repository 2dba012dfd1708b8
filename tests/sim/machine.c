/*
 * What happens to the machine: the process dies, the disk fills, the clock
 * jumps, it all goes down.
 */
#include "tests/sim/sim.h"

static void disk_is_back(struct sim *s, int64_t unused)
{
	(void)unused;
	sim_trace(s, "the disk has room again");
	disk_full(false);
}

void wall_set(struct sim *s, int64_t ms)
{
	if (s->clock.wall != ms && s->jumps++ < JUMPS_MAX)
		s->jumped_ms[s->jumps - 1] = s->now_ms;
	s->clock.wall = ms;
}

static void death(struct sim *s)
{
	if (chance_of(&s->chance, 150))
		process_reboot(s);
	else if (chance_of(&s->chance, 300))
		process_die(s, "killed");
	else
		process_doom(s, chance_between(&s->chance, 1, 60));
}

void trouble(struct sim *s)
{
	const struct knobs *k = &s->knobs;

	if (s->engine && chance_of(&s->chance, k->dying))
		death(s);
	if (chance_of(&s->chance, k->disk)) {
		sim_trace(s, "the disk is full");
		disk_full(true);
		sim_at(s, s->now_ms + chance_span(&s->chance, 2 * MINUTE),
		       disk_is_back, 0);
	}
	if (chance_of(&s->chance, k->jumping)) {
		int64_t by = chance_between(&s->chance, -2 * HOUR, 2 * HOUR);

		sim_trace(s, "the wall clock jumps by %lld s",
			  (long long)by / 1000);
		wall_set(s, s->clock.wall + by);
	}
}
