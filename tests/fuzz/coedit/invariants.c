#include "invariants.h"
#include "forms/coedit/content.h"
#include "forms/coedit/encode.h"
#include "forms/coedit/read.h"
#include "forms/coedit/structs.h"

static void check_links(const Doc *doc, const Item *item, guint32 index)
{
  const Chain *chain = item_chain(doc, item);
  g_assert_nonnull(chain->type);
  if (item->left != NONE)
    g_assert_cmpuint(item_at(doc, item->left)->right, ==, index);
  else if (chain->key == NONE)
    g_assert_cmpuint(chain->head, ==, index);
  if (item->right != NONE)
    g_assert_cmpuint(item_at(doc, item->right)->left, ==, index);
  else if (chain->key != NONE)
    g_assert_cmpuint(chain->head, ==, index);
}

/* The front of an entry of several values that something stands in now: as in yjs, a map that goes
 * takes the last item of each entry with it, and only that. */
static bool is_front_of_entry(const Doc *doc, const Item *item)
{
  if (item_key(doc, item) == NONE)
    return false;
  for (const Item *at = item_right(doc, item); at != NULL; at = item_right(doc, at))
    if (at->client == item->client && at->clock == item->clock + item->length)
      return true;
  return false;
}

static void check_item(const Doc *doc, const Client *client, guint32 index)
{
  const Item *item = item_at(doc, index);
  g_assert_cmpuint(item->client, ==, client->index);
  g_assert_cmpuint(item->length, >, 0);
  g_assert_cmpuint(item->flags & ~ITEM_DELETED, ==, 0);
  if (item->kind == KIND_GC)
    return;
  check_links(doc, item, index);
  const Item *container = type_item(item_parent(doc, item));
  if (container != NULL && item_is_deleted(container))
    g_assert_true(item_is_deleted(item) || is_front_of_entry(doc, item));
  if (item_has_bytes(item))
    g_assert_cmpuint((gsize)item->content.bytes.offset + item->content.bytes.size, <=,
                     client->content.size);
  if (item->kind == KIND_TYPE)
    g_assert_cmpuint(item_type(doc, item)->item, ==, index);
}

static void check_type(const Type *type)
{
  const Doc *doc = type->doc;
  guint32 length = 0, cursor = 0, number;
  g_assert_true(doc->chains[type->list].type == type);
  g_assert_cmpuint(doc->chains[type->list].key, ==, NONE);
  for (const Item *item = type_first(type); item != NULL; item = item_right(doc, item)) {
    g_assert_cmpuint(item->chain, ==, type->list);
    if (kind_is_countable(item->kind))
      length += item_visible(doc, item, false);
  }
  g_assert_cmpuint(length, ==, type->length);
  while (table_next(type->entries, &cursor, &number)) {
    g_assert_true(doc->chains[number].type == type);
    g_assert_cmpuint(type_find_chain(type, doc->chains[number].key), ==, number);
  }
}

static void check_client(const Doc *doc, const Client *client)
{
  guint64 clock = 0;
  gsize bytes = client->garbage;
  for (guint32 l = 0; l < client->leaf_count; l++) {
    const Leaf *leaf = &client->leaves[l];
    g_assert_cmpuint(leaf->count, >, 0);
    g_assert_cmpuint(leaf->clock, ==, item_at(doc, leaf->items[0])->clock);
    for (guint32 i = 0; i < leaf->count; i++) {
      const Item *item = item_at(doc, leaf->items[i]);
      g_assert_cmpuint(item->clock, ==, clock);
      check_item(doc, client, leaf->items[i]);
      if (item_has_bytes(item))
        bytes += item->content.bytes.size;
      clock += item->length;
    }
  }
  g_assert_cmpuint(clock, ==, client->state);
  g_assert_cmpuint(bytes, ==, client->content.size);
}

static void check_marker(const Doc *doc)
{
  guint32 start = 0, at = doc->chains[doc->marker_list].head;
  for (; at != doc->marker_item; at = item_at(doc, at)->right) {
    const Item *item = item_at(doc, at);
    start += kind_is_countable(item->kind) ? item_visible(doc, item, false) : 0;
  }
  g_assert_cmpuint(start, ==, doc->marker_index);
}

/* What is kept of it is what is found by looking. */
static void check_deleted(Doc *doc)
{
  Buffer kept = {0}, found = {0};
  if (doc->deleted.count == 0)
    return;
  write_deleted(doc, &kept);
  doc_forget_deleted(doc);
  write_deleted(doc, &found);
  g_autoptr(GBytes) one = buffer_steal(&kept), other = buffer_steal(&found);
  g_assert_true(g_bytes_equal(one, other));
}

void check_document(AblakYdoc *doc)
{
  check_deleted(doc);
  if (doc->marker_list != NONE)
    check_marker(doc);
  g_assert_cmpuint(doc->touched, ==, NONE);
  for (guint32 i = 0; i < doc->client_count; i++)
    check_client(doc, doc_client(doc, i));
  for (guint32 i = 0; i < doc->chain_count; i++) {
    const Type *type = doc->chains[i].type;
    if (type != NULL && type->list == i)
      check_type(type);
  }
}
