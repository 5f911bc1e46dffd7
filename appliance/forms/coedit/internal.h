/* forms/coedit/internal.h: what a document is made of. Private to the folder.
 *
 * An item takes 44 bytes: items, clients, types and keys are named by small numbers, clocks and
 * lengths have 32 bits. Items lie in pages that never move, so an Item pointer holds as long as
 * the item lives; an item's number is what links and indexes keep. An item belongs to a chain: the
 * list of a type, or the values one after another of one key of a map.
 *
 * Every client's structs lie in clock order in an array of small sorted leaves, so that finding,
 * splitting and merging cost little however long the history is. All content bytes of a client
 * lie in one buffer in clock order too: text as CESU-8 (a surrogate pair takes two 3-byte forms),
 * everything else as in update format v1. So splitting and merging items never copies content,
 * and a pair split by an edit is replaced by two U+FFFD in place.
 *
 * Five thousand small documents are open at once: nothing is allocated before it is needed, and
 * what a transaction needed is given back at its end unless it is small. */
#pragma once
#include "forms/coedit/bytes.h"
#include "forms/coedit/ydoc.h"

#define NONE G_MAXUINT32
#define NO_CLIENT G_MAXUINT16
#define CLIENTS_MAX 65534 /* of a document; the last is kept for our own */
#define CLOCK_MAX (G_MAXUINT32 - 1)
/* What others write in our name leaves room for repairs, which are smaller than a document. */
#define OWN_CLOCK_MAX (CLOCK_MAX - (1u << 30))

/* Content references of the update format; GC and Skip are structs, the rest items. */
enum {
  KIND_GC,
  KIND_DELETED,
  KIND_JSON,
  KIND_BINARY,
  KIND_STRING,
  KIND_EMBED,
  KIND_FORMAT,
  KIND_TYPE,
  KIND_ANY,
  KIND_DOC,
  KIND_SKIP,
};

enum {
  ITEM_DELETED = 1,
  ITEM_DELETED_NOW = 2, /* deleted in the running transaction, content still there */
  ITEM_MET = 4,         /* in the running conflict scan: met */
  ITEM_CONFLICTS = 8,   /* and since the place was last moved */
};

typedef struct AblakYtype Type;
typedef struct AblakYdoc Doc;

typedef struct {
  guint32 clock, length;
  guint32 origin_clock, right_clock;
  guint32 left, right; /* in the chain */
  guint32 chain;       /* NONE: garbage belongs to none */
  union {
    struct {
      guint32 offset, size; /* in the client's buffer */
    } bytes;
    guint32 list; /* of the type: its own chain */
  } content;
  guint16 client;                      /* number of the document's client */
  guint16 origin_client, right_client; /* NO_CLIENT: no such origin */
  guint8 kind, flags;
} Item;
G_STATIC_ASSERT(sizeof(Item) == 44);

#define PAGE_SHIFT 5
#define PAGE_ITEMS (1u << PAGE_SHIFT)

typedef struct {
  Type *type;   /* NULL: free */
  guint32 key;  /* NONE: the type's list */
  guint32 head; /* the first item of a list, the last of a key; of a free chain the next free one */
} Chain;

/* Numbers found by what they stand for: open addressing, NULL while empty. Numbers have 16 bits
 * as long as they fit; then all ones stands for a free slot in either width. */
typedef struct {
  guint32 count, capacity;
  bool wide;
  guint16 slots[];
} Table;

typedef struct {
  guint32 clock; /* of the first item */
  guint16 count, capacity;
  guint32 *items;
} Leaf;

/* Where a struct stands in its client's leaves. */
typedef struct {
  guint32 leaf, slot;
} Place;

typedef struct {
  guint64 id;
  guint64 touched;      /* the last transaction that added structs */
  guint32 state;        /* the next clock */
  guint32 before;       /* the state when transaction `touched` began */
  guint32 next_touched; /* client; NONE: the last */
  guint32 leaf_count, leaf_capacity;
  Place hint; /* the last place found */
  Leaf *leaves;
  Buffer content;
  guint32 garbage; /* bytes of content no item has */
  guint16 index;
  bool surrogates; /* some text holds a surrogate */
} Client;

struct AblakYtype {
  Doc *doc;
  Table *entries; /* chains by key */
  guint32 item;   /* NONE: a root */
  guint32 list;   /* chain */
  guint32 length;
  guint32 name; /* root name, node name or hook name; else NONE */
  guint32 next; /* of work lists: a type's chain */
  guint8 kind;  /* AblakYtypeKind */
};

typedef struct {
  guint32 client, clock, length;
} Range;

typedef struct {
  Range *at;
  guint32 count, capacity;
} Ranges;

typedef struct {
  Range range;
  bool deletion;
  guint64 origin;
} LogEntry;

