#include "forms/coedit/awareness.h"
#include "core/error.h"
#include "forms/coedit/bytes.h"

typedef struct {
  guint64 client, clock;
  gint64 updated_ms;
  json_t *state; /* NULL: gone, only its clock is remembered */
} Entry;

struct AblakYawareness {
  GHashTable *entries; /* client -> Entry */
  guint max_clients;
  gsize max_bytes;
};

static void entry_free(gpointer data)
{
  Entry *entry = data;
  json_decref(entry->state);
  g_free(entry);
}

AblakYawareness *ablak_yawareness_new(guint max_clients, gsize max_bytes)
{
  AblakYawareness *awareness = g_new0(AblakYawareness, 1);
  awareness->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
  awareness->max_clients = max_clients == 0 ? 256 : max_clients;
  awareness->max_bytes = max_bytes == 0 ? 8192 : max_bytes;
  return awareness;
}

void ablak_yawareness_free(AblakYawareness *awareness)
{
  if (awareness == NULL)
    return;
  g_hash_table_unref(awareness->entries);
  g_free(awareness);
}

static Entry *get_entry(AblakYawareness *awareness, guint64 client)
{
  Entry *entry = g_hash_table_lookup(awareness->entries, &client);
  if (entry == NULL) {
    entry = g_new0(Entry, 1);
    entry->client = client;
    g_hash_table_insert(awareness->entries, &entry->client, entry);
  }
  return entry;
}

static void set_state(Entry *entry, json_t *state, guint64 clock, gint64 now_ms)
{
  json_decref(entry->state);
  entry->state = state;
  entry->clock = clock;
  entry->updated_ms = now_ms;
}

static gboolean is_gone(gpointer key, gpointer value, gpointer user_data)
{
  return ((const Entry *)value)->state == NULL;
}

/* Forgets the clocks of clients that are gone when there are too many. */
static bool make_room(AblakYawareness *awareness)
{
  if (g_hash_table_size(awareness->entries) < awareness->max_clients)
    return true;
  return g_hash_table_foreach_remove(awareness->entries, is_gone, NULL) > 0;
}

typedef struct {
  guint64 client, clock;
  json_t *state; /* JSON null: removed */
} News;

static void news_clear(gpointer data)
{
  json_decref(((News *)data)->state);
}

static bool read_news(Reader *reader, gsize max_bytes, News *ret_news, bool *ret_large)
{
  Str text;
  if (!read_uint(reader, &ret_news->client) || !read_uint(reader, &ret_news->clock) ||
      !read_string(reader, &text))
    return false;
  *ret_large |= text.size > max_bytes;
  if (*ret_large || !json_text_is_valid(text.text, text.size))
    return false;
  ret_news->state = json_loadb(text.text, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  return json_is_object(ret_news->state) || json_is_null(ret_news->state);
}

/* All of the update, or NULL and an error. */
static GArray *read_update(const AblakYawareness *awareness, const void *data, gsize size,
                           GError **error)
{
  Reader reader = reader_of(data, size);
  GArray *all = g_array_new(FALSE, FALSE, sizeof(News));
  g_array_set_clear_func(all, news_clear);
  guint64 count = 0;
  bool large = false, good = read_uint(&reader, &count);
  while (good && !large && count-- > 0) {
    News news = {0};
    good = read_news(&reader, awareness->max_bytes, &news, &large);
    g_array_append_val(all, news);
    large |= all->len > awareness->max_clients;
  }
  if (good && !large && reader.at == reader.end)
    return all;
  g_array_unref(all);
  if (large)
    ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "coedit/too-large",
                    "an awareness update is too large");
  else
    ablak_error_set(error, ABLAK_ERROR_INVALID, "coedit/malformed",
                    "not a well-formed awareness update");
  return NULL;
}

/* y-protocols' rule: a higher clock wins; at the same clock only a removal does. */
static bool take(AblakYawareness *awareness, News *news, gint64 now_ms)
{
  Entry *entry = g_hash_table_lookup(awareness->entries, &news->client);
  bool removal = json_is_null(news->state);
  guint64 known = entry != NULL ? entry->clock : 0;
  bool has_state = entry != NULL && entry->state != NULL;
  bool newer =
      entry == NULL || news->clock > known || (news->clock == known && removal && has_state);
  if (!newer || (entry == NULL && (removal || !make_room(awareness))))
    return false;
  set_state(get_entry(awareness, news->client), removal ? NULL : json_incref(news->state),
            news->clock, now_ms);
  return true;
}

