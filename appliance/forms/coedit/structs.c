/* Items in their lists: splitting, integrating (the YATA order of Yjs) and deleting. */
#include "forms/coedit/internal.h"

Item *doc_item_at(Client *client, guint64 clock)
{
  return client_at(client, client_find(client, clock));
}

/* A surrogate pair cut in two becomes two U+FFFD, as in yjs. */
static void mend_pair(const Doc *doc, const Item *left, const Item *right)
{
  if (left->kind != KIND_STRING || left->content.bytes.size < 3 || right->content.bytes.size < 3)
    return;
  const Client *client = doc_client(doc, left->client);
  guint8 *end = client->content.data + right->content.bytes.offset;
  if (end[-3] == 0xed && end[-2] >= 0xa0 && end[-2] <= 0xaf)
    memcpy(end - 3, "\xef\xbf\xbd\xef\xbf\xbd", 6);
}

static void push_merge(Doc *doc, const Item *item)
{
  Range range = {item->client, item->clock, item->length};
  g_array_append_val(doc->merges, range);
}

static Item *split(Doc *doc, Client *client, Place place, guint64 count)
{
  Item *left = client_at(client, place);
  Item *right = doc_item_new(doc);
  *right = *left;
  right->clock += count;
  right->length -= count;
  right->origin_client = left->client;
  right->origin_clock = right->clock - 1;
  right->left = left;
  if (item_has_bytes(left)) {
    guint32 size = item_prefix(doc, left, count);
    right->content.bytes.offset += size;
    right->content.bytes.size -= size;
    left->content.bytes.size = size;
    mend_pair(doc, left, right);
  }
  left->length = count;
  left->right = right;
  if (right->right != NULL)
    right->right->left = right;
  else if (right->key != NONE)
    id_map_set(&right->parent->entries, right->key, right);
  client_insert_after(doc, client, place, right);
  push_merge(doc, right);
  return right;
}

Item *doc_clean_end(Doc *doc, Client *client, guint64 clock)
{
  Place place = client_find(client, clock);
  Item *item = client_at(client, place);
  if (item->kind != KIND_GC && clock != item->clock + item->length - 1)
    split(doc, client, place, clock - item->clock + 1);
  return item;
}

Item *doc_clean_start(Doc *doc, Client *client, guint64 clock)
{
  Place place = client_find(client, clock);
  Item *item = client_at(client, place);
  if (item->kind != KIND_GC && item->clock < clock)
    return split(doc, client, place, clock - item->clock);
  return item;
}

static bool same_origin(const Item *a, const Item *b)
{
  return a->origin_client == b->origin_client &&
         (a->origin_client == NONE || a->origin_clock == b->origin_clock);
}

static bool same_right(const Item *a, const Item *b)
{
  return a->right_client == b->right_client &&
         (a->right_client == NONE || a->right_clock == b->right_clock);
}

static Item *first_of_list(const Item *item)
{
  if (item->key == NONE)
    return item->parent->start;
  Item *first = id_map_get(&item->parent->entries, item->key);
  while (first != NULL && first->left != NULL)
    first = first->left;
  return first;
}

/* YATA: walks the items that were inserted at the same place and finds the item to stand behind.
 * Items met since `scan` lie between our origin and us; those met since `cleared` conflict. */
static Item *resolve(Doc *doc, const Item *item)
{
  Item *left = item->left;
  Item *other = left != NULL ? left->right : first_of_list(item);
  guint64 scan = doc->tick, cleared = scan;
  for (; other != NULL && other != item->right; other = other->right) {
    other->stamp = ++doc->tick;
    if (same_origin(item, other)) {
      if (doc_client(doc, other->client)->id < doc_client(doc, item->client)->id) {
        left = other;
        cleared = doc->tick;
      } else if (same_right(item, other)) {
        break;
      }
      continue;
    }
    if (other->origin_client == NONE)
      break;
    const Item *origin = doc_item_at(doc_client(doc, other->origin_client), other->origin_clock);
    if (origin->stamp <= scan)
      break;
    if (origin->stamp <= cleared) {
      left = other;
      cleared = doc->tick;
    }
  }
  return left;
}

