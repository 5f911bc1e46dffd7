#include "crash-vfs.h"
#include "store/passing-vfs.h"
#include <string.h>

#define SECTOR_SIZE 512

/* One write or truncation that has not been synced. */
typedef struct {
  gint64 offset;
  GBytes *bytes; /* NULL: truncation to `offset` */
} Pending;

/* A file as the disk knows it. */
typedef struct {
  GByteArray *synced;
  GQueue pending; /* of Pending */
} Disk;

typedef struct {
  PassingFile passing;
  char *path; /* NULL: temporary files are of no interest */
} CrashFile;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs crash_vfs;
static sqlite3_io_methods crash_methods;
static bool is_lying;
static GMutex lock;
static GHashTable *disks; /* path -> Disk */

static void pending_free(gpointer data)
{
  Pending *pending = data;
  if (pending->bytes != NULL)
    g_bytes_unref(pending->bytes);
  g_free(pending);
}

static void disk_free(gpointer data)
{
  Disk *disk = data;
  g_byte_array_unref(disk->synced);
  g_queue_clear_full(&disk->pending, pending_free);
  g_free(disk);
}

/* --- applying writes to content --- */

static void apply(GByteArray *content, const Pending *pending, gsize size)
{
  guint end = (guint)pending->offset + (guint)size;
  if (pending->bytes == NULL) {
    if (content->len > (guint)pending->offset)
      g_byte_array_set_size(content, (guint)pending->offset);
    return;
  }
  if (content->len < end) {
    guint before = content->len;
    g_byte_array_set_size(content, end);
    memset(content->data + before, 0, end - before);
  }
  memcpy(content->data + pending->offset, g_bytes_get_data(pending->bytes, NULL), size);
}

static gsize size_of(const Pending *pending)
{
  return pending->bytes != NULL ? g_bytes_get_size(pending->bytes) : 0;
}

static void remember(sqlite3_file *file, gint64 offset, const void *bytes, gsize size)
{
  const char *path = ((CrashFile *)file)->path;
  if (path == NULL)
    return;
  Pending *pending = g_new0(Pending, 1);
  pending->offset = offset;
  pending->bytes = bytes != NULL ? g_bytes_new(bytes, size) : NULL;
  g_mutex_lock(&lock);
  Disk *disk = g_hash_table_lookup(disks, path);
  g_queue_push_tail(&disk->pending, pending);
  g_mutex_unlock(&lock);
}

/* --- the file's methods --- */

static int crash_close(sqlite3_file *file)
{
  g_clear_pointer(&((CrashFile *)file)->path, g_free);
  return passing_close(file);
}

static int crash_write(sqlite3_file *file, const void *buffer, int amount, sqlite3_int64 offset)
{
  remember(file, offset, buffer, (gsize)amount);
  return passing_methods.xWrite(file, buffer, amount, offset);
}

static int crash_truncate(sqlite3_file *file, sqlite3_int64 size)
{
  remember(file, size, NULL, 0);
  return passing_methods.xTruncate(file, size);
}

static int crash_sync(sqlite3_file *file, int flags)
{
  const char *path = ((CrashFile *)file)->path;
  g_mutex_lock(&lock);
  Disk *disk = path != NULL && !is_lying ? g_hash_table_lookup(disks, path) : NULL;
  for (Pending *p; disk != NULL && (p = g_queue_pop_head(&disk->pending)) != NULL;) {
    apply(disk->synced, p, size_of(p));
    pending_free(p);
  }
  g_mutex_unlock(&lock);
  return SQLITE_OK; /* the real disk need not be bothered */
}

/* --- the file system's methods --- */

static int crash_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                      int *ret_flags)
{
  CrashFile *made = (CrashFile *)file;
  *made = (CrashFile){0};
  int code = passing_open(real_vfs, path, file, flags, ret_flags, &crash_methods);
  if (code != SQLITE_OK || path == NULL ||
      (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) == 0)
    return code;
  made->path = g_strdup(path);
  g_mutex_lock(&lock);
  if (!g_hash_table_contains(disks, path)) {
    Disk *disk = g_new0(Disk, 1);
    disk->synced = g_byte_array_new();
    g_hash_table_insert(disks, g_strdup(path), disk);
  }
  g_mutex_unlock(&lock);
  return code;
}

static int crash_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
  g_mutex_lock(&lock);
  g_hash_table_remove(disks, path);
  g_mutex_unlock(&lock);
  return real_vfs->xDelete(real_vfs, path, sync_folder);
}

void crash_vfs_install(bool lying)
{
  is_lying = lying;
  crash_methods = passing_methods;
  crash_methods.xClose = crash_close;
  crash_methods.xWrite = crash_write;
  crash_methods.xTruncate = crash_truncate;
  crash_methods.xSync = crash_sync;
  real_vfs = sqlite3_vfs_find(NULL);
  crash_vfs = *real_vfs;
  crash_vfs.zName = "crash";
  crash_vfs.pNext = NULL;
  crash_vfs.szOsFile = sizeof(CrashFile);
  crash_vfs.xOpen = crash_open;
  crash_vfs.xDelete = crash_delete;
  disks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, disk_free);
  sqlite3_vfs_register(&crash_vfs, 1);
}

void crash_vfs_remove(void)
{
  sqlite3_vfs_unregister(&crash_vfs);
  sqlite3_vfs_register(real_vfs, 1);
  g_clear_pointer(&disks, g_hash_table_unref);
}

/* --- the cut --- */

static GByteArray *survive(GRand *random, const Disk *disk)
{
  GByteArray *content = g_byte_array_new();
  g_byte_array_append(content, disk->synced->data, disk->synced->len);
  /* Sometimes everything arrived, sometimes nothing, mostly a part. */
  int arrives_of_8 = g_rand_int_range(random, 0, 9);
  for (GList *link = disk->pending.head; link != NULL; link = link->next) {
    const Pending *pending = link->data;
    if (g_rand_int_range(random, 0, 8) >= arrives_of_8)
      continue;
    gsize size = size_of(pending);
    if (g_rand_int_range(random, 0, 4) == 0 && size > SECTOR_SIZE)
      size = (gsize)g_rand_int_range(random, 1, (gint32)(size / SECTOR_SIZE) + 1) * SECTOR_SIZE;
    apply(content, pending, size);
  }
  return content;
}

void crash_vfs_cut(GRand *random, const char *folder)
{
  GHashTableIter iter;
  gpointer path, disk;
  g_mutex_lock(&lock);
  g_hash_table_iter_init(&iter, disks);
  while (g_hash_table_iter_next(&iter, &path, &disk)) {
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *target = g_build_filename(folder, name, NULL);
    g_autoptr(GByteArray) content = survive(random, disk);
    g_assert_true(g_file_set_contents(target, (const char *)content->data, content->len, NULL));
  }
  g_mutex_unlock(&lock);
}
