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

typedef enum { CONNECT_READ, CONNECT_WRITE, CONNECT_IMMUTABLE } ConnectMode;

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
