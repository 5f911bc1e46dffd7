/* forms/live.c: a draft in memory: loading, batches to the store, and telling afterwards. */
#include "forms/live.h"
#include "core/error.h"
#include "core/log.h"
#include <string.h>

#define STAMP_EVERY_MS 30000 /* authorship and updated_at go up: not with every keystroke */

typedef struct {
  char *actor_id;
  gint64 at_ms;
} Touch;

static void touch_free(gpointer data)
{
  Touch *touch = data;
  g_free(touch->actor_id);
  g_free(touch);
}

/* --- batches --- */

static void row_free(gpointer data)
{
  Row *row = data;
  g_bytes_unref(row->update);
  g_free(row->actor);
  g_free(row);
}

static void field_free(gpointer data)
{
  Field *field = data;
  g_free(field->audience);
  g_free(field->path);
  g_free(field->actor_kind);
  g_free(field->actor_id);
  g_free(field);
}

static void out_free(gpointer data)
{
  Out *out = data;
  g_clear_pointer(&out->to, ablak_draft_live_connection_unref);
  g_clear_pointer(&out->except, ablak_draft_live_connection_unref);
  g_bytes_unref(out->message);
  g_free(out);
}

static void batch_free(gpointer data)
{
  Batch *batch = data;
  g_ptr_array_unref(batch->rows);
  g_ptr_array_unref(batch->fields);
  g_ptr_array_unref(batch->writers);
  g_ptr_array_unref(batch->outs);
  g_array_unref(batch->waiting);
  g_free(batch->draft_id);
  g_free(batch);
}

static Batch *batch_new(Live *live)
{
  Batch *batch = g_new0(Batch, 1);
  batch->live = live;
  batch->draft_id = g_strdup(live->draft_id);
  batch->rows = g_ptr_array_new_with_free_func(row_free);
  batch->fields = g_ptr_array_new_with_free_func(field_free);
  batch->writers = g_ptr_array_new_with_free_func(ablak_draft_live_writer_free);
  batch->outs = g_ptr_array_new_with_free_func(out_free);
  batch->waiting = g_array_new(FALSE, FALSE, sizeof(Waiting));
  batch->log_rows_max = live->drafts->options.log_rows_max;
  batch->log_bytes_max = live->drafts->options.log_bytes_max;
  return batch;
}

static bool write_field(AblakTxn *txn, const Batch *batch, const Field *field, GError **error)
{
  if (field->clear_below) {
    g_autofree char *below = g_strconcat(field->path, "/", NULL);
    g_autofree char *behind = g_strconcat(field->path, "0", NULL); /* '0' follows '/' */
    if (!ablak_txn_exec(txn, NULL, error,
                        "DELETE FROM draft_field WHERE draft_id = ? AND audience = ?"
                        " AND path >= ? AND path < ?",
                        "tttt", batch->draft_id, field->audience, below, behind))
      return false;
  }
  return ablak_txn_exec(
      txn, NULL, error,
      "INSERT INTO draft_field (draft_id, audience, path, actor_kind, actor_id, at)"
      " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (draft_id, audience, path) DO UPDATE"
      " SET actor_kind = excluded.actor_kind, actor_id = excluded.actor_id,"
      " at = excluded.at",
      "ttttti", batch->draft_id, field->audience, field->path, field->actor_kind, field->actor_id,
      ablak_txn_now_ms(txn));
}

