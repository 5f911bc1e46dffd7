/* Operations of our own: the document changed as a peer changes it. */
#include "forms/coedit/write.h"
#include "core/error.h"
#include "forms/coedit/apply.h"
#include "forms/coedit/content.h"
#include "forms/coedit/read.h"
#include "forms/coedit/transaction.h"

static Client *own_client(Doc *doc)
{
  return doc_get_client(doc, doc->client_id);
}

guint32 own_item(Doc *doc, guint32 chain, guint32 left, guint32 right, guint8 kind, guint32 length)
{
  const Client *client = own_client(doc);
  guint32 index = doc_item_new(doc);
  Item *item = item_at(doc, index);
  item->client = client->index;
  item->clock = client->state;
  item->length = length;
  item->kind = kind;
  item->chain = chain;
  item->left = left;
  item->right = right;
  if (left != NONE) {
    const Item *origin = item_at(doc, left);
    item->origin_client = origin->client;
    item->origin_clock = origin->clock + origin->length - 1;
  }
  if (right != NONE) {
    const Item *origin = item_at(doc, right);
    item->right_client = origin->client;
    item->right_clock = origin->clock;
  }
  return index;
}

void own_item_store(Doc *doc, Item *item, const void *data, gsize size)
{
  item->content.bytes.size = (guint32)size;
  item->content.bytes.offset = client_store(doc, own_client(doc), data, size);
}

/* No content has more units than bytes. */
static bool check_room(Doc *doc, gsize size, GError **error)
{
  g_return_val_if_fail(doc->open, false);
  if (size > G_MAXINT32 || !doc_make_room(doc, 2 * size + 4 * STRUCT_BYTES))
    return fail_too_large(doc, error);
  if (doc->own == NULL ? doc->client_count >= CLIENTS_MAX : doc->own->state + size > OWN_CLOCK_MAX)
    return fail_numbers(error);
  return true;
}

static bool fail_range(GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "coedit/out-of-range",
                  "a position lies past the end");
  return false;
}

static bool depth_fits(const json_t *value, guint depth)
{
  size_t index;
  const char *key;
  json_t *member;
  if (!json_is_object(value) && !json_is_array(value))
    return true;
  if (depth == 0)
    return false;
  json_object_foreach((json_t *)value, key,
                      member) if (!depth_fits(member, depth - 1)) return false;
  json_array_foreach(value, index, member) if (!depth_fits(member, depth - 1)) return false;
  return true;
}

static bool encode_value(Doc *doc, Buffer *buffer, const json_t *value, GError **error)
{
  if (!depth_fits(value, doc->max_depth)) {
    ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "coedit/too-large",
                    "a value is nested deeper than %u levels", doc->max_depth);
    return false;
  }
  any_from_json(buffer, value);
  return check_room(doc, buffer->size, error);
}

/* ---- maps ---- */

/* A new value of the entry, not integrated yet. */
static guint32 own_entry(Type *map, const char *key, guint8 kind)
{
  Doc *doc = map->doc;
  guint32 chain = type_chain(map, doc_key(doc, (Str){key, (guint32)strlen(key)}));
  return own_item(doc, chain, doc->chains[chain].head, NONE, kind, 1);
}

static Type *own_type(Doc *doc, guint32 index, AblakYtypeKind kind)
{
  Type *type = doc_type_new(doc, index, kind, NONE);
  item_at(doc, index)->content.list = type->list;
  doc_integrate(doc, index);
  return type;
}

bool ablak_ymap_set(AblakYtype *map, const char *key, const json_t *value, GError **error)
{
  Doc *doc = map->doc;
  Buffer buffer = {0};
  if (!encode_value(doc, &buffer, value, error)) {
    buffer_clear(&buffer);
    return false;
  }
  guint32 index = own_entry(map, key, KIND_ANY);
  own_item_store(doc, item_at(doc, index), buffer.data, buffer.size);
  buffer_clear(&buffer);
  doc_integrate(doc, index);
  return true;
}

