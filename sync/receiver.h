/* sync/receiver.h: headquarters' end of replication: applies the boxes' journals, sends down.
 *
 * One receiver for the daemon, one peer for each connected box. Transport-agnostic as the sender.
 * A peer's identity (box and epoch) comes from its certificate. Entries are checked (hash, chain,
 * schema) and applied in order, a batch a store job, into the replica tables (replica.h); the same
 * transaction moves the peer's row on, and ACK goes out only after the durable commit. A change
 * that does not fit sets the box apart (quarantine) with an event "box.quarantined" of topic
 * "fleet": nothing is skipped or replaced. Other events: "box.connected" (a first connection or a
 * new epoch), "box.snapshot", "box.proven".
 *
 * Threads: main context only. Ownership: the store must outlive the receiver, the receiver its
 * peers. */
#pragma once
#include "store/store.h"
#include "sync/frames.h"

extern const AblakStorePart ablak_sync_hq_store_part;

typedef struct AblakReceiver AblakReceiver;
typedef struct AblakPeer AblakPeer;

typedef struct {
  /* After each durable batch: the box's new position and the replicated tables it touched, e.g.
   * "filing" (NULL-terminated, borrowed). May be NULL. */
  void (*applied)(const char *box, gint64 seq, const char *const *tables, gpointer data);
  /* Connected, disconnected, set apart, proven. May be NULL. */
  void (*changed)(const char *box, gpointer data);
} AblakReceiverCallbacks;

AblakReceiver *ablak_receiver_new(AblakStore *store, const AblakReceiverCallbacks *callbacks,
                                  gpointer data, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Its peers must be gone. */
void ablak_receiver_free(AblakReceiver *receiver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakReceiver, ablak_receiver_free)
/* Looks for new entries of the down journal and sends them: after an append by this process, and
 * every second or so for those the command line appended. */
void ablak_receiver_poll(AblakReceiver *receiver);

typedef struct {
  void (*send)(const void *message, gsize size, gpointer data);
  gsize (*queued)(gpointer data);
  /* The connection is of no more use; close it after what is queued. Called at most once. The
   * peer must not be freed from inside it, nor from inside `send`. */
  void (*failed)(const GError *error, gpointer data);
} AblakPeerTransport;

/* An earlier peer of the same box is failed with "sync/replaced". */
AblakPeer *ablak_peer_new(AblakReceiver *receiver, const char *box, gint64 epoch,
                          const AblakPeerTransport *transport, gpointer data);
void ablak_peer_received(AblakPeer *peer, const void *message, gsize size);
void ablak_peer_writable(AblakPeer *peer);
/* The connection is gone. What was handed to the store is still applied. */
void ablak_peer_free(AblakPeer *peer);
/* HELLO was answered. */
bool ablak_peer_is_welcome(AblakPeer *peer);

typedef struct {
  char *box;
  gint64 epoch, applied_seq, last_seen_ms, applied_ms, digest_seq, digest_ms, down_seq;
  char *quarantine; /* slug, or NULL */
  bool connected;
} AblakPeerState;
void ablak_peer_state_free(AblakPeerState *state);
/* All boxes that ever connected (AblakPeerState); `receiver` tells who is connected, may be NULL.
 */
GPtrArray *ablak_peer_states(AblakTxn *txn, AblakReceiver *receiver,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Inside a job: a person has looked at it; the box may try again. */
bool ablak_peer_release(AblakTxn *txn, const char *box, const char *actor,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
