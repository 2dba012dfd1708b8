/*
 * The disk under the databases: a layer of SQLite's own kind (a VFS) that
 * keeps files in memory, so that no world waits for the kernel.  What was
 * written is there whatever dies, as with kill -9.  The process dies in the
 * middle of its n-th write: half of it arrives, nothing after it does.
 *
 * Locks and the index of the log are shared by the handles of a file, as
 * between processes: the bot, its second handles and the oracle.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define FILES_MAX 16
#define REGIONS_MAX 64
#define SECTOR 4096
/* Memory for the pages that SQLite holds, beside what it notes of each. */
#define PAGES 1024
#define PAGE_HEAD 512

struct file {
	char name[128]; /* "" = this place is free */
	unsigned char *data;
	size_t size, room;
	int handles;

	/* what SQLite calls SHARED, RESERVED, PENDING, EXCLUSIVE */
	int shared;
	bool reserved, pending, exclusive;

	/* the index of the write-ahead log */
	void *regions[REGIONS_MAX];
	size_t region_count;
	int mapped;
	int slot_shared[SQLITE_SHM_NLOCK];
	bool slot_exclusive[SQLITE_SHM_NLOCK];
};

struct handle {
	sqlite3_file base;
	struct file *file;
	int lock;
	bool mapped, gone; /* gone with the handle */
	unsigned slots_shared, slots_exclusive;
};

static struct {
	sqlite3_vfs vfs;
	struct file files[FILES_MAX];
	struct chance chance;
	int64_t writes_left; /* until death; -1 = no end in sight */
	bool dead;
	bool full;
} disk = {.writes_left = -1};

static struct handle *handle_of(sqlite3_file *f)
{
	return (struct handle *)f;
}

bool process_dead(void)
{
	return disk.dead;
}

void disk_full(bool full)
{
	disk.full = full;
}

bool disk_is_full(void)
{
	return disk.full;
}

void disk_die(bool dead)
{
	disk.dead = dead;
	if (!dead)
		disk.writes_left = -1;
}

void process_doom(struct sim *s, int64_t writes)
{
	(void)s;
	disk.writes_left = writes;
}

/* --- bytes --- */

static bool make_room(struct file *f, size_t size)
{
	size_t room = f->room ? f->room : 1 << 16;
	unsigned char *more;

	if (size <= f->room)
		return true;
	while (room < size)
		room *= 2;
	more = realloc(f->data, room);
	if (!more)
		return false;
	f->data = more;
	f->room = room;
	return true;
}

static int put(struct file *f, const void *data, size_t len, size_t at)
{
	if (!make_room(f, at + len))
		return SQLITE_IOERR_WRITE;
	if (at > f->size)
		memset(f->data + f->size, 0, at - f->size);
	memcpy(f->data + at, data, len);
	if (at + len > f->size)
		f->size = at + len;
	return SQLITE_OK;
}

static int disk_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
	const struct file *file = handle_of(f)->file;
	size_t want = (size_t)len, from = (size_t)at, there;

	there = from < file->size ? file->size - from : 0;
	if (there > want)
		there = want;
	if (there)
		memcpy(to, file->data + from, there);
	if (there == want)
		return SQLITE_OK;
	memset((char *)to + there, 0, want - there);
	return SQLITE_IOERR_SHORT_READ;
}

static int disk_write(sqlite3_file *f, const void *data, int len,
		      sqlite3_int64 at)
{
	struct file *file = handle_of(f)->file;

	if (disk.dead)
		return SQLITE_IOERR_WRITE;
	if (disk.full)
		return SQLITE_FULL;
	if (disk.writes_left > 0 && --disk.writes_left == 0) {
		disk.dead = true;
		disk.writes_left = -1;
		(void)put(file, data, (size_t)len / 2, (size_t)at);
		return SQLITE_IOERR_WRITE;
	}
	return put(file, data, (size_t)len, (size_t)at);
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct file *file = handle_of(f)->file;

	if (disk.dead)
		return SQLITE_IOERR_TRUNCATE;
	if ((size_t)size < file->size)
		file->size = (size_t)size;
	return SQLITE_OK;
}

static int disk_sync(sqlite3_file *f, int flags)
{
	(void)f;
	(void)flags;
	/* It lies in memory: there is nothing to wait for. */
	return disk.dead ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int disk_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)handle_of(f)->file->size;
	return SQLITE_OK;
}

/* --- locks of the file --- */

static int lock_shared(struct handle *h)
{
	if (h->file->pending || h->file->exclusive)
		return SQLITE_BUSY;
	h->file->shared++;
	h->lock = SQLITE_LOCK_SHARED;
	return SQLITE_OK;
}

