/*
 * Trouble on demand for the API: the next N calls that match get another
 * answer, or none.
 */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include "tests/sandbox/state.h"

enum sb_fault_kind {
	SB_FAULT_STATUS, /* another answer */
	SB_FAULT_HANG,	 /* no answer for ms, then the connection is closed */
	SB_FAULT_CLOSE,	 /* the connection is closed */
	SB_FAULT_CUT,	 /* half of the real body, then closed */
	SB_FAULT_DELAY,	 /* the real answer, ms later */
};

struct sb_fault {
	STAILQ_ENTRY(sb_fault) next;
	char *method;	/* "" = any */
	char *path;	/* start of the path; "" = any */
	char *ends;	/* end of the path; "" = any */
	char *contains; /* in the request body; "" = any */
	int64_t skip, count;
	enum sb_fault_kind kind;
	bool apply; /* the call takes effect before it goes wrong */
	int status;
	int64_t ms;
	char *body;
	json_t *headers; /* name -> text */
};

struct sb_faults *sb_faults_new(void);
void sb_faults_free(struct sb_faults *f);

/* As documented for POST /_sandbox/faults in control.c. */
NODISCARD enum err sb_faults_add(struct sandbox *s, const json_t *spec,
				 struct error *e);
/* No fault waits any more. */
void sb_faults_clear(struct sandbox *s);

/*
 * The fault that hits this call, and is used up once; NULL = none.  Good
 * until sb_faults_free().
 */
const struct sb_fault *sb_fault_next(struct sandbox *s, const char *method,
				     const char *path, const char *body);

#endif