typedef struct {
  LogEntry *at;
  guint32 count, capacity;
} Log;

typedef struct {
  guint64 client, clock, length, origin;
} PendingDelete;

typedef struct {
  guint64 clock, length, origin;
  guint32 size;
  guint8 *data; /* the struct in format v1 */
} PendingStruct;

typedef struct {
  guint64 client;
  guint64 waits_client, waits_clock; /* nothing of it can go on before this state is passed */
  GArray *structs;                   /* of PendingStruct, by clock */
} PendingQueue;

struct AblakYdoc {
  guint64 client_id;
  gsize max_bytes, bytes;
  guint8 max_depth;
  bool keep_deleted, random_client;

  Client **clients;
  guint32 client_count, client_capacity;
  Table *clients_by_id;
  Client *last_client; /* the last one found by id */
  Client *own;         /* the one with our client id; NULL: we wrote nothing */
  guint32 *keys;       /* where their text begins in key_text */
  guint32 key_count, key_capacity;
  Table *keys_by_text;
  Buffer key_text; /* each ends with a NUL */
  Table *roots;    /* chains of roots by name */

  Item **pages;
  guint32 page_count, page_capacity;
  guint32 next_item, block_end; /* numbers not given out yet, and where their block ends */
  guint32 first_block;          /* items of the first block */
  guint32 item_room;            /* items of all blocks */
  guint32 free_item;            /* linked by `right` */
  Chain *chains;
  guint32 chain_count, chain_capacity;
  guint32 free_chain;

  /* Where we last changed a list: an item of chain `marker_list`, and at which position it begins.
   * People go on where they were. NONE when others changed the document since. */
  guint32 marker_list, marker_item, marker_index;

  GHashTable *pending;     /* client id -> PendingQueue; NULL: nothing waits */
  GArray *pending_deletes; /* of PendingDelete; NULL: nothing waits */

  /* the running transaction */
  guint64 transaction; /* its number; 0: never any */
  guint64 origin;
  guint32 touched; /* clients with new structs, linked by next_touched */
  bool open, tracked;
  bool fresh;   /* it began with an empty document */
  bool loading; /* and nobody wants to know what it changes */
  Ranges deletes;
  Ranges merges; /* places where a split may be healed */
  Log log;       /* when tracked */
};

/* ---- table.c ---- */
typedef struct {
  guint32 (*hash)(const Doc *doc, guint32 number);
  bool (*same)(const Doc *doc, guint32 number, const void *probe);
} TableKind;
guint32 hash_number(guint64 number);
static inline guint32 table_slot(const Table *table, guint32 slot)
{
  guint32 number;
  if (!table->wide)
    return table->slots[slot] == G_MAXUINT16 ? NONE : table->slots[slot];
  memcpy(&number, table->slots + 2 * (gsize)slot, sizeof number);
  return number;
}
guint32 table_find(const Table *table, const Doc *doc, const TableKind *kind, guint32 hash,
                   const void *probe);
/* Adds what is not in it yet. */
void table_add(Table **table, Doc *doc, const TableKind *kind, guint32 number);
void table_fit(Table **table, Doc *doc, const TableKind *kind);
void table_free(Table **table, Doc *doc);
/* Walks the numbers; `cursor` begins at 0. */
static inline bool table_next(const Table *table, guint32 *cursor, guint32 *ret_number)
{
  while (table != NULL && *cursor < table->capacity) {
    *ret_number = table_slot(table, (*cursor)++);
    if (*ret_number != NONE)
      return true;
  }
  return false;
}
/* Room for one more in an array that grows by a quarter; the bytes are the document's. */
gpointer array_grow(Doc *doc, gpointer array, gsize element_size, guint32 *capacity);
void ranges_add(Ranges *ranges, Range range);
void ranges_clear(Ranges *ranges);
void log_add(Log *log, const LogEntry *entry);

/* ---- store.c ---- */
static inline Client *doc_client(const Doc *doc, guint32 index)
{
  return doc->clients[index];
}
Client *doc_find_client(Doc *doc, guint64 id); /* NULL: unknown */
Client *doc_get_client(Doc *doc, guint64 id);
guint32 doc_own_state(const Doc *doc);
static inline guint32 doc_state(Doc *doc, guint64 id)
{
  Client *client = doc_find_client(doc, id);
  return client != NULL ? client->state : 0;
}
guint32 doc_key(Doc *doc, Str text);
guint32 doc_find_key(const Doc *doc, const char *text, gsize size); /* NONE: unknown */
/* Ends with a NUL; lives until the next key is made. */
static inline Str doc_key_text(const Doc *doc, guint32 key)
{
  guint32 start = doc->keys[key];
  guint32 end = key + 1 < doc->key_count ? doc->keys[key + 1] : (guint32)doc->key_text.size;
  return (Str){(const char *)doc->key_text.data + start, end - start - 1};
}

