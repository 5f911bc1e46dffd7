/* Loading: an update into a document that is new. One pass reads the structs straight into items
 * that lie beside each other; a second one links them, from neighbours whose numbers are known or
 * near. What is out of the ordinary (malformed bytes, gaps, something missing, garbage beside
 * content) is left to the general way, which then begins with a new document again. */
#include "forms/coedit/apply.h"
#include "forms/coedit/content.h"
#include "forms/coedit/transaction.h"

/* The items of one client, which are linked in clock order. */
typedef struct {
  guint32 next, end; /* what is not linked yet */
  bool waiting;      /* for another client's items */
} Part;

/* One run of the update. */
typedef struct {
  guint32 first, end; /* items */
  guint16 client;
} Span;

typedef struct {
  Doc *doc;
  gsize size, before; /* of the update, of the document without it */
  guint64 structs;    /* as many as the runs say they have */
  Item *items;
  guint32 count, room;
  GArray *spans;
  Part *parts; /* by client number */
} Load;

/* ---- reading ---- */

/* While an item is not linked, these hold what its parent is named by. */
static void set_parent(Item *item, guint16 client, guint32 clock, guint32 key)
{
  item->left = client;
  item->origin_clock = clock;
  item->right_clock = key;
}

static bool names_parent(const Item *item)
{
  return item->chain == NONE && item->origin_client == NO_CLIENT && item->right_client == NO_CLIENT;
}

static bool take_id(Load *load, const Item *item, const Struct *s, const Id *id,
                    guint16 *ret_client, guint32 *ret_clock)
{
  if (id->clock > CLOCK_MAX)
    return false;
  *ret_clock = (guint32)id->clock;
  *ret_client = item->client;
  if (id->client == s->id.client)
    return true;
  if (load->doc->client_count >= CLIENTS_MAX - 1)
    return false;
  *ret_client = doc_get_client(load->doc, id->client)->index;
  return true;
}

static bool take_parent(Load *load, Item *item, const Struct *s)
{
  Doc *doc = load->doc;
  guint32 key = s->has_key ? doc_key(doc, s->key) : NONE;
  if (s->parent_is_root) {
    item->chain = type_chain(doc_root(doc, doc_key(doc, s->root)), key);
    return true;
  }
  guint16 client;
  guint32 clock;
  if (!take_id(load, item, s, &s->parent, &client, &clock))
    return false;
  set_parent(item, client, clock, key);
  return true;
}

static bool same_right(const Load *load, const Item *last, const Struct *s)
{
  if (!s->has_right || last->right_client == NO_CLIENT)
    return !s->has_right && last->right_client == NO_CLIENT;
  return last->right_clock == s->right.clock &&
         doc_client(load->doc, last->right_client)->id == s->right.client;
}

/* What goes on where the struct before it ends is one item with it: what was typed letter by
 * letter shall not take an item a letter. */
static bool goes_on(const Load *load, const Item *last, const Struct *s)
{
  if (s->kind == KIND_GC || last->kind == KIND_GC)
    return s->kind == last->kind;
  return s->kind == KIND_STRING && last->kind == KIND_STRING && s->has_origin &&
         s->origin.clock + 1 == s->id.clock && s->origin.client == s->id.client &&
         same_right(load, last, s);
}

static void extend(Load *load, Client *client, Item *last, const Struct *s)
{
  last->length += (guint32)s->length;
  if (s->kind == KIND_GC)
    return;
  Item more;
  struct_store(load->doc, client, &more, NONE, s);
  last->content.bytes.size += more.content.bytes.size;
}

static bool take_struct(Load *load, Client *client, const Struct *s)
{
  Item *item = &load->items[load->count];
  *item = (Item){.left = NONE,
                 .right = NONE,
                 .chain = NONE,
                 .client = client->index,
                 .clock = (guint32)s->id.clock,
                 .length = (guint32)s->length,
                 .kind = s->kind,
                 .origin_client = NO_CLIENT,
                 .right_client = NO_CLIENT};
  if (s->has_origin &&
      !take_id(load, item, s, &s->origin, &item->origin_client, &item->origin_clock))
    return false;
  if (s->has_right && !take_id(load, item, s, &s->right, &item->right_client, &item->right_clock))
    return false;
  if (s->has_parent && !take_parent(load, item, s))
    return false;
  if (s->kind != KIND_GC)
    struct_store(load->doc, client, item, load->count, s);
  load->count++;
  return true;
}

static bool has_room(const Load *load, guint64 deletes)
{
  return load->before + update_room(load->size, load->spans->len + 1, load->structs, deletes) <=
         load->doc->max_bytes;
}

