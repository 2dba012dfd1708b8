/* A listening TCP socket. */
#ifndef BOT_LISTEN_H
#define BOT_LISTEN_H

#include "bot/base/error.h"

/*
 * Listens on host and port (0 = any free one, see *ret_port); the caller
 * owns *ret_fd.  ERR_FATAL with a sentence when it cannot.
 */
NODISCARD enum err listen_on(const char *host, int port, int *ret_fd,
			     int *ret_port, struct error *e);

#endif
