/* What a transaction changed, by field, and the repair of what its sender may not change. */
#include "forms/coedit/changes.h"
#include "forms/coedit/content.h"
#include "forms/coedit/read.h"
#include "forms/coedit/transaction.h"
#include "forms/coedit/write.h"

/* Changes of one field by one origin. */
typedef struct {
  Type *type;
  guint32 key;
  guint64 origin;
  guint64 client, inserted, deleted;
  bool set;     /* a new value of the entry is there */
  bool removed; /* the entry's old value was deleted */
  bool format;  /* formatting came or went */
  bool text;    /* characters or formatting of an undeclared root */
  bool refused;
} Field;

typedef struct {
  Doc *doc;
  GHashTable *fields; /* of Field, also the key */
  GPtrArray *order;
} Collector;

static guint field_hash(gconstpointer data)
{
  const Field *field = data;
  return g_direct_hash(field->type) * 31 + field->key * 2654435769u + (guint)field->origin;
}

static gboolean field_equal(gconstpointer a, gconstpointer b)
{
  const Field *one = a, *other = b;
  return one->type == other->type && one->key == other->key && one->origin == other->origin;
}

static bool is_new(const Doc *doc, const Item *item)
{
  return item->clock >= client_before(doc, doc_client(doc, item->client));
}

static int compare_entries(gconstpointer a, gconstpointer b)
{
  const LogEntry *one = a, *other = b;
  if (one->range.client != other->range.client)
    return one->range.client < other->range.client ? -1 : 1;
  return one->range.clock < other->range.clock ? -1 : one->range.clock > other->range.clock;
}

/* The insertions of a log with several origins, in order; NULL when all have one origin. */
static GArray *sort_insertions(const Doc *doc)
{
  bool mixed = false;
  for (guint32 i = 1; i < doc->log.count; i++)
    mixed |= doc->log.at[i].origin != doc->log.at[0].origin;
  if (!mixed)
    return NULL;
  GArray *insertions = g_array_new(FALSE, FALSE, sizeof(LogEntry));
  for (guint32 i = 0; i < doc->log.count; i++) {
    if (!doc->log.at[i].deletion)
      g_array_append_val(insertions, doc->log.at[i]);
  }
  g_array_sort(insertions, compare_entries);
  return insertions;
}

/* The origin that inserted this item in the running transaction. */
static guint64 inserted_by(const GArray *insertions, const Item *item)
{
  guint low = 0, high = insertions->len;
  while (high - low > 1) {
    guint middle = (low + high) / 2;
    const Range *range = &g_array_index(insertions, LogEntry, middle).range;
    if (range->client < item->client ||
        (range->client == item->client && range->clock <= item->clock))
      low = middle;
    else
      high = middle;
  }
  return g_array_index(insertions, LogEntry, low).origin;
}

/* Content of a deleted container, or of one that the same origin made just now, is told with the
 * container. */
static bool is_told(const Doc *doc, const Item *item, guint64 origin, const GArray *insertions)
{
  const Item *container = type_item(item_parent(doc, item));
  if (container == NULL)
    return false;
  if (item_is_deleted(container))
    return true;
  return is_new(doc, container) &&
         (insertions == NULL || inserted_by(insertions, container) == origin);
}

static Field *get_field(Collector *collector, const Item *item, guint64 origin)
{
  const Chain *chain = item_chain(collector->doc, item);
  Field probe = {.type = chain->type, .key = chain->key, .origin = origin};
  Field *field = g_hash_table_lookup(collector->fields, &probe);
  if (field == NULL) {
    field = g_memdup2(&probe, sizeof probe);
    field->client = doc_client(collector->doc, item->client)->id;
    g_hash_table_add(collector->fields, field);
    g_ptr_array_add(collector->order, field);
  }
  return field;
}

/* Part of an item, cut to what one log entry is about. */
typedef struct {
  Item *item;
  guint32 clock, length;
} Piece;

