/* Sources to one edition file. The database is written beside the target through a store of its
 * own and then copied into one file without a write-ahead log. */
#include "core/error.h"
#include "kb/private.h"
#include <glib/gstdio.h>
#include <string.h>

extern const AblakStorePart ablak_edition_store_part;

typedef struct {
  GPtrArray *offices; /* AblakKbSources *, by office id */
  gint64 number;
  gint64 issued_at_ms;
} Build;

/* --- text for the index ---------------------------------------------------------------------- */

/* Control characters become spaces: the search marks its matches with two of them. */
static void append_plain(GString *out, const char *text)
{
  if (text == NULL)
    return;
  if (out->len > 0)
    g_string_append(out, " · ");
  for (const char *at = text; *at != '\0'; at++)
    g_string_append_c(out, (guchar)*at < 0x20 ? ' ' : *at);
}

static void append_text(GString *out, const json_t *text, const char *language, const char *binding)
{
  append_plain(out, ablak_kb_text(text, language, binding));
}

static void append_keywords(GString *out, const json_t *service, const char *language)
{
  gsize i;
  json_t *word;
  json_array_foreach(json_object_get(json_object_get(service, "keywords"), language), i, word)
      append_plain(out, json_string_value(word));
}

/* The binding language's words find the service in every language: a letter or a sign that someone
 * holds in their hand is written in it. */
static char *keywords_text(const json_t *service, const char *language, const char *binding)
{
  GString *out = g_string_new(NULL);
  append_keywords(out, service, language);
  if (strcmp(language, binding) != 0) {
    append_text(out, json_object_get(service, "name"), binding, binding);
    append_keywords(out, service, binding);
  }
  return g_string_free(out, FALSE);
}

static char *documents_text(const json_t *service, const char *language, const char *binding)
{
  GString *out = g_string_new(NULL);
  gsize i;
  json_t *item;
  json_array_foreach(json_object_get(service, "documents"), i, item)
  {
    append_text(out, json_object_get(item, "name"), language, binding);
    append_text(out, json_object_get(item, "note"), language, binding);
  }
  append_text(out, json_object_get(json_object_get(service, "fee"), "text"), language, binding);
  append_text(out, json_object_get(json_object_get(service, "deadline"), "text"), language,
              binding);
  append_text(out, json_object_get(service, "competence"), language, binding);
  return g_string_free(out, FALSE);
}

static char *law_text(const json_t *service, const char *language, const char *binding)
{
  GString *out = g_string_new(NULL);
  gsize i;
  json_t *item;
  json_array_foreach(json_object_get(service, "legalBasis"), i, item)
  {
    append_text(out, json_object_get(item, "title"), language, binding);
    append_plain(out, ablak_json_get_string(item, "reference"));
  }
  return g_string_free(out, FALSE);
}

static char *member_text(const json_t *service, const char *member, const char *language,
                         const char *binding)
{
  GString *out = g_string_new(NULL);
  append_text(out, json_object_get(service, member), language, binding);
  return g_string_free(out, FALSE);
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool make_search_table(AblakTxn *txn, const char *language, GError **error)
{
  g_autofree char *sql = g_strdup_printf(
      "CREATE VIRTUAL TABLE IF NOT EXISTS search_%s USING fts5(office UNINDEXED, id "
      "UNINDEXED, " ABLAK_KB_SEARCH_COLUMNS
      ", tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4')",
      language);
  return ablak_txn_exec(txn, NULL, error, sql, "");
}

static bool optimize_search_table(AblakTxn *txn, const char *language, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf("INSERT INTO search_%s(search_%s) VALUES ('optimize')", language, language);
  return ablak_txn_exec(txn, NULL, error, sql, "");
}

static bool index_service(AblakTxn *txn, const char *office, const json_t *service,
                          const char *language, GError **error)
{
  const char *binding = ablak_json_get_string(json_object_get(service, "language"), "binding");
  g_autofree char *name = member_text(service, "name", language, binding);
  g_autofree char *keywords = keywords_text(service, language, binding);
  g_autofree char *summary = member_text(service, "summary", language, binding);
  g_autofree char *description = member_text(service, "description", language, binding);
  g_autofree char *documents = documents_text(service, language, binding);
  g_autofree char *law = law_text(service, language, binding);
  g_autofree char *sql =
      g_strdup_printf("INSERT INTO search_%s (office, id, " ABLAK_KB_SEARCH_COLUMNS
                      ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                      language);
  return ablak_txn_exec(txn, NULL, error, sql, "tttttttt", office,
                        ablak_json_get_string(service, "id"), name, keywords, summary, description,
                        documents, law);
}

static bool write_service(AblakTxn *txn, const json_t *office, const json_t *service,
                          GError **error)
{
  const char *office_id = ablak_json_get_string(office, "id");
  g_autofree char *text = ablak_json_canonical(service);
  if (!ablak_txn_exec(
          txn, NULL, error,
          "INSERT INTO service (id, office, version, prefix, json) VALUES (?, ?, ?, ?, ?)", "ttitt",
          ablak_json_get_string(service, "id"), office_id,
          ablak_json_get_int(service, "version", 0), ablak_json_get_string(service, "prefix"),
          text))
    return false;
  gsize i;
  json_t *language;
  json_array_foreach(json_object_get(office, "languages"), i, language)
  {
    if (!index_service(txn, office_id, service, json_string_value(language), error))
      return false;
  }
  return true;
}

static bool write_form(AblakTxn *txn, const json_t *form, GError **error)
{
  g_autofree char *text = ablak_json_canonical(form);
  return ablak_txn_exec(txn, NULL, error, "INSERT INTO form (id, version, json) VALUES (?, ?, ?)",
                        "tit", ablak_json_get_string(form, "id"),
                        ablak_json_get_int(form, "version", 0), text);
}

static bool write_office(AblakTxn *txn, const AblakKbSources *sources, GError **error)
{
  g_autofree char *text = ablak_json_canonical(sources->office);
  if (!ablak_txn_exec(txn, NULL, error, "INSERT INTO office (id, json) VALUES (?, ?)", "tt",
                      ablak_json_get_string(sources->office, "id"), text))
    return false;
  gsize i;
  json_t *language;
  json_array_foreach(json_object_get(sources->office, "languages"), i, language)
  {
    if (!make_search_table(txn, json_string_value(language), error))
      return false;
  }
  for (guint n = 0; n < sources->services->len; n++)
    if (!write_service(txn, sources->office, g_ptr_array_index(sources->services, n), error))
      return false;
  for (guint n = 0; n < sources->forms->len; n++)
    if (!write_form(txn, g_ptr_array_index(sources->forms, n), error))
      return false;
  json_array_foreach(json_object_get(sources->office, "languages"), i, language)
  {
    if (!optimize_search_table(txn, json_string_value(language), error))
      return false;
  }
  return true;
}

static bool write_meta(AblakTxn *txn, const char *key, const char *value, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "INSERT INTO meta (key, value) VALUES (?, ?)", "tt", key,
                        value);
}

