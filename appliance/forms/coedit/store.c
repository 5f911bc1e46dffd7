/* What a document holds by number: clients, keys, items, types and chains. */
#include "forms/coedit/apply.h"
#include "forms/coedit/leaves.h"

/* ---- clients ---- */

static guint32 client_hash(const Doc *doc, guint32 number)
{
  return hash_number(doc->clients[number]->id);
}

static bool client_same(const Doc *doc, guint32 number, const void *probe)
{
  return doc->clients[number]->id == *(const guint64 *)probe;
}

static const TableKind client_table = {client_hash, client_same};

guint32 doc_own_state(const Doc *doc)
{
  return doc->own != NULL ? doc->own->state : 0;
}

Client *doc_find_client(Doc *doc, guint64 id)
{
  if (doc->last_client != NULL && doc->last_client->id == id)
    return doc->last_client;
  guint32 found = table_find(doc->clients_by_id, doc, &client_table, hash_number(id), &id);
  if (found == NONE)
    return NULL;
  return doc->last_client = doc->clients[found];
}

Client *doc_get_client(Doc *doc, guint64 id)
{
  Client *client = doc_find_client(doc, id);
  if (client != NULL)
    return client;
  if (doc->client_count == doc->client_capacity)
    doc->clients = array_grow(doc, doc->clients, sizeof(Client *), &doc->client_capacity);
  client = g_new0(Client, 1);
  client->id = id;
  client->index = (guint16)doc->client_count;
  doc->clients[doc->client_count++] = client;
  table_add(&doc->clients_by_id, doc, &client_table, client->index);
  doc->bytes += sizeof *client;
  doc->last_client = client;
  if (id == doc->client_id)
    doc->own = client;
  return client;
}

/* ---- keys ---- */

static guint32 text_hash(const char *text, gsize size)
{
  guint32 hash = 2166136261u; /* FNV-1a */
  for (gsize i = 0; i < size; i++)
    hash = (hash ^ (guint8)text[i]) * 16777619u;
  return hash;
}

static guint32 key_hash(const Doc *doc, guint32 number)
{
  Str text = doc_key_text(doc, number);
  return text_hash(text.text, text.size);
}

static bool key_same(const Doc *doc, guint32 number, const void *probe)
{
  Str text = doc_key_text(doc, number);
  const Str *wanted = probe;
  return text.size == wanted->size && memcmp(text.text, wanted->text, text.size) == 0;
}

static const TableKind key_table = {key_hash, key_same};

guint32 doc_find_key(const Doc *doc, const char *text, gsize size)
{
  Str probe = {text, (guint32)size};
  return table_find(doc->keys_by_text, doc, &key_table, text_hash(text, size), &probe);
}

guint32 doc_key(Doc *doc, Str text)
{
  guint32 found = doc_find_key(doc, text.text, text.size);
  if (found != NONE)
    return found;
  if (doc->key_count == doc->key_capacity)
    doc->keys = array_grow(doc, doc->keys, sizeof(guint32), &doc->key_capacity);
  gsize capacity = doc->key_text.capacity;
  doc->keys[doc->key_count++] = (guint32)doc->key_text.size;
  write_raw(&doc->key_text, text.text, text.size);
  write_byte(&doc->key_text, 0);
  doc->bytes += doc->key_text.capacity - capacity;
  table_add(&doc->keys_by_text, doc, &key_table, doc->key_count - 1);
  return doc->key_count - 1;
}

/* ---- items ---- */

/* Items are allocated in blocks: the first as large as a load needs it, then one of a
 * sixteenth of what there is. A block fills its last page only in part: such numbers are left out.
 */
static void add_block(Doc *doc, Item *items, guint32 count)
{
  doc->item_room += count;
  doc->next_item = doc->page_count << PAGE_SHIFT;
  doc->block_end = doc->next_item + count;
  for (guint32 at = 0; at < count; at += PAGE_ITEMS) {
    if (doc->page_count == doc->page_capacity)
      doc->pages = array_grow(doc, doc->pages, sizeof(Item *), &doc->page_capacity);
    doc->pages[doc->page_count++] = items + at;
  }
}

static guint32 next_block(guint32 item_room)
{
  return CLAMP(item_room / 16, 8, 512);
}

