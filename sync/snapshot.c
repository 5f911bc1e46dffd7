#include "sync/snapshot.h"
#include "core/error.h"
#include <string.h>

/* SQLite's changeset format: 'T', varint columns, key flags, name and NUL; then records of an
 * operation byte (18: insert), an indirect flag, and the typed values. */
#define TABLE_HEADER 'T'
#define OP_INSERT 18

struct AblakSnapshotReader {
  AblakTxn *txn;
  AblakShape *shape;
  guint table; /* the next one */
  const AblakShapeTable *current;
  AblakRows *rows; /* of `current` */
};

static void put_varint(GByteArray *out, guint64 number)
{
  guint8 bytes[10];
  gsize at = sizeof bytes;
  guint8 more = 0;
  do {
    at--;
    bytes[at] = (guint8)(number & 0x7f) | more;
    more = 0x80;
    number >>= 7;
  } while (number > 0);
  g_byte_array_append(out, bytes + at, (guint)(sizeof bytes - at));
}

static void put_byte(GByteArray *out, guint8 byte)
{
  g_byte_array_append(out, &byte, 1);
}

static void put_header(GByteArray *out, const AblakShapeTable *table)
{
  put_byte(out, TABLE_HEADER);
  put_varint(out, table->columns);
  for (guint i = 0; i < table->columns; i++)
    put_byte(out, table->primary_key[i]);
  g_byte_array_append(out, (const guint8 *)table->name, (guint)strlen(table->name) + 1);
}

static void put_eight(GByteArray *out, guint8 type, guint64 bits)
{
  guint64 big = GUINT64_TO_BE(bits);
  put_byte(out, type);
  g_byte_array_append(out, (const guint8 *)&big, sizeof big);
}

static void put_value(GByteArray *out, const AblakValue *value)
{
  guint64 bits = 0;
  switch (value->type) {
  case ABLAK_VALUE_INT:
    put_eight(out, 1, (guint64)value->integer);
    break;
  case ABLAK_VALUE_REAL:
    memcpy(&bits, &value->real, sizeof bits);
    put_eight(out, 2, bits);
    break;
  case ABLAK_VALUE_TEXT:
  case ABLAK_VALUE_BLOB:
    put_byte(out, value->type == ABLAK_VALUE_TEXT ? 3 : 4);
    put_varint(out, value->size);
    if (value->size > 0)
      g_byte_array_append(out, value->bytes, (guint)value->size);
    break;
  default:
    put_byte(out, 5);
  }
}

AblakSnapshotReader *ablak_snapshot_reader_new(AblakTxn *txn, AblakShape *shape)
{
  AblakSnapshotReader *reader = g_new0(AblakSnapshotReader, 1);
  reader->txn = txn;
  reader->shape = ablak_shape_ref(shape);
  return reader;
}

void ablak_snapshot_reader_free(AblakSnapshotReader *reader)
{
  if (reader == NULL)
    return;
  ablak_rows_free(reader->rows);
  ablak_shape_unref(reader->shape);
  g_free(reader);
}

static bool open_table(AblakSnapshotReader *reader, GError **error)
{
  reader->current = ablak_shape_at(reader->shape, reader->table++);
  g_autoptr(GString) sql = g_string_new("SELECT ");
  ablak_shape_append_columns(sql, reader->current);
  g_string_append_printf(sql, " FROM \"%s\"", reader->current->name);
  reader->rows = ablak_txn_query(reader->txn, error, sql->str, "");
  return reader->rows != NULL;
}

/* Adds rows of the open table until the chunk is full; closes the table at its end. */
static bool add_rows(AblakSnapshotReader *reader, GByteArray *chunk, GError **error)
{
  g_autoptr(GError) cause = NULL;
  bool headed = false;
  while (chunk->len < ABLAK_SNAPSHOT_CHUNK) {
    if (!ablak_rows_next(reader->rows, &cause)) {
      g_clear_pointer(&reader->rows, ablak_rows_free);
      break;
    }
    if (!headed)
      put_header(chunk, reader->current);
    headed = true;
    put_byte(chunk, OP_INSERT);
    put_byte(chunk, 0);
    for (guint i = 0; i < reader->current->columns; i++) {
      AblakValue value = ablak_rows_value(reader->rows, (int)i);
      put_value(chunk, &value);
    }
  }
  if (cause == NULL && chunk->len > ABLAK_PAYLOAD_MAX)
    ablak_error_set(&cause, ABLAK_ERROR_TOO_LARGE, "sync/too-large", "a row of %s is too large",
                    reader->current->name);
  if (cause == NULL)
    return true;
  g_propagate_error(error, g_steal_pointer(&cause));
  return false;
}

bool ablak_snapshot_reader_next(AblakSnapshotReader *reader, GBytes **ret_chunk, GError **error)
{
  g_autoptr(GByteArray) chunk = g_byte_array_new();
  while (chunk->len < ABLAK_SNAPSHOT_CHUNK) {
    if (reader->rows == NULL) {
      if (reader->table == ablak_shape_count(reader->shape))
        break;
      if (!open_table(reader, error))
        return false;
    }
    if (!add_rows(reader, chunk, error))
      return false;
  }
  *ret_chunk = chunk->len > 0 ? g_byte_array_free_to_bytes(g_steal_pointer(&chunk)) : NULL;
  return true;
}
