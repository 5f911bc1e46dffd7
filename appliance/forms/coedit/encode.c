/* Writing update format v1: state vectors, differences and delete sets. */
#include "forms/coedit/encode.h"
#include "forms/coedit/content.h"
#include "forms/coedit/decode.h"
#include "forms/coedit/structs.h"

#define INFO_KEY 0x20
#define INFO_RIGHT 0x40
#define INFO_ORIGIN 0x80

static guint8 *put_uint(guint8 *at, guint64 number)
{
  while (number > 0x7f) {
    *at++ = (guint8)(number | 0x80);
    number >>= 7;
  }
  *at++ = (guint8)number;
  return at;
}

static guint8 *put_id(guint8 *at, const Doc *doc, guint16 client, guint32 clock)
{
  return put_uint(put_uint(at, doc_client(doc, client)->id), clock);
}

static void write_pair(Buffer *buffer, guint64 first, guint64 second)
{
  guint8 *at = buffer_reserve(buffer, 20);
  buffer->size += (gsize)(put_uint(put_uint(at, first), second) - at);
}

static void write_id(const Doc *doc, Buffer *buffer, guint16 client, guint32 clock)
{
  write_pair(buffer, doc_client(doc, client)->id, clock);
}

static void write_key(const Doc *doc, Buffer *buffer, guint32 key)
{
  Str text = doc_key_text(doc, key);
  write_string(buffer, text.text, text.size);
}

static void write_parent(const Doc *doc, Buffer *buffer, const Item *item)
{
  const Chain *chain = item_chain(doc, item);
  const Item *container = type_item(chain->type);
  if (container == NULL) {
    write_uint(buffer, 1);
    write_key(doc, buffer, chain->type->name);
  } else {
    write_uint(buffer, 0);
    write_id(doc, buffer, container->client, container->clock);
  }
  if (chain->key != NONE)
    write_key(doc, buffer, chain->key);
}

void write_struct(const Doc *doc, Buffer *buffer, const Item *item, guint32 offset)
{
  guint8 *start = buffer_reserve(buffer, 64), *at = start; /* info, two ids, a length */
  if (item->kind == KIND_GC) {
    *at++ = KIND_GC;
    buffer->size += (gsize)(put_uint(at, item->length - offset) - start);
    return;
  }
  bool has_origin = offset > 0 || item->origin_client != NO_CLIENT;
  bool has_right = item->right_client != NO_CLIENT;
  *at++ = (guint8)(item->kind | (has_origin ? INFO_ORIGIN : 0) | (has_right ? INFO_RIGHT : 0) |
                   (item_key(doc, item) != NONE ? INFO_KEY : 0));
  if (offset > 0)
    at = put_id(at, doc, item->client, item->clock + offset - 1);
  else if (has_origin)
    at = put_id(at, doc, item->origin_client, item->origin_clock);
  if (has_right)
    at = put_id(at, doc, item->right_client, item->right_clock);
  if (item->kind == KIND_DELETED && (has_origin || has_right)) {
    buffer->size += (gsize)(put_uint(at, item->length - offset) - start);
    return;
  }
  buffer->size += (gsize)(at - start);
  if (!has_origin && !has_right)
    write_parent(doc, buffer, item);
  item_write_content(doc, buffer, item, offset);
}

/* How many structs lie from this place on. */
static guint64 count_from(const Client *client, Place place)
{
  guint64 count = client->leaves[place.leaf].count - place.slot;
  for (guint32 i = place.leaf + 1; i < client->leaf_count; i++)
    count += client->leaves[i].count;
  return count;
}

/* The structs from `clock` on, without the run's head. */
static void write_items(const Doc *doc, Buffer *buffer, Client *client, guint32 clock)
{
  Place place = client_find(doc, client, clock);
  guint32 offset = clock - client_item(doc, client, place)->clock;
  do {
    write_struct(doc, buffer, client_item(doc, client, place), offset);
    offset = 0;
  } while (client_next(client, &place));
}

