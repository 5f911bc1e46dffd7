/* Small containers: numbers found by what they stand for, and arrays that are not there while
 * they are empty. */
#include "forms/coedit/internal.h"

guint32 hash_number(guint64 number)
{
  return (guint32)((number * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)) >> 32);
}

guint32 table_find(const Table *table, const Doc *doc, const TableKind *kind, guint32 hash,
                   const void *probe)
{
  if (table == NULL)
    return NONE;
  guint32 mask = table->capacity - 1;
  for (guint32 slot = hash & mask; table->slots[slot] != NONE; slot = (slot + 1) & mask) {
    if (kind->same(doc, table->slots[slot], probe))
      return table->slots[slot];
  }
  return NONE;
}

static void put(Table *table, guint32 hash, guint32 number)
{
  guint32 mask = table->capacity - 1, slot = hash & mask;
  while (table->slots[slot] != NONE)
    slot = (slot + 1) & mask;
  table->slots[slot] = number;
  table->count++;
}

static gsize table_bytes(const Table *table)
{
  return table != NULL ? sizeof *table + table->capacity * sizeof *table->slots : 0;
}

static Table *grown(const Table *old, const Doc *doc, const TableKind *kind)
{
  guint32 capacity = old != NULL ? old->capacity * 2 : 4;
  Table *table = g_malloc(sizeof *table + capacity * sizeof *table->slots);
  table->count = 0;
  table->capacity = capacity;
  memset(table->slots, 0xff, capacity * sizeof *table->slots);
  guint32 cursor = 0, number;
  while (table_next(old, &cursor, &number))
    put(table, kind->hash(doc, number), number);
  return table;
}

void table_add(Table **table, Doc *doc, const TableKind *kind, guint32 number)
{
  Table *old = *table;
  if (old == NULL || (old->count + 1) * 4 > old->capacity * 3) {
    *table = grown(old, doc, kind);
    doc->bytes += table_bytes(*table) - table_bytes(old);
    g_free(old);
  }
  put(*table, kind->hash(doc, number), number);
}

void table_free(Table **table, Doc *doc)
{
  doc->bytes -= table_bytes(*table);
  g_clear_pointer(table, g_free);
}

gpointer array_grow(Doc *doc, gpointer array, gsize element_size, guint32 *capacity)
{
  guint32 more = MAX(4, *capacity / 2);
  *capacity += more;
  doc->bytes += more * element_size;
  return g_realloc_n(array, *capacity, element_size);
}

/* Beyond this a transaction's array goes back when it ends. */
#define KEPT 16

void ranges_add(Ranges *ranges, Range range)
{
  if (ranges->count == ranges->capacity) {
    ranges->capacity = MAX(4, ranges->capacity * 2);
    ranges->at = g_renew(Range, ranges->at, ranges->capacity);
  }
  ranges->at[ranges->count++] = range;
}

void ranges_release(Ranges *ranges)
{
  ranges->count = 0;
  if (ranges->capacity <= KEPT)
    return;
  g_clear_pointer(&ranges->at, g_free);
  ranges->capacity = 0;
}

void log_add(Log *log, const LogEntry *entry)
{
  if (log->count == log->capacity) {
    log->capacity = MAX(2, log->capacity * 2);
    log->at = g_renew(LogEntry, log->at, log->capacity);
  }
  log->at[log->count++] = *entry;
}
