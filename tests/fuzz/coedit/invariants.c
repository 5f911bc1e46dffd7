#include "invariants.h"
#include "forms/coedit/internal.h"

static void check_item(const Doc *doc, const Client *client, const Item *item)
{
  g_assert_cmpuint(item->client, ==, client->index);
  g_assert_cmpuint(item->length, >, 0);
  g_assert_cmpuint(item->flags & ITEM_DELETED_NOW, ==, 0);
  if (item->kind == KIND_GC)
    return;
  g_assert_nonnull(item->parent);
  if (item->left != NULL)
    g_assert_true(item->left->right == item);
  else if (item->key == NONE)
    g_assert_true(item->parent->start == item);
  if (item->right != NULL)
    g_assert_true(item->right->left == item);
  else if (item->key != NONE)
    g_assert_true(id_map_get(&item->parent->entries, item->key) == item);
  if (item->parent->item != NULL && item_is_deleted(item->parent->item))
    g_assert_true(item_is_deleted(item));
  if (item_has_bytes(item))
    g_assert_cmpuint((gsize)item->content.bytes.offset + item->content.bytes.size, <=,
                     client->content.size);
}

static void check_length(const Type *type)
{
  guint64 length = 0;
  for (const Item *item = type->start; item != NULL; item = item->right) {
    g_assert_true(item->parent == type);
    if (kind_is_countable(item->kind))
      length += item_visible(type->doc, item, false);
  }
  g_assert_cmpuint(length, ==, type->length);
}

static void check_client(const Doc *doc, const Client *client)
{
  guint64 clock = 0;
  gsize bytes = client->garbage;
  for (guint32 l = 0; l < client->leaf_count; l++) {
    const Leaf *leaf = &client->leaves[l];
    g_assert_cmpuint(leaf->count, >, 0);
    g_assert_cmpuint(leaf->clock, ==, leaf->slots[0].clock);
    for (guint32 s = 0; s < leaf->count; s++) {
      const Item *item = leaf->slots[s].item;
      g_assert_cmpuint(leaf->slots[s].clock, ==, clock);
      g_assert_cmpuint(item->clock, ==, clock);
      check_item(doc, client, item);
      if (item->kind == KIND_TYPE)
        check_length(item->content.type);
      if (item_has_bytes(item))
        bytes += item->content.bytes.size;
      clock += item->length;
    }
  }
  g_assert_cmpuint(clock, ==, client->state);
  g_assert_cmpuint(bytes, ==, client->content.size);
}

void check_document(AblakYdoc *doc)
{
  for (guint i = 0; i < doc->clients->len; i++)
    check_client(doc, doc_client(doc, i));
  for (guint32 i = 0; i < doc->roots.capacity; i++) {
    if (doc->roots.keys[i] != NONE)
      check_length(doc->roots.values[i]);
  }
}
