/* forms/coedit/apply.h: integrating what was read, and keeping what has to wait. Private to the
 * folder. */
#pragma once
#include "forms/coedit/decode.h"

/* The most that one struct costs: an item, its places in index and table, and a type. */
#define STRUCT_BYTES (sizeof(Item) + sizeof(Type) + 3 * sizeof(Chain) + 10 * sizeof(guint32))

/* The client this struct waits for, by id and clock; false when it can be integrated. */
bool struct_waits(Doc *doc, const Struct *s, Id *ret_missing);
void struct_integrate(Doc *doc, const Struct *s, guint32 offset);
void doc_apply_update(Doc *doc, Update *update);

/* ---- what waits ---- */
void pending_add(Doc *doc, const Struct *s, Id missing);
void pending_retry(Doc *doc);
void pending_add_delete(Doc *doc, guint64 client, guint64 clock, guint64 length, guint64 origin);
void pending_retry_deletes(Doc *doc);
void pending_free(Doc *doc);
