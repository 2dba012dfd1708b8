/*
 * The bot's life, and the disk under its databases: a layer of SQLite's own
 * kind (a VFS) over the real one.  The process dies in the middle of its n-th
 * write: half of it arrives, nothing after it does.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "bot/base/log.h"
#include "tests/sim/sim.h"

/* --- the disk --- */

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	int64_t writes_left; /* until death; -1 = no end in sight */
	bool dead;
	bool full;
} disk = {.writes_left = -1};

struct file {
	sqlite3_file base;
	sqlite3_io_methods methods;
	const sqlite3_io_methods *real;
	sqlite3_file *inner;
};

static struct file *file_of(sqlite3_file *f)
{
	return (struct file *)f;
}

bool process_dead(void)
{
	return disk.dead;
}

void disk_full(bool full)
{
	disk.full = full;
}

static int disk_write(sqlite3_file *f, const void *data, int len,
		      sqlite3_int64 at)
{
	struct file *file = file_of(f);

	if (disk.dead)
		return SQLITE_IOERR_WRITE;
	if (disk.full)
		return SQLITE_FULL;
	if (disk.writes_left > 0 && --disk.writes_left == 0) {
		disk.dead = true;
		disk.writes_left = -1;
		(void)file->real->xWrite(file->inner, data, len / 2, at);
		return SQLITE_IOERR_WRITE;
	}
	return file->real->xWrite(file->inner, data, len, at);
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct file *file = file_of(f);

	if (disk.dead)
		return SQLITE_IOERR_TRUNCATE;
	return file->real->xTruncate(file->inner, size);
}

static int disk_sync(sqlite3_file *f, int flags)
{
	struct file *file = file_of(f);

	if (disk.dead)
		return SQLITE_IOERR_FSYNC;
	/* It lies in memory: there is nothing to wait for. */
	(void)file;
	(void)flags;
	return SQLITE_OK;
}

static int disk_close(sqlite3_file *f)
{
	struct file *file = file_of(f);
	int rc = file->real->xClose(file->inner);

	free(file->inner);
	return rc;
}

/* All else goes to the file below. */
#define PASS(name, params, args)                                               \
	static int pass_##name params                                          \
	{                                                                      \
		struct file *file = file_of(f);                                \
		return file->real->x##name args;                               \
	}
PASS(Read, (sqlite3_file * f, void *to, int len, sqlite3_int64 at),
     (file->inner, to, len, at))
PASS(FileSize, (sqlite3_file * f, sqlite3_int64 *size), (file->inner, size))
PASS(Lock, (sqlite3_file * f, int lock), (file->inner, lock))
PASS(Unlock, (sqlite3_file * f, int lock), (file->inner, lock))
PASS(CheckReservedLock, (sqlite3_file * f, int *ret), (file->inner, ret))
PASS(FileControl, (sqlite3_file * f, int op, void *arg), (file->inner, op, arg))
PASS(SectorSize, (sqlite3_file * f), (file->inner))
PASS(DeviceCharacteristics, (sqlite3_file * f), (file->inner))
PASS(ShmMap,
     (sqlite3_file * f, int page, int size, int extend, void volatile **ret),
     (file->inner, page, size, extend, ret))
PASS(ShmLock, (sqlite3_file * f, int offset, int n, int flags),
     (file->inner, offset, n, flags))
PASS(ShmUnmap, (sqlite3_file * f, int remove), (file->inner, remove))

static void pass_ShmBarrier(sqlite3_file *f)
{
	file_of(f)->real->xShmBarrier(file_of(f)->inner);
}

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f,
		     int flags, int *ret_flags)
{
	struct file *file = file_of(f);
	int rc;

	(void)vfs;
	memset(file, 0, sizeof(*file));
	file->inner = calloc(1, (size_t)disk.real->szOsFile);
	if (!file->inner)
		return SQLITE_NOMEM;
	rc = disk.real->xOpen(disk.real, name, file->inner, flags, ret_flags);
	if (rc != SQLITE_OK || !file->inner->pMethods) {
		free(file->inner);
		return rc;
	}
	file->real = file->inner->pMethods;
	file->methods = (sqlite3_io_methods){
		.iVersion = 2,
		.xClose = disk_close,
		.xRead = pass_Read,
		.xWrite = disk_write,
		.xTruncate = disk_truncate,
		.xSync = disk_sync,
		.xFileSize = pass_FileSize,
		.xLock = pass_Lock,
		.xUnlock = pass_Unlock,
		.xCheckReservedLock = pass_CheckReservedLock,
		.xFileControl = pass_FileControl,
		.xSectorSize = pass_SectorSize,
		.xDeviceCharacteristics = pass_DeviceCharacteristics,
		.xShmMap = pass_ShmMap,
		.xShmLock = pass_ShmLock,
		.xShmBarrier = pass_ShmBarrier,
		.xShmUnmap = pass_ShmUnmap,
	};
	file->base.pMethods = &file->methods;
	return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	if (disk.dead)
		return SQLITE_IOERR_DELETE;
	return disk.real->xDelete(disk.real, name, sync);
}

