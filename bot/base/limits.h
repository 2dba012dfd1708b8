/*
 * Every limit of the program with its reason, in one place.  A limit that an
 * operator may want to move is configuration instead (bot/config.h).
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Intake: GitHub sends nothing larger than 25 MB. */
#define LIMIT_BODY (25u << 20)
/* All bodies being received at one time: five of the largest. */
#define LIMIT_BODIES_IN_FLIGHT (128u << 20)
/* Sockets held open by clients at one time. */
#define LIMIT_CONNECTIONS 512
/* GitHub gives up after 10 s; a request that takes longer is no use. */
#define LIMIT_REQUEST_MS 10000
/* A secret shorter than the hash's output can be guessed sooner than it. */
#define LIMIT_SECRET_MIN 32
#define LIMIT_SECRET_MAX 4096

/* Parsing one delivery: a 24 MB body of "{}," would take 1.9 GB. */
#define LIMIT_JSON_MEMORY (96u << 20)

/* GitHub refuses a comment above 65,536 characters. */
#define LIMIT_COMMENT 65000
/* What we accept as a comment to read. */
#define LIMIT_COMMENT_IN (64u << 10)
/* A stranger's comment beyond this is not read at all. */
#define LIMIT_STRANGER_COMMENT (4u << 10)
#define LIMIT_COMMANDS_PER_COMMENT 8
#define LIMIT_COMMAND_LINE 512
/*
 * Commands that one person may give in an hour, over all and on one pull
 * request: nobody needs more by hand, and a stolen account shall not wear out
 * staging or the forge's patience.
 */
#define LIMIT_COMMANDS_PER_HOUR 120
#define LIMIT_COMMANDS_PER_HOUR_HERE 60
/* GitHub refuses a status description above 140 characters. */
#define LIMIT_STATUS_DESCRIPTION 140

/* Files the operator writes. */
#define LIMIT_CONFIG_FILE (1u << 20)
#define LIMIT_TOKEN_FILE (16u << 10)

/* Forge calls: connect, whole call, answer size, pages of a listing. */
#define LIMIT_FORGE_CONNECT_MS 5000
#define LIMIT_FORGE_CALL_MS 30000
#define LIMIT_FORGE_ANSWER (32u << 20)
#define LIMIT_FORGE_PAGES 30
#define LIMIT_FORGE_PARALLEL 8
/* Calls waiting in the client; the outbox holds the rest on disk. */
#define LIMIT_FORGE_QUEUE 1024
/* A longer hold goes back to the outbox, where a newer effect may replace
 * the waiting one. */
#define LIMIT_FORGE_WAIT_MS 5000
/* The longest hold that is believed: the forge's window is one hour. */
#define LIMIT_FORGE_HOLD_MS (65LL * 60 * 1000)
/* Answers kept to be asked for by ETag: bytes, and how many. */
#define LIMIT_FORGE_CACHE (8u << 20)
#define LIMIT_FORGE_CACHE_ENTRIES 256
#define LIMIT_FORGE_URL 8192
/* Same-host redirects of one read (a renamed repository is one). */
#define LIMIT_FORGE_REDIRECTS 3

/* An effect that still fails after this long is given up, visibly. */
#define LIMIT_EFFECT_AGE_MS (24LL * 3600 * 1000)
#define LIMIT_EFFECT_BACKOFF_MS (10LL * 60 * 1000)
/*
 * How things stand is told for as long as somebody may still look; the answer
 * to a command for a long weekend, in which a token ran out: then it is old.
 * Tried seldom, for what will never be allowed; store_not_later() takes it for
 * granted that this is below two hours.
 */
#define LIMIT_STATE_AGE_MS (30LL * 24 * 3600 * 1000)
#define LIMIT_ANSWER_AGE_MS (4LL * 24 * 3600 * 1000)
#define LIMIT_PUT_OFF_MS (3600LL * 1000)

/* Stages of a recipe; letters in the name of a stage or a job.  All of them
 * fit into struct cycle. */
#define LIMIT_STAGES 50
#define LIMIT_STAGE_NAME 60

/* Jobs: log kept on disk (start and end), tail shown in a comment. */
#define LIMIT_JOB_LOG_HEAD (1u << 20)
#define LIMIT_JOB_LOG_TAIL (3u << 20)
#define LIMIT_JOB_TAIL_LINES 30
#define LIMIT_JOB_TAIL_BYTES 6000
#define LIMIT_JOBS_PARALLEL 4 /* of one environment */
/* Folders of ended jobs, logs and all, are kept this long. */
#define LIMIT_JOB_KEEP_MS (14LL * 24 * 3600 * 1000)

/* git: at one time; a fetch or push that hangs is ended; output we read. */
#define LIMIT_GIT_PARALLEL 4
#define LIMIT_GIT_MS (10LL * 60 * 1000)
#define LIMIT_GIT_OUTPUT (16u << 20)
#define LIMIT_GIT_COMPLAINT (64u << 10)
/* The files of one revision, laid out; their names are LIMIT_GIT_OUTPUT. */
#define LIMIT_GIT_TREE_BYTES (4ull << 30)
/* One merge; a revision that takes longer is left out. */
#define LIMIT_GIT_MERGE_MS (2LL * 60 * 1000)
/* Names in a batch's answer: conflicting files, and paths of a revision. */
#define LIMIT_GIT_FILES 20
#define LIMIT_GIT_PATHS 3000
#define LIMIT_GIT_PATH_BYTES (256u << 10)

/* What one entry of the audit rests on, as JSON; and how many revisions or
 * requests of a cycle are listed in it. */
#define LIMIT_AUDIT_EVIDENCE (64u << 10)
#define LIMIT_AUDIT_LIST 200

/* Pages and control socket. */
#define LIMIT_PAGE (4u << 20)
#define LIMIT_CALL (256u << 10)

#endif
