/* A transaction: what it touched, and what is tidied at its end (garbage, merges). */
#include "forms/coedit/transaction.h"
#include "forms/coedit/content.h"
#include "forms/coedit/encode.h"

void doc_begin(Doc *doc, guint64 origin, bool tracked)
{
  doc->fresh = doc->client_count == 0;
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
  client->next_touched = doc->touched;
  doc->touched = client->index;
}

void doc_log(Doc *doc, const Item *item, guint32 clock, guint32 length, bool deletion)
{
  if (doc->log.count > 0) {
    LogEntry *last = &doc->log.at[doc->log.count - 1];
    if (last->range.client == item->client && last->deletion == deletion &&
        last->origin == doc->origin && last->range.clock + last->range.length == clock) {
      last->range.length += length;
      return;
    }
  }
  LogEntry entry = {{item->client, clock, length}, deletion, doc->origin};
  log_add(&doc->log, &entry);
}

bool doc_changed(const Doc *doc)
{
  return doc->touched != NONE || doc->deletes.count > 0;
}

/* ---- garbage ---- */

static void item_to_gc(Item *item)
{
  item->kind = KIND_GC;
  item->flags = 0;
  item->left = item->right = item->chain = NONE;
  item->origin_client = item->right_client = NO_CLIENT;
}

/* Frees what the item holds; a type goes onto the work list. */
static void drop_content(Doc *doc, const Item *item, guint32 *work)
{
  if (item->kind == KIND_TYPE) {
    item_type(doc, item)->next = *work;
    *work = item->content.list;
  } else if (item_has_bytes(item)) {
    doc_client(doc, item->client)->garbage += item->content.bytes.size;
  }
}

static void collect_items(Doc *doc, guint32 index, bool to_left, guint32 *work)
{
  while (index != NONE) {
    Item *item = item_at(doc, index);
    index = to_left ? item->left : item->right;
    drop_content(doc, item, work);
    item_to_gc(item);
  }
}

static void collect_item(Doc *doc, Item *item)
{
  guint32 work = NONE;
  drop_content(doc, item, &work);
  item->kind = KIND_DELETED;
  item->flags &= (guint8)~ITEM_DELETED_NOW;
  while (work != NONE) {
    Type *type = doc->chains[work].type;
    work = type->next;
    collect_items(doc, doc->chains[type->list].head, false, &work);
    guint32 cursor = 0, chain;
    while (table_next(type->entries, &cursor, &chain))
      collect_items(doc, doc->chains[chain].head, true, &work);
    doc_type_free(doc, type);
  }
}

