#include "sync/down.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "sync/shape.h"
#include <string.h>

static bool bad_payload(GError **error, const char *why)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol", "an entry from headquarters %s",
                  why);
  return false;
}

/* --- headquarters --------------------------------------------------------------------------------
 */

bool ablak_down_generation(AblakTxn *txn, char **ret_generation, gint64 *ret_last_seq,
                           GError **error)
{
  g_autofree char *fresh = ablak_id_new();
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO down_state (id, generation, last_seq) VALUES (1, ?, 0)"
                      " ON CONFLICT (id) DO NOTHING",
                      "t", fresh))
    return false;
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error, "SELECT generation, last_seq FROM down_state", "");
  if (rows == NULL)
    return false;
  if (ret_generation != NULL)
    *ret_generation = g_strdup(ablak_rows_text(rows, 0));
  if (ret_last_seq != NULL)
    *ret_last_seq = ablak_rows_int(rows, 1);
  return true;
}

bool ablak_down_new_generation(AblakTxn *txn, GError **error)
{
  g_autofree char *fresh = ablak_id_new();
  return ablak_down_generation(txn, NULL, NULL, error) &&
         ablak_txn_exec(txn, NULL, error, "UPDATE down_state SET generation = ?", "t", fresh);
}

bool ablak_down_append(AblakTxn *txn, const char *box, const char *kind, const void *payload,
                       gsize size, gint64 *ret_seq, GError **error)
{
  gint64 seq = 0;
  guint8 sha256[ABLAK_HASH_SIZE];
  if (size == 0 || size > ABLAK_PAYLOAD_MAX) {
    ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "sync/too-large",
                    "%" G_GSIZE_FORMAT " bytes cannot be sent to the boxes", size);
    return false;
  }
  if (!ablak_down_generation(txn, NULL, &seq, error))
    return false;
  seq++;
  ablak_sha256(payload, size, sha256);
  if (!ablak_txn_exec(txn, NULL, error, "UPDATE down_state SET last_seq = ?", "i", seq) ||
      !ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO down_journal (seq, box, kind, sha256, payload, at)"
                      " VALUES (?, ?, ?, ?, ?, ?)",
                      "ittbbi", seq, box != NULL ? box : "", kind, sha256, (gsize)ABLAK_HASH_SIZE,
                      payload, size, ablak_txn_now_ms(txn)))
    return false;
  if (ret_seq != NULL)
    *ret_seq = seq;
  return true;
}

bool ablak_down_append_json(AblakTxn *txn, const char *box, const char *kind, json_t *payload,
                            gint64 *ret_seq, GError **error)
{
  g_autofree char *text = ablak_json_text(payload);
  return ablak_down_append(txn, box, kind, text, strlen(text), ret_seq, error);
}

/* u32 length of the manifest, the manifest, the file. */
bool ablak_down_append_edition(AblakTxn *txn, const char *box, json_t *manifest, const void *file,
                               gsize size, gint64 *ret_seq, GError **error)
{
  g_autofree char *text = ablak_json_text(manifest);
  g_autoptr(GByteArray) payload = g_byte_array_new();
  guint32 length = GUINT32_TO_BE((guint32)strlen(text));
  g_byte_array_append(payload, (const guint8 *)&length, sizeof length);
  g_byte_array_append(payload, (const guint8 *)text, (guint)strlen(text));
  if (size > ABLAK_PAYLOAD_MAX - payload->len) {
    ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "sync/too-large",
                    "an edition of %" G_GSIZE_FORMAT " bytes cannot be sent", size);
    return false;
  }
  g_byte_array_append(payload, file, (guint)size);
  /* An edition is whole: a box that missed the older ones needs only this one. */
  return ablak_txn_exec(txn, NULL, error, "DELETE FROM down_journal WHERE kind = ? AND box = ?",
                        "tt", ABLAK_DOWN_EDITION, box != NULL ? box : "") &&
         ablak_down_append(txn, box, ABLAK_DOWN_EDITION, payload->data, payload->len, ret_seq,
                           error);
}

static json_t *value_to_json(const AblakValue *value)
{
  if (value->type == ABLAK_VALUE_INT)
    return json_integer(value->integer);
  if (value->type == ABLAK_VALUE_REAL)
    return json_real(value->real);
  if (value->type == ABLAK_VALUE_TEXT)
    return json_stringn(value->bytes, value->size);
  return json_null();
}

