/*
 * bot/signature.c: X-Hub-Signature-256 under two secrets.  Accepted is
 * exactly what OpenSSL's own one-call HMAC says, in hexadecimal digits behind
 * "sha256="; nothing else, however near.
 *
 * An input is a line and a body.  The line is tried as it is.  It is also a
 * list of changes to the right header: pairs of a place and a byte.  No
 * fuzzer finds the neighbours of a hash by itself.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "bot/base/fs.h"
#include "bot/signature.h"
#include "tests/fuzz/fuzz.h"

#define HEADER_LEN 71

static const char *const secrets[] = {
	"0123456789abcdef0123456789abcdef",
	"an older secret of some forty bytes, yes",
};

/* Both from a file, as the bot has them. */
static struct signature *load(void)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *text = NULL;
	struct error e = ERROR_INIT;
	const char *tmp = getenv("TMPDIR");
	struct signature *s;

	path = str_format("%s/fuzz-secret-%d", tmp ? tmp : "/tmp", getpid());
	text = str_format("%s\r\n\n%s\n", secrets[0], secrets[1]);
	MUST(sodium_init() >= 0);
	MUST(!fs_write(path, text, strlen(text), 0600, &e));
	s = signature_load(path, &e);
	MUST(s && !unlink(path));
	return s;
}

static void right_header(const char *secret, const uint8_t *body, size_t len,
			 char ret[HEADER_LEN + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	MUST(HMAC(EVP_sha256(), secret, (int)strlen(secret), body, len, mac,
		  &n));
	MUST(n == SIGNATURE_BYTES);
	snprintf(ret, 8, "sha256=");
	for (size_t i = 0; i < n; i++)
		snprintf(ret + 7 + 2 * i, 3, "%02x", mac[i]);
}

static bool is_accepted(const struct signature *s, const char *header,
			const uint8_t *body, size_t len)
{
	unsigned char claim[SIGNATURE_BYTES];
	/* Its end is the end of the memory, so that no read goes too far. */
	CLEANUP(free) char *exact = fuzz_text(header, strlen(header));
	struct error e = ERROR_INIT;
	enum err code;

	memset(claim, 0x5a, sizeof(claim));
	if (!signature_parse(exact, claim))
		return false;
	code = signature_check(s, body, len, claim, &e);
	MUST(code == ERR_OK || code == ERR_REFUSED);
	MUST(code == ERR_OK || (e.code == code && *e.text));
	return code == ERR_OK;
}

/* A digit's case does not matter; all else does. */
static bool is_right(const char *header, const char *right)
{
	return strncmp(header, "sha256=", 7) == 0 &&
	       strcasecmp(header, right) == 0;
}

static void change(char *header, const char *line, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		header[(unsigned char)line[i] % HEADER_LEN] = line[i + 1];
}

/* The line, and what signs body changed as the line says. */
static void check_near(const struct signature *s, const char *line, size_t n,
		       const uint8_t *body, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		char right[2][HEADER_LEN + 1], header[HEADER_LEN + 1];

		right_header(secrets[i], body, len, right[0]);
		right_header(secrets[!i], body, len, right[1]);
		MUST(is_accepted(s, right[0], body, len));
		memcpy(header, right[0], sizeof(header));
		change(header, line, n);
		MUST(is_accepted(s, header, body, len) ==
		     (is_right(header, right[0]) ||
		      is_right(header, right[1])));
		MUST(is_accepted(s, line, body, len) ==
		     (is_right(line, right[0]) || is_right(line, right[1])));
		/* It signs this body, and no beginning of it. */
		MUST(!len || !is_accepted(s, right[0], body, len - 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signature *s;
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t n = end ? (size_t)(end - data) : size;
	CLEANUP(free) char *line = fuzz_text(data, n);
	const uint8_t *body = data + n + (end != NULL);

	if (!s)
		s = load();
	check_near(s, line, n, body, size - (size_t)(body - data));
	return 0;
}

static void seed_signed(const char *body)
{
	CLEANUP(str_release) struct str seed = STR_INIT(1u << 20);
	char header[HEADER_LEN + 1];

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		right_header(secrets[i], (const uint8_t *)body, strlen(body),
			     header);
		str_clear(&seed);
		str_addf(&seed, "%s\n%s", header, body);
		fuzz_seed(seed.text, seed.len);
	}
}

void fuzz_seeds(void)
{
	static const char *const others[] = {
		"\nbody",
		"sha1=0123\nbody",
		"sha256=\nbody",
		("sha256=0000000000000000000000000000000000000000000000000000"
		 "000000000000\nbody"),
		"\x07 \x08\t\nbody",
		"sha256=0x00\nbody",
	};

	seed_signed("");
	seed_signed("Hello, World!");
	seed_signed("{\"action\":\"created\"}");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		fuzz_seed(others[i], strlen(others[i]));
}
