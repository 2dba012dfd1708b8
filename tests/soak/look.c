/* Looking at the bot from outside while it lives. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/clock.h"
#include "tests/integration/look.h"
#include "tests/soak/soak.h"

/* "2026-11-21T14:05:09Z error ..." */
#define LEVEL_AT 21
#define LINE_MAX_BYTES 4096

/* What happens to a bot here is an error to its operator, and expected. */
static const char *const expected[] = {
	"configuration",
};

static void judge_line(struct soak *s, const char *line)
{
	s->log_lines++;
	if (strlen(line) <= LEVEL_AT || !str_starts(line + LEVEL_AT, "error "))
		return;
	s->log_errors++;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		if (str_starts(line + LEVEL_AT + 6, expected[i]))
			return;
	soak_problem(s, "in the log: %s", line);
}

/* What is new in it, line by line; half a line waits for its end. */
static void read_log(struct soak *s)
{
	FILE *log = fopen(s->h->log, "re");
	char line[LINE_MAX_BYTES];

	if (!log || fseeko(log, s->log_at, SEEK_SET)) {
		soak_problem(s, "the log cannot be read");
	} else {
		while (fgets(line, sizeof(line), log) && strchr(line, '\n')) {
			s->log_at = ftello(log);
			*strchr(line, '\n') = '\0';
			judge_line(s, line);
		}
	}
	if (log)
		fclose(log);
}

void soak_look(struct soak *s)
{
	int status;

	read_log(s);
	if (waitpid(s->h->pid, &status, WNOHANG) == s->h->pid) {
		s->h->pid = 0;
		fail_msg("the bot ended by itself (%d)", status);
	}
	if (house_get(s->h, "/healthz", NULL) != 200)
		soak_problem(s, "it is not healthy");
}

bool soak_await_quiet(struct soak *s, int64_t wait_ms)
{
	int64_t end = clock_mono(&clock_system) + wait_ms;

	while (!house_is_quiet(s->h)) {
		if (clock_mono(&clock_system) > end)
			return false;
		for (int i = 0; i < 6; i++)
			look_pause();
	}
	return true;
}
