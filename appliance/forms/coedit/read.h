/* forms/coedit/read.h: types and entries as JSON, now or before the running transaction. Private to
 * the folder. */
#pragma once
#include "forms/coedit/store.h"

/* How much of the item is visible: now, or before the running transaction. */
guint32 item_visible(const Doc *doc, const Item *item, bool before);
json_t *type_to_json(const Type *type, AblakYtypeKind as, bool before, guint depth);
json_t *entry_to_json(const Type *map, guint32 key, bool before, guint depth);
json_t *xml_to_json(const Type *type, AblakYtypeKind kind, bool before, guint depth);
/* The entry's visible item; NULL when there is none. */
Item *entry_item(const Type *map, guint32 key, bool before);
