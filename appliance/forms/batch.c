/* forms/batch.c: what happens to a draft in one turn of the loop is one job of the store; relays,
 * acknowledgements, refusals and authors wait in it until the commit is durable. */
#include "core/error.h"
#include "core/log.h"
#include "forms/live.h"
#include <string.h>

#define STAMP_EVERY_MS 30000 /* updated_at goes up: not with every keystroke */

static void row_free(gpointer data)
{
  Row *row = data;
  g_bytes_unref(row->update);
  g_free(row->actor);
  g_free(row);
}

static void merged_free(gpointer data)
{
  Merged *merged = data;
  g_bytes_unref(merged->state);
  g_free(merged);
}

static void out_free(gpointer data)
{
  Out *out = data;
  g_clear_pointer(&out->to, ablak_draft_live_connection_unref);
  g_clear_pointer(&out->except, ablak_draft_live_connection_unref);
  g_clear_pointer(&out->message, g_bytes_unref);
  json_decref(out->authors);
  g_free(out);
}

void ablak_draft_live_batch_free(gpointer data)
{
  Batch *batch = data;
  g_ptr_array_unref(batch->rows);
  g_ptr_array_unref(batch->merged);
  g_ptr_array_unref(batch->authors);
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
  batch->merged = g_ptr_array_new_with_free_func(merged_free);
  batch->authors = g_ptr_array_new_with_free_func(ablak_authors_write_free);
  batch->writers = g_ptr_array_new_with_free_func(ablak_draft_live_writer_free);
  batch->outs = g_ptr_array_new_with_free_func(out_free);
  batch->waiting = g_array_new(FALSE, FALSE, sizeof(Waiting));
  return batch;
}

/* --- the job, on the writer's thread --- */

static bool is_merged(const Batch *batch, const Row *row)
{
  for (guint i = 0; i < batch->merged->len; i++) {
    const Merged *merged = g_ptr_array_index(batch->merged, i);
    if (merged->audience == row->audience && merged->serial >= row->serial)
      return true;
  }
  return false;
}

static bool store_rows(AblakTxn *txn, const Batch *batch, GError **error)
{
  for (guint i = 0; i < batch->merged->len; i++) {
    const Merged *merged = g_ptr_array_index(batch->merged, i);
    if (!ablak_draft_log_merge(txn, batch->draft_id, merged->audience, merged->serial,
                               merged->state, error))
      return false;
  }
  for (guint i = 0; i < batch->rows->len; i++) {
    Row *row = g_ptr_array_index(batch->rows, i);
    if (!is_merged(batch, row) &&
        !ablak_draft_log_append(txn, batch->draft_id, row->audience, row->serial, row->update,
                                row->actor, &row->seq, error))
      return false;
  }
  for (int i = 0; i < 2; i++)
    if (batch->home[i] &&
        !ablak_draft_log_bring_home(txn, batch->draft_id, ablak_draft_audience(i == 1), error))
      return false;
  return true;
}

static bool batch_job(AblakTxn *txn, gpointer data, GError **error)
{
  const Batch *batch = data;
  bool filed;
  if (!ablak_draft_is_filed(txn, batch->draft_id, &filed, error))
    return false;
  if (filed && batch->rows->len > 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/frozen", "the draft was filed before");
    return false;
  }
  if (!store_rows(txn, batch, error))
    return false;
  for (guint i = 0; i < batch->writers->len; i++)
    if (!ablak_draft_live_writer_store(txn, batch->draft_id, g_ptr_array_index(batch->writers, i),
                                       error))
      return false;
  for (guint i = 0; i < batch->authors->len; i++)
    if (!ablak_authors_store(txn, batch->draft_id, g_ptr_array_index(batch->authors, i), error))
      return false;
  return !batch->stamp ||
         ablak_txn_exec(txn, NULL, error, "UPDATE draft SET updated_at = ? WHERE id = ?", "it",
                        ablak_txn_now_ms(txn), batch->draft_id);
}

/* --- telling --- */

static GPtrArray *connections_of(const Document *document)
{
  GPtrArray *all =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_draft_live_connection_unref);
  for (guint i = 0; i < document->connections->len; i++)
    g_ptr_array_add(all,
                    ablak_draft_live_connection_ref(g_ptr_array_index(document->connections, i)));
  return all;
}

