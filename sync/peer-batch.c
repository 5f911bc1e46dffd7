/* Queued items become store jobs, one at a time a peer; a digest waits for its place between them.
 */
#include "core/error.h"
#include "core/log.h"
#include "sync/receiver-private.h"
#include <string.h>

struct Batch {
  AblakPeer *peer; /* NULL when it has gone */
  AblakStore *store;
  char *box;
  gint64 epoch;
  GPtrArray *items;
  /* Set for a second run after an item failed: the items before it are applied, the box set apart.
   */
  bool quarantine;
  char slug[64];
  /* Outputs, written anew by each run of the job. */
  guint failed_at;
  gint64 applied_seq;
  guint8 hash[ABLAK_HASH_SIZE];
  gint64 chunks; /* durable snapshot chunks; -1: none in this batch */
  GHashTable *touched;
};

static void batch_free(gpointer data)
{
  Batch *batch = data;
  g_ptr_array_unref(batch->items);
  g_hash_table_unref(batch->touched);
  g_free(batch->box);
  g_free(batch);
}

/* --- the job --- */

static bool read_position(AblakTxn *txn, Batch *batch, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT epoch, applied_seq, hash, quarantine FROM sync_peer WHERE box = ?", "t",
      batch->box);
  if (rows == NULL)
    return false;
  gsize size = 0;
  const void *hash = ablak_rows_blob(rows, 2, &size);
  if (ablak_rows_int(rows, 0) != batch->epoch) {
    ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "sync/old-epoch", "the box's epoch has ended");
    return false;
  }
  if (!ablak_rows_is_null(rows, 3) || size != ABLAK_HASH_SIZE) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "sync/quarantined", "the box is set apart");
    return false;
  }
  batch->applied_seq = ablak_rows_int(rows, 1);
  memcpy(batch->hash, hash, ABLAK_HASH_SIZE);
  return true;
}

static bool apply_entry(AblakTxn *txn, Batch *batch, const Item *item, GError **error)
{
  if (item->seq <= batch->applied_seq)
    return true; /* another connection of the same box was faster */
  if (item->seq != batch->applied_seq + 1 ||
      memcmp(item->prev_hash, batch->hash, ABLAK_HASH_SIZE) != 0) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "sync/chain",
                    "entry %" G_GINT64_FORMAT " does not follow what is stored", item->seq);
    return false;
  }
  if (!ablak_replica_apply(txn, batch->box, item->shape, item->payload, batch->touched, error))
    return false;
  batch->applied_seq = item->seq;
  memcpy(batch->hash, item->hash, ABLAK_HASH_SIZE);
  return true;
}

static bool end_snapshot(AblakTxn *txn, Batch *batch, const Item *item, GError **error)
{
  g_autofree char *staging = peer_staging_name(batch->box);
  g_autofree char *aside = g_strdup_printf("%s#%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT, batch->box,
                                           batch->epoch, batch->applied_seq);
  g_autoptr(json_t) data = json_pack("{s:I, s:b}", "seq", (json_int_t)item->seq, "differs",
                                     item->reason == ABLAK_SNAPSHOT_DIFFERS);
  if (!ablak_replica_move(txn, batch->box, item->reason == ABLAK_SNAPSHOT_DIFFERS ? aside : NULL,
                          error) ||
      !ablak_replica_move(txn, staging, batch->box, error))
    return false;
  batch->applied_seq = item->seq;
  memcpy(batch->hash, item->hash, ABLAK_HASH_SIZE);
  return ablak_event_append(txn, "fleet", "box.snapshot", batch->box, "system", data, error);
}

static bool apply_item(AblakTxn *txn, Batch *batch, const Item *item, GError **error)
{
  g_autofree char *staging = peer_staging_name(batch->box);
  switch (item->kind) {
  case ITEM_SCHEMA:
    return ablak_replica_prepare(txn, item->shape, error);
  case ITEM_ENTRY:
    return apply_entry(txn, batch, item, error);
  case ITEM_SNAPSHOT_BEGIN:
    batch->chunks = 0;
    return ablak_replica_move(txn, staging, NULL, error);
  case ITEM_SNAPSHOT_CHUNK:
    batch->chunks = (gint64)item->index + 1;
    return ablak_replica_apply(txn, staging, item->shape, item->payload, batch->touched, error);
  default:
    return end_snapshot(txn, batch, item, error);
  }
}

