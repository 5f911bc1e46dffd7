/* Map entries that two people set without knowing of each other: one value stands, and whoever
 * shows the entry can still say what the other wrote. Every entry names the one its writer saw
 * (its origin), so this is read off the structs and not off clocks or times. */
#include "forms/coedit/changes.h"
#include "forms/coedit/content.h"
#include "forms/coedit/read.h"
#include "forms/coedit/transaction.h"

static bool is_new(const Doc *doc, const Item *item)
{
  return item->clock >= client_before(doc, doc_client(doc, item->client));
}

/* What the writer of an entry saw there; NULL: nothing, or what is garbage now. */
static Item *seen_by(const Doc *doc, const Item *item)
{
  if (item->kind == KIND_GC || item->origin_client == NO_CLIENT)
    return NULL;
  return doc_item_at(doc, doc_client(doc, item->origin_client), item->origin_clock);
}

/* Whether the writer of `item`, or of what led to it in this transaction, saw `other`. */
static bool follows(const Doc *doc, const Item *item, const Item *other)
{
  const Item *seen = seen_by(doc, item);
  while (seen != NULL && seen != other && is_new(doc, seen))
    seen = seen_by(doc, seen);
  return seen == other;
}

bool conflicts_concurrent(const Doc *doc, const Type *map, guint32 key)
{
  const Item *before = entry_item(map, key, true), *now = entry_item(map, key, false);
  return before != NULL && now != NULL && before != now && !follows(doc, now, before);
}

/* A value of this transaction that was overtaken by one its writer had not seen. */
static bool has_lost(const Doc *doc, const Item *item)
{
  if ((item->kind != KIND_ANY && item->kind != KIND_JSON) || (item->flags & ITEM_DELETED_NOW) == 0)
    return false;
  const Chain *chain = item_chain(doc, item);
  const Item *stands = entry_item(chain->type, chain->key, false);
  return stands != NULL && stands != item && !follows(doc, stands, item);
}

/* A writer's later value takes the place of the earlier one. */
static void add_lost(const Doc *doc, GPtrArray *all, const Item *item, guint64 origin)
{
  json_t *path = entry_path(doc, item_parent(doc, item), item_key(doc, item));
  guint64 client = doc_client(doc, item->client)->id;
  for (guint i = 0; i < all->len; i++) {
    const AblakYdocChange *other = g_ptr_array_index(all, i);
    if (other->client == client && json_equal(other->path, path)) {
      g_ptr_array_remove_index(all, i);
      break;
    }
  }
  AblakYdocChange *lost = g_new0(AblakYdocChange, 1);
  lost->kind = ABLAK_YDOC_MAP_SET;
  lost->path = path;
  lost->origin = origin;
  lost->client = client;
  lost->concurrent = true;
  lost->before = item_value(doc, item, item->length - 1);
  g_ptr_array_add(all, lost);
}

GPtrArray *conflicts_lost(const Doc *doc)
{
  GPtrArray *all = g_ptr_array_new_with_free_func(change_free);
  for (guint32 i = 0; i < doc->log.count; i++) {
    const LogEntry *entry = &doc->log.at[i];
    guint32 clock = entry->range.clock, end = clock + entry->range.length;
    while (!entry->deletion && clock < end) {
      const Item *item = doc_item_at(doc, doc_client(doc, entry->range.client), clock);
      if (has_lost(doc, item))
        add_lost(doc, all, item, entry->origin);
      clock = item->clock + item->length;
    }
  }
  return all;
}