/* A transport may well give up, and its connection go, while something is sent. */
void ablak_draft_live_relay(Document *document, GBytes *message, const AblakDraftConnection *except)
{
  g_autoptr(GPtrArray) all = connections_of(document);
  for (guint i = 0; i < all->len; i++)
    if (g_ptr_array_index(all, i) != except)
      ablak_draft_live_connection_send(g_ptr_array_index(all, i), message);
}

static void send_authors(AblakDraftConnection *to, const json_t *told)
{
  const AblakActor receiver = {to->actor_kind, to->actor_id};
  json_t *mine = ablak_authors_for(json_object_get(told, "authors"), receiver);
  g_autoptr(json_t) body = json_pack("{s:o}", "authors", mine);
  if (json_object_get(told, "complete") != NULL)
    json_object_set_new(body, "complete", json_true());
  g_autofree char *text = ablak_json_text(body);
  g_autoptr(GBytes) message = ablak_draft_live_message(MESSAGE_AUTHORS, text);
  ablak_draft_live_connection_send(to, message);
}

static void tell_out(const Out *out)
{
  if (out->to != NULL && out->message != NULL) {
    ablak_draft_live_connection_send(out->to, out->message);
  } else if (out->to != NULL) {
    send_authors(out->to, out->authors);
  } else if (out->message != NULL) {
    ablak_draft_live_relay(out->document, out->message, out->except);
  } else {
    g_autoptr(GPtrArray) all = connections_of(out->document);
    for (guint i = 0; i < all->len; i++)
      send_authors(g_ptr_array_index(all, i), out->authors);
  }
}

/* Where the rows are now. */
static void note_rows(Live *live, const Batch *batch)
{
  for (guint i = 0; i < batch->rows->len; i++) {
    const Row *row = g_ptr_array_index(batch->rows, i);
    Document *document = ablak_draft_live_document(live, row->audience);
    ablak_draft_log_note(&document->log, row->serial, row->seq);
  }
  ablak_draft_live_tail_written(live->drafts, batch->rows->len);
}

