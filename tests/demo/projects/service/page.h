#ifndef PAGE_H
#define PAGE_H

#include <stddef.h>

/* The page for people, as plain text; what does not fit is left out. */
void page_write(char *to, size_t size);

#endif