static bool next_piece(const Doc *doc, const LogEntry *entry, guint32 *clock, Piece *ret_piece)
{
  guint32 end = entry->range.clock + entry->range.length;
  if (*clock >= end)
    return false;
  Item *item = doc_item_at(doc, doc_client(doc, entry->range.client), *clock);
  guint32 item_end = item->clock + item->length;
  *ret_piece = (Piece){item, *clock, MIN(end, item_end) - *clock};
  *clock = item_end;
  return true;
}

/* Whether the piece counts: inserted and still there, or deleted and there before. */
static bool piece_counts(const Doc *doc, const LogEntry *entry, const Piece *piece)
{
  if (piece->item->kind == KIND_GC)
    return false;
  if (!entry->deletion)
    return !item_is_deleted(piece->item);
  return (piece->item->flags & ITEM_DELETED_NOW) != 0 && !is_new(doc, piece->item);
}

static void count_piece(Collector *collector, const LogEntry *entry, const Piece *piece)
{
  Field *field = get_field(collector, piece->item, entry->origin);
  guint8 kind = piece->item->kind;
  if (!entry->deletion && !field->set) /* who wrote it, rather than whose it was */
    field->client = doc_client(collector->doc, piece->item->client)->id;
  if (kind == KIND_FORMAT)
    field->format = true;
  else if (entry->deletion)
    field->deleted += piece->length;
  else
    field->inserted += piece->length;
  field->text |= kind == KIND_STRING || kind == KIND_FORMAT || kind == KIND_EMBED;
  field->removed |= entry->deletion;
  field->set |= !entry->deletion;
}

static void collect_fields(Collector *collector)
{
  const Doc *doc = collector->doc;
  g_autoptr(GArray) insertions = sort_insertions(doc);
  for (guint32 i = 0; i < doc->log.count; i++) {
    const LogEntry *entry = &doc->log.at[i];
    guint32 clock = entry->range.clock;
    Piece piece;
    while (next_piece(doc, entry, &clock, &piece)) {
      if (piece_counts(doc, entry, &piece) && !is_told(doc, piece.item, entry->origin, insertions))
        count_piece(collector, entry, &piece);
    }
  }
}

/* ---- telling ---- */

static json_t *name_in_parent(const Doc *doc, const Item *item)
{
  const Chain *chain = item_chain(doc, item);
  if (chain->key != NONE) {
    Str key = doc_key_text(doc, chain->key);
    return json_stringn_nocheck(key.text, key.size);
  }
  guint64 index = 0;
  for (const Item *at = type_first(chain->type); at != NULL && at != item;
       at = item_right(doc, at)) {
    if (kind_is_countable(at->kind))
      index += item_visible(doc, at, false);
  }
  return json_integer((json_int_t)index);
}

/* Deeper than the document's bound only the upper part is told. */
static json_t *path_of(const Doc *doc, const Field *field)
{
  json_t *path = json_array();
  guint depth = 0;
  const Type *type = field->type;
  for (const Type *at = type; at->item != NONE; at = item_parent(doc, type_item(at)))
    depth++;
  for (; depth > doc->max_depth; depth--)
    type = item_parent(doc, type_item(type));
  bool whole = type == field->type;
  for (; type->item != NONE; type = item_parent(doc, type_item(type)))
    json_array_insert_new(path, 0, name_in_parent(doc, type_item(type)));
  Str root = doc_key_text(doc, type->name);
  json_array_insert_new(path, 0, json_stringn_nocheck(root.text, root.size));
  if (whole && field->key != NONE) {
    Str key = doc_key_text(doc, field->key);
    json_array_append_new(path, json_stringn_nocheck(key.text, key.size));
  }
  return path;
}

json_t *entry_path(const Doc *doc, Type *map, guint32 key)
{
  const Field field = {.type = map, .key = key};
  return path_of(doc, &field);
}

