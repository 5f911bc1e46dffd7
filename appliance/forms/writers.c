/* forms/writers.c: whose a Yjs client id is.
 *
 * Yjs believes whoever writes under a client id. Somebody who wrote under another person's would
 * use up that person's clocks, and what the person writes next would be dropped as known already.
 * So a client id belongs to the actor that first wrote under it or spoke for it (its awareness,
 * with which a page begins), for as long as the draft lives, and our own to nobody else. A stock
 * client brings nothing new of others: it has of them only what we relayed, and we relay only what
 * is durable. */
#include "core/error.h"
#include "forms/live.h"

/* Client ids of one document, and of one actor in it; every page that was opened is one. */
#define WRITERS_MAX 10000
#define WRITERS_OF_ACTOR_MAX 1000

static char *actor_key(const char *actor_kind, const char *actor_id)
{
  return g_strconcat(actor_kind, " ", actor_id, NULL);
}

static char *key_of(const AblakDraftConnection *connection)
{
  return actor_key(connection->actor_kind, connection->actor_id);
}

static guint count_of(const Document *document, const char *actor)
{
  return GPOINTER_TO_UINT(g_hash_table_lookup(document->actors, actor));
}

/* The key of `actors` stays the one of the first insertion: `writers` borrows it. */
static void add(Document *document, guint64 client, const char *actor)
{
  gpointer key = NULL;
  g_hash_table_insert(document->actors, g_strdup(actor),
                      GUINT_TO_POINTER(count_of(document, actor) + 1));
  g_hash_table_lookup_extended(document->actors, actor, &key, NULL);
  g_hash_table_insert(document->writers, g_memdup2(&client, sizeof client), key);
}

static bool has_room(const Document *document, const char *actor, guint more)
{
  return g_hash_table_size(document->writers) + more <= WRITERS_MAX &&
         count_of(document, actor) + more <= WRITERS_OF_ACTOR_MAX;
}

bool ablak_draft_live_writers_load(Document *document, AblakTxn *txn, GError **error)
{
  g_autoptr(GError) cause = NULL;
  document->writers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  document->actors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(AblakRows) rows = ablak_txn_query(txn, error,
                                              "SELECT client, actor_kind, actor_id"
                                              " FROM draft_writer WHERE draft_id = ?"
                                              " AND audience = ?",
                                              "tt", document->live->draft_id, document->audience);
  if (rows == NULL)
    return false;
  while (ablak_rows_next(rows, &cause)) {
    g_autofree char *actor = actor_key(ablak_rows_text(rows, 1), ablak_rows_text(rows, 2));
    add(document, (guint64)ablak_rows_int(rows, 0), actor);
  }
  if (cause == NULL)
    return true;
  g_propagate_error(error, g_steal_pointer(&cause));
  return false;
}

GArray *ablak_draft_live_writers_check(const AblakDraftConnection *connection, const void *update,
                                       gsize size, GError **error)
{
  const Document *document = connection->document;
  g_autofree char *actor = key_of(connection);
  g_autoptr(GArray) writers = ablak_ydoc_new_writers(document->ydoc, update, size, error);
  g_autoptr(GArray) unknown = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (guint i = 0; writers != NULL && i < writers->len; i++) {
    guint64 client = g_array_index(writers, guint64, i);
    const char *owner = g_hash_table_lookup(document->writers, &client);
    if (client == ablak_ydoc_client_id(document->ydoc) ||
        (owner != NULL && !g_str_equal(owner, actor))) {
      ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "coedit/forged-writer",
                      "news under the client id of another");
      return NULL;
    }
    if (owner == NULL)
      g_array_append_val(unknown, client);
  }
  if (writers != NULL && unknown->len > 0 && !has_room(document, actor, unknown->len)) {
    ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "coedit/too-large", "too many client ids");
    return NULL;
  }
  return writers != NULL ? g_steal_pointer(&unknown) : NULL;
}

static void bind(const AblakDraftConnection *connection, guint64 client, const char *actor)
{
  Document *document = connection->document;
  Writer *writer = g_new0(Writer, 1);
  writer->audience = document->audience;
  writer->client = client;
  writer->actor_kind = g_strdup(connection->actor_kind);
  writer->actor_id = g_strdup(connection->actor_id);
  add(document, client, actor);
  g_ptr_array_add(ablak_draft_live_batch(document->live)->writers, writer);
}

void ablak_draft_live_writers_bind(const AblakDraftConnection *connection, const GArray *clients)
{
  g_autofree char *actor = key_of(connection);
  for (guint i = 0; i < clients->len; i++)
    bind(connection, g_array_index(clients, guint64, i), actor);
}

bool ablak_draft_live_writers_is_own(const AblakDraftConnection *connection, guint64 client)
{
  g_autofree char *actor = key_of(connection);
  return g_strcmp0(g_hash_table_lookup(connection->document->writers, &client), actor) == 0;
}

bool ablak_draft_live_writers_claim(const AblakDraftConnection *connection, guint64 client)
{
  const Document *document = connection->document;
  const char *owner = g_hash_table_lookup(document->writers, &client);
  if (owner != NULL)
    return ablak_draft_live_writers_is_own(connection, client);
  g_autofree char *actor = key_of(connection);
  if (client == ablak_ydoc_client_id(document->ydoc) || !has_room(document, actor, 1))
    return false;
  if (!document->live->frozen) /* nothing will be written under it any more */
    bind(connection, client, actor);
  return true;
}

void ablak_draft_live_writer_free(gpointer data)
{
  Writer *writer = data;
  g_free(writer->actor_kind);
  g_free(writer->actor_id);
  g_free(writer);
}

bool ablak_draft_live_writer_store(AblakTxn *txn, const char *draft_id, const Writer *writer,
                                   GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO draft_writer (draft_id, audience, client, actor_kind,"
                        " actor_id) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                        "ttitt", draft_id, writer->audience, (gint64)writer->client,
                        writer->actor_kind, writer->actor_id);
}