/* An edition with one sample in it is a sample. */
static bool is_sample(const Build *build)
{
  for (guint i = 0; i < build->offices->len; i++) {
    const AblakKbSources *sources = g_ptr_array_index(build->offices, i);
    if (ablak_json_get_bool(sources->office, "sample", false))
      return true;
  }
  return false;
}

static bool write_edition(AblakTxn *txn, gpointer data, GError **error)
{
  const Build *build = data;
  g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, build->number);
  g_autofree char *issued_at = ablak_kb_time_text(build->issued_at_ms);
  if (!write_meta(txn, "format", "1", error) || !write_meta(txn, "number", number, error) ||
      !write_meta(txn, "issuedAt", issued_at, error) ||
      !write_meta(txn, "sample", is_sample(build) ? "true" : "false", error))
    return false;
  for (guint i = 0; i < build->offices->len; i++)
    if (!write_office(txn, g_ptr_array_index(build->offices, i), error))
      return false;
  return true;
}

/* --- the build ------------------------------------------------------------------------------- */

static int compare_offices(gconstpointer a, gconstpointer b)
{
  const AblakKbSources *left = *(AblakKbSources *const *)a, *right = *(AblakKbSources *const *)b;
  return strcmp(ablak_json_get_string(left->office, "id"),
                ablak_json_get_string(right->office, "id"));
}

static bool add_id(GHashTable *seen, const json_t *item, GError **error)
{
  const char *id = ablak_json_get_string(item, "id");
  char *key = g_strdup_printf("%s@%" G_GINT64_FORMAT, id, ablak_json_get_int(item, "version", 0));
  return g_hash_table_add(seen, key) ||
         ablak_kb_source_error(error, id, "/id", "another office has it too");
}

static bool check_between_offices(const GPtrArray *offices, GError **error)
{
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < offices->len; i++) {
    const AblakKbSources *sources = g_ptr_array_index(offices, i);
    if (!add_id(seen, sources->office, error))
      return false;
    for (guint n = 0; n < sources->services->len; n++)
      if (!add_id(seen, g_ptr_array_index(sources->services, n), error))
        return false;
    for (guint n = 0; n < sources->forms->len; n++)
      if (!add_id(seen, g_ptr_array_index(sources->forms, n), error))
        return false;
  }
  return true;
}

static GPtrArray *read_offices(const char *const *directories, GError **error)
{
  g_autoptr(GPtrArray) offices =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_kb_sources_free);
  for (gsize i = 0; directories[i] != NULL; i++) {
    AblakKbSources *sources = ablak_kb_sources_read(directories[i], error);
    if (sources == NULL)
      return NULL;
    g_ptr_array_add(offices, sources);
  }
  g_ptr_array_sort(offices, compare_offices);
  return check_between_offices(offices, error) ? g_steal_pointer(&offices) : NULL;
}

static gint64 issued_clock(gpointer data)
{
  return ((const Build *)data)->issued_at_ms;
}

static void remove_database(const char *path)
{
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    g_autofree char *file = g_strconcat(path, suffixes[i], NULL);
    g_unlink(file);
  }
}

static bool write_database(Build *build, const char *working, const char *path, GError **error)
{
  const AblakStorePart *const parts[] = {&ablak_edition_store_part, NULL};
  AblakStoreOptions options = {
      .path = working, .parts = parts, .clock = issued_clock, .clock_data = build};
  g_autoptr(AblakStore) store = ablak_store_open(&options, error);
  return store != NULL && ablak_store_write_sync(store, write_edition, build, error) &&
         ablak_store_backup(store, path, error);
}

bool ablak_kb_build(const char *const *directories, gint64 number, gint64 issued_at_ms,
                    const char *path, GError **error)
{
  if (number < 1) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "kb/manifest", "an edition's number is at least 1");
    return false;
  }
  g_autoptr(GPtrArray) offices = read_offices(directories, error);
  if (offices == NULL)
    return false;
  Build build = {.offices = offices, .number = number, .issued_at_ms = issued_at_ms};
  g_autofree char *working = g_strconcat(path, ".building", NULL);
  remove_database(working);
  bool written = write_database(&build, working, path, error);
  remove_database(working);
  return written;
}
