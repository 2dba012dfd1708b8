#include <string.h>

#include "price.h"

static int failed;

static void check(int cents, const char *expected)
{
	char text[32];

	price_text(text, sizeof(text), cents);
	if (!strcmp(text, expected)) {
		printf("ok       %d cents are %s\n", cents, text);
	} else {
		printf("not ok   %d cents are %s, not %s\n", cents, expected,
		       text);
		failed = 1;
	}
}

int main(void)
{
	check(250, "2.50 EUR");
	check(1999, "19.99 EUR");
	return failed;
}
