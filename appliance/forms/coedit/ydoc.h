/* forms/coedit/ydoc.h: a Yjs peer in C.
 *
 * Purpose: one shared document, equal to what npm `yjs` 13.6 holds after the same updates. It
 * takes updates (format v1) of any Yjs peer in any order, any number of times, answers state
 * vectors and differences, reads and changes the content as a peer of its own, reports which
 * fields an update touched, and can integrate an update while undoing what its sender may not
 * change.
 *
 *     AblakYdoc *doc = ablak_ydoc_new(NULL);
 *     ablak_ydoc_apply(doc, bytes, size, connection, 0, NULL, &error);
 *     ablak_ydoc_begin(doc);
 *     ablak_ymap_set(ablak_ydoc_root(doc, "form"), "consent", json_true());
 *     g_autoptr(GBytes) update = ablak_ydoc_commit(doc);   -> to the store and to the other peers
 *
 * Units: text positions and lengths are UTF-16 code units, as in Yjs; sizes are bytes. Strings are
 * UTF-8. Client ids are numbers of at most 53 bits.
 * Ownership: the document owns everything in it. An AblakYtype is borrowed: it lives until the
 * next call that changes the document (apply, or an operation that deletes it or what holds it,
 * at its commit). Results called "new" belong to the caller.
 * Threads: a document is used by one thread at a time; different documents are independent. There
 * is no global state and no I/O.
 * Errors: ABLAK_ERROR_INVALID "coedit/malformed" for bytes that are no update, state vector or
 * message; ABLAK_ERROR_TOO_LARGE "coedit/too-large" when the document would pass one of its
 * bounds. Either leaves the document exactly as it was.
 * Bounds: max_bytes; clocks up to 2^32 - 2, which is as many characters and elements as one client
 * id ever inserts; 65,534 client ids a document. (Yjs has 53 bits for clocks, but its documents do
 * not live to use 32.)
 * Hostile input: nothing recurses by the depth of input. Whatever the bytes are, reading and
 * applying them takes at most 128 times their size and 64 KiB of memory, and the document never
 * more than max_bytes; reports and JSON come on top. Time can grow with the square of the number of
 * structs that one forged update puts at one place: bound the size of messages. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef struct AblakYdoc AblakYdoc;
typedef struct AblakYtype AblakYtype;

typedef struct {
  guint64 client_id; /* of our own operations; 0: a random one of 32 bits */
  bool keep_deleted; /* keep the content of deleted items (yjs: gc = false) */
  gsize max_bytes;   /* memory of the document's content, index and pending updates; 0: 64 MiB */
  guint max_depth;   /* of types and values; deeper content reads as null; 0: 32, at most 64 */
} AblakYdocOptions;

/* NULL options: all defaults. Never fails. */
AblakYdoc *ablak_ydoc_new(const AblakYdocOptions *options);
void ablak_ydoc_free(AblakYdoc *doc);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakYdoc, ablak_ydoc_free)
guint64 ablak_ydoc_client_id(const AblakYdoc *doc);
/* Memory now held for the document, in bytes. */
gsize ablak_ydoc_bytes(const AblakYdoc *doc);

/* ---- What an update changed ---- */

typedef enum {
  ABLAK_YDOC_MAP_SET,    /* a map entry (or attribute) has a new value */
  ABLAK_YDOC_MAP_DELETE, /* a map entry was deleted */
  ABLAK_YDOC_TEXT,       /* a text was edited or formatted */
  ABLAK_YDOC_LIST,       /* elements of an array or XML node were inserted or deleted */
} AblakYdocChangeKind;

/* One field touched by one origin and client. Content of a container that was itself made in this
 * transaction is part of the change that made it, and is not reported again. */
typedef struct {
  AblakYdocChangeKind kind;
  json_t *path;   /* ["form", "children", 0, "name"]: root, then keys and indexes (after repairs) */
  guint64 origin; /* the cookie of the apply call that delivered the change */
  guint64 client; /* the client id that wrote it (of a deletion: of what was deleted) */
  guint64 inserted; /* TEXT, LIST: units or elements inserted and still there */
  guint64 deleted;  /* TEXT, LIST: units or elements deleted */
  bool refused;     /* undone, because the allow callback said no */
  bool concurrent;  /* with ABLAK_YDOC_CONFLICTS: the writer had not seen the value it replaced */
  json_t *before;   /* the field's value before, with ABLAK_YDOC_BEFORE; NULL when it had none */
} AblakYdocChange;