void doc_take_items(Doc *doc, Item *items, guint32 count, guint32 room)
{
  doc->first_block = room;
  add_block(doc, items, room);
  doc->next_item = count;
  doc->bytes += count * sizeof(Item);
}

void doc_expect_items(Doc *doc, guint32 count)
{
  doc_take_items(doc, g_new(Item, count), 0, count);
}

static void free_blocks(Doc *doc)
{
  guint32 count = doc->first_block, room = 0;
  for (guint32 page = 0; page < doc->page_count;) {
    g_free(doc->pages[page]);
    page += (count + PAGE_ITEMS - 1) / PAGE_ITEMS;
    room += count;
    count = next_block(room);
  }
  g_free(doc->pages);
}

guint32 doc_item_new(Doc *doc)
{
  guint32 index = doc->free_item;
  if (index != NONE) {
    doc->free_item = item_at(doc, index)->right;
  } else {
    if (doc->page_count == 0)
      doc_expect_items(doc, next_block(0));
    else if (doc->next_item == doc->block_end) {
      guint32 count = next_block(doc->item_room);
      add_block(doc, g_new(Item, count), count);
    }
    index = doc->next_item++;
  }
  *item_at(doc, index) = (Item){.left = NONE,
                                .right = NONE,
                                .chain = NONE,
                                .origin_client = NO_CLIENT,
                                .right_client = NO_CLIENT};
  doc->bytes += sizeof(Item);
  return index;
}

void doc_item_free(Doc *doc, guint32 index)
{
  item_at(doc, index)->right = doc->free_item;
  doc->free_item = index;
  doc->bytes -= sizeof(Item);
}

/* ---- types and their chains ---- */

static guint32 chain_new(Doc *doc, Type *type, guint32 key)
{
  guint32 index = doc->free_chain;
  if (index != NONE) {
    doc->free_chain = doc->chains[index].head;
  } else {
    if (doc->chain_count == doc->chain_capacity)
      doc->chains = array_grow(doc, doc->chains, sizeof(Chain), &doc->chain_capacity);
    index = doc->chain_count++;
  }
  doc->chains[index] = (Chain){type, key, NONE};
  return index;
}

static void chain_free(Doc *doc, guint32 index)
{
  doc->chains[index] = (Chain){NULL, NONE, doc->free_chain};
  doc->free_chain = index;
}

Type *doc_type_new(Doc *doc, guint32 item, AblakYtypeKind kind, guint32 name)
{
  Type *type = g_new(Type, 1);
  *type = (Type){.doc = doc, .item = item, .name = name, .next = NONE, .kind = (guint8)kind};
  type->list = chain_new(doc, type, NONE);
  doc->bytes += sizeof *type;
  return type;
}

void doc_type_free(Doc *doc, Type *type)
{
  guint32 cursor = 0, chain;
  while (table_next(type->entries, &cursor, &chain))
    chain_free(doc, chain);
  if (doc->marker_list == type->list)
    doc->marker_list = NONE;
  chain_free(doc, type->list);
  table_free(&type->entries, doc);
  doc->bytes -= sizeof *type;
  g_free(type);
}

static guint32 entry_hash(const Doc *doc, guint32 number)
{
  return hash_number(doc->chains[number].key);
}

static bool entry_same(const Doc *doc, guint32 number, const void *probe)
{
  return doc->chains[number].key == *(const guint32 *)probe;
}

static const TableKind entry_table = {entry_hash, entry_same};

guint32 type_find_chain(const Type *type, guint32 key)
{
  return table_find(type->entries, type->doc, &entry_table, hash_number(key), &key);
}

guint32 type_chain(Type *type, guint32 key)
{
  if (key == NONE)
    return type->list;
  guint32 chain = type_find_chain(type, key);
  if (chain == NONE) {
    chain = chain_new(type->doc, type, key);
    table_add(&type->entries, type->doc, &entry_table, chain);
  }
  return chain;
}

static guint32 root_hash(const Doc *doc, guint32 number)
{
  return hash_number(doc->chains[number].type->name);
}

static bool root_same(const Doc *doc, guint32 number, const void *probe)
{
  return doc->chains[number].type->name == *(const guint32 *)probe;
}

static const TableKind root_table = {root_hash, root_same};

