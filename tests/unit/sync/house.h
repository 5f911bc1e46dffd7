/* A box and headquarters in one process, over real stores and a transport that can be cut. */
#pragma once
#include "store/store.h"
#include "sync/down.h"
#include "sync/receiver.h"
#include "sync/sender.h"

#define HOUSE_BOX "hu-000001"

typedef struct {
  char *dir;
  gint64 now_ms;
  gint64 tail_ms;
  /* The box. */
  AblakStore *box;
  AblakJournal *journal;
  AblakSender *sender;
  gint64 epoch;
  /* Headquarters. */
  AblakStore *hq;
  AblakReceiver *receiver;
  AblakPeer *peer;
  gint64 certificate_epoch; /* what the peer's certificate says */
  /* The line. */
  bool open, box_failed, hq_failed;
  GQueue up, down; /* GBytes */
  gsize up_size, down_size;
  char box_slug[64], hq_slug[64];                  /* why either end gave up, last */
  void (*tamper)(GBytes **message, gpointer data); /* on the way up; may be NULL */
  gpointer tamper_data;
  /* What happened. */
  gint64 applied_seq;
  gint64 acked_seq;
  unsigned batches, proofs, disproofs, prepares, applies;
  GString *configs; /* the config payloads applied at the box, in order, as "1,2,3," */
  bool fail_prepare_once;
} House;

extern const AblakStorePart house_part; /* up: note, pair; down: staff; local: seen */

House *house_new(void);
void house_free(House *house);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(House, house_free)

char *house_path(House *house, const char *name);
void house_open_box(House *house);
void house_close_box(House *house);
void house_open_hq(House *house);
void house_close_hq(House *house);

void house_connect(House *house);
void house_cut(House *house);
/* Delivers one message of either direction; false when both queues are empty. */
bool house_deliver(House *house, bool upwards);
/* Runs what is ready on the main context. */
void house_spin(void);
/* Connects when need be and goes on until both sides are quiet and equal in number, or an end gave
 * up for a reason that stays (then false). */
bool house_settle(House *house);

/* Runs a statement as a job on a store. */
void house_sql(AblakStore *store, const char *sql);
gint64 house_number(AblakStore *store, const char *sql);
/* All rows of the box's replicated tables, or of their replicas, as sorted text. */
char *house_dump_box(House *house);
char *house_dump_hq(House *house, const char *box);
void house_assert_equal(House *house);
