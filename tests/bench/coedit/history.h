/* A history's file: update format v1 updates, each behind its length as a varint. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct {
  const guint8 *at, *end;
} History;

typedef enum { HISTORY_UPDATE, HISTORY_END, HISTORY_TRUNCATED } HistoryNext;

static inline HistoryNext history_next(History *history, const guint8 **ret_data, gsize *ret_size)
{
  guint64 size = 0;
  unsigned shift = 0;
  guint8 byte;
  if (history->at == history->end)
    return HISTORY_END;
  do {
    if (history->at == history->end || shift > 56)
      return HISTORY_TRUNCATED;
    byte = *history->at++;
    size |= (guint64)(byte & 0x7f) << shift;
    shift += 7;
  } while (byte > 0x7f);
  if (size > (guint64)(history->end - history->at))
    return HISTORY_TRUNCATED;
  *ret_data = history->at;
  *ret_size = size;
  history->at += size;
  return HISTORY_UPDATE;
}
