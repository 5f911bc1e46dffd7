/* The checkpoint's way to the database: SQLite's own file system in between (a shim; SQLite, "The
 * OS Interface"), which writes a piece, syncs it and then leaves the disk to others. */
#include "store/private.h"

/* Moving a log of 128 MB in one go fills the disk's queue, and every commit's sync stands behind
 * all of it. A piece costs a commit that comes meanwhile a few milliseconds. After each the disk is
 * the others' for as many times as long as the piece has taken. */
#define PIECE 32
#define SHARE 4
#define PAUSE_MIN_US 2000
#define PAUSE_MAX_US 100000

typedef struct {
  sqlite3_file base;
  sqlite3_file *real; /* owned */
  bool is_database, hurries;
  gint64 begun_us; /* the piece */
  int written;     /* of the piece */
} PacedFile;

static sqlite3_vfs paced;

static sqlite3_file *real_of(sqlite3_file *file)
{
  return ((PacedFile *)file)->real;
}

static int paced_close(sqlite3_file *file)
{
  int code = real_of(file)->pMethods->xClose(real_of(file));
  g_clear_pointer(&((PacedFile *)file)->real, g_free);
  return code;
}

static int paced_read(sqlite3_file *file, void *buffer, int amount, sqlite3_int64 offset)
{
  return real_of(file)->pMethods->xRead(real_of(file), buffer, amount, offset);
}

static int end_piece(PacedFile *file)
{
  int code = file->real->pMethods->xSync(file->real, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  gint64 took_us = g_get_monotonic_time() - file->begun_us;
  if (!file->hurries)
    g_usleep((gulong)CLAMP(took_us * SHARE, PAUSE_MIN_US, PAUSE_MAX_US));
  file->written = 0;
  return code;
}

static int paced_write(sqlite3_file *base, const void *buffer, int amount, sqlite3_int64 offset)
{
  PacedFile *file = (PacedFile *)base;
  if (file->written == 0)
    file->begun_us = g_get_monotonic_time();
  int code = file->real->pMethods->xWrite(file->real, buffer, amount, offset);
  if (code == SQLITE_OK && file->is_database && ++file->written >= PIECE)
    code = end_piece(file);
  return code;
}

static int paced_truncate(sqlite3_file *file, sqlite3_int64 size)
{
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int paced_sync(sqlite3_file *file, int flags)
{
  ((PacedFile *)file)->written = 0;
  return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int paced_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int paced_lock(sqlite3_file *file, int level)
{
  return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int paced_unlock(sqlite3_file *file, int level)
{
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int paced_check_reserved_lock(sqlite3_file *file, int *result)
{
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int paced_file_control(sqlite3_file *file, int op, void *argument)
{
  if (op == PACED_HURRY) {
    ((PacedFile *)file)->hurries = *(const bool *)argument;
    return SQLITE_OK;
  }
  return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int paced_sector_size(sqlite3_file *file)
{
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int paced_characteristics(sqlite3_file *file)
{
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int paced_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}

static int paced_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void paced_shm_barrier(sqlite3_file *file)
{
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int paced_shm_unmap(sqlite3_file *file, int remove)
{
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Version 2: without memory-mapped pages, which a checkpoint has no use for. */
static const sqlite3_io_methods paced_methods = {
    .iVersion = 2,
    .xClose = paced_close,
    .xRead = paced_read,
    .xWrite = paced_write,
    .xTruncate = paced_truncate,
    .xSync = paced_sync,
    .xFileSize = paced_file_size,
    .xLock = paced_lock,
    .xUnlock = paced_unlock,
    .xCheckReservedLock = paced_check_reserved_lock,
    .xFileControl = paced_file_control,
    .xSectorSize = paced_sector_size,
    .xDeviceCharacteristics = paced_characteristics,
    .xShmMap = paced_shm_map,
    .xShmLock = paced_shm_lock,
    .xShmBarrier = paced_shm_barrier,
    .xShmUnmap = paced_shm_unmap,
};

static int paced_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                      int *ret_flags)
{
  sqlite3_vfs *real = sqlite3_vfs_find(NULL);
  PacedFile *made = (PacedFile *)file;
  *made = (PacedFile){.real = g_malloc0((gsize)real->szOsFile),
                      .is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0};
  int code = real->xOpen(real, path, made->real, flags, ret_flags);
  if (made->real->pMethods != NULL)
    made->base.pMethods = &paced_methods;
  else
    g_clear_pointer(&made->real, g_free);
  return code;
}

const char *paced_vfs(void)
{
  static gsize once;
  if (g_once_init_enter(&once)) {
    paced = *sqlite3_vfs_find(NULL);
    paced.zName = "paced";
    paced.pNext = NULL;
    paced.szOsFile = sizeof(PacedFile);
    paced.xOpen = paced_open;
    sqlite3_vfs_register(&paced, 0);
    g_once_init_leave(&once, 1);
  }
  return paced.zName;
}
