/* SQL: cached statements, parameters and rows. */
#include "core/error.h"
#include "store/private.h"
#include <string.h>

#define STATEMENTS_MAX 160

typedef struct {
  char *sql;
  sqlite3_stmt *handle;
  GList *link; /* in `recent`; NULL when it is not cached */
  bool busy;
} Statement;

struct AblakRows {
  AblakTxn *txn;
  Statement *statement;
};

static void statement_free(Statement *statement)
{
  sqlite3_finalize(statement->handle);
  g_free(statement->sql);
  g_free(statement);
}

void connection_close(AblakTxn *txn)
{
  for (GList *link = txn->recent.head; link != NULL; link = link->next)
    statement_free(link->data);
  g_queue_clear(&txn->recent);
  g_hash_table_unref(txn->statements);
  /* Fails only when rows are still held: a fault of the caller that must not pass unseen. */
  if (sqlite3_close(txn->db) != SQLITE_OK) {
    g_critical("a connection is closed while rows are still held");
    sqlite3_close_v2(txn->db);
  }
  g_free(txn);
}

static void drop_oldest(AblakTxn *txn)
{
  GList *link = txn->recent.tail;
  while (link != NULL && ((Statement *)link->data)->busy)
    link = link->prev;
  if (link == NULL)
    return;
  Statement *statement = link->data;
  g_hash_table_remove(txn->statements, statement->sql);
  g_queue_delete_link(&txn->recent, link);
  statement_free(statement);
}

static Statement *prepare(AblakTxn *txn, const char *sql, bool cached, GError **error)
{
  sqlite3_stmt *handle;
  const char *tail;
  unsigned flags = cached ? SQLITE_PREPARE_PERSISTENT : 0;
  int code = sqlite3_prepare_v3(txn->db, sql, -1, flags, &handle, &tail);
  if (code != SQLITE_OK) {
    set_sqlite_error(txn, code, error);
    return NULL;
  }
  if (handle == NULL || tail[strspn(tail, " \n\t;")] != '\0') {
    sqlite3_finalize(handle);
    ablak_error_set(error, ABLAK_ERROR_FAILED, "internal", "exactly one SQL statement is needed");
    return NULL;
  }
  Statement *statement = g_new0(Statement, 1);
  statement->handle = handle;
  statement->sql = g_strdup(sql);
  return statement;
}

/* A statement that is being stepped through already gets an uncached twin. */
static Statement *take_statement(AblakTxn *txn, const char *sql, GError **error)
{
  Statement *found = g_hash_table_lookup(txn->statements, sql);
  if (found != NULL && !found->busy) {
    g_queue_unlink(&txn->recent, found->link);
    g_queue_push_head_link(&txn->recent, found->link);
    found->busy = true;
    return found;
  }
  Statement *made = prepare(txn, sql, found == NULL, error);
  if (made == NULL)
    return NULL;
  made->busy = true;
  if (found == NULL) {
    if (g_hash_table_size(txn->statements) >= STATEMENTS_MAX)
      drop_oldest(txn);
    g_queue_push_head(&txn->recent, made);
    made->link = txn->recent.head;
    g_hash_table_insert(txn->statements, made->sql, made);
  }
  return made;
}

static void give_back(Statement *statement)
{
  if (statement->link == NULL) {
    statement_free(statement);
    return;
  }
  sqlite3_reset(statement->handle);
  sqlite3_clear_bindings(statement->handle);
  statement->busy = false;
}

static int bind_json(sqlite3_stmt *handle, int index, json_t *value)
{
  if (value == NULL)
    return sqlite3_bind_null(handle, index);
  return sqlite3_bind_text(handle, index, ablak_json_text(value), -1, g_free);
}

