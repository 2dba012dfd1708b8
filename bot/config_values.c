#include "bot/config_values.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/cleanup.h"
#include "bot/base/limits.h"
#include "bot/base/str.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define FOLDER_MAX 5000

/* 1 to max bytes, all of them allowed. */
static bool made_of(const char *text, const char *allowed, size_t max)
{
	size_t n = strlen(text);

	return n && n <= max && strspn(text, allowed) == n;
}

static bool ends(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

enum err value_repo(const char *text, struct error *e)
{
	const char *slash = strchr(text, '/');
	const char *name = slash ? slash + 1 : "";
	char owner[64] = "";

	if (slash && (size_t)(slash - text) < sizeof(owner))
		memcpy(owner, text, (size_t)(slash - text));
	/* A dash in front would read as an option. */
	if (!made_of(owner, LETTERS DIGITS "-_", 39) || owner[0] == '-' ||
	    !made_of(name, LETTERS DIGITS "-_.", 100) || name[0] == '-' ||
	    !strcmp(name, ".") || !strcmp(name, "..") || ends(name, ".git"))
		return error_set(e, ERR_INVALID, "must be OWNER/NAME");
	return ERR_OK;
}

static const char *branch_fault(const char *text)
{
	static const struct {
		const char *part;
		const char *why;
	} faults[] = {
		{"..", "'..' in it"},
		{"//", "'//' in it"},
		{"@{", "'@{' in it"},
		{"/.", "a part begins with '.'"},
		{".lock/", "a part ends in '.lock'"},
	};
	size_t n = strlen(text);

	if (!n || n > 244)
		return "it has 1 to 244 bytes";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f ||
		    strchr("~^:?*[\\", text[i]))
			return "a blank, a control character or one of "
			       "~^:?*[\\ in it";
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (strstr(text, faults[i].part))
			return faults[i].why;
	if (strchr("-/.", text[0]))
		return "it begins with '-', '/' or '.'";
	if (ends(text, "/") || ends(text, ".") || ends(text, ".lock"))
		return "it ends in '/', '.' or '.lock'";
	if (!strcmp(text, "@") || !strcmp(text, "HEAD"))
		return "git means something else by it";
	return NULL;
}

enum err value_branch(const char *text, struct error *e)
{
	const char *fault = branch_fault(text);

	if (fault)
		return error_set(e, ERR_INVALID, "must be a branch name (%s)",
				 fault);
	return ERR_OK;
}

enum err value_login(const char *text, struct error *e)
{
	if (!made_of(text, LETTERS DIGITS "-_", 39) || text[0] == '-')
		return error_set(e, ERR_INVALID,
				 "must be a login: up to 39 letters, digits "
				 "and '-'");
	return ERR_OK;
}

/*
 * It stands in status contexts, tags and the hidden markers of comments,
 * which a "--" would end.
 */
enum err value_name(const char *text, struct error *e)
{
	if (!made_of(text, LETTERS DIGITS "-_", 40) || strstr(text, "--") ||
	    strchr("-_", text[0]) || ends(text, "-"))
		return error_set(e, ERR_INVALID,
				 "must be up to 40 letters, digits, '_' and "
				 "single '-' between them");
	return ERR_OK;
}

enum err value_environment(const char *text, struct error *e)
{
	return *text ? value_name(text, e) : ERR_OK;
}

enum err value_word(const char *text, struct error *e)
{
	if (!made_of(text, LETTERS DIGITS "-_", LIMIT_STAGE_NAME) ||
	    strchr("-_", text[0]))
		return error_set(e, ERR_INVALID,
				 "must be up to %d letters, digits, '-' and "
				 "'_'",
				 LIMIT_STAGE_NAME);
	return ERR_OK;
}

enum err value_variable(const char *text, struct error *e)
{
	if (!made_of(text, LETTERS DIGITS "_", 100) || strchr(DIGITS, text[0]))
		return error_set(e, ERR_INVALID,
				 "must be the name of a variable: letters, "
				 "digits and '_'");
	if (str_starts(text, "KCIBOT_") || str_starts(text, "LD_") ||
	    !strcmp(text, "PATH") || !strcmp(text, "HOME"))
		return error_set(e, ERR_INVALID,
				 "must be another variable: this one is not "
				 "for secrets");
	return ERR_OK;
}

