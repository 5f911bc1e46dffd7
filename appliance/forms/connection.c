/* forms/connection.c: one connection of a document: what it sends is decoded, integrated under the
 * field rules and handed to the store; nothing of it is told to anybody before the commit. */
#include "core/error.h"
#include "core/log.h"
#include "forms/live.h"
#include <string.h>

#define AWARENESS_EXPIRE_S 15

AblakDraftConnection *ablak_draft_live_connection_ref(AblakDraftConnection *connection)
{
  g_ref_count_inc(&connection->references);
  return connection;
}

void ablak_draft_live_connection_unref(AblakDraftConnection *connection)
{
  if (!g_ref_count_dec(&connection->references))
    return;
  g_array_unref(connection->clients);
  g_free(connection->actor_kind);
  g_free(connection->actor_id);
  g_free(connection);
}

void ablak_draft_live_connection_send(AblakDraftConnection *connection, GBytes *message)
{
  gsize size = 0;
  const void *data = g_bytes_get_data(message, &size);
  if (!connection->closed && connection->document != NULL)
    connection->peer.send(data, size, connection->peer.data);
}

void ablak_draft_live_connection_close(AblakDraftConnection *connection, unsigned code,
                                       const char *reason)
{
  if (connection->closed)
    return;
  connection->closed = true;
  connection->peer.close(code, reason, connection->peer.data);
}

GBytes *ablak_draft_live_message(guint64 kind, const char *text)
{
  gsize size = strlen(text);
  g_autoptr(GByteArray) body = g_byte_array_new();
  for (gsize rest = size;; rest >>= 7) { /* lib0's varuint */
    guint8 byte = (guint8)(rest > 0x7f ? rest | 0x80 : rest);
    g_byte_array_append(body, &byte, 1);
    if (rest <= 0x7f)
      break;
  }
  g_byte_array_append(body, (const guint8 *)text, (guint)size);
  return ablak_ysync_encode(ABLAK_YSYNC_OTHER, kind, body->data, body->len);
}

/* --- field rules --- */

static AblakDraftConnection *connection_of(const Document *document, guint64 cookie)
{
  for (guint i = 0; i < document->connections->len; i++) {
    AblakDraftConnection *connection = g_ptr_array_index(document->connections, i);
    if (connection->cookie == cookie)
      return connection;
  }
  return NULL;
}

/* NULL: allowed. What waited for a missing update still has the cookie of who delivered it. */
static const char *refusal(const Document *document, const AblakYdocChange *change, char **ret_path)
{
  const char *reason = ablak_form_refusal(document->live->form, document->office, change, ret_path);
  if (reason != NULL)
    return reason;
  AblakDraftConnection *writer = connection_of(document, change->origin);
  if (writer == NULL)
    return g_hash_table_contains(document->live->restricted, &change->origin) ? "forbidden" : NULL;
  bool may = writer->peer.may_write == NULL || writer->peer.may_write(*ret_path, writer->peer.data);
  return may ? NULL : "forbidden";
}

