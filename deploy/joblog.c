#include "deploy/joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/base/limits.h"
#include "bot/base/redact.h"
#include "bot/base/unicode.h"

enum part {
	PART_HEAD,
	PART_OLD,
	PART_NEW,
	PART_COUNT,
};

static const char *const part_names[PART_COUNT] = {
	[PART_HEAD] = "log",
	[PART_OLD] = "log.1",
	[PART_NEW] = "log.2",
};

struct joblog {
	int dir;
	int fd; /* of the part that is being written; -1 = lost it */
	enum part part;
	size_t size;	 /* of that part */
	size_t old_size; /* of PART_OLD */
	size_t head;
	size_t tail;
	int64_t dropped;
	int64_t lost;
};

static void dispose(struct joblog *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->dir >= 0)
		close(l->dir);
	free(l);
}
DEFINE_CLEANUP(struct joblog *, dispose)

static int open_part(const struct joblog *l, enum part part, int flags)
{
	return openat(l->dir, part_names[part],
		      flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
}

static void start_part(struct joblog *l, enum part part)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = open_part(l, part, O_WRONLY | O_CREAT | O_TRUNC);
	l->part = part;
	l->size = 0;
}

struct joblog *joblog_open_sized(const char *dir, size_t head, size_t tail,
				 struct error *e)
{
	CLEANUP(dispose) struct joblog *l = calloc(1, sizeof(*l));

	if (!l) {
		error_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	l->fd = -1;
	l->head = head;
	l->tail = tail;
	l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir >= 0) {
		unlinkat(l->dir, part_names[PART_OLD], 0);
		unlinkat(l->dir, part_names[PART_NEW], 0);
		start_part(l, PART_HEAD);
	}
	if (l->fd < 0) {
		error_errno(e, ERR_FATAL, "cannot open the log in %s", dir);
		return NULL;
	}
	return TAKE(l);
}

struct joblog *joblog_open(const char *dir, struct error *e)
{
	return joblog_open_sized(dir, LIMIT_JOB_LOG_HEAD, LIMIT_JOB_LOG_TAIL,
				 e);
}

/* The old generation goes, the new one becomes old. */
static void rotate(struct joblog *l)
{
	if (renameat(l->dir, part_names[PART_NEW], l->dir,
		     part_names[PART_OLD]) == 0) {
		l->dropped += (int64_t)l->old_size;
		l->old_size = l->size;
	} else {
		l->lost += (int64_t)l->size;
	}
	start_part(l, PART_NEW);
}

static size_t write_some(struct joblog *l, const char *data, size_t len)
{
	size_t room = (l->part == PART_HEAD ? l->head : l->tail) - l->size;
	size_t want = len < room ? len : room;
	ssize_t n;

	do
		n = l->fd < 0 ? -1 : write(l->fd, data, want);
	while (n < 0 && l->fd >= 0 && errno == EINTR);
	if (n <= 0) {
		l->lost += (int64_t)want;
		return want;
	}
	l->size += (size_t)n;
	return (size_t)n;
}

void joblog_write(struct joblog *l, const char *data, size_t len)
{
	while (len) {
		size_t n;

		if (l->part == PART_HEAD && l->size >= l->head)
			start_part(l, PART_NEW);
		else if (l->part == PART_NEW && l->size >= l->tail)
			rotate(l);
		n = write_some(l, data, len);
		data += n;
		len -= n;
	}
}

void joblog_sayf(struct joblog *l, const char *fmt, ...)
{
	CLEANUP(str_release) struct str s = STR_INIT(4096);
	va_list ap;

	str_puts(&s, "kcibot: ");
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	str_putc(&s, '\n');
	joblog_write(l, s.text, s.len);
}

int64_t joblog_lost(const struct joblog *l)
{
	return l->lost;
}

/* Appends a part from offset on to the descriptor of the whole. */
static void append_part(struct joblog *l, int whole, enum part part,
			off_t offset)
{
	CLEANUP(fd_close) int fd = open_part(l, part, O_RDONLY);
	char buf[65536];
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = pread(fd, buf, sizeof(buf), offset)) > 0) {
		offset += n;
		if (write(whole, buf, (size_t)n) != n) {
			l->lost += n;
			return;
		}
	}
}

