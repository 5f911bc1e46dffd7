/* Opening and closing. */
#include "core/clock.h"
#include "core/error.h"
#include "store/private.h"

#define QUEUE_MAX 4096

static gint64 wall_clock(gpointer data)
{
  return ablak_clock_wall_ms();
}

gint64 store_now_ms(AblakStore *store)
{
  return store->clock(store->clock_data);
}

static void add_part(AblakStore *store, const AblakStorePart *part)
{
  g_ptr_array_add(store->parts, (gpointer)part);
  for (const AblakTable *table = part->tables; table->name != NULL; table++)
    if (!g_hash_table_insert(store->tables, (gpointer)table->name, (gpointer)table))
      g_error("table %s is declared twice", table->name);
}

static AblakStore *store_new(const AblakStoreOptions *options)
{
  AblakStore *store = g_new0(AblakStore, 1);
  store->path = g_strdup(options->path);
  store->parts = g_ptr_array_new();
  store->tables = g_hash_table_new(g_str_hash, g_str_equal);
  store->clock = options->clock != NULL ? options->clock : wall_clock;
  store->clock_data = options->clock_data;
  store->watches = g_array_new(FALSE, FALSE, sizeof(Watch));
  g_mutex_init(&store->hooks_lock);
  add_part(store, &ablak_store_store_part);
  for (gsize i = 0; options->parts != NULL && options->parts[i] != NULL; i++)
    add_part(store, options->parts[i]);
  g_ptr_array_add(store->parts, NULL);
  return store;
}

static void store_free(AblakStore *store)
{
  if (store->write_txn != NULL)
    connection_close(store->write_txn);
  g_mutex_clear(&store->hooks_lock);
  g_array_unref(store->watches);
  g_hash_table_unref(store->tables);
  g_ptr_array_unref(store->parts);
  g_free(store->path);
  g_free(store);
}

AblakStore *ablak_store_open(const AblakStoreOptions *options, GError **error)
{
  AblakStore *store = store_new(options);
  store->write_txn = connection_open(options->path, CONNECT_WRITE, error);
  const AblakStorePart *const *parts = (const AblakStorePart *const *)store->parts->pdata;
  if (store->write_txn == NULL || !migrate(store->write_txn, parts, store_now_ms(store), error) ||
      !sync_folder_of(options->path, error)) {
    store_free(store);
    return NULL;
  }
  store->checkpointer = checkpointer_start(options->path, error);
  if (store->checkpointer == NULL) {
    store_free(store);
    return NULL;
  }
  store->write_txn->store = store;
  store->pool = pool_new(store, options->path);
  GMainContext *context = options->context != NULL ? options->context : g_main_context_default();
  unsigned max_queued = options->max_queued_jobs > 0 ? options->max_queued_jobs : QUEUE_MAX;
  store->writer = writer_start(store, store->write_txn, context, max_queued);
  return store;
}

void ablak_store_close(AblakStore *store)
{
  if (store == NULL)
    return;
  writer_stop(store->writer);
  checkpointer_stop(store->checkpointer);
  pool_free(store->pool);
  /* The last connection of the file: closing it checkpoints and removes the WAL. */
  store_free(store);
}

const AblakTable *ablak_store_table(AblakStore *store, const char *name)
{
  return g_hash_table_lookup(store->tables, name);
}

const char **ablak_store_tables(AblakStore *store, AblakOwner owner)
{
  GPtrArray *names = g_ptr_array_new();
  for (guint i = 0; store->parts->pdata[i] != NULL; i++) {
    const AblakStorePart *part = store->parts->pdata[i];
    for (const AblakTable *table = part->tables; table->name != NULL; table++)
      if (table->owner == owner)
        g_ptr_array_add(names, (gpointer)table->name);
  }
  g_ptr_array_add(names, NULL);
  return (const char **)g_ptr_array_free(names, FALSE);
}

void ablak_store_watch_commits(AblakStore *store, AblakCommitWatch watch, gpointer data)
{
  Watch added = {watch, data};
  g_mutex_lock(&store->hooks_lock);
  g_array_append_val(store->watches, added);
  g_mutex_unlock(&store->hooks_lock);
}

void ablak_store_set_journal(AblakStore *store, AblakJournalHook hook, gpointer data)
{
  g_mutex_lock(&store->hooks_lock);
  store->journal = hook;
  store->journal_data = data;
  g_mutex_unlock(&store->hooks_lock);
}
