/* bot/signature.c: the vector that GitHub publishes, rotation, bad files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/crypto.h>

#include "bot/base/fs.h"
#include "bot/base/limits.h"
#include "bot/signature.h"

#define VECTOR                                                                 \
	"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
/* printf 'Hello, World!' | openssl dgst -sha256 -hmac SECRET */
#define NEW_SECRET "0123456789abcdef0123456789abcdef"
#define NEW_SIGNED                                                             \
	"493ea14865937c949bcf879623b5124e67913af92a610e31e76c81c11dde6fe5"
#define OLD_SECRET "an older secret of some forty bytes, yes"
#define OLD_SIGNED                                                             \
	"18484c7e672adcbd5cdc954f12837ec5af8487c9b016ca6ab4a1734c964bbd6c"
/* printf '' | openssl dgst -sha256 -hmac k */
#define EMPTY_SIGNED                                                           \
	"8bb990c40a7d61cb97597a942125025be50ac8beb74436e3735b98893a7f6620"

static const char body[] = "Hello, World!";
static char path[200];

static int set_up(void **state UNUSED)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/secret.XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state UNUSED)
{
	return unlink(path);
}

static enum err check(const struct signature *s, const char *hex)
{
	unsigned char claim[SIGNATURE_BYTES];
	struct error e = ERROR_INIT;
	char header[100];

	snprintf(header, sizeof(header), "sha256=%s", hex);
	assert_true(signature_parse(header, claim));
	return signature_check(s, body, strlen(body), claim, &e);
}

static struct signature *load(const char *text, size_t len, struct error *e)
{
	if (fs_write(path, text, len, 0600, e))
		fail_msg("%s", e->text);
	return signature_load(path, e);
}

static void test_published_vector(void **state UNUSED)
{
	static const char secret[] = "It's a Secret to Everybody";
	struct error e = ERROR_INIT;
	CLEANUP(signature_free)
	struct signature *s = signature_new(secret, strlen(secret), &e);

	assert_non_null(s);
	assert_int_equal(check(s, VECTOR), ERR_OK);
	assert_int_equal(check(s, VECTOR), ERR_OK); /* the key is not used up */
}