void write_client(const Doc *doc, Buffer *buffer, Client *client, guint32 clock)
{
  write_uint(buffer, count_from(client, client_find(doc, client, clock)));
  write_uint(buffer, client->id);
  write_uint(buffer, clock);
  write_items(doc, buffer, client, clock);
}

/* ---- delete sets ---- */

static int compare_ranges(gconstpointer a, gconstpointer b)
{
  const Range *one = a, *other = b;
  if (one->client != other->client)
    return one->client < other->client ? -1 : 1;
  return one->clock < other->clock ? -1 : one->clock > other->clock;
}

void ranges_sort_and_merge(Ranges *ranges)
{
  if (ranges->count < 2)
    return;
  qsort(ranges->at, ranges->count, sizeof(Range), compare_ranges);
  Range *last = ranges->at;
  for (const Range *next = last + 1; next < ranges->at + ranges->count; next++) {
    if (next->client == last->client && next->clock <= last->clock + last->length) {
      guint32 end = MAX(last->clock + last->length, next->clock + next->length);
      last->length = end - last->clock;
    } else {
      *++last = *next;
    }
  }
  ranges->count = (guint32)(last - ranges->at) + 1;
}

typedef struct {
  guint64 id;
  guint first, count;
} DeleteGroup;

static int compare_groups(gconstpointer a, gconstpointer b)
{
  const DeleteGroup *one = a, *other = b;
  return one->id < other->id ? 1 : one->id > other->id ? -1 : 0;
}

/* `ranges` are sorted and merged; clients are written highest id first, as yjs does. */
void write_ranges(const Doc *doc, Buffer *buffer, const Ranges *ranges)
{
  g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(DeleteGroup));
  for (guint32 i = 0; i < ranges->count; i++) {
    const Range *range = &ranges->at[i];
    if (i == 0 || range[-1].client != range->client) {
      DeleteGroup group = {doc_client(doc, range->client)->id, i, 0};
      g_array_append_val(groups, group);
    }
    g_array_index(groups, DeleteGroup, groups->len - 1).count++;
  }
  g_array_sort(groups, compare_groups);
  write_uint(buffer, groups->len);
  for (guint i = 0; i < groups->len; i++) {
    const DeleteGroup *group = &g_array_index(groups, DeleteGroup, i);
    write_uint(buffer, group->id);
    write_uint(buffer, group->count);
    for (guint k = 0; k < group->count; k++) {
      const Range *range = &ranges->at[group->first + k];
      write_pair(buffer, range->clock, range->length);
    }
  }
}

static void find_deleted(const Doc *doc, Ranges *ranges, const Client *client)
{
  Range last = {client->index, 0, 0};
  for (guint32 l = 0; l < client->leaf_count; l++) {
    const Leaf *leaf = &client->leaves[l];
    for (guint32 s = 0; s < leaf->count; s++) {
      const Item *item = item_at(doc, leaf->items[s]);
      if (!item_is_deleted(item))
        continue;
      if (last.clock + last.length != item->clock) {
        if (last.length > 0)
          ranges_add(ranges, last);
        last.clock = item->clock;
        last.length = 0;
      }
      last.length += item->length;
    }
  }
  if (last.length > 0)
    ranges_add(ranges, last);
}

#define KEEP_FROM 256 /* structs: fewer are looked through in no time */

/* Keeps the ranges, or frees them. */
static void keep_deleted(Doc *doc, Ranges *ranges)
{
  gsize size = ranges->count * sizeof(Range);
  if (doc->open || doc->item_room < KEEP_FROM || doc->bytes + size > doc->max_bytes) {
    ranges_clear(ranges);
    return;
  }
  ranges->at = g_renew(Range, ranges->at, ranges->count);
  ranges->capacity = ranges->count;
  doc->deleted = *ranges;
  doc->bytes += size;
}

void write_deleted(const Doc *doc, Buffer *buffer)
{
  if (doc->deleted.count > 0 && !doc->open) {
    write_ranges(doc, buffer, &doc->deleted);
    return;
  }
  Ranges ranges = {0};
  for (guint32 i = 0; i < doc->client_count; i++)
    find_deleted(doc, &ranges, doc_client(doc, i));
  write_ranges(doc, buffer, &ranges);
  if (doc->deleted.count > 0)
    ranges_clear(&ranges); /* in a transaction, at whose end the kept ones learn of it */
  else
    keep_deleted((Doc *)doc, &ranges);
}

