/* A small form, a store in a temporary folder, and a client that speaks y-websocket's protocol. */
#pragma once
#include "core/error.h"
#include "forms/coedit/sync.h"
#include "forms/coedit/ydoc.h"
#include "forms/session.h"
#include <glib/gstdio.h>
#include <string.h>

static const char form_text[] =
    "{\"id\":\"test.form\",\"version\":3,\"sample\":true,\"title\":{\"hu\":\"Teszt\",\"en\":"
    "\"Test\"},"
    "\"schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"name\","
    "\"kind\"],"
    "\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":80},"
    "\"remarks\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]},"
    "\"born\":{\"type\":\"string\",\"format\":\"date\"},\"agree\":{\"type\":\"boolean\"},"
    "\"count\":{\"type\":\"integer\",\"minimum\":0},"
    "\"children\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"type\":\"object\","
    "\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":\"string\"},"
    "\"born\":{\"type\":\"string\",\"format\":\"date\"}}}},"
    "\"verdict\":{\"type\":\"string\",\"maxLength\":10}}},"
    "\"layout\":[{\"type\":\"section\",\"title\":{\"hu\":\"Egy\",\"en\":\"One\"},\"elements\":["
    "{\"type\":\"field\",\"field\":\"/"
    "name\",\"label\":{\"hu\":\"Név\",\"en\":\"Name\"},\"widget\":\"text\"},"
    "{\"type\":\"field\",\"field\":\"/"
    "remarks\",\"label\":{\"hu\":\"Megjegyzés\",\"en\":\"Remarks\"},\"widget\":\"textarea\"},"
    "{\"type\":\"field\",\"field\":\"/"
    "kind\",\"label\":{\"hu\":\"Fajta\",\"en\":\"Kind\"},\"widget\":\"radio\",\"options\":["
    "{\"value\":\"a\",\"label\":{\"hu\":\"A\",\"en\":\"A\"}},{\"value\":\"b\",\"label\":{\"hu\":"
    "\"B\",\"en\":\"B\"}}]},"
    "{\"type\":\"field\",\"field\":\"/"
    "born\",\"label\":{\"hu\":\"Született\",\"en\":\"Born\"},\"widget\":\"date\"},"
    "{\"type\":\"field\",\"field\":\"/"
    "agree\",\"label\":{\"hu\":\"Egyetért\",\"en\":\"Agrees\"},\"widget\":\"checkbox\"},"
    "{\"type\":\"field\",\"field\":\"/"
    "count\",\"label\":{\"hu\":\"Darab\",\"en\":\"Count\"},\"widget\":\"number\"},"
    "{\"type\":\"repeat\",\"field\":\"/"
    "children\",\"title\":{\"hu\":\"Gyermekek\",\"en\":\"Children\"},\"elements\":["
    "{\"type\":\"field\",\"field\":\"name\",\"label\":{\"hu\":\"Név\",\"en\":\"Name\"},\"widget\":"
    "\"text\"},"
    "{\"type\":\"field\",\"field\":\"born\",\"label\":{\"hu\":\"Született\",\"en\":\"Born\"},"
    "\"widget\":\"date\"}]},"
    "{\"type\":\"field\",\"field\":\"/"
    "verdict\",\"office\":true,\"label\":{\"hu\":\"Döntés\",\"en\":\"Verdict\"},\"widget\":"
    "\"text\"}"
    "]}]}";

static inline json_t *parse_json(const char *text)
{
  g_autoptr(GError) error = NULL;
  json_t *json = ablak_json_parse(text, strlen(text), &error);
  g_assert_no_error(error);
  return json;
}

static inline AblakForm *parse_form(void)
{
  static const char *const languages[] = {"hu", "en", NULL};
  g_autoptr(json_t) definition = parse_json(form_text);
  g_autoptr(GError) error = NULL;
  AblakForm *form = ablak_form_parse(definition, languages, &error);
  g_assert_no_error(error);
  return form;
}

static inline AblakStore *open_store(const char *folder)
{
  static const AblakStorePart *const parts[] = {&ablak_forms_store_part, NULL};
  g_autofree char *path = g_build_filename(folder, "test.db", NULL);
  g_autoptr(GError) error = NULL;
  AblakStore *store = ablak_store_open(&(AblakStoreOptions){.path = path, .parts = parts}, &error);
  g_assert_no_error(error);
  return store;
}

static inline void remove_folder(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_unlink(path);
  }
  g_rmdir(folder);
}

typedef struct {
  AblakForm *form;
  char *id;
} Creation;

