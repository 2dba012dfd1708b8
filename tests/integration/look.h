/* Between the files of the harness only. */
#ifndef TESTS_LOOK_H
#define TESTS_LOOK_H

#include "tests/integration/house.h"

/* Prints the bot's log and what was said, and fails the test. */
NORETURN void look_fail(struct house *h, const char *why);
/* Before a condition is looked at again. */
void look_pause(void);
/* How long that is; where many houses share the machine, looking is what
 * costs most. */
void look_each_ms(int ms);
/* Lets every job end, and waits until their supervisors are gone. */
void look_release_jobs(struct house *h);

#endif