/* Room for the structs that a run says it has: each takes two bytes or more of what is left. */
static bool expect(Load *load, guint64 count, const Reader *reader)
{
  if (count == 0 || count > (guint64)(reader->end - reader->at) / 2)
    return false;
  load->structs += count;
  if (!has_room(load, 0))
    return false;
  guint32 need = (guint32)load->structs; /* what is joined while reading may be split again */
  if (need > load->room) {
    load->room = load->count == 0 ? need : MAX(need, load->room + load->room / 4);
    load->items = g_renew(Item, load->items, load->room);
  }
  return true;
}

/* The client of a new run; NULL: it has one already. */
static Client *run_client(const Load *load, guint64 id)
{
  Doc *doc = load->doc;
  if (doc->client_count >= CLIENTS_MAX - 1)
    return NULL;
  Client *client = doc_get_client(doc, id);
  return client->state == 0 ? client : NULL;
}

static bool read_structs(Load *load, Reader *reader, Client *client, guint64 count)
{
  guint64 bound = client == load->doc->own ? OWN_CLOCK_MAX : CLOCK_MAX, clock = 0;
  guint32 first = load->count;
  while (count-- > 0) {
    Struct s;
    if (!struct_read(reader, client->id, clock, &s) || s.kind == KIND_SKIP || s.length == 0 ||
        s.length > bound - clock)
      return false;
    if (load->count > first && goes_on(load, &load->items[load->count - 1], &s))
      extend(load, client, &load->items[load->count - 1], &s);
    else if (!take_struct(load, client, &s))
      return false;
    clock += s.length;
  }
  client->state = (guint32)clock;
  Span span = {first, load->count, client->index};
  g_array_append_val(load->spans, span);
  return true;
}

static bool read_runs(Load *load, Reader *reader)
{
  guint64 runs, count, id, clock;
  if (!read_uint(reader, &runs))
    return false;
  while (runs-- > 0) {
    if (!read_uint(reader, &count) || !read_uint(reader, &id) || !read_uint(reader, &clock) ||
        clock != 0 || !expect(load, count, reader))
      return false;
    Client *client = run_client(load, id);
    if (client == NULL || !read_structs(load, reader, client, count))
      return false;
  }
  return load->count > 0;
}

/* ---- linking ---- */

/* The items come into the document, where they can be found. */
static void index_items(Load *load)
{
  Doc *doc = load->doc;
  guint32 room = MIN(load->room, load->count + load->count / 4 + 8); /* some will be split */
  doc_take_items(doc, g_renew(Item, load->items, room), load->count, room);
  load->items = NULL;
  load->parts = g_new0(Part, doc->client_count);
  for (guint i = 0; i < load->spans->len; i++) {
    const Span *span = &g_array_index(load->spans, Span, i);
    Client *client = doc_client(doc, span->client);
    load->parts[span->client] = (Part){span->first, span->end, false};
    doc_touch(doc, client);
    client_fill(doc, client, span->first, span->end - span->first);
  }
}

static bool is_linked(const Load *load, guint16 client, guint32 clock)
{
  const Part *part = &load->parts[client];
  if (part->next < part->end)
    return clock < item_at(load->doc, part->next)->clock;
  return clock < doc_client(load->doc, client)->state;
}

static bool waits_for(const Load *load, const Item *item, guint16 client, guint32 clock)
{
  return client != NO_CLIENT && client != item->client && !is_linked(load, client, clock);
}

/* The client whose items the item needs first; NO_CLIENT: it needs none. */
static guint16 needed(const Load *load, const Item *item)
{
  if (waits_for(load, item, item->origin_client, item->origin_clock))
    return item->origin_client;
  if (waits_for(load, item, item->right_client, item->right_clock))
    return item->right_client;
  if (names_parent(item) && waits_for(load, item, (guint16)item->left, item->origin_clock))
    return (guint16)item->left;
  return NO_CLIENT;
}

/* Mostly the item that was linked before. */
static guint32 find_left(Doc *doc, const Item *item, guint32 index)
{
  if (item->origin_client == item->client && item->origin_clock + 1 == item->clock) {
    const Item *before = item_at(doc, index - 1);
    if (before->clock + before->length == item->clock)
      return index - 1; /* and nobody split it */
  }
  return doc_clean_end(doc, doc_client(doc, item->origin_client), item->origin_clock);
}

/* Mostly what follows the left one. */
static guint32 find_right(Doc *doc, const Item *item)
{
  if (item->left != NONE) {
    const Item *next = item_right(doc, item_at(doc, item->left));
    if (next != NULL && next->client == item->right_client && next->clock == item->right_clock)
      return item_at(doc, item->left)->right;
  }
  return doc_clean_start(doc, doc_client(doc, item->right_client), item->right_clock);
}

static bool find_neighbours(Doc *doc, Item *item, guint32 index)
{
  if (item->origin_client != NO_CLIENT)
    item->left = find_left(doc, item, index);
  if (item->right_client != NO_CLIENT)
    item->right = find_right(doc, item);
  const Item *left = item_or_null(doc, item->left), *right = item_right(doc, item);
  if ((left != NULL && left->kind == KIND_GC) || (right != NULL && right->kind == KIND_GC))
    return false;
  item->chain = (left != NULL ? left : right)->chain;
  return true;
}

