/* store/store.h: durable state. Only this folder sees SQLite.
 *
 * Writes are jobs: one writer thread owns the write connection, runs jobs in order, each in a
 * savepoint, several per commit (group commit; WAL, synchronous=FULL). A job's `done` is called on
 * the main context only after the commit is durable, or with the error. A job must be pure until
 * commit: it may be run again, and it must not touch anything but the transaction and its own data.
 * Reads use snapshot connections.
 *
 * Threads: AblakStore from any thread; an AblakTxn belongs to the thread that was given it.
 * Durability: after `done` with success the change survives kill -9 and power loss.
 * Errors: ABLAK_ERROR_UNAVAILABLE "store/full" when the disk is full, "store/io" for I/O errors,
 * "store/closed" after close; a job's own errors pass through unchanged; a UNIQUE or foreign key
 * breach is ABLAK_ERROR_CONFLICT "store/constraint". */
#pragma once
#include "core/json.h"
#include <glib.h>
#include <stdbool.h>

typedef struct AblakStore AblakStore;
typedef struct AblakTxn AblakTxn;
typedef struct AblakRows AblakRows;

/* --- what a folder declares ------------------------------------------------------------------ */

typedef enum {
  ABLAK_OWNER_UP,    /* the branch writes it, it flows to headquarters through the journal */
  ABLAK_OWNER_DOWN,  /* headquarters writes it, it flows to the branches */
  ABLAK_OWNER_LOCAL, /* stays on this machine: sessions, secrets, caches */
} AblakOwner;

typedef struct {
  const char *name;
  AblakOwner owner;
  const char *retention; /* the retention class: "operations", "filing", "account", "session",
                            "cache", "audit" */
} AblakTable;

typedef struct {
  unsigned number;
  const char *name;
  const char *sql;
} AblakMigration;

/* Generated from a folder's migrations/NNNN-name.sql by appliance/generate/migrations.mjs; every
 * CREATE TABLE there is preceded by a line `-- table NAME: owner=up|down|local retention=CLASS`. */
typedef struct {
  const char *name;
  const AblakMigration *migrations; /* ends with number 0 */
  const AblakTable *tables;         /* ends with name NULL */
} AblakStorePart;

/* The store's own part: event log. Always the first. */
extern const AblakStorePart ablak_store_store_part;

/* --- opening --------------------------------------------------------------------------------- */

typedef gint64 (*AblakStoreClock)(gpointer data);

typedef struct {
  const char *path;
  const AblakStorePart *const *parts; /* NULL-terminated, without the store's own */
  GMainContext *context;              /* where `done` and commit watchers run; NULL: the default */
  unsigned max_queued_jobs;           /* back-pressure; 0: 4096 */
  AblakStoreClock clock;              /* NULL: the wall clock; tests pass their own */
  gpointer clock_data;
} AblakStoreOptions;

