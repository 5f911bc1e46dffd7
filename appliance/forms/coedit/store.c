#include "forms/coedit/internal.h"

#define LEAF_MAX 256

struct ItemChunk {
  ItemChunk *next;
  guint32 count, used;
  Item items[];
};

/* ---- clients and keys ---- */

guint64 doc_own_state(const Doc *doc)
{
  return doc->own != NULL ? doc->own->state : 0;
}

Client *doc_find_client(Doc *doc, guint64 id)
{
  if (doc->last_client != NULL && doc->last_client->id == id)
    return doc->last_client;
  Client *client = g_hash_table_lookup(doc->clients_by_id, &id);
  if (client != NULL)
    doc->last_client = client;
  return client;
}

Client *doc_get_client(Doc *doc, guint64 id)
{
  Client *client = doc_find_client(doc, id);
  if (client != NULL)
    return client;
  client = g_new0(Client, 1);
  client->id = id;
  client->index = doc->clients->len;
  g_ptr_array_add(doc->clients, client);
  g_hash_table_insert(doc->clients_by_id, &client->id, client);
  doc->bytes += sizeof *client + 48;
  doc->last_client = client;
  if (id == doc->client_id)
    doc->own = client;
  return client;
}

static guint key_hash(gconstpointer data)
{
  const Str *text = data;
  guint32 hash = 2166136261u; /* FNV-1a */
  for (guint32 i = 0; i < text->size; i++)
    hash = (hash ^ (guint8)text->text[i]) * 16777619u;
  return hash;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
  const Str *one = a, *other = b;
  return one->size == other->size && memcmp(one->text, other->text, one->size) == 0;
}

guint32 doc_find_key(const Doc *doc, const char *text, gsize size)
{
  Str string = {text, (guint32)size};
  gpointer found;
  if (!g_hash_table_lookup_extended(doc->keys_by_text, &string, NULL, &found))
    return NONE;
  return GPOINTER_TO_UINT(found);
}

guint32 doc_key(Doc *doc, Str text)
{
  guint32 found = doc_find_key(doc, text.text, text.size);
  if (found != NONE)
    return found;
  Key *key = g_malloc(sizeof *key + text.size + 1);
  key->size = text.size;
  memcpy(key->text, text.text, text.size);
  key->text[text.size] = '\0';
  Str *string = g_new(Str, 1);
  *string = (Str){key->text, key->size};
  found = doc->keys->len;
  g_ptr_array_add(doc->keys, key);
  g_hash_table_insert(doc->keys_by_text, string, GUINT_TO_POINTER(found));
  doc->bytes += sizeof *key + text.size + sizeof *string + 32;
  return found;
}

/* ---- maps by small number ---- */

static guint32 id_map_slot(const IdMap *map, guint32 key)
{
  guint32 mask = map->capacity - 1;
  guint32 slot = (key * 2654435769u) & mask;
  while (map->keys[slot] != NONE && map->keys[slot] != key)
    slot = (slot + 1) & mask;
  return slot;
}

gpointer id_map_get(const IdMap *map, guint32 key)
{
  if (map->count == 0)
    return NULL;
  guint32 slot = id_map_slot(map, key);
  return map->keys[slot] == key ? map->values[slot] : NULL;
}

static void id_map_resize(IdMap *map, guint32 capacity)
{
  IdMap old = *map;
  map->capacity = capacity;
  map->keys = g_new(guint32, capacity);
  map->values = g_new0(gpointer, capacity);
  memset(map->keys, 0xff, capacity * sizeof *map->keys);
  for (guint32 i = 0; i < old.capacity; i++) {
    if (old.keys[i] == NONE)
      continue;
    guint32 slot = id_map_slot(map, old.keys[i]);
    map->keys[slot] = old.keys[i];
    map->values[slot] = old.values[i];
  }
  g_free(old.keys);
  g_free(old.values);
}

gsize id_map_set(IdMap *map, guint32 key, gpointer value)
{
  guint32 before = map->capacity;
  if ((map->count + 1) * 4 > map->capacity * 3)
    id_map_resize(map, MAX(4, map->capacity * 2));
  guint32 slot = id_map_slot(map, key);
  if (map->keys[slot] == NONE)
    map->count++;
  map->keys[slot] = key;
  map->values[slot] = value;
  return (map->capacity - before) * (sizeof *map->keys + sizeof *map->values);
}

