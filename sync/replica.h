/* sync/replica.h: headquarters' copies of the boxes' tables.
 *
 * A box's table "ticket" becomes replica_ticket(box, <the box's columns>), PRIMARY KEY (box, <the
 * box's key>), without further constraints: two rows may swap a unique value in one commit. Columns
 * have no type, so every value stays as it was. Rows of an epoch that has ended, or of a history
 * that turned out to differ, are kept under "<box>#<epoch>" and "<box>#<epoch>.<seq>"; their box is
 * no longer equal to an id, so that present figures do not count them.
 *
 * All inside a store job. Errors: CONFLICT "sync/conflict" when a row is not what the change says
 * it was; INVALID "sync/schema", "sync/protocol", "store/changeset". */
#pragma once
#include "store/store.h"
#include "sync/shape.h"

#define ABLAK_REPLICA_PREFIX "replica_"

/* Makes the replica tables and columns that are missing; remembers the schema. */
bool ablak_replica_prepare(AblakTxn *txn, const AblakShape *shape,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* True when replica_<table> exists. */
bool ablak_replica_exists(AblakTxn *txn, const char *table);
/* Applies one entry's changeset; the names of the tables it touches are added to `touched`, a set
 * of strings that it owns (may be NULL). */
bool ablak_replica_apply(AblakTxn *txn, const char *box, const AblakShape *shape, GBytes *changeset,
                         GHashTable *touched, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Gives all rows of `from` to `to`, or removes them when `to` is NULL. */
bool ablak_replica_move(AblakTxn *txn, const char *from, const char *to,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