static AblakYdocChangeKind change_kind(const Field *field)
{
  if (field->key != NONE)
    return field->set ? ABLAK_YDOC_MAP_SET : ABLAK_YDOC_MAP_DELETE;
  switch (field->type->kind) {
  case ABLAK_YTYPE_TEXT:
  case ABLAK_YTYPE_XML_TEXT:
    return ABLAK_YDOC_TEXT;
  case ABLAK_YTYPE_UNKNOWN:
    return field->text ? ABLAK_YDOC_TEXT : ABLAK_YDOC_LIST;
  default:
    return ABLAK_YDOC_LIST;
  }
}

static bool field_changed(const Field *field)
{
  if (field->key == NONE || field->set)
    return true;
  return field->removed && entry_item(field->type, field->key, false) == NULL;
}

static json_t *value_before(const Doc *doc, const Field *field, AblakYdocChangeKind kind)
{
  if (field->key != NONE)
    return entry_to_json(field->type, field->key, true, doc->max_depth);
  return type_to_json(field->type, kind == ABLAK_YDOC_TEXT ? ABLAK_YTYPE_TEXT : ABLAK_YTYPE_ARRAY,
                      true, doc->max_depth);
}

void change_free(gpointer data)
{
  AblakYdocChange *change = data;
  json_decref(change->path);
  json_decref(change->before);
  g_free(change);
}

static AblakYdocChange *tell(const Doc *doc, const Field *field, guint want)
{
  AblakYdocChange *change = g_new0(AblakYdocChange, 1);
  change->kind = change_kind(field);
  change->path = path_of(doc, field);
  change->origin = field->origin;
  change->client = field->client;
  if (field->key == NONE) {
    change->inserted = field->inserted;
    change->deleted = field->deleted;
  }
  if ((want & ABLAK_YDOC_BEFORE) != 0)
    change->before = value_before(doc, field, change->kind);
  if ((want & ABLAK_YDOC_CONFLICTS) != 0 && change->kind == ABLAK_YDOC_MAP_SET)
    change->concurrent = conflicts_concurrent(doc, field->type, field->key);
  return change;
}

/* ---- repairing ---- */

/* A copy of the first `visible` units of another item's content, as ours, between neighbours. */
static guint32 copy_item(Doc *doc, guint32 chain, guint32 left, guint32 right, const Item *source,
                         guint32 visible, guint depth);

static void copy_content(Doc *doc, Type *target, const Type *source, guint depth)
{
  guint32 last = NONE;
  for (const Item *item = type_first(source); item != NULL; item = item_right(doc, item)) {
    guint32 visible = item_visible(doc, item, true);
    if (visible > 0)
      last = copy_item(doc, target->list, last, NONE, item, visible, depth);
  }
  guint32 cursor = 0, chain;
  while (table_next(source->entries, &cursor, &chain)) {
    guint32 key = doc->chains[chain].key;
    const Item *item = entry_item(source, key, true);
    if (item != NULL)
      copy_item(doc, type_chain(target, key), NONE, NONE, item, item_visible(doc, item, true),
                depth);
  }
}

static guint32 copy_item(Doc *doc, guint32 chain, guint32 left, guint32 right, const Item *source,
                         guint32 visible, guint depth)
{
  guint32 index = own_item(doc, chain, left, right, source->kind, visible);
  Item *item = item_at(doc, index);
  if (source->kind == KIND_TYPE) {
    const Type *type = item_type(doc, source);
    Type *copy = doc_type_new(doc, index, (AblakYtypeKind)type->kind, type->name);
    item->content.list = copy->list;
    doc_integrate(doc, index);
    if (depth > 0)
      copy_content(doc, copy, type, depth - 1);
    return index;
  }
  guint32 size = item_prefix(doc, source, visible);
  g_autofree guint8 *bytes = g_memdup2(item_bytes(doc, source), size);
  doc_client(doc, item->client)->surrogates |= doc_client(doc, source->client)->surrogates;
  own_item_store(doc, item, bytes, size);
  doc_integrate(doc, index);
  return index;
}