void id_map_clear(IdMap *map)
{
  g_free(map->keys);
  g_free(map->values);
  *map = (IdMap){0};
}

Type *doc_root(Doc *doc, guint32 name)
{
  Type *type = id_map_get(&doc->roots, name);
  if (type == NULL) {
    type = doc_type_new(doc, NULL, ABLAK_YTYPE_UNKNOWN, name);
    doc->bytes += id_map_set(&doc->roots, name, type);
  }
  return type;
}

/* ---- items and types ---- */

Item *doc_item_new(Doc *doc)
{
  Item *item = doc->free_items;
  if (item != NULL) {
    doc->free_items = item->right;
  } else {
    ItemChunk *chunk = doc->chunks;
    if (chunk == NULL || chunk->used == chunk->count) {
      guint32 count = chunk == NULL ? 16 : MIN(chunk->count * 2, 1024);
      chunk = g_malloc(sizeof *chunk + count * sizeof *chunk->items);
      *chunk = (ItemChunk){doc->chunks, count, 0};
      doc->chunks = chunk;
    }
    item = &chunk->items[chunk->used++];
  }
  memset(item, 0, sizeof *item);
  item->origin_client = item->right_client = item->key = NONE;
  doc->bytes += sizeof *item;
  return item;
}

void doc_item_free(Doc *doc, Item *item)
{
  item->right = doc->free_items;
  doc->free_items = item;
  doc->bytes -= sizeof *item;
}

Type *doc_type_new(Doc *doc, Item *item, AblakYtypeKind kind, guint32 name)
{
  Type *type = g_new0(Type, 1);
  type->doc = doc;
  type->item = item;
  type->kind = (guint8)kind;
  type->name = name;
  doc->bytes += sizeof *type;
  return type;
}

void doc_type_free(Doc *doc, Type *type)
{
  doc->bytes -= sizeof *type + type->entries.capacity * (sizeof(guint32) + sizeof(gpointer));
  id_map_clear(&type->entries);
  g_free(type);
}

/* ---- the struct index of a client ---- */

static bool slot_holds(const Leaf *leaf, guint32 slot, guint64 clock)
{
  const Item *item = leaf->slots[slot].item;
  return clock - leaf->slots[slot].clock < item->length;
}

static guint32 leaf_find(const Leaf *leaf, guint64 clock)
{
  guint32 first = 0, last = leaf->count;
  while (last - first > 1) {
    guint32 middle = (first + last) / 2;
    if (leaf->slots[middle].clock <= clock)
      first = middle;
    else
      last = middle;
  }
  return first;
}

/* People type where they typed before: the last struct and the last place found come first. */
Place client_find(Client *client, guint64 clock)
{
  guint32 low = client->leaf_count - 1, high = client->leaf_count;
  const Leaf *leaf = &client->leaves[low];
  if (leaf->slots[leaf->count - 1].clock <= clock)
    return (Place){low, leaf->count - 1};
  Place hint = client->hint;
  if (hint.leaf < client->leaf_count) {
    leaf = &client->leaves[hint.leaf];
    for (int i = 0; i < 2 && hint.slot < leaf->count; i++, hint.slot++) {
      if (slot_holds(leaf, hint.slot, clock)) {
        client->hint = hint;
        return hint;
      }
    }
  }
  for (low = 0; high - low > 1;) {
    guint32 middle = (low + high) / 2;
    if (client->leaves[middle].clock <= clock)
      low = middle;
    else
      high = middle;
  }
  client->hint = (Place){low, leaf_find(&client->leaves[low], clock)};
  return client->hint;
}

bool client_next(const Client *client, Place *place)
{
  if (place->slot + 1 < client->leaves[place->leaf].count) {
    place->slot++;
    return true;
  }
  if (place->leaf + 1 == client->leaf_count)
    return false;
  *place = (Place){place->leaf + 1, 0};
  return true;
}

