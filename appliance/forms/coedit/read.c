/* Reading: values, texts and paths, as they are now or were before the running transaction. */
#include "forms/coedit/read.h"
#include "forms/coedit/content.h"
#include "forms/coedit/transaction.h"

guint32 item_visible(const Doc *doc, const Item *item, bool before)
{
  if (item->kind == KIND_GC)
    return 0;
  if (!before)
    return (item->flags & ITEM_DELETED) != 0 ? 0 : item->length;
  if ((item->flags & ITEM_DELETED) != 0 && (item->flags & ITEM_DELETED_NOW) == 0)
    return 0;
  guint32 known = client_before(doc, doc_client(doc, item->client));
  return item->clock >= known ? 0 : MIN(item->length, known - item->clock);
}

Item *entry_item(const Type *map, guint32 key, bool before)
{
  const Doc *doc = map->doc;
  guint32 chain = key == NONE ? NONE : type_find_chain(map, key);
  Item *item = chain == NONE ? NULL : item_or_null(doc, doc->chains[chain].head);
  if (!before)
    return item != NULL && item_visible(doc, item, false) > 0 ? item : NULL;
  while (item != NULL && item_visible(doc, item, true) == 0)
    item = item_or_null(doc, item->left);
  return item;
}

static void append_text(Buffer *buffer, const Type *type, bool before)
{
  for (const Item *item = type_first(type); item != NULL; item = item_right(type->doc, item)) {
    guint32 units = item->kind == KIND_STRING ? item_visible(type->doc, item, before) : 0;
    if (units > 0)
      write_raw(buffer, item_bytes(type->doc, item), item_prefix(type->doc, item, units));
  }
}

static json_t *cesu_to_json(const Buffer *cesu)
{
  Buffer utf8 = {0};
  text_from_cesu(&utf8, cesu->data, cesu->size);
  json_t *value = json_stringn_nocheck(utf8.data != NULL ? (const char *)utf8.data : "", utf8.size);
  buffer_clear(&utf8);
  return value;
}

static json_t *text_to_json(const Type *type, bool before)
{
  Buffer cesu = {0};
  append_text(&cesu, type, before);
  json_t *value = cesu_to_json(&cesu);
  buffer_clear(&cesu);
  return value;
}

/* An element of a list or the value of an entry. */
static json_t *content_to_json(const Doc *doc, const Item *item, guint32 index, bool before,
                               guint depth)
{
  if (item->kind == KIND_TYPE)
    return type_to_json(item_type(doc, item), ABLAK_YTYPE_UNKNOWN, before, depth);
  if (item->kind != KIND_STRING)
    return item_value(doc, item, index);
  const guint8 *text = item_bytes(doc, item);
  guint32 from = item_prefix(doc, item, index), to = item_prefix(doc, item, index + 1);
  Buffer unit = {(guint8 *)text + from, to - from, 0};
  return cesu_to_json(&unit);
}

static json_t *list_to_json(const Type *type, bool before, guint depth)
{
  json_t *list = json_array();
  for (const Item *item = type_first(type); item != NULL; item = item_right(type->doc, item)) {
    guint32 count = kind_is_countable(item->kind) ? item_visible(type->doc, item, before) : 0;
    for (guint32 i = 0; i < count; i++)
      json_array_append_new(list, content_to_json(type->doc, item, i, before, depth));
  }
  return list;
}

static json_t *map_to_json(const Type *type, bool before, guint depth)
{
  const Doc *doc = type->doc;
  json_t *map = json_object();
  guint32 cursor = 0, chain;
  while (table_next(type->entries, &cursor, &chain)) {
    guint32 key = doc->chains[chain].key;
    const Item *item = entry_item(type, key, before);
    Str name = doc_key_text(doc, key);
    if (item == NULL || has_nul(name.text, name.size))
      continue;
    json_t *value = content_to_json(doc, item, item_visible(doc, item, before) - 1, before, depth);
    json_object_setn_new_nocheck(map, name.text, name.size, value);
  }
  return map;
}

static bool is_xml(const Type *type)
{
  return type->kind >= ABLAK_YTYPE_XML_ELEMENT && type->kind <= ABLAK_YTYPE_XML_TEXT;
}