static int bind_one(sqlite3_stmt *handle, int index, char type, va_list *values)
{
  switch (type) {
  case 't':
    return sqlite3_bind_text(handle, index, va_arg(*values, const char *), -1, SQLITE_TRANSIENT);
  case 'i':
    return sqlite3_bind_int64(handle, index, va_arg(*values, gint64));
  case 'd':
    return sqlite3_bind_double(handle, index, va_arg(*values, double));
  case 'j':
    return bind_json(handle, index, va_arg(*values, json_t *));
  case 'b': {
    const void *bytes = va_arg(*values, const void *);
    gsize size = va_arg(*values, gsize);
    /* sqlite3_bind_blob would make an empty blob at NULL; an empty one elsewhere stays a blob. */
    return bytes == NULL ? sqlite3_bind_null(handle, index)
                         : sqlite3_bind_blob64(handle, index, bytes, size, SQLITE_TRANSIENT);
  }
  default:
    return SQLITE_MISUSE;
  }
}

static bool bind_all(AblakTxn *txn, Statement *statement, const char *types, va_list *values,
                     GError **error)
{
  gsize count = strlen(types);
  if (count != (gsize)sqlite3_bind_parameter_count(statement->handle)) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "internal", "%zu parameters given for: %s", count,
                    statement->sql);
    return false;
  }
  for (gsize i = 0; i < count; i++) {
    int code = bind_one(statement->handle, (int)i + 1, types[i], values);
    if (code != SQLITE_OK)
      return set_sqlite_error(txn, code, error);
  }
  return true;
}

static Statement *take_bound(AblakTxn *txn, const char *sql, const char *types, va_list *values,
                             GError **error)
{
  Statement *statement = take_statement(txn, sql, error);
  if (statement != NULL && !bind_all(txn, statement, types, values, error)) {
    give_back(statement);
    return NULL;
  }
  return statement;
}

/* Steps to the end and gives the statement back. */
static bool finish_statement(AblakTxn *txn, Statement *statement, gint64 *ret_changes,
                             GError **error)
{
  int code;
  while ((code = sqlite3_step(statement->handle)) == SQLITE_ROW)
    continue;
  bool done = code == SQLITE_DONE || set_sqlite_error(txn, code, error);
  if (done && ret_changes != NULL)
    *ret_changes = sqlite3_stmt_readonly(statement->handle) ? 0 : sqlite3_changes64(txn->db);
  give_back(statement);
  return done;
}

bool ablak_txn_exec(AblakTxn *txn, gint64 *ret_changes, GError **error, const char *sql,
                    const char *types, ...)
{
  va_list values;
  va_start(values, types);
  Statement *statement = take_bound(txn, sql, types, &values, error);
  va_end(values);
  return statement != NULL && finish_statement(txn, statement, ret_changes, error);
}

static int bind_value(sqlite3_stmt *handle, int index, const AblakValue *value)
{
  switch (value->type) {
  case ABLAK_VALUE_NULL:
    return sqlite3_bind_null(handle, index);
  case ABLAK_VALUE_INT:
    return sqlite3_bind_int64(handle, index, value->integer);
  case ABLAK_VALUE_REAL:
    return sqlite3_bind_double(handle, index, value->real);
  case ABLAK_VALUE_TEXT: /* SQLite leaves the bytes alone while the statement runs */
    return sqlite3_bind_text64(handle, index, value->bytes != NULL ? value->bytes : "", value->size,
                               SQLITE_STATIC, SQLITE_UTF8);
  case ABLAK_VALUE_BLOB:
    return sqlite3_bind_blob64(handle, index, value->bytes != NULL ? value->bytes : "", value->size,
                               SQLITE_STATIC);
  case ABLAK_VALUE_UNCHANGED:
    break;
  }
  return SQLITE_MISUSE;
}

bool ablak_txn_exec_values(AblakTxn *txn, gint64 *ret_changes, GError **error, const char *sql,
                           const AblakValue *values, gsize count)
{
  Statement *statement = take_statement(txn, sql, error);
  if (statement == NULL)
    return false;
  int code =
      count == (gsize)sqlite3_bind_parameter_count(statement->handle) ? SQLITE_OK : SQLITE_RANGE;
  for (gsize i = 0; code == SQLITE_OK && i < count; i++)
    code = bind_value(statement->handle, (int)i + 1, &values[i]);
  if (code == SQLITE_OK)
    return finish_statement(txn, statement, ret_changes, error);
  ablak_error_set(error, ABLAK_ERROR_FAILED, "internal", "%zu values cannot be bound to: %s", count,
                  sql);
  give_back(statement);
  return false;
}

