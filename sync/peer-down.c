/* Entries of the down journal, one at a time a peer, in parts. */
#include "core/error.h"
#include "sync/receiver-private.h"
#include <string.h>

typedef struct {
  char *box;
  gint64 seq;
} DownAck;

static void down_ack_free(gpointer data)
{
  DownAck *ack = data;
  g_free(ack->box);
  g_free(ack);
}

static bool note(AblakTxn *txn, gpointer data, GError **error)
{
  DownAck *ack = data;
  return ablak_txn_exec(txn, NULL, error, "UPDATE sync_peer SET down_seq = ? WHERE box = ?", "it",
                        ack->seq, ack->box);
}

bool peer_down_acked(AblakPeer *peer, gint64 seq, GError **error)
{
  if (!peer->down_active || seq != peer->down.seq) {
    if (seq <= peer->down_pos)
      return true;
    return peer_protocol_error(error, "the box acknowledged what it was not sent");
  }
  peer->down_active = false;
  peer->down_pos = seq;
  ablak_down_entry_clear(&peer->down);
  DownAck *ack = g_new(DownAck, 1);
  *ack = (DownAck){g_strdup(peer->box), seq};
  ablak_store_write(peer->receiver->store, note, NULL, ack, down_ack_free);
  peer_down_pump(peer);
  return true;
}

static bool load(AblakPeer *peer, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(peer->receiver->store, error);
  if (txn == NULL)
    return false;
  peer->down_offset = 0;
  return ablak_down_next(txn, peer->box, peer->down_pos, &peer->down_active, &peer->down, error);
}

static void send_part(AblakPeer *peer)
{
  gsize total = 0;
  const guint8 *payload = g_bytes_get_data(peer->down.payload, &total);
  AblakFrame frame = {.type = ABLAK_FRAME_DOWN,
                      .seq = peer->down.seq,
                      .down_seq = peer->down_pos,
                      .total = (guint32)total,
                      .offset = (guint32)peer->down_offset,
                      .body = payload + peer->down_offset,
                      .body_size = MIN(ABLAK_FRAME_PART_MAX, total - peer->down_offset)};
  memcpy(frame.sha256, peer->down.sha256, ABLAK_HASH_SIZE);
  g_strlcpy(frame.kind, peer->down.kind, sizeof frame.kind);
  peer->down_offset += frame.body_size;
  peer_send(peer, &frame);
}

void peer_down_pump(AblakPeer *peer)
{
  if (!peer->welcome || peer->down_pumping)
    return;
  GError *error = NULL;
  if (!peer->down_active && !load(peer, &error)) {
    peer_fail(peer, error);
    return;
  }
  peer->down_pumping = true; /* `send` may report room at once */
  while (peer->down_active && peer->welcome &&
         peer->down_offset < g_bytes_get_size(peer->down.payload) &&
         peer->transport.queued(peer->data) < PEER_QUEUE_HIGH)
    send_part(peer);
  peer->down_pumping = false;
}