static bool allow(const AblakYdocChange *change, gpointer data)
{
  g_autofree char *path = NULL;
  return refusal(data, change, &path) == NULL;
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

static void note_change(AblakDraftConnection *connection, const AblakYdocChange *change,
                        const char *path)
{
  Document *document = connection->document;
  AblakDraftConnection *writer = connection_of(document, change->origin);
  if (writer == NULL)
    writer = connection;
  ablak_draft_live_touch(document, path, writer->actor_kind, writer->actor_id,
                         change->kind == ABLAK_YDOC_LIST && change->deleted > 0);
}

/* Authors, values and refusals of what was integrated. */
static void settle(AblakDraftConnection *connection, const AblakYdocReport *report)
{
  Document *document = connection->document;
  g_autoptr(json_t) refused = json_array();
  for (guint i = 0; report->changes != NULL && i < report->changes->len; i++) {
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
  if (json_array_size(refused) == 0)
    return;
  g_autoptr(json_t) message = json_pack("{s:O}", "refused", refused);
  g_autofree char *text = ablak_json_text(message);
  ablak_draft_live_tell(document, connection, ablak_draft_live_message(MESSAGE_REFUSED, text));
}

/* --- updates --- */

static void acknowledge(AblakDraftConnection *connection)
{
  ablak_draft_live_tell(connection->document, connection,
                        ablak_ysync_encode_number(MESSAGE_DURABLE, connection->received));
}

/* What waits for a missing update is in memory only: it is acknowledged when it fits. */
static void acknowledge_all(AblakDraftConnection *connection, bool waited, bool brought,
                            bool counted)
{
  Document *document = connection->document;
  if (ablak_ydoc_has_pending(document->ydoc)) {
    connection->waits = connection->waits || !waited || !brought;
    if (counted && !connection->waits)
      acknowledge(connection);
    return;
  }
  for (guint i = 0; i < document->connections->len; i++) {
    AblakDraftConnection *other = g_ptr_array_index(document->connections, i);
    bool owed = other->waits || (other == connection && counted);
    other->waits = false;
    if (owed)
      acknowledge(other);
  }
}

/* A frozen draft takes nothing in, but a peer may well repeat what is known. */
static bool is_news(const Document *document, const void *update, gsize size, GError **error)
{
  g_autoptr(AblakYdoc) copy = ablak_ydoc_new(NULL);
  g_autoptr(GBytes) state = ablak_ydoc_encode(document->ydoc, NULL, 0, error);
  if (state == NULL)
    return false;
  gsize state_size = 0;
  const void *data = g_bytes_get_data(state, &state_size);
  g_autoptr(AblakYdocReport) report = NULL;
  return ablak_ydoc_apply(copy, data, state_size, 0, 0, NULL, error) &&
         ablak_ydoc_apply(copy, update, size, 0, ABLAK_YDOC_UPDATE, &report, error) &&
         (report->update != NULL || ablak_ydoc_has_pending(copy));
}

static void close_for(AblakDraftConnection *connection, const GError *error)
{
  bool large = g_error_matches(error, ABLAK_ERROR, ABLAK_ERROR_TOO_LARGE);
  bool forged = g_error_matches(error, ABLAK_ERROR, ABLAK_ERROR_FORBIDDEN);
  ablak_log_gerror(ABLAK_LOG_WARNING, "draft.message-refused", error, "draft",
                   connection->document->live->draft_id, NULL);
  ablak_draft_live_connection_close(connection, large ? CLOSE_TOO_LARGE : CLOSE_MALFORMED,
                                    large    ? "too large"
                                    : forged ? "forged"
                                             : "malformed");
}

static void take_in(AblakDraftConnection *connection, const void *update, gsize size, bool counted)
{
  Document *document = connection->document;
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakYdocReport) report = NULL;
  if (document->live->frozen) {
    bool news = is_news(document, update, size, &error);
    if (error != NULL)
      close_for(connection, error);
    else if (news)
      ablak_draft_live_connection_close(connection, CLOSE_FROZEN, "frozen");
    else if (counted)
      connection->received++, acknowledge(connection);
    return;
  }
  g_autoptr(GArray) writers = ablak_draft_live_writers_check(connection, update, size, &error);
  bool waited = ablak_ydoc_has_pending(document->ydoc);
  if (writers == NULL ||
      !ablak_ydoc_apply_checked(document->ydoc, update, size, connection->cookie, ABLAK_YDOC_BEFORE,
                                allow, document, &report, &error)) {
    close_for(connection, error);
    return;
  }
  ablak_draft_live_writers_bind(connection, writers);
  connection->received += counted;
  bool known = report->refused == 0 && !waited; /* repairs and what waited are news to the sender */
  if (report->update != NULL)
    ablak_draft_live_write(document, report->update, connection->actor_kind,
                           known ? connection : NULL);
  settle(connection, report);
  if (connection->document != NULL)
    acknowledge_all(connection, waited, report->update != NULL, counted);
}

/* --- who is where --- */

static void relay_awareness(Document *document, const guint64 *clients, guint count,
                            const AblakDraftConnection *except)
{
  if (count == 0)
    return;
  g_autoptr(GBytes) update = ablak_yawareness_encode(document->awareness, clients, count);
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  g_autoptr(GBytes) message = ablak_ysync_encode(ABLAK_YSYNC_AWARENESS, 0, data, size);
  ablak_draft_live_relay(document, message, except);
}

static bool speaks_for(const AblakDraftConnection *connection, guint64 client)
{
  for (guint i = 0; i < connection->clients->len; i++)
    if (g_array_index(connection->clients, guint64, i) == client)
      return true;
  return false;
}

static void take_awareness(AblakDraftConnection *connection, const void *data, gsize size)
{
  Document *document = connection->document;
  g_autoptr(GError) error = NULL;
  g_autoptr(GArray) clients = NULL;
  if (!ablak_yawareness_apply(document->awareness, data, size, g_get_monotonic_time() / 1000,
                              &clients, &error)) {
    close_for(connection, error);
    return;
  }
  for (guint i = 0; i < clients->len; i++) {
    guint64 client = g_array_index(clients, guint64, i);
    if (connection->clients->len < 64 && !speaks_for(connection, client))
      g_array_append_val(connection->clients, client);
  }
  relay_awareness(document, (const guint64 *)clients->data, clients->len, connection);
}

static void send_awareness(AblakDraftConnection *connection)
{
  Document *document = connection->document;
  g_autoptr(GArray) clients = ablak_yawareness_clients(document->awareness);
  if (clients->len == 0)
    return;
  g_autoptr(GBytes) update = ablak_yawareness_encode(document->awareness, NULL, 0);
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  g_autoptr(GBytes) message = ablak_ysync_encode(ABLAK_YSYNC_AWARENESS, 0, data, size);
  ablak_draft_live_connection_send(connection, message);
}

static gboolean expire_awareness(gpointer data)
{
  Live *live = data;
  for (int i = 0; i < 2; i++) {
    Document *document = &live->documents[i];
    g_autoptr(GArray) gone =
        ablak_yawareness_expire(document->awareness, g_get_monotonic_time() / 1000);
    relay_awareness(document, (const guint64 *)gone->data, gone->len, NULL);
  }
  if (ablak_draft_live_connections(live) > 0)
    return G_SOURCE_CONTINUE;
  live->awareness_source = 0;
  return G_SOURCE_REMOVE;
}

/* --- messages --- */

static void answer_state(AblakDraftConnection *connection, const void *vector, gsize size)
{
  Document *document = connection->document;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) update = ablak_ydoc_encode(document->ydoc, vector, size, &error);
  if (update == NULL) {
    close_for(connection, error);
    return;
  }
  gsize update_size = 0;
  const void *data = g_bytes_get_data(update, &update_size);
  ablak_draft_live_tell(document, connection,
                        ablak_ysync_encode(ABLAK_YSYNC_STEP2, 0, data, update_size));
}

