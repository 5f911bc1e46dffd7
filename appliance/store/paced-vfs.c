/* The checkpoint's way to the database: SQLite's own file system, which writes a piece, syncs it
 * and then leaves the disk to others. */
#include "store/passing-vfs.h"
#include "store/private.h"

/* Moving a log of 128 MB in one go fills the disk's queue, and every commit's sync stands behind
 * all of it. A piece costs a commit that comes meanwhile a few milliseconds. After each the disk is
 * the others' for as many times as long as the piece has taken. */
#define PIECE 32
#define SHARE 4
#define PAUSE_MIN_US 2000
#define PAUSE_MAX_US 100000

typedef struct {
  PassingFile passing;
  bool is_database, hurries;
  gint64 begun_us; /* the piece */
  int written;     /* of the piece */
} PacedFile;

static sqlite3_vfs paced;
static sqlite3_io_methods paced_methods;

static int end_piece(PacedFile *file)
{
  int code = passing_methods.xSync(&file->passing.base, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
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
  int code = passing_methods.xWrite(base, buffer, amount, offset);
  if (code == SQLITE_OK && file->is_database && ++file->written >= PIECE)
    code = end_piece(file);
  return code;
}

static int paced_sync(sqlite3_file *file, int flags)
{
  ((PacedFile *)file)->written = 0;
  return passing_methods.xSync(file, flags);
}

static int paced_file_control(sqlite3_file *file, int op, void *argument)
{
  if (op == PACED_HURRY) {
    ((PacedFile *)file)->hurries = *(const bool *)argument;
    return SQLITE_OK;
  }
  return passing_methods.xFileControl(file, op, argument);
}

static int paced_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                      int *ret_flags)
{
  PacedFile *made = (PacedFile *)file;
  *made = (PacedFile){.is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0};
  return passing_open(sqlite3_vfs_find(NULL), path, file, flags, ret_flags, &paced_methods);
}

const char *paced_vfs(void)
{
  static gsize once;
  if (g_once_init_enter(&once)) {
    paced_methods = passing_methods;
    paced_methods.xWrite = paced_write;
    paced_methods.xSync = paced_sync;
    paced_methods.xFileControl = paced_file_control;
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
