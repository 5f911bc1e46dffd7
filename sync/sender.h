/* sync/sender.h: the box's end of replication: sends the journal up, applies what comes down.
 *
 * Transport-agnostic: the daemon opens the connection (with jittered back-off of its own), says
 * when it is up, down, writable, and hands over each received message; the sender hands messages
 * out through `send`. Acknowledged entries are noted and pruned after a tail of days; everything
 * unacknowledged is sent again after a reconnect. What comes down is applied in order, once.
 *
 * Threads: main context only, except that the journal wakes it from the writer thread.
 * Ownership: store and journal must outlive the sender.
 * Durability: `acked` is called after headquarters' durable commit; DOWN_ACK goes out only after
 * the box's durable commit. */
#pragma once
#include "store/store.h"
#include "sync/journal.h"

typedef struct AblakSender AblakSender;

/* Finishes an asynchronous step; `error` is borrowed. Call exactly once. */
typedef void (*AblakStepDone)(const GError *error, gpointer step);

typedef struct {
  /* Queues one binary message. */
  void (*send)(const void *message, gsize size, gpointer data);
  /* Bytes given to `send` that have not left yet. */
  gsize (*queued)(gpointer data);
  /* The connection is of no more use; `error` says why. Close it after what is queued. */
  void (*failed)(const GError *error, gpointer data);
  /* Everything up to `seq` is durable at headquarters. May be NULL. */
  void (*acked)(gint64 seq, gpointer data);
  /* A proof came back. May be NULL. */
  void (*proven)(gint64 seq, bool equal, gpointer data);

  /* What comes down, in three steps. `prepare` (may be NULL) does what cannot be in a transaction,
   * such as writing an edition's file, and must be repeatable; `apply` runs inside the store job
   * that also notes the entry as applied; `applied` (may be NULL) runs after the durable commit.
   * An error of either step stops the way down until the next connection and is sent up. */
  void (*prepare)(const char *kind, GBytes *payload, AblakStepDone done, gpointer step,
                  gpointer data);
  bool (*apply)(AblakTxn *txn, const char *kind, GBytes *payload, gpointer data, GError **error);
  void (*applied)(const char *kind, GBytes *payload, gpointer data);
} AblakSenderCallbacks;

typedef struct {
  AblakStore *store;
  AblakJournal *journal;
  const char *box;
  gint64 epoch;
  gint64 tail_ms; /* how long acknowledged entries are kept; 0: three days */
} AblakSenderOptions;

AblakSender *ablak_sender_new(const AblakSenderOptions *options,
                              const AblakSenderCallbacks *callbacks, gpointer data);
void ablak_sender_free(AblakSender *sender);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSender, ablak_sender_free)

void ablak_sender_connected(AblakSender *sender);
void ablak_sender_received(AblakSender *sender, const void *message, gsize size);
void ablak_sender_writable(AblakSender *sender);
void ablak_sender_disconnected(AblakSender *sender);

/* Starts a proof that headquarters' copy is equal; ignored while one is under way or the connection
 * is down. The sender does it by itself soon after a welcome and then every hour. */
void ablak_sender_prove(AblakSender *sender);

typedef struct {
  bool connected;  /* and welcomed */
  gint64 last_seq; /* of the journal, as far as the sender knows */
  gint64 acked_seq;
  gint64 applied_seq;  /* of headquarters' journal */
  const char *refused; /* the slug headquarters last refused us with, or NULL */
} AblakSenderStatus;
void ablak_sender_status(AblakSender *sender, AblakSenderStatus *ret_status);