bool ablak_down_collect(AblakTxn *txn, const char *table, json_t *rows, GError **error)
{
  g_autoptr(json_t) shape = ablak_txn_table_shape(txn, table, error);
  if (shape == NULL)
    return false;
  json_t *columns = json_object_get(shape, "columns");
  g_autoptr(GString) sql = g_string_new("SELECT ");
  for (gsize i = 0; i < json_array_size(columns); i++)
    g_string_append_printf(sql, "%s\"%s\"", i > 0 ? "," : "",
                           json_string_value(json_array_get(columns, i)));
  g_string_append_printf(sql, " FROM \"%s\"", table);
  g_autoptr(AblakRows) found = ablak_txn_query(txn, error, sql->str, "");
  if (found == NULL)
    return false;
  g_autoptr(GError) cause = NULL;
  while (ablak_rows_next(found, &cause)) {
    json_t *row = json_object();
    for (gsize i = 0; i < json_array_size(columns); i++) {
      AblakValue value = ablak_rows_value(found, (int)i);
      json_object_set_new(row, json_string_value(json_array_get(columns, i)),
                          value_to_json(&value));
    }
    json_array_append_new(rows, json_pack("{s:s, s:o}", "table", table, "row", row));
  }
  if (cause != NULL)
    g_propagate_error(error, g_steal_pointer(&cause));
  return cause == NULL;
}

void ablak_down_entry_clear(AblakDownEntry *entry)
{
  g_clear_pointer(&entry->kind, g_free);
  g_clear_pointer(&entry->payload, g_bytes_unref);
}

bool ablak_down_next(AblakTxn *txn, const char *box, gint64 seq, bool *ret_found,
                     AblakDownEntry *ret_entry, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT seq, kind, sha256, payload FROM down_journal"
                      " WHERE seq > ? AND box IN ('', ?) ORDER BY seq LIMIT 1",
                      "it", seq, box);
  g_autoptr(GError) cause = NULL;
  if (rows == NULL)
    return false;
  *ret_found = ablak_rows_next(rows, &cause);
  if (cause != NULL) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  if (!*ret_found)
    return true;
  gsize hash_size = 0, size = 0;
  const void *hash = ablak_rows_blob(rows, 2, &hash_size);
  const void *payload = ablak_rows_blob(rows, 3, &size);
  if (hash_size != ABLAK_HASH_SIZE) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "sync/journal", "the down journal is damaged");
    return false;
  }
  ret_entry->seq = ablak_rows_int(rows, 0);
  ret_entry->kind = g_strdup(ablak_rows_text(rows, 1));
  memcpy(ret_entry->sha256, hash, ABLAK_HASH_SIZE);
  ret_entry->payload = g_bytes_new(payload, size);
  return true;
}

/* --- the box --- */

bool ablak_down_edition_split(GBytes *payload, json_t **ret_manifest, GBytes **ret_file,
                              GError **error)
{
  gsize size = 0;
  const guint8 *bytes = g_bytes_get_data(payload, &size);
  guint32 length = 0;
  if (size > sizeof length)
    memcpy(&length, bytes, sizeof length);
  length = GUINT32_FROM_BE(length);
  if (length == 0 || length >= size - sizeof length)
    return bad_payload(error, "is not an edition");
  json_t *manifest = ablak_json_parse((const char *)bytes + sizeof length, length, error);
  if (manifest == NULL)
    return false;
  gsize head = sizeof length + length;
  *ret_manifest = manifest;
  *ret_file = g_bytes_new_from_bytes(payload, head, size - head);
  return true;
}

/* Objects and arrays are stored as JSON text, which `owned` keeps until the statement has run. */
static AblakValue value_of_json(json_t *json, GPtrArray *owned)
{
  AblakValue value = {.type = ABLAK_VALUE_NULL};
  if (json_is_string(json)) {
    value = (AblakValue){.type = ABLAK_VALUE_TEXT,
                         .bytes = json_string_value(json),
                         .size = json_string_length(json)};
  } else if (json_is_integer(json) || json_is_boolean(json)) {
    value.type = ABLAK_VALUE_INT;
    value.integer = json_is_integer(json) ? json_integer_value(json) : json_is_true(json);
  } else if (json_is_real(json)) {
    value.type = ABLAK_VALUE_REAL;
    value.real = json_real_value(json);
  } else if (json != NULL && !json_is_null(json)) {
    char *text = ablak_json_text(json);
    g_ptr_array_add(owned, text);
    value = (AblakValue){.type = ABLAK_VALUE_TEXT, .bytes = text, .size = strlen(text)};
  }
  return value;
}

typedef struct {
  const char *table;
  json_t *columns, *keys; /* borrowed from the shape */
  GArray *values;
  GPtrArray *owned;
} RowWriter;

