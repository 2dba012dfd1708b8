#include "bot/signature.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>
#include <string.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/base/redact.h"

#define SECRETS 2

/*
 * OpenSSL's HMAC, as it is five times as fast as libsodium's; libsodium's
 * comparison, which takes the same time wherever the difference is.  Each
 * context holds a key and is only ever copied.
 */
struct signature {
	EVP_MAC_CTX *keyed[SECRETS];
	int count;
};

static enum err add_secret(struct signature *s, const char *secret, size_t len,
			   struct error *e)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac); /* the context keeps its own reference */
	if (!ctx ||
	    !EVP_MAC_init(ctx, (const unsigned char *)secret, len, params)) {
		EVP_MAC_CTX_free(ctx);
		return error_set(e, ERR_FATAL, "OpenSSL has no HMAC-SHA256");
	}
	s->keyed[s->count++] = ctx;
	return ERR_OK;
}

/* One line of the file; its end is written over with a NUL. */
static enum err add_line(struct signature *s, char *line, size_t len,
			 struct error *e)
{
	if (len && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	if (!len)
		return ERR_OK;
	if (s->count == SECRETS)
		return error_set(e, ERR_INVALID, "more than %d secrets",
				 SECRETS);
	if (strlen(line) != len)
		return error_set(e, ERR_INVALID, "a NUL byte in a secret");
	if (len < LIMIT_SECRET_MIN)
		return error_set(e, ERR_INVALID,
				 "secret %d has %zu bytes, at least %d are "
				 "needed (try: openssl rand -hex 32)",
				 s->count + 1, len, LIMIT_SECRET_MIN);
	redact_secret(line);
	return add_secret(s, line, len, e);
}

static enum err add_lines(struct signature *s, struct str *text,
			  struct error *e)
{
	char *line = text->text;
	char *end = text->text + text->len;

	while (line < end) {
		char *stop = memchr(line, '\n', (size_t)(end - line));

		if (!stop)
			stop = end;
		if (add_line(s, line, (size_t)(stop - line), e))
			return e->code;
		line = stop + 1;
	}
	if (!s->count)
		return error_set(e, ERR_INVALID, "there is no secret in it");
	return ERR_OK;
}

/* Apart from signature_free(), as the compiler pairs that with the makers. */
static struct signature *drop(struct signature *s)
{
	for (int n = 0; n < s->count; n++)
		EVP_MAC_CTX_free(s->keyed[n]);
	free(s);
	return NULL;
}

void signature_free(struct signature *s)
{
	drop(s);
}

static struct signature *make(struct error *e)
{
	struct signature *s = calloc(1, sizeof(*s));

	if (!s)
		error_set(e, ERR_FATAL, "out of memory");
	return s;
}

struct signature *signature_load(const char *path, struct error *e)
{
	CLEANUP(str_release)
	struct str text = STR_INIT(2 * (LIMIT_SECRET_MAX + 2));
	struct signature *s = make(e);

	if (!s)
		return NULL;
	if (fs_read(path, &text, e)) {
		s = drop(s);
	} else if (add_lines(s, &text, e)) {
		error_prefix(e, "%s", path);
		s = drop(s);
	}
	sodium_memzero(text.text, text.len);
	return s;
}

struct signature *signature_new(const char *secret, size_t len, struct error *e)
{
	struct signature *s = make(e);

	if (s && add_secret(s, secret, len, e))
		return drop(s);
	return s;
}

bool signature_parse(const char *header, unsigned char ret[SIGNATURE_BYTES])
{
	static const char prefix[] = "sha256=";
	const char *hex = header + sizeof(prefix) - 1;
	size_t len = 0;

	return str_starts(header, prefix) && strlen(hex) == 64 &&
	       !sodium_hex2bin(ret, SIGNATURE_BYTES, hex, 64, NULL, &len,
			       NULL) &&
	       len == SIGNATURE_BYTES;
}

static bool compute(EVP_MAC_CTX *keyed, const void *body, size_t len,
		    unsigned char ret[SIGNATURE_BYTES])
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(keyed);
	size_t got = 0;
	bool good = ctx && EVP_MAC_update(ctx, body, len) &&
		    EVP_MAC_final(ctx, ret, &got, SIGNATURE_BYTES) &&
		    got == SIGNATURE_BYTES;

	EVP_MAC_CTX_free(ctx);
	return good;
}

enum err signature_check(const struct signature *s, const void *body,
			 size_t len, const unsigned char claim[SIGNATURE_BYTES],
			 struct error *e)
{
	unsigned char right[SIGNATURE_BYTES];

	for (int n = 0; n < s->count; n++) {
		if (!compute(s->keyed[n], body, len, right))
			return error_set(e, ERR_RETRY,
					 "the signature cannot be computed");
		if (!sodium_memcmp(right, claim, SIGNATURE_BYTES))
			return ERR_OK;
	}
	return error_set(e, ERR_REFUSED, "the signature is wrong");
}