static inline Item *item_at(const Doc *doc, guint32 index)
{
  return &doc->pages[index >> PAGE_SHIFT][index & (PAGE_ITEMS - 1)];
}
static inline Item *item_or_null(const Doc *doc, guint32 index)
{
  return index != NONE ? item_at(doc, index) : NULL;
}
static inline Item *item_right(const Doc *doc, const Item *item)
{
  return item_or_null(doc, item->right);
}
static inline const Chain *item_chain(const Doc *doc, const Item *item)
{
  return &doc->chains[item->chain];
}
static inline Type *item_parent(const Doc *doc, const Item *item)
{
  return doc->chains[item->chain].type;
}
/* NONE: an element of the list. */
static inline guint32 item_key(const Doc *doc, const Item *item)
{
  return doc->chains[item->chain].key;
}
/* Of a KIND_TYPE item. */
static inline Type *item_type(const Doc *doc, const Item *item)
{
  return doc->chains[item->content.list].type;
}
static inline Item *type_first(const Type *type)
{
  return item_or_null(type->doc, type->doc->chains[type->list].head);
}
/* The item that made the type; NULL: a root. */
static inline Item *type_item(const Type *type)
{
  return item_or_null(type->doc, type->item);
}
/* Room for the items of a whole load, in one piece; before there is any item. */
void doc_expect_items(Doc *doc, guint32 count);
guint32 doc_item_new(Doc *doc);
void doc_item_free(Doc *doc, guint32 index);
Type *doc_type_new(Doc *doc, guint32 item, AblakYtypeKind kind, guint32 name);
void doc_type_free(Doc *doc, Type *type);
guint32 type_find_chain(const Type *type, guint32 key); /* NONE: no such entry */
guint32 type_chain(Type *type, guint32 key);
Type *doc_find_root(const Doc *doc, guint32 name); /* NULL: unknown */
Type *doc_root(Doc *doc, guint32 name);
/* Gives back what arrays have too much of. */
void doc_trim(Doc *doc);

/* ---- leaves.c ---- */
static inline guint32 client_at(const Client *client, Place place)
{
  return client->leaves[place.leaf].items[place.slot];
}
static inline Item *client_item(const Doc *doc, const Client *client, Place place)
{
  return item_at(doc, client_at(client, place));
}
/* The struct that holds `clock`, which must be below the client's state. */
Place client_find(const Doc *doc, Client *client, guint32 clock);
bool client_next(const Client *client, Place *place);
bool client_previous(const Client *client, Place *place);
guint32 client_last(const Client *client); /* NONE: none */
void client_append(Doc *doc, Client *client, guint32 index);
void client_insert_after(Doc *doc, Client *client, Place place, guint32 index);
void client_remove(Doc *doc, Client *client, Place place);
/* Bytes appended to the client's content: their offset. */
guint32 client_store(Doc *doc, Client *client, const void *data, gsize size);
/* Makes the content's buffer fit again when most of it is garbage. */
void client_compact(Doc *doc, Client *client);
void client_trim(Doc *doc, Client *client);
void client_free(Client *client);

/* ---- content.c ---- */
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

/* ---- structs.c ---- */
/* The item that ends with this id, or begins with it; splits when needed. */
guint32 doc_clean_end(Doc *doc, Client *client, guint32 clock);
guint32 doc_clean_start(Doc *doc, Client *client, guint32 clock);
static inline Item *doc_item_at(const Doc *doc, Client *client, guint32 clock)
{
  return client_item(doc, client, client_find(doc, client, clock));
}
/* Puts a new item with known left, right and chain into its chain and the store. */
void doc_integrate(Doc *doc, guint32 index);
void doc_add_gc(Doc *doc, Client *client, guint32 length);
void doc_delete_item(Doc *doc, Item *item);
void doc_delete_range(Doc *doc, Client *client, guint32 clock, guint32 end);
static inline bool item_is_deleted(const Item *item)
{
  return item->kind == KIND_GC || (item->flags & ITEM_DELETED) != 0;
}

/* ---- transaction.c ---- */
void doc_begin(Doc *doc, guint64 origin, bool tracked);
void doc_touch(Doc *doc, Client *client);
void doc_log(Doc *doc, const Item *item, guint32 clock, guint32 length, bool deletion);
/* The client's state before the running transaction. */
static inline guint32 client_before(const Doc *doc, const Client *client)
{
  return client->touched == doc->transaction ? client->before : client->state;
}
bool doc_changed(const Doc *doc);
/* Collects garbage and merges; then the update of the transaction when wanted (NULL: nothing). */
GBytes *doc_finish(Doc *doc, bool want_update);

