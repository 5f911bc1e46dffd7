/* forms/coedit/content.h: text, values and the encoding of an item's content. Private to the
 * folder. */
#pragma once
#include "forms/coedit/store.h"

static inline const guint8 *item_bytes(const Doc *doc, const Item *item)
{
  const guint8 *data = doc_client(doc, item->client)->content.data;
  return data != NULL ? data + item->content.bytes.offset : (const guint8 *)"";
}
static inline bool item_has_bytes(const Item *item)
{
  return item->kind != KIND_GC && item->kind != KIND_DELETED && item->kind != KIND_TYPE;
}
static inline bool kind_is_countable(guint8 kind)
{
  return kind != KIND_DELETED && kind != KIND_FORMAT;
}
/* UTF-8 of known validity as CESU-8; returns whether it holds a surrogate. */
bool text_to_cesu(Buffer *buffer, const char *text, gsize size);
/* CESU-8 as UTF-8, a lone surrogate as U+FFFD. */
void text_from_cesu(Buffer *buffer, const guint8 *text, gsize size);
/* Bytes of the first `units` UTF-16 units. */
gsize cesu_bytes(const guint8 *text, gsize size, guint64 units);
/* Bytes of the item's first `count` units or values. */
guint32 item_prefix(const Doc *doc, const Item *item, guint32 count);
/* The content of an item from `offset` on, in format v1. */
void item_write_content(const Doc *doc, Buffer *buffer, const Item *item, guint32 offset);
/* New: one Any value as JSON; the reader moves behind it. Deeper than `depth` is null. */
json_t *any_to_json(Reader *reader, guint depth);
bool has_nul(const char *text, gsize size);
void any_from_json(Buffer *buffer, const json_t *value);
json_t *json_text_to_json(const char *text, gsize size, guint depth);
/* New: element `index` of a countable item without text and types. */
json_t *item_value(const Doc *doc, const Item *item, guint32 index);
