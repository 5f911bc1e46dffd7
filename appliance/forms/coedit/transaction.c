/* A transaction: what it touched, and what is tidied at its end (garbage, merges). */
#include "forms/coedit/internal.h"

void doc_begin(Doc *doc, guint64 origin, bool tracked)
{
  doc->transaction++;
  doc->open = true;
  doc->tracked = tracked;
  doc->origin = origin;
}

void doc_touch(Doc *doc, Client *client)
{
  if (client->touched == doc->transaction)
    return;
  client->touched = doc->transaction;
  client->before = client->state;
  g_array_append_val(doc->touched, client->index);
}

void doc_log(Doc *doc, const Item *item, guint64 clock, guint64 length, bool deletion)
{
  if (doc->log->len > 0) {
    LogEntry *last = &g_array_index(doc->log, LogEntry, doc->log->len - 1);
    if (last->range.client == item->client && last->deletion == deletion &&
        last->origin == doc->origin && last->range.clock + last->range.length == clock) {
      last->range.length += length;
      return;
    }
  }
  LogEntry entry = {{item->client, clock, length}, doc->origin, deletion};
  g_array_append_val(doc->log, entry);
}

bool doc_changed(const Doc *doc)
{
  return doc->touched->len > 0 || doc->deletes->len > 0;
}

/* ---- garbage ---- */

static void item_to_gc(Item *item)
{
  item->kind = KIND_GC;
  item->flags = 0;
  item->left = item->right = NULL;
  item->parent = NULL;
  item->key = item->origin_client = item->right_client = NONE;
}

/* Frees what the item holds; a type goes onto the work list. */
static void drop_content(Doc *doc, Item *item, Type **work)
{
  if (item->kind == KIND_TYPE) {
    item->content.type->next_free = *work;
    *work = item->content.type;
  } else if (item_has_bytes(item)) {
    Client *client = doc_client(doc, item->client);
    client->garbage += item->content.bytes.size;
  }
}

static void collect_chain(Doc *doc, Item *item, bool to_left, Type **work)
{
  while (item != NULL) {
    Item *next = to_left ? item->left : item->right;
    drop_content(doc, item, work);
    item_to_gc(item);
    item = next;
  }
}

static void collect_item(Doc *doc, Item *item)
{
  Type *work = NULL;
  drop_content(doc, item, &work);
  item->kind = KIND_DELETED;
  item->flags &= (guint8)~ITEM_DELETED_NOW;
  while (work != NULL) {
    Type *type = work;
    work = type->next_free;
    collect_chain(doc, type->start, false, &work);
    for (guint32 i = 0; i < type->entries.capacity; i++) {
      if (type->entries.keys[i] != NONE)
        collect_chain(doc, type->entries.values[i], true, &work);
    }
    doc_type_free(doc, type);
  }
}

static void collect_ranges(Doc *doc)
{
  for (guint i = 0; i < doc->deletes->len; i++) {
    const Range *range = &g_array_index(doc->deletes, Range, i);
    Client *client = doc_client(doc, range->client);
    Place place = client_find(client, range->clock);
    do {
      Item *item = client_at(client, place);
      if (item->clock >= range->clock + range->length)
        break;
      if (item->kind == KIND_GC || item->kind == KIND_DELETED)
        continue;
      item->flags &= (guint8)~ITEM_DELETED_NOW;
      if (!doc->keep_deleted)
        collect_item(doc, item);
    } while (client_next(client, &place));
  }
}

/* ---- merging ---- */

static bool mergeable(const Doc *doc, const Item *left, const Item *right)
{
  if (left->kind != right->kind || left->clock + left->length != right->clock)
    return false;
  if (left->kind == KIND_GC)
    return true;
  if (left->flags != right->flags || left->right != right || right->origin_client != left->client ||
      right->origin_clock != right->clock - 1 || left->right_client != right->right_client ||
      (left->right_client != NONE && left->right_clock != right->right_clock))
    return false;
  if (left->kind == KIND_DELETED)
    return true;
  return (left->kind == KIND_STRING || left->kind == KIND_ANY || left->kind == KIND_JSON) &&
         left->content.bytes.offset + left->content.bytes.size == right->content.bytes.offset;
}

static bool merge(Doc *doc, Item *left, Item *right)
{
  if (!mergeable(doc, left, right))
    return false;
  left->length += right->length;
  if (left->kind == KIND_GC)
    return true;
  if (left->kind != KIND_DELETED)
    left->content.bytes.size += right->content.bytes.size;
  left->right = right->right;
  if (right->right != NULL)
    right->right->left = left;
  if (right->key != NONE && id_map_get(&right->parent->entries, right->key) == right)
    id_map_set(&right->parent->entries, right->key, left);
  return true;
}

/* Merges neighbours, from the struct behind `last` down to the one that holds `from`. */
static void merge_range(Doc *doc, Client *client, guint64 from, guint64 last)
{
  Place place = client_find(client, last);
  client_next(client, &place);
  for (;;) {
    Item *right = client_at(client, place);
    Place before = place;
    if (right->clock + right->length <= from || !client_previous(client, &before))
      return;
    if (merge(doc, client_at(client, before), right)) {
      client_remove(doc, client, place);
      doc_item_free(doc, right);
    }
    place = before;
  }
}

static void merge_all(Doc *doc)
{
  for (guint i = doc->deletes->len; i-- > 0;) {
    const Range *range = &g_array_index(doc->deletes, Range, i);
    merge_range(doc, doc_client(doc, range->client), range->clock,
                range->clock + range->length - 1);
  }
  for (guint i = 0; i < doc->touched->len; i++) {
    Client *client = doc_client(doc, g_array_index(doc->touched, guint32, i));
    if (client_last(client)->clock >= client->before) /* else it only grew the last item */
      merge_range(doc, client, client->before, client->state - 1);
  }
  for (guint i = doc->merges->len; i-- > 0;) {
    const Range *range = &g_array_index(doc->merges, Range, i);
    merge_range(doc, doc_client(doc, range->client), range->clock, range->clock);
  }
}

/* ---- the end ---- */

static int compare_clients(gconstpointer a, gconstpointer b, gpointer data)
{
  const Doc *doc = data;
  guint64 one = doc_client(doc, *(const guint32 *)a)->id;
  guint64 other = doc_client(doc, *(const guint32 *)b)->id;
  return one < other ? 1 : one > other ? -1 : 0;
}

static GBytes *transaction_update(Doc *doc)
{
  if (!doc_changed(doc))
    return NULL;
  Buffer buffer = {0};
  g_array_sort_with_data(doc->touched, compare_clients, doc);
  write_uint(&buffer, doc->touched->len);
  for (guint i = 0; i < doc->touched->len; i++) {
    Client *client = doc_client(doc, g_array_index(doc->touched, guint32, i));
    write_client(doc, &buffer, client, client->before);
  }
  write_ranges(doc, &buffer, doc->deletes);
  return buffer_steal(&buffer);
}

static void compact_all(Doc *doc)
{
  for (guint i = 0; i < doc->deletes->len; i++)
    client_compact(doc, doc_client(doc, g_array_index(doc->deletes, Range, i).client));
}

GBytes *doc_finish(Doc *doc, bool want_update)
{
  ranges_sort_and_merge(doc->deletes);
  collect_ranges(doc);
  merge_all(doc);
  GBytes *update = want_update ? transaction_update(doc) : NULL;
  compact_all(doc);
  g_array_set_size(doc->touched, 0);
  g_array_set_size(doc->deletes, 0);
  g_array_set_size(doc->merges, 0);
  g_array_set_size(doc->log, 0);
  doc->open = false;
  return update;
}
