/* The beginning of the sender's connections: the greeting, how headquarters' position fits the
 * journal, and the proofs that follow. */
#include "core/error.h"
#include "sync/sender-private.h"
#include <string.h>

#define PROVE_FIRST_S 10
#define PROVE_EVERY_S 3600

static bool same_hash(const guint8 *a, const guint8 *b)
{
  return memcmp(a, b, ABLAK_HASH_SIZE) == 0;
}

typedef enum { RESUME_TAIL, RESUME_PRUNED, RESUME_DIFFERS, RESUME_ERROR } Resume;

/* How headquarters' position fits the journal. */
static Resume compare(AblakTxn *txn, const AblakJournalState *state, const AblakFrame *welcome,
                      GError **error)
{
  static const guint8 zero[ABLAK_HASH_SIZE];
  g_autoptr(GError) cause = NULL;
  AblakJournalEntry entry = {0};
  bool ok = true;
  Resume resume = RESUME_PRUNED;
  if (welcome->seq == 0 && state->oldest_seq == 1) {
    resume = same_hash(welcome->hash, zero) ? RESUME_TAIL : RESUME_DIFFERS;
  } else if (welcome->seq >= state->oldest_seq) {
    ok = ablak_journal_read(txn, welcome->seq, &entry, &cause);
    resume = ok && same_hash(entry.hash, welcome->hash) ? RESUME_TAIL : RESUME_DIFFERS;
  } else if (welcome->seq + 1 == state->oldest_seq) {
    ok = ablak_journal_read(txn, state->oldest_seq, &entry, &cause);
    resume = ok && same_hash(entry.prev_hash, welcome->hash) ? RESUME_TAIL : RESUME_DIFFERS;
  }
  g_clear_pointer(&entry.payload, g_bytes_unref);
  if (!ok)
    g_propagate_error(error, g_steal_pointer(&cause));
  return ok ? resume : RESUME_ERROR;
}

static bool resume(AblakSender *sender, const AblakFrame *welcome, GError **error)
{
  AblakJournalState state;
  g_autoptr(AblakTxn) txn = ablak_store_read(sender->store, error);
  if (txn == NULL || !ablak_journal_read_state(txn, &state, error))
    return false;
  if (welcome->seq > state.last_seq) {
    /* A snapshot of this older state would undo what headquarters has: a person must decide. */
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "sync/rolled-back",
                    "headquarters has entry %" G_GINT64_FORMAT ", the journal ends at "
                    "%" G_GINT64_FORMAT "; enrol this box again to give it a new epoch",
                    welcome->seq, state.last_seq);
    return false;
  }
  Resume how = compare(txn, &state, welcome, error);
  if (how == RESUME_ERROR)
    return false;
  sender->last_seq = state.last_seq;
  sender->next_seq = welcome->seq + 1;
  if (how == RESUME_TAIL) {
    sender_take_ack(sender, welcome->seq);
    return true;
  }
  g_clear_pointer(&txn, ablak_txn_end);
  return sender_snapshot_begin(
      sender, how == RESUME_PRUNED ? ABLAK_SNAPSHOT_PRUNED : ABLAK_SNAPSHOT_DIFFERS, error);
}

static gboolean prove_again(gpointer data)
{
  ablak_sender_prove(data);
  return G_SOURCE_CONTINUE;
}

static gboolean prove_first(gpointer data)
{
  AblakSender *sender = data;
  sender->prove_timer = g_timeout_add_seconds(PROVE_EVERY_S, prove_again, sender);
  ablak_sender_prove(sender);
  return G_SOURCE_REMOVE;
}

bool sender_welcomed(AblakSender *sender, const AblakFrame *frame, GError **error)
{
  if (sender->welcomed || frame->window == 0) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol", "an unexpected welcome");
    return false;
  }
  if (strcmp(sender->generation, frame->generation) != 0) {
    if (sender->step != NULL) {
      ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "sync/protocol",
                      "headquarters has a new generation while an entry is being applied");
      return false;
    }
    g_strlcpy(sender->generation, frame->generation, sizeof sender->generation);
    sender->applied_seq = 0;
  }
  sender->window = frame->window;
  /* Less than before when headquarters was restored from a backup. */
  sender->acked_seq = MIN(sender->acked_seq, frame->seq);
  sender->refused[0] = '\0';
  if (!resume(sender, frame, error))
    return false;
  sender->welcomed = true;
  sender->prove_timer = g_timeout_add_seconds(PROVE_FIRST_S, prove_first, sender);
  sender_pump(sender);
  return true;
}

void ablak_sender_connected(AblakSender *sender)
{
  g_autoptr(GError) error = NULL;
  AblakJournalState state;
  sender_reset(sender);
  sender->connected = true;
  g_autoptr(AblakTxn) txn = ablak_store_read(sender->store, &error);
  if (txn == NULL || !ablak_journal_read_state(txn, &state, &error)) {
    sender_fail(sender, g_steal_pointer(&error));
    return;
  }
  if (sender->step == NULL) {
    g_strlcpy(sender->generation, state.generation, sizeof sender->generation);
    sender->applied_seq = state.applied_seq;
  }
  AblakFrame hello = {.type = ABLAK_FRAME_HELLO,
                      .protocol = ABLAK_SYNC_PROTOCOL,
                      .epoch = sender->epoch,
                      .oldest_seq = state.oldest_seq,
                      .seq = state.last_seq,
                      .down_seq = sender->applied_seq};
  memcpy(hello.hash, state.hash, ABLAK_HASH_SIZE);
  g_strlcpy(hello.box, sender->box, sizeof hello.box);
  g_strlcpy(hello.generation, sender->generation, sizeof hello.generation);
  sender_send(sender, &hello);
}
