/* The writer: one thread runs the queued jobs in order, each in a savepoint, as many as are waiting
 * in one commit. What the callers are told goes back to the main context after the commit. */
#include "core/error.h"
#include "core/log.h"
#include "store/private.h"

#define GROUP_MAX 1024

/* A caller of write_sync waits here, without a main loop. */
typedef struct {
  GMutex lock;
  GCond finished;
  bool is_finished;
  GError *error;
} Wait;

typedef struct {
  AblakJob run;
  AblakDone done;
  gpointer data;
  GDestroyNotify free_data;
  Wait *wait; /* NULL for queued jobs */
  GError *error;
} Job;

/* What one commit has to tell the main context. */
typedef struct {
  GPtrArray *jobs;   /* Job */
  GPtrArray *events; /* AblakEvent; NULL when there are none */
} Delivery;

struct Writer {
  AblakStore *store;
  AblakTxn *txn;
  GThread *thread;
  GMainContext *context;
  unsigned max_queued;
  GMutex lock;
  GCond wake;
  GQueue queue;      /* of Job */
  GQueue deliveries; /* of Delivery */
  GSource *source;   /* attached while deliveries wait */
  unsigned holds;
  unsigned waiters; /* in the queue: somebody stands still until it is done */
  bool stopping;
  int log_pages; /* of the write-ahead log, after the last commit */
  LogLead lead;
};

static void job_free(Job *job)
{
  g_clear_error(&job->error);
  if (job->free_data != NULL)
    job->free_data(job->data);
  g_free(job);
}

static Delivery *delivery_new(void)
{
  Delivery *delivery = g_new0(Delivery, 1);
  delivery->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
  return delivery;
}

static void delivery_free(Delivery *delivery)
{
  g_ptr_array_unref(delivery->jobs);
  g_clear_pointer(&delivery->events, g_ptr_array_unref);
  g_free(delivery);
}

/* --- telling --- */

static void tell_watches(AblakStore *store, GPtrArray *events)
{
  g_mutex_lock(&store->hooks_lock);
  g_autoptr(GArray) watches = g_array_copy(store->watches);
  g_mutex_unlock(&store->hooks_lock);
  for (guint i = 0; i < watches->len; i++) {
    Watch *watch = &g_array_index(watches, Watch, i);
    watch->watch((const AblakEvent *const *)events->pdata, events->len, watch->data);
  }
}

static void deliver(Writer *writer)
{
  for (;;) {
    g_mutex_lock(&writer->lock);
    Delivery *delivery = g_queue_pop_head(&writer->deliveries);
    if (delivery == NULL)
      g_clear_pointer(&writer->source, g_source_unref);
    g_mutex_unlock(&writer->lock);
    if (delivery == NULL)
      return;
    for (guint i = 0; i < delivery->jobs->len; i++) {
      Job *job = delivery->jobs->pdata[i];
      if (job->done != NULL)
        job->done(job->error, job->data);
      else if (job->error != NULL) /* nobody else would ever hear of it */
        ablak_log_gerror(ABLAK_LOG_WARNING, "store.job-failed", job->error, NULL);
    }
    if (delivery->events != NULL)
      tell_watches(writer->store, delivery->events);
    delivery_free(delivery);
  }
}

static gboolean dispatch(gpointer data)
{
  deliver(data);
  return G_SOURCE_REMOVE;
}

/* Not g_main_context_invoke: it would run the callbacks on this thread while the loop is idle. */
static void queue_delivery_locked(Writer *writer, Delivery *delivery)
{
  g_queue_push_tail(&writer->deliveries, delivery);
  if (writer->source != NULL)
    return;
  writer->source = g_idle_source_new();
  g_source_set_priority(writer->source, G_PRIORITY_DEFAULT);
  g_source_set_callback(writer->source, dispatch, writer, NULL);
  g_source_attach(writer->source, writer->context);
}

