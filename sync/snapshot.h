/* sync/snapshot.h: all rows of the replicated tables as changesets of inserts.
 *
 * The chunks have SQLite's changeset format, so that headquarters reads them with the same iterator
 * as the journal. Threads: the transaction's; it must outlive the reader and not be ended. */
#pragma once
#include "store/store.h"
#include "sync/shape.h"

/* Rows are added to a chunk until it has this size. */
#define ABLAK_SNAPSHOT_CHUNK (64 * 1024)

typedef struct AblakSnapshotReader AblakSnapshotReader;

AblakSnapshotReader *ablak_snapshot_reader_new(AblakTxn *txn, AblakShape *shape);
void ablak_snapshot_reader_free(AblakSnapshotReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSnapshotReader, ablak_snapshot_reader_free)

/* The next chunk; *ret_chunk is NULL at the end. TOO_LARGE "sync/too-large" for a row that does not
 * fit a payload. */
bool ablak_snapshot_reader_next(AblakSnapshotReader *reader, GBytes **ret_chunk,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
