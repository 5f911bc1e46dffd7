/* Walking changesets (the format is described at the top of SQLite's sqlite3session.c):
 *
 *   table header   'T', varint columns, one key flag a column, name ending with NUL
 *   change         op byte, indirect byte, the old row (UPDATE, DELETE), the new row (INSERT,
 * UPDATE) row            a value for each column: a type byte, then 8 bytes for a number,
 * big-endian, or a varint and that many bytes for text and blobs; type 0 stands for "unchanged"
 *
 * Not with sqlite3changeset_next: SQLite 3.40.1 loops for ever in a header that is cut off, and
 * these bytes come from other machines. */
#include "core/error.h"
#include "store/private.h"
#include <string.h>

#define COLUMNS_MAX 2000 /* SQLite's own default limit */

typedef struct {
  const guint8 *at, *end;
} Input;

/* The table that the changes after its header belong to. */
typedef struct {
  const char *name;
  const guint8 *keys;
  int columns;
  AblakValue *old_values, *new_values;
} Table;

static gsize left(const Input *input)
{
  return (gsize)(input->end - input->at);
}

static const guint8 *take(Input *input, gsize size)
{
  if (left(input) < size)
    return NULL;
  const guint8 *taken = input->at;
  input->at += size;
  return taken;
}

/* SQLite's varint: up to eight bytes of seven bits, most significant first, and a ninth of eight.
 */
static bool take_varint(Input *input, guint64 *ret_value)
{
  guint64 value = 0;
  for (int i = 0; i < 9; i++) {
    const guint8 *byte = take(input, 1);
    if (byte == NULL)
      return false;
    if (i == 8) {
      *ret_value = value << 8 | *byte;
      return true;
    }
    value = value << 7 | (*byte & 0x7f);
    if ((*byte & 0x80) == 0)
      break;
  }
  *ret_value = value;
  return true;
}

static bool take_number(Input *input, guint64 *ret_bits)
{
  const guint8 *bytes = take(input, 8);
  if (bytes == NULL)
    return false;
  guint64 bits;
  memcpy(&bits, bytes, sizeof bits);
  *ret_bits = GUINT64_FROM_BE(bits);
  return true;
}

static bool take_value(Input *input, AblakValue *ret_value)
{
  static const AblakValueType types[] = {ABLAK_VALUE_UNCHANGED, ABLAK_VALUE_INT,  ABLAK_VALUE_REAL,
                                         ABLAK_VALUE_TEXT,      ABLAK_VALUE_BLOB, ABLAK_VALUE_NULL};
  const guint8 *type = take(input, 1);
  if (type == NULL || *type >= G_N_ELEMENTS(types))
    return false;
  guint64 number;
  *ret_value = (AblakValue){.type = types[*type]};
  switch (ret_value->type) {
  case ABLAK_VALUE_INT:
    if (!take_number(input, &number))
      return false;
    ret_value->integer = (gint64)number;
    return true;
  case ABLAK_VALUE_REAL:
    if (!take_number(input, &number))
      return false;
    memcpy(&ret_value->real, &number, sizeof number);
    return true;
  case ABLAK_VALUE_TEXT:
  case ABLAK_VALUE_BLOB:
    if (!take_varint(input, &number) || number > left(input))
      return false;
    ret_value->size = (gsize)number;
    ret_value->bytes = take(input, ret_value->size);
    return true;
  default:
    return true;
  }
}

/* A whole row names every column; a partial one (of an UPDATE) at least its key. */
static bool take_row(Input *input, const Table *table, bool whole, bool needs_key,
                     AblakValue *ret_values)
{
  for (int i = 0; i < table->columns; i++) {
    if (!take_value(input, &ret_values[i]))
      return false;
    bool needed = whole || (needs_key && table->keys[i] != 0);
    if (needed && ret_values[i].type == ABLAK_VALUE_UNCHANGED)
      return false;
  }
  return true;
}

static bool has_key(const Table *table)
{
  for (int i = 0; i < table->columns; i++)
    if (table->keys[i] != 0)
      return true;
  return false;
}

static bool take_table(Input *input, Table *table)
{
  guint64 columns;
  if (!take_varint(input, &columns) || columns < 1 || columns > COLUMNS_MAX)
    return false;
  table->columns = (int)columns;
  table->keys = take(input, (gsize)columns);
  const guint8 *end = table->keys != NULL ? memchr(input->at, '\0', left(input)) : NULL;
  if (end == NULL || end == input->at || !has_key(table))
    return false;
  table->name = (const char *)input->at;
  input->at = end + 1;
  table->old_values = g_renew(AblakValue, table->old_values, table->columns);
  table->new_values = g_renew(AblakValue, table->new_values, table->columns);
  return true;
}

/* The op byte has been read. */
static bool take_change(Input *input, guint8 op, const Table *table, AblakChange *ret_change)
{
  if (table->name == NULL || take(input, 1) == NULL) /* the indirect flag says nothing to us */
    return false;
  *ret_change =
      (AblakChange){.table = table->name, .columns = table->columns, .primary_key = table->keys};
  if (op == SQLITE_INSERT) {
    ret_change->op = ABLAK_CHANGE_INSERT;
    ret_change->new_values = table->new_values;
    return take_row(input, table, true, true, table->new_values);
  }
  ret_change->old_values = table->old_values;
  if (op == SQLITE_DELETE) {
    ret_change->op = ABLAK_CHANGE_DELETE;
    return take_row(input, table, true, true, table->old_values);
  }
  ret_change->op = ABLAK_CHANGE_UPDATE;
  ret_change->new_values = table->new_values;
  return op == SQLITE_UPDATE && take_row(input, table, false, true, table->old_values) &&
         take_row(input, table, false, false, table->new_values);
}

static bool walk(Input *input, Table *table, AblakChangeVisit visit, gpointer data, GError **error)
{
  while (left(input) > 0) {
    guint8 first = *take(input, 1);
    AblakChange change;
    bool is_table = first == 'T';
    if (is_table ? !take_table(input, table) : !take_change(input, first, table, &change)) {
      ablak_error_set(error, ABLAK_ERROR_INVALID, "store/changeset", "the changeset is malformed");
      return false;
    }
    if (!is_table && !visit(&change, data, error))
      return false;
  }
  return true;
}

bool ablak_changeset_foreach(const void *changeset, gsize size, AblakChangeVisit visit,
                             gpointer data, GError **error)
{
  const guint8 *bytes = size > 0 ? changeset : (const guint8 *)"";
  Input input = {bytes, bytes + size};
  Table table = {0};
  bool done = walk(&input, &table, visit, data, error);
  g_free(table.old_values);
  g_free(table.new_values);
  return done;
}