bool ablak_yawareness_apply(AblakYawareness *awareness, const void *data, gsize size, gint64 now_ms,
                            GArray **ret_clients, GError **error)
{
  return ablak_yawareness_apply_checked(awareness, data, size, now_ms, NULL, NULL, ret_clients,
                                        error);
}

bool ablak_yawareness_apply_checked(AblakYawareness *awareness, const void *data, gsize size,
                                    gint64 now_ms, AblakYawarenessMay may, gpointer user_data,
                                    GArray **ret_clients, GError **error)
{
  g_autoptr(GArray) all = read_update(awareness, data, size, error);
  if (all == NULL)
    return false;
  GArray *clients = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (guint i = 0; i < all->len; i++) {
    News *news = &g_array_index(all, News, i);
    if ((may == NULL || may(news->client, json_is_null(news->state), user_data)) &&
        take(awareness, news, now_ms))
      g_array_append_val(clients, news->client);
  }
  if (ret_clients != NULL)
    *ret_clients = clients;
  else
    g_array_unref(clients);
  return true;
}

void ablak_yawareness_set(AblakYawareness *awareness, guint64 client, const json_t *state,
                          gint64 now_ms)
{
  bool known = g_hash_table_contains(awareness->entries, &client);
  if (!known && (state == NULL || !make_room(awareness)))
    return;
  Entry *entry = get_entry(awareness, client);
  set_state(entry, state != NULL ? json_deep_copy(state) : NULL, entry->clock + 1, now_ms);
}

guint ablak_yawareness_remove(AblakYawareness *awareness, const guint64 *clients, guint count,
                              gint64 now_ms)
{
  guint removed = 0;
  for (guint i = 0; i < count; i++) {
    Entry *entry = g_hash_table_lookup(awareness->entries, &clients[i]);
    if (entry == NULL || entry->state == NULL)
      continue;
    set_state(entry, NULL, entry->clock, now_ms);
    removed++;
  }
  return removed;
}

GArray *ablak_yawareness_expire(AblakYawareness *awareness, gint64 now_ms)
{
  GArray *removed = g_array_new(FALSE, FALSE, sizeof(guint64));
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, awareness->entries);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Entry *entry = value;
    if (entry->state == NULL || now_ms - entry->updated_ms < ABLAK_YAWARENESS_TIMEOUT_MS)
      continue;
    set_state(entry, NULL, entry->clock, now_ms);
    g_array_append_val(removed, entry->client);
  }
  return removed;
}

static void write_entry(Buffer *buffer, const Entry *entry)
{
  char *text = entry->state != NULL ? json_dumps(entry->state, JSON_COMPACT) : NULL;
  const char *state = text != NULL ? text : "null";
  write_uint(buffer, entry->client);
  write_uint(buffer, entry->clock);
  write_string(buffer, state, strlen(state));
  free(text);
}

GBytes *ablak_yawareness_encode(const AblakYawareness *awareness, const guint64 *clients,
                                guint count)
{
  g_autoptr(GArray) all = clients == NULL ? ablak_yawareness_clients(awareness) : NULL;
  Buffer body = {0}, buffer = {0};
  guint written = 0;
  if (all != NULL) {
    clients = (const guint64 *)(const void *)all->data;
    count = all->len;
  }
  for (guint i = 0; i < count; i++) {
    const Entry *entry = g_hash_table_lookup(awareness->entries, &clients[i]);
    if (entry == NULL)
      continue;
    write_entry(&body, entry);
    written++;
  }
  write_uint(&buffer, written);
  write_raw(&buffer, body.data, body.size);
  buffer_clear(&body);
  return buffer_steal(&buffer);
}

const json_t *ablak_yawareness_get(const AblakYawareness *awareness, guint64 client)
{
  const Entry *entry = g_hash_table_lookup(awareness->entries, &client);
  return entry != NULL ? entry->state : NULL;
}

GArray *ablak_yawareness_clients(const AblakYawareness *awareness)
{
  GArray *clients = g_array_new(FALSE, FALSE, sizeof(guint64));
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, awareness->entries);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Entry *entry = value;
    if (entry->state != NULL)
      g_array_append_val(clients, entry->client);
  }
  return clients;
}
