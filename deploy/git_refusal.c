/*
 * Why was a push refused?  git gives one line per ref on standard output,
 * FLAG TAB FROM:TO TAB SUMMARY, and what the server says on standard error.
 */
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/redact.h"
#include "deploy/git_kind.h"

/*
 * The words of git, GitHub and common server hooks, the most telling first:
 * GitHub says "pre-receive hook declined" also where a rule about the branch
 * speaks.
 */
static const struct {
	const char *text;
	enum git_refusal refusal;
} words[] = {
	{"stale info", GIT_REFUSED_LEASE},
	{"fetch first", GIT_REFUSED_LEASE},
	{"already exists", GIT_REFUSED_LEASE},
	{"cannot lock ref", GIT_REFUSED_LEASE},
	{"failed to update ref", GIT_REFUSED_LEASE},
	{"incorrect old value", GIT_REFUSED_LEASE},
	{"update workflow", GIT_REFUSED_CONTENT},
	{"`workflow` scope", GIT_REFUSED_CONTENT},
	{"`workflows` permission", GIT_REFUSED_CONTENT},
	{"GH006", GIT_REFUSED_RIGHTS},
	{"protected branch", GIT_REFUSED_RIGHTS},
	{"Permission to ", GIT_REFUSED_RIGHTS},
	{"Permission denied", GIT_REFUSED_RIGHTS},
	{"Write access to repository not granted", GIT_REFUSED_RIGHTS},
	{"Authentication failed", GIT_REFUSED_RIGHTS},
	{"could not read Username", GIT_REFUSED_RIGHTS},
	{"error: 401", GIT_REFUSED_RIGHTS},
	{"error: 403", GIT_REFUSED_RIGHTS},
	{"deny updating", GIT_REFUSED_RIGHTS},
	{"deletion prohibited", GIT_REFUSED_RIGHTS},
	{"archived", GIT_REFUSED_RIGHTS},
	{"fsck error", GIT_REFUSED_CONTENT},
	{"hook declined", GIT_REFUSED_CONTENT},
	{"rule violations", GIT_REFUSED_CONTENT},
};

/* The server's own trouble: nobody refused anything. */
static const char *const passing[] = {
	"Internal Server Error",
	"[remote failure]",
	"timed out",
	"try again",
};

static bool is_passing(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (strcasestr(line, passing[i]))
			return true;
	return false;
}

/* The porcelain line that begins with '!', or NULL. */
static const char *rejected_line(const char *out)
{
	while (out && *out) {
		if (str_starts(out, "!\t"))
			return out;
		out = strchr(out, '\n');
		out = out ? out + 1 : NULL;
	}
	return NULL;
}

/* SUMMARY of the line, without what comes before it. */
static void add_summary(struct str *reason, const char *line)
{
	CLEANUP(str_release) struct str clean = STR_INIT(LIMIT_GIT_COMPLAINT);
	CLEANUP(str_release) struct str safe = STR_INIT(LIMIT_GIT_COMPLAINT);
	size_t len = strcspn(line, "\n");
	const char *tab = memrchr(line, '\t', len);

	if (tab) {
		len -= (size_t)(tab + 1 - line);
		line = tab + 1;
	}
	redact_text(&clean, line, len);
	git_text(&safe, clean.text, clean.len);
	str_add(reason, safe.text, str_utf8_cut(safe.text, safe.len, 400));
}

static enum git_refusal search(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_SIZE(words); i++)
		if (strcasestr(text, words[i].text))
			return words[i].refusal;
	return GIT_ACCEPTED;
}

enum git_refusal git_refusal_of(const struct proc_result *r, struct str *reason)
{
	const char *line = rejected_line(r->out.text);
	enum git_refusal by_line = search(line);
	enum git_refusal by_server = search(r->err.text);

	if (!by_server && (!line || (!by_line && is_passing(line))))
		return GIT_ACCEPTED;
	if (line)
		add_summary(reason, line);
	if (!line || by_line == GIT_REFUSED_CONTENT) {
		if (line)
			str_puts(reason, ": ");
		git_complaint(reason, r);
	}
	/* A hook's refusal is vague; what the server said beside it is not. */
	if (by_line == GIT_REFUSED_CONTENT && by_server)
		return by_server;
	if (by_line)
		return by_line;
	return by_server ? by_server : GIT_REFUSED_RIGHTS;
}
