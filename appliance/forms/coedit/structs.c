/* Items in their chains: splitting, integrating (the YATA order of Yjs) and deleting. */
#include "forms/coedit/content.h"
#include "forms/coedit/transaction.h"

/* A surrogate pair cut in two becomes two U+FFFD, as in yjs. */
static void mend_pair(const Client *client, const Item *left, const Item *right)
{
  if (left->kind != KIND_STRING || left->content.bytes.size < 3 || right->content.bytes.size < 3)
    return;
  guint8 *end = client->content.data + right->content.bytes.offset;
  if (end[-3] == 0xed && end[-2] >= 0xa0 && end[-2] <= 0xaf)
    memcpy(end - 3, "\xef\xbf\xbd\xef\xbf\xbd", 6);
}

static void push_merge(Doc *doc, guint32 index)
{
  if (doc->merges == NULL)
    doc->merges = g_array_new(FALSE, FALSE, sizeof index);
  g_array_append_val(doc->merges, index);
}

static guint32 split(Doc *doc, Client *client, Place place, guint32 count)
{
  guint32 left_index = client_at(client, place), right_index = doc_item_new(doc);
  Item *left = item_at(doc, left_index), *right = item_at(doc, right_index);
  *right = *left;
  right->clock += count;
  right->length -= count;
  right->origin_client = left->client;
  right->origin_clock = right->clock - 1;
  right->left = left_index;
  if (item_has_bytes(left)) {
    guint32 size = item_prefix(doc, left, count);
    right->content.bytes.offset += size;
    right->content.bytes.size -= size;
    left->content.bytes.size = size;
    mend_pair(client, left, right);
  }
  left->length = count;
  left->right = right_index;
  if (right->right != NONE)
    item_at(doc, right->right)->left = right_index;
  else if (item_key(doc, right) != NONE)
    doc->chains[right->chain].head = right_index;
  client_insert_after(doc, client, place, right_index);
  push_merge(doc, right_index);
  return right_index;
}

guint32 doc_clean_end(Doc *doc, Client *client, guint32 clock)
{
  Place place = client_find(doc, client, clock);
  guint32 index = client_at(client, place); /* splitting moves places, not items */
  const Item *item = item_at(doc, index);
  guint32 count = clock - item->clock + 1;
  if (item->kind != KIND_GC && count < item->length)
    split(doc, client, place, count);
  return index;
}

guint32 doc_clean_start(Doc *doc, Client *client, guint32 clock)
{
  Place place = client_find(doc, client, clock);
  const Item *item = client_item(doc, client, place);
  if (item->kind != KIND_GC && item->clock < clock)
    return split(doc, client, place, clock - item->clock);
  return client_at(client, place);
}

static bool same_origin(const Item *a, const Item *b)
{
  return a->origin_client == b->origin_client &&
         (a->origin_client == NO_CLIENT || a->origin_clock == b->origin_clock);
}

static bool same_right(const Item *a, const Item *b)
{
  return a->right_client == b->right_client &&
         (a->right_client == NO_CLIENT || a->right_clock == b->right_clock);
}

static guint32 first_of_chain(const Doc *doc, guint32 chain)
{
  guint32 first = doc->chains[chain].head;
  if (doc->chains[chain].key == NONE || first == NONE)
    return first;
  while (item_at(doc, first)->left != NONE)
    first = item_at(doc, first)->left;
  return first;
}

/* Takes marks of the conflict scan from the items `from` to `to`, both included. */
static void clear_marks(const Doc *doc, guint32 from, guint32 to, guint8 marks)
{
  for (guint32 at = from;; at = item_at(doc, at)->right) {
    item_at(doc, at)->flags &= (guint8)~marks;
    if (at == to)
      return;
  }
}

/* The item to stand behind so far; what lies from `conflicts` on conflicts with the new item. */
typedef struct {
  guint32 left, conflicts;
} Scan;

static void move_behind(const Doc *doc, Scan *scan, guint32 other)
{
  clear_marks(doc, scan->conflicts, other, ITEM_CONFLICTS);
  scan->left = other;
  scan->conflicts = item_at(doc, other)->right;
}

/* One item met; false: the place is found. */
static bool scan_one(const Doc *doc, const Item *item, guint32 at, Scan *scan)
{
  Item *other = item_at(doc, at);
  other->flags |= ITEM_MET | ITEM_CONFLICTS;
  if (same_origin(item, other)) {
    if (doc_client(doc, other->client)->id < doc_client(doc, item->client)->id)
      move_behind(doc, scan, at);
    else if (same_right(item, other))
      return false;
    return true;
  }
  if (other->origin_client == NO_CLIENT)
    return false;
  const Item *origin = doc_item_at(doc, doc_client(doc, other->origin_client), other->origin_clock);
  if ((origin->flags & ITEM_MET) == 0)
    return false;
  if ((origin->flags & ITEM_CONFLICTS) == 0)
    move_behind(doc, scan, at);
  return true;
}

/* YATA: walks the items that were inserted at the same place and finds the item to stand behind. */
static guint32 resolve(Doc *doc, const Item *item)
{
  guint32 first =
      item->left != NONE ? item_at(doc, item->left)->right : first_of_chain(doc, item->chain);
  Scan scan = {item->left, first};
  guint32 last = NONE;
  for (guint32 at = first; at != NONE && at != item->right; at = item_at(doc, at)->right) {
    last = at;
    if (!scan_one(doc, item, at, &scan))
      break;
  }
  if (last != NONE)
    clear_marks(doc, first, last, ITEM_MET | ITEM_CONFLICTS);
  return scan.left;
}

