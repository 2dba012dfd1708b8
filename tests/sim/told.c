/*
 * What the bot ever wrote: an answer that the next one took the place of was
 * read all the same.
 */
#include <stdlib.h>
#include <string.h>

#include "bot/base/str.h"
#include "tests/sim/sim.h"

static bool is_known(const struct sim *s, const struct sim_key *key)
{
	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].id == key->id &&
		    !strcmp(s->keys[i].what, key->what))
			return true;
	return false;
}

/* "said:7 -->..." */
static void note_key(struct sim *s, int pull, const char *text)
{
	struct sim_key key = {.pull = pull, .at_ms = s->now_ms};
	size_t n = strcspn(text, ": ");

	if (text[n] != ':' || n >= sizeof(key.what))
		return;
	memcpy(key.what, text, n);
	key.id = strtoll(text + n + 1, NULL, 10);
	if (!key.id || is_known(s, &key))
		return;
	if (s->key_count == KEYS_MAX)
		sim_fail(s, "more than %d keys", KEYS_MAX);
	else
		s->keys[s->key_count++] = key;
}

/* "Stopped: cycle 7 (short) on ..." */
static void note_stopped(struct sim *s, const char *text)
{
	struct sim_cycle *c = cycle_of(s, strtoll(text, NULL, 10));

	if (c && !c->stopped_ms)
		c->stopped_ms = s->now_ms;
}

void told_note(struct sim *s, int pull, const char *body)
{
	static const char key[] = "<!-- kcibot:key ";
	static const char stopped[] = "Stopped: cycle ";

	for (const char *at = body; (at = strstr(at, key));)
		note_key(s, pull, at += strlen(key));
	for (const char *at = body; (at = strstr(at, stopped));)
		note_stopped(s, at += strlen(stopped));
}
