#include "sync/shape.h"
#include "core/crypto.h"
#include "core/error.h"
#include <string.h>

#define NAME_MAX_LENGTH 63
#define TABLES_MAX 500
#define COLUMNS_MAX 200

struct AblakShape {
  guint8 id[ABLAK_HASH_SIZE];
  char *json;
  json_t *root; /* owns the names */
  GArray *tables;
};

bool ablak_name_is_valid(const char *name)
{
  gsize length = strlen(name);
  return length >= 1 && length <= NAME_MAX_LENGTH && !g_ascii_isdigit(name[0]) &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static bool bad(GError **error, const char *why)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/schema", "a schema %s", why);
  return false;
}

static bool parse_column(AblakShapeTable *table, json_t *columns, json_t *keys, guint i,
                         GError **error)
{
  const char *name = json_string_value(json_array_get(columns, i));
  json_t *key = json_array_get(keys, i);
  if (name == NULL || !ablak_name_is_valid(name) || strcmp(name, "box") == 0)
    return bad(error, "has a column name that is not allowed");
  if (!json_is_integer(key))
    return bad(error, "has no flag for a column");
  for (guint before = 0; before < i; before++)
    if (strcmp(table->column[before], name) == 0)
      return bad(error, "names a column twice");
  table->column[i] = name;
  table->primary_key[i] = json_integer_value(key) != 0;
  return true;
}

static bool parse_table(AblakShape *shape, json_t *value, GError **error)
{
  AblakShapeTable table = {.name = ablak_json_get_string(value, "table")};
  json_t *columns = json_object_get(value, "columns"), *keys = json_object_get(value, "pk");
  gsize count = json_array_size(columns);
  if (table.name == NULL || !ablak_name_is_valid(table.name) ||
      ablak_shape_find(shape, table.name) != NULL)
    return bad(error, "has a table name that is not allowed");
  if (count == 0 || count > COLUMNS_MAX || json_array_size(keys) != count)
    return bad(error, "has a table without or with too many columns");
  table.columns = (guint)count;
  table.column = g_new0(const char *, count);
  table.primary_key = g_new0(bool, count);
  g_array_append_val(shape->tables, table); /* the shape frees it from here on */
  bool has_key = false;
  for (guint i = 0; i < count; i++) {
    if (!parse_column(&table, columns, keys, i, error))
      return false;
    has_key |= table.primary_key[i];
  }
  return has_key || bad(error, "has a table without a primary key");
}

static bool parse_root(AblakShape *shape, GError **error)
{
  json_t *tables = json_object_get(shape->root, "tables");
  if (!json_is_array(tables) || json_array_size(tables) > TABLES_MAX)
    return bad(error, "has no list of tables");
  for (gsize i = 0; i < json_array_size(tables); i++)
    if (!parse_table(shape, json_array_get(tables, i), error))
      return false;
  return true;
}

static void table_clear(gpointer data)
{
  AblakShapeTable *table = data;
  g_free(table->column);
  g_free(table->primary_key);
}

static void shape_clear(gpointer data)
{
  AblakShape *shape = data;
  g_array_unref(shape->tables);
  json_decref(shape->root);
  g_free(shape->json);
}

AblakShape *ablak_shape_parse(const void *json, gsize size, GError **error)
{
  if (size > ABLAK_FRAME_MAX - 256) {
    bad(error, "is too large");
    return NULL;
  }
  g_autoptr(AblakShape) shape = g_atomic_rc_box_new0(AblakShape);
  shape->tables = g_array_new(FALSE, FALSE, sizeof(AblakShapeTable));
  g_array_set_clear_func(shape->tables, table_clear);
  shape->root = ablak_json_parse(json, size, NULL);
  if (shape->root == NULL) {
    bad(error, "is not JSON");
    return NULL;
  }
  if (!parse_root(shape, error))
    return NULL;
  shape->json = g_strndup(json, size);
  ablak_sha256(json, size, shape->id);
  return g_steal_pointer(&shape);
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

AblakShape *ablak_shape_of_store(AblakStore *store, AblakTxn *txn, GError **error)
{
  g_autofree const char **names = ablak_store_tables(store, ABLAK_OWNER_UP);
  qsort(names, g_strv_length((char **)names), sizeof *names, by_name);
  g_autoptr(json_t) root = json_object();
  json_t *tables = json_array();
  json_object_set_new(root, "tables", tables);
  for (gsize i = 0; names[i] != NULL; i++) {
    json_t *shape = ablak_txn_table_shape(txn, names[i], error);
    if (shape == NULL)
      return NULL;
    json_array_append_new(tables, shape);
  }
  g_autofree char *json = ablak_json_text(root);
  return ablak_shape_parse(json, strlen(json), error);
}

AblakShape *ablak_shape_ref(AblakShape *shape)
{
  return g_atomic_rc_box_acquire(shape);
}

void ablak_shape_unref(AblakShape *shape)
{
  if (shape != NULL)
    g_atomic_rc_box_release_full(shape, shape_clear);
}

const guint8 *ablak_shape_id(const AblakShape *shape)
{
  return shape->id;
}

const char *ablak_shape_json(const AblakShape *shape)
{
  return shape->json;
}

guint ablak_shape_count(const AblakShape *shape)
{
  return shape->tables->len;
}

const AblakShapeTable *ablak_shape_at(const AblakShape *shape, guint index)
{
  return &g_array_index(shape->tables, AblakShapeTable, index);
}

const AblakShapeTable *ablak_shape_find(const AblakShape *shape, const char *table)
{
  for (guint i = 0; i < shape->tables->len; i++)
    if (strcmp(ablak_shape_at(shape, i)->name, table) == 0)
      return ablak_shape_at(shape, i);
  return NULL;
}

void ablak_shape_append_columns(GString *sql, const AblakShapeTable *table)
{
  for (guint i = 0; i < table->columns; i++)
    g_string_append_printf(sql, "%s\"%s\"", i > 0 ? "," : "", table->column[i]);
}