typedef struct {
  /* All the transaction changed: the update, what had waited for it (others may have sent that, so
   * the sender may lack it) and repairs. NULL: nothing new. */
  GBytes *update;
  GPtrArray *changes; /* of AblakYdocChange; NULL without ABLAK_YDOC_CHANGES */
  /* With ABLAK_YDOC_CONFLICTS: map values that came too late, for one stands that their writers had
   * not seen. AblakYdocChange of kind MAP_SET whose `before` is the value that lost. */
  GPtrArray *lost;
  guint refused; /* how many changes were refused */
} AblakYdocReport;

void ablak_ydoc_report_free(AblakYdocReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakYdocReport, ablak_ydoc_report_free)

typedef enum {
  ABLAK_YDOC_UPDATE = 1,    /* fill report->update */
  ABLAK_YDOC_CHANGES = 2,   /* fill report->changes */
  ABLAK_YDOC_BEFORE = 4,    /* fill change->before (implies CHANGES); costs a read of each field */
  ABLAK_YDOC_CONFLICTS = 8, /* fill change->concurrent and report->lost (implies CHANGES) */
} AblakYdocWant;

/* Applies an update. `origin` is a cookie of the caller's that says who delivered it (a connection
 * number); what has to wait for missing updates keeps its cookie. `want` is a set of AblakYdocWant;
 * `ret_report` may be NULL when it is 0. */