static AblakRows *rows_new(AblakTxn *txn, Statement *statement)
{
  if (statement == NULL)
    return NULL;
  AblakRows *rows = g_new0(AblakRows, 1);
  rows->txn = txn;
  rows->statement = statement;
  return rows;
}

AblakRows *ablak_txn_query(AblakTxn *txn, GError **error, const char *sql, const char *types, ...)
{
  va_list values;
  va_start(values, types);
  AblakRows *rows = rows_new(txn, take_bound(txn, sql, types, &values, error));
  va_end(values);
  return rows;
}

bool ablak_rows_next(AblakRows *rows, GError **error)
{
  int code = sqlite3_step(rows->statement->handle);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    set_sqlite_error(rows->txn, code, error);
  return code == SQLITE_ROW;
}

void ablak_rows_free(AblakRows *rows)
{
  if (rows == NULL)
    return;
  give_back(rows->statement);
  g_free(rows);
}

AblakRows *ablak_txn_query_one(AblakTxn *txn, GError **error, const char *sql, const char *types,
                               ...)
{
  va_list values;
  va_start(values, types);
  g_autoptr(AblakRows) rows = rows_new(txn, take_bound(txn, sql, types, &values, error));
  va_end(values);
  if (rows == NULL)
    return NULL;
  g_autoptr(GError) fault = NULL;
  if (ablak_rows_next(rows, &fault))
    return g_steal_pointer(&rows);
  if (fault != NULL)
    g_propagate_error(error, g_steal_pointer(&fault));
  else
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "not-found", "no row");
  return NULL;
}

bool ablak_rows_is_null(AblakRows *rows, int column)
{
  return sqlite3_column_type(rows->statement->handle, column) == SQLITE_NULL;
}

const char *ablak_rows_text(AblakRows *rows, int column)
{
  return (const char *)sqlite3_column_text(rows->statement->handle, column);
}

gint64 ablak_rows_int(AblakRows *rows, int column)
{
  return sqlite3_column_int64(rows->statement->handle, column);
}

double ablak_rows_double(AblakRows *rows, int column)
{
  return sqlite3_column_double(rows->statement->handle, column);
}

const void *ablak_rows_blob(AblakRows *rows, int column, gsize *ret_size)
{
  sqlite3_stmt *handle = rows->statement->handle;
  const void *bytes = sqlite3_column_blob(handle, column);
  *ret_size = (gsize)sqlite3_column_bytes(handle, column);
  if (bytes == NULL && sqlite3_column_type(handle, column) != SQLITE_NULL)
    return ""; /* an empty blob is not NULL */
  return bytes;
}

int ablak_rows_columns(AblakRows *rows)
{
  return sqlite3_column_count(rows->statement->handle);
}

AblakValue ablak_rows_value(AblakRows *rows, int column)
{
  AblakValue value = {.type = ABLAK_VALUE_NULL};
  switch (sqlite3_column_type(rows->statement->handle, column)) {
  case SQLITE_INTEGER:
    value.type = ABLAK_VALUE_INT;
    value.integer = ablak_rows_int(rows, column);
    break;
  case SQLITE_FLOAT:
    value.type = ABLAK_VALUE_REAL;
    value.real = ablak_rows_double(rows, column);
    break;
  case SQLITE_TEXT:
    value.type = ABLAK_VALUE_TEXT;
    value.bytes = ablak_rows_text(rows, column);
    value.size = (gsize)sqlite3_column_bytes(rows->statement->handle, column);
    break;
  case SQLITE_BLOB:
    value.type = ABLAK_VALUE_BLOB;
    value.bytes = ablak_rows_blob(rows, column, &value.size);
    break;
  default:
    break;
  }
  return value;
}

json_t *ablak_rows_json(AblakRows *rows, int column)
{
  const char *text = ablak_rows_text(rows, column);
  return text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

gint64 ablak_txn_now_ms(AblakTxn *txn)
{
  return txn->now_ms;
}
