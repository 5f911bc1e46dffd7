/* What a welcome box sends up: checked here as far as memory can tell, then queued for the store.
 */
#include "core/crypto.h"
#include "core/error.h"
#include "sync/receiver-private.h"
#include <string.h>

static Item *item_new(ItemKind kind, AblakShape *shape)
{
  Item *item = g_new0(Item, 1);
  item->kind = kind;
  item->shape = shape != NULL ? ablak_shape_ref(shape) : NULL;
  return item;
}

static bool enqueue(AblakPeer *peer, Item *item, GError **error)
{
  if (item->payload != NULL)
    peer->items_size += g_bytes_get_size(item->payload);
  g_queue_push_tail(&peer->items, item);
  /* The box keeps to the window; one large payload may go past it. */
  if (peer->items_size > 2 * PEER_WINDOW + ABLAK_PAYLOAD_MAX)
    return peer_protocol_error(error, "the box does not keep to its window");
  peer_flush(peer);
  return true;
}

static AblakShape *find_schema(AblakPeer *peer, const guint8 id[ABLAK_HASH_SIZE], GError **error)
{
  g_autoptr(GBytes) key = g_bytes_new(id, ABLAK_HASH_SIZE);
  AblakShape *shape = g_hash_table_lookup(peer->schemas, key);
  if (shape == NULL)
    peer_protocol_error(error, "a schema that was not announced");
  return shape;
}

static bool schema_received(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  g_autoptr(AblakShape) shape = ablak_shape_parse(frame->body, frame->body_size, error);
  if (shape == NULL)
    return false;
  if (memcmp(ablak_shape_id(shape), frame->schema, ABLAK_HASH_SIZE) != 0) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/corrupt", "a schema does not have its hash");
    return false;
  }
  Item *item = item_new(ITEM_SCHEMA, shape);
  g_hash_table_insert(peer->schemas, g_bytes_new(frame->schema, ABLAK_HASH_SIZE),
                      g_steal_pointer(&shape));
  return enqueue(peer, item, error);
}

static void acknowledge_again(AblakPeer *peer)
{
  AblakFrame frame = {.type = ABLAK_FRAME_ACK, .seq = peer->applied_seq};
  memcpy(frame.hash, peer->applied_hash, ABLAK_HASH_SIZE);
  peer_send(peer, &frame);
}

/* seq <= accepted: acknowledged (again); a gap: asked for once. */
static bool is_next(AblakPeer *peer, const AblakFrame *frame)
{
  if (frame->seq == peer->next_seq) {
    peer->nak_sent = false;
    return true;
  }
  if (frame->seq <= peer->applied_seq && frame->offset == 0) {
    acknowledge_again(peer);
  } else if (frame->seq > peer->next_seq && !peer->nak_sent) {
    AblakFrame nak = {.type = ABLAK_FRAME_NAK, .seq = peer->next_seq};
    peer_send(peer, &nak);
    peer->nak_sent = true;
  }
  return false;
}

static bool data_received(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  if (peer->snapshot.active)
    return peer_protocol_error(error, "an entry inside a snapshot");
  if (!is_next(peer, frame))
    return true;
  AblakShape *shape = find_schema(peer, frame->schema, error);
  g_autoptr(GBytes) payload = NULL;
  if (shape == NULL || !ablak_assembly_add(&peer->entry, frame->seq, frame, &payload, error))
    return false;
  if (payload == NULL)
    return true;
  if (memcmp(frame->prev_hash, peer->next_hash, ABLAK_HASH_SIZE) != 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "sync/chain",
                    "entry %" G_GINT64_FORMAT " does not follow the one before", frame->seq);
    return false;
  }
  Item *item = item_new(ITEM_ENTRY, shape);
  item->payload = g_steal_pointer(&payload);
  item->seq = frame->seq;
  memcpy(item->prev_hash, frame->prev_hash, ABLAK_HASH_SIZE);
  ablak_chain_next(frame->prev_hash, frame->seq, frame->schema, frame->sha256, item->hash);
  memcpy(peer->next_hash, item->hash, ABLAK_HASH_SIZE);
  peer->next_seq++;
  return enqueue(peer, item, error);
}

