/* forms/coedit/write.h: items of our own. Private to the folder. */
#pragma once
#include "forms/coedit/store.h"

/* An item of ours between two neighbours, not integrated yet. */
guint32 own_item(Doc *doc, guint32 chain, guint32 left, guint32 right, guint8 kind, guint32 length);
void own_item_store(Doc *doc, Item *item, const void *data, gsize size);
