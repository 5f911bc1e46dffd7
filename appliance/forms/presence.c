/* forms/presence.c: who is where in a document (awareness); never stored, told at once.
 *
 * Stock clients repeat what they hear of others, so an entry counts only from a connection of the
 * actor whose client id it is. */
#include "core/error.h"
#include "forms/live.h"

#define EXPIRE_EVERY_S 15
#define CLIENTS_MAX 64 /* that one connection speaks for */
#define DOCUMENT_CLIENTS_MAX 64
#define STATE_BYTES_MAX 4096

static void relay(Document *document, const guint64 *clients, guint count)
{
  if (count == 0)
    return;
  g_autoptr(GBytes) update = ablak_yawareness_encode(document->awareness, clients, count);
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  g_autoptr(GBytes) message = ablak_ysync_encode(ABLAK_YSYNC_AWARENESS, 0, data, size);
  ablak_draft_live_relay(document, message, NULL);
}

static guint spoken_for(const AblakDraftConnection *connection)
{
  return connection->clients != NULL ? connection->clients->len : 0;
}

static bool speaks_for(const AblakDraftConnection *connection, guint64 client)
{
  for (guint i = 0; i < spoken_for(connection); i++)
    if (g_array_index(connection->clients, guint64, i) == client)
      return true;
  return false;
}

static bool may_speak(guint64 client, bool leaves, gpointer data)
{
  AblakDraftConnection *connection = data;
  if (leaves)
    return ablak_draft_live_writers_is_own(connection, client);
  if (!speaks_for(connection, client) && spoken_for(connection) >= CLIENTS_MAX)
    return false;
  return ablak_draft_live_writers_claim(connection, client);
}

void ablak_draft_live_presence_take(AblakDraftConnection *connection, const void *data, gsize size)
{
  Document *document = connection->document;
  g_autoptr(GError) error = NULL;
  g_autoptr(GArray) clients = NULL;
  if (document->awareness == NULL)
    document->awareness = ablak_yawareness_new(DOCUMENT_CLIENTS_MAX, STATE_BYTES_MAX);
  if (!ablak_yawareness_apply_checked(document->awareness, data, size,
                                      drafts_monotonic_ms(document->live->drafts), may_speak,
                                      connection, &clients, &error)) {
    ablak_draft_live_connection_refuse(connection, error);
    return;
  }
  if (connection->clients == NULL)
    connection->clients = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (guint i = 0; i < clients->len; i++) {
    guint64 client = g_array_index(clients, guint64, i);
    if (!speaks_for(connection, client))
      g_array_append_val(connection->clients, client);
  }
  /* To the sender, too: a stock client that hears nothing for 30 s takes its line for dead. */
  relay(document, (const guint64 *)clients->data, clients->len);
}

void ablak_draft_live_presence_send(AblakDraftConnection *connection)
{
  Document *document = connection->document;
  if (document->awareness == NULL)
    return;
  g_autoptr(GArray) clients = ablak_yawareness_clients(document->awareness);
  if (clients->len == 0)
    return;
  g_autoptr(GBytes) update = ablak_yawareness_encode(document->awareness, NULL, 0);
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  g_autoptr(GBytes) message = ablak_ysync_encode(ABLAK_YSYNC_AWARENESS, 0, data, size);
  ablak_draft_live_connection_send(connection, message);
}

/* A second connection of the same page (it came back before the first was given up) may speak for
 * the client as well: then it is still here. */
static bool another_speaks_for(const Document *document, guint64 client)
{
  for (guint i = 0; i < document->connections->len; i++)
    if (speaks_for(g_ptr_array_index(document->connections, i), client))
      return true;
  return false;
}

void ablak_draft_live_presence_leave(AblakDraftConnection *connection, Document *document)
{
  if (document->awareness == NULL)
    return;
  g_autoptr(GArray) left = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (guint i = 0; i < spoken_for(connection); i++) {
    guint64 client = g_array_index(connection->clients, guint64, i);
    if (!another_speaks_for(document, client))
      g_array_append_val(left, client);
  }
  const guint64 *clients = (const guint64 *)left->data;
  if (ablak_yawareness_remove(document->awareness, clients, left->len,
                              drafts_monotonic_ms(document->live->drafts)) > 0)
    relay(document, clients, left->len);
}

/* One timer for all drafts: with one each, every turn of the loop walks thousands of them. */
static gboolean expire(gpointer data)
{
  AblakDrafts *drafts = data;
  gint64 now_ms = drafts_monotonic_ms(drafts);
  GHashTableIter iter;
  gpointer live;
  g_hash_table_iter_init(&iter, drafts->lives);
  while (g_hash_table_iter_next(&iter, NULL, &live))
    for (int i = 0; i < 2; i++) {
      Document *document = &((Live *)live)->documents[i];
      if (document->awareness == NULL)
        continue;
      g_autoptr(GArray) gone = ablak_yawareness_expire(document->awareness, now_ms);
      relay(document, (const guint64 *)gone->data, gone->len);
    }
  return G_SOURCE_CONTINUE;
}

guint ablak_draft_live_presence_watch(AblakDrafts *drafts)
{
  return g_timeout_add_seconds(EXPIRE_EVERY_S, expire, drafts);
}
