/* The sender's snapshot: all rows at one number, read from one transaction while the branch works
 * on. */
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "sync/sender-private.h"
#include <string.h>

struct SenderSnapshot {
  AblakTxn *txn; /* holds the state at `seq` */
  AblakSnapshotReader *reader;
  gint64 seq;
  guint32 index;       /* of the chunk being sent, or the next */
  guint32 acked_index; /* chunks below it are durable */
  GBytes *chunk;
  gsize offset;
  guint8 sha256[ABLAK_HASH_SIZE]; /* of the chunk */
  guint8 all[ABLAK_HASH_SIZE];    /* SHA-256(all before || chunk's), from zero */
  bool ended;
};

bool sender_snapshot_begin(AblakSender *sender, AblakSnapshotReason reason, GError **error)
{
  AblakJournalState state;
  g_autoptr(AblakTxn) txn = ablak_store_read(sender->store, error);
  if (txn == NULL || !ablak_journal_read_state(txn, &state, error))
    return false;
  AblakShape *shape = ablak_journal_shape(sender->journal);
  SenderSnapshot *snapshot = g_new0(SenderSnapshot, 1);
  snapshot->seq = state.last_seq;
  snapshot->reader = ablak_snapshot_reader_new(txn, shape);
  snapshot->txn = g_steal_pointer(&txn);
  sender->snapshot = snapshot;
  sender->last_seq = state.last_seq;
  sender_announce(sender, ablak_shape_id(shape), ablak_shape_json(shape));
  AblakFrame frame = {
      .type = ABLAK_FRAME_SNAPSHOT_BEGIN, .seq = state.last_seq, .flag = (guint8)reason};
  memcpy(frame.hash, state.hash, ABLAK_HASH_SIZE);
  memcpy(frame.schema, ablak_shape_id(shape), ABLAK_HASH_SIZE);
  sender_send(sender, &frame);
  ablak_log(ABLAK_LOG_WARNING, "sync.snapshot", "reason",
            reason == ABLAK_SNAPSHOT_PRUNED ? "pruned" : "differs", NULL);
  return true;
}

static void send_part(AblakSender *sender, SenderSnapshot *snapshot)
{
  gsize total = 0;
  const guint8 *chunk = g_bytes_get_data(snapshot->chunk, &total);
  AblakFrame frame = {.type = ABLAK_FRAME_SNAPSHOT_CHUNK,
                      .index = snapshot->index,
                      .total = (guint32)total,
                      .offset = (guint32)snapshot->offset,
                      .body = chunk + snapshot->offset,
                      .body_size = MIN(ABLAK_FRAME_PART_MAX, total - snapshot->offset)};
  memcpy(frame.sha256, snapshot->sha256, ABLAK_HASH_SIZE);
  sender_send(sender, &frame);
  snapshot->offset += frame.body_size;
  if (snapshot->offset < total)
    return;
  guint8 link[2 * ABLAK_HASH_SIZE];
  memcpy(link, snapshot->all, ABLAK_HASH_SIZE);
  memcpy(link + ABLAK_HASH_SIZE, snapshot->sha256, ABLAK_HASH_SIZE);
  ablak_sha256(link, sizeof link, snapshot->all);
  snapshot->index++;
  g_clear_pointer(&snapshot->chunk, g_bytes_unref);
}

static bool load_chunk(AblakSender *sender, SenderSnapshot *snapshot, GError **error)
{
  if (!ablak_snapshot_reader_next(snapshot->reader, &snapshot->chunk, error))
    return false;
  snapshot->offset = 0;
  if (snapshot->chunk != NULL) {
    ablak_sha256(g_bytes_get_data(snapshot->chunk, NULL), g_bytes_get_size(snapshot->chunk),
                 snapshot->sha256);
    return true;
  }
  AblakFrame frame = {.type = ABLAK_FRAME_SNAPSHOT_END, .index = snapshot->index};
  memcpy(frame.sha256, snapshot->all, ABLAK_HASH_SIZE);
  sender_send(sender, &frame);
  snapshot->ended = true;
  return true;
}

bool sender_snapshot_pump(AblakSender *sender, GError **error)
{
  SenderSnapshot *snapshot = sender->snapshot;
  while (!snapshot->ended && sender_has_room(sender) &&
         snapshot->index < snapshot->acked_index + SENDER_SNAPSHOT_AHEAD) {
    if (snapshot->chunk != NULL)
      send_part(sender, snapshot);
    else if (!load_chunk(sender, snapshot, error))
      return false;
  }
  return true;
}

bool sender_snapshot_acked(AblakSender *sender, guint32 index)
{
  SenderSnapshot *snapshot = sender->snapshot;
  if (snapshot == NULL || index > snapshot->index)
    return false;
  snapshot->acked_index = MAX(snapshot->acked_index, index);
  return true;
}

bool sender_snapshot_done(AblakSender *sender, gint64 seq)
{
  if (sender->snapshot == NULL || !sender->snapshot->ended || sender->snapshot->seq != seq)
    return false;
  sender_snapshot_clear(sender);
  return true;
}

void sender_snapshot_clear(AblakSender *sender)
{
  SenderSnapshot *snapshot = g_steal_pointer(&sender->snapshot);
  if (snapshot == NULL)
    return;
  ablak_snapshot_reader_free(snapshot->reader);
  ablak_txn_end(snapshot->txn);
  g_clear_pointer(&snapshot->chunk, g_bytes_unref);
  g_free(snapshot);
}