static bool save_position(AblakTxn *txn, const Batch *batch, GError **error)
{
  gint64 now_ms = ablak_txn_now_ms(txn);
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE sync_peer SET applied_seq = ?, hash = ?, last_seen_at = ?,"
                        " applied_at = ? WHERE box = ?",
                        "ibiit", batch->applied_seq, batch->hash, (gsize)ABLAK_HASH_SIZE, now_ms,
                        now_ms, batch->box);
}

static bool run(AblakTxn *txn, gpointer data, GError **error)
{
  Batch *batch = data;
  batch->chunks = -1;
  g_hash_table_remove_all(batch->touched);
  if (!read_position(txn, batch, error))
    return false;
  guint count = batch->quarantine ? batch->failed_at : batch->items->len;
  for (guint i = 0; i < count; i++) {
    if (apply_item(txn, batch, g_ptr_array_index(batch->items, i), error))
      continue;
    if (!batch->quarantine)
      batch->failed_at = i;
    return false;
  }
  return save_position(txn, batch, error) &&
         (!batch->quarantine || peer_quarantine(txn, batch->box, batch->slug, error));
}

/* --- after it --- */

static void acknowledge(AblakPeer *peer, const Batch *batch)
{
  if (batch->chunks >= 0) {
    AblakFrame frame = {.type = ABLAK_FRAME_SNAPSHOT_ACK, .index = (guint32)batch->chunks};
    peer_send(peer, &frame);
  }
  if (batch->applied_seq == peer->applied_seq &&
      memcmp(batch->hash, peer->applied_hash, ABLAK_HASH_SIZE) == 0)
    return;
  AblakFrame frame = {.type = ABLAK_FRAME_ACK, .seq = batch->applied_seq};
  memcpy(frame.hash, batch->hash, ABLAK_HASH_SIZE);
  peer->applied_seq = batch->applied_seq;
  memcpy(peer->applied_hash, batch->hash, ABLAK_HASH_SIZE);
  peer_send(peer, &frame);
}

static void tell_daemon(AblakReceiver *receiver, const Batch *batch)
{
  if (receiver->callbacks.applied == NULL)
    return;
  g_autofree gpointer *tables = g_hash_table_get_keys_as_array(batch->touched, NULL);
  receiver->callbacks.applied(batch->box, batch->applied_seq, (const char *const *)tables,
                              receiver->data);
}

/* What a person has to look at; everything else may pass by itself. */
static bool is_lasting(const GError *error)
{
  static const char *const slugs[] = {"sync/conflict", "sync/schema", "sync/protocol",
                                      "store/changeset", NULL};
  return g_strv_contains(slugs, ablak_error_slug(error));
}

static void done(const GError *error, gpointer data);

static void submit(Batch *batch)
{
  ablak_store_write(batch->store, run, done, batch, NULL);
}

static void set_apart(Batch *batch, const GError *error)
{
  ablak_log_gerror(ABLAK_LOG_ERROR, "sync.quarantine", error, "box", batch->box, NULL);
  batch->quarantine = true;
  g_strlcpy(batch->slug, ablak_error_slug(error), sizeof batch->slug);
  submit(batch);
}

static void done(const GError *error, gpointer data)
{
  Batch *batch = data;
  if (error != NULL && !batch->quarantine && is_lasting(error)) {
    set_apart(batch, error);
    return;
  }
  AblakPeer *peer = batch->peer;
  if (peer != NULL)
    peer->batch = NULL;
  GError *end = error != NULL ? g_error_copy(error) : NULL;
  if (error == NULL && batch->quarantine)
    ablak_error_set(&end, ABLAK_ERROR_CONFLICT, "sync/quarantined", "the box was set apart");
  if (peer != NULL && error == NULL && !peer->failed) {
    acknowledge(peer, batch);
    tell_daemon(peer->receiver, batch);
  }
  batch_free(batch);
  if (peer == NULL)
    g_clear_error(&end);
  else if (end != NULL)
    peer_fail(peer, end);
  else
    peer_flush(peer);
}

/* --- digests --- */