static int lock_more(struct handle *h, int lock)
{
	struct file *f = h->file;

	if (h->lock < SQLITE_LOCK_RESERVED) {
		if (f->reserved)
			return SQLITE_BUSY;
		f->reserved = true;
		h->lock = SQLITE_LOCK_RESERVED;
	}
	if (lock < SQLITE_LOCK_EXCLUSIVE)
		return SQLITE_OK;
	f->pending = true;
	h->lock = SQLITE_LOCK_PENDING;
	if (f->shared > 1)
		return SQLITE_BUSY;
	f->exclusive = true;
	h->lock = SQLITE_LOCK_EXCLUSIVE;
	return SQLITE_OK;
}

static int disk_lock(sqlite3_file *f, int lock)
{
	struct handle *h = handle_of(f);

	if (h->lock >= lock)
		return SQLITE_OK;
	if (h->lock == SQLITE_LOCK_NONE) {
		int rc = lock_shared(h);

		if (rc != SQLITE_OK || lock == SQLITE_LOCK_SHARED)
			return rc;
	}
	return lock_more(h, lock);
}

static int disk_unlock(sqlite3_file *f, int lock)
{
	struct handle *h = handle_of(f);

	if (h->lock <= lock)
		return SQLITE_OK;
	if (h->lock > SQLITE_LOCK_SHARED)
		h->file->reserved = h->file->pending = h->file->exclusive =
			false;
	if (lock == SQLITE_LOCK_NONE)
		h->file->shared--;
	h->lock = lock;
	return SQLITE_OK;
}

static int disk_reserved(sqlite3_file *f, int *ret)
{
	*ret = handle_of(f)->file->reserved;
	return SQLITE_OK;
}

/* --- the index of the log, and its locks --- */

/* Nobody had it: who comes first finds it empty and recovers the log. */
static void map_begin(struct handle *h)
{
	struct file *f = h->file;

	if (h->mapped)
		return;
	h->mapped = true;
	if (f->mapped++)
		return;
	for (size_t i = 0; i < f->region_count; i++)
		memset(f->regions[i], 0, 32768);
}

static int disk_map(sqlite3_file *f, int region, int size, int extend,
		    void volatile **ret)
{
	struct handle *h = handle_of(f);
	struct file *file = h->file;
	size_t n = (size_t)region;

	map_begin(h);
	*ret = NULL;
	if (n >= REGIONS_MAX || size != 32768)
		return SQLITE_IOERR_SHMMAP;
	while (extend && file->region_count <= n) {
		void *one = calloc(1, (size_t)size);

		if (!one)
			return SQLITE_IOERR_SHMMAP;
		file->regions[file->region_count++] = one;
	}
	if (n < file->region_count)
		*ret = file->regions[n];
	return SQLITE_OK;
}

static int slot_lock(struct handle *h, int slot, bool exclusive)
{
	struct file *f = h->file;
	unsigned bit = 1u << slot;

	if ((h->slots_shared | h->slots_exclusive) & bit)
		return SQLITE_OK;
	if (f->slot_exclusive[slot] || (exclusive && f->slot_shared[slot]))
		return SQLITE_BUSY;
	if (exclusive) {
		f->slot_exclusive[slot] = true;
		h->slots_exclusive |= bit;
	} else {
		f->slot_shared[slot]++;
		h->slots_shared |= bit;
	}
	return SQLITE_OK;
}

static void slot_unlock(struct handle *h, int slot)
{
	unsigned bit = 1u << slot;

	if (h->slots_shared & bit)
		h->file->slot_shared[slot]--;
	if (h->slots_exclusive & bit)
		h->file->slot_exclusive[slot] = false;
	h->slots_shared &= ~bit;
	h->slots_exclusive &= ~bit;
}

static int disk_slots(sqlite3_file *f, int offset, int n, int flags)
{
	struct handle *h = handle_of(f);

	for (int i = offset; i < offset + n; i++) {
		if (flags & SQLITE_SHM_UNLOCK) {
			slot_unlock(h, i);
		} else if (slot_lock(h, i, flags & SQLITE_SHM_EXCLUSIVE)) {
			while (i-- > offset)
				slot_unlock(h, i);
			return SQLITE_BUSY;
		}
	}
	return SQLITE_OK;
}

static void disk_barrier(sqlite3_file *f)
{
	(void)f;
}

static int disk_unmap(sqlite3_file *f, int remove)
{
	struct handle *h = handle_of(f);

	(void)remove; /* the next to map it finds it empty anyhow */
	for (int i = 0; i < SQLITE_SHM_NLOCK; i++)
		slot_unlock(h, i);
	if (h->mapped)
		h->file->mapped--;
	h->mapped = false;
	return SQLITE_OK;
}

/* --- files --- */