static void hold(AblakDraftConnection *connection, const void *data, gsize size)
{
  Held *held = g_new0(Held, 1);
  held->connection = ablak_draft_live_connection_ref(connection);
  held->message = g_bytes_new(data, size);
  g_queue_push_tail(&connection->document->live->held, held);
}

void ablak_draft_live_connection_receive(AblakDraftConnection *connection, const void *data,
                                         gsize size)
{
  if (connection->closed || connection->document == NULL || connection->document->live->failed)
    return;
  Live *live = connection->document->live;
  AblakYsyncMessage message;
  g_autoptr(GError) error = NULL;
  if (size > live->drafts->options.message_max)
    ablak_error_set(&error, ABLAK_ERROR_TOO_LARGE, "coedit/too-large", "a message of %zu bytes",
                    size);
  if (error != NULL || !ablak_ysync_decode(data, size, &message, &error)) {
    close_for(connection, error);
    return;
  }
  switch (message.kind) {
  case ABLAK_YSYNC_STEP1:
    answer_state(connection, message.body, message.size);
    break;
  case ABLAK_YSYNC_STEP2:
  case ABLAK_YSYNC_UPDATE:
    if (live->freezing)
      hold(connection, data, size);
    else
      take_in(connection, message.body, message.size, message.kind == ABLAK_YSYNC_UPDATE);
    break;
  case ABLAK_YSYNC_AWARENESS:
    take_awareness(connection, message.body, message.size);
    break;
  case ABLAK_YSYNC_QUERY_AWARENESS:
    send_awareness(connection);
    break;
  default: /* kinds of somebody's own mean nothing here */
    break;
  }
}

void ablak_draft_connection_receive(AblakDraftConnection *connection, const void *data, gsize size)
{
  ablak_draft_live_connection_ref(connection);
  ablak_draft_live_connection_receive(connection, data, size);
  ablak_draft_live_connection_unref(connection);
}

AblakDraftConnection *ablak_drafts_connect(AblakDrafts *drafts, const char *draft_id,
                                           const char *audience, const AblakDraftPeer *peer,
                                           GError **error)
{
  Live *live = ablak_draft_live_get(drafts, draft_id, error);
  Document *document = live != NULL ? ablak_draft_live_document(live, audience) : NULL;
  if (live != NULL && document == NULL)
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "forms/unknown-draft", "no such audience");
  if (document == NULL)
    return NULL;
  AblakDraftConnection *connection = g_new0(AblakDraftConnection, 1);
  g_ref_count_init(&connection->references);
  connection->document = document;
  connection->peer = *peer;
  connection->actor_kind = g_strdup(peer->actor_kind);
  connection->actor_id = g_strdup(peer->actor_id);
  connection->cookie = ++drafts->last_cookie;
  connection->clients = g_array_new(FALSE, FALSE, sizeof(guint64));
  g_ptr_array_add(document->connections, connection);
  ablak_draft_live_watch_idle(live);
  if (live->awareness_source == 0)
    live->awareness_source = g_timeout_add_seconds(AWARENESS_EXPIRE_S, expire_awareness, live);
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(document->ydoc);
  gsize size = 0;
  const void *data = g_bytes_get_data(vector, &size);
  g_autoptr(GBytes) step1 = ablak_ysync_encode(ABLAK_YSYNC_STEP1, 0, data, size);
  ablak_draft_live_connection_send(connection, step1);
  send_awareness(connection);
  ablak_draft_live_checks_send(document, connection);
  return connection;
}

void ablak_draft_connection_free(AblakDraftConnection *connection)
{
  Document *document = connection->document;
  connection->closed = true;
  if (document != NULL) {
    Live *live = document->live;
    g_ptr_array_remove(document->connections, connection);
    connection->document = NULL;
    if (connection->peer.may_write != NULL && ablak_ydoc_has_pending(document->ydoc))
      g_hash_table_add(live->restricted, g_memdup2(&connection->cookie, sizeof(guint64)));
    const guint64 *clients = (const guint64 *)connection->clients->data;
    if (ablak_yawareness_remove(document->awareness, clients, connection->clients->len,
                                g_get_monotonic_time() / 1000) > 0)
      relay_awareness(document, clients, connection->clients->len, NULL);
    ablak_draft_live_watch_idle(live);
  }
  ablak_draft_live_connection_unref(connection);
}