enum err value_label(const char *text, struct error *e)
{
	if (strlen(text) > 50 || text[0] == ' ' || ends(text, " "))
		return error_set(e, ERR_INVALID,
				 "must be a label of at most 50 bytes");
	return ERR_OK;
}

enum err value_glob(const char *text, struct error *e)
{
	if (!*text || text[0] == '/' || str_starts(text, "./") ||
	    str_starts(text, "../") || strstr(text, "/../"))
		return error_set(e, ERR_INVALID,
				 "must be a path pattern that starts at the "
				 "top of the repository, such as docker/**");
	if (text[strlen(text) - 1] == '/')
		return error_set(e, ERR_INVALID,
				 "matches no file: write %.200s** for all "
				 "below that folder",
				 text);
	return ERR_OK;
}

struct url {
	bool tls;
	char host[256];
	const char *path; /* from the first '/', or the end */
};

/* "", ":0" to ":65535". */
static bool good_port(const char *text, size_t len)
{
	char port[8] = "";

	if (!len)
		return true;
	if (len < 2 || len > 6 || text[0] != ':')
		return false;
	memcpy(port, text + 1, len - 1);
	return strspn(port, DIGITS) == len - 1 && atoi(port) <= 65535;
}

static bool good_host(const char *host)
{
	struct in6_addr a;

	if (strchr(host, ':'))
		return inet_pton(AF_INET6, host, &a) == 1;
	return made_of(host, LETTERS DIGITS "-._", 253) && host[0] != '-' &&
	       host[0] != '.';
}

/* HOST or [HOST] in front, its length with brackets; 0 = bad. */
static size_t split_host(const char *text, size_t len, char *host, size_t size)
{
	const char *end;
	size_t skip = len && text[0] == '[', n;

	end = memchr(text, skip ? ']' : ':', len);
	if (skip && !end)
		return 0;
	n = (end ? (size_t)(end - text) : len) - skip;
	if (n >= size)
		return 0;
	memcpy(host, text + skip, n);
	host[n] = '\0';
	if (!good_host(host) || (skip && !strchr(host, ':')))
		return 0;
	return n + 2 * skip;
}

