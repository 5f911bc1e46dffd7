/* forms/coedit/table.h: numbers found by what they stand for, and arrays that are not there while
 * they are empty. Private to the folder. */
#pragma once
#include "forms/coedit/model.h"

typedef struct {
  guint32 (*hash)(const Doc *doc, guint32 number);
  bool (*same)(const Doc *doc, guint32 number, const void *probe);
} TableKind;
guint32 hash_number(guint64 number);
static inline guint32 table_slot(const Table *table, guint32 slot)
{
  guint32 number;
  if (!table->wide)
    return table->slots[slot] == G_MAXUINT16 ? NONE : table->slots[slot];
  memcpy(&number, table->slots + 2 * (gsize)slot, sizeof number);
  return number;
}
guint32 table_find(const Table *table, const Doc *doc, const TableKind *kind, guint32 hash,
                   const void *probe);
/* Adds what is not in it yet. */
void table_add(Table **table, Doc *doc, const TableKind *kind, guint32 number);
void table_fit(Table **table, Doc *doc, const TableKind *kind);
void table_free(Table **table, Doc *doc);
/* Walks the numbers; `cursor` begins at 0. */
static inline bool table_next(const Table *table, guint32 *cursor, guint32 *ret_number)
{
  while (table != NULL && *cursor < table->capacity) {
    *ret_number = table_slot(table, (*cursor)++);
    if (*ret_number != NONE)
      return true;
  }
  return false;
}
/* Room for one more in an array that grows by a quarter; the bytes are the document's. */
gpointer array_grow(Doc *doc, gpointer array, gsize element_size, guint32 *capacity);
void ranges_add(Ranges *ranges, Range range);
/* Into sorted and merged ranges. */
void ranges_insert(Ranges *ranges, Range range);
void ranges_clear(Ranges *ranges);
void log_add(Log *log, const LogEntry *entry);