/* ---- encode.c ---- */
void write_struct(const Doc *doc, Buffer *buffer, const Item *item, guint32 offset);
/* The structs of one client from `clock` on. */
void write_client(const Doc *doc, Buffer *buffer, Client *client, guint32 clock);
void write_ranges(const Doc *doc, Buffer *buffer, const Ranges *ranges);
void write_deleted(const Doc *doc, Buffer *buffer); /* the whole delete set */
void ranges_sort_and_merge(Ranges *ranges);
GHashTable *state_vector_read(const void *data, gsize size); /* NULL: malformed */
guint64 state_vector_get(GHashTable *states, guint64 client);

/* ---- decode.c ---- */
typedef struct {
  guint64 client, clock;
} Id;

typedef struct {
  guint8 kind, type;
  bool has_origin, has_right, has_parent, has_key;
  bool parent_is_root;
  Id id, origin, right, parent;
  guint64 length;
  Str root, key;             /* parent's root name; parentSub */
  Str content;               /* text alone, or the content's encoding */
  Str name;                  /* of a type; a format's key */
  const guint8 *start, *end; /* the struct's encoding */
} Struct;

/* One client's run of structs in an update. */
typedef struct {
  Id next;      /* client, and the clock of the struct that follows */
  guint64 left; /* structs after `current` */
  guint64 end;  /* the clock behind the last */
  Reader reader;
  Struct current;
  bool has_current, dead, waiting;
} Run;

typedef struct {
  Run first; /* where the runs are when there is only one */
  Run *runs; /* by client, highest first, then by clock; none is empty */
  guint count;
  Reader deletes; /* the encoded delete set */
  guint64 struct_count, delete_count;
} Update;

/* Reads and checks all of an update. */
bool update_read(const void *data, gsize size, Update *ret_update);
void update_clear(Update *update);
bool struct_read(Reader *reader, guint64 client, guint64 clock, Struct *ret_struct);
/* Moves to the next struct; false at the end. */
bool run_advance(Run *run);
/* The struct's encoding without its first `offset` units. */
void struct_write(Buffer *buffer, const Struct *s, guint64 offset);

/* ---- apply.c ---- */
/* The client this struct waits for, by id and clock; false when it can be integrated. */
bool struct_waits(Doc *doc, const Struct *s, Id *ret_missing);
void struct_integrate(Doc *doc, const Struct *s, guint32 offset);
void doc_apply_update(Doc *doc, Update *update);

/* ---- pending.c ---- */
void pending_add(Doc *doc, const Struct *s, Id missing);
void pending_retry(Doc *doc);
void pending_add_delete(Doc *doc, guint64 client, guint64 clock, guint64 length, guint64 origin);
void pending_retry_deletes(Doc *doc);
void pending_free(Doc *doc);

/* ---- read.c ---- */
/* How much of the item is visible: now, or before the running transaction. */
guint32 item_visible(const Doc *doc, const Item *item, bool before);
json_t *type_to_json(const Type *type, AblakYtypeKind as, bool before, guint depth);
json_t *entry_to_json(const Type *map, guint32 key, bool before, guint depth);
json_t *xml_to_json(const Type *type, AblakYtypeKind kind, bool before, guint depth);
/* The entry's visible item; NULL when there is none. */
Item *entry_item(const Type *map, guint32 key, bool before);

/* ---- write.c ---- */
/* An item of ours between two neighbours, not integrated yet. */
guint32 own_item(Doc *doc, guint32 chain, guint32 left, guint32 right, guint8 kind, guint32 length);
void own_item_store(Doc *doc, Item *item, const void *data, gsize size);

/* ---- changes.c ---- */
GPtrArray *changes_collect(Doc *doc, guint want, AblakYdocAllow allow, gpointer user_data,
                           guint *ret_refused);
json_t *entry_path(const Doc *doc, Type *map, guint32 key);
void change_free(gpointer change);

/* ---- conflicts.c: in the running transaction ---- */
/* The entry's new value was written without knowledge of the one it replaced. */
bool conflicts_concurrent(const Doc *doc, const Type *map, guint32 key);
/* New: GPtrArray of AblakYdocChange, see AblakYdocReport. */
GPtrArray *conflicts_lost(const Doc *doc);

bool fail_malformed(GError **error, const char *what);
bool fail_large_update(GError **error, gsize max_bytes);
bool fail_too_large(const Doc *doc, GError **error);
bool fail_numbers(GError **error);
/* The most that one struct costs: an item, its places in index and table, and a type. */
#define STRUCT_BYTES (sizeof(Item) + sizeof(Type) + 3 * sizeof(Chain) + 10 * sizeof(guint32))
