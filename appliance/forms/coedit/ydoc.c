/* Applying updates, plainly or with rules. */
#include "forms/coedit/apply.h"
#include "forms/coedit/changes.h"
#include "forms/coedit/transaction.h"

void ablak_ydoc_report_free(AblakYdocReport *report)
{
  if (report == NULL)
    return;
  g_clear_pointer(&report->update, g_bytes_unref);
  g_clear_pointer(&report->changes, g_ptr_array_unref);
  g_clear_pointer(&report->lost, g_ptr_array_unref);
  g_free(report);
}

guint64 update_room(gsize size, guint64 runs, guint64 structs, guint64 deletes)
{
  guint64 items = structs + 2 * deletes; /* every deletion may split two */
  guint64 clients = runs * (sizeof(Client) + sizeof(Leaf) + 8 * sizeof(guint32));
  return items * STRUCT_BYTES + clients + 3 * size;
}

static bool has_room(Doc *doc, const Update *update, gsize size)
{
  return doc_make_room(
      doc, update_room(size, update->count, update->struct_count, update->delete_count));
}

/* Clocks and writers have numbers of 32 and 16 bits. */
static bool numbers_fit(Doc *doc, const Update *update, bool repairing)
{
  guint32 writers = doc->client_count + 1; /* with our own */
  guint64 last = doc->client_id;
  if (doc->pending != NULL)
    writers += g_hash_table_size(doc->pending);
  for (guint i = 0; i < update->count; i++) {
    const Run *run = &update->runs[i];
    guint64 id = run->current.id.client;
    if (run->end > (id == doc->client_id ? OWN_CLOCK_MAX : CLOCK_MAX))
      return false;
    writers += id != last && doc_find_client(doc, id) == NULL; /* runs are sorted */
    last = id;
  }
  return writers <= CLIENTS_MAX && !(repairing && doc_own_state(doc) > OWN_CLOCK_MAX);
}

/* Someone else writes with our client id: take another, as yjs does. */
static void check_own_client(Doc *doc, guint64 before)
{
  if (!doc->random_client || doc_own_state(doc) == before)
    return;
  do
    doc->client_id = g_random_int();
  while (doc_find_client(doc, doc->client_id) != NULL);
  doc->own = NULL;
}

static bool load(Doc *doc, const void *data, gsize size, guint64 origin)
{
  if (!doc_is_new(doc) || !doc_load(doc, data, size, origin))
    return false;
  check_own_client(doc, 0);
  doc_finish(doc, false);
  return true;
}

static bool apply(Doc *doc, const void *data, gsize size, guint64 origin, guint want,
                  AblakYdocAllow allow, gpointer user_data, AblakYdocReport **ret_report,
                  GError **error)
{
  Update update;
  g_return_val_if_fail(!doc->open, false);
  if (allow == NULL && want == 0 && load(doc, data, size, origin)) {
    if (ret_report != NULL)
      *ret_report = g_new0(AblakYdocReport, 1);
    return true;
  }
  if (!update_read(data, size, &update))
    return fail_malformed(error, "update");
  bool room = has_room(doc, &update, size), fits = numbers_fit(doc, &update, allow != NULL);
  if (!room || !fits) {
    update_clear(&update);
    return room ? fail_numbers(error) : fail_too_large(doc, error);
  }
  guint64 own_state = doc_own_state(doc);
  bool tell = allow != NULL || (want & ~(guint)ABLAK_YDOC_UPDATE) != 0;
  AblakYdocReport *report = ret_report != NULL ? g_new0(AblakYdocReport, 1) : NULL;
  doc_begin(doc, origin, tell);
  doc->marker_list = NONE;
  if (doc->page_count == 0 && update.struct_count > 1)
    doc_expect_items(doc, (guint32)update.struct_count);
  doc_apply_update(doc, &update);
  update_clear(&update);
  check_own_client(doc, own_state);
  if (tell) {
    guint refused;
    if (report != NULL && (want & ABLAK_YDOC_CONFLICTS) != 0)
      report->lost = conflicts_lost(doc);
    GPtrArray *changes = changes_collect(doc, want, allow, user_data, &refused);
    if (report != NULL) {
      report->changes = changes;
      report->refused = refused;
    } else {
      g_ptr_array_unref(changes);
    }
  }
  GBytes *merged = doc_finish(doc, report != NULL && (want & ABLAK_YDOC_UPDATE) != 0);
  if (report != NULL) {
    report->update = merged;
    *ret_report = report;
  }
  return true;
}

bool ablak_ydoc_apply(AblakYdoc *doc, const void *data, gsize size, guint64 origin, guint want,
                      AblakYdocReport **ret_report, GError **error)
{
  return apply(doc, data, size, origin, want, NULL, NULL, ret_report, error);
}

bool ablak_ydoc_apply_checked(AblakYdoc *doc, const void *data, gsize size, guint64 origin,
                              guint want, AblakYdocAllow allow, gpointer user_data,
                              AblakYdocReport **ret_report, GError **error)
{
  g_return_val_if_fail(allow != NULL, false);
  return apply(doc, data, size, origin, want | ABLAK_YDOC_UPDATE | ABLAK_YDOC_CHANGES, allow,
               user_data, ret_report, error);
}

GArray *ablak_ydoc_new_writers(AblakYdoc *doc, const void *data, gsize size, GError **error)
{
  Update update;
  if (!update_read(data, size, &update)) {
    fail_malformed(error, "update");
    return NULL;
  }
  GArray *writers = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (guint i = 0; i < update.count; i++) {
    Run *run = &update.runs[i];
    guint64 client = run->current.id.client, state = doc_state(doc, client);
    if (writers->len > 0 && g_array_index(writers, guint64, writers->len - 1) == client)
      continue; /* runs are sorted */
    bool fresh = false;
    do
      fresh = run->current.kind != KIND_SKIP && run->next.clock > state;
    while (!fresh && run_advance(run));
    if (fresh)
      g_array_append_val(writers, client);
  }
  update_clear(&update);
  return writers;
}
