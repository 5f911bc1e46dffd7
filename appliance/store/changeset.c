/* Walking changesets, and the shapes that go with them: a changeset has positions, no names. */
#include "core/error.h"
#include "store/private.h"

typedef int (*ValueOf)(sqlite3_changeset_iter *iterator, int column, sqlite3_value **ret_value);

static void read_value(sqlite3_value *source, AblakValue *ret_value)
{
  *ret_value = (AblakValue){.type = ABLAK_VALUE_UNCHANGED};
  if (source == NULL)
    return;
  switch (sqlite3_value_type(source)) {
  case SQLITE_INTEGER:
    ret_value->type = ABLAK_VALUE_INT;
    ret_value->integer = sqlite3_value_int64(source);
    break;
  case SQLITE_FLOAT:
    ret_value->type = ABLAK_VALUE_REAL;
    ret_value->real = sqlite3_value_double(source);
    break;
  case SQLITE_TEXT:
    ret_value->type = ABLAK_VALUE_TEXT;
    ret_value->bytes = sqlite3_value_text(source);
    ret_value->size = (gsize)sqlite3_value_bytes(source);
    break;
  case SQLITE_BLOB:
    ret_value->type = ABLAK_VALUE_BLOB;
    ret_value->bytes = sqlite3_value_blob(source);
    ret_value->size = (gsize)sqlite3_value_bytes(source);
    break;
  default:
    ret_value->type = ABLAK_VALUE_NULL;
  }
}

static bool read_values(sqlite3_changeset_iter *iterator, int columns, ValueOf value_of,
                        AblakValue *ret_values)
{
  for (int i = 0; i < columns; i++) {
    sqlite3_value *value = NULL;
    if (value_of(iterator, i, &value) != SQLITE_OK)
      return false;
    read_value(value, &ret_values[i]);
  }
  return true;
}

static bool set_malformed(GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "store/changeset", "the changeset is malformed");
  return false;
}

static bool visit_one(sqlite3_changeset_iter *iterator, AblakChangeVisit visit, gpointer data,
                      GError **error)
{
  AblakChange change = {0};
  int op, indirect;
  if (sqlite3changeset_op(iterator, &change.table, &change.columns, &op, &indirect) != SQLITE_OK)
    return set_malformed(error);
  unsigned char *keys;
  if (sqlite3changeset_pk(iterator, &keys, NULL) != SQLITE_OK)
    return set_malformed(error);
  change.primary_key = keys;
  change.op = op == SQLITE_INSERT   ? ABLAK_CHANGE_INSERT
              : op == SQLITE_UPDATE ? ABLAK_CHANGE_UPDATE
                                    : ABLAK_CHANGE_DELETE;
  g_autofree AblakValue *values = g_new0(AblakValue, 2 * (gsize)change.columns + 1);
  if (change.op != ABLAK_CHANGE_INSERT) {
    change.old_values = values;
    if (!read_values(iterator, change.columns, sqlite3changeset_old, values))
      return set_malformed(error);
  }
  if (change.op != ABLAK_CHANGE_DELETE) {
    change.new_values = values + change.columns;
    if (!read_values(iterator, change.columns, sqlite3changeset_new, values + change.columns))
      return set_malformed(error);
  }
  return visit(&change, data, error);
}

bool ablak_changeset_foreach(const void *changeset, gsize size, AblakChangeVisit visit,
                             gpointer data, GError **error)
{
  sqlite3_changeset_iter *iterator;
  if (size > G_MAXINT ||
      sqlite3changeset_start(&iterator, (int)size, (void *)changeset) != SQLITE_OK)
    return set_malformed(error);
  bool going = true;
  int code = SQLITE_DONE;
  while (going && (code = sqlite3changeset_next(iterator)) == SQLITE_ROW)
    going = visit_one(iterator, visit, data, error);
  sqlite3changeset_finalize(iterator);
  if (going && code != SQLITE_DONE)
    return set_malformed(error);
  return going;
}

json_t *ablak_txn_table_shape(AblakTxn *txn, const char *table, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT name, pk > 0 FROM pragma_table_info(?) ORDER BY cid", "t", table);
  if (rows == NULL)
    return NULL;
  g_autoptr(json_t) columns = json_array(), keys = json_array();
  g_autoptr(GError) fault = NULL;
  do {
    json_array_append_new(columns, json_string(ablak_rows_text(rows, 0)));
    json_array_append_new(keys, json_integer(ablak_rows_int(rows, 1)));
  } while (ablak_rows_next(rows, &fault));
  if (fault != NULL) {
    g_propagate_error(error, g_steal_pointer(&fault));
    return NULL;
  }
  return json_pack("{s:s, s:O, s:O}", "table", table, "columns", columns, "pk", keys);
}
