/* forms/coedit/leaves.h: the index of a client's structs by clock, and the bytes of their content.
 * Private to the folder. */
#pragma once
#include "forms/coedit/store.h"

static inline guint32 client_at(const Client *client, Place place)
{
  return client->leaves[place.leaf].items[place.slot];
}
static inline Item *client_item(const Doc *doc, const Client *client, Place place)
{
  return item_at(doc, client_at(client, place));
}
/* The struct that holds `clock`, which must be below the client's state. */
Place client_find(const Doc *doc, Client *client, guint32 clock);
bool client_next(const Client *client, Place *place);
bool client_previous(const Client *client, Place *place);
guint32 client_last(const Client *client); /* NONE: none */
/* All structs of a client at once: items from number `first` on. */
void client_fill(Doc *doc, Client *client, guint32 first, guint32 count);
void client_append(Doc *doc, Client *client, guint32 index);
void client_insert_after(Doc *doc, Client *client, Place place, guint32 index);
void client_remove(Doc *doc, Client *client, Place place);
/* Bytes appended to the client's content: their offset. */
guint32 client_store(Doc *doc, Client *client, const void *data, gsize size);
/* Makes the content's buffer fit again when most of it is garbage. */
void client_compact(Doc *doc, Client *client);
void client_trim(Doc *doc, Client *client);
void client_free(Client *client);