/* Opens or creates the database and runs the missing migrations. */
AblakStore *ablak_store_open(const AblakStoreOptions *options,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Finishes queued jobs, checkpoints, joins the writer. */
void ablak_store_close(AblakStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakStore, ablak_store_close)

/* The declared table, or NULL. */
const AblakTable *ablak_store_table(AblakStore *store, const char *name);
/* Names of all tables with that owner, NULL-terminated. Free with g_free (names are borrowed). */
const char **ablak_store_tables(AblakStore *store, AblakOwner owner);

/* --- writing --------------------------------------------------------------------------------- */

typedef bool (*AblakJob)(AblakTxn *txn, gpointer data, GError **error);
/* `error` is NULL on success; it is borrowed. */
typedef void (*AblakDone)(const GError *error, gpointer data);

/* Queues a job. `done` (may be NULL) is called exactly once, also when the queue is full or the
 * store is closed (ABLAK_ERROR_UNAVAILABLE "store/busy"). `data` is freed with `free_data` after
 * it. */
void ablak_store_write(AblakStore *store, AblakJob job, AblakDone done, gpointer data,
                       GDestroyNotify free_data);

/* Between the two, queued jobs wait: what belongs to one turn of the loop is one
 * commit, where each job by itself would be one. Short, from the main context; counted. */
void ablak_store_hold(AblakStore *store);
void ablak_store_release(AblakStore *store);

/* The same, blocking until durable: start-up, command line and tests only. Not from the writer. */
bool ablak_store_write_sync(AblakStore *store, AblakJob job, gpointer data,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- reading --------------------------------------------------------------------------------- */

/* A snapshot on a pooled read connection; give it back with ablak_txn_end. */
AblakTxn *ablak_store_read(AblakStore *store, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_txn_end(AblakTxn *txn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakTxn, ablak_txn_end)

/* A database file of its own, opened immutable and read-only (an edition). */
typedef struct AblakReader AblakReader;
AblakReader *ablak_reader_open(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_reader_free(AblakReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakReader, ablak_reader_free)
/* Borrowed; valid on the calling thread while the reader lives. Do not end it. */
AblakTxn *ablak_reader_txn(AblakReader *reader);

/* --- SQL ------------------------------------------------------------------------------------- */
/* Parameters are `?`; `types` has a letter for each, followed by the value:
 *   t  const char *    text; NULL binds NULL
 *   i  gint64          (pass exactly gint64: cast constants)
 *   d  double
 *   b  const void *, gsize   blob; a NULL pointer binds NULL
 *   j  json_t *        borrowed; compact JSON text; NULL binds NULL
 * Statements are prepared once per connection and cached by their text: use literals. */

/* Runs a statement without rows; `ret_changes` (may be NULL) gets the number of rows changed. */
bool ablak_txn_exec(AblakTxn *txn, gint64 *ret_changes, GError **error, const char *sql,
                    const char *types, ...) G_GNUC_WARN_UNUSED_RESULT;

/* Starts a query. NULL and an error when it cannot be started. */
AblakRows *ablak_txn_query(AblakTxn *txn, GError **error, const char *sql, const char *types,
                           ...) G_GNUC_WARN_UNUSED_RESULT;
/* true: a row is ready. false: the end, or an error (then *error is set). */
bool ablak_rows_next(AblakRows *rows, GError **error);
void ablak_rows_free(AblakRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakRows, ablak_rows_free)

/* Positioned on its first row; NULL with ABLAK_ERROR_NOT_FOUND "not-found" when there is none. */
AblakRows *ablak_txn_query_one(AblakTxn *txn, GError **error, const char *sql, const char *types,
                               ...) G_GNUC_WARN_UNUSED_RESULT;

/* Columns count from 0. Text and blobs are borrowed until the next step; NULL for SQL NULL. */
bool ablak_rows_is_null(AblakRows *rows, int column);
const char *ablak_rows_text(AblakRows *rows, int column);
gint64 ablak_rows_int(AblakRows *rows, int column);
double ablak_rows_double(AblakRows *rows, int column);
const void *ablak_rows_blob(AblakRows *rows, int column, gsize *ret_size);
json_t *ablak_rows_json(AblakRows *rows, int column); /* new reference; NULL for SQL NULL */

/* The transaction's time: the same for a whole job. */
gint64 ablak_txn_now_ms(AblakTxn *txn);

/* --- events ---------------------------------------------------------------------------------- */
/* Every change is an event in the same transaction: ids, numbers and states, never names or
 * content. `actor` is a user id, "citizen", "kiosk" or "system"; `data` (borrowed) may be NULL. */
bool ablak_event_append(AblakTxn *txn, const char *topic, const char *kind, const char *subject,
                        const char *actor, json_t *data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  gint64 seq; /* strictly growing, without gaps, in commit order */
  gint64 at_ms;
  char *topic, *kind, *subject, *actor;
  json_t *data; /* NULL when there is none */
} AblakEvent;
void ablak_event_free(AblakEvent *event);

/* Called on the main context after each durable commit that appended events, in order. */
typedef void (*AblakCommitWatch)(const AblakEvent *const *events, gsize count, gpointer data);
void ablak_store_watch_commits(AblakStore *store, AblakCommitWatch watch, gpointer data);

/* Events after `since_seq`, at most `limit`, oldest first. Elements: AblakEvent, freed with the
 * array. */
GPtrArray *ablak_events_since(AblakTxn *txn, gint64 since_seq, gsize limit,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
gint64 ablak_events_last_seq(AblakTxn *txn, GError **error);

/* --- the journal hook ------------------------------------------------------------------------ */
/* Called on the writer thread before each COMMIT that changed `up` tables, with the commit's
 * changeset (SQLite session format); rows it writes (to `local` tables) are part of the commit. */
typedef bool (*AblakJournalHook)(AblakTxn *txn, const void *changeset, gsize size, gpointer data,
                                 GError **error);
void ablak_store_set_journal(AblakStore *store, AblakJournalHook hook, gpointer data);

typedef enum { ABLAK_CHANGE_INSERT, ABLAK_CHANGE_UPDATE, ABLAK_CHANGE_DELETE } AblakChangeOp;
typedef enum {
  ABLAK_VALUE_UNCHANGED,
  ABLAK_VALUE_NULL,
  ABLAK_VALUE_INT,
  ABLAK_VALUE_REAL,
  ABLAK_VALUE_TEXT,
  ABLAK_VALUE_BLOB
} AblakValueType;
typedef struct {
  AblakValueType type;
  gint64 integer;
  double real;
  const void *bytes; /* text (not NUL-terminated) or blob; borrowed until the next change */
  gsize size;
} AblakValue;
typedef struct {
  const char *table;
  AblakChangeOp op;
  int columns;
  const unsigned char *primary_key; /* a column: not 0 in the key */
  const AblakValue *old_values;     /* UPDATE and DELETE; NULL for INSERT */
  const AblakValue *new_values;     /* UPDATE and INSERT; NULL for DELETE */
} AblakChange;

/* Walks a changeset without a database. `visit` returns false to stop with its error. */
typedef bool (*AblakChangeVisit)(const AblakChange *change, gpointer data, GError **error);
bool ablak_changeset_foreach(const void *changeset, gsize size, AblakChangeVisit visit,
                             gpointer data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For statements whose columns are known only at run time (sync's applier and snapshots). As
 * ablak_txn_exec, with one value for each `?`; the text must be built from checked identifiers. */
bool ablak_txn_exec_values(AblakTxn *txn, gint64 *ret_changes, GError **error, const char *sql,
                           const AblakValue *values, gsize count) G_GNUC_WARN_UNUSED_RESULT;
int ablak_rows_columns(AblakRows *rows);
/* The value with its storage class; bytes are borrowed until the next step. */
AblakValue ablak_rows_value(AblakRows *rows, int column);

/* Column names and primary key flags of a table in this database (for schema frames), as JSON:
 * {"table":…, "columns":[…], "pk":[0/1,…]}. */
json_t *ablak_txn_table_shape(AblakTxn *txn, const char *table,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- backup ---------------------------------------------------------------------------------- */
/* A consistent copy while the store is in use; the file must not exist yet. Fsynced. */
bool ablak_store_backup(AblakStore *store, const char *path,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Checks integrity and copies a backup into place; the store at `path` must be closed. */
bool ablak_store_restore(const char *backup, const char *path,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
