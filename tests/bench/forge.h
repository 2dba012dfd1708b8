/*
 * A forge that knows one pull request and answers everything at once: what
 * is measured is how soon it is called.
 */
#ifndef TESTS_BENCH_FORGE_H
#define TESTS_BENCH_FORGE_H

#include <stdint.h>

#include "bot/base/error.h"

/* Listens on 127.0.0.1 with a thread of its own, until the process ends. */
NODISCARD enum err forge_start(int *ret_port, struct error *e);

/* From now on the next call counts as the first. */
void forge_arm(void);

/* Monotonic ns of the first call since forge_arm(); 0 = none within ms. */
int64_t forge_first_ns(int64_t ms);

/* Returns once nobody has called for quiet_ms. */
void forge_rest(int64_t quiet_ms);

int64_t mono_ns(void);
void sleep_ms(int64_t ms);

#endif