/* What an undeclared root looks like. */
static AblakYtypeKind guess_kind(const Type *type)
{
  for (const Item *item = type_first(type); item != NULL; item = item_right(type->doc, item)) {
    if (item->kind == KIND_STRING || item->kind == KIND_FORMAT || item->kind == KIND_EMBED)
      return ABLAK_YTYPE_TEXT;
    if (item->kind == KIND_TYPE && is_xml(item_type(type->doc, item)))
      return ABLAK_YTYPE_XML_FRAGMENT;
    if (item->kind != KIND_DELETED)
      return ABLAK_YTYPE_ARRAY;
  }
  return type->entries != NULL || type_first(type) == NULL ? ABLAK_YTYPE_MAP : ABLAK_YTYPE_ARRAY;
}

json_t *type_to_json(const Type *type, AblakYtypeKind as, bool before, guint depth)
{
  if (depth == 0)
    return json_null();
  AblakYtypeKind kind = (AblakYtypeKind)type->kind;
  if (kind == ABLAK_YTYPE_UNKNOWN)
    kind = as == ABLAK_YTYPE_UNKNOWN ? guess_kind(type) : as;
  switch (kind) {
  case ABLAK_YTYPE_MAP:
  case ABLAK_YTYPE_XML_HOOK:
    return map_to_json(type, before, depth - 1);
  case ABLAK_YTYPE_TEXT:
    return text_to_json(type, before);
  case ABLAK_YTYPE_XML_ELEMENT:
  case ABLAK_YTYPE_XML_FRAGMENT:
  case ABLAK_YTYPE_XML_TEXT:
    return xml_to_json(type, kind, before, depth);
  default:
    return list_to_json(type, before, depth - 1);
  }
}

json_t *entry_to_json(const Type *map, guint32 key, bool before, guint depth)
{
  const Item *item = entry_item(map, key, before);
  if (item == NULL)
    return NULL;
  return content_to_json(map->doc, item, item_visible(map->doc, item, before) - 1, before, depth);
}

/* ---- the public readers ---- */

AblakYtype *ablak_ydoc_root(AblakYdoc *doc, const char *name)
{
  return doc_root(doc, doc_key(doc, (Str){name, (guint32)strlen(name)}));
}

AblakYtypeKind ablak_ytype_kind(const AblakYtype *type)
{
  return (AblakYtypeKind)type->kind;
}

bool ablak_ytype_id(const AblakYtype *type, guint64 *ret_client, guint64 *ret_clock)
{
  const Item *item = type_item(type);
  if (item == NULL)
    return false;
  *ret_client = doc_client(type->doc, item->client)->id;
  *ret_clock = item->clock;
  return true;
}

guint64 ablak_ytype_length(const AblakYtype *type)
{
  return type->length;
}

json_t *ablak_ytype_json(const AblakYtype *type, AblakYtypeKind as)
{
  return type_to_json(type, as, false, type->doc->max_depth);
}

json_t *ablak_ydoc_json(const AblakYdoc *doc)
{
  json_t *roots = json_object();
  guint32 cursor = 0, chain;
  while (table_next(doc->roots, &cursor, &chain)) {
    const Type *type = doc->chains[chain].type;
    Str name = doc_key_text(doc, type->name);
    if (!has_nul(name.text, name.size))
      json_object_setn_new_nocheck(roots, name.text, name.size,
                                   ablak_ytype_json(type, ABLAK_YTYPE_UNKNOWN));
  }
  return roots;
}

static guint32 find_key(const Type *map, const char *key)
{
  return doc_find_key(map->doc, key, strlen(key));
}

json_t *ablak_ymap_get(const AblakYtype *map, const char *key)
{
  return entry_to_json(map, find_key(map, key), false, map->doc->max_depth);
}

AblakYtype *ablak_ymap_get_type(const AblakYtype *map, const char *key)
{
  const Item *item = entry_item(map, find_key(map, key), false);
  return item != NULL && item->kind == KIND_TYPE ? item_type(map->doc, item) : NULL;
}

guint64 ablak_ymap_get_client(const AblakYtype *map, const char *key)
{
  const Item *item = entry_item(map, find_key(map, key), false);
  return item != NULL ? doc_client(map->doc, item->client)->id : 0;
}

