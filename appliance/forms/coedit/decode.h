/* forms/coedit/decode.h: structs and runs as an update has them, and what is refused. Private to
 * the folder. */
#pragma once
#include "forms/coedit/model.h"

typedef struct {
  guint64 client, clock;
} Id;

typedef struct {
  guint8 kind, type;
  bool has_origin, has_right, has_parent, has_key;
  bool parent_is_root;
  bool pairs; /* the text may hold characters of two units */
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

/* ---- what is refused ---- */
bool fail_malformed(GError **error, const char *what);
bool fail_large_update(GError **error, gsize max_bytes);
bool fail_too_large(const Doc *doc, GError **error);
bool fail_numbers(GError **error);
