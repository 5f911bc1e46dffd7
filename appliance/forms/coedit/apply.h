/* forms/coedit/apply.h: integrating what was read, and keeping what has to wait. Private to the
 * folder. */
#pragma once
#include "forms/coedit/decode.h"

/* The most that one struct costs: an item, its places in index and table, and a type. */
#define STRUCT_BYTES (sizeof(Item) + sizeof(Type) + 3 * sizeof(Chain) + 10 * sizeof(guint32))

/* The client this struct waits for, by id and clock; false when it can be integrated. */
bool struct_waits(Doc *doc, const Struct *s, Id *ret_missing);
void struct_integrate(Doc *doc, const Struct *s, guint32 offset);
/* Puts the struct's content, which fits its kind, into the item of that number. */
void struct_store(Doc *doc, Client *client, Item *item, guint32 index, const Struct *s);
void doc_apply_update(Doc *doc, Update *update);
/* The most that integrating an update of so many parts can add to a document. */
guint64 update_room(gsize size, guint64 runs, guint64 structs, guint64 deletes);
/* Does what doc_apply_update does, faster, if the document is new and the update holds nothing out
 * of the ordinary. False: the document is as it was. */
bool doc_load(Doc *doc, const void *data, gsize size, guint64 origin);

/* ---- what waits ---- */
void pending_add(Doc *doc, const Struct *s, Id missing);
void pending_retry(Doc *doc);
void pending_add_delete(Doc *doc, guint64 client, guint64 clock, guint64 length, guint64 origin);
void pending_retry_deletes(Doc *doc);
void pending_free(Doc *doc);