static inline bool create_job(AblakTxn *txn, gpointer data, GError **error)
{
  Creation *creation = data;
  AblakDraftNew draft = {"visit-1", "edition-1", creation->form};
  g_clear_pointer(&creation->id, g_free);
  return ablak_draft_create(txn, &draft, "clerk-1", &creation->id, error);
}

static inline char *create_draft(AblakStore *store)
{
  g_autoptr(AblakForm) form = parse_form();
  g_autoptr(GError) error = NULL;
  Creation creation = {form, NULL};
  g_assert_true(ablak_store_write_sync(store, create_job, &creation, &error));
  g_assert_no_error(error);
  return creation.id;
}

static inline json_t *stored_content(AblakStore *store, const char *draft_id)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  json_t *content = ablak_draft_content(txn, draft_id, &error);
  g_assert_no_error(error);
  return content;
}

/* --- a client --- */

typedef struct {
  AblakYdoc *doc;
  AblakDraftConnection *connection;
  GQueue outgoing; /* GBytes, sent by pump */
  guint64 sent, durable;
  json_t *refused, *checks;
  json_t *authors;       /* what is known now, by path */
  unsigned authors_told; /* messages */
  unsigned awareness, updates;
  unsigned close_code;
  bool may_not_write;
  bool heard_office; /* bytes of the office's document, which a citizen must not get */
} Client;

static inline json_t *text_body(const AblakYsyncMessage *message)
{
  const guint8 *at = message->body;
  while (*at & 0x80)
    at++;
  at++;
  g_autoptr(GError) error = NULL;
  json_t *json =
      ablak_json_parse((const char *)at, message->size - (gsize)(at - message->body), &error);
  g_assert_no_error(error);
  return json;
}

static inline guint64 number_body(const AblakYsyncMessage *message)
{
  guint64 number = 0;
  for (gsize i = 0; i < message->size; i++)
    number |= (guint64)(message->body[i] & 0x7f) << (7 * i);
  return number;
}

static inline void client_queue(Client *client, AblakYsyncKind kind, GBytes *body)
{
  gsize size = 0;
  const void *data = g_bytes_get_data(body, &size);
  g_queue_push_tail(&client->outgoing, ablak_ysync_encode(kind, 0, data, size));
}

/* The element of a list of DraftAuthor; NULL: there is none. Borrowed. */
static inline const json_t *author_at(const json_t *list, const char *path)
{
  for (gsize i = 0; i < json_array_size(list); i++)
    if (g_strcmp0(ablak_json_get_string(json_array_get(list, i), "path"), path) == 0)
      return json_array_get(list, i);
  return NULL;
}

/* As a page keeps them: everything anew, or by path. */
static inline void client_take_authors(Client *client, const json_t *body)
{
  const json_t *list = json_object_get(body, "authors");
  g_assert_true(json_is_array(list));
  client->authors_told++;
  if (client->authors == NULL || ablak_json_get_bool(body, "complete", false)) {
    json_decref(client->authors);
    client->authors = json_object();
  }
  for (gsize i = 0; i < json_array_size(list); i++)
    json_object_set(client->authors, ablak_json_get_string(json_array_get(list, i), "path"),
                    json_array_get(list, i));
}

static inline void client_send(const void *bytes, gsize size, gpointer data)
{
  Client *client = data;
  AblakYsyncMessage message;
  g_autoptr(GError) error = NULL;
  g_assert_cmpuint(client->close_code, ==, 0);
  client->heard_office |= memmem(bytes, size, "office<", 7) != NULL;
  g_assert_true(ablak_ysync_decode(bytes, size, &message, &error));
  if (message.kind == ABLAK_YSYNC_STEP1) {
    g_autoptr(GBytes) reply = ablak_ydoc_encode(client->doc, message.body, message.size, &error);
    client_queue(client, ABLAK_YSYNC_STEP2, reply);
  } else if (message.kind == ABLAK_YSYNC_STEP2 || message.kind == ABLAK_YSYNC_UPDATE) {
    client->updates++;
    g_assert_true(ablak_ydoc_apply(client->doc, message.body, message.size, 1, 0, NULL, &error));
  } else if (message.kind == ABLAK_YSYNC_AWARENESS) {
    client->awareness++;
  } else if (message.other == 100) {
    client->durable = number_body(&message);
  } else if (message.other == 101) {
    g_clear_pointer(&client->refused, json_decref);
    client->refused = text_body(&message);
  } else if (message.other == 102) {
    g_clear_pointer(&client->checks, json_decref);
    client->checks = text_body(&message);
  } else if (message.other == 103) {
    g_autoptr(json_t) body = text_body(&message);
    client_take_authors(client, body);
  }
  g_assert_no_error(error);
}