static bool find_parent(Doc *doc, Item *item)
{
  guint32 clock = item->origin_clock, key = item->right_clock;
  const Item *container = doc_item_at(doc, doc_client(doc, (guint16)item->left), clock);
  item->left = NONE;
  item->origin_clock = item->right_clock = 0;
  if (container->kind != KIND_TYPE)
    return false;
  item->chain = type_chain(item_type(doc, container), key);
  return true;
}

static bool link_one(Doc *doc, guint32 index)
{
  Item *item = item_at(doc, index);
  if (item->kind == KIND_GC)
    return true;
  if (!(names_parent(item) ? find_parent(doc, item)
                           : item->chain != NONE || find_neighbours(doc, item, index)))
    return false;
  if (item->kind == KIND_STRING && item_key(doc, item) != NONE)
    return false; /* each entry of a map takes the place of the one before: they are no run */
  doc_link(doc, index);
  return true;
}

/* Links what is on top of the stack: all of it, or one item that another client waits for; or puts
 * on top what it needs. False: that is missing. */
static bool step(Load *load, guint16 *stack, guint *depth)
{
  Part *part = &load->parts[stack[*depth - 1]];
  guint16 other = NO_CLIENT;
  part->waiting = false;
  while (part->next < part->end) {
    other = needed(load, item_at(load->doc, part->next));
    if (other != NO_CLIENT)
      break;
    if (!link_one(load->doc, part->next))
      return false;
    part->next++;
    if (*depth > 1)
      break;
  }
  if (other == NO_CLIENT) {
    --*depth;
    return true;
  }
  const Part *next = &load->parts[other];
  if (next->waiting || next->next == next->end)
    return false;
  part->waiting = true;
  stack[(*depth)++] = other;
  return true;
}

static bool link_all(Load *load)
{
  g_autofree guint16 *stack = g_new(guint16, load->doc->client_count);
  for (guint i = 0; i < load->spans->len; i++) {
    guint depth = 1;
    stack[0] = g_array_index(load->spans, Span, i).client;
    while (depth > 0) {
      if (!step(load, stack, &depth))
        return false;
    }
  }
  return true;
}

/* ---- deletions ---- */

#define NEAR 8 /* steps that cost less than a search */

/* Moves to the struct that holds `clock`: mostly it is a little further on. */
static void move_to(const Doc *doc, Client *client, Place *place, guint32 clock)
{
  const Item *item = client_item(doc, client, *place);
  for (guint steps = 0; item->clock + item->length <= clock && steps < NEAR; steps++) {
    client_next(client, place);
    item = client_item(doc, client, *place);
  }
  if (clock < item->clock || item->clock + item->length <= clock)
    *place = client_find(doc, client, clock);
}

/* Most of it was deleted before it was encoded, so that nothing is left to be done. */
static void delete_range(Doc *doc, Client *client, Place *place, guint32 clock, guint32 end)
{
  move_to(doc, client, place, clock);
  while (clock < end) {
    const Item *item = client_item(doc, client, *place);
    if (!item_is_deleted(item)) {
      doc_delete_range(doc, client, clock, end);
      *place = client_find(doc, client, end - 1);
      return;
    }
    clock = item->clock + item->length;
    if (clock < end)
      client_next(client, place);
  }
}

static bool load_deletes(const Load *load, Reader *reader)
{
  guint64 clients, id, count, clock, length, total = 0;
  if (!read_uint(reader, &clients))
    return false;
  while (clients-- > 0) {
    if (!read_uint(reader, &id) || !read_uint(reader, &count))
      return false;
    Client *client = doc_find_client(load->doc, id);
    Place place = {0, 0};
    while (count-- > 0) {
      if (!read_uint(reader, &clock) || !read_uint(reader, &length) || client == NULL ||
          clock > client->state || length > client->state - clock || !has_room(load, ++total))
        return false;
      if (length > 0)
        delete_range(load->doc, client, &place, (guint32)clock, (guint32)(clock + length));
    }
  }
  return reader->at == reader->end;
}

bool doc_load(Doc *doc, const void *data, gsize size, guint64 origin)
{
  Load load = {.doc = doc, .size = size, .before = doc->bytes};
  Reader reader = reader_of(data, size);
  load.spans = g_array_new(FALSE, FALSE, sizeof(Span));
  doc_begin(doc, origin, false);
  doc->loading = true;
  bool good = size <= G_MAXINT32 && read_runs(&load, &reader);
  if (good) {
    index_items(&load);
    good = link_all(&load) && load_deletes(&load, &reader);
  }
  g_array_unref(load.spans);
  g_free(load.items);
  g_free(load.parts);
  if (!good)
    doc_reset(doc);
  return good;
}