AblakYtype *ablak_ymap_set_type(AblakYtype *map, const char *key, AblakYtypeKind kind,
                                GError **error)
{
  Doc *doc = map->doc;
  g_return_val_if_fail(kind <= ABLAK_YTYPE_TEXT, NULL);
  if (!check_room(doc, sizeof(Type), error))
    return NULL;
  return own_type(doc, own_entry(map, key, KIND_TYPE), kind);
}

bool ablak_ymap_delete(AblakYtype *map, const char *key)
{
  g_return_val_if_fail(map->doc->open, false);
  Item *item = entry_item(map, doc_find_key(map->doc, key, strlen(key)), false);
  if (item == NULL)
    return false;
  doc_delete_item(map->doc, item);
  return true;
}

/* ---- lists ---- */

static guint32 visible_length(const Item *item)
{
  return item_is_deleted(item) || !kind_is_countable(item->kind) ? 0 : item->length;
}

/* The item that holds the unit before position `index`, which is not 0, and where it begins; looked
 * for from the beginning, or from the marker when that is nearer. */
static guint32 find_unit_before(const Type *list, guint32 index, guint32 *ret_start)
{
  const Doc *doc = list->doc;
  guint32 at = doc->chains[list->list].head, start = 0;
  if (doc->marker_list == list->list && index > doc->marker_index / 2) {
    at = doc->marker_item;
    start = doc->marker_index;
  }
  while (at != NONE && start >= index) {
    at = item_at(doc, at)->left;
    start -= at != NONE ? visible_length(item_at(doc, at)) : 0;
  }
  while (at != NONE && start + visible_length(item_at(doc, at)) < index) {
    start += visible_length(item_at(doc, at));
    at = item_at(doc, at)->right;
  }
  *ret_start = start;
  return at;
}

/* The item whose end is position `index`, split if need be; NONE: the beginning. */
static bool seek(Type *list, guint64 index, guint32 *ret_left)
{
  Doc *doc = list->doc;
  guint32 start = 0;
  doc->marker_list = index > 0 ? doc->marker_list : NONE;
  *ret_left = index > 0 ? find_unit_before(list, (guint32)index, &start) : NONE;
  if (*ret_left == NONE)
    return index == 0;
  const Item *left = item_at(doc, *ret_left);
  guint32 count = (guint32)index - start;
  if (count < left->length)
    doc_clean_start(doc, doc_client(doc, left->client), left->clock + count);
  doc->marker_list = list->list;
  doc->marker_item = *ret_left;
  doc->marker_index = start;
  return true;
}

static guint32 right_of(const Type *list, guint32 left)
{
  return left != NONE ? item_at(list->doc, left)->right : list->doc->chains[list->list].head;
}

static bool insert_bytes(Type *list, guint64 index, guint8 kind, guint32 length,
                         const Buffer *content, GError **error)
{
  Doc *doc = list->doc;
  guint32 left;
  if (index > list->length || !seek(list, index, &left))
    return fail_range(error);
  guint32 item = own_item(doc, list->list, left, right_of(list, left), kind, length);
  own_item_store(doc, item_at(doc, item), content->data, content->size);
  doc_integrate(doc, item);
  return true;
}

static bool delete_elements(Type *list, guint64 index, guint64 count, GError **error)
{
  Doc *doc = list->doc;
  guint32 left;
  g_return_val_if_fail(doc->open, false);
  if (index > list->length || count > list->length - index)
    return fail_range(error);
  if (count == 0) /* looking for the place could split a surrogate pair for nothing */
    return true;
  if (!seek(list, index, &left))
    return fail_range(error);
  Item *item = item_or_null(doc, right_of(list, left));
  for (; count > 0 && item != NULL; item = item_right(doc, item)) {
    if (item_is_deleted(item) || !kind_is_countable(item->kind))
      continue;
    if (count < item->length)
      doc_clean_start(doc, doc_client(doc, item->client), item->clock + (guint32)count);
    doc_delete_item(doc, item);
    count -= item->length;
  }
  return true;
}

