/* sync/digest.h: the proof that headquarters' copy equals the box.
 *
 * A table's digest is the number of its rows and the sum of their hashes, so it does not depend on
 * the order: eight lanes of 32 bits, each the sum modulo 2^32 of that lane of SHA-256 over the
 * row's values (type byte, u32 length, bytes; in the schema's column order). It finds faults; it is
 * no defence against a box that lies, which could lie about its rows as well.
 *
 * Body of a DIGEST frame, for each table of the schema in its order: i64 rows, 32 bytes of sum.
 * Computing walks whole tables: ablak_digest_start does it on a thread of its own with a snapshot
 * connection and calls `done` on the default main context. */
#pragma once
#include "store/store.h"
#include "sync/shape.h"

#define ABLAK_DIGEST_ENTRY (8 + ABLAK_HASH_SIZE)

GBytes *ablak_digest_compute(AblakTxn *txn, const AblakShape *shape, const char *box,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct AblakDigestRun AblakDigestRun;
/* `read_seq` tells the number the snapshot stands at. `digest` is NULL when `error` is set. */
typedef bool (*AblakDigestSeq)(AblakTxn *txn, const char *box, gint64 *ret_seq, GError **error);
typedef void (*AblakDigestDone)(gint64 seq, GBytes *digest, const GError *error, gpointer data);
AblakDigestRun *ablak_digest_start(AblakStore *store, AblakShape *shape, const char *box,
                                   AblakDigestSeq read_seq, AblakDigestDone done, gpointer data);
/* Waits for the thread; `done` is not called any more. Also to be called (with the run) after
 * `done`, to free it. */
void ablak_digest_free(AblakDigestRun *run);
