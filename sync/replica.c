#include "sync/replica.h"
#include "core/error.h"
#include <string.h>

/* --- tables -------------------------------------------------------------------------------------
 */

static bool create_table(AblakTxn *txn, const AblakShapeTable *table, GError **error)
{
  g_autoptr(GString) sql = g_string_new(NULL);
  g_string_append_printf(sql, "CREATE TABLE \"" ABLAK_REPLICA_PREFIX "%s\" (\"box\" TEXT NOT NULL,",
                         table->name);
  ablak_shape_append_columns(sql, table);
  g_string_append(sql, ",PRIMARY KEY (\"box\"");
  for (guint i = 0; i < table->columns; i++)
    if (table->primary_key[i])
      g_string_append_printf(sql, ",\"%s\"", table->column[i]);
  g_string_append(sql, "))");
  return ablak_txn_exec(txn, NULL, error, sql->str, "") &&
         ablak_txn_exec(txn, NULL, error, "INSERT INTO sync_replica (name) VALUES (?)", "t",
                        table->name);
}

static int column_at(json_t *columns, const char *name)
{
  for (gsize i = 0; i < json_array_size(columns); i++)
    if (strcmp(json_string_value(json_array_get(columns, i)), name) == 0)
      return (int)i;
  return -1;
}

static bool key_changed(const AblakShapeTable *table, json_t *columns, json_t *keys)
{
  gsize before = 0, now = 0;
  for (gsize i = 0; i < json_array_size(keys); i++)
    before += json_integer_value(json_array_get(keys, i)) != 0;
  for (guint i = 0; i < table->columns; i++) {
    int at = column_at(columns, table->column[i]);
    bool was_key = at >= 0 && json_integer_value(json_array_get(keys, (gsize)at)) != 0;
    if (table->primary_key[i] && !was_key)
      return true;
    now += table->primary_key[i];
  }
  return before != now + 1; /* and the column box */
}

static bool extend_table(AblakTxn *txn, const AblakShapeTable *table, GError **error)
{
  g_autofree char *name = g_strconcat(ABLAK_REPLICA_PREFIX, table->name, NULL);
  g_autoptr(json_t) shape = ablak_txn_table_shape(txn, name, error);
  if (shape == NULL)
    return false;
  json_t *columns = json_object_get(shape, "columns");
  if (key_changed(table, columns, json_object_get(shape, "pk"))) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/schema", "the primary key of %s has changed",
                    table->name);
    return false;
  }
  for (guint i = 0; i < table->columns; i++) {
    if (column_at(columns, table->column[i]) >= 0)
      continue;
    g_autofree char *sql =
        g_strdup_printf("ALTER TABLE \"%s\" ADD COLUMN \"%s\"", name, table->column[i]);
    if (!ablak_txn_exec(txn, NULL, error, sql, ""))
      return false;
  }
  return true;
}

bool ablak_replica_exists(AblakTxn *txn, const char *table)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, NULL, "SELECT 1 FROM sync_replica WHERE name = ?", "t", table);
  return rows != NULL;
}

bool ablak_replica_prepare(AblakTxn *txn, const AblakShape *shape, GError **error)
{
  gint64 is_new = 0;
  if (!ablak_txn_exec(txn, &is_new, error,
                      "INSERT INTO sync_schema (id, json, at) VALUES (?, ?, ?)"
                      " ON CONFLICT (id) DO NOTHING",
                      "bti", ablak_shape_id(shape), (gsize)ABLAK_HASH_SIZE, ablak_shape_json(shape),
                      ablak_txn_now_ms(txn)))
    return false;
  for (guint i = 0; is_new != 0 && i < ablak_shape_count(shape); i++) {
    const AblakShapeTable *table = ablak_shape_at(shape, i);
    bool known = ablak_replica_exists(txn, table->name);
    if (!(known ? extend_table : create_table)(txn, table, error))
      return false;
  }
  return true;
}

bool ablak_replica_move(AblakTxn *txn, const char *from, const char *to, GError **error)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query(txn, error, "SELECT name FROM sync_replica", "");
  if (rows == NULL)
    return false;
  while (ablak_rows_next(rows, &cause))
    g_ptr_array_add(names, g_strdup(ablak_rows_text(rows, 0)));
  for (guint i = 0; cause == NULL && i < names->len; i++) {
    const char *name = g_ptr_array_index(names, i);
    g_autofree char *sql = g_strdup_printf(
        to != NULL ? "UPDATE \"" ABLAK_REPLICA_PREFIX "%s\" SET \"box\" = ? WHERE \"box\" = ?"
                   : "DELETE FROM \"" ABLAK_REPLICA_PREFIX "%s\" WHERE \"box\" = ?",
        name);
    bool done = to != NULL ? ablak_txn_exec(txn, NULL, &cause, sql, "tt", to, from)
                           : ablak_txn_exec(txn, NULL, &cause, sql, "t", from);
    if (!done)
      break;
  }
  if (cause != NULL)
    g_propagate_error(error, g_steal_pointer(&cause));
  return cause == NULL;
}

/* --- rows ----------------------------------------------------------------------------------------
 */

typedef struct {
  AblakTxn *txn;
  const char *box;
  const AblakShape *shape;
  /* Scratch, used again for each change. */
  GString *sql;
  GArray *values; /* AblakValue */
  GHashTable *touched;
} Applier;

