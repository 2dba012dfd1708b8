#include <math.h>
#include <sodium.h>
#include <string.h>

#include "tests/sim/sim.h"

/* splitmix64, by Sebastiano Vigna: small, fast, and every seed is good. */
uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

bool chance_of(struct chance *c, int permille)
{
	return (int)(chance_next(c) % 1000) < permille;
}

int64_t chance_between(struct chance *c, int64_t low, int64_t high)
{
	return low + (int64_t)(chance_next(c) % (uint64_t)(high - low + 1));
}

int64_t chance_span(struct chance *c, int64_t mean_ms)
{
	double u = (double)(chance_next(c) >> 11) / 9007199254740992.0;

	return (int64_t)(-(double)mean_ms * log(1.0 - u));
}

void sha_of(char ret[41], const char *text, uint64_t a, uint64_t b)
{
	unsigned char hash[20];
	char all[256];

	snprintf(all, sizeof(all), "%s/%llu/%llu", text, (unsigned long long)a,
		 (unsigned long long)b);
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)all,
			   strlen(all), NULL, 0);
	sodium_bin2hex(ret, 41, hash, sizeof(hash));
}

/* A property of the revision: the same whenever it is looked at. */
static bool sha_has(const struct sim *s, const char *sha, const char *what,
		    int permille)
{
	char mixed[41];
	struct chance c = {0};

	sha_of(mixed, sha, s->seed, (uint64_t)what[0]);
	for (int i = 0; i < 16; i++)
		c.state = c.state * 31 + (unsigned char)mixed[i];
	return chance_of(&c, permille);
}

bool sha_is_broken(const struct sim *s, const char *sha)
{
	return sha_has(s, sha, "broken", s->knobs.broken);
}

bool sha_conflicts(const struct sim *s, const char *sha)
{
	return sha_has(s, sha, "conflict", s->knobs.conflicting);
}