/* --- snapshots --- */

static bool snapshot_begin(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  PeerSnapshot *snapshot = &peer->snapshot;
  AblakShape *shape = find_schema(peer, frame->schema, error);
  if (shape == NULL)
    return false;
  if (snapshot->active || frame->flag > ABLAK_SNAPSHOT_DIFFERS)
    return peer_protocol_error(error, "a snapshot begins where it may not");
  snapshot->active = true;
  snapshot->seq = frame->seq;
  snapshot->reason = frame->flag;
  snapshot->next = 0;
  g_clear_pointer(&snapshot->shape, ablak_shape_unref);
  snapshot->shape = ablak_shape_ref(shape);
  memcpy(snapshot->hash, frame->hash, ABLAK_HASH_SIZE);
  memset(snapshot->all, 0, ABLAK_HASH_SIZE);
  return enqueue(peer, item_new(ITEM_SNAPSHOT_BEGIN, shape), error);
}

static bool snapshot_chunk(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  PeerSnapshot *snapshot = &peer->snapshot;
  g_autoptr(GBytes) payload = NULL;
  if (!snapshot->active || frame->index != snapshot->next)
    return peer_protocol_error(error, "a snapshot's chunk is out of place");
  if (!ablak_assembly_add(&snapshot->chunk, frame->index, frame, &payload, error))
    return false;
  if (payload == NULL)
    return true;
  guint8 link[2 * ABLAK_HASH_SIZE];
  memcpy(link, snapshot->all, ABLAK_HASH_SIZE);
  memcpy(link + ABLAK_HASH_SIZE, frame->sha256, ABLAK_HASH_SIZE);
  ablak_sha256(link, sizeof link, snapshot->all);
  Item *item = item_new(ITEM_SNAPSHOT_CHUNK, snapshot->shape);
  item->payload = g_steal_pointer(&payload);
  item->index = snapshot->next++;
  return enqueue(peer, item, error);
}

static bool snapshot_end(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  PeerSnapshot *snapshot = &peer->snapshot;
  if (!snapshot->active || frame->index != snapshot->next ||
      memcmp(frame->sha256, snapshot->all, ABLAK_HASH_SIZE) != 0)
    return peer_protocol_error(error, "a snapshot is not whole");
  Item *item = item_new(ITEM_SNAPSHOT_END, snapshot->shape);
  item->seq = snapshot->seq;
  item->reason = snapshot->reason;
  memcpy(item->hash, snapshot->hash, ABLAK_HASH_SIZE);
  snapshot->active = false;
  peer->next_seq = snapshot->seq + 1;
  memcpy(peer->next_hash, snapshot->hash, ABLAK_HASH_SIZE);
  return enqueue(peer, item, error);
}

static bool digest_received(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  AblakShape *shape = find_schema(peer, frame->schema, error);
  if (shape == NULL)
    return false;
  if (frame->seq != peer->next_seq - 1 || peer->snapshot.active ||
      frame->body_size != ABLAK_DIGEST_ENTRY * ablak_shape_count(shape))
    return peer_protocol_error(error, "a digest is out of place");
  Item *item = item_new(ITEM_DIGEST, shape);
  item->seq = frame->seq;
  item->payload = g_bytes_new(frame->body, frame->body_size);
  return enqueue(peer, item, error);
}

bool peer_up_received(AblakPeer *peer, const AblakFrame *frame, GError **error)
{
  switch (frame->type) {
  case ABLAK_FRAME_SCHEMA:
    return schema_received(peer, frame, error);
  case ABLAK_FRAME_DATA:
    return data_received(peer, frame, error);
  case ABLAK_FRAME_SNAPSHOT_BEGIN:
    return snapshot_begin(peer, frame, error);
  case ABLAK_FRAME_SNAPSHOT_CHUNK:
    return snapshot_chunk(peer, frame, error);
  case ABLAK_FRAME_SNAPSHOT_END:
    return snapshot_end(peer, frame, error);
  case ABLAK_FRAME_DIGEST:
    return digest_received(peer, frame, error);
  default:
    return peer_protocol_error(error, "a frame that boxes do not send");
  }
}
