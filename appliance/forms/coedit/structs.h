/* forms/coedit/structs.h: items in their chains: splitting, integrating, deleting. Private to the
 * folder. */
#pragma once
#include "forms/coedit/leaves.h"

/* The item that ends with this id, or begins with it; splits when needed. */
guint32 doc_clean_end(Doc *doc, Client *client, guint32 clock);
guint32 doc_clean_start(Doc *doc, Client *client, guint32 clock);
static inline Item *doc_item_at(const Doc *doc, Client *client, guint32 clock)
{
  return client_item(doc, client, client_find(doc, client, clock));
}
/* Puts a new item with known left, right and chain into its chain and the store. */
void doc_integrate(Doc *doc, guint32 index);
/* Of a loaded item, which is in the store already. */
void doc_link(Doc *doc, guint32 index);
void doc_add_gc(Doc *doc, Client *client, guint32 length);
void doc_delete_item(Doc *doc, Item *item);
void doc_delete_range(Doc *doc, Client *client, guint32 clock, guint32 end);
static inline bool item_is_deleted(const Item *item)
{
  return item->kind == KIND_GC || (item->flags & ITEM_DELETED) != 0;
}
