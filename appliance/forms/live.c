/* forms/live.c: drafts in memory: loading, what they weigh, failing and leaving. */
#include "forms/live.h"
#include "core/error.h"
#include "core/log.h"
#include <string.h>

#define LIVE_BYTES 8192 /* about, beside the documents: lists, awareness, who writes */

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

/* --- memory --- */

void ablak_draft_live_weigh(Document *document)
{
  AblakDrafts *drafts = document->live->drafts;
  gsize memory = document->ydoc != NULL ? ablak_ydoc_bytes(document->ydoc) + LIVE_BYTES / 2 : 0;
  drafts->memory += memory - document->memory;
  document->memory = memory;
}

static bool is_unused(Live *live)
{
  return ablak_draft_live_connections(live) == 0 && live->open == NULL && !live->freezing &&
         g_queue_is_empty(&live->flying);
}

static gboolean remove_unused(gpointer key, gpointer value, gpointer data)
{
  return is_unused(value);
}

bool ablak_draft_live_room(AblakDrafts *drafts, gsize size)
{
  if (drafts->memory + size > drafts->options.memory_max)
    g_hash_table_foreach_remove(drafts->lives, remove_unused, NULL);
  return drafts->memory + size <= drafts->options.memory_max;
}

/* --- loading --- */

/* Drafts of one form share it. */
static AblakForm *shared_form(AblakDrafts *drafts, AblakTxn *txn, const AblakDraft *draft,
                              GError **error)
{
  g_autofree char *key = g_strdup_printf("%s %" G_GINT64_FORMAT " %s", draft->form_id,
                                         draft->form_version, draft->edition);
  AblakForm *form = g_hash_table_lookup(drafts->forms, key);
  if (form != NULL)
    return ablak_form_ref(form);
  form = ablak_draft_form(txn, draft, error);
  if (form != NULL)
    g_hash_table_insert(drafts->forms, g_steal_pointer(&key), ablak_form_ref(form));
  return form;
}

static bool load_log(Document *document, AblakTxn *txn, GError **error)
{
  AblakDraftLogSize size;
  if (!ablak_draft_log_load(txn, document->live->draft_id, document->audience, document->ydoc,
                            &document->log, &size, error))
    return false;
  document->serial = size.serial;
  document->log_rows = size.rows;
  document->base_bytes = size.home_bytes;
  document->log_bytes = size.tail_bytes + (gsize)(size.serial - document->log.home) * ROW_BYTES;
  document->log_has_gap = ablak_ydoc_has_pending(document->ydoc);
  return true;
}

static void init_document(Live *live, bool office)
{
  Document *document = &live->documents[office];
  document->live = live;
  document->office = office;
  document->audience = ablak_draft_audience(office);
  document->connections = g_ptr_array_new();
}

static bool load_document(Document *document, AblakTxn *txn, GError **error)
{
  Live *live = document->live;
  AblakYdocOptions options = {.max_bytes = live->drafts->options.document_max};
  document->ydoc = ablak_ydoc_new(&options);
  document->authors = ablak_authors_new(live->form, document->office);
  if (!load_log(document, txn, error) || !ablak_draft_live_writers_load(document, txn, error) ||
      !ablak_authors_load(document->authors, document->ydoc, txn, live->draft_id, error))
    return false;
  ablak_draft_live_weigh(document);
  return true;
}

static bool load_documents(Live *live, AblakTxn *txn, GError **error)
{
  return load_document(&live->documents[0], txn, error) &&
         load_document(&live->documents[1], txn, error);
}

/* --- sleeping --- */

static void unload_document(Document *document)
{
  g_clear_pointer(&document->ydoc, ablak_ydoc_free);
  g_clear_pointer(&document->authors, ablak_authors_free);
  g_clear_pointer(&document->writers, g_hash_table_unref);
  g_clear_pointer(&document->actors, g_hash_table_unref);
  if (document->memory > 0)
    ablak_draft_live_weigh(document);
}

bool ablak_draft_live_wake(Live *live)
{
  ablak_draft_live_used(live);
  if (live->documents[0].ydoc != NULL)
    return true;
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(live->drafts->store, &error);
  if (txn != NULL && load_documents(live, txn, &error))
    return true;
  unload_document(&live->documents[0]); /* both or none */
  unload_document(&live->documents[1]);
  ablak_log_gerror(ABLAK_LOG_ERROR, "draft.read-failed", error, "draft", live->draft_id, NULL);
  ablak_draft_live_fail(live);
  return false;
}

/* Nothing is on its way to the store. */
static bool is_at_rest(Live *live)
{
  return live->documents[0].ydoc != NULL && live->open == NULL && g_queue_is_empty(&live->flying) &&
         live->unchecked == NULL && !live->freezing && !live->failed;
}