/* ---- states ---- */

static int compare_clients(gconstpointer a, gconstpointer b)
{
  const Client *one = *(Client *const *)a, *other = *(Client *const *)b;
  return one->id < other->id ? 1 : one->id > other->id ? -1 : 0;
}

static GPtrArray *sorted_clients(const Doc *doc)
{
  GPtrArray *clients = g_ptr_array_sized_new(doc->client_count);
  for (guint32 i = 0; i < doc->client_count; i++) {
    if (doc_client(doc, i)->state > 0)
      g_ptr_array_add(clients, doc_client(doc, i));
  }
  g_ptr_array_sort(clients, compare_clients);
  return clients;
}

GBytes *ablak_ydoc_state_vector(const AblakYdoc *doc)
{
  g_autoptr(GPtrArray) clients = sorted_clients(doc);
  Buffer buffer = {0};
  write_uint(&buffer, clients->len);
  for (guint i = 0; i < clients->len; i++) {
    const Client *client = g_ptr_array_index(clients, i);
    write_uint(&buffer, client->id);
    write_uint(&buffer, client->state);
  }
  return buffer_steal(&buffer);
}

/* Client id -> clock; keys and values are guint64 in one allocation. NULL: malformed. */
GHashTable *state_vector_read(const void *data, gsize size)
{
  g_autoptr(GHashTable) states = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  Reader reader = reader_of(data, size);
  guint64 count = 0;
  if (size > 0 && !read_uint(&reader, &count))
    return NULL;
  while (count-- > 0) {
    Id id;
    if (!read_uint(&reader, &id.client) || !read_uint(&reader, &id.clock))
      return NULL;
    Id *entry = g_new(Id, 1);
    *entry = id;
    g_hash_table_replace(states, &entry->client, entry);
  }
  return reader.at == reader.end ? g_steal_pointer(&states) : NULL;
}

guint64 state_vector_get(GHashTable *states, guint64 client)
{
  const Id *entry = g_hash_table_lookup(states, &client);
  return entry != NULL ? entry->clock : 0;
}

/* The queue's structs that reach beyond `clock`, with Skip structs over the gaps. */
static guint64 write_pending(Buffer *buffer, const PendingQueue *queue, guint64 clock, bool started)
{
  guint64 count = 0;
  for (guint i = 0; i < queue->structs->len; i++) {
    const PendingStruct *pending = &g_array_index(queue->structs, PendingStruct, i);
    if (pending->clock + pending->length <= clock)
      continue;
    if (started && pending->clock > clock) {
      write_byte(buffer, KIND_SKIP);
      write_uint(buffer, pending->clock - clock);
      count++;
    }
    Struct s;
    Reader reader = {pending->data, pending->data + pending->size};
    struct_read(&reader, queue->client, pending->clock, &s);
    struct_write(buffer, &s, started && clock > pending->clock ? clock - pending->clock : 0);
    clock = pending->clock + pending->length;
    started = true;
    count++;
  }
  return count;
}

static guint64 pending_start(const PendingQueue *queue, guint64 clock)
{
  for (guint i = 0; i < queue->structs->len; i++) {
    const PendingStruct *pending = &g_array_index(queue->structs, PendingStruct, i);
    if (pending->clock + pending->length > clock)
      return pending->clock;
  }
  return YINT_MAX;
}

/* What the peer may lack of one client, integrated and pending. */
typedef struct {
  guint64 id, known;
  Client *client;
  const PendingQueue *queue;
  bool own;      /* structs of the document are to be written */
  guint64 start; /* the run's first clock; YINT_MAX: nothing is missing */
} Source;

static void plan_run(Source *source, guint64 known)
{
  guint64 state = source->client != NULL ? source->client->state : 0;
  source->known = known;
  source->own = state > known;
  if (source->own)
    source->start = known;
  else
    source->start =
        source->queue != NULL ? pending_start(source->queue, MAX(known, state)) : YINT_MAX;
}