static void wake_waiter(Job *job)
{
  Wait *wait = job->wait;
  GError *error = g_steal_pointer(&job->error);
  job_free(job);
  g_mutex_lock(&wait->lock);
  wait->error = error;
  wait->is_finished = true;
  g_cond_signal(&wait->finished);
  g_mutex_unlock(&wait->lock);
}

/* Takes the jobs and the events over. */
static void tell(Writer *writer, GPtrArray *jobs, GPtrArray *events)
{
  Delivery *delivery = delivery_new();
  g_autoptr(GPtrArray) waiters = g_ptr_array_new();
  for (guint i = 0; i < jobs->len; i++) {
    Job *job = jobs->pdata[i];
    g_ptr_array_add(job->wait != NULL ? waiters : delivery->jobs, job);
  }
  if (events->len > 0)
    delivery->events = g_ptr_array_ref(events);
  if (delivery->jobs->len > 0 || delivery->events != NULL) {
    g_mutex_lock(&writer->lock);
    queue_delivery_locked(writer, delivery);
    g_mutex_unlock(&writer->lock);
  } else {
    delivery_free(delivery);
  }
  /* Last: after this, a waiting caller may close the store. */
  for (guint i = 0; i < waiters->len; i++)
    wake_waiter(waiters->pdata[i]);
}

/* --- committing --- */

static bool transaction_is_gone(Writer *writer)
{
  return sqlite3_get_autocommit(writer->txn->db) != 0;
}

/* A breach of a deferred foreign key would fail the whole group at COMMIT; it is this job's. */
static bool check_deferred_keys(Writer *writer, GError **error)
{
  int current = 0, highest;
  sqlite3_db_status(writer->txn->db, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
  if (current > 0)
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "store/constraint", "a foreign key is dangling");
  return current == 0;
}

static bool run_in_savepoint(Writer *writer, Job *job)
{
  AblakTxn *txn = writer->txn;
  guint events_before = txn->events->len;
  txn->now_ms = store_now_ms(writer->store);
  if (!ablak_txn_exec(txn, NULL, &job->error, "SAVEPOINT job", ""))
    return false;
  bool done = job->run(txn, job->data, &job->error) && check_deferred_keys(writer, &job->error);
  if (!done && job->error == NULL)
    ablak_error_set(&job->error, ABLAK_ERROR_FAILED, "internal", "a job failed without an error");
  if (done && job->error != NULL)
    g_clear_error(&job->error);
  if (transaction_is_gone(writer))
    return false;
  if (!done) {
    g_ptr_array_set_size(txn->events, (gint)events_before);
    txn->last_seq = -1;
    if (!ablak_txn_exec(txn, NULL, NULL, "ROLLBACK TO job", ""))
      return false;
  }
  return ablak_txn_exec(txn, NULL, job->error == NULL ? &job->error : NULL, "RELEASE job", "");
}

/* One session a commit covers all savepoints; attached by name, so the outbox is not in it. */
static sqlite3_session *attach_session(Writer *writer, GError **error)
{
  sqlite3_session *session;
  int code = sqlite3session_create(writer->txn->db, "main", &session);
  if (code != SQLITE_OK) {
    set_sqlite_error(writer->txn, code, error);
    return NULL;
  }
  g_autofree const char **tables = ablak_store_tables(writer->store, ABLAK_OWNER_UP);
  for (gsize i = 0; code == SQLITE_OK && tables[i] != NULL; i++)
    code = sqlite3session_attach(session, tables[i]);
  if (code == SQLITE_OK)
    return session;
  set_sqlite_error(writer->txn, code, error);
  sqlite3session_delete(session);
  return NULL;
}

static bool journal(Writer *writer, sqlite3_session *session, AblakJournalHook hook, gpointer data,
                    GError **error)
{
  if (session == NULL || sqlite3session_isempty(session))
    return true;
  int size;
  void *changeset;
  int code = sqlite3session_changeset(session, &size, &changeset);
  if (code != SQLITE_OK)
    return set_sqlite_error(writer->txn, code, error);
  bool done = size == 0 || hook(writer->txn, changeset, (gsize)size, data, error);
  sqlite3_free(changeset);
  return done;
}