static void test_every_bit_counts(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	CLEANUP(signature_free)
	struct signature *s = signature_new("k", 1, &e);
	unsigned char claim[SIGNATURE_BYTES] = {0};

	/* 256 claims, none right; then a right one of another body. */
	for (int bit = 0; bit < SIGNATURE_BYTES * 8; bit++) {
		unsigned char wrong[SIGNATURE_BYTES];

		/* HMAC-SHA256("k", "") */
		assert_true(signature_parse("sha256=" EMPTY_SIGNED, claim));
		assert_int_equal(signature_check(s, "", 0, claim, &e), ERR_OK);
		memcpy(wrong, claim, sizeof(wrong));
		wrong[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(signature_check(s, "", 0, wrong, &e),
				 ERR_REFUSED);
	}
	assert_int_equal(signature_check(s, "x", 1, claim, &e), ERR_REFUSED);
}

static void test_header_must_be_exact(void **state UNUSED)
{
	static const char *const bad[] = {
		"",
		"sha256=",
		"sha256",
		VECTOR,
		"sha1=" VECTOR,
		"sha256=" VECTOR "0",
		"sha256=" VECTOR " ",
		" sha256=" VECTOR,
		"SHA256=" VECTOR,
		"sha256=57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c"
		"8b043e17",
		"sha256=g57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379"
		"c8b043e17",
		"sha256=75:107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379"
		"c8b043e1",
	};
	unsigned char claim[SIGNATURE_BYTES];

	for (size_t n = 0; n < ARRAY_SIZE(bad); n++)
		if (signature_parse(bad[n], claim))
			fail_msg("accepted: %s", bad[n]);
	assert_true(signature_parse("sha256=" VECTOR, claim));
	assert_int_equal(claim[0], 0x75);
	assert_int_equal(claim[31], 0x17);
}

static void test_two_secrets_while_rotating(void **state UNUSED)
{
	static const char *const files[] = {
		NEW_SECRET "\n" OLD_SECRET "\n",
		NEW_SECRET "\r\n" OLD_SECRET "\r\n",
		NEW_SECRET "\n" OLD_SECRET,
	};

	for (size_t n = 0; n < ARRAY_SIZE(files); n++) {
		struct error e = ERROR_INIT;
		CLEANUP(signature_free)
		struct signature *s = load(files[n], strlen(files[n]), &e);

		assert_non_null(s);
		assert_int_equal(check(s, NEW_SIGNED), ERR_OK);
		assert_int_equal(check(s, OLD_SIGNED), ERR_OK);
		assert_int_equal(check(s, VECTOR), ERR_REFUSED);
	}
}

static void test_one_secret(void **state UNUSED)
{
	struct error e = ERROR_INIT;
	CLEANUP(signature_free)
	struct signature *s = load(NEW_SECRET "\n\n", 34, &e);

	assert_non_null(s);
	assert_int_equal(check(s, NEW_SIGNED), ERR_OK);
	assert_int_equal(check(s, OLD_SIGNED), ERR_REFUSED);
}

static void refuse(const char *text, size_t len, const char *why)
{
	struct error e = ERROR_INIT;

	assert_null(load(text, len, &e));
	if (!strstr(e.text, why) || !strstr(e.text, path))
		fail_msg("\"%s\" does not say: %s", e.text, why);
	assert_null(strstr(e.text, "0123456789"));
}

static void test_bad_files_are_refused(void **state UNUSED)
{
	char many[3 * 34];
	struct error e = ERROR_INIT;

	refuse("", 0, "no secret");
	refuse("\n\r\n", 3, "no secret");
	refuse(NEW_SECRET, 31, "31 bytes, at least 32");
	refuse(NEW_SECRET "\nshort\n", 39, "secret 2 has 5 bytes");
	refuse("0123456789abcdef\0" NEW_SECRET, 49, "NUL");
	snprintf(many, sizeof(many), "%s\n%s\n%s\n", NEW_SECRET, NEW_SECRET,
		 NEW_SECRET);
	refuse(many, strlen(many), "more than 2");
	unlink(path);
	assert_null(signature_load(path, &e));
	assert_non_null(strstr(e.text, "No such file"));
	load(NEW_SECRET, 3, &e); /* for tear_down */
}

static bool no_memory;

static void *our_malloc(size_t n, const char *file UNUSED, int line UNUSED)
{
	return no_memory ? NULL : malloc(n);
}

static void *our_realloc(void *p, size_t n, const char *file UNUSED,
			 int line UNUSED)
{
	return no_memory ? NULL : realloc(p, n);
}

static void our_free(void *p, const char *file UNUSED, int line UNUSED)
{
	free(p);
}

/* An error inside the check says nothing about the sender. */
static void test_no_memory_is_no_mismatch(void **state UNUSED)
{
	static const char secret[] = "It's a Secret to Everybody";
	struct error e = ERROR_INIT;
	CLEANUP(signature_free)
	struct signature *s = signature_new(secret, strlen(secret), &e);

	no_memory = true;
	assert_int_equal(check(s, VECTOR), ERR_RETRY);
	assert_null(signature_new(secret, strlen(secret), &e));
	no_memory = false;
	assert_int_equal(check(s, VECTOR), ERR_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_published_vector),
		TEST(test_every_bit_counts),
		TEST(test_header_must_be_exact),
		TEST(test_two_secrets_while_rotating),
		TEST(test_one_secret),
		TEST(test_bad_files_are_refused),
		TEST(test_no_memory_is_no_mismatch),
	};

	/* Only before OpenSSL's first use. */
	if (!CRYPTO_set_mem_functions(our_malloc, our_realloc, our_free))
		return 1;

	return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
