#include "tests/sandbox/pushes.h"

#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/sandbox/events.h"

/* "OLD NEW NAME <MAIL> TIME ZONE\tWHY" */
static const struct sb_user *pusher_of(struct sandbox *s, const char *line)
{
	CLEANUP(free) char *name = sb_dup(line + 2 * SB_SHA);
	char *end = strstr(name, " <");
	const struct sb_user *u;

	if (end)
		*end = '\0';
	u = sb_user_find(s, name);
	return u ? u : s->bot;
}

static void line_read(struct sandbox *s, struct sb_repo *r, const char *ref,
		      const char *line)
{
	char before[SB_SHA], after[SB_SHA];

	if (sscanf(line, "%40[0-9a-f] %40[0-9a-f] ", before, after) != 2 ||
	    strlen(line) < 2 * SB_SHA || !strcmp(before, after))
		return;
	event_push(s, r,
		   &(struct sb_push){.ref = ref,
				     .before = before,
				     .after = after,
				     .pusher = pusher_of(s, line)});
	json_object_set_new(json_object_get(r->reflogs, ref), "sha",
			    json_string(after));
}

/* Whole lines of text, a half one at its end is left; bytes used. */
static size_t lines_read(struct sandbox *s, struct sb_repo *r, const char *ref,
			 char *text)
{
	char *line = text, *end;

	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		line_read(s, r, ref, line);
		line = end + 1;
	}
	return (size_t)(line - text);
}

static void log_read(struct sandbox *s, struct sb_repo *r, const char *path,
		     const char *ref, off_t size)
{
	json_t *seen = json_object_get(r->reflogs, ref);
	off_t at = (off_t)js_int(seen, "offset", 0);
	CLEANUP(free) char *text = NULL;
	ssize_t n;

	if (!seen) {
		seen = json_object();
		json_object_set_new(r->reflogs, ref, sb_must(seen));
	}
	json_object_set_new(seen, "here", json_true());
	if (size < at)
		at = 0; /* removed and made again in between */
	if (size == at)
		return;
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	text = sb_new((size_t)(size - at) + 1);
	n = fd < 0 ? 0 : pread(fd, text, (size_t)(size - at), at);
	if (n > 0)
		at += (off_t)lines_read(s, r, ref, text);
	json_object_set_new(seen, "offset", json_integer(at));
}

/* git removes the reflog with its ref. */
static void report_removed(struct sandbox *s, struct sb_repo *r)
{
	const char *ref;
	json_t *seen;
	void *tmp;

	json_object_foreach_safe(r->reflogs, tmp, ref, seen)
	{
		CLEANUP(free) char *name = sb_dup(ref);
		CLEANUP(free) char *sha = sb_dup(js_str(seen, "sha"));

		if (json_object_del(seen, "here") == 0)
			continue;
		json_object_del(r->reflogs, name);
		if (*sha)
			event_push(s, r,
				   &(struct sb_push){.ref = name,
						     .before = sha,
						     .after = SB_ZEROS,
						     .pusher = s->bot});
	}
}

static void scan_repo(struct sandbox *s, struct sb_repo *r)
{
	CLEANUP(free)
	char *heads = sb_must(str_format("%s/logs/refs/heads", r->path));
	CLEANUP(free)
	char *tags = sb_must(str_format("%s/logs/refs/tags", r->path));
	size_t skip = strlen(r->path) + strlen("/logs/");
	FTS *fts = fts_open((char *const[]){heads, tags, NULL},
			    FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *f;

	if (!fts)
		return;
	while ((f = fts_read(fts)))
		if (f->fts_info == FTS_F)
			log_read(s, r, f->fts_path, f->fts_path + skip,
				 f->fts_statp->st_size);
	fts_close(fts);
	report_removed(s, r);
}

void sb_pushes_scan(struct sandbox *s)
{
	struct sb_repo *r;

	STAILQ_FOREACH(r, &s->repos, next)
	if (r->path)
		scan_repo(s, r);
}