Type *doc_find_root(const Doc *doc, guint32 name)
{
  guint32 chain = table_find(doc->roots, doc, &root_table, hash_number(name), &name);
  return chain != NONE ? doc->chains[chain].type : NULL;
}

Type *doc_root(Doc *doc, guint32 name)
{
  Type *type = doc_find_root(doc, name);
  if (type == NULL) {
    type = doc_type_new(doc, NONE, ABLAK_YTYPE_UNKNOWN, name);
    table_add(&doc->roots, doc, &root_table, type->list);
  }
  return type;
}

/* ---- the document ---- */

void doc_forget_deleted(Doc *doc)
{
  doc->bytes -= doc->deleted.capacity * sizeof(Range);
  ranges_clear(&doc->deleted);
}

bool doc_make_room(Doc *doc, guint64 more)
{
  if (doc->bytes - doc->deleted.capacity * sizeof(Range) + more > doc->max_bytes)
    return false;
  if (doc->bytes + more > doc->max_bytes)
    doc_forget_deleted(doc);
  return true;
}

static void set_empty(Doc *doc)
{
  doc->free_item = doc->free_chain = doc->touched = doc->marker_list = NONE;
  doc->bytes = sizeof *doc;
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
  doc->max_depth = (guint8)(options->max_depth == 0 ? 32 : MIN(options->max_depth, YVALUE_DEPTH));
  set_empty(doc);
  return doc;
}

static void free_content(Doc *doc)
{
  pending_free(doc);
  for (guint32 i = 0; i < doc->chain_count; i++) {
    Type *type = doc->chains[i].type;
    if (type != NULL && type->list == i)
      doc_type_free(doc, type);
  }
  for (guint32 i = 0; i < doc->client_count; i++)
    client_free(doc->clients[i]);
  g_free(doc->clients);
  table_free(&doc->clients_by_id, doc);
  g_free(doc->keys);
  table_free(&doc->keys_by_text, doc);
  buffer_clear(&doc->key_text);
  table_free(&doc->roots, doc);
  free_blocks(doc);
  g_free(doc->chains);
  g_free(doc->deleted.at);
  g_free(doc->deletes.at);
  g_clear_pointer(&doc->merges, g_array_unref);
  g_free(doc->log.at);
}

void ablak_ydoc_free(AblakYdoc *doc)
{
  if (doc == NULL)
    return;
  free_content(doc);
  g_free(doc);
}

bool doc_is_new(const Doc *doc)
{
  return doc->chain_count == 0 && doc->key_count == 0 && doc->client_count == 0 &&
         doc->page_count == 0 && doc->pending == NULL && doc->pending_deletes == NULL;
}

void doc_reset(Doc *doc)
{
  free_content(doc);
  *doc = (Doc){.client_id = doc->client_id,
               .random_client = doc->random_client,
               .max_bytes = doc->max_bytes,
               .max_depth = doc->max_depth,
               .keep_deleted = doc->keep_deleted};
  set_empty(doc);
}

static gpointer fit(Doc *doc, gpointer array, gsize element_size, guint32 *capacity, guint32 count)
{
  doc->bytes -= (*capacity - count) * element_size;
  *capacity = count;
  return g_realloc_n(array, count, element_size);
}

void doc_trim(Doc *doc)
{
  doc->keys = fit(doc, doc->keys, sizeof(guint32), &doc->key_capacity, doc->key_count);
  doc->chains = fit(doc, doc->chains, sizeof(Chain), &doc->chain_capacity, doc->chain_count);
  doc->pages = fit(doc, doc->pages, sizeof(Item *), &doc->page_capacity, doc->page_count);
  doc->bytes -= doc->key_text.capacity;
  buffer_fit(&doc->key_text);
  doc->bytes += doc->key_text.capacity;
  table_fit(&doc->keys_by_text, doc, &key_table);
  for (guint32 i = 0; i < doc->client_count; i++)
    client_trim(doc, doc->clients[i]);
  for (guint32 i = 0; i < doc->chain_count; i++) {
    Type *type = doc->chains[i].type;
    if (type != NULL && type->list == i)
      table_fit(&type->entries, doc, &entry_table);
  }
}

guint64 ablak_ydoc_client_id(const AblakYdoc *doc)
{
  return doc->client_id;
}

gsize ablak_ydoc_bytes(const AblakYdoc *doc)
{
  return doc->bytes;
}