static void write_run(const Doc *doc, Buffer *buffer, const Source *source)
{
  guint64 state = source->client != NULL ? source->client->state : 0, count = 0;
  Buffer rest = {0};
  if (source->queue != NULL)
    count = write_pending(&rest, source->queue, MAX(source->known, state), source->own);
  if (source->own)
    count += count_from(source->client, client_find(doc, source->client, (guint32)source->known));
  write_uint(buffer, count);
  write_pair(buffer, source->id, source->start);
  if (source->own)
    write_items(doc, buffer, source->client, (guint32)source->known);
  write_raw(buffer, rest.data, rest.size);
  buffer_clear(&rest);
}

static int compare_sources(gconstpointer a, gconstpointer b)
{
  const Source *one = a, *other = b;
  return one->id < other->id ? 1 : one->id > other->id ? -1 : 0;
}

/* `stored`: with what waits for other updates. */
static GArray *list_sources(const Doc *doc, bool stored)
{
  GArray *sources = g_array_new(FALSE, FALSE, sizeof(Source));
  bool waiting = stored && doc->pending != NULL;
  for (guint32 i = 0; i < doc->client_count; i++) {
    Client *client = doc_client(doc, i);
    Source source = {.id = client->id,
                     .client = client,
                     .queue = waiting ? g_hash_table_lookup(doc->pending, &client->id) : NULL};
    g_array_append_val(sources, source);
  }
  GHashTableIter iter;
  gpointer value;
  if (waiting)
    g_hash_table_iter_init(&iter, doc->pending);
  while (waiting && g_hash_table_iter_next(&iter, NULL, &value)) {
    const PendingQueue *queue = value;
    if (doc_find_client((Doc *)doc, queue->client) != NULL)
      continue;
    Source source = {.id = queue->client, .queue = queue};
    g_array_append_val(sources, source);
  }
  g_array_sort(sources, compare_sources);
  return sources;
}

static void write_all_deletes(const Doc *doc, Buffer *buffer, bool stored)
{
  if (!stored || doc->pending_deletes == NULL) {
    write_deleted(doc, buffer);
    return;
  }
  /* pending deletions may belong to unknown clients: write them as groups of their own */
  Buffer known = {0};
  write_deleted(doc, &known);
  Reader reader = {known.data, known.data + known.size};
  guint64 count = 0;
  read_uint(&reader, &count);
  write_uint(buffer, count + doc->pending_deletes->len);
  write_raw(buffer, reader.at, (gsize)(reader.end - reader.at));
  for (guint i = 0; i < doc->pending_deletes->len; i++) {
    const PendingDelete *pending = &g_array_index(doc->pending_deletes, PendingDelete, i);
    write_uint(buffer, pending->client);
    write_uint(buffer, 1);
    write_uint(buffer, pending->clock);
    write_uint(buffer, pending->length);
  }
  buffer_clear(&known);
}

GBytes *ablak_ydoc_encode(const AblakYdoc *doc, const void *state_vector, gsize size,
                          GError **error)
{
  g_autoptr(GHashTable) states = state_vector_read(state_vector, size);
  if (states == NULL) {
    fail_malformed(error, "state vector");
    return NULL;
  }
  g_autoptr(GArray) sources = list_sources(doc, state_vector == NULL);
  Buffer buffer = {0};
  guint64 count = 0;
  gsize room = 64;
  for (guint i = 0; i < sources->len; i++) {
    Source *source = &g_array_index(sources, Source, i);
    plan_run(source, state_vector_get(states, source->id));
    count += source->start != YINT_MAX;
    if (source->own && source->known == 0)
      room += source->client->content.size + 20 * count_from(source->client, (Place){0, 0});
  }
  buffer_reserve(&buffer, room);
  write_uint(&buffer, count);
  for (guint i = 0; i < sources->len; i++) {
    const Source *source = &g_array_index(sources, Source, i);
    if (source->start != YINT_MAX)
      write_run(doc, &buffer, source);
  }
  write_all_deletes(doc, &buffer, state_vector == NULL);
  return buffer_steal(&buffer);
}
