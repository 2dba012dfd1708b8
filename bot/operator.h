/*
 * Who sits at the command line: an account of this machine, as the kernel
 * knows it, not as the caller says.
 */
#ifndef BOT_OPERATOR_H
#define BOT_OPERATOR_H

#include <sys/types.h>

#include "bot/base/json.h"

#define OPERATOR_SIZE 96

/* "operator NAME (uid N)" */
void operator_name(char ret[OPERATOR_SIZE], uid_t uid);

/* Writes it into a call as "by", whatever stood there. */
void operator_sign(json_t *call, uid_t uid);

#endif
