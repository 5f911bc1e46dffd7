/* forms/coedit/internal.h: what a document is made of. Private to the folder.
 *
 * Every client's structs lie in clock order in an array of small sorted leaves, so that finding,
 * splitting and merging cost little however long the history is. All content bytes of a client
 * lie in one buffer in clock order too: text as CESU-8 (a surrogate pair takes two 3-byte forms),
 * everything else as in update format v1. So splitting and merging items never copies content,
 * and a pair split by an edit is replaced by two U+FFFD in place. */
#pragma once
#include "forms/coedit/bytes.h"
#include "forms/coedit/ydoc.h"

#define NONE G_MAXUINT32

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
};

typedef struct AblakYtype Type;
typedef struct AblakYdoc Doc;
typedef struct Item Item;

struct Item {
  guint64 clock, length;
  guint64 origin_clock, right_clock;
  guint64 stamp; /* when the conflict scan last met it */
  Item *left, *right;
  Type *parent;
  guint32 client;                      /* index into the document's clients */
  guint32 origin_client, right_client; /* NONE: no such origin */
  guint32 key;                         /* NONE: an element of the list */
  union {
    struct {
      guint32 offset, size; /* in the client's buffer */
    } bytes;
    Type *type;
  } content;
  guint8 kind, flags;
};

typedef struct {
  guint64 clock;
  Item *item;
} Slot;

typedef struct {
  guint64 clock; /* of the first slot */
  Slot *slots;
  guint32 count, capacity;
} Leaf;

/* Where a struct stands in its client's leaves. */
typedef struct {
  guint32 leaf, slot;
} Place;

typedef struct {
  guint64 id;
  guint64 state;  /* the next clock */
  guint64 before; /* the state when transaction `touched` began */
  guint64 touched;
  guint32 index;
  guint32 leaf_count, leaf_capacity;
  Leaf *leaves;
  Place hint; /* the last place found */
  Buffer content;
  gsize garbage;   /* bytes of content no item has */
  bool surrogates; /* some text holds a surrogate */
} Client;

typedef struct {
  guint32 *keys; /* NONE: free */
  gpointer *values;
  guint32 count, capacity;
} IdMap;

struct AblakYtype {
  Doc *doc;
  Item *item; /* NULL: a root */
  Item *start;
  guint64 length;
  IdMap entries;   /* key -> the last item of that key's chain */
  guint32 name;    /* root name, node name or hook name; else NONE */
  guint8 kind;     /* AblakYtypeKind */
  Type *next_free; /* of work lists */
};

typedef struct {
  guint32 size;
  char text[];
} Key;

typedef struct {
  guint32 client;
  guint64 clock, length;
} Range;

typedef struct {
  Range range;
  guint64 origin;
  bool deletion;
} LogEntry;

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

typedef struct ItemChunk ItemChunk;

struct AblakYdoc {
  guint64 client_id;
  bool keep_deleted, random_client;
  gsize max_bytes, bytes;
  guint max_depth;

  GPtrArray *clients; /* of Client */
  GHashTable *clients_by_id;
  Client *last_client; /* the last one found by id */
  Client *own;         /* the one with our client id; NULL: we wrote nothing */
  GPtrArray *keys;     /* of Key */
  GHashTable *keys_by_text;
  IdMap roots; /* name -> Type */

  ItemChunk *chunks;
  Item *free_items;
  guint64 tick; /* of conflict scans */

  GHashTable *pending;     /* client id -> PendingQueue */
  GArray *pending_deletes; /* of PendingDelete */

  /* the running transaction */
  guint64 transaction; /* its number; 0: never any */
  bool open, tracked;
  guint64 origin;
  GArray *touched; /* of guint32, clients with new structs */
  GArray *deletes; /* of Range */
  GArray *merges;  /* of Range, places where a split may be healed */
  GArray *log;     /* of LogEntry, when tracked */
};

/* ---- store.c ---- */
static inline Client *doc_client(const Doc *doc, guint32 index)
{
  return g_ptr_array_index(doc->clients, index);
}
Client *doc_find_client(Doc *doc, guint64 id); /* NULL: unknown */
Client *doc_get_client(Doc *doc, guint64 id);
guint64 doc_own_state(const Doc *doc);
static inline guint64 doc_state(Doc *doc, guint64 id)
{
  Client *client = doc_find_client(doc, id);
  return client != NULL ? client->state : 0;
}
guint32 doc_key(Doc *doc, Str text);
guint32 doc_find_key(const Doc *doc, const char *text, gsize size); /* NONE: unknown */
static inline const Key *doc_key_text(const Doc *doc, guint32 key)
{
  return g_ptr_array_index(doc->keys, key);
}
Type *doc_root(Doc *doc, guint32 name);
gpointer id_map_get(const IdMap *map, guint32 key);
/* Returns by how many bytes the map grew. */
gsize id_map_set(IdMap *map, guint32 key, gpointer value);
void id_map_clear(IdMap *map);