static inline void client_close(unsigned code, const char *reason, gpointer data)
{
  Client *client = data;
  g_assert_cmpuint(client->close_code, ==, 0);
  client->close_code = code;
}

static inline bool client_may_write(const char *path, gpointer data)
{
  return !((Client *)data)->may_not_write || !g_str_equal(path, "/name");
}

/* `kind`: "citizen…" or "clerk…", and the actor's id. Takes the document over. */
static inline Client *client_with(AblakDrafts *drafts, const char *draft_id, const char *audience,
                                  const char *kind, AblakYdoc *doc, bool may_not_write)
{
  Client *client = g_new0(Client, 1);
  client->doc = doc;
  client->may_not_write = may_not_write;
  AblakDraftPeer peer = {.actor_kind = g_str_has_prefix(kind, "clerk") ? "clerk" : "citizen",
                         .actor_id = kind,
                         .may_write = client_may_write,
                         .send = client_send,
                         .close = client_close,
                         .data = client};
  g_autoptr(GError) error = NULL;
  client->connection = ablak_drafts_connect(drafts, draft_id, audience, &peer, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(client->doc);
  client_queue(client, ABLAK_YSYNC_STEP1, vector);
  return client;
}

static inline Client *client_new(AblakDrafts *drafts, const char *draft_id, const char *audience,
                                 const char *kind)
{
  return client_with(drafts, draft_id, audience, kind, ablak_ydoc_new(NULL), false);
}

static inline void client_free(Client *client)
{
  ablak_draft_connection_free(client->connection);
  ablak_ydoc_free(client->doc);
  g_clear_pointer(&client->refused, json_decref);
  g_clear_pointer(&client->checks, json_decref);
  g_clear_pointer(&client->authors, json_decref);
  g_queue_clear_full(&client->outgoing, (GDestroyNotify)g_bytes_unref);
  g_free(client);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_free)

/* Hands over what the client has to say; true when it said something. */
static inline bool client_pump(Client *client)
{
  bool any = false;
  GBytes *message;
  while ((message = g_queue_pop_head(&client->outgoing)) != NULL) {
    gsize size = 0;
    const void *data = g_bytes_get_data(message, &size);
    if (size > 1 && ((const guint8 *)data)[0] == 0 && ((const guint8 *)data)[1] == 2)
      client->sent++;
    ablak_draft_connection_receive(client->connection, data, size);
    g_bytes_unref(message);
    any = true;
  }
  return any;
}

static inline void client_edited(Client *client)
{
  g_autoptr(GBytes) update = ablak_ydoc_commit(client->doc);
  g_assert_nonnull(update);
  client_queue(client, ABLAK_YSYNC_UPDATE, update);
}

static inline void client_type(Client *client, const char *field, guint64 index, const char *text)
{
  g_autoptr(GError) error = NULL;
  ablak_ydoc_begin(client->doc);
  AblakYtype *type = ablak_ymap_get_type(ablak_ydoc_root(client->doc, "form"), field);
  g_assert_true(ablak_ytext_insert(type, MIN(index, ablak_ytype_length(type)), text, &error));
  client_edited(client);
}

static inline void client_choose(Client *client, const char *field, json_t *value)
{
  g_autoptr(GError) error = NULL;
  ablak_ydoc_begin(client->doc);
  g_assert_true(ablak_ymap_set(ablak_ydoc_root(client->doc, "form"), field, value, &error));
  json_decref(value);
  client_edited(client);
}

static inline char *client_text(Client *client, const char *field)
{
  return ablak_ytext_string(ablak_ymap_get_type(ablak_ydoc_root(client->doc, "form"), field));
}

/* A machine that does other work, with a disk that others write to, may take long. */
#define PATIENCE_S 120

static inline gboolean timed_out(gpointer data)
{
  g_error("the test waits in vain");
  return G_SOURCE_REMOVE;
}

/* Runs the loop and the clients (NULL-terminated) until `condition` holds. */
#define WAIT_UNTIL(clients, condition)                                                             \
  do {                                                                                             \
    guint waiting = g_timeout_add_seconds(PATIENCE_S, timed_out, NULL);                            \
    for (;;) {                                                                                     \
      for (Client **each = (clients); *each != NULL; each++)                                       \
        client_pump(*each);                                                                        \
      if (condition)                                                                               \
        break;                                                                                     \
      g_main_context_iteration(NULL, TRUE);                                                        \
    }                                                                                              \
    g_source_remove(waiting);                                                                      \
  } while (0)