static void link_item(Doc *doc, Item *item)
{
  Type *parent = item->parent;
  if (item->left != NULL) {
    item->right = item->left->right;
    item->left->right = item;
  } else {
    item->right = first_of_list(item);
    if (item->key == NONE)
      parent->start = item;
  }
  if (item->right != NULL) {
    item->right->left = item;
  } else if (item->key != NONE) {
    doc->bytes += id_map_set(&parent->entries, item->key, item);
    if (item->left != NULL)
      doc_delete_item(doc, item->left);
  }
}

static void push_delete(Doc *doc, const Item *item)
{
  Range range = {item->client, item->clock, item->length};
  g_array_append_val(doc->deletes, range);
}

void doc_integrate(Doc *doc, Item *item)
{
  Client *client = doc_client(doc, item->client);
  Type *parent = item->parent;
  if ((item->left == NULL && (item->right == NULL || item->right->left != NULL)) ||
      (item->left != NULL && item->left->right != item->right))
    item->left = resolve(doc, item);
  link_item(doc, item);
  if (item->key == NONE && kind_is_countable(item->kind))
    parent->length += item->length;
  doc_touch(doc, client);
  client_append(doc, client, item);
  if (doc->tracked)
    doc_log(doc, item, item->clock, item->length, false);
  if (item->kind == KIND_DELETED) {
    item->flags |= ITEM_DELETED;
    push_delete(doc, item);
  }
  if ((parent->item != NULL && item_is_deleted(parent->item)) ||
      (item->key != NONE && item->right != NULL))
    doc_delete_item(doc, item);
}

void doc_add_gc(Doc *doc, Client *client, guint64 length)
{
  doc_touch(doc, client);
  Item *last = client_last(client);
  if (last != NULL && last->kind == KIND_GC) {
    last->length += length;
    client->state += length;
    return;
  }
  Item *item = doc_item_new(doc);
  item->client = client->index;
  item->clock = client->state;
  item->length = length;
  item->kind = KIND_GC;
  client_append(doc, client, item);
}

/* Deletes one item without what is in it; a deleted type goes onto the work list. */
static void delete_shallow(Doc *doc, Item *item, Type **work)
{
  if (item_is_deleted(item))
    return;
  if (item->key == NONE && kind_is_countable(item->kind))
    item->parent->length -= item->length;
  item->flags |= ITEM_DELETED | ITEM_DELETED_NOW;
  push_delete(doc, item);
  if (doc->tracked)
    doc_log(doc, item, item->clock, item->length, true);
  if (item->kind == KIND_TYPE) {
    item->content.type->next_free = *work;
    *work = item->content.type;
  }
}

static void delete_child(Doc *doc, Item *item, Type **work)
{
  if (!item_is_deleted(item))
    delete_shallow(doc, item, work);
  else if (item->clock < client_before(doc, doc_client(doc, item->client)))
    push_merge(doc, item); /* it becomes GC with its parent, and may merge then */
}

void doc_delete_item(Doc *doc, Item *item)
{
  Type *work = NULL;
  delete_shallow(doc, item, &work);
  while (work != NULL) {
    Type *type = work;
    work = type->next_free;
    for (Item *child = type->start; child != NULL; child = child->right)
      delete_child(doc, child, &work);
    for (guint32 i = 0; i < type->entries.capacity; i++) {
      if (type->entries.keys[i] != NONE)
        delete_child(doc, type->entries.values[i], &work);
    }
  }
}

void doc_delete_range(Doc *doc, Client *client, guint64 clock, guint64 end)
{
  while (clock < end) {
    Item *item = doc_item_at(client, clock);
    if (!item_is_deleted(item)) {
      if (item->clock < clock)
        item = doc_clean_start(doc, client, clock);
      if (end < item->clock + item->length)
        doc_clean_start(doc, client, end);
      doc_delete_item(doc, item);
    }
    clock = item->clock + item->length;
  }
}
