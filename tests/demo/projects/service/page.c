#include "page.h"

#include "greeting.h"
#include "price.h"

#define APPLES 205 /* cents for a kilo */

void page_write(char *to, size_t size)
{
	char apples[32];

	price_text(apples, sizeof(apples), APPLES);
	snprintf(to, size,
		 "%s\n"
		 "Apples: %s a kilo.\n",
		 greeting_text(), apples);
}
