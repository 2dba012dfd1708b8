#include "bot/operator.h"

#include <pwd.h>
#include <stdio.h>

/* The name comes from a directory that others may write to: it must not
 * look like another one. */
static void plain_name(char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || *name == '(' || *name == ')')
			*name = '?';
}

void operator_name(char ret[OPERATOR_SIZE], uid_t uid)
{
	char room[4096], name[48] = "without a name";
	struct passwd entry, *found = NULL;

	if (!getpwuid_r(uid, &entry, room, sizeof(room), &found) && found) {
		snprintf(name, sizeof(name), "%s", found->pw_name);
		plain_name(name);
	}
	snprintf(ret, OPERATOR_SIZE, "operator %s (uid %u)", name,
		 (unsigned)uid);
}

void operator_sign(json_t *call, uid_t uid)
{
	char name[OPERATOR_SIZE];

	operator_name(name, uid);
	json_object_set_new(call, "by", json_string(name));
}
