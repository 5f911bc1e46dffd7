/* Small containers: numbers found by what they stand for, and arrays that are not there while
 * they are empty. */
#include "forms/coedit/table.h"

guint32 hash_number(guint64 number)
{
  return (guint32)((number * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)) >> 32);
}

/* Any capacity will do: the hash is scaled to it. */
static guint32 home(const Table *table, guint32 hash)
{
  return (guint32)((guint64)hash * table->capacity >> 32);
}

static guint32 following(const Table *table, guint32 slot)
{
  return slot + 1 < table->capacity ? slot + 1 : 0;
}

guint32 table_find(const Table *table, const Doc *doc, const TableKind *kind, guint32 hash,
                   const void *probe)
{
  if (table == NULL)
    return NONE;
  guint32 slot = home(table, hash), number = table_slot(table, slot);
  while (number != NONE && !kind->same(doc, number, probe)) {
    slot = following(table, slot);
    number = table_slot(table, slot);
  }
  return number;
}

static void put(Table *table, guint32 hash, guint32 number)
{
  guint32 slot = home(table, hash);
  while (table_slot(table, slot) != NONE)
    slot = following(table, slot);
  if (table->wide)
    memcpy(table->slots + 2 * (gsize)slot, &number, sizeof number);
  else
    table->slots[slot] = (guint16)number;
  table->count++;
}

static gsize slot_bytes(guint32 capacity, bool wide)
{
  return (gsize)capacity * (wide ? sizeof(guint32) : sizeof(guint16));
}

static gsize table_bytes(const Table *table)
{
  return table != NULL ? sizeof *table + slot_bytes(table->capacity, table->wide) : 0;
}

static void resize(Table **table, Doc *doc, const TableKind *kind, guint32 capacity, bool wide)
{
  gsize bytes = slot_bytes(capacity, wide);
  Table *old = *table, *new = g_malloc(sizeof *new + bytes);
  *new = (Table){0, capacity, wide};
  memset(new->slots, 0xff, bytes);
  guint32 cursor = 0, number;
  while (table_next(old, &cursor, &number))
    put(new, kind->hash(doc, number), number);
  doc->bytes += table_bytes(new) - table_bytes(old);
  g_free(old);
  *table = new;
}

void table_add(Table **table, Doc *doc, const TableKind *kind, guint32 number)
{
  const Table *now = *table;
  bool wide = number >= G_MAXUINT16 || (now != NULL && now->wide);
  if (now == NULL)
    resize(table, doc, kind, 4, wide);
  else if ((now->count + 1) * 8 > now->capacity * 7)
    resize(table, doc, kind, now->capacity + now->capacity / 2, wide);
  else if (wide && !now->wide)
    resize(table, doc, kind, now->capacity, true);
  put(*table, kind->hash(doc, number), number);
}

void table_fit(Table **table, Doc *doc, const TableKind *kind)
{
  if (*table != NULL)
    resize(table, doc, kind, (*table)->count + (*table)->count / 6 + 1, (*table)->wide);
}

void table_free(Table **table, Doc *doc)
{
  doc->bytes -= table_bytes(*table);
  g_clear_pointer(table, g_free);
}

gpointer array_grow(Doc *doc, gpointer array, gsize element_size, guint32 *capacity)
{
  guint32 more = MAX(4, *capacity / 4);
  *capacity += more;
  doc->bytes += more * element_size;
  return g_realloc_n(array, *capacity, element_size);
}

void ranges_add(Ranges *ranges, Range range)
{
  if (ranges->count == ranges->capacity) {
    ranges->capacity = MAX(4, ranges->capacity * 2);
    ranges->at = g_renew(Range, ranges->at, ranges->capacity);
  }
  ranges->at[ranges->count++] = range;
}

void ranges_insert(Ranges *ranges, Range range)
{
  guint32 low = 0, high = ranges->count, end = range.clock + range.length;
  while (low < high) { /* the first that ends where this one begins, or behind */
    guint32 middle = (low + high) / 2;
    const Range *at = &ranges->at[middle];
    if (at->client < range.client ||
        (at->client == range.client && at->clock + at->length < range.clock))
      low = middle + 1;
    else
      high = middle;
  }
  for (high = low; high < ranges->count; high++) {
    const Range *at = &ranges->at[high];
    if (at->client != range.client || at->clock > end)
      break;
    range.clock = MIN(range.clock, at->clock);
    end = MAX(end, at->clock + at->length);
  }
  range.length = end - range.clock;
  if (low == high && ranges->count == ranges->capacity) {
    ranges->capacity += 16;
    ranges->at = g_renew(Range, ranges->at, ranges->capacity);
  }
  memmove(ranges->at + low + 1, ranges->at + high, (ranges->count - high) * sizeof(Range));
  ranges->at[low] = range;
  ranges->count = ranges->count - (high - low) + 1;
}

void ranges_clear(Ranges *ranges)
{
  g_free(ranges->at);
  *ranges = (Ranges){0};
}

void log_add(Log *log, const LogEntry *entry)
{
  if (log->count == log->capacity) {
    log->capacity = MAX(2, log->capacity * 2);
    log->at = g_renew(LogEntry, log->at, log->capacity);
  }
  log->at[log->count++] = *entry;
}
