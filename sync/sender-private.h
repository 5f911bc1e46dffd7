/* sync/sender-private.h: the sender's insides, shared by its files. */
#pragma once
#include "sync/digest.h"
#include "sync/sender.h"
#include "sync/snapshot.h"

/* Enough on its way to keep a line busy, little enough that pings and live traffic pass. */
#define SENDER_QUEUE_HIGH (512 * 1024)
#define SENDER_SNAPSHOT_AHEAD 16

typedef struct SenderStep SenderStep;
typedef struct SenderAck SenderAck;
typedef struct SenderSnapshot SenderSnapshot;

struct AblakSender {
  AblakStore *store;
  AblakJournal *journal;
  char *box;
  gint64 epoch, tail_ms;
  AblakSenderCallbacks callbacks;
  gpointer data;

  bool connected, welcomed, pumping;
  char refused[64];

  /* Up. */
  gint64 next_seq; /* the next entry to load */
  gint64 last_seq; /* the newest known */
  gint64 acked_seq;
  gsize window, outstanding;
  GQueue unacked; /* Sent */
  bool announced;
  guint8 announced_schema[ABLAK_HASH_SIZE];
  AblakJournalEntry entry; /* being sent when payload is set */
  gsize entry_offset;
  SenderSnapshot *snapshot;
  SenderAck *ack_job; /* at the store; owned by it */

  /* The proof: being computed, then waiting for its place in the stream. */
  guint prove_timer;
  AblakDigestRun *digest_run;
  gint64 digest_seq;
  GBytes *digest;

  /* Down. */
  char generation[64];
  gint64 applied_seq;
  AblakAssembly down;
  SenderStep *step;

  GMutex wake_lock;
  GSource *wake;
  guint wake_ms;
};

void sender_fail(AblakSender *sender, GError *error); /* takes the error over */
void sender_send(AblakSender *sender, const AblakFrame *frame);
bool sender_has_room(AblakSender *sender);
/* Sends the SCHEMA frame unless it was the last one. */
void sender_announce(AblakSender *sender, const guint8 *id, const char *json);
void sender_pump(AblakSender *sender);

void sender_reset(AblakSender *sender);
void sender_take_ack(AblakSender *sender, gint64 seq);

/* sender-hello.c */
bool sender_welcomed(AblakSender *sender, const AblakFrame *frame, GError **error);

/* sender-snapshot.c */
bool sender_snapshot_begin(AblakSender *sender, AblakSnapshotReason reason, GError **error);
bool sender_snapshot_pump(AblakSender *sender, GError **error);
bool sender_snapshot_acked(AblakSender *sender, guint32 index);
/* True when the acknowledgement ends it. */
bool sender_snapshot_done(AblakSender *sender, gint64 seq);
void sender_snapshot_clear(AblakSender *sender);

/* sender-down.c */
bool sender_down_received(AblakSender *sender, const AblakFrame *frame, GError **error);
void sender_down_clear(AblakSender *sender);