/* On the writer's thread. */
static bool batch_job(AblakTxn *txn, gpointer data, GError **error)
{
  const Batch *batch = data;
  g_autoptr(AblakDraft) draft = ablak_draft_get(txn, batch->draft_id, error);
  if (draft == NULL)
    return false;
  if (draft->filed && batch->rows->len > 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/frozen", "the draft was filed before");
    return false;
  }
  bool written[2] = {false, false};
  for (guint i = 0; i < batch->rows->len; i++) {
    const Row *row = g_ptr_array_index(batch->rows, i);
    written[g_str_equal(row->audience, "office")] = true;
    if (!ablak_draft_log_append(txn, batch->draft_id, row->audience, row->serial, row->update,
                                row->actor, error))
      return false;
  }
  for (guint i = 0; i < batch->writers->len; i++)
    if (!ablak_draft_live_writer_store(txn, batch->draft_id, g_ptr_array_index(batch->writers, i),
                                       error))
      return false;
  for (guint i = 0; i < batch->fields->len; i++)
    if (!write_field(txn, batch, g_ptr_array_index(batch->fields, i), error))
      return false;
  if (batch->stamp &&
      !ablak_txn_exec(txn, NULL, error, "UPDATE draft SET updated_at = ? WHERE id = ?", "it",
                      ablak_txn_now_ms(txn), batch->draft_id))
    return false;
  for (int i = 0; i < 2; i++)
    if (written[i] && !ablak_draft_log_compact(txn, batch->draft_id, i == 1 ? "office" : "shared",
                                               batch->log_rows_max, batch->log_bytes_max, error))
      return false;
  return true;
}

/* A transport may well give up, and its connection go, while something is sent. */
void ablak_draft_live_relay(Document *document, GBytes *message, const AblakDraftConnection *except)
{
  g_autoptr(GPtrArray) all =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_draft_live_connection_unref);
  for (guint i = 0; i < document->connections->len; i++)
    g_ptr_array_add(all,
                    ablak_draft_live_connection_ref(g_ptr_array_index(document->connections, i)));
  for (guint i = 0; i < all->len; i++)
    if (g_ptr_array_index(all, i) != except)
      ablak_draft_live_connection_send(g_ptr_array_index(all, i), message);
}

static void tell_out(const Out *out)
{
  if (out->to != NULL)
    ablak_draft_live_connection_send(out->to, out->message);
  else
    ablak_draft_live_relay(out->document, out->message, out->except);
}

static void batch_done(const GError *error, gpointer data)
{
  Batch *batch = data;
  Live *live = batch->live;
  if (live != NULL) {
    g_queue_remove(&live->flying, batch);
    if (error != NULL && !live->failed) {
      ablak_log_gerror(ABLAK_LOG_ERROR, "draft.write-failed", error, "draft", live->draft_id, NULL);
      ablak_draft_live_fail(live);
    }
    for (guint i = 0; error == NULL && !live->failed && i < batch->outs->len; i++)
      tell_out(g_ptr_array_index(batch->outs, i));
  }
  g_autoptr(GError) late = NULL;
  if (error == NULL && live != NULL && live->failed)
    ablak_error_set(&late, ABLAK_ERROR_UNAVAILABLE, "forms/unavailable", "the draft is recovering");
  for (guint i = 0; i < batch->waiting->len; i++) {
    Waiting *waiting = &g_array_index(batch->waiting, Waiting, i);
    waiting->done(error != NULL ? error : late, waiting->data);
  }
  if (live != NULL)
    ablak_draft_live_watch_idle(live);
}

static gboolean flush_now(gpointer data)
{
  Live *live = data;
  live->flush_source = 0;
  ablak_draft_live_flush(live);
  return G_SOURCE_REMOVE;
}

/* Runs after the sockets of this turn of the loop, so that what arrived together is one job. */
Batch *ablak_draft_live_batch(Live *live)
{
  if (live->open == NULL) {
    live->open = batch_new(live);
    live->flush_source = g_idle_add_full(G_PRIORITY_HIGH_IDLE, flush_now, live, NULL);
  }
  return live->open;
}

void ablak_draft_live_flush(Live *live)
{
  if (live->flush_source != 0)
    g_source_remove(live->flush_source);
  live->flush_source = 0;
  Batch *batch = g_steal_pointer(&live->open);
  if (batch == NULL)
    return;
  g_queue_push_tail(&live->flying, batch);
  ablak_store_write(live->drafts->store, batch_job, batch_done, batch, batch_free);
}

