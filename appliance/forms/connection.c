/* forms/connection.c: one connection of a document: what it sends is decoded, integrated under the
 * field rules and handed to the store; nothing of it is told to anybody before the commit. */
#include "core/error.h"
#include "core/log.h"
#include "forms/live.h"
#include <string.h>

#define OWED_MAX_MS 30000 /* who is so far ahead does not wait for us */

AblakDraftConnection *ablak_draft_live_connection_ref(AblakDraftConnection *connection)
{
  g_ref_count_inc(&connection->references);
  return connection;
}

void ablak_draft_live_connection_unref(AblakDraftConnection *connection)
{
  if (!g_ref_count_dec(&connection->references))
    return;
  g_assert(connection->pause_source == 0);
  g_clear_pointer(&connection->clients, g_array_unref);
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

/* --- updates --- */

static void acknowledge(AblakDraftConnection *connection)
{
  ablak_draft_live_tell(connection->document, connection,
                        ablak_ysync_encode_number(MESSAGE_DURABLE, connection->received));
}

/* What the update does to a copy of the document that knows nothing of what waits. */
static bool try_out(const Document *document, const void *update, gsize size, bool *ret_news,
                    bool *ret_waits, GError **error)
{
  static const guint8 knows_nothing[] = {0};
  g_autoptr(AblakYdoc) copy = ablak_ydoc_new(NULL);
  g_autoptr(GBytes) state =
      ablak_ydoc_encode(document->ydoc, knows_nothing, sizeof knows_nothing, error);
  if (state == NULL)
    return false;
  gsize state_size = 0;
  const void *data = g_bytes_get_data(state, &state_size);
  g_autoptr(AblakYdocReport) report = NULL;
  if (!ablak_ydoc_apply(copy, data, state_size, 0, 0, NULL, error) ||
      !ablak_ydoc_apply(copy, update, size, 0, ABLAK_YDOC_UPDATE, &report, error))
    return false;
  *ret_waits = ablak_ydoc_has_pending(copy);
  *ret_news = report->update != NULL || *ret_waits;
  return true;
}

/* Is something of the update left over after it was applied? When something waited before, that
 * alone says nothing. */
static bool is_left_over(const Document *document, const void *update, gsize size, bool waited)
{
  bool news = false, waits = true;
  if (!ablak_ydoc_has_pending(document->ydoc))
    return false;
  return !waited || !try_out(document, update, size, &news, &waits, NULL) || waits;
}

/* What waits for a missing update is in memory only: it is acknowledged when it fits. */
static void acknowledge_all(AblakDraftConnection *connection, bool left_over, bool counted)
{
  Document *document = connection->document;
  if (ablak_ydoc_has_pending(document->ydoc)) {
    connection->waits = connection->waits || left_over;
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

void ablak_draft_live_connection_refuse(AblakDraftConnection *connection, const GError *error)
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

/* A frozen draft takes nothing in, but a peer may well repeat what is known. */
static void take_in_frozen(AblakDraftConnection *connection, const void *update, gsize size,
                           bool counted)
{
  g_autoptr(GError) error = NULL;
  bool news = false, waits = false;
  if (!try_out(connection->document, update, size, &news, &waits, &error)) {
    ablak_draft_live_connection_refuse(connection, error);
  } else if (news) {
    ablak_draft_live_connection_close(connection, CLOSE_FROZEN, "frozen");
  } else if (counted) {
    connection->received++;
    acknowledge(connection);
  }
}

static void take_in(AblakDraftConnection *connection, const void *update, gsize size, bool counted)
{
  Document *document = connection->document;
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakYdocReport) report = NULL;
  if (!ablak_draft_live_room(document->live->drafts, size)) {
    ablak_draft_live_connection_close(connection, CLOSE_RETRY, "full");
    return;
  }
  g_autoptr(GArray) writers = ablak_draft_live_writers_check(connection, update, size, &error);
  bool waited = ablak_ydoc_has_pending(document->ydoc);
  if (writers == NULL ||
      !ablak_ydoc_apply_checked(document->ydoc, update, size, connection->cookie,
                                ABLAK_YDOC_BEFORE | ABLAK_YDOC_CONFLICTS, ablak_draft_live_allow,
                                document, &report, &error)) {
    ablak_draft_live_connection_refuse(connection, error);
    return;
  }
  ablak_draft_live_writers_bind(connection, writers);
  connection->received += counted;
  bool left_over = is_left_over(document, update, size, waited);
  bool known = report->refused == 0 && !waited; /* repairs and what waited are news to the sender */
  if (report->update != NULL)
    ablak_draft_live_write(document, report->update, connection->actor_kind,
                           known ? connection : NULL);
  ablak_draft_live_settle(connection, report);
  if (connection->document != NULL)
    acknowledge_all(connection, left_over, counted);
}

/* --- messages --- */

static void answer_state(AblakDraftConnection *connection, const void *vector, gsize size)
{
  Document *document = connection->document;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) update = ablak_ydoc_encode(document->ydoc, vector, size, &error);
  if (update == NULL) {
    ablak_draft_live_connection_refuse(connection, error);
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
    ablak_draft_live_connection_refuse(connection, error);
    return;
  }
  if (message.kind != ABLAK_YSYNC_QUERY_AWARENESS && message.kind != ABLAK_YSYNC_OTHER &&
      !ablak_draft_live_wake(live))
    return;
  switch (message.kind) {
  case ABLAK_YSYNC_STEP1:
    answer_state(connection, message.body, message.size);
    break;
  case ABLAK_YSYNC_STEP2:
  case ABLAK_YSYNC_UPDATE:
    if (live->freezing)
      hold(connection, data, size);
    else if (live->frozen)
      take_in_frozen(connection, message.body, message.size, message.kind == ABLAK_YSYNC_UPDATE);
    else
      take_in(connection, message.body, message.size, message.kind == ABLAK_YSYNC_UPDATE);
    break;
  case ABLAK_YSYNC_AWARENESS:
    ablak_draft_live_presence_take(connection, message.body, message.size);
    break;
  case ABLAK_YSYNC_QUERY_AWARENESS:
    ablak_draft_live_presence_send(connection);
    break;
  default: /* kinds of somebody's own mean nothing here */
    break;
  }
}

/* --- not too fast --- */

static gint64 owed_ms(AblakDraftConnection *connection, gint64 messages, gint64 bytes)
{
  gint64 now_ms = drafts_monotonic_ms(connection->document->live->drafts);
  gint64 for_messages = ablak_rate_take(&connection->messages, messages, now_ms);
  gint64 for_bytes = ablak_rate_take(&connection->bytes, bytes, now_ms);
  return MAX(for_messages, for_bytes);
}

static gboolean read_again(gpointer data)
{
  AblakDraftConnection *connection = data;
  connection->pause_source = 0;
  gint64 wait_ms = connection->document != NULL ? owed_ms(connection, 0, 0) : 0;
  if (wait_ms > 0)
    connection->pause_source = g_timeout_add((guint)wait_ms, read_again, connection);
  else if (!connection->closed)
    connection->peer.pause(false, connection->peer.data);
  return G_SOURCE_REMOVE;
}

/* False: closed. What has come is taken in all the same: it cannot be given back. */
static bool keep_pace(AblakDraftConnection *connection, gsize size)
{
  gint64 wait_ms = owed_ms(connection, 1, (gint64)size);
  if (wait_ms == 0)
    return true;
  if (connection->peer.pause == NULL || wait_ms > OWED_MAX_MS) {
    ablak_log(ABLAK_LOG_WARNING, "draft.too-fast", "draft", connection->document->live->draft_id,
              NULL);
    ablak_draft_live_connection_close(connection, CLOSE_RETRY, "too fast");
    return false;
  }
  if (connection->pause_source == 0) {
    connection->peer.pause(true, connection->peer.data);
    connection->pause_source = g_timeout_add((guint)wait_ms, read_again, connection);
  }
  return true;
}

void ablak_draft_connection_receive(AblakDraftConnection *connection, const void *data, gsize size)
{
  if (connection->closed || connection->document == NULL || !keep_pace(connection, size))
    return;
  ablak_draft_live_connection_ref(connection);
  ablak_draft_live_connection_receive(connection, data, size);
  ablak_draft_live_connection_unref(connection);
}

/* --- coming and going --- */

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
  const AblakDraftsOptions *options = &drafts->options;
  gint64 now_ms = drafts_monotonic_ms(drafts);
  connection->messages = ablak_rate(options->messages_per_s, options->messages_burst, now_ms);
  connection->bytes = ablak_rate(options->bytes_per_s, options->bytes_burst, now_ms);
  g_ptr_array_add(document->connections, connection);
  ablak_draft_live_watch_idle(live);
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(document->ydoc);
  gsize size = 0;
  const void *data = g_bytes_get_data(vector, &size);
  g_autoptr(GBytes) step1 = ablak_ysync_encode(ABLAK_YSYNC_STEP1, 0, data, size);
  ablak_draft_live_connection_send(connection, step1);
  ablak_draft_live_presence_send(connection);
  ablak_draft_live_checks_send(document, connection);
  ablak_draft_live_tell_authors(document, connection);
  return connection;
}

void ablak_draft_connection_free(AblakDraftConnection *connection)
{
  Document *document = connection->document;
  connection->closed = true;
  if (connection->pause_source != 0)
    g_source_remove(connection->pause_source);
  connection->pause_source = 0;
  if (document != NULL) {
    ablak_draft_live_remember(connection);
    g_ptr_array_remove(document->connections, connection);
    connection->document = NULL;
    ablak_draft_live_presence_leave(connection, document);
    ablak_draft_live_watch_idle(document->live);
  }
  ablak_draft_live_connection_unref(connection);
}
