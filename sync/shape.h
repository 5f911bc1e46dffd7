/* sync/shape.h: the column names of the replicated tables, because changesets have only positions.
 *
 * JSON: {"tables":[{"table":"ticket","columns":["id",…],"pk":[1,0,…]},…]}; its SHA-256 is the
 * schema id. What comes from outside is checked strictly, because SQL is built from it: names are
 * [a-z_][a-z0-9_]*, at most 63; a table has a primary key and no column named "box".
 * Ownership: counted references. Threads: a shape does not change.
 * Errors: INVALID "sync/schema". */
#pragma once
#include "core/json.h"
#include "store/store.h"
#include "sync/frames.h"

typedef struct {
  const char *name;
  guint columns;
  const char **column; /* `columns` names */
  bool *primary_key;   /* `columns` flags */
} AblakShapeTable;

typedef struct AblakShape AblakShape;

AblakShape *ablak_shape_parse(const void *json, gsize size,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The store's `up` tables. */
AblakShape *ablak_shape_of_store(AblakStore *store, AblakTxn *txn,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakShape *ablak_shape_ref(AblakShape *shape);
void ablak_shape_unref(AblakShape *shape);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakShape, ablak_shape_unref)

const guint8 *ablak_shape_id(const AblakShape *shape);
const char *ablak_shape_json(const AblakShape *shape);
guint ablak_shape_count(const AblakShape *shape);
const AblakShapeTable *ablak_shape_at(const AblakShape *shape, guint index);
const AblakShapeTable *ablak_shape_find(const AblakShape *shape, const char *table);

bool ablak_name_is_valid(const char *name);
/* Appends "a","b",… of the columns. */
void ablak_shape_append_columns(GString *sql, const AblakShapeTable *table);