static bool is_key(const RowWriter *writer, const char *column, bool *ret_known)
{
  for (gsize i = 0; i < json_array_size(writer->columns); i++) {
    if (strcmp(json_string_value(json_array_get(writer->columns, i)), column) == 0) {
      *ret_known = true;
      return json_integer_value(json_array_get(writer->keys, i)) != 0;
    }
  }
  *ret_known = false;
  return false;
}

static gsize count_keys(const RowWriter *writer)
{
  gsize count = 0;
  for (gsize i = 0; i < json_array_size(writer->keys); i++)
    count += json_integer_value(json_array_get(writer->keys, i)) != 0;
  return count;
}

/* INSERT … ON CONFLICT (key) DO UPDATE: REPLACE would delete the row that others refer to. */
static bool build_upsert(RowWriter *writer, json_t *row, GString *sql)
{
  g_autoptr(GString) names = g_string_new(NULL), marks = g_string_new(NULL);
  g_autoptr(GString) keys = g_string_new(NULL), sets = g_string_new(NULL);
  gsize found_keys = 0;
  const char *column;
  json_t *json;
  json_object_foreach(row, column, json)
  {
    bool known = false, key = is_key(writer, column, &known);
    if (!known)
      return false;
    g_string_append_printf(names, "%s\"%s\"", names->len > 0 ? "," : "", column);
    g_string_append(marks, marks->len > 0 ? ",?" : "?");
    if (key)
      g_string_append_printf(keys, "%s\"%s\"", found_keys++ > 0 ? "," : "", column);
    else
      g_string_append_printf(sets, "%s\"%s\"=excluded.\"%s\"", sets->len > 0 ? "," : "", column,
                             column);
    AblakValue value = value_of_json(json, writer->owned);
    g_array_append_val(writer->values, value);
  }
  g_string_printf(sql, "INSERT INTO \"%s\" (%s) VALUES (%s) ON CONFLICT (%s) DO %s%s",
                  writer->table, names->str, marks->str, keys->str,
                  sets->len > 0 ? "UPDATE SET " : "NOTHING", sets->str);
  return found_keys == count_keys(writer);
}

static bool build_delete(RowWriter *writer, json_t *key_values, GString *sql)
{
  g_string_printf(sql, "DELETE FROM \"%s\"", writer->table);
  const char *column;
  json_t *json;
  gsize count = 0;
  json_object_foreach(key_values, column, json)
  {
    bool known = false;
    if (!is_key(writer, column, &known))
      return false;
    g_string_append_printf(sql, " %s \"%s\" = ?", count++ == 0 ? "WHERE" : "AND", column);
    AblakValue value = value_of_json(json, writer->owned);
    g_array_append_val(writer->values, value);
  }
  return count == count_keys(writer);
}

static bool apply_row(AblakStore *store, AblakTxn *txn, json_t *entry, GError **error)
{
  const char *table = ablak_json_get_string(entry, "table");
  json_t *row = json_object_get(entry, "row"), *gone = json_object_get(entry, "delete");
  const AblakTable *declared = table != NULL ? ablak_store_table(store, table) : NULL;
  if (declared == NULL || declared->owner != ABLAK_OWNER_DOWN)
    return bad_payload(error, "names a table that headquarters does not own");
  g_autoptr(json_t) shape = ablak_txn_table_shape(txn, table, error);
  if (shape == NULL)
    return false;
  g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(AblakValue));
  g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GString) sql = g_string_new(NULL);
  RowWriter writer = {table, json_object_get(shape, "columns"), json_object_get(shape, "pk"),
                      values, owned};
  bool fits = json_is_object(row)    ? build_upsert(&writer, row, sql)
              : json_is_object(gone) ? build_delete(&writer, gone, sql)
                                     : false;
  if (!fits)
    return bad_payload(error, "has a row that does not fit its table");
  return ablak_txn_exec_values(txn, NULL, error, sql->str,
                               (const AblakValue *)(gconstpointer)values->data, values->len);
}

bool ablak_down_apply_rows(AblakStore *store, AblakTxn *txn, GBytes *payload, GError **error)
{
  gsize size = 0;
  const char *text = g_bytes_get_data(payload, &size);
  g_autoptr(json_t) root = ablak_json_parse(text, size, error);
  if (root == NULL)
    return false;
  json_t *rows = json_object_get(root, "rows");
  if (!json_is_array(rows))
    return bad_payload(error, "has no rows");
  for (gsize i = 0; i < json_array_size(rows); i++)
    if (!apply_row(store, txn, json_array_get(rows, i), error))
      return false;
  return true;
}