static bool run_jobs(Writer *writer, GPtrArray *jobs, GError **error)
{
  for (guint i = 0; i < jobs->len; i++) {
    Job *job = jobs->pdata[i];
    if (run_in_savepoint(writer, job))
      continue;
    /* A full disk or an I/O error can roll back everything; the others failed with this one. */
    if (job->error != NULL)
      g_propagate_error(error, g_error_copy(job->error));
    else
      ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "store/io", "the transaction was lost");
    return false;
  }
  return true;
}

static bool commit_group(Writer *writer, GPtrArray *jobs, GError **error)
{
  AblakTxn *txn = writer->txn;
  g_mutex_lock(&writer->store->hooks_lock);
  AblakJournalHook hook = writer->store->journal;
  gpointer hook_data = writer->store->journal_data;
  g_mutex_unlock(&writer->store->hooks_lock);
  if (!ablak_txn_exec(txn, NULL, error, "BEGIN IMMEDIATE", ""))
    return false;
  sqlite3_session *session = hook != NULL ? attach_session(writer, error) : NULL;
  bool done = (hook == NULL || session != NULL) && run_jobs(writer, jobs, error) &&
              journal(writer, session, hook, hook_data, error);
  if (session != NULL)
    sqlite3session_delete(session);
  return done && ablak_txn_exec(txn, NULL, error, "COMMIT", "");
}

/* After a failure no job has happened, whatever it returned by itself. */
static void fail_group(Writer *writer, GPtrArray *jobs, const GError *error)
{
  if (!transaction_is_gone(writer))
    sqlite3_exec(writer->txn->db, "ROLLBACK", NULL, NULL, NULL);
  g_ptr_array_set_size(writer->txn->events, 0);
  for (guint i = 0; i < jobs->len; i++) {
    Job *job = jobs->pdata[i];
    if (job->error == NULL)
      job->error = g_error_copy(error);
  }
}

static void run_group(Writer *writer, GPtrArray *jobs)
{
  g_autoptr(GError) error = NULL;
  writer->txn->events = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_event_free);
  writer->txn->last_seq = -1;
  if (!commit_group(writer, jobs, &error))
    fail_group(writer, jobs, error);
  tell(writer, jobs, writer->txn->events);
  log_lead(writer->txn->db, &writer->lead, writer->log_pages);
  checkpointer_committed(writer->store->checkpointer, writer->txn->db, writer->log_pages);
  g_clear_pointer(&writer->txn->events, g_ptr_array_unref);
}

static bool may_begin(const Writer *writer)
{
  bool held = writer->holds > 0 && writer->waiters == 0;
  return writer->stopping || (!held && writer->queue.length > 0);
}

static GPtrArray *take_group(Writer *writer)
{
  GPtrArray *jobs = g_ptr_array_new();
  g_mutex_lock(&writer->lock);
  while (!may_begin(writer))
    g_cond_wait(&writer->wake, &writer->lock);
  while (jobs->len < GROUP_MAX && !g_queue_is_empty(&writer->queue)) {
    Job *job = g_queue_pop_head(&writer->queue);
    writer->waiters -= job->wait != NULL;
    g_ptr_array_add(jobs, job);
  }
  g_mutex_unlock(&writer->lock);
  return jobs;
}

static int note_log(void *data, sqlite3 *db, const char *name, int pages)
{
  ((Writer *)data)->log_pages = pages;
  return SQLITE_OK;
}

static gpointer write_loop(gpointer data)
{
  Writer *writer = data;
  for (;;) {
    g_autoptr(GPtrArray) jobs = take_group(writer);
    if (jobs->len == 0)
      return NULL;
    run_group(writer, jobs);
  }
}

/* --- from outside --- */

