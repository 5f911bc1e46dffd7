/* The shape of a table: a changeset has positions only, so schema frames carry the names. */
#include "store/private.h"

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
