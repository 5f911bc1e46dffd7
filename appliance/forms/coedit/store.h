/* forms/coedit/store.h: what a document holds by number: clients, keys, items, types and chains.
 * Private to the folder. */
#pragma once
#include "forms/coedit/table.h"

static inline Client *doc_client(const Doc *doc, guint32 index)
{
  return doc->clients[index];
}
Client *doc_find_client(Doc *doc, guint64 id); /* NULL: unknown */
Client *doc_get_client(Doc *doc, guint64 id);
guint32 doc_own_state(const Doc *doc);
static inline guint32 doc_state(Doc *doc, guint64 id)
{
  Client *client = doc_find_client(doc, id);
  return client != NULL ? client->state : 0;
}
guint32 doc_key(Doc *doc, Str text);
guint32 doc_find_key(const Doc *doc, const char *text, gsize size); /* NONE: unknown */
/* Ends with a NUL; lives until the next key is made. */
static inline Str doc_key_text(const Doc *doc, guint32 key)
{
  guint32 start = doc->keys[key];
  guint32 end = key + 1 < doc->key_count ? doc->keys[key + 1] : (guint32)doc->key_text.size;
  return (Str){(const char *)doc->key_text.data + start, end - start - 1};
}

static inline Item *item_at(const Doc *doc, guint32 index)
{
  return &doc->pages[index >> PAGE_SHIFT][index & (PAGE_ITEMS - 1)];
}
static inline Item *item_or_null(const Doc *doc, guint32 index)
{
  return index != NONE ? item_at(doc, index) : NULL;
}
static inline Item *item_right(const Doc *doc, const Item *item)
{
  return item_or_null(doc, item->right);
}
static inline const Chain *item_chain(const Doc *doc, const Item *item)
{
  return &doc->chains[item->chain];
}
static inline Type *item_parent(const Doc *doc, const Item *item)
{
  return doc->chains[item->chain].type;
}
/* NONE: an element of the list. */
static inline guint32 item_key(const Doc *doc, const Item *item)
{
  return doc->chains[item->chain].key;
}
/* Of a KIND_TYPE item. */
static inline Type *item_type(const Doc *doc, const Item *item)
{
  return doc->chains[item->content.list].type;
}
static inline Item *type_first(const Type *type)
{
  return item_or_null(type->doc, type->doc->chains[type->list].head);
}
/* The item that made the type; NULL: a root. */
static inline Item *type_item(const Type *type)
{
  return item_or_null(type->doc, type->item);
}
/* Room for the items of a whole load, in one piece; before there is any item. */
void doc_expect_items(Doc *doc, guint32 count);
/* The first block of items, `count` of them in use; before there is any other. */
void doc_take_items(Doc *doc, Item *items, guint32 count, guint32 room);
guint32 doc_item_new(Doc *doc);
void doc_item_free(Doc *doc, guint32 index);
Type *doc_type_new(Doc *doc, guint32 item, AblakYtypeKind kind, guint32 name);
void doc_type_free(Doc *doc, Type *type);
guint32 type_find_chain(const Type *type, guint32 key); /* NONE: no such entry */
guint32 type_chain(Type *type, guint32 key);
Type *doc_find_root(const Doc *doc, guint32 name); /* NULL: unknown */
Type *doc_root(Doc *doc, guint32 name);
void doc_forget_deleted(Doc *doc);
/* Whether so many bytes more are within the document's bound. */
bool doc_make_room(Doc *doc, guint64 more);
/* Nothing was ever written to it, or looked for in it. */
bool doc_is_new(const Doc *doc);
/* Makes it new again. */
void doc_reset(Doc *doc);
/* Gives back what arrays have too much of. */
void doc_trim(Doc *doc);
