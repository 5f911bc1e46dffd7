/* forms/rules.c: what a connection may change, and who wrote what it changed. */
#include "forms/live.h"
#include <string.h>

static AblakDraftConnection *connection_of(const Document *document, guint64 cookie)
{
  for (guint i = 0; i < document->connections->len; i++) {
    AblakDraftConnection *connection = g_ptr_array_index(document->connections, i);
    if (connection->cookie == cookie)
      return connection;
  }
  return NULL;
}

static void gone_free(gpointer data)
{
  Gone *gone = data;
  g_free(gone->actor_kind);
  g_free(gone->actor_id);
  g_free(gone);
}

static const Gone *gone_of(const Live *live, guint64 cookie)
{
  return live->gone != NULL ? g_hash_table_lookup(live->gone, &cookie) : NULL;
}

void ablak_draft_live_remember(const AblakDraftConnection *connection)
{
  Live *live = connection->document->live;
  bool asleep = live->documents[0].ydoc == NULL; /* then nothing waits */
  if (asleep || (!ablak_ydoc_has_pending(live->documents[0].ydoc) &&
                 !ablak_ydoc_has_pending(live->documents[1].ydoc))) {
    g_clear_pointer(&live->gone, g_hash_table_unref);
    return;
  }
  if (live->gone == NULL)
    live->gone = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, gone_free);
  Gone *gone = g_new0(Gone, 1);
  *gone = (Gone){g_strdup(connection->actor_kind), g_strdup(connection->actor_id),
                 connection->peer.may_write != NULL};
  g_hash_table_replace(live->gone, g_memdup2(&connection->cookie, sizeof(guint64)), gone);
}

/* NULL: allowed. What waited for a missing update still has the cookie of who delivered it. */
static const char *refusal(const Document *document, const AblakYdocChange *change, char **ret_path)
{
  const char *reason = ablak_form_refusal(document->live->form, document->office, change, ret_path);
  if (reason != NULL)
    return reason;
  AblakDraftConnection *writer = connection_of(document, change->origin);
  if (writer == NULL) {
    const Gone *gone = gone_of(document->live, change->origin);
    return gone != NULL && gone->restricted ? "forbidden" : NULL;
  }
  bool may = writer->peer.may_write == NULL || writer->peer.may_write(*ret_path, writer->peer.data);
  return may ? NULL : "forbidden";
}

bool ablak_draft_live_allow(const AblakYdocChange *change, gpointer document)
{
  g_autofree char *path = NULL;
  return refusal(document, change, &path) == NULL;
}

/* Types say nothing about values: one that cannot stand in its field gives way to the old one. */
static bool value_is_wrong(const Document *document, const AblakYdocChange *change,
                           const char *path)
{
  if (change->kind != ABLAK_YDOC_MAP_SET)
    return false;
  const AblakFormField *field = ablak_form_field_at(document->live->form, path);
  g_autoptr(json_t) value = ablak_ydoc_json_at(document->ydoc, change->path);
  return field != NULL && value != NULL && !ablak_form_value_fits(field, value);
}

static void restore_value(Document *document, const AblakYdocChange *change, const char *path)
{
  const AblakForm *form = document->live->form;
  g_autoptr(json_t) nothing = json_null();
  ablak_ydoc_begin(document->ydoc);
  if (change->before == NULL || !ablak_form_set(form, document->ydoc, path, change->before, NULL))
    (void)!ablak_form_set(form, document->ydoc, path, nothing, NULL);
  g_autoptr(GBytes) update = ablak_ydoc_commit(document->ydoc);
  if (update != NULL)
    ablak_draft_live_write(document, update, "box", NULL);
}

/* --- authors --- */

/* Whoever delivered it, and not whoever set it free. */
static AblakActor writer_of(const AblakDraftConnection *connection, const AblakYdocChange *change)
{
  const Document *document = connection->document;
  const AblakDraftConnection *writer = connection_of(document, change->origin);
  const Gone *gone = gone_of(document->live, change->origin);
  if (writer == NULL && gone != NULL)
    return (AblakActor){gone->actor_kind, gone->actor_id};
  if (writer == NULL)
    writer = connection;
  return (AblakActor){writer->actor_kind, writer->actor_id};
}

static void note_change(const AblakDraftConnection *connection, const AblakYdocChange *change,
                        const char *path)
{
  Document *document = connection->document;
  AblakActor by = writer_of(connection, change);
  gint64 now_ms = drafts_wall_ms(document->live->drafts);
  if (change->kind == ABLAK_YDOC_LIST) {
    ablak_authors_moved(document->authors, path, by, now_ms);
  } else if (change->kind == ABLAK_YDOC_TEXT) {
    const AblakYtype *text = ablak_ydoc_type_at(document->ydoc, change->path);
    ablak_authors_typed(document->authors, path, by, now_ms,
                        text != NULL ? ablak_ytype_length(text) : 0, change->inserted);
  } else {
    g_autoptr(json_t) now = ablak_ydoc_json_at(document->ydoc, change->path);
    ablak_authors_set(document->authors, path, by, now_ms, change->before, now, change->concurrent);
  }
}

/* A value that came too late, for another stands: whoever wrote it must learn so. What the writer
 * might not have written anyway is nothing to show. */
static void note_lost(const AblakDraftConnection *connection, const AblakYdocChange *lost)
{
  Document *document = connection->document;
  g_autofree char *path = NULL;
  if (refusal(document, lost, &path) != NULL ||
      !ablak_form_value_fits(ablak_form_field_at(document->live->form, path), lost->before))
    return;
  g_autoptr(json_t) stands = ablak_ydoc_json_at(document->ydoc, lost->path);
  ablak_authors_lost(document->authors, path, writer_of(connection, lost),
                     drafts_wall_ms(document->live->drafts), lost->before, stands);
}

static bool rows_changed(const AblakYdocReport *report)
{
  for (guint i = 0; i < report->changes->len; i++)
    if (((AblakYdocChange *)g_ptr_array_index(report->changes, i))->kind == ABLAK_YDOC_LIST)
      return true;
  return false;
}

void ablak_draft_live_settle(AblakDraftConnection *connection, const AblakYdocReport *report)
{
  Document *document = connection->document;
  g_autoptr(json_t) refused = json_array();
  if (rows_changed(report)) /* the paths of the others are told as they are now */
    ablak_authors_read_rows(document->authors, document->ydoc);
  for (guint i = 0; i < report->changes->len; i++) {
    const AblakYdocChange *change = g_ptr_array_index(report->changes, i);
    g_autofree char *path = NULL;
    const char *reason = refusal(document, change, &path);
    if (!change->refused && value_is_wrong(document, change, path)) {
      restore_value(document, change, path);
      reason = "value";
    } else if (!change->refused) {
      note_change(connection, change, path);
      continue;
    }
    json_array_append_new(refused, json_pack("{s:s, s:s}", "path", path, "reason",
                                             reason != NULL ? reason : "forbidden"));
  }
  for (guint i = 0; i < report->lost->len; i++)
    note_lost(connection, g_ptr_array_index(report->lost, i));
  if (json_array_size(refused) == 0)
    return;
  g_autoptr(json_t) message = json_pack("{s:O}", "refused", refused);
  g_autofree char *text = ablak_json_text(message);
  ablak_draft_live_tell(document, connection, ablak_draft_live_message(MESSAGE_REFUSED, text));
}