static int disk_control(sqlite3_file *f, int op, void *arg)
{
	(void)f;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int disk_sector(sqlite3_file *f)
{
	(void)f;
	return SECTOR;
}

static int disk_character(sqlite3_file *f)
{
	(void)f;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int disk_close(sqlite3_file *f)
{
	struct handle *h = handle_of(f);

	disk_unmap(f, 0);
	disk_unlock(f, SQLITE_LOCK_NONE);
	h->file->handles--;
	if (h->gone)
		h->file->name[0] = '\0';
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = disk_close,
	.xRead = disk_read,
	.xWrite = disk_write,
	.xTruncate = disk_truncate,
	.xSync = disk_sync,
	.xFileSize = disk_size,
	.xLock = disk_lock,
	.xUnlock = disk_unlock,
	.xCheckReservedLock = disk_reserved,
	.xFileControl = disk_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_character,
	.xShmMap = disk_map,
	.xShmLock = disk_slots,
	.xShmBarrier = disk_barrier,
	.xShmUnmap = disk_unmap,
};

static struct file *find_file(const char *name)
{
	for (int i = 0; i < FILES_MAX; i++)
		if (!strcmp(disk.files[i].name, name))
			return &disk.files[i];
	return NULL;
}

static struct file *make_file(const char *name)
{
	for (int i = 0; i < FILES_MAX; i++) {
		struct file *f = &disk.files[i];

		/* One that was deleted lives as long as its handles. */
		if (*f->name || f->handles || strlen(name) >= sizeof(f->name))
			continue;
		snprintf(f->name, sizeof(f->name), "%s", name);
		f->size = 0;
		return f;
	}
	return NULL;
}

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f,
		     int flags, int *ret_flags)
{
	struct handle *h = handle_of(f);
	/* One without a name is SQLite's own, for a while. */
	struct file *file = name ? find_file(name) : NULL;

	(void)vfs;
	memset(h, 0, sizeof(*h));
	if (!file && !(flags & SQLITE_OPEN_CREATE))
		return SQLITE_CANTOPEN;
	if (!file)
		file = make_file(name ? name : "?");
	if (!file)
		return SQLITE_CANTOPEN;
	file->handles++;
	h->file = file;
	h->gone = flags & SQLITE_OPEN_DELETEONCLOSE;
	h->base.pMethods = &methods;
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct file *f = find_file(name);

	(void)vfs;
	(void)sync;
	if (disk.dead)
		return SQLITE_IOERR_DELETE;
	if (!f)
		return SQLITE_IOERR_DELETE_NOENT;
	f->name[0] = '\0';
	return SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	const struct file *f = find_file(name);

	(void)vfs;
	/* An empty file is as good as none, says SQLite's own layer. */
	*ret = f && (flags != SQLITE_ACCESS_EXISTS || f->size);
	return SQLITE_OK;
}

static int disk_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
	(void)vfs;
	return snprintf(ret, (size_t)size, "%s", name) < size ? SQLITE_OK
							      : SQLITE_CANTOPEN;
}

/* From the seed too: what it is used for may show in a trace one day. */
static int disk_random(sqlite3_vfs *vfs, int size, char *ret)
{
	(void)vfs;
	for (int i = 0; i < size; i++)
		ret[i] = (char)chance_next(&disk.chance);
	return size;
}

/* Whoever would be waited for runs in this thread. */
static int disk_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

void disk_clear(uint64_t seed)
{
	for (int i = 0; i < FILES_MAX; i++)
		disk.files[i].name[0] = '\0';
	disk.chance.state = seed;
	sqlite3_randomness(0, NULL);
}

bool disk_keep(const char *name, struct image *ret)
{
	const struct file *f = find_file(name);

	*ret = (struct image){0};
	if (!f || !f->size)
		return false;
	ret->data = malloc(f->size);
	if (!ret->data)
		return false;
	memcpy(ret->data, f->data, f->size);
	ret->size = f->size;
	return true;
}

void disk_put(const char *name, const struct image *image)
{
	struct file *f = make_file(name);

	if (!f || put(f, image->data, image->size, 0))
		abort();
}

void disk_init(void)
{
	static unsigned char pages[PAGES][SECTOR + PAGE_HEAD];

	/* One thread, nobody who asks how much memory is used. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 512, 512);
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, pages, (int)sizeof(pages[0]),
		       PAGES);
	disk.vfs = *sqlite3_vfs_find(NULL);
	disk.vfs.zName = "sim";
	disk.vfs.szOsFile = (int)sizeof(struct handle);
	disk.vfs.pNext = NULL;
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	disk.vfs.xAccess = disk_access;
	disk.vfs.xFullPathname = disk_path;
	disk.vfs.xRandomness = disk_random;
	disk.vfs.xSleep = disk_sleep;
	sqlite3_vfs_register(&disk.vfs, 1);
}