bool ablak_draft_live_sleep(Live *live)
{
  if (!is_at_rest(live) || (live->gone != NULL && g_hash_table_size(live->gone) > 0) ||
      ablak_ydoc_has_pending(live->documents[0].ydoc) ||
      ablak_ydoc_has_pending(live->documents[1].ydoc))
    return false;
  unload_document(&live->documents[0]);
  unload_document(&live->documents[1]);
  return true;
}

static bool load(Live *live, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(live->drafts->store, error);
  g_autoptr(AblakDraft) draft = txn != NULL ? ablak_draft_get(txn, live->draft_id, error) : NULL;
  if (draft == NULL)
    return false;
  live->frozen = draft->filed;
  live->form = shared_form(live->drafts, txn, draft, error);
  return live->form != NULL && load_documents(live, txn, error);
}

static Live *live_new(AblakDrafts *drafts, const char *draft_id, GError **error)
{
  if (!ablak_draft_live_room(drafts, LIVE_BYTES)) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "forms/full",
                    "the open drafts fill their memory");
    return NULL;
  }
  Live *live = g_new0(Live, 1);
  live->drafts = drafts;
  live->draft_id = g_strdup(draft_id);
  live->checked_at_ms = live->changed_at_ms = G_MININT64 / 2; /* long ago */
  init_document(live, false);
  init_document(live, true);
  live->updated_at_ms = G_MININT64 / 2; /* the first write tells */
  if (!load(live, error)) {
    ablak_draft_live_free(live);
    return NULL;
  }
  return live;
}

Live *ablak_draft_live_get(AblakDrafts *drafts, const char *draft_id, GError **error)
{
  Live *live = g_hash_table_lookup(drafts->lives, draft_id);
  if (live != NULL && live->failed) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "forms/unavailable", "the draft is recovering");
    return NULL;
  }
  if (live != NULL && !ablak_draft_live_wake(live)) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "forms/unavailable", "the draft is recovering");
    return NULL;
  }
  if (live != NULL)
    return live;
  live = live_new(drafts, draft_id, error);
  if (live == NULL)
    return NULL;
  g_hash_table_insert(drafts->lives, live->draft_id, live);
  ablak_draft_live_used(live);
  ablak_draft_live_watch_idle(live);
  return live;
}

/* --- leaving --- */

static void document_clear(Document *document)
{
  for (guint i = 0; document->connections != NULL && i < document->connections->len; i++)
    ((AblakDraftConnection *)g_ptr_array_index(document->connections, i))->document = NULL;
  g_clear_pointer(&document->connections, g_ptr_array_unref);
  unload_document(document);
  ablak_draft_log_clear(&document->log);
  g_clear_pointer(&document->awareness, ablak_yawareness_free);
}

void ablak_draft_live_free(Live *live)
{
  ablak_draft_live_part_all(live);
  g_clear_handle_id(&live->leave_source, g_source_remove);
  g_clear_pointer(&live->open, ablak_draft_live_batch_free);
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
  g_clear_pointer(&live->gone, g_hash_table_unref);
  g_clear_pointer(&live->form, ablak_form_unref);
  g_free(live->draft_id);
  g_free(live);
}

void ablak_draft_live_fail(Live *live)
{
  live->failed = true;
  if (live->open != NULL) { /* not written any more, but whoever waits for it is answered */
    g_ptr_array_set_size(live->open->rows, 0);
    g_ptr_array_set_size(live->open->merged, 0);
    g_ptr_array_set_size(live->open->authors, 0);
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

void ablak_draft_live_leave(Live *live)
{
  bool quiet = live->open == NULL && g_queue_is_empty(&live->flying);
  if (live->failed ? !quiet : !is_unused(live))
    return;
  if (!live->failed && !live->leaving && ablak_draft_live_wake(live) &&
      ablak_draft_live_merge_logs(live))
    live->leaving = true; /* batch_done comes back here */
  else
    g_hash_table_remove(live->drafts->lives, live->draft_id);
}

static gboolean leave_now(gpointer data)
{
  Live *live = data;
  live->leave_source = 0;
  ablak_draft_live_leave(live);
  return G_SOURCE_REMOVE;
}

/* A failed copy goes as soon as nothing of it is on its way, an unused one after a while, and then
 * it leaves one row of log behind. */
void ablak_draft_live_watch_idle(Live *live)
{
  ablak_draft_live_part(&live->drafts->unused, &live->unused);
  g_clear_handle_id(&live->leave_source, g_source_remove);
  bool used = ablak_draft_live_connections(live) > 0;
  if (live->failed)
    ablak_draft_live_flush(live);
  else if (used)
    live->leaving = false;
  if (live->failed ? g_queue_is_empty(&live->flying) : !used && live->leaving)
    live->leave_source = g_idle_add(leave_now, live);
  else if (!live->failed && !used)
    ablak_draft_live_leave_later(live);
}