static void collect_ranges(Doc *doc)
{
  for (guint32 i = 0; i < doc->deletes.count; i++) {
    const Range *range = &doc->deletes.at[i];
    Client *client = doc_client(doc, range->client);
    Place place = client_find(doc, client, range->clock);
    do {
      Item *item = client_item(doc, client, place);
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

static bool mergeable(const Item *left, const Item *right, guint32 right_index)
{
  if (left->kind != right->kind || left->clock + left->length != right->clock)
    return false;
  if (left->kind == KIND_GC)
    return true;
  if (left->flags != right->flags || left->right != right_index ||
      right->origin_client != left->client || right->origin_clock != right->clock - 1 ||
      left->right_client != right->right_client ||
      (left->right_client != NO_CLIENT && left->right_clock != right->right_clock))
    return false;
  if (left->kind == KIND_DELETED)
    return true;
  return (left->kind == KIND_STRING || left->kind == KIND_ANY || left->kind == KIND_JSON) &&
         left->content.bytes.offset + left->content.bytes.size == right->content.bytes.offset;
}

static bool merge(Doc *doc, guint32 left_index, guint32 right_index)
{
  Item *left = item_at(doc, left_index);
  const Item *right = item_at(doc, right_index);
  if (!mergeable(left, right, right_index))
    return false;
  if (doc->marker_list != NONE && doc->marker_item == right_index) {
    doc->marker_item = left_index;
    doc->marker_index -= item_is_deleted(left) || !kind_is_countable(left->kind) ? 0 : left->length;
  }
  left->length += right->length;
  if (left->kind == KIND_GC)
    return true;
  if (left->kind != KIND_DELETED)
    left->content.bytes.size += right->content.bytes.size;
  left->right = right->right;
  if (right->right != NONE)
    item_at(doc, right->right)->left = left_index;
  else if (item_key(doc, right) != NONE)
    doc->chains[right->chain].head = left_index;
  return true;
}

/* Merges neighbours, from the struct behind `last` down to the one that holds `from`. */
static void merge_range(Doc *doc, Client *client, guint32 from, guint32 last)
{
  Place place = client_find(doc, client, last);
  client_next(client, &place);
  for (;;) {
    guint32 index = client_at(client, place);
    const Item *right = item_at(doc, index);
    Place before = place;
    if (right->clock + right->length <= from || !client_previous(client, &before))
      return;
    if (merge(doc, client_at(client, before), index)) {
      client_remove(doc, client, place);
      doc_item_free(doc, index);
    }
    place = before;
  }
}

/* What one update brought lies in memory as it came, neighbours beside each other. */
static void merge_loaded(Doc *doc)
{
  for (guint32 index = MIN(doc->next_item, doc->first_block); index-- > 1;) {
    const Item *left = item_at(doc, index - 1), *right = item_at(doc, index);
    if (left->client == right->client && mergeable(left, right, index))
      merge_range(doc, doc_client(doc, right->client), right->clock, right->clock);
  }
}

static void merge_touched(Doc *doc)
{
  for (guint32 i = doc->touched; i != NONE; i = doc_client(doc, i)->next_touched) {
    Client *client = doc_client(doc, i);
    /* else it only grew the last item */
    if (item_at(doc, client_last(client))->clock >= client->before)
      merge_range(doc, client, client->before, client->state - 1);
  }
}

/* Most splits last, as something stands in them now: that is seen without a search. An item that
 * was merged meanwhile still says where it was. */
static void heal(Doc *doc, guint32 index)
{
  const Item *item = item_at(doc, index), *left = item_or_null(doc, item->left),
             *right = item_right(doc, item);
  if (item->kind == KIND_GC || (left != NULL && mergeable(left, item, index)) ||
      (right != NULL && mergeable(item, right, item->right)))
    merge_range(doc, doc_client(doc, item->client), item->clock, item->clock);
}

static void merge_all(Doc *doc)
{
  for (guint32 i = doc->deletes.count; i-- > 0;) {
    const Range *range = &doc->deletes.at[i];
    merge_range(doc, doc_client(doc, range->client), range->clock,
                range->clock + range->length - 1);
  }
  if (doc->loading)
    merge_loaded(doc);
  else
    merge_touched(doc);
  for (guint i = doc->merges != NULL ? doc->merges->len : 0; i-- > 0;)
    heal(doc, g_array_index(doc->merges, guint32, i));
}

/* ---- the end ---- */

#define NEWS_MAX 64 /* ranges; with more it is sooner looked for than put in */

/* What is kept of all deletions learns the new ones. */
static void tell_deleted(Doc *doc)
{
  if (doc->deleted.count == 0 || doc->deletes.count == 0)
    return;
  if (doc->deletes.count > NEWS_MAX) {
    doc_forget_deleted(doc);
    return;
  }
  guint32 capacity = doc->deleted.capacity;
  for (guint32 i = 0; i < doc->deletes.count; i++)
    ranges_insert(&doc->deleted, doc->deletes.at[i]);
  doc->bytes += (doc->deleted.capacity - capacity) * sizeof(Range);
}

static int compare_clients(gconstpointer a, gconstpointer b)
{
  const Client *one = *(Client *const *)a, *other = *(Client *const *)b;
  return one->id < other->id ? 1 : one->id > other->id ? -1 : 0;
}

static GBytes *transaction_update(Doc *doc)
{
  if (!doc_changed(doc))
    return NULL;
  Buffer buffer = {0};
  g_autoptr(GPtrArray) touched = g_ptr_array_new();
  for (guint32 i = doc->touched; i != NONE; i = doc_client(doc, i)->next_touched)
    g_ptr_array_add(touched, doc_client(doc, i));
  g_ptr_array_sort(touched, compare_clients);
  write_uint(&buffer, touched->len);
  for (guint i = 0; i < touched->len; i++) {
    Client *client = g_ptr_array_index(touched, i);
    write_client(doc, &buffer, client, client->before);
  }
  write_ranges(doc, &buffer, &doc->deletes);
  return buffer_steal(&buffer);
}

static void compact_all(Doc *doc)
{
  for (guint32 i = 0; i < doc->deletes.count; i++)
    client_compact(doc, doc_client(doc, doc->deletes.at[i].client));
}

GBytes *doc_finish(Doc *doc, bool want_update)
{
  ranges_sort_and_merge(&doc->deletes);
  tell_deleted(doc);
  collect_ranges(doc);
  merge_all(doc);
  GBytes *update = want_update ? transaction_update(doc) : NULL;
  compact_all(doc);
  if (doc->fresh) /* what was loaded at once grows slowly from here on */
    doc_trim(doc);
  ranges_clear(&doc->deletes);
  g_clear_pointer(&doc->merges, g_array_unref);
  g_clear_pointer(&doc->log.at, g_free);
  doc->log.count = doc->log.capacity = 0;
  doc->touched = NONE;
  doc->open = doc->loading = false;
  return update;
}
