/* Connections: opening, errors, and one-off SQL. */
#include "core/error.h"
#include "store/private.h"
#include <fcntl.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

bool set_sqlite_error(AblakTxn *txn, int code, GError **error)
{
  const char *message = txn->db != NULL ? sqlite3_errmsg(txn->db) : sqlite3_errstr(code);
  switch (code & 0xff) {
  case SQLITE_FULL:
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "store/full", "%s", message);
    break;
  case SQLITE_IOERR:
  case SQLITE_CANTOPEN:
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "store/io", "%s (%d)", message, code);
    break;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "store/busy", "%s", message);
    break;
  case SQLITE_CONSTRAINT:
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "store/constraint", "%s", message);
    break;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    ablak_error_set(error, ABLAK_ERROR_FAILED, "store/corrupt", "%s", message);
    break;
  default:
    ablak_error_set(error, ABLAK_ERROR_FAILED, "internal", "%s (%d)", message, code);
  }
  return false;
}

bool run_sql(AblakTxn *txn, const char *sql, GError **error)
{
  int code = sqlite3_exec(txn->db, sql, NULL, NULL, NULL);
  return code == SQLITE_OK || set_sqlite_error(txn, code, error);
}

/* SQLite would make the file readable for everybody; its -wal and -shm take over these rights. */
static void create_private(const char *path)
{
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0)
    close(fd);
}

static const char *pragmas_of(ConnectMode mode)
{
  if (mode == CONNECT_CHECKPOINT)
    return "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA trusted_schema=OFF";
  if (mode == CONNECT_WRITE)
    return "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
           "PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=0;"
           "PRAGMA trusted_schema=OFF";
  /* the system has the pages of the file, too: a small cache of our own for each reader */
  return "PRAGMA query_only=ON; PRAGMA cache_size=-512; PRAGMA trusted_schema=OFF";
}

AblakTxn *connection_open(const char *path, ConnectMode mode, GError **error)
{
  g_autofree char *escaped = g_uri_escape_string(path, "/", FALSE);
  g_autofree char *uri =
      g_strconcat("file:", escaped, mode == CONNECT_IMMUTABLE ? "?immutable=1" : "", NULL);
  int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (mode == CONNECT_WRITE)
    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  else
    flags |= mode == CONNECT_CHECKPOINT ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  if (mode == CONNECT_WRITE)
    create_private(path);
  AblakTxn *txn = g_new0(AblakTxn, 1);
  txn->statements = g_hash_table_new(g_str_hash, g_str_equal);
  g_queue_init(&txn->recent);
  txn->last_seq = -1;
  int code = sqlite3_open_v2(uri, &txn->db, flags, mode == CONNECT_CHECKPOINT ? paced_vfs() : NULL);
  if (code != SQLITE_OK)
    set_sqlite_error(txn, code, error);
  else
    sqlite3_busy_timeout(txn->db, BUSY_TIMEOUT_MS);
  if (code != SQLITE_OK || !run_sql(txn, pragmas_of(mode), error)) {
    connection_close(txn);
    return NULL;
  }
  return txn;
}

static bool sync_path(const char *path, int flags, GError **error)
{
  int fd = open(path, flags | O_CLOEXEC);
  bool synced = fd >= 0 && fsync(fd) == 0;
  if (!synced)
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "store/io", "%s cannot be synced: %s", path,
                    g_strerror(errno));
  if (fd >= 0)
    close(fd);
  return synced;
}

bool sync_file(const char *path, GError **error)
{
  return sync_path(path, O_RDONLY, error);
}

bool sync_folder_of(const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(path);
  return sync_path(folder, O_RDONLY | O_DIRECTORY, error);
}
