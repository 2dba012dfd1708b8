/* GitHub's API: who belongs to an organisation. */
#include <string.h>

#include "tests/sandbox/api.h"

/* Whom the path asks about; NULL after a 404. */
static const struct sb_user *asked(struct call *c, const struct sb_user **org)
{
	const struct sb_user *u = sb_user_find(c->s, c->args[1]);

	*org = sb_user_find(c->s, c->args[0]);
	if (*org && u && !strcmp((*org)->type, "Organization"))
		return u;
	call_error(c, 404, "Not Found");
	return NULL;
}

static void answer(struct call *c, bool yes)
{
	if (yes)
		c->status = 204;
	else
		call_error(c, 404, "Not Found");
}

static void get_public_member(struct call *c)
{
	const struct sb_user *org, *u = asked(c, &org);
	bool public;

	if (u)
		answer(c, sb_is_member(org, u, &public) && public);
}

/* Who is outside is sent to what everybody may know. */
static void get_member(struct call *c)
{
	const struct sb_user *org, *u = asked(c, &org);
	bool public;

	if (!u)
		return;
	if (sb_is_member(org, c->user, &public)) {
		answer(c, sb_is_member(org, u, &public));
		return;
	}
	CLEANUP(free)
	char *there = sb_must(str_format("%s/orgs/%s/public_members/%s",
					 c->s->url, org->login, u->login));
	call_header(c, "Location", there);
	c->status = 302;
}

const struct route api_org_routes[] = {
	{"GET", "/orgs/:/members/:", get_member},
	{"GET", "/orgs/:/public_members/:", get_public_member},
	{NULL, NULL, NULL},
};
