/* store/private.h: what the files of this folder share. */
#pragma once
#define SQLITE_ENABLE_SESSION
#define SQLITE_ENABLE_PREUPDATE_HOOK
#include "store/store.h"
#include <sqlite3.h>

/* A connection with its prepared statements, least recently used last. */
struct AblakTxn {
  AblakStore *store; /* NULL for a reader's own file */
  sqlite3 *db;
  GHashTable *statements; /* SQL text -> Statement */
  GQueue recent;          /* of Statement */
  gint64 now_ms;
  /* The writer's only: the events of the group so far, and the number of the last one. */
  GPtrArray *events;
  gint64 last_seq; /* -1: not read yet */
};

/* CONNECT_WRITE only once for a file, before any other connection of this process: it opens and
 * closes the file itself, which takes away the locks this process has on it (POSIX, fcntl). */
typedef enum { CONNECT_READ, CONNECT_WRITE, CONNECT_CHECKPOINT, CONNECT_IMMUTABLE } ConnectMode;

AblakTxn *connection_open(const char *path, ConnectMode mode, GError **error);
void connection_close(AblakTxn *txn);

/* Runs SQL text without parameters, several statements if need be. */
bool run_sql(AblakTxn *txn, const char *sql, GError **error);
/* Fills *error from the result code and the connection's message; returns false. */
bool set_sqlite_error(AblakTxn *txn, int code, GError **error);

bool migrate(AblakTxn *txn, const AblakStorePart *const *parts, gint64 now_ms, GError **error);
bool sync_file(const char *path, GError **error);
bool sync_folder_of(const char *path, GError **error);

/* --- the writer (writer.c) --- */
typedef struct Writer Writer;
Writer *writer_start(AblakStore *store, AblakTxn *txn, GMainContext *context, unsigned max_queued);
/* Finishes the queue, joins the thread and delivers what is left. The connection stays open. */
void writer_stop(Writer *writer);

/* --- checkpoints (checkpoint.c) --- */
typedef struct Checkpointer Checkpointer;
Checkpointer *checkpointer_start(const char *path, GError **error);
void checkpointer_stop(Checkpointer *checkpointer);
/* The writer, after a commit: the log has this many pages now. */
void checkpointer_committed(Checkpointer *checkpointer, sqlite3 *writer, int logged);

/* What is known of the log's file; zero-initialised. */
typedef struct {
  int pages;          /* of the log, when it was last looked at */
  sqlite3_int64 size; /* of the file, at least; 0: not known */
} LogLead;
/* The writer, after a commit: the log has this many pages now. Writes its next blocks (log-lead.c).
 */
void log_lead(sqlite3 *writer, LogLead *lead, int pages);

/* The name of the file system through which the database is written in pieces (paced-vfs.c), with
 * pauses in between, but for a hurry (sqlite3_file_control with a bool). */
#define PACED_HURRY 1001
const char *paced_vfs(void);

/* --- the pool (read.c) --- */
typedef struct Pool Pool;
Pool *pool_new(AblakStore *store, const char *path);
void pool_free(Pool *pool);

struct AblakStore {
  char *path;
  GPtrArray *parts;   /* AblakStorePart, ends with NULL */
  GHashTable *tables; /* name -> AblakTable */
  AblakStoreClock clock;
  gpointer clock_data;
  AblakTxn *write_txn;
  Writer *writer;
  Checkpointer *checkpointer;
  Pool *pool;
  GMutex hooks_lock;
  AblakJournalHook journal;
  gpointer journal_data;
  GArray *watches;
};

typedef struct {
  AblakCommitWatch watch;
  gpointer data;
} Watch;

gint64 store_now_ms(AblakStore *store);