static void repair_entry(Doc *doc, const Field *field)
{
  const Item *old = entry_item(field->type, field->key, true);
  guint32 chain = type_find_chain(field->type, field->key), now = doc->chains[chain].head;
  if (old == NULL)
    doc_delete_item(doc, item_at(doc, now));
  else
    copy_item(doc, chain, now, NONE, old, item_visible(doc, old, true), doc->max_depth);
}

static void repair_piece(Doc *doc, const LogEntry *entry, guint32 clock, guint32 length)
{
  Client *client = doc_client(doc, entry->range.client);
  if (!entry->deletion) {
    doc_delete_range(doc, client, clock, clock + length);
    return;
  }
  guint32 index = doc_clean_start(doc, client, clock);
  const Item *item = item_at(doc, index);
  if (item->length > length)
    doc_clean_start(doc, client, clock + length);
  copy_item(doc, item->chain, index, item->right, item, item->length, doc->max_depth);
}

/* Lists are repaired piece by piece, as the log tells them. */
static void repair_lists(Collector *collector)
{
  Doc *doc = collector->doc;
  for (guint32 i = 0; i < doc->log.count; i++) {
    const LogEntry *entry = &doc->log.at[i];
    guint32 clock = entry->range.clock;
    Piece piece;
    while (next_piece(doc, entry, &clock, &piece)) {
      if (!piece_counts(doc, entry, &piece) || item_key(doc, piece.item) != NONE)
        continue;
      Field probe = {.type = item_parent(doc, piece.item), .key = NONE, .origin = entry->origin};
      const Field *field = g_hash_table_lookup(collector->fields, &probe);
      if (field != NULL && field->refused)
        repair_piece(doc, entry, piece.clock, piece.length);
    }
  }
}

static void repair(Collector *collector)
{
  collector->doc->tracked = false;
  for (guint i = 0; i < collector->order->len; i++) {
    const Field *field = g_ptr_array_index(collector->order, i);
    if (field->refused && field->key != NONE)
      repair_entry(collector->doc, field);
  }
  repair_lists(collector);
}

static bool is_there(const Doc *doc, const Type *type)
{
  for (; type->item != NONE; type = item_parent(doc, type_item(type)))
    if (item_is_deleted(type_item(type)))
      return false;
  return true;
}

/* Repairs move the elements of lists: what stays is told where it stands then. */
static void tell_places_anew(const Doc *doc, const GPtrArray *changes, const GPtrArray *fields)
{
  for (guint i = 0; i < changes->len; i++) {
    AblakYdocChange *change = g_ptr_array_index(changes, i);
    const Field *field = g_ptr_array_index(fields, i);
    if (change->refused || !is_there(doc, field->type))
      continue;
    json_decref(change->path);
    change->path = path_of(doc, field);
  }
}

GPtrArray *changes_collect(Doc *doc, guint want, AblakYdocAllow allow, gpointer user_data,
                           guint *ret_refused)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func(change_free);
  g_autoptr(GHashTable) fields = g_hash_table_new(field_hash, field_equal);
  g_autoptr(GPtrArray) order = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) told = g_ptr_array_new(); /* the Field of each change */
  Collector collector = {doc, fields, order};
  collect_fields(&collector);
  *ret_refused = 0;
  for (guint i = 0; i < order->len; i++) {
    Field *field = g_ptr_array_index(order, i);
    if (!field_changed(field))
      continue;
    AblakYdocChange *change = tell(doc, field, want);
    g_ptr_array_add(changes, change);
    g_ptr_array_add(told, field);
    if (allow != NULL && !allow(change, user_data)) {
      change->refused = field->refused = true;
      ++*ret_refused;
    }
  }
  if (*ret_refused > 0) {
    repair(&collector);
    tell_places_anew(doc, changes, told);
  }
  return changes;
}