bool client_previous(const Client *client, Place *place)
{
  if (place->slot > 0) {
    place->slot--;
    return true;
  }
  if (place->leaf == 0)
    return false;
  place->leaf--;
  place->slot = client->leaves[place->leaf].count - 1;
  return true;
}

Item *client_last(const Client *client)
{
  if (client->leaf_count == 0)
    return NULL;
  const Leaf *leaf = &client->leaves[client->leaf_count - 1];
  return leaf->slots[leaf->count - 1].item;
}

static Leaf *client_add_leaf(Doc *doc, Client *client, guint32 at)
{
  if (client->leaf_count == client->leaf_capacity) {
    guint32 more = MAX(1, client->leaf_capacity);
    client->leaf_capacity += more;
    client->leaves = g_renew(Leaf, client->leaves, client->leaf_capacity);
    doc->bytes += more * sizeof(Leaf);
  }
  memmove(client->leaves + at + 1, client->leaves + at,
          (client->leaf_count - at) * sizeof *client->leaves);
  client->leaf_count++;
  client->leaves[at] = (Leaf){0};
  return &client->leaves[at];
}

static void leaf_reserve(Doc *doc, Leaf *leaf, guint32 count)
{
  if (count <= leaf->capacity)
    return;
  guint32 capacity = MIN(LEAF_MAX, MAX(count, MAX(4, leaf->capacity * 2)));
  doc->bytes += (capacity - leaf->capacity) * sizeof(Slot);
  leaf->capacity = capacity;
  leaf->slots = g_renew(Slot, leaf->slots, capacity);
}

static void leaf_insert(Doc *doc, Leaf *leaf, guint32 at, Item *item)
{
  leaf_reserve(doc, leaf, leaf->count + 1);
  memmove(leaf->slots + at + 1, leaf->slots + at, (leaf->count - at) * sizeof *leaf->slots);
  leaf->slots[at] = (Slot){item->clock, item};
  leaf->count++;
  leaf->clock = leaf->slots[0].clock;
}

void client_append(Doc *doc, Client *client, Item *item)
{
  Leaf *leaf = client->leaf_count > 0 ? &client->leaves[client->leaf_count - 1] : NULL;
  if (leaf == NULL || leaf->count == LEAF_MAX)
    leaf = client_add_leaf(doc, client, client->leaf_count);
  leaf_insert(doc, leaf, leaf->count, item);
  client->state = item->clock + item->length;
}

void client_insert_after(Doc *doc, Client *client, Place place, Item *item)
{
  Leaf *leaf = &client->leaves[place.leaf];
  guint32 at = place.slot + 1;
  if (leaf->count == LEAF_MAX) {
    Leaf *upper = client_add_leaf(doc, client, place.leaf + 1);
    leaf = &client->leaves[place.leaf];
    leaf_reserve(doc, upper, LEAF_MAX / 2 + 32);
    memcpy(upper->slots, leaf->slots + LEAF_MAX / 2, LEAF_MAX / 2 * sizeof *leaf->slots);
    upper->count = LEAF_MAX / 2;
    upper->clock = upper->slots[0].clock;
    leaf->count = LEAF_MAX / 2;
    if (at > LEAF_MAX / 2) {
      leaf = upper;
      at -= LEAF_MAX / 2;
    }
  }
  leaf_insert(doc, leaf, at, item);
}

void client_remove(Doc *doc, Client *client, Place place)
{
  Leaf *leaf = &client->leaves[place.leaf];
  leaf->count--;
  memmove(leaf->slots + place.slot, leaf->slots + place.slot + 1,
          (leaf->count - place.slot) * sizeof *leaf->slots);
  if (leaf->count > 0) {
    leaf->clock = leaf->slots[0].clock;
    return;
  }
  doc->bytes -= leaf->capacity * sizeof(Slot);
  g_free(leaf->slots);
  client->leaf_count--;
  memmove(client->leaves + place.leaf, client->leaves + place.leaf + 1,
          (client->leaf_count - place.leaf) * sizeof *client->leaves);
}

/* ---- content buffers ---- */

guint32 client_store(Doc *doc, Client *client, const void *data, gsize size)
{
  gsize capacity = client->content.capacity;
  guint32 offset = (guint32)client->content.size;
  write_raw(&client->content, data, size);
  doc->bytes += client->content.capacity - capacity;
  return offset;
}