static void batch_done(const GError *error, gpointer data)
{
  Batch *batch = data;
  Live *live = batch->live;
  if (live != NULL) {
    g_queue_remove(&live->flying, batch);
    if (error == NULL)
      note_rows(live, batch);
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

/* --- gathering --- */

Batch *ablak_draft_live_batch(Live *live)
{
  if (live->open == NULL) {
    live->open = batch_new(live);
    ablak_draft_live_flush_soon(live);
  }
  return live->open;
}

static json_t *told(json_t *list, bool complete)
{
  json_t *json = json_pack("{s:o}", "authors", list);
  if (complete)
    json_object_set_new(json, "complete", json_true());
  return json;
}

static void add_authors(Batch *batch, Document *document)
{
  bool complete = false;
  json_t *list = ablak_authors_take_news(document->authors, &complete);
  if (list == NULL)
    return;
  AblakAuthorsWrite *write = g_new0(AblakAuthorsWrite, 1);
  *write = (AblakAuthorsWrite){document->office, complete, json_incref(list)};
  g_ptr_array_add(batch->authors, write);
  Out *out = g_new0(Out, 1);
  out->document = document;
  out->authors = told(list, complete);
  g_ptr_array_add(batch->outs, out);
}

/* The document as it is now, without what waits: what the log holds with this batch's rows. */
static void add_merged(Batch *batch, Document *document)
{
  static const guint8 knows_nothing[] = {0};
  g_autoptr(GError) error = NULL;
  GBytes *state = ablak_ydoc_encode(document->ydoc, knows_nothing, sizeof knows_nothing, &error);
  if (state == NULL) {
    ablak_log_gerror(ABLAK_LOG_ERROR, "draft.merge-failed", error, "draft", batch->draft_id, NULL);
    return;
  }
  Merged *merged = g_new0(Merged, 1);
  *merged = (Merged){document->audience, document->serial, state};
  g_ptr_array_add(batch->merged, merged);
  document->log_rows = 1;
  document->log_bytes = 0;
  document->base_bytes = g_bytes_get_size(state);
  ablak_draft_log_note_home(&document->log, document->serial);
}

static bool may_merge(Document *document)
{
  document->log_has_gap = document->log_has_gap && ablak_ydoc_has_pending(document->ydoc);
  bool is_one_row = document->log_rows <= 1 && document->serial == document->log.home;
  return !document->log_has_gap && !is_one_row;
}

/* A large document is not written anew for a few keys. */
static bool has_grown(const Document *document)
{
  const AblakDraftsOptions *options = &document->live->drafts->options;
  return (document->log_rows > options->log_rows_max &&
          document->log_bytes > document->base_bytes / 4) ||
         document->log_bytes > MAX(options->log_bytes_max, document->base_bytes);
}

bool ablak_draft_live_merge_logs(Live *live)
{
  for (int i = 0; i < 2; i++) {
    Document *document = &live->documents[i];
    if (may_merge(document))
      add_merged(ablak_draft_live_batch(live), document);
    else if (document->serial != document->log.home)
      ablak_draft_live_batch(live)->home[i] = true;
  }
  return live->open != NULL;
}

static void note_change(Live *live)
{
  gint64 now_ms = drafts_monotonic_ms(live->drafts);
  live->typing = now_ms - live->changed_at_ms < live->drafts->options.quiet_ms;
  live->changed_at_ms = now_ms;
}

void ablak_draft_live_flush(Live *live)
{
  ablak_draft_live_part(&live->drafts->gathering, &live->gathering);
  Batch *batch = g_steal_pointer(&live->open);
  if (batch == NULL)
    return;
  if (batch->rows->len > 0)
    note_change(live);
  for (int i = 0; !live->failed && i < 2; i++) {
    Document *document = &live->documents[i];
    if (has_grown(document) && may_merge(document))
      add_merged(batch, document);
    if (batch->home[i])
      ablak_draft_log_note_home(&document->log, document->serial);
    add_authors(batch, document);
    ablak_draft_live_weigh(document);
  }
  g_queue_push_tail(&live->flying, batch);
  ablak_store_write(live->drafts->store, batch_job, batch_done, batch, ablak_draft_live_batch_free);
}

void ablak_draft_live_write(Document *document, GBytes *update, const char *actor_kind,
                            AblakDraftConnection *except)
{
  Live *live = document->live;
  Batch *batch = ablak_draft_live_batch(live);
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  Row *row = g_new0(Row, 1);
  row->audience = document->audience;
  row->serial = ++document->serial;
  row->update = g_bytes_ref(update);
  row->actor = g_strdup(actor_kind);
  g_ptr_array_add(batch->rows, row);
  document->log_rows++;
  document->log_bytes += size + ROW_BYTES;
  Out *out = g_new0(Out, 1);
  out->document = document;
  out->except = except != NULL ? ablak_draft_live_connection_ref(except) : NULL;
  out->message = ablak_ysync_encode(ABLAK_YSYNC_UPDATE, 0, data, size);
  g_ptr_array_add(batch->outs, out);
  gint64 now_ms = drafts_monotonic_ms(live->drafts);
  if (now_ms - live->updated_at_ms >= STAMP_EVERY_MS) {
    live->updated_at_ms = now_ms;
    batch->stamp = true;
  }
  ablak_draft_live_checks_soon(live);
}

static void tell(Document *document, AblakDraftConnection *to, GBytes *message, json_t *authors)
{
  Live *live = document->live;
  Batch *batch = live->open != NULL ? live->open : g_queue_peek_tail(&live->flying);
  Out *out = g_new0(Out, 1);
  *out = (Out){.to = ablak_draft_live_connection_ref(to),
               .document = document,
               .message = message,
               .authors = authors};
  if (batch != NULL) {
    g_ptr_array_add(batch->outs, out);
  } else {
    tell_out(out);
    out_free(out);
  }
}

void ablak_draft_live_tell(Document *document, AblakDraftConnection *to, GBytes *message)
{
  tell(document, to, message, NULL);
}

void ablak_draft_live_tell_authors(Document *document, AblakDraftConnection *to)
{
  tell(document, to, NULL, told(ablak_authors_all(document->authors), true));
}