typedef struct {
  char *box;
  gint64 seq;
  bool equal;
} Proof;

static void proof_free(gpointer data)
{
  Proof *proof = data;
  g_free(proof->box);
  g_free(proof);
}

static bool note_proof(AblakTxn *txn, gpointer data, GError **error)
{
  Proof *proof = data;
  if (!proof->equal)
    return peer_quarantine(txn, proof->box, "sync/digest", error);
  g_autoptr(json_t) details = json_pack("{s:I}", "seq", (json_int_t)proof->seq);
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE sync_peer SET digest_seq = ?, digest_at = ? WHERE box = ?", "iit",
                        proof->seq, ablak_txn_now_ms(txn), proof->box) &&
         ablak_event_append(txn, "fleet", "box.proven", proof->box, "system", details, error);
}

static bool peer_seq(AblakTxn *txn, const char *box, gint64 *ret_seq, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error, "SELECT applied_seq FROM sync_peer WHERE box = ?", "t", box);
  if (rows != NULL)
    *ret_seq = ablak_rows_int(rows, 0);
  return rows != NULL;
}

static void answer_digest(AblakPeer *peer, const Item *item, bool equal)
{
  Proof *proof = g_new(Proof, 1);
  *proof = (Proof){g_strdup(peer->box), item->seq, equal};
  ablak_store_write(peer->receiver->store, note_proof, NULL, proof, proof_free);
  AblakFrame frame = {.type = ABLAK_FRAME_DIGEST_RESULT, .seq = item->seq, .flag = equal};
  peer_send(peer, &frame);
  peer_changed(peer);
  if (equal)
    return;
  GError *error = NULL;
  ablak_error_set(&error, ABLAK_ERROR_CONFLICT, "sync/digest",
                  "the copy differs from the box at %" G_GINT64_FORMAT, item->seq);
  peer_fail(peer, error);
}

static void digest_done(gint64 seq, GBytes *digest, const GError *error, gpointer data)
{
  AblakPeer *peer = data;
  Item *item = g_queue_pop_head(&peer->items);
  peer->items_size -= g_bytes_get_size(item->payload);
  /* Another connection of the box may have moved on; then there is nothing to compare. */
  if (digest != NULL && seq == item->seq)
    answer_digest(peer, item, g_bytes_equal(digest, item->payload));
  else if (error != NULL)
    ablak_log_gerror(ABLAK_LOG_WARNING, "sync.digest", error, "box", peer->box, NULL);
  item_free(item);
  g_clear_pointer(&peer->digest_run, ablak_digest_free);
  peer_flush(peer);
}

/* --- the queue --- */

static void item_free_void(gpointer item)
{
  item_free(item);
}

static GPtrArray *take_items(AblakPeer *peer)
{
  GPtrArray *items = g_ptr_array_new_with_free_func(item_free_void);
  gsize size = 0;
  Item *item;
  while (items->len < PEER_BATCH_ITEMS && size < PEER_WINDOW &&
         (item = g_queue_peek_head(&peer->items)) != NULL && item->kind != ITEM_DIGEST) {
    size += item->payload != NULL ? g_bytes_get_size(item->payload) : 0;
    g_ptr_array_add(items, g_queue_pop_head(&peer->items));
  }
  peer->items_size -= size;
  return items;
}

void peer_flush(AblakPeer *peer)
{
  if (peer->failed || peer->batch != NULL || peer->digest_run != NULL ||
      g_queue_is_empty(&peer->items))
    return;
  Item *head = g_queue_peek_head(&peer->items);
  if (head->kind == ITEM_DIGEST) {
    peer->digest_run = ablak_digest_start(peer->receiver->store, head->shape, peer->box, peer_seq,
                                          digest_done, peer);
    return;
  }
  Batch *batch = g_new0(Batch, 1);
  batch->peer = peer;
  batch->store = peer->receiver->store;
  batch->box = g_strdup(peer->box);
  batch->epoch = peer->epoch;
  batch->items = take_items(peer);
  batch->touched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  peer->batch = batch;
  submit(batch);
}

void peer_batch_clear(AblakPeer *peer)
{
  if (peer->batch != NULL)
    peer->batch->peer = NULL;
  peer->batch = NULL;
}
