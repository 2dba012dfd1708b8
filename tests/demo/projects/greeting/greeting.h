#ifndef GREETING_H
#define GREETING_H

/* The first line of the shop's page; it needs no escaping in JSON. */
const char *greeting_text(void);

#endif
