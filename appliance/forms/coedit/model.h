/* forms/coedit/model.h: what a document is made of. Private to the folder.
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

  /* All that is deleted, sorted and merged, kept from when a peer asked; empty: not known. Only
   * documents that take long to look through keep it. */
  Ranges deleted;

  GHashTable *pending;     /* client id -> PendingQueue; NULL: nothing waits */
  GArray *pending_deletes; /* of PendingDelete; NULL: nothing waits */

  /* the running transaction */
  guint64 transaction; /* its number; 0: never any */
  guint64 origin;
  guint32 touched; /* clients with new structs, linked by next_touched */
  bool open, tracked;
  bool fresh;   /* it began with an empty document */
  bool loading; /* and takes it all from one update */
  Ranges deletes;
  GArray *merges; /* guint32: items at which a split may be healed; NULL: none */
  Log log;        /* when tracked */
};