static void link_item(Doc *doc, guint32 index)
{
  Item *item = item_at(doc, index);
  Chain *chain = &doc->chains[item->chain];
  if (item->left != NONE) {
    Item *left = item_at(doc, item->left);
    item->right = left->right;
    left->right = index;
  } else {
    item->right = first_of_chain(doc, item->chain);
    if (chain->key == NONE)
      chain->head = index;
  }
  if (item->right != NONE) {
    item_at(doc, item->right)->left = index;
  } else if (chain->key != NONE) {
    chain->head = index;
    if (item->left != NONE)
      doc_delete_item(doc, item_at(doc, item->left));
  }
}

static void push_delete(Doc *doc, const Item *item)
{
  ranges_add(&doc->deletes, (Range){item->client, item->clock, item->length});
}

/* Whether left and right are no neighbours (any more). */
static bool is_contested(const Doc *doc, const Item *item)
{
  if (item->left != NONE)
    return item_at(doc, item->left)->right != item->right;
  return item->right == NONE || item_at(doc, item->right)->left != NONE;
}

/* Into the chain, where its place is found. */
static void join_chain(Doc *doc, Item *item, guint32 index)
{
  if (is_contested(doc, item))
    item->left = resolve(doc, item);
  link_item(doc, index);
  const Chain *chain = item_chain(doc, item);
  if (chain->key == NONE && kind_is_countable(item->kind))
    chain->type->length += item->length;
}

/* What joins something deleted, or comes too late for its entry, is deleted, too. */
static void delete_late(Doc *doc, Item *item)
{
  const Chain *chain = item_chain(doc, item);
  const Item *container = type_item(chain->type);
  if ((container != NULL && item_is_deleted(container)) ||
      (chain->key != NONE && item->right != NONE))
    doc_delete_item(doc, item);
}

void doc_link(Doc *doc, guint32 index)
{
  Item *item = item_at(doc, index);
  join_chain(doc, item, index);
  if (item->kind == KIND_DELETED)
    item->flags |= ITEM_DELETED;
  delete_late(doc, item);
}

void doc_integrate(Doc *doc, guint32 index)
{
  Item *item = item_at(doc, index);
  Client *client = doc_client(doc, item->client);
  join_chain(doc, item, index);
  doc_touch(doc, client);
  client_append(doc, client, index);
  if (doc->tracked)
    doc_log(doc, item, item->clock, item->length, false);
  if (item->kind == KIND_DELETED) {
    item->flags |= ITEM_DELETED;
    push_delete(doc, item);
  }
  delete_late(doc, item);
}

void doc_add_gc(Doc *doc, Client *client, guint32 length)
{
  doc_forget_deleted(doc);
  doc_touch(doc, client);
  Item *last = item_or_null(doc, client_last(client));
  if (last != NULL && last->kind == KIND_GC) {
    last->length += length;
    client->state += length;
    return;
  }
  guint32 index = doc_item_new(doc);
  Item *item = item_at(doc, index);
  item->client = client->index;
  item->clock = client->state;
  item->length = length;
  item->kind = KIND_GC;
  client_append(doc, client, index);
}

/* Deletes one item without what is in it; a deleted type goes onto the work list. */
static void delete_shallow(Doc *doc, Item *item, guint32 *work)
{
  if (item_is_deleted(item))
    return;
  if (item_key(doc, item) == NONE && kind_is_countable(item->kind))
    item_parent(doc, item)->length -= item->length;
  item->flags |= ITEM_DELETED | ITEM_DELETED_NOW;
  push_delete(doc, item);
  if (doc->tracked)
    doc_log(doc, item, item->clock, item->length, true);
  if (item->kind == KIND_TYPE) {
    item_type(doc, item)->next = *work;
    *work = item->content.list;
  }
}

static void delete_child(Doc *doc, guint32 index, guint32 *work)
{
  Item *item = item_at(doc, index);
  if (!item_is_deleted(item))
    delete_shallow(doc, item, work);
  else if (doc->loading || item->clock < client_before(doc, doc_client(doc, item->client)))
    push_merge(doc, index); /* it becomes GC with its parent, and may merge then */
}

void doc_delete_item(Doc *doc, Item *item)
{
  guint32 work = NONE;
  delete_shallow(doc, item, &work);
  while (work != NONE) {
    Type *type = doc->chains[work].type;
    work = type->next;
    for (guint32 child = doc->chains[type->list].head; child != NONE;
         child = item_at(doc, child)->right)
      delete_child(doc, child, &work);
    guint32 cursor = 0, chain;
    while (table_next(type->entries, &cursor, &chain)) {
      if (doc->chains[chain].head != NONE)
        delete_child(doc, doc->chains[chain].head, &work);
    }
  }
}

void doc_delete_range(Doc *doc, Client *client, guint32 clock, guint32 end)
{
  while (clock < end) {
    Item *item = doc_item_at(doc, client, clock);
    if (!item_is_deleted(item)) {
      if (item->clock < clock)
        item = item_at(doc, doc_clean_start(doc, client, clock));
      if (end < item->clock + item->length)
        doc_clean_start(doc, client, end);
      doc_delete_item(doc, item);
    }
    clock = item->clock + item->length;
  }
}
