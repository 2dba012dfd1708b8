/*
 * Every call that the bot makes to the forge: what it is called, how it is
 * sent, and what it means.  One row is one HTTP request (or one listing of
 * several pages); nothing else in the program knows a path of the API.
 */
#ifndef BOT_GITHUB_CALLS_H
#define BOT_GITHUB_CALLS_H

#include "bot/base/json.h"
#include "bot/base/str.h"

/* Entries of one page of a listing; the most that GitHub gives. */
#define GITHUB_PER_PAGE 100

struct github_row {
	const char *kind;
	const char *method;
	const char *path;    /* {name} is an argument, checked and encoded */
	const char *query;   /* fixed part; NULL = none */
	const char *ask;     /* an argument that joins the query; NULL = none */
	const char *send[4]; /* arguments that make up the JSON body */
	bool pages;	     /* the answer is an array, over several pages */
	/*
	 * Of pages that come newest first: the member with an entry's time.
	 * The page that reaches back before the argument since is the last.
	 */
	const char *until;
	/* Oldest first from the argument since: a part is of use, as another
	 * call goes on from its last entry. */
	bool onward;
	bool none;	     /* 204 is the answer, and no other 2xx is one */
	const char *instead; /* after a 302: this kind, with our arguments */
	bool write; /* changes the forge: serial, spaced, may be lost */
	bool cache; /* asked again often: by ETag */
	const char *retried; /* statuses that may pass: "429 5xx" */
	const char *meaning;
};

/* All rows, ended by one without kind. */
extern const struct github_row github_rows[];

/* NULL when there is no such kind. */
const struct github_row *github_row(const char *kind);

/* Is status one that the row retries? */
bool github_row_retries(const struct github_row *row, int status);

struct github_request {
	const struct github_row *row;
	char *url;	  /* whole */
	char *path;	  /* for texts: without host and query */
	char *body;	  /* JSON; NULL = none */
	int64_t since_ms; /* of a row with until; 0 = read all */
};

void github_request_release(struct github_request *r);

/*
 * Fills *ret (empty before) from the arguments; base is api_url.  ERR_INVALID
 * with a sentence when an argument is missing or not what its name promises:
 * nothing that user text could bend ever leaves.
 */
NODISCARD enum err github_request_build(const struct github_row *row,
					const char *base, const json_t *args,
					struct github_request *ret,
					struct error *e);

#endif
