#ifndef PRICE_H
#define PRICE_H

#include <stdio.h>

/* Writes cents as euros: 250 is "2.50 EUR". */
static inline void price_text(char *to, size_t size, int cents)
{
	snprintf(to, size, "%d.%d EUR", cents / 100, cents % 100);
}

#endif
