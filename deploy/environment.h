/*
 * What an operator says about one environment: its projects, its policy and
 * its recipe.  Filled by bot/config.c, read by everybody, never changed
 * while the program runs.  All text belongs to the struct config.
 */
#ifndef DEPLOY_ENVIRONMENT_H
#define DEPLOY_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A NULL-terminated list of text, never NULL itself. */
typedef const char *const *text_list;

struct project {
	const char *repo;   /* "owner/name" */
	const char *name;   /* the part after the slash */
	const char *base;   /* branch that pull requests must aim at */
	const char *branch; /* the staging branch that we push */
};

enum job_class {
	JOB_CODE,    /* failure speaks about the code */
	JOB_PREPARE, /* failure is infrastructure */
	JOB_DRAIN,
	JOB_STATE,
};

enum isolation {
	ISOLATION_DEFAULT, /* the strongest that the machine offers */
	ISOLATION_BUBBLEWRAP,
	ISOLATION_USER,
	ISOLATION_NONE,
};

struct job_secret {
	const char *name; /* environment variable */
	const char *file;
};

/* The job runs when one of the globs matches a changed path of repo. */
struct job_changed {
	const char *repo;
	text_list globs;
};

struct http_check {
	const char *url;
	int expect_status;	 /* 200 unless said */
	const char *expect_json; /* JSON object text that the answer must
				    contain, or NULL */
	int tries;
	int64_t every_ms;
};

struct job_spec {
	const char *name;
	const char *stage;
	text_list run;		       /* argv; empty for an http job */
	const struct http_check *http; /* or NULL */
	int64_t timeout_ms;
	int64_t full_timeout_ms; /* of JOB_DRAIN, see deploy/drain.h */
	enum job_class job_class;
	bool drains;
	const struct job_changed *changed; /* none = always */
	size_t changed_count;
	const struct job_secret *secrets;
	size_t secret_count;
	const char *backend; /* "local"; the environment's unless said */
};

struct policy {
	int64_t settle_ms;
	int64_t settle_max_ms;
	int64_t cooldown_ms;
	int64_t full_interval_ms;
	int64_t schedule_ms; /* 0 = none */
	int64_t stale_after_ms;
	int restart_limit;
	int max_batch;
};

/* Permissions for one revision of an unverified author. */
struct grants {
	int64_t for_ms;		    /* how long one holds */
	text_list sensitive;	    /* globs: paths that ask for more ... */
	const char *sensitive_role; /* ... than a maintainer: a role's name */
};

/* A window, every week, in which nothing starts; it may wrap around. */
struct freeze {
	int from_minute; /* of the week, Monday 00:00 is 0 */
	int to_minute;
	const char *zone; /* "Europe/Berlin" */
	const char *reason;
};

/* The search for the revision that broke a cycle. */
struct blame {
	int probes;	   /* at most so many extra deploys; 0 = no search */
	int64_t budget_ms; /* and so much time */
	bool full;	   /* search also when only the full part failed */
	double confidence; /* how sure to be, below 1 */
	const char *environment; /* where probes run; "" = this one */
};

struct environment {
	const char *name;
	const struct project *projects;
	size_t project_count;
	const char *label_skip;
	const char *label_include; /* "staging:main"; "" = none */
	struct policy policy;
	text_list recipe_short; /* stages in order */
	text_list recipe_full;
	const struct job_spec *jobs;
	size_t job_count;
	const char *backend; /* of jobs that name none */
	enum isolation isolation;
	const char *isolation_user; /* for ISOLATION_USER, else "" */
	struct grants grants;
	const struct freeze *freezes;
	size_t freeze_count;
	struct blame blame;
};

/* Has a short deploy this stage?  A full has those of its own besides. */
bool environment_in_short(const struct environment *env, const char *stage);

/* The project with this repo (ASCII case-insensitive), or NULL. */
const struct project *environment_project(const struct environment *env,
					  const char *repo);

#endif
