/* Snapshot reads on pooled connections, and readers of files of their own. */
#include "core/clock.h"
#include "store/private.h"

#define IDLE_MAX 8

struct Pool {
  AblakStore *store;
  char *path;
  GMutex lock;
  GQueue idle; /* of AblakTxn */
  unsigned lent;
};

struct AblakReader {
  AblakTxn *txn;
};

Pool *pool_new(AblakStore *store, const char *path)
{
  Pool *pool = g_new0(Pool, 1);
  pool->store = store;
  pool->path = g_strdup(path);
  g_mutex_init(&pool->lock);
  g_queue_init(&pool->idle);
  return pool;
}

void pool_free(Pool *pool)
{
  if (pool->lent > 0)
    g_critical("the store is closed while %u snapshots are still held", pool->lent);
  for (AblakTxn *txn; (txn = g_queue_pop_head(&pool->idle)) != NULL;)
    connection_close(txn);
  g_mutex_clear(&pool->lock);
  g_free(pool->path);
  g_free(pool);
}

static AblakTxn *take(Pool *pool, GError **error)
{
  g_mutex_lock(&pool->lock);
  AblakTxn *txn = g_queue_pop_head(&pool->idle);
  g_mutex_unlock(&pool->lock);
  if (txn == NULL)
    txn = connection_open(pool->path, CONNECT_READ, error);
  if (txn != NULL) {
    g_mutex_lock(&pool->lock);
    pool->lent++;
    g_mutex_unlock(&pool->lock);
    txn->store = pool->store;
  }
  return txn;
}

static void give_back(Pool *pool, AblakTxn *txn, bool usable)
{
  g_mutex_lock(&pool->lock);
  pool->lent--;
  bool kept = usable && pool->idle.length < IDLE_MAX;
  if (kept)
    g_queue_push_head(&pool->idle, txn);
  g_mutex_unlock(&pool->lock);
  if (!kept)
    connection_close(txn);
}

/* BEGIN alone takes no snapshot; the first read does, so it is done here. */
static bool begin(AblakTxn *txn, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "BEGIN", "") &&
         ablak_txn_exec(txn, NULL, error, "SELECT 1 FROM sqlite_schema LIMIT 1", "");
}

AblakTxn *ablak_store_read(AblakStore *store, GError **error)
{
  AblakTxn *txn = take(store->pool, error);
  if (txn == NULL)
    return NULL;
  txn->now_ms = store_now_ms(store);
  if (!begin(txn, error)) {
    give_back(store->pool, txn, false);
    return NULL;
  }
  return txn;
}

void ablak_txn_end(AblakTxn *txn)
{
  if (txn == NULL)
    return;
  bool ended = ablak_txn_exec(txn, NULL, NULL, "COMMIT", "");
  give_back(txn->store->pool, txn, ended);
}

AblakReader *ablak_reader_open(const char *path, GError **error)
{
  AblakTxn *txn = connection_open(path, CONNECT_IMMUTABLE, error);
  /* Opening reads nothing yet: a file that is no database shows here. */
  if (txn != NULL && !ablak_txn_exec(txn, NULL, error, "SELECT count(*) FROM sqlite_schema", "")) {
    connection_close(txn);
    txn = NULL;
  }
  if (txn == NULL)
    return NULL;
  AblakReader *reader = g_new0(AblakReader, 1);
  reader->txn = txn;
  return reader;
}

void ablak_reader_free(AblakReader *reader)
{
  if (reader == NULL)
    return;
  connection_close(reader->txn);
  g_free(reader);
}

AblakTxn *ablak_reader_txn(AblakReader *reader)
{
  reader->txn->now_ms = ablak_clock_wall_ms();
  return reader->txn;
}