static void add_value(Applier *applier, const AblakValue *value)
{
  g_array_append_val(applier->values, *value);
}

static void add_box(Applier *applier)
{
  AblakValue box = {.type = ABLAK_VALUE_TEXT, .bytes = applier->box, .size = strlen(applier->box)};
  add_value(applier, &box);
}

static void build_insert(Applier *applier, const AblakShapeTable *table, const AblakChange *change)
{
  g_string_append_printf(applier->sql, "INSERT INTO \"" ABLAK_REPLICA_PREFIX "%s\" (\"box\",",
                         table->name);
  ablak_shape_append_columns(applier->sql, table);
  g_string_append(applier->sql, ") VALUES (?");
  add_box(applier);
  for (guint i = 0; i < table->columns; i++) {
    g_string_append(applier->sql, ",?");
    add_value(applier, &change->new_values[i]);
  }
  g_string_append_c(applier->sql, ')');
}

/* The row must be as the box had it: key and every known old value. */
static void build_where(Applier *applier, const AblakShapeTable *table, const AblakChange *change)
{
  g_string_append(applier->sql, " WHERE \"box\" = ?");
  add_box(applier);
  for (guint i = 0; i < table->columns; i++) {
    if (change->old_values[i].type == ABLAK_VALUE_UNCHANGED)
      continue;
    g_string_append_printf(applier->sql, " AND \"%s\" %s ?", table->column[i],
                           table->primary_key[i] ? "=" : "IS");
    add_value(applier, &change->old_values[i]);
  }
}

static bool build_update(Applier *applier, const AblakShapeTable *table, const AblakChange *change)
{
  bool any = false;
  g_string_append_printf(applier->sql, "UPDATE \"" ABLAK_REPLICA_PREFIX "%s\" SET ", table->name);
  for (guint i = 0; i < table->columns; i++) {
    if (change->new_values[i].type == ABLAK_VALUE_UNCHANGED)
      continue;
    g_string_append_printf(applier->sql, "%s\"%s\" = ?", any ? "," : "", table->column[i]);
    add_value(applier, &change->new_values[i]);
    any = true;
  }
  build_where(applier, table, change);
  return any;
}

static bool is_whole(const AblakShapeTable *table, const AblakChange *change)
{
  for (guint i = 0; i < table->columns; i++) {
    bool has_old =
        change->op == ABLAK_CHANGE_INSERT || change->old_values[i].type != ABLAK_VALUE_UNCHANGED;
    if (change->op == ABLAK_CHANGE_INSERT && change->new_values[i].type == ABLAK_VALUE_UNCHANGED)
      return false;
    if (table->primary_key[i] && !has_old)
      return false;
  }
  return true;
}

static bool fits(const AblakShapeTable *table, const AblakChange *change)
{
  if (table == NULL || (guint)change->columns != table->columns)
    return false;
  for (guint i = 0; i < table->columns; i++)
    if ((change->primary_key[i] != 0) != table->primary_key[i])
      return false;
  return is_whole(table, change);
}

static bool run_change(Applier *applier, const AblakShapeTable *table, const AblakChange *change,
                       GError **error)
{
  gint64 changed = 0;
  g_autoptr(GError) cause = NULL;
  bool ok = ablak_txn_exec_values(applier->txn, &changed, &cause, applier->sql->str,
                                  (const AblakValue *)(gconstpointer)applier->values->data,
                                  applier->values->len);
  if (ok && changed == 1)
    return true;
  if (ok || strcmp(ablak_error_slug(cause), "store/constraint") == 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "sync/conflict",
                    "a row of %s is not what the box changed", table->name);
    return false;
  }
  g_propagate_error(error, g_steal_pointer(&cause));
  return false;
}

static bool apply_change(const AblakChange *change, gpointer data, GError **error)
{
  Applier *applier = data;
  const AblakShapeTable *table = ablak_shape_find(applier->shape, change->table);
  bool ok = fits(table, change);
  g_string_truncate(applier->sql, 0);
  g_array_set_size(applier->values, 0);
  if (ok && change->op == ABLAK_CHANGE_INSERT) {
    build_insert(applier, table, change);
  } else if (ok && change->op == ABLAK_CHANGE_UPDATE) {
    ok = build_update(applier, table, change);
  } else if (ok) {
    g_string_append_printf(applier->sql, "DELETE FROM \"" ABLAK_REPLICA_PREFIX "%s\"", table->name);
    build_where(applier, table, change);
  }
  if (!ok) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol",
                    "a change does not fit the schema it was announced with");
    return false;
  }
  if (applier->touched != NULL && !g_hash_table_contains(applier->touched, table->name))
    g_hash_table_add(applier->touched, g_strdup(table->name));
  return run_change(applier, table, change, error);
}

bool ablak_replica_apply(AblakTxn *txn, const char *box, const AblakShape *shape, GBytes *changeset,
                         GHashTable *touched, GError **error)
{
  g_autoptr(GString) sql = g_string_new(NULL);
  g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(AblakValue));
  Applier applier = {txn, box, shape, sql, values, touched};
  return ablak_changeset_foreach(g_bytes_get_data(changeset, NULL), g_bytes_get_size(changeset),
                                 apply_change, &applier, error);
}
