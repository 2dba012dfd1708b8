/* Looking at the bot from outside while it lives. */
#include <sys/wait.h>
#include <unistd.h>

#include "bot/base/cleanup.h"
#include "bot/base/clock.h"
#include "tests/integration/look.h"
#include "tests/soak/soak.h"

/* "2026-11-21T14:05:09Z error ..." */
#define LEVEL_AT 21

/* The operator's mistakes are told, and are expected. */
#define EXPECTED "configuration"

static void judge_line(struct soak *s, const char *line)
{
	s->log_lines++;
	if (strstr(line, "Sanitizer") || strstr(line, "runtime error:"))
		soak_problem(s, "in the log: %s", line);
	if (strlen(line) <= LEVEL_AT || !str_starts(line + LEVEL_AT, "error "))
		return;
	if (!str_starts(line + LEVEL_AT + 6, EXPECTED))
		soak_problem(s, "in the log: %s", line);
}

/* Half a line waits for its end. */
void soak_read_log(struct soak *s)
{
	FILE *log = fopen(s->h->log, "re");
	CLEANUP(free) char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (!log || fseeko(log, s->log_at, SEEK_SET)) {
		soak_problem(s, "the log cannot be read");
	} else {
		while ((len = getline(&line, &room, log)) > 0 &&
		       line[len - 1] == '\n') {
			s->log_at = ftello(log);
			line[len - 1] = '\0';
			judge_line(s, line);
		}
	}
	if (log)
		fclose(log);
}

void soak_look(struct soak *s)
{
	int status;

	soak_read_log(s);
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
