/* Moves the write-ahead log into the database beside the writer.
 *
 * A checkpoint of thousands of pages takes as long as hundreds of commits; when the writer runs it,
 * everybody waits. A passive one, on a connection of its own, locks nobody out, but while commits
 * go on it never reaches the end of the log, and the log is begun anew only from its end. So the
 * last few pages are the writer's (SQLite, "Write-Ahead Logging", §2.3 and §6).
 *
 * The disk is shared all the same, so pages are moved in pieces (paced-vfs.c). And what people type
 * goes to the same pages over and over: a log that is moved rarely is moved with far fewer writes.
 */
#include "core/log.h"
#include "store/private.h"

/* In pages. From LONG_LOG on the log is moved, and then begun anew; its file stays as long as
 * journal_size_limit says (connection.c), for one that grows costs each commit a second write. Not
 * longer: a frame begins in the middle of a block, and a block that the kernel has forgotten since
 * the log was there last is read before a part of it is written, in the middle of a commit. The
 * writer moves LAST_FEW at most. Where a reader stands in the way, the next attempt is made
 * TRY_AGAIN later. */
#define LONG_LOG 8192
#define LAST_FEW 64
#define TRY_AGAIN 1024
#define FAR_TOO_LONG (4 * LONG_LOG) /* commits come faster than pages are moved: without pauses */

struct Checkpointer {
  AblakTxn *txn;
  GThread *thread;
  GMutex lock;
  GCond wake;
  int logged, moved; /* pages, since the log was begun */
  int next;          /* after a vain attempt: pages from which on the next one is made */
  bool wanted, stopping;
};

static int move(sqlite3 *db, int logged)
{
  int in_log = -1, moved = -1;
  bool hurry = logged > FAR_TOO_LONG;
  sqlite3_file_control(db, "main", PACED_HURRY, &hurry); /* the writer's file does not know it */
  int code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_INTERRUPT)
    ablak_log(ABLAK_LOG_WARNING, "store.checkpoint-failed", "reason", sqlite3_errmsg(db), NULL);
  /* a log that was begun anew meanwhile has fewer pages than it had */
  return in_log >= logged ? moved : -1;
}

static gpointer run(gpointer data)
{
  Checkpointer *checkpointer = data;
  g_mutex_lock(&checkpointer->lock);
  while (!checkpointer->stopping) {
    if (!checkpointer->wanted) {
      g_cond_wait(&checkpointer->wake, &checkpointer->lock);
      continue;
    }
    int logged = checkpointer->logged;
    g_mutex_unlock(&checkpointer->lock);
    int moved = move(checkpointer->txn->db, logged);
    g_mutex_lock(&checkpointer->lock);
    checkpointer->wanted = false;
    if (checkpointer->logged < logged)
      continue; /* begun anew meanwhile */
    if (moved <= checkpointer->moved)
      checkpointer->next = logged + TRY_AGAIN;
    checkpointer->moved = MAX(checkpointer->moved, moved);
  }
  g_mutex_unlock(&checkpointer->lock);
  return NULL;
}

Checkpointer *checkpointer_start(const char *path, GError **error)
{
  AblakTxn *txn = connection_open(path, CONNECT_CHECKPOINT, error);
  if (txn == NULL)
    return NULL;
  Checkpointer *checkpointer = g_new0(Checkpointer, 1);
  checkpointer->txn = txn;
  g_mutex_init(&checkpointer->lock);
  g_cond_init(&checkpointer->wake);
  checkpointer->thread = g_thread_new("checkpoint", run, checkpointer);
  return checkpointer;
}

void checkpointer_stop(Checkpointer *checkpointer)
{
  if (checkpointer == NULL)
    return;
  g_mutex_lock(&checkpointer->lock);
  checkpointer->stopping = true;
  g_cond_signal(&checkpointer->wake);
  g_mutex_unlock(&checkpointer->lock);
  sqlite3_interrupt(checkpointer->txn->db);
  g_thread_join(checkpointer->thread);
  connection_close(checkpointer->txn);
  g_mutex_clear(&checkpointer->lock);
  g_cond_clear(&checkpointer->wake);
  g_free(checkpointer);
}

void checkpointer_committed(Checkpointer *checkpointer, sqlite3 *writer, int logged)
{
  g_mutex_lock(&checkpointer->lock);
  if (logged < checkpointer->logged)
    checkpointer->moved = checkpointer->next = 0;
  checkpointer->logged = logged;
  bool due = logged >= MAX(LONG_LOG, checkpointer->next) && !checkpointer->wanted;
  bool ends = due && logged - checkpointer->moved <= LAST_FEW;
  if (ends) {
    checkpointer->next = logged + TRY_AGAIN;
  } else if (due) {
    checkpointer->wanted = true;
    g_cond_signal(&checkpointer->wake);
  }
  g_mutex_unlock(&checkpointer->lock);
  if (ends)
    move(writer, logged);
}
