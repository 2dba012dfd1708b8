/*
 * The list of trusted logins that KernelCI keeps as data/staging.ini, read as
 * it is:
 *
 *	[DEFAULT]
 *	branch: staging.kernelci.org
 *	users:
 *	    broonie
 *	    kernelci, padovan
 *
 * A small reader of our own, because libinih cuts lines at 200 bytes in the
 * middle of a name.  Other keys are passed over.  A list for one section
 * alone is an error: it would grant less than it seems to say here, or more.
 */
#ifndef BOT_STAGING_LIST_H
#define BOT_STAGING_LIST_H

#include <stddef.h>

#include "bot/base/error.h"
#include "bot/base/json.h"
#include "bot/base/str.h"

#define STAGING_LIST_MAX 2000 /* names */

/*
 * An array of logins as they are spelled, in the file's order, each once
 * whatever its case; the caller's.  NULL with "line N: ..." in e when the file
 * is not such a list, or holds no name.
 */
NODISCARD json_t *staging_list_read(const char *text, size_t len,
				    struct error *e);

/*
 * Writes who of the trust table (store_trust_list()) is trusted everywhere
 * and without an end as such a file, and says in comments what it cannot
 * express.
 */
void staging_list_write(struct str *out, const json_t *trust);

#endif