GPtrArray *ablak_ymap_keys(const AblakYtype *map)
{
  GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
  guint32 cursor = 0, chain;
  while (table_next(map->entries, &cursor, &chain)) {
    guint32 key = map->doc->chains[chain].key;
    Str name = doc_key_text(map->doc, key);
    if (entry_item(map, key, false) != NULL && !has_nul(name.text, name.size))
      g_ptr_array_add(keys, g_strdup(name.text));
  }
  return keys;
}

/* The item that holds element `index`, and which element of it that is. */
static const Item *find_element(const Type *list, guint64 index, guint32 *ret_within)
{
  for (const Item *item = type_first(list); item != NULL; item = item_right(list->doc, item)) {
    guint32 count = kind_is_countable(item->kind) ? item_visible(list->doc, item, false) : 0;
    if (index < count) {
      *ret_within = (guint32)index;
      return item;
    }
    index -= count;
  }
  return NULL;
}

json_t *ablak_yarray_get(const AblakYtype *array, guint64 index)
{
  guint32 within;
  const Item *item = find_element(array, index, &within);
  return item != NULL ? content_to_json(array->doc, item, within, false, array->doc->max_depth)
                      : NULL;
}

AblakYtype *ablak_yarray_get_type(const AblakYtype *array, guint64 index)
{
  guint32 within;
  const Item *item = find_element(array, index, &within);
  return item != NULL && item->kind == KIND_TYPE ? item_type(array->doc, item) : NULL;
}

char *ablak_ytext_string(const AblakYtype *text)
{
  Buffer cesu = {0}, utf8 = {0};
  append_text(&cesu, text, false);
  text_from_cesu(&utf8, cesu.data, cesu.size);
  buffer_clear(&cesu);
  write_byte(&utf8, '\0');
  return (char *)utf8.data;
}

/* ---- paths ---- */

static const Item *step_into(const Type *type, const json_t *name, guint32 *ret_within)
{
  if (json_is_integer(name) && json_integer_value(name) >= 0)
    return find_element(type, (guint64)json_integer_value(name), ret_within);
  if (!json_is_string(name))
    return NULL;
  const Item *item = entry_item(
      type, doc_find_key(type->doc, json_string_value(name), json_string_length(name)), false);
  *ret_within = item != NULL ? item->length - 1 : 0;
  return item;
}

static const Type *path_root(const Doc *doc, const json_t *path)
{
  const json_t *name = json_array_get(path, 0);
  if (!json_is_string(name))
    return NULL;
  guint32 key = doc_find_key(doc, json_string_value(name), json_string_length(name));
  return key == NONE ? NULL : doc_find_root(doc, key);
}

/* The type that holds the path's last name. */
static const Type *path_parent(const Doc *doc, const json_t *path)
{
  const Type *type = path_root(doc, path);
  for (size_t i = 1; type != NULL && i + 1 < json_array_size(path); i++) {
    guint32 within;
    const Item *item = step_into(type, json_array_get(path, i), &within);
    type = item != NULL && item->kind == KIND_TYPE ? item_type(doc, item) : NULL;
  }
  return type;
}

json_t *ablak_ydoc_json_at(const AblakYdoc *doc, const json_t *path)
{
  const Type *type = path_parent(doc, path);
  guint32 within;
  if (type == NULL)
    return NULL;
  if (json_array_size(path) == 1)
    return ablak_ytype_json(type, ABLAK_YTYPE_UNKNOWN);
  const Item *item = step_into(type, json_array_get(path, json_array_size(path) - 1), &within);
  return item != NULL ? content_to_json(doc, item, within, false, doc->max_depth) : NULL;
}

AblakYtype *ablak_ydoc_type_at(AblakYdoc *doc, const json_t *path)
{
  const Type *type = path_parent(doc, path);
  guint32 within;
  if (type == NULL || json_array_size(path) == 1)
    return (Type *)type;
  const Item *item = step_into(type, json_array_get(path, json_array_size(path) - 1), &within);
  return item != NULL && item->kind == KIND_TYPE ? item_type(doc, item) : NULL;
}
