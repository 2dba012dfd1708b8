/*
 * Signed comments for wrk: a real payload of GitHub when npm has brought
 * them, else one of the same size that we make.
 */
#ifndef TESTS_BENCH_PAYLOAD_H
#define TESTS_BENCH_PAYLOAD_H

#include "bot/base/json.h"
#include "bot/base/str.h"

#define PAYLOAD_REPO "acme/api"
#define PAYLOAD_NUMBER 1
/* Whoever comments. */
#define PAYLOAD_LOGIN "ada"
#define PAYLOAD_USER_ID 4242

/*
 * A comment on a pull request of PAYLOAD_REPO by PAYLOAD_LOGIN.  examples is
 * the index.json of @octokit/webhooks-examples, NULL when there is none.
 */
NODISCARD json_t *payload_comment(const char *examples, struct error *e);

/*
 * Writes BASE.head, BASE.tail and BASE.signed (see wrk.lua): count comments
 * of about size bytes that do not speak to the bot.  At least the payload's
 * own size comes out.
 */
NODISCARD enum err payload_write(const json_t *comment, const char *base,
				 size_t size, int count, const char *secret,
				 size_t *ret_size, struct error *e);

/* One comment with this id and text; ret_signature gets 64 digits. */
NODISCARD char *payload_one(const json_t *comment, int64_t id, const char *text,
			    const char *secret, char ret_signature[65]);

/* CPU microseconds that the HMAC of size bytes takes here and now. */
double payload_hmac_us(size_t size);

#endif
