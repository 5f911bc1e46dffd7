/* Backup and restore. A backup is one plain SQLite file, whole under its name or not there. */
#include "core/error.h"
#include "store/private.h"
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool set_io(GError **error, const char *path)
{
  ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, errno == ENOSPC ? "store/full" : "store/io",
                  "%s: %s", path, g_strerror(errno));
  return false;
}

/* VACUUM INTO writes into an existing empty file: made here for its rights. */
static bool make_empty(const char *path, GError **error)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return set_io(error, path);
  close(fd);
  return true;
}

static bool vacuum_into(const char *source, const char *target, GError **error)
{
  AblakTxn *txn = connection_open(source, CONNECT_READ, error);
  if (txn == NULL)
    return false;
  /* It counts as a write, though the database itself is opened for reading only. */
  bool done = run_sql(txn, "PRAGMA query_only=OFF", error) &&
              ablak_txn_exec(txn, NULL, error, "VACUUM INTO ?", "t", target);
  connection_close(txn);
  return done;
}

/* VACUUM INTO does not sync. link() never replaces a file that somebody made meanwhile. */
static bool publish(const char *draft, const char *path, GError **error)
{
  if (!sync_file(draft, error))
    return false;
  if (link(draft, path) != 0)
    return set_io(error, path);
  return sync_folder_of(path, error);
}

bool ablak_store_backup(AblakStore *store, const char *path, GError **error)
{
  if (g_file_test(path, G_FILE_TEST_EXISTS)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "store/exists", "%s exists already", path);
    return false;
  }
  g_autofree char *draft = g_strdup_printf("%s.%ld.part", path, (long)getpid());
  bool done = make_empty(draft, error) && vacuum_into(store->path, draft, error) &&
              publish(draft, path, error);
  unlink(draft);
  return done;
}

static bool check_one(AblakTxn *txn, const char *sql, const char *expected, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, error, sql, "");
  if (rows == NULL)
    return false;
  if (g_strcmp0(ablak_rows_text(rows, 0), expected) == 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_FAILED, "store/corrupt", "the backup is damaged or not ours");
  return false;
}

static bool check_backup(const char *backup, GError **error)
{
  g_autoptr(AblakReader) reader = ablak_reader_open(backup, error);
  if (reader == NULL)
    return false;
  AblakTxn *txn = ablak_reader_txn(reader);
  return check_one(txn, "PRAGMA integrity_check", "ok", error) &&
         check_one(txn, "SELECT count(*) FROM pragma_foreign_key_check", "0", error) &&
         check_one(txn, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'", "1",
                   error);
}

/* A left-over WAL would be replayed into the restored file. Opening and closing the old store
 * checkpoints and removes it, unless another process still has the store open. */
static bool retire_wal(const char *path, GError **error)
{
  g_autofree char *wal = g_strconcat(path, "-wal", NULL), *shm = g_strconcat(path, "-shm", NULL);
  if (g_file_test(path, G_FILE_TEST_EXISTS)) {
    AblakTxn *old = connection_open(path, CONNECT_WRITE, NULL);
    if (old != NULL) {
      bool readable = run_sql(old, "SELECT count(*) FROM sqlite_schema", NULL);
      connection_close(old);
      if (readable && g_file_test(wal, G_FILE_TEST_EXISTS)) {
        ablak_error_set(error, ABLAK_ERROR_CONFLICT, "store/in-use", "%s is in use", path);
        return false;
      }
    }
  }
  unlink(wal);
  unlink(shm);
  return true;
}

static bool copy_file(const char *source, const char *target, GError **error)
{
  g_autoptr(GFile) from = g_file_new_for_path(source), to = g_file_new_for_path(target);
  g_autoptr(GError) fault = NULL;
  if (!g_file_copy(from, to, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, &fault)) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "store/io", "%s", fault->message);
    return false;
  }
  return true;
}

bool ablak_store_restore(const char *backup, const char *path, GError **error)
{
  g_autofree char *draft = g_strdup_printf("%s.%ld.restore", path, (long)getpid());
  bool done = check_backup(backup, error) && copy_file(backup, draft, error) &&
              check_backup(draft, error) && sync_file(draft, error) && retire_wal(path, error);
  if (done && (chmod(draft, 0600) != 0 || rename(draft, path) != 0))
    done = set_io(error, path);
  unlink(draft);
  return done && sync_folder_of(path, error);
}
