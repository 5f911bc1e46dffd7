#include "forms/coedit/v2.h"

bool column_read_byte(Column *column, guint8 *ret_byte)
{
  if (column->count == 0) {
    guint8 byte;
    if (!read_byte(&column->reader, &byte))
      return false;
    column->value = byte;
    column->count = G_MAXUINT64; /* the last value has no count: it comes for ever */
    if (column->reader.at < column->reader.end) {
      if (!read_uint(&column->reader, &column->count))
        return false;
      column->count++;
    }
  }
  if (column->count != G_MAXUINT64)
    column->count--;
  *ret_byte = (guint8)column->value;
  return true;
}

static bool read_count(Column *column)
{
  if (!read_uint(&column->reader, &column->count))
    return false;
  column->count += 2;
  return true;
}

bool column_read_uint(Column *column, guint64 *ret_number)
{
  if (column->count == 0) {
    bool negative;
    guint64 number;
    if (!read_int(&column->reader, &negative, &number))
      return false;
    column->value = (gint64)number;
    column->count = 1;
    if (negative && !read_count(column)) /* the sign says that a count follows, even for -0 */
      return false;
  }
  column->count--;
  *ret_number = (guint64)column->value;
  return true;
}

bool column_read_difference(Column *column, guint64 *ret_number)
{
  if (column->count == 0) {
    bool negative;
    guint64 number;
    if (!read_int(&column->reader, &negative, &number))
      return false;
    gint64 encoded = negative ? -(gint64)number : (gint64)number;
    column->difference = encoded >> 1; /* the lowest bit says that a count follows */
    column->count = 1;
    if ((encoded & 1) != 0 && !read_count(column))
      return false;
  }
  column->count--;
  column->value += column->difference;
  *ret_number = (guint64)column->value;
  return column->value >= 0 && (guint64)column->value <= YINT_MAX;
}

void column_write_byte(ColumnWriter *column, guint8 byte)
{
  if (column->count > 0 && column->value == byte) {
    column->count++;
    return;
  }
  if (column->count > 0)
    write_uint(&column->buffer, column->count - 1);
  column->count = 1;
  column->value = byte;
  write_byte(&column->buffer, byte);
}

void column_flush_uint(ColumnWriter *column)
{
  if (column->count == 0)
    return;
  write_int(&column->buffer, column->count > 1, (guint64)column->value);
  if (column->count > 1)
    write_uint(&column->buffer, column->count - 2);
}

void column_write_uint(ColumnWriter *column, guint64 number)
{
  if ((guint64)column->value == number) {
    column->count++;
    return;
  }
  column_flush_uint(column);
  column->count = 1;
  column->value = (gint64)number;
}

void column_flush_difference(ColumnWriter *column)
{
  if (column->count == 0)
    return;
  gint64 encoded = column->difference * 2 + (column->count > 1);
  write_int(&column->buffer, encoded < 0, (guint64)(encoded < 0 ? -encoded : encoded));
  if (column->count > 1)
    write_uint(&column->buffer, column->count - 2);
}

void column_write_difference(ColumnWriter *column, guint64 number)
{
  gint64 difference = (gint64)number - column->value;
  column->value = (gint64)number;
  if (difference == column->difference) {
    column->count++;
    return;
  }
  column_flush_difference(column);
  column->count = 1;
  column->difference = difference;
}