void ablak_draft_live_write(Document *document, GBytes *update, const char *actor_kind,
                            AblakDraftConnection *except)
{
  Batch *batch = ablak_draft_live_batch(document->live);
  Row *row = g_new0(Row, 1);
  row->audience = document->audience;
  row->serial = ++document->serial;
  row->update = g_bytes_ref(update);
  row->actor = g_strdup(actor_kind);
  g_ptr_array_add(batch->rows, row);
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  Out *out = g_new0(Out, 1);
  out->document = document;
  out->except = except != NULL ? ablak_draft_live_connection_ref(except) : NULL;
  out->message = ablak_ysync_encode(ABLAK_YSYNC_UPDATE, 0, data, size);
  g_ptr_array_add(batch->outs, out);
  gint64 now_ms = g_get_monotonic_time() / 1000;
  if (now_ms - document->live->updated_at_ms >= STAMP_EVERY_MS) {
    document->live->updated_at_ms = now_ms;
    batch->stamp = true;
  }
  ablak_draft_live_checks_soon(document->live);
}

void ablak_draft_live_touch(Document *document, const char *path, const char *actor_kind,
                            const char *actor_id, bool rows_moved)
{
  Live *live = document->live;
  g_autofree char *key = g_strconcat(document->audience, path, NULL);
  Touch *known = g_hash_table_lookup(live->touched, key);
  gint64 now_ms = g_get_monotonic_time() / 1000;
  if (rows_moved)
    g_hash_table_remove_all(live->touched);
  else if (known != NULL && g_str_equal(known->actor_id, actor_id) &&
           now_ms - known->at_ms < STAMP_EVERY_MS)
    return;
  Touch *touch = g_new0(Touch, 1);
  touch->actor_id = g_strdup(actor_id);
  touch->at_ms = now_ms;
  g_hash_table_replace(live->touched, g_steal_pointer(&key), touch);
  Field *field = g_new0(Field, 1);
  field->audience = g_strdup(document->audience);
  field->path = g_strdup(path);
  field->actor_kind = g_strdup(actor_kind);
  field->actor_id = g_strdup(actor_id);
  field->clear_below = rows_moved;
  g_ptr_array_add(ablak_draft_live_batch(live)->fields, field);
}

void ablak_draft_live_tell(Document *document, AblakDraftConnection *to, GBytes *message)
{
  Live *live = document->live;
  Batch *batch = live->open != NULL ? live->open : g_queue_peek_tail(&live->flying);
  if (batch == NULL) {
    ablak_draft_live_connection_send(to, message);
    g_bytes_unref(message);
    return;
  }
  Out *out = g_new0(Out, 1);
  out->document = document;
  out->to = ablak_draft_live_connection_ref(to);
  out->message = message;
  g_ptr_array_add(batch->outs, out);
}

/* --- loading and leaving --- */

Document *ablak_draft_live_document(Live *live, const char *audience)
{
  for (int i = 0; i < 2; i++)
    if (g_strcmp0(live->documents[i].audience, audience) == 0)
      return &live->documents[i];
  return NULL;
}

unsigned ablak_draft_live_connections(const Live *live)
{
  return live->documents[0].connections->len + live->documents[1].connections->len;
}

static bool load_document(Live *live, AblakTxn *txn, bool office, GError **error)
{
  Document *document = &live->documents[office];
  AblakYdocOptions options = {.max_bytes = live->drafts->options.document_max};
  document->live = live;
  document->office = office;
  document->audience = office ? "office" : "shared";
  document->ydoc = ablak_ydoc_new(&options);
  document->awareness = ablak_yawareness_new(64, 4096);
  document->connections = g_ptr_array_new();
  return ablak_draft_log_load(txn, live->draft_id, document->audience, document->ydoc,
                              &document->serial, error) &&
         ablak_draft_live_writers_load(document, txn, error);
}

static bool load(Live *live, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(live->drafts->store, error);
  g_autoptr(AblakDraft) draft = txn != NULL ? ablak_draft_get(txn, live->draft_id, error) : NULL;
  if (draft == NULL)
    return false;
  live->frozen = draft->filed;
  live->form = ablak_draft_form(txn, draft, error);
  return live->form != NULL && load_document(live, txn, false, error) &&
         load_document(live, txn, true, error);
}