Item *doc_item_new(Doc *doc);
void doc_item_free(Doc *doc, Item *item);
Type *doc_type_new(Doc *doc, Item *item, AblakYtypeKind kind, guint32 name);
void doc_type_free(Doc *doc, Type *type);

static inline Item *client_at(const Client *client, Place place)
{
  return client->leaves[place.leaf].slots[place.slot].item;
}
/* The struct that holds `clock`, which must be below the client's state. */
Place client_find(Client *client, guint64 clock);
bool client_next(const Client *client, Place *place);
bool client_previous(const Client *client, Place *place);
Item *client_last(const Client *client);
void client_append(Doc *doc, Client *client, Item *item);
void client_insert_after(Doc *doc, Client *client, Place place, Item *item);
void client_remove(Doc *doc, Client *client, Place place);
/* Bytes appended to the client's content: their offset. */
guint32 client_store(Doc *doc, Client *client, const void *data, gsize size);
/* Makes the content's buffer fit again when most of it is garbage. */
void client_compact(Doc *doc, Client *client);

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
guint32 item_prefix(const Doc *doc, const Item *item, guint64 count);
/* The content of an item from `offset` on, in format v1. */
void item_write_content(const Doc *doc, Buffer *buffer, const Item *item, guint64 offset);
/* New: one Any value as JSON; the reader moves behind it. Deeper than `depth` is null. */
json_t *any_to_json(Reader *reader, guint depth);
bool has_nul(const char *text, gsize size);
void any_from_json(Buffer *buffer, const json_t *value);
json_t *json_text_to_json(const char *text, gsize size, guint depth);
/* New: element `index` of a countable item without text and types. */
json_t *item_value(const Doc *doc, const Item *item, guint64 index);

/* ---- structs.c ---- */
/* The item that ends with this id, or begins with it; splits when needed. */
Item *doc_clean_end(Doc *doc, Client *client, guint64 clock);
Item *doc_clean_start(Doc *doc, Client *client, guint64 clock);
Item *doc_item_at(Client *client, guint64 clock);
/* Puts a new item with known left, right and parent into its list and the store. */
void doc_integrate(Doc *doc, Item *item);
void doc_add_gc(Doc *doc, Client *client, guint64 length);
void doc_delete_item(Doc *doc, Item *item);
void doc_delete_range(Doc *doc, Client *client, guint64 clock, guint64 end);
static inline bool item_is_deleted(const Item *item)
{
  return item->kind == KIND_GC || (item->flags & ITEM_DELETED) != 0;
}

/* ---- transaction.c ---- */
void doc_begin(Doc *doc, guint64 origin, bool tracked);
void doc_touch(Doc *doc, Client *client);
void doc_log(Doc *doc, const Item *item, guint64 clock, guint64 length, bool deletion);
/* The client's state before the running transaction. */
static inline guint64 client_before(const Doc *doc, const Client *client)
{
  return client->touched == doc->transaction ? client->before : client->state;
}
bool doc_changed(const Doc *doc);
/* Collects garbage and merges; then the update of the transaction when wanted (NULL: nothing). */
GBytes *doc_finish(Doc *doc, bool want_update);

/* ---- encode.c ---- */
void write_struct(const Doc *doc, Buffer *buffer, const Item *item, guint64 offset);
/* The structs of one client from `clock` on. */
void write_client(const Doc *doc, Buffer *buffer, Client *client, guint64 clock);
void write_ranges(const Doc *doc, Buffer *buffer, GArray *ranges);
void write_deleted(const Doc *doc, Buffer *buffer); /* the whole delete set */
void ranges_sort_and_merge(GArray *ranges);
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
void struct_integrate(Doc *doc, const Struct *s, guint64 offset);
void doc_apply_update(Doc *doc, Update *update);

/* ---- pending.c ---- */
void pending_add(Doc *doc, const Struct *s, Id missing);
void pending_retry(Doc *doc);
void pending_add_delete(Doc *doc, guint64 client, guint64 clock, guint64 length, guint64 origin);
void pending_retry_deletes(Doc *doc);
void pending_queue_free(gpointer queue);

/* ---- read.c ---- */
/* How much of the item is visible: now, or before the running transaction. */
guint64 item_visible(const Doc *doc, const Item *item, bool before);
json_t *type_to_json(const Type *type, AblakYtypeKind as, bool before, guint depth);
json_t *entry_to_json(const Type *map, guint32 key, bool before, guint depth);
json_t *xml_to_json(const Type *type, AblakYtypeKind kind, bool before, guint depth);
/* The entry's visible item; NULL when there is none. */
Item *entry_item(const Type *map, guint32 key, bool before);

/* ---- write.c ---- */
Item *own_item(Doc *doc, Type *parent, guint32 key, Item *left, Item *right, guint8 kind,
               guint64 length);
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
