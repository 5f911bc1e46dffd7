#include "core/error.h"
#include "core/log.h"
#include "sync/receiver-private.h"
#include <string.h>

/* --- the receiver --- */

static bool read_generation(AblakTxn *txn, gpointer data, GError **error)
{
  AblakReceiver *receiver = data;
  g_clear_pointer(&receiver->generation, g_free);
  return ablak_down_generation(txn, &receiver->generation, NULL, error);
}

AblakReceiver *ablak_receiver_new(AblakStore *store, const AblakReceiverCallbacks *callbacks,
                                  gpointer data, GError **error)
{
  AblakReceiver *receiver = g_new0(AblakReceiver, 1);
  receiver->store = store;
  if (callbacks != NULL)
    receiver->callbacks = *callbacks;
  receiver->data = data;
  receiver->peers = g_hash_table_new(g_str_hash, g_str_equal);
  if (ablak_store_write_sync(store, read_generation, receiver, error))
    return receiver;
  ablak_receiver_free(receiver);
  return NULL;
}

void ablak_receiver_free(AblakReceiver *receiver)
{
  if (receiver == NULL)
    return;
  g_assert(g_hash_table_size(receiver->peers) == 0);
  g_hash_table_unref(receiver->peers);
  g_free(receiver->generation);
  g_free(receiver);
}

void ablak_receiver_poll(AblakReceiver *receiver)
{
  /* A copy: a peer that fails may be freed by the daemon, which changes the table. */
  g_autoptr(GList) boxes = g_hash_table_get_keys(receiver->peers);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  for (GList *link = boxes; link != NULL; link = link->next)
    g_ptr_array_add(names, g_strdup(link->data));
  for (guint i = 0; i < names->len; i++) {
    AblakPeer *peer = g_hash_table_lookup(receiver->peers, g_ptr_array_index(names, i));
    if (peer != NULL)
      peer_down_pump(peer);
  }
}

/* --- peers --- */

void item_free(Item *item)
{
  g_clear_pointer(&item->shape, ablak_shape_unref);
  g_clear_pointer(&item->payload, g_bytes_unref);
  g_free(item);
}

AblakPeer *ablak_peer_new(AblakReceiver *receiver, const char *box, gint64 epoch,
                          const AblakPeerTransport *transport, gpointer data)
{
  AblakPeer *peer = g_new0(AblakPeer, 1);
  peer->receiver = receiver;
  peer->box = g_strdup(box);
  peer->epoch = epoch;
  peer->transport = *transport;
  peer->data = data;
  peer->schemas = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                        (GDestroyNotify)ablak_shape_unref);
  g_queue_init(&peer->items);
  return peer;
}

void peer_changed(AblakPeer *peer)
{
  AblakReceiver *receiver = peer->receiver;
  if (receiver->callbacks.changed != NULL)
    receiver->callbacks.changed(peer->box, receiver->data);
}

static void forget(AblakPeer *peer)
{
  if (g_hash_table_lookup(peer->receiver->peers, peer->box) == peer)
    g_hash_table_remove(peer->receiver->peers, peer->box);
}

void ablak_peer_free(AblakPeer *peer)
{
  if (peer == NULL)
    return;
  bool was_known = g_hash_table_lookup(peer->receiver->peers, peer->box) == peer;
  forget(peer);
  peer_hello_clear(peer);
  peer_batch_clear(peer);
  g_clear_pointer(&peer->digest_run, ablak_digest_free);
  g_queue_clear_full(&peer->items, (GDestroyNotify)item_free);
  ablak_assembly_clear(&peer->entry);
  ablak_assembly_clear(&peer->snapshot.chunk);
  g_clear_pointer(&peer->snapshot.shape, ablak_shape_unref);
  ablak_down_entry_clear(&peer->down);
  g_hash_table_unref(peer->schemas);
  if (was_known)
    peer_changed(peer);
  g_free(peer->box);
  g_free(peer);
}

bool ablak_peer_is_welcome(AblakPeer *peer)
{
  return peer->welcome;
}