bool ablak_ydoc_apply(AblakYdoc *doc, const void *data, gsize size, guint64 origin, guint want,
                      AblakYdocReport **ret_report, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* May what came with `origin` change this? Only kind, path, origin, client, inserted and deleted
 * are filled. Must not touch the document. */
typedef bool (*AblakYdocAllow)(const AblakYdocChange *change, gpointer user_data);

/* As apply, but changes that `allow` refuses are undone by operations of our own client in the
 * same transaction: inserted content is deleted, deleted content is inserted again, an entry gets
 * its old value back. The update is never dropped, so the sender's later changes do not hang.
 * report->update then holds only the merged result (refused insertions travel as deleted content,
 * unless the document keeps deleted content): store and relay that, and send it to the sender as
 * well. Wants UPDATE and CHANGES always. */
bool ablak_ydoc_apply_checked(AblakYdoc *doc, const void *data, gsize size, guint64 origin,
                              guint want, AblakYdocAllow allow, gpointer user_data,
                              AblakYdocReport **ret_report,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* True while received updates wait for others that are missing. What waits is not in
 * report->update: store the received bytes as well, or do not acknowledge them. The state encoded
 * for the store holds it (without its cookies). */
bool ablak_ydoc_has_pending(const AblakYdoc *doc);

/* ---- State ---- */

/* New: the state vector, as in y-protocols' sync step 1. */
GBytes *ablak_ydoc_state_vector(const AblakYdoc *doc);
/* New: an update with everything a peer with this state vector lacks. NULL, 0: everything, for the
 * store; only that holds what is pending, too, which peers get when it has come to rest. */
GBytes *ablak_ydoc_encode(const AblakYdoc *doc, const void *state_vector, gsize size,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* New: GArray of guint64, the client ids in whose name the update holds structs that this document
 * does not have. A sender that writes in the name of another person's client id can take clocks
 * away from that person: compare before applying. NULL and an error when it is malformed. */
GArray *ablak_ydoc_new_writers(AblakYdoc *doc, const void *data, gsize size,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* New: the moment, to be looked at later; as yjs' encodeSnapshot. */
GBytes *ablak_ydoc_snapshot(const AblakYdoc *doc);
/* New: a document as it was at the snapshot. Only for documents made with keep_deleted. */
AblakYdoc *ablak_ydoc_at_snapshot(AblakYdoc *doc, const void *data, gsize size,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- Reading ---- */

typedef enum {
  ABLAK_YTYPE_ARRAY,
  ABLAK_YTYPE_MAP,
  ABLAK_YTYPE_TEXT,
  ABLAK_YTYPE_XML_ELEMENT,
  ABLAK_YTYPE_XML_FRAGMENT,
  ABLAK_YTYPE_XML_HOOK,
  ABLAK_YTYPE_XML_TEXT,
  ABLAK_YTYPE_UNKNOWN, /* a root: its kind is how it is used */
} AblakYtypeKind;

/* The root type of that name; an empty one when nothing was written to it yet. */
AblakYtype *ablak_ydoc_root(AblakYdoc *doc, const char *name);
AblakYtypeKind ablak_ytype_kind(const AblakYtype *type);
/* The id of the item that holds the type: it stays when others move it. False for a root. */
bool ablak_ytype_id(const AblakYtype *type, guint64 *ret_client, guint64 *ret_clock);
/* UTF-16 units of a text, elements of an array. */
guint64 ablak_ytype_length(const AblakYtype *type);

/* New: the value as JSON. `as` is for roots only: other types know their kind. Binary content is a
 * base64 string, undefined and NaN are null, XML is its markup as text; map keys with NUL are left
 * out. */
json_t *ablak_ytype_json(const AblakYtype *type, AblakYtypeKind as);
/* New: an object of all roots; each root as what its content looks like (characters: text; XML
 * nodes: fragment; other elements: array; else map). */
json_t *ablak_ydoc_json(const AblakYdoc *doc);
/* New: the value at a path such as a change's; NULL when there is none. */
json_t *ablak_ydoc_json_at(const AblakYdoc *doc, const json_t *path);
/* The type at a path (the root's name alone is the root); NULL when there is none. */
AblakYtype *ablak_ydoc_type_at(AblakYdoc *doc, const json_t *path);

/* New: an entry's value as JSON; NULL when the map has no such key. */
json_t *ablak_ymap_get(const AblakYtype *map, const char *key);
/* The entry's value when it is a type; else NULL. */
AblakYtype *ablak_ymap_get_type(const AblakYtype *map, const char *key);
/* The client id that wrote the entry's value, 0 when there is none. */
guint64 ablak_ymap_get_client(const AblakYtype *map, const char *key);
/* New: the keys of a map, unordered; free with g_ptr_array_unref. */
GPtrArray *ablak_ymap_keys(const AblakYtype *map);
json_t *ablak_yarray_get(const AblakYtype *array, guint64 index);
AblakYtype *ablak_yarray_get_type(const AblakYtype *array, guint64 index);
/* New: UTF-8; free with g_free. */
char *ablak_ytext_string(const AblakYtype *text);
/* New: the text as a Quill delta: [{"insert": …, "attributes": {…}}, …]. */
json_t *ablak_ytext_delta(const AblakYtype *text);

/* ---- Changing the document as a peer ---- */

/* Operations stand between begin and commit. Commit gives the update that tells other peers (new);
 * NULL when nothing was changed. */
void ablak_ydoc_begin(AblakYdoc *doc);
GBytes *ablak_ydoc_commit(AblakYdoc *doc);

/* The operations below fail with ABLAK_ERROR_INVALID "coedit/out-of-range" when a position is past
 * the end, and with "coedit/too-large"; they change nothing then. `value` is any JSON value and
 * stays the caller's. */
bool ablak_ymap_set(AblakYtype *map, const char *key, const json_t *value, GError **error);
/* Sets the entry to a new, empty array, map or text. */
AblakYtype *ablak_ymap_set_type(AblakYtype *map, const char *key, AblakYtypeKind kind,
                                GError **error);
/* False when there was no such entry. */
bool ablak_ymap_delete(AblakYtype *map, const char *key);
/* `values` is a JSON array; its elements are inserted before `index`. */
bool ablak_yarray_insert(AblakYtype *array, guint64 index, const json_t *values, GError **error);
AblakYtype *ablak_yarray_insert_type(AblakYtype *array, guint64 index, AblakYtypeKind kind,
                                     GError **error);
bool ablak_yarray_delete(AblakYtype *array, guint64 index, guint64 count, GError **error);
bool ablak_ytext_insert(AblakYtype *text, guint64 index, const char *utf8, GError **error);
bool ablak_ytext_delete(AblakYtype *text, guint64 index, guint64 count, GError **error);
/* Makes the text equal to `utf8` by one deletion and one insertion, keeping the common beginning
 * and end, so that others' cursors stay where they are. */
bool ablak_ytext_replace(AblakYtype *text, const char *utf8, GError **error);
