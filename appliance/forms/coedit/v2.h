/* forms/coedit/v2.h: lib0's run-length coders, the columns of update format v2. Private. */
#pragma once
#include "forms/coedit/bytes.h"

typedef struct {
  Reader reader;
  gint64 value, difference;
  guint64 count; /* how often `value` (or `difference`) still comes; bytes: G_MAXUINT64 for ever */
} Column;

/* RleDecoder of bytes, UintOptRleDecoder, IntDiffOptRleDecoder. */
bool column_read_byte(Column *column, guint8 *ret_byte);
bool column_read_uint(Column *column, guint64 *ret_number);
bool column_read_difference(Column *column, guint64 *ret_number);

typedef struct {
  Buffer buffer;
  gint64 value, difference;
  guint64 count;
} ColumnWriter;

void column_write_byte(ColumnWriter *column, guint8 byte);
void column_write_uint(ColumnWriter *column, guint64 number);
void column_write_difference(ColumnWriter *column, guint64 number);
/* What is still held back. */
void column_flush_uint(ColumnWriter *column);
void column_flush_difference(ColumnWriter *column);