void peer_send(AblakPeer *peer, const AblakFrame *frame)
{
  if (peer->failed)
    return;
  g_autoptr(GBytes) message = ablak_frame_encode(frame);
  gsize size = 0;
  const void *bytes = g_bytes_get_data(message, &size);
  peer->transport.send(bytes, size, peer->data);
}

void peer_fail(AblakPeer *peer, GError *error)
{
  if (!peer->failed) {
    ablak_log_gerror(ABLAK_LOG_WARNING, "sync.peer-failed", error, "box", peer->box, NULL);
    AblakFrame frame = {.type = ABLAK_FRAME_ERROR};
    g_strlcpy(frame.slug, ablak_error_slug(error), sizeof frame.slug);
    peer_send(peer, &frame);
    peer->failed = true;
    peer->welcome = false;
    forget(peer);
    peer_changed(peer);
    peer->transport.failed(error, peer->data);
  }
  g_error_free(error);
}

bool peer_protocol_error(GError **error, const char *why)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol", "%s", why);
  return false;
}

static bool dispatch(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  if (frame->type == ABLAK_FRAME_HELLO)
    return peer_hello_received(peer, frame, error);
  if (!peer->welcome)
    return peer_protocol_error(error, "a frame before the welcome");
  if (frame->type == ABLAK_FRAME_DOWN_ACK)
    return peer_down_acked(peer, frame->seq, error);
  return peer_up_received(peer, frame, error);
}

void ablak_peer_received(AblakPeer *peer, const void *message, gsize size)
{
  AblakFrame frame;
  GError *error = NULL;
  if (peer->failed)
    return;
  if (!ablak_frame_decode(message, size, &frame, &error) || !dispatch(peer, &frame, &error))
    peer_fail(peer, error);
}

void ablak_peer_writable(AblakPeer *peer)
{
  peer_down_pump(peer);
}

/* --- states --- */

void ablak_peer_state_free(AblakPeerState *state)
{
  if (state == NULL)
    return;
  g_free(state->box);
  g_free(state->quarantine);
  g_free(state);
}

GPtrArray *ablak_peer_states(AblakTxn *txn, AblakReceiver *receiver, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      "SELECT box, epoch, applied_seq, last_seen_at, applied_at, digest_seq, digest_at, down_seq,"
      " quarantine FROM sync_peer ORDER BY box",
      "");
  if (rows == NULL)
    return NULL;
  g_autoptr(GPtrArray) states =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_peer_state_free);
  g_autoptr(GError) cause = NULL;
  while (ablak_rows_next(rows, &cause)) {
    AblakPeerState *state = g_new0(AblakPeerState, 1);
    state->box = g_strdup(ablak_rows_text(rows, 0));
    state->epoch = ablak_rows_int(rows, 1);
    state->applied_seq = ablak_rows_int(rows, 2);
    state->last_seen_ms = ablak_rows_int(rows, 3);
    state->applied_ms = ablak_rows_int(rows, 4);
    state->digest_seq = ablak_rows_int(rows, 5);
    state->digest_ms = ablak_rows_int(rows, 6);
    state->down_seq = ablak_rows_int(rows, 7);
    state->quarantine = g_strdup(ablak_rows_text(rows, 8));
    state->connected = receiver != NULL && g_hash_table_contains(receiver->peers, state->box);
    g_ptr_array_add(states, state);
  }
  if (cause != NULL) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return NULL;
  }
  return g_steal_pointer(&states);
}

bool peer_quarantine(AblakTxn *txn, const char *box, const char *slug, GError **error)
{
  g_autoptr(json_t) data = json_pack("{s:s}", "slug", slug);
  return ablak_txn_exec(txn, NULL, error, "UPDATE sync_peer SET quarantine = ? WHERE box = ?", "tt",
                        slug, box) &&
         ablak_event_append(txn, "fleet", "box.quarantined", box, "system", data, error);
}

bool ablak_peer_release(AblakTxn *txn, const char *box, const char *actor, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "UPDATE sync_peer SET quarantine = NULL WHERE box = ?",
                        "t", box) &&
         ablak_event_append(txn, "fleet", "box.released", box, actor, NULL, error);
}

char *peer_staging_name(const char *box)
{
  return g_strconcat(box, "!", NULL);
}