static bool split_url(const char *text, struct url *ret)
{
	const char *at = strstr(text, "://");
	size_t n, used;

	*ret = (struct url){.tls = str_starts(text, "https://")};
	if (!at || (!ret->tls && !str_starts(text, "http://")))
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`", *p))
			return false;
	at += 3;
	n = strcspn(at, "/?#");
	used = split_host(at, n, ret->host, sizeof(ret->host));
	ret->path = at + n;
	return used && good_port(at + used, n - used);
}

enum err value_url(const char *text, struct error *e)
{
	const char *authority = strstr(text, "://");
	struct url url;

	if (authority) {
		authority += 3;
		if (memchr(authority, '@', strcspn(authority, "/?#")))
			return error_set(e, ERR_INVALID,
					 "must not hold credentials");
	}
	if (!split_url(text, &url))
		return error_set(e, ERR_INVALID,
				 "must be a URL with http:// or https://");
	return ERR_OK;
}

enum err value_base_url(const char *text, struct error *e)
{
	if (value_url(text, e))
		return e->code;
	if (strpbrk(text, "?#"))
		return error_set(e, ERR_INVALID,
				 "must be a URL without '?' and '#'");
	return ERR_OK;
}

enum err value_clone_url(const char *text, struct error *e)
{
	CLEANUP(str_release) struct str tried = STR_INIT(5000);
	const char *hole = strstr(text, "{repo}");

	if (!hole || strstr(hole + 1, "{repo}"))
		return error_set(e, ERR_INVALID,
				 "must hold {repo} once, in the place of "
				 "OWNER/NAME");
	str_add(&tried, text, (size_t)(hole - text));
	str_puts(&tried, "o/n");
	str_puts(&tried, hole + strlen("{repo}"));
	if (str_check(&tried, e))
		return e->code;
	if (str_starts(text, "file:///"))
		return ERR_OK;
	if (value_base_url(tried.text, e))
		return error_set(e, ERR_INVALID,
				 "must be a URL with https://, http:// or "
				 "file:///, without credentials");
	return ERR_OK;
}

enum err value_listen(const char *text, struct error *e)
{
	size_t n = strlen(text);
	char host[256];
	size_t used = split_host(text, n, host, sizeof(host));

	if (!used || !text[used] || !good_port(text + used, n - used))
		return error_set(e, ERR_INVALID,
				 "must be HOST:PORT, such as 127.0.0.1:8080 "
				 "or [::1]:8080");
	return ERR_OK;
}

/* Is one of the names between the slashes this one? */
static bool has_step(const char *path, const char *step)
{
	size_t len = strlen(step);

	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == len && strncmp(path, step, n) == 0)
			return true;
		path += n + (path[n] == '/');
	}
	return false;
}

enum err value_folder(const char *text, struct error *e)
{
	if (text[0] != '/' || strspn(text, "/") == strlen(text) ||
	    strlen(text) >= FOLDER_MAX || has_step(text, ".") ||
	    has_step(text, ".."))
		return error_set(e, ERR_INVALID,
				 "must be an absolute path to a folder of its "
				 "own");
	return ERR_OK;
}

enum err value_isolation(const char *text, struct error *e)
{
	const char *user = text + strlen("user:");

	if (!*text || !strcmp(text, "bubblewrap") || !strcmp(text, "none"))
		return ERR_OK;
	if (!str_starts(text, "user:") ||
	    !made_of(user, LETTERS DIGITS "-_.", 32) || user[0] == '-')
		return error_set(e, ERR_INVALID,
				 "must be bubblewrap, user:NAME or none");
	if (!strcmp(user, "root") || strspn(user, DIGITS) == strlen(user))
		return error_set(e, ERR_INVALID,
				 "must name an ordinary user, by name");
	return ERR_OK;
}

enum err value_backend(const char *text, struct error *e)
{
	if (*text && strcmp(text, "local") != 0)
		return error_set(e, ERR_INVALID,
				 "must be a backend that exists: local");
	return ERR_OK;
}

enum err value_permission(const char *text, struct error *e)
{
	static const char *const words[] = {"read", "triage", "write",
					    "maintain", "admin"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], text) == 0)
			return ERR_OK;
	return error_set(e, ERR_INVALID,
			 "must be read, triage, write, maintain or admin");
}

enum err value_trust_role(const char *text, struct error *e)
{
	if (strcmp(text, "admin") != 0 && strcmp(text, "maintainer") != 0)
		return error_set(e, ERR_INVALID, "must be admin or maintainer");
	return ERR_OK;
}

enum err value_zone(const char *text, struct error *e)
{
	if (!made_of(text, LETTERS DIGITS "-_+/", 60) || text[0] == '/' ||
	    strstr(text, "//"))
		return error_set(e, ERR_INVALID,
				 "must be a time zone such as Europe/Berlin");
	return ERR_OK;
}

bool url_is_exposed(const char *text)
{
	struct in_addr a;
	struct url url;

	if (!split_url(text, &url) || url.tls)
		return false;
	if (!strcmp(url.host, "localhost") || !strcmp(url.host, "::1"))
		return false;
	return inet_pton(AF_INET, url.host, &a) != 1 ||
	       ntohl(a.s_addr) >> 24 != 127;
}

bool parse_moment(const char *text, int *ret_minute)
{
	static const char days[] = "MonTueWedThuFriSatSun";
	const char *day;
	char name[4] = "";
	int hour, minute;

	if (strlen(text) != strlen("Fri 18:00") || text[3] != ' ' ||
	    text[6] != ':')
		return false;
	memcpy(name, text, 3);
	day = strstr(days, name);
	if (!day || (day - days) % 3)
		return false;
	for (int i = 4; i < 9; i++)
		if (i != 6 && (text[i] < '0' || text[i] > '9'))
			return false;
	hour = atoi(text + 4);
	minute = atoi(text + 7);
	if (hour > 23 || minute > 59)
		return false;
	*ret_minute = (int)(day - days) / 3 * 1440 + hour * 60 + minute;
	return true;
}