void disk_init(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "sim";
	disk.vfs.szOsFile = (int)sizeof(struct file);
	disk.vfs.pNext = NULL;
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	sqlite3_vfs_register(&disk.vfs, 1);
}

/* --- life --- */

void process_doom(struct sim *s, int64_t writes)
{
	(void)s;
	disk.writes_left = writes;
}

void process_die(struct sim *s, const char *why)
{
	sim_trace(s, "the process dies: %s", why);
	s->deaths++;
	/* From here on it writes nothing and calls nobody. */
	disk.dead = true;
	engine_free(s->engine);
	inbox_close(s->inbox);
	s->engine = NULL;
	s->inbox = NULL;
	disk.dead = false;
	disk.writes_left = -1;
	s->life++;
	calls_cut(s);
	sim_at(s, s->now_ms + chance_between(&s->chance, SECOND, 3 * MINUTE),
	       process_boot, 0);
}

/* Monotonic time begins anew, and no job lives on. */
void process_reboot(struct sim *s)
{
	if (s->engine)
		process_die(s, "the machine reboots");
	s->clock.mono = MINUTE;
	jobs_vanish(s);
}

/* What a call of the command line was told does not matter here. */
static void hear_nothing(void *ctx, const json_t *object)
{
	(void)ctx;
	(void)object;
}

/* At the first start the operator makes the trust list. */
static void grant_all(struct sim *s)
{
	for (int i = 0; i < PEOPLE_MAX; i++)
		if (*people[i].role)
			engine_call(s->engine,
				    json_pack("{s:s, s:I, s:s, s:s, s:s, s:s,"
					      " s:s}",
					      "op", "trust.add", "id",
					      (json_int_t)people[i].id, "login",
					      people[i].login, "role",
					      people[i].role, "scope", "", "by",
					      "operator", "reason", "sim"),
				    hear_nothing, NULL);
}

void process_boot(struct sim *s, int64_t arg)
{
	struct error e = ERROR_INIT;
	struct engine_settings set = {
		.config = s->config,
		.clock = &s->clock.clock,
		.store_path = s->store_path,
		.inbox_path = s->inbox_path,
		.forge = &s->forge,
		.git = &s->git,
		.jobs = &s->jobs_port,
		.scans = true,
	};

	(void)arg;
	s->inbox = inbox_open(s->inbox_path, &e);
	s->engine = s->inbox ? engine_new(&set, &e) : NULL;
	if (!s->engine) {
		inbox_close(s->inbox);
		s->inbox = NULL;
		/* A full or dying disk passes; anything else is a fault. */
		if (!disk.full && !disk.dead)
			sim_fail(s, "the process does not start: %s", e.text);
		disk.dead = false;
		disk.writes_left = -1;
		sim_at(s, s->now_ms + MINUTE, process_boot, 0);
		return;
	}
	s->life_ms = s->now_ms;
	s->off_ms = s->clock.wall - s->now_ms;
	sim_trace(s, "the process starts");
	if (!s->boots++)
		grant_all(s);
}

void process_run(struct sim *s)
{
	struct error e = ERROR_INIT;
	bool idle = false;

	for (int n = 0; s->engine && !idle; n++) {
		enum err code = engine_turn(s->engine, &idle, &e);

		if (disk.dead) {
			process_die(s, "in the middle of a write");
			return;
		}
		if (code) {
			if (!disk.full)
				sim_fail(s, "the engine gives up: %s", e.text);
			process_die(s, "the disk is full");
			return;
		}
		if (n > 2000) {
			sim_fail(s, "the engine never comes to rest");
			return;
		}
	}
}
