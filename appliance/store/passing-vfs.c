/* store/passing-vfs.c: every method of a file, passed on. */
#include "store/passing-vfs.h"
#include <glib.h>

static sqlite3_file *real_of(sqlite3_file *file)
{
  return ((PassingFile *)file)->real;
}

int passing_close(sqlite3_file *file)
{
  int code = real_of(file)->pMethods->xClose(real_of(file));
  g_clear_pointer(&((PassingFile *)file)->real, g_free);
  return code;
}

static int passing_read(sqlite3_file *file, void *buffer, int amount, sqlite3_int64 offset)
{
  return real_of(file)->pMethods->xRead(real_of(file), buffer, amount, offset);
}

static int passing_write(sqlite3_file *file, const void *buffer, int amount, sqlite3_int64 offset)
{
  return real_of(file)->pMethods->xWrite(real_of(file), buffer, amount, offset);
}

static int passing_truncate(sqlite3_file *file, sqlite3_int64 size)
{
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int passing_sync(sqlite3_file *file, int flags)
{
  return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int passing_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int passing_lock(sqlite3_file *file, int level)
{
  return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int passing_unlock(sqlite3_file *file, int level)
{
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int passing_check_reserved_lock(sqlite3_file *file, int *result)
{
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int passing_file_control(sqlite3_file *file, int op, void *argument)
{
  return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int passing_sector_size(sqlite3_file *file)
{
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int passing_characteristics(sqlite3_file *file)
{
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int passing_shm_map(sqlite3_file *file, int page, int size, int extend,
                           void volatile **memory)
{
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}

static int passing_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void passing_shm_barrier(sqlite3_file *file)
{
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int passing_shm_unmap(sqlite3_file *file, int remove)
{
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

const sqlite3_io_methods passing_methods = {
    .iVersion = 2,
    .xClose = passing_close,
    .xRead = passing_read,
    .xWrite = passing_write,
    .xTruncate = passing_truncate,
    .xSync = passing_sync,
    .xFileSize = passing_file_size,
    .xLock = passing_lock,
    .xUnlock = passing_unlock,
    .xCheckReservedLock = passing_check_reserved_lock,
    .xFileControl = passing_file_control,
    .xSectorSize = passing_sector_size,
    .xDeviceCharacteristics = passing_characteristics,
    .xShmMap = passing_shm_map,
    .xShmLock = passing_shm_lock,
    .xShmBarrier = passing_shm_barrier,
    .xShmUnmap = passing_shm_unmap,
};

int passing_open(sqlite3_vfs *real, const char *path, sqlite3_file *file, int flags, int *ret_flags,
                 const sqlite3_io_methods *methods)
{
  PassingFile *made = (PassingFile *)file;
  *made = (PassingFile){.real = g_malloc0((gsize)real->szOsFile)};
  int code = real->xOpen(real, path, made->real, flags, ret_flags);
  if (made->real->pMethods != NULL)
    made->base.pMethods = methods;
  else
    g_clear_pointer(&made->real, g_free);
  return code;
}
