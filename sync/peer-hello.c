/* The beginning of a peer's connection: who it is, where it stands, what is done with its past. */
#include "core/error.h"
#include "sync/receiver-private.h"
#include <string.h>

struct Hello {
  AblakPeer *peer; /* NULL when it has gone */
  char *box;
  gint64 epoch;
  gint64 down_seq; /* what the box says about our present generation, else 0 */
  gint64 applied_seq;
  guint8 hash[ABLAK_HASH_SIZE];
};

static void hello_free(gpointer data)
{
  Hello *hello = data;
  g_free(hello->box);
  g_free(hello);
}

static const guint8 zero[ABLAK_HASH_SIZE];

static bool begin_epoch(AblakTxn *txn, Hello *hello, GError **error)
{
  g_autoptr(json_t) data = json_pack("{s:I}", "epoch", (json_int_t)hello->epoch);
  hello->applied_seq = 0;
  memcpy(hello->hash, zero, ABLAK_HASH_SIZE);
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO sync_peer (box, epoch, applied_seq, hash, last_seen_at,"
                        " down_seq) VALUES (?, ?, 0, ?, ?, 0) ON CONFLICT (box) DO UPDATE SET"
                        " epoch = excluded.epoch, applied_seq = 0, hash = excluded.hash,"
                        " applied_at = NULL, quarantine = NULL, digest_seq = NULL,"
                        " digest_at = NULL, down_seq = 0",
                        "tibi", hello->box, hello->epoch, zero, (gsize)ABLAK_HASH_SIZE,
                        ablak_txn_now_ms(txn)) &&
         ablak_event_append(txn, "fleet", "box.connected", hello->box, "system", data, error);
}

static bool end_epoch(AblakTxn *txn, Hello *hello, gint64 old_epoch, GError **error)
{
  g_autofree char *aside = g_strdup_printf("%s#%" G_GINT64_FORMAT, hello->box, old_epoch);
  g_autofree char *staging = peer_staging_name(hello->box);
  return ablak_replica_move(txn, staging, NULL, error) &&
         ablak_replica_move(txn, hello->box, aside, error) && begin_epoch(txn, hello, error);
}

static bool take_position(AblakRows *rows, Hello *hello, GError **error)
{
  gsize size = 0;
  const void *hash = ablak_rows_blob(rows, 2, &size);
  if (size != ABLAK_HASH_SIZE) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "sync/journal", "a peer's row is damaged");
    return false;
  }
  memcpy(hello->hash, hash, ABLAK_HASH_SIZE);
  hello->applied_seq = ablak_rows_int(rows, 1);
  return true;
}

static bool run(AblakTxn *txn, gpointer data, GError **error)
{
  Hello *hello = data;
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, &cause, "SELECT epoch, applied_seq, hash, quarantine FROM sync_peer WHERE box = ?", "t",
      hello->box);
  if (rows == NULL) {
    if (g_error_matches(cause, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
      return begin_epoch(txn, hello, error);
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  gint64 epoch = ablak_rows_int(rows, 0);
  if (epoch > hello->epoch) {
    ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "sync/old-epoch",
                    "the machine was replaced: its epoch has ended");
    return false;
  }
  if (epoch < hello->epoch) {
    g_clear_pointer(&rows, ablak_rows_free);
    return end_epoch(txn, hello, epoch, error);
  }
  if (!ablak_rows_is_null(rows, 3)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "sync/quarantined", "the box is set apart");
    return false;
  }
  return take_position(rows, hello, error) &&
         ablak_txn_exec(txn, NULL, error, "UPDATE sync_peer SET last_seen_at = ? WHERE box = ?",
                        "it", ablak_txn_now_ms(txn), hello->box);
}

static void welcome(AblakPeer *peer, const Hello *hello)
{
  AblakPeer *earlier = g_hash_table_lookup(peer->receiver->peers, peer->box);
  if (earlier != NULL) {
    GError *error = NULL;
    ablak_error_set(&error, ABLAK_ERROR_CONFLICT, "sync/replaced",
                    "another connection of this box has taken over");
    peer_fail(earlier, error);
  }
  g_hash_table_insert(peer->receiver->peers, peer->box, peer);
  peer->welcome = true;
  peer->applied_seq = hello->applied_seq;
  peer->next_seq = hello->applied_seq + 1;
  peer->down_pos = hello->down_seq;
  memcpy(peer->applied_hash, hello->hash, ABLAK_HASH_SIZE);
  memcpy(peer->next_hash, hello->hash, ABLAK_HASH_SIZE);
  AblakFrame frame = {
      .type = ABLAK_FRAME_WELCOME, .seq = hello->applied_seq, .window = PEER_WINDOW};
  memcpy(frame.hash, hello->hash, ABLAK_HASH_SIZE);
  g_strlcpy(frame.generation, peer->receiver->generation, sizeof frame.generation);
  peer_send(peer, &frame);
  peer_changed(peer);
  peer_down_pump(peer);
}

static void done(const GError *error, gpointer data)
{
  Hello *hello = data;
  AblakPeer *peer = hello->peer;
  if (peer == NULL)
    return;
  peer->hello = NULL;
  if (peer->failed)
    return;
  if (error != NULL)
    peer_fail(peer, g_error_copy(error));
  else
    welcome(peer, hello);
}

bool peer_hello_received(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  if (peer->greeted)
    return peer_protocol_error(error, "a second greeting");
  if (frame->protocol != ABLAK_SYNC_PROTOCOL) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "sync/version",
                    "the box speaks protocol %u, headquarters %d", frame->protocol,
                    ABLAK_SYNC_PROTOCOL);
    return false;
  }
  if (strcmp(frame->box, peer->box) != 0)
    return peer_protocol_error(error, "the greeting names another box than the certificate");
  if (frame->epoch != peer->epoch) {
    ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "sync/old-epoch",
                    "the box's epoch is not that of its certificate");
    return false;
  }
  Hello *hello = g_new0(Hello, 1);
  hello->peer = peer;
  hello->box = g_strdup(peer->box);
  hello->epoch = peer->epoch;
  if (strcmp(frame->generation, peer->receiver->generation) == 0)
    hello->down_seq = frame->down_seq;
  peer->greeted = true;
  peer->hello = hello;
  ablak_store_write(peer->receiver->store, run, done, hello, hello_free);
  return true;
}

void peer_hello_clear(AblakPeer *peer)
{
  if (peer->hello != NULL)
    peer->hello->peer = NULL;
  peer->hello = NULL;
}