Writer *writer_start(AblakStore *store, AblakTxn *txn, GMainContext *context, unsigned max_queued)
{
  Writer *writer = g_new0(Writer, 1);
  writer->store = store;
  writer->txn = txn;
  writer->context = g_main_context_ref(context);
  writer->max_queued = max_queued;
  g_mutex_init(&writer->lock);
  g_cond_init(&writer->wake);
  g_queue_init(&writer->queue);
  g_queue_init(&writer->deliveries);
  sqlite3_wal_hook(txn->db, note_log, writer);
  writer->thread = g_thread_new("store", write_loop, writer);
  return writer;
}

void writer_stop(Writer *writer)
{
  g_mutex_lock(&writer->lock);
  writer->stopping = true;
  g_cond_signal(&writer->wake);
  g_mutex_unlock(&writer->lock);
  g_thread_join(writer->thread);
  sqlite3_wal_hook(writer->txn->db, NULL, NULL);
  if (writer->source != NULL)
    g_source_destroy(writer->source);
  deliver(writer);
  g_main_context_unref(writer->context);
  g_mutex_clear(&writer->lock);
  g_cond_clear(&writer->wake);
  g_free(writer);
}

static void enqueue(Writer *writer, Job *job)
{
  g_mutex_lock(&writer->lock);
  if (writer->stopping)
    ablak_error_set(&job->error, ABLAK_ERROR_UNAVAILABLE, "store/closed", "the store is closed");
  else if (writer->queue.length >= writer->max_queued && job->wait == NULL)
    ablak_error_set(&job->error, ABLAK_ERROR_UNAVAILABLE, "store/busy", "%u jobs are waiting",
                    writer->queue.length);
  bool refused = job->error != NULL;
  if (!refused) {
    g_queue_push_tail(&writer->queue, job);
    writer->waiters += job->wait != NULL;
    if (may_begin(writer))
      g_cond_signal(&writer->wake);
  } else if (job->wait == NULL) {
    Delivery *delivery = delivery_new();
    g_ptr_array_add(delivery->jobs, job);
    queue_delivery_locked(writer, delivery);
  }
  g_mutex_unlock(&writer->lock);
  if (refused && job->wait != NULL)
    wake_waiter(job);
}

static Job *job_new(AblakJob run, gpointer data)
{
  Job *job = g_new0(Job, 1);
  job->run = run;
  job->data = data;
  return job;
}

void ablak_store_write(AblakStore *store, AblakJob run, AblakDone done, gpointer data,
                       GDestroyNotify free_data)
{
  Job *job = job_new(run, data);
  job->done = done;
  job->free_data = free_data;
  enqueue(store->writer, job);
}

void ablak_store_hold(AblakStore *store)
{
  g_mutex_lock(&store->writer->lock);
  store->writer->holds++;
  g_mutex_unlock(&store->writer->lock);
}

void ablak_store_release(AblakStore *store)
{
  Writer *writer = store->writer;
  g_mutex_lock(&writer->lock);
  writer->holds--;
  if (may_begin(writer))
    g_cond_signal(&writer->wake);
  g_mutex_unlock(&writer->lock);
}

bool ablak_store_write_sync(AblakStore *store, AblakJob run, gpointer data, GError **error)
{
  g_return_val_if_fail(g_thread_self() != store->writer->thread, false);
  Wait wait = {.is_finished = false};
  g_mutex_init(&wait.lock);
  g_cond_init(&wait.finished);
  Job *job = job_new(run, data);
  job->wait = &wait;
  enqueue(store->writer, job);
  g_mutex_lock(&wait.lock);
  while (!wait.is_finished)
    g_cond_wait(&wait.finished, &wait.lock);
  g_mutex_unlock(&wait.lock);
  g_mutex_clear(&wait.lock);
  g_cond_clear(&wait.finished);
  bool done = wait.error == NULL;
  if (!done)
    g_propagate_error(error, wait.error);
  return done;
}