Live *ablak_draft_live_get(AblakDrafts *drafts, const char *draft_id, GError **error)
{
  Live *live = g_hash_table_lookup(drafts->lives, draft_id);
  if (live != NULL && live->failed) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "forms/unavailable", "the draft is recovering");
    return NULL;
  }
  if (live != NULL)
    return live;
  live = g_new0(Live, 1);
  live->drafts = drafts;
  live->draft_id = g_strdup(draft_id);
  live->touched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, touch_free);
  live->restricted = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  live->updated_at_ms = g_get_monotonic_time() / 1000 - STAMP_EVERY_MS;
  if (!load(live, error)) {
    ablak_draft_live_free(live);
    return NULL;
  }
  g_hash_table_insert(drafts->lives, live->draft_id, live);
  ablak_draft_live_watch_idle(live);
  return live;
}

static void document_clear(Document *document)
{
  for (guint i = 0; document->connections != NULL && i < document->connections->len; i++)
    ((AblakDraftConnection *)g_ptr_array_index(document->connections, i))->document = NULL;
  g_clear_pointer(&document->connections, g_ptr_array_unref);
  g_clear_pointer(&document->ydoc, ablak_ydoc_free);
  g_clear_pointer(&document->awareness, ablak_yawareness_free);
  g_clear_pointer(&document->writers, g_hash_table_unref);
  g_clear_pointer(&document->checks, g_free);
}

static void stop(guint *source)
{
  if (*source != 0)
    g_source_remove(*source);
  *source = 0;
}

void ablak_draft_live_free(Live *live)
{
  stop(&live->flush_source);
  stop(&live->checks_source);
  stop(&live->idle_source);
  stop(&live->awareness_source);
  g_clear_pointer(&live->open, batch_free);
  Batch *batch;
  while ((batch = g_queue_pop_head(&live->flying)) != NULL)
    batch->live = NULL;
  Held *held;
  while ((held = g_queue_pop_head(&live->held)) != NULL) {
    ablak_draft_live_connection_unref(held->connection);
    g_bytes_unref(held->message);
    g_free(held);
  }
  if (live->submission != NULL)
    *live->submission = NULL;
  document_clear(&live->documents[0]);
  document_clear(&live->documents[1]);
  g_clear_pointer(&live->restricted, g_hash_table_unref);
  g_clear_pointer(&live->touched, g_hash_table_unref);
  g_clear_pointer(&live->form, ablak_form_unref);
  g_free(live->draft_id);
  g_free(live);
}

void ablak_draft_live_fail(Live *live)
{
  live->failed = true;
  if (live->open != NULL) { /* not written any more, but whoever waits for it is answered */
    g_ptr_array_set_size(live->open->rows, 0);
    g_ptr_array_set_size(live->open->fields, 0);
    g_ptr_array_set_size(live->open->writers, 0);
  }
  for (int i = 0; i < 2; i++) {
    g_autoptr(GPtrArray) all =
        g_ptr_array_new_with_free_func((GDestroyNotify)ablak_draft_live_connection_unref);
    const GPtrArray *connections = live->documents[i].connections;
    for (guint j = 0; j < connections->len; j++)
      g_ptr_array_add(all, ablak_draft_live_connection_ref(g_ptr_array_index(connections, j)));
    for (guint j = 0; j < all->len; j++)
      ablak_draft_live_connection_close(g_ptr_array_index(all, j), CLOSE_RETRY, "try again");
  }
  ablak_draft_live_watch_idle(live);
}

static gboolean leave(gpointer data)
{
  Live *live = data;
  live->idle_source = 0;
  if (live->failed ? live->open == NULL && g_queue_is_empty(&live->flying)
                   : ablak_draft_live_connections(live) == 0 && live->open == NULL &&
                         !live->freezing && g_queue_is_empty(&live->flying))
    g_hash_table_remove(live->drafts->lives, live->draft_id);
  return G_SOURCE_REMOVE;
}

/* A failed copy goes as soon as nothing of it is on its way, an unused one after a while. */
void ablak_draft_live_watch_idle(Live *live)
{
  stop(&live->idle_source);
  if (live->failed) {
    ablak_draft_live_flush(live);
    if (g_queue_is_empty(&live->flying))
      live->idle_source = g_idle_add(leave, live);
  } else if (ablak_draft_live_connections(live) == 0) {
    live->idle_source = g_timeout_add(live->drafts->options.idle_ms, leave, live);
  }
}
