/*
 * X-Hub-Signature-256: HMAC-SHA256 of the raw body, under one secret or,
 * while it is being changed, under one of two.
 */
#ifndef BOT_SIGNATURE_H
#define BOT_SIGNATURE_H

#include "bot/base/cleanup.h"
#include "bot/base/str.h"

#define SIGNATURE_BYTES 32

struct signature;

void signature_free(struct signature *s);
DEFINE_CLEANUP(struct signature *, signature_free)

/*
 * Reads a file of one or two lines: the secret, and the old one while both
 * are accepted.  A line ends at LF or CR LF, everything else counts; empty
 * lines do not.  Each is registered with redact_secret().  NULL with a sentence
 * when there are none or more than two, or one is shorter than
 * LIMIT_SECRET_MIN.
 */
NODISCARD OWNED_BY(signature_free)
struct signature *signature_load(const char *path, struct error *e);

/* The same for one secret of any length (published test vectors). */
NODISCARD OWNED_BY(signature_free)
struct signature *signature_new(const char *secret, size_t len,
				struct error *e);

/* Reads "sha256=" and 64 hex digits; false when it is anything else. */
NODISCARD bool signature_parse(const char *header,
			       unsigned char ret[SIGNATURE_BYTES]);

/*
 * Does one of the secrets sign body so?  ERR_OK, or ERR_REFUSED; ERR_RETRY
 * when it could not be computed (no memory): that says nothing about the
 * sender, so it must not be answered as if the signature were wrong.
 */
NODISCARD enum err signature_check(const struct signature *s, const void *body,
				   size_t len,
				   const unsigned char claim[SIGNATURE_BYTES],
				   struct error *e);

#endif