bool ablak_yarray_insert(AblakYtype *array, guint64 index, const json_t *values, GError **error)
{
  Buffer buffer = {0};
  size_t i;
  json_t *value;
  bool good = true;
  g_return_val_if_fail(json_is_array(values), false);
  json_array_foreach(values, i, value) good =
      good && encode_value(array->doc, &buffer, value, error);
  if (good && json_array_size(values) > 0)
    good = insert_bytes(array, index, KIND_ANY, (guint32)json_array_size(values), &buffer, error);
  buffer_clear(&buffer);
  return good;
}

AblakYtype *ablak_yarray_insert_type(AblakYtype *array, guint64 index, AblakYtypeKind kind,
                                     GError **error)
{
  Doc *doc = array->doc;
  guint32 left;
  g_return_val_if_fail(kind <= ABLAK_YTYPE_TEXT, NULL);
  if (!check_room(doc, sizeof(Type), error))
    return NULL;
  if (index > array->length || !seek(array, index, &left)) {
    fail_range(error);
    return NULL;
  }
  return own_type(doc, own_item(doc, array->list, left, right_of(array, left), KIND_TYPE, 1), kind);
}

bool ablak_yarray_delete(AblakYtype *array, guint64 index, guint64 count, GError **error)
{
  return delete_elements(array, index, count, error);
}

/* ---- texts ---- */

bool ablak_ytext_insert(AblakYtype *text, guint64 index, const char *utf8, GError **error)
{
  gsize size = strlen(utf8);
  gint64 units = utf8_units(utf8, size);
  if (units < 0)
    return fail_malformed(error, "UTF-8 text");
  if (!check_room(text->doc, size * 2, error))
    return false;
  if (units == 0)
    return index <= text->length || fail_range(error);
  Buffer cesu = {0};
  own_client(text->doc)->surrogates |= text_to_cesu(&cesu, utf8, size);
  bool good = insert_bytes(text, index, KIND_STRING, (guint32)units, &cesu, error);
  buffer_clear(&cesu);
  return good;
}

bool ablak_ytext_delete(AblakYtype *text, guint64 index, guint64 count, GError **error)
{
  return delete_elements(text, index, count, error);
}

static bool is_continuation(char byte)
{
  return ((guint8)byte & 0xc0) == 0x80;
}

bool ablak_ytext_replace(AblakYtype *text, const char *utf8, GError **error)
{
  g_autofree char *old = ablak_ytext_string(text);
  gsize old_size = strlen(old), size = strlen(utf8), head = 0, tail = 0;
  if (utf8_units(utf8, size) < 0)
    return fail_malformed(error, "UTF-8 text");
  if (!check_room(text->doc, size * 2, error))
    return false;
  if ((guint64)utf8_units(old, old_size) != text->length) /* it holds more than characters */
    return delete_elements(text, 0, text->length, error) &&
           ablak_ytext_insert(text, 0, utf8, error);
  gsize shorter = MIN(old_size, size);
  while (head < shorter && old[head] == utf8[head])
    head++;
  while (head > 0 && (is_continuation(old[head]) || is_continuation(utf8[head])))
    head--;
  while (tail < shorter - head && old[old_size - tail - 1] == utf8[size - tail - 1])
    tail++;
  while (tail > 0 && is_continuation(utf8[size - tail]))
    tail--;
  guint64 index = (guint64)utf8_units(utf8, head);
  guint64 count = (guint64)utf8_units(old + head, old_size - head - tail);
  g_autofree char *added = g_strndup(utf8 + head, size - head - tail);
  return delete_elements(text, index, count, error) &&
         ablak_ytext_insert(text, index, added, error);
}

/* ---- transactions ---- */

void ablak_ydoc_begin(AblakYdoc *doc)
{
  g_return_if_fail(!doc->open);
  doc_begin(doc, 0, false);
}

GBytes *ablak_ydoc_commit(AblakYdoc *doc)
{
  g_return_val_if_fail(doc->open, NULL);
  return doc_finish(doc, true);
}
