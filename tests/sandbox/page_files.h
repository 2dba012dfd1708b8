/* The style sheet and the script of the pages. */
#ifndef SANDBOX_PAGE_FILES_H
#define SANDBOX_PAGE_FILES_H

extern const char page_style[];
extern const char page_script[];

#endif
