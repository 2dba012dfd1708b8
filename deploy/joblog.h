/*
 * A job's output on disk, bounded: the first LIMIT_JOB_LOG_HEAD bytes, a line
 * that counts what was dropped, the last LIMIT_JOB_LOG_TAIL bytes.
 *
 * While the job runs there are up to three files, DIR/log (the head),
 * DIR/log.1 and DIR/log.2 (two generations of what follows; log.2 is the
 * newer); joblog_close() makes one DIR/log of them.  Whatever the moment of a
 * crash, log + log.1 + log.2 read in this order are what is known.
 *
 * Writing never fails: a disk that is full loses output, not the job.
 */
#ifndef DEPLOY_JOBLOG_H
#define DEPLOY_JOBLOG_H

#include "bot/base/cleanup.h"
#include "bot/base/str.h"

struct joblog;

/* Finishes the file; takes NULL. */
void joblog_close(struct joblog *l);
DEFINE_CLEANUP(struct joblog *, joblog_close)

/* Starts an empty log in dir; NULL on failure. */
NODISCARD OWNED_BY(joblog_close)
struct joblog *joblog_open(const char *dir, struct error *e);

/* The same with other bounds, for tests. */
NODISCARD OWNED_BY(joblog_close)
struct joblog *joblog_open_sized(const char *dir, size_t head, size_t tail,
				 struct error *e);

void joblog_write(struct joblog *l, const char *data, size_t len);

/* A line of our own, "kcibot: ..." */
void joblog_sayf(struct joblog *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Bytes that the disk refused so far. */
int64_t joblog_lost(const struct joblog *l);

/*
 * Appends the last lines of the log in dir, finished or not, to out: at most
 * `lines` whole lines and `bytes` bytes, redacted, valid UTF-8, without
 * control characters and terminal sequences.  Nothing when there is no log; out
 * fails when there is no memory.
 */
void joblog_tail(const char *dir, size_t lines, size_t bytes, struct str *out);

#endif