void client_compact(Doc *doc, Client *client)
{
  if (client->garbage < 1024 || client->garbage < client->content.size / 2)
    return;
  Buffer packed = {0};
  buffer_reserve(&packed, client->content.size - client->garbage + 64);
  for (guint32 l = 0; l < client->leaf_count; l++) {
    for (guint32 s = 0; s < client->leaves[l].count; s++) {
      Item *item = client->leaves[l].slots[s].item;
      if (!item_has_bytes(item))
        continue;
      guint32 offset = (guint32)packed.size;
      write_raw(&packed, item_bytes(doc, item), item->content.bytes.size);
      item->content.bytes.offset = offset;
    }
  }
  doc->bytes -= client->content.capacity;
  doc->bytes += packed.capacity;
  g_free(client->content.data);
  client->content = packed;
  client->garbage = 0;
}

/* ---- the document ---- */

static void client_free(gpointer data)
{
  Client *client = data;
  for (guint32 l = 0; l < client->leaf_count; l++) {
    for (guint32 s = 0; s < client->leaves[l].count; s++) {
      Item *item = client->leaves[l].slots[s].item;
      if (item->kind == KIND_TYPE) {
        id_map_clear(&item->content.type->entries);
        g_free(item->content.type);
      }
    }
    g_free(client->leaves[l].slots);
  }
  g_free(client->leaves);
  buffer_clear(&client->content);
  g_free(client);
}

AblakYdoc *ablak_ydoc_new(const AblakYdocOptions *options)
{
  static const AblakYdocOptions defaults = {0};
  if (options == NULL)
    options = &defaults;
  Doc *doc = g_new0(Doc, 1);
  doc->random_client = options->client_id == 0;
  doc->client_id = doc->random_client ? g_random_int() : options->client_id & YINT_MAX;
  doc->keep_deleted = options->keep_deleted;
  doc->max_bytes = options->max_bytes == 0 ? 64 << 20 : MIN(options->max_bytes, 1u << 30);
  doc->max_depth = options->max_depth == 0 ? 32 : MIN(options->max_depth, YVALUE_DEPTH);
  doc->clients = g_ptr_array_new_with_free_func(client_free);
  doc->clients_by_id = g_hash_table_new(g_int64_hash, g_int64_equal);
  doc->keys = g_ptr_array_new_with_free_func(g_free);
  doc->keys_by_text = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
  doc->pending = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, pending_queue_free);
  doc->pending_deletes = g_array_new(FALSE, FALSE, sizeof(PendingDelete));
  doc->touched = g_array_new(FALSE, FALSE, sizeof(guint32));
  doc->deletes = g_array_new(FALSE, FALSE, sizeof(Range));
  doc->merges = g_array_new(FALSE, FALSE, sizeof(Range));
  doc->log = g_array_new(FALSE, FALSE, sizeof(LogEntry));
  doc->bytes = sizeof *doc;
  return doc;
}

void ablak_ydoc_free(AblakYdoc *doc)
{
  if (doc == NULL)
    return;
  g_hash_table_unref(doc->pending);
  g_array_unref(doc->pending_deletes);
  g_ptr_array_unref(doc->clients);
  g_hash_table_unref(doc->clients_by_id);
  g_ptr_array_unref(doc->keys);
  g_hash_table_unref(doc->keys_by_text);
  for (guint32 i = 0; i < doc->roots.capacity; i++) {
    if (doc->roots.keys[i] != NONE)
      doc_type_free(doc, doc->roots.values[i]);
  }
  id_map_clear(&doc->roots);
  while (doc->chunks != NULL) {
    ItemChunk *next = doc->chunks->next;
    g_free(doc->chunks);
    doc->chunks = next;
  }
  g_array_unref(doc->touched);
  g_array_unref(doc->deletes);
  g_array_unref(doc->merges);
  g_array_unref(doc->log);
  g_free(doc);
}

guint64 ablak_ydoc_client_id(const AblakYdoc *doc)
{
  return doc->client_id;
}

gsize ablak_ydoc_bytes(const AblakYdoc *doc)
{
  return doc->bytes;
}
