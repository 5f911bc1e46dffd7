/* sync/receiver-private.h: the receiver's insides, shared by its files. */
#pragma once
#include "sync/digest.h"
#include "sync/down.h"
#include "sync/receiver.h"
#include "sync/replica.h"
#include "sync/shape.h"

#define PEER_WINDOW (4 * 1024 * 1024)
#define PEER_BATCH_ITEMS 256
#define PEER_QUEUE_HIGH (512 * 1024)

/* What a box sent, checked as far as memory can tell, waiting for its store job. */
typedef enum {
  ITEM_SCHEMA,
  ITEM_ENTRY,
  ITEM_SNAPSHOT_BEGIN,
  ITEM_SNAPSHOT_CHUNK,
  ITEM_SNAPSHOT_END,
  ITEM_DIGEST, /* needs no job; holds its place in the order */
} ItemKind;

typedef struct {
  ItemKind kind;
  AblakShape *shape;
  GBytes *payload;
  gint64 seq; /* of the entry, the snapshot, the digest */
  guint8 prev_hash[ABLAK_HASH_SIZE], hash[ABLAK_HASH_SIZE];
  guint32 index; /* of the chunk */
  AblakSnapshotReason reason;
} Item;

typedef struct Batch Batch;
typedef struct Hello Hello;

typedef struct {
  bool active;
  gint64 seq;
  guint8 hash[ABLAK_HASH_SIZE], all[ABLAK_HASH_SIZE];
  AblakShape *shape;
  AblakSnapshotReason reason;
  guint32 next;
  AblakAssembly chunk;
} PeerSnapshot;

struct AblakReceiver {
  AblakStore *store;
  AblakReceiverCallbacks callbacks;
  gpointer data;
  char *generation;
  GHashTable *peers; /* box -> AblakPeer, the welcome ones */
};

struct AblakPeer {
  AblakReceiver *receiver;
  char *box;
  gint64 epoch;
  AblakPeerTransport transport;
  gpointer data;
  bool failed, greeted, welcome;
  Hello *hello; /* at the store, which owns it */
  Batch *batch; /* at the store, which owns it */

  /* Up. */
  GHashTable *schemas; /* id (GBytes) -> AblakShape */
  AblakAssembly entry;
  gint64 applied_seq; /* durable */
  guint8 applied_hash[ABLAK_HASH_SIZE];
  gint64 next_seq; /* the next to accept */
  guint8 next_hash[ABLAK_HASH_SIZE];
  bool nak_sent;
  PeerSnapshot snapshot;
  GQueue items; /* Item */
  gsize items_size;
  AblakDigestRun *digest_run;

  /* Down. */
  gint64 down_pos; /* what the box has applied */
  bool down_active, down_pumping;
  AblakDownEntry down;
  gsize down_offset;
};

void item_free(Item *item);

void peer_send(AblakPeer *peer, const AblakFrame *frame);
void peer_fail(AblakPeer *peer, GError *error); /* takes the error over */
bool peer_protocol_error(GError **error, const char *why);
void peer_changed(AblakPeer *peer);

/* peer-hello.c */
bool peer_hello_received(AblakPeer *peer, const AblakFrame *frame, GError **error);
void peer_hello_clear(AblakPeer *peer);
/* peer-up.c */
bool peer_up_received(AblakPeer *peer, const AblakFrame *frame, GError **error);
/* peer-batch.c */
void peer_flush(AblakPeer *peer);
void peer_batch_clear(AblakPeer *peer);
/* peer-down.c */
bool peer_down_acked(AblakPeer *peer, gint64 seq, GError **error);
void peer_down_pump(AblakPeer *peer);

/* Sets the box apart with an event. Inside a job. */
bool peer_quarantine(AblakTxn *txn, const char *box, const char *slug, GError **error);
/* The key under which a snapshot's rows wait for its end: no id has this form. */
char *peer_staging_name(const char *box);