static void join_parts(struct joblog *l)
{
	CLEANUP(fd_close)
	int whole = open_part(l, PART_HEAD, O_WRONLY | O_APPEND);
	size_t have = l->old_size + l->size;
	size_t skip = have > l->tail ? have - l->tail : 0;
	size_t skip_old = skip < l->old_size ? skip : l->old_size;
	int64_t gone = l->dropped + l->lost + (int64_t)skip;
	char line[80];
	int n = snprintf(line, sizeof(line),
			 "\nkcibot: %lld bytes of output are left out\n",
			 (long long)gone);

	if (whole < 0)
		return;
	if (gone && write(whole, line, (size_t)n) != n)
		l->lost += n;
	append_part(l, whole, PART_OLD, (off_t)skip_old);
	append_part(l, whole, PART_NEW, (off_t)(skip - skip_old));
}

void joblog_close(struct joblog *l)
{
	if (!l)
		return;
	if (l->part == PART_NEW) {
		join_parts(l);
		unlinkat(l->dir, part_names[PART_OLD], 0);
		unlinkat(l->dir, part_names[PART_NEW], 0);
	}
	dispose(l);
}

/* Puts the last bytes of a part in front of what out has. */
static void prepend_end(int dir, enum part part, size_t max, struct str *out)
{
	CLEANUP(str_release) struct str s = STR_INIT(max);
	CLEANUP(fd_close)
	int fd = openat(dir, part_names[part],
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	off_t at;
	char buf[16384];
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) || out->len >= max)
		return;
	at = st.st_size - (off_t)(max - out->len);
	at = at < 0 ? 0 : at;
	while (s.len < max - out->len &&
	       (n = pread(fd, buf, sizeof(buf), at)) > 0) {
		size_t room = max - out->len - s.len;

		str_add(&s, buf, (size_t)n < room ? (size_t)n : room);
		at += n;
	}
	str_add(&s, out->text, out->len);
	str_clear(out);
	str_inherit(out, &s);
	str_add(out, s.text, s.len);
}

/* The length of a terminal sequence at p, 0 when there is none. */
static size_t escape_len(const char *p, size_t len)
{
	size_t i = 2;

	if (len < 2 || p[0] != '\033')
		return 0;
	if (p[1] != '[')
		return 2;
	while (i < len && p[i] >= 0x20 && p[i] < 0x40)
		i++;
	return i < len ? i + 1 : i;
}

static void clean(struct str *out, const char *p, size_t len)
{
	size_t at, next;

	for (at = 0; at < len; at = next) {
		unsigned char c = (unsigned char)p[at];

		next = at + escape_len(p + at, len - at);
		if (next > at)
			continue;
		if (unicode_next(p, len, &next) == UNICODE_INVALID)
			str_puts(out, "\xef\xbf\xbd");
		else if (c == '\r' && next < len && p[next] == '\n')
			continue;
		else if (c == '\r')
			str_putc(out, '\n');
		else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			str_putc(out, '?');
		else
			str_add(out, p + at, next - at);
	}
}

/* Where the last `lines` lines of at most `bytes` bytes begin. */
static size_t tail_start(const struct str *s, size_t lines, size_t bytes)
{
	size_t i = s->len, line = s->len;

	while (i > 0 && s->len - (i - 1) <= bytes) {
		i--;
		if (i > 0 && s->text[i - 1] != '\n')
			continue;
		line = i;
		if (lines-- <= 1)
			break;
	}
	if (line < s->len)
		return line;
	/* One line longer than all: its end, from a whole character on. */
	while (i < s->len && (s->text[i] & 0xc0) == 0x80)
		i++;
	return i;
}

/* The window may begin inside a secret, which would not be known as one. */
static size_t whole_start(const struct str *s)
{
	const char *end = memchr(s->text, '\n', s->len);

	return end ? (size_t)(end - s->text) + 1 : LIMIT_TOKEN_FILE;
}

void joblog_tail(const char *dir, size_t lines, size_t bytes, struct str *out)
{
	size_t window = 4 * bytes + LIMIT_TOKEN_FILE;
	CLEANUP(str_release) struct str raw = STR_INIT(window);
	CLEANUP(str_release) struct str plain = STR_INIT(4 * window);
	CLEANUP(str_release) struct str text = STR_INIT(4 * window);
	CLEANUP(fd_close)
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t start;

	for (int part = PART_COUNT - 1; fd >= 0 && part >= 0; part--)
		prepend_end(fd, (enum part)part, window, &raw);
	start = raw.len < window ? 0 : whole_start(&raw);
	/* Cleaned first: no sequence in its middle may hide a secret. */
	clean(&plain, raw.text + start, raw.len - start);
	redact_text(&text, plain.text, plain.len);
	str_inherit(out, &raw);
	str_inherit(out, &plain);
	str_inherit(out, &text);
	start = tail_start(&text, lines, bytes);
	str_add(out, text.text + start, text.len - start);
}
