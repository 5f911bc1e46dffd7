#include "core/error.h"
#include "core/log.h"
#include "sync/sender-private.h"
#include <string.h>

#define TAIL_MS (3 * G_GINT64_CONSTANT(86400000))
#define WAKE_FIRST_MS 5
#define WAKE_LAST_MS 1000

typedef struct {
  gint64 seq;
  gsize size;
} Sent;

/* --- plumbing ------------------------------------------------------------------------------------
 */

void sender_send(AblakSender *sender, const AblakFrame *frame)
{
  g_autoptr(GBytes) message = ablak_frame_encode(frame);
  gsize size = 0;
  const void *bytes = g_bytes_get_data(message, &size);
  sender->callbacks.send(bytes, size, sender->data);
}

bool sender_has_room(AblakSender *sender)
{
  return sender->callbacks.queued(sender->data) < SENDER_QUEUE_HIGH;
}

void sender_reset(AblakSender *sender)
{
  sender->connected = sender->welcomed = sender->announced = false;
  g_clear_handle_id(&sender->prove_timer, g_source_remove);
  sender->outstanding = 0;
  g_queue_clear_full(&sender->unacked, g_free);
  g_clear_pointer(&sender->entry.payload, g_bytes_unref);
  sender_snapshot_clear(sender);
  ablak_assembly_clear(&sender->down);
  g_clear_pointer(&sender->digest_run, ablak_digest_free);
  g_clear_pointer(&sender->digest, g_bytes_unref);
}

void sender_fail(AblakSender *sender, GError *error)
{
  if (sender->connected) {
    ablak_log_gerror(ABLAK_LOG_WARNING, "sync.failed", error, NULL);
    g_strlcpy(sender->refused, ablak_error_slug(error), sizeof sender->refused);
    sender_reset(sender);
    sender->callbacks.failed(error, sender->data);
  }
  g_error_free(error);
}

void sender_announce(AblakSender *sender, const guint8 *id, const char *json)
{
  if (sender->announced && memcmp(sender->announced_schema, id, ABLAK_HASH_SIZE) == 0)
    return;
  AblakFrame frame = {
      .type = ABLAK_FRAME_SCHEMA, .body = (const guint8 *)json, .body_size = strlen(json)};
  memcpy(frame.schema, id, ABLAK_HASH_SIZE);
  sender_send(sender, &frame);
  memcpy(sender->announced_schema, id, ABLAK_HASH_SIZE);
  sender->announced = true;
}

/* --- entries --- */

static void send_part(AblakSender *sender)
{
  AblakJournalEntry *entry = &sender->entry;
  gsize total = 0;
  const guint8 *payload = g_bytes_get_data(entry->payload, &total);
  AblakFrame frame = {.type = ABLAK_FRAME_DATA,
                      .seq = entry->seq,
                      .total = (guint32)total,
                      .offset = (guint32)sender->entry_offset,
                      .body = payload + sender->entry_offset,
                      .body_size = MIN(ABLAK_FRAME_PART_MAX, total - sender->entry_offset)};
  memcpy(frame.prev_hash, entry->prev_hash, ABLAK_HASH_SIZE);
  memcpy(frame.schema, entry->schema, ABLAK_HASH_SIZE);
  memcpy(frame.sha256, entry->sha256, ABLAK_HASH_SIZE);
  sender_send(sender, &frame);
  sender->entry_offset += frame.body_size;
  sender->outstanding += frame.body_size;
  if (sender->entry_offset < total)
    return;
  Sent *sent = g_new(Sent, 1);
  *sent = (Sent){entry->seq, total};
  g_queue_push_tail(&sender->unacked, sent);
  g_clear_pointer(&entry->payload, g_bytes_unref);
}

/* Loads the next entry; false when there is none, or on an error. */
static bool load_entry(AblakSender *sender, AblakTxn *txn, GError **error)
{
  g_autoptr(GError) cause = NULL;
  if (!ablak_journal_read(txn, sender->next_seq, &sender->entry, &cause)) {
    if (!g_error_matches(cause, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
      g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  sender->entry_offset = 0;
  sender->last_seq = MAX(sender->last_seq, sender->next_seq);
  sender->next_seq++;
  if (sender->announced &&
      memcmp(sender->announced_schema, sender->entry.schema, ABLAK_HASH_SIZE) == 0)
    return true;
  g_autofree char *json = ablak_journal_read_schema(txn, sender->entry.schema, error);
  if (json == NULL)
    return false;
  sender_announce(sender, sender->entry.schema, json);
  return true;
}

static void send_digest(AblakSender *sender)
{
  AblakShape *shape = ablak_journal_shape(sender->journal);
  sender_announce(sender, ablak_shape_id(shape), ablak_shape_json(shape));
  AblakFrame frame = {.type = ABLAK_FRAME_DIGEST, .seq = sender->digest_seq};
  memcpy(frame.schema, ablak_shape_id(shape), ABLAK_HASH_SIZE);
  frame.body = g_bytes_get_data(sender->digest, &frame.body_size);
  sender_send(sender, &frame);
  g_clear_pointer(&sender->digest, g_bytes_unref);
}

static bool pump_entries(AblakSender *sender, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(sender->store, error);
  if (txn == NULL)
    return false;
  g_autoptr(GError) cause = NULL;
  while (sender_has_room(sender) && sender->outstanding < sender->window) {
    if (sender->entry.payload != NULL) {
      send_part(sender);
      continue;
    }
    if (sender->digest != NULL && sender->next_seq == sender->digest_seq + 1)
      send_digest(sender);
    /* While a digest is computed nothing new goes out, so that it can be sent at its number. */
    if (sender->digest_run != NULL || !load_entry(sender, txn, &cause))
      break;
  }
  if (cause != NULL)
    g_propagate_error(error, g_steal_pointer(&cause));
  return cause == NULL;
}

void sender_pump(AblakSender *sender)
{
  if (!sender->welcomed || sender->pumping)
    return;
  g_autoptr(GError) error = NULL;
  sender->pumping = true; /* `send` may report room at once */
  bool ok = sender->snapshot != NULL ? sender_snapshot_pump(sender, &error)
                                     : pump_entries(sender, &error);
  sender->pumping = false;
  if (!ok)
    sender_fail(sender, g_steal_pointer(&error));
}

/* --- waking up --- */

static void arm(AblakSender *sender, guint delay_ms);

static gboolean wake_up(gpointer data)
{
  AblakSender *sender = data;
  g_mutex_lock(&sender->wake_lock);
  g_clear_pointer(&sender->wake, g_source_unref);
  g_mutex_unlock(&sender->wake_lock);
  bool waits = sender->welcomed && sender->snapshot == NULL && sender->digest_run == NULL &&
               sender->entry.payload == NULL && sender->outstanding < sender->window;
  sender_pump(sender);
  /* The hook runs before the commit: what it announced may not be there yet, or never come. */
  if (waits && sender->next_seq <= ablak_journal_noted_seq(sender->journal) &&
      sender->entry.payload == NULL && sender->outstanding < sender->window) {
    sender->wake_ms = MIN(2 * sender->wake_ms, WAKE_LAST_MS);
    arm(sender, sender->wake_ms);
  } else {
    sender->wake_ms = WAKE_FIRST_MS;
  }
  return G_SOURCE_REMOVE;
}

static void arm(AblakSender *sender, guint delay_ms)
{
  g_mutex_lock(&sender->wake_lock);
  if (sender->wake == NULL) {
    sender->wake = g_timeout_source_new(delay_ms);
    g_source_set_callback(sender->wake, wake_up, sender, NULL);
    g_source_attach(sender->wake, NULL);
  }
  g_mutex_unlock(&sender->wake_lock);
}

static void wake_from_writer(gpointer data)
{
  arm(data, WAKE_FIRST_MS);
}

/* --- acknowledgements --- */

struct SenderAck {
  AblakSender *sender; /* NULL when it has gone */
  gint64 seq, tail_ms;
};

static bool note_ack(AblakTxn *txn, gpointer data, GError **error)
{
  SenderAck *job = data;
  return ablak_journal_acknowledge(txn, job->seq, job->tail_ms, error);
}

static void note_ack_soon(AblakSender *sender);

static void ack_noted(const GError *error, gpointer data)
{
  SenderAck *job = data;
  if (job->sender == NULL)
    return;
  job->sender->ack_job = NULL;
  if (error != NULL)
    ablak_log_gerror(ABLAK_LOG_WARNING, "sync.ack", error, NULL);
  else if (job->sender->acked_seq > job->seq)
    note_ack_soon(job->sender);
}

/* One job at a time, for the newest number. */
static void note_ack_soon(AblakSender *sender)
{
  if (sender->ack_job != NULL)
    return;
  sender->ack_job = g_new(SenderAck, 1);
  *sender->ack_job = (SenderAck){sender, sender->acked_seq, sender->tail_ms};
  ablak_store_write(sender->store, note_ack, ack_noted, sender->ack_job, g_free);
}

void sender_take_ack(AblakSender *sender, gint64 seq)
{
  for (Sent *sent; (sent = g_queue_peek_head(&sender->unacked)) != NULL && sent->seq <= seq;) {
    sender->outstanding -= MIN(sent->size, sender->outstanding);
    g_free(g_queue_pop_head(&sender->unacked));
  }
  if (seq <= sender->acked_seq)
    return;
  sender->acked_seq = seq;
  note_ack_soon(sender);
  if (sender->callbacks.acked != NULL)
    sender->callbacks.acked(seq, sender->data);
}

static bool ack_received(AblakSender *sender, const AblakFrame *frame, GError **error)
{
  if (sender_snapshot_done(sender, frame->seq)) {
    sender->next_seq = frame->seq + 1;
  } else if (frame->seq >= sender->next_seq) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol",
                    "headquarters acknowledged what was not sent");
    return false;
  }
  sender_take_ack(sender, frame->seq);
  sender_pump(sender);
  return true;
}

static bool nak_received(AblakSender *sender, const AblakFrame *frame, GError **error)
{
  if (frame->seq < 1 || frame->seq > sender->next_seq || sender->snapshot != NULL) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol",
                    "headquarters wants what was not written");
    return false;
  }
  g_clear_pointer(&sender->entry.payload, g_bytes_unref);
  g_queue_clear_full(&sender->unacked, g_free);
  sender->outstanding = 0;
  sender->next_seq = frame->seq;
  sender_pump(sender);
  return true;
}

/* --- what comes in --- */

static bool refused(const AblakFrame *frame, GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, frame->slug, "headquarters refused the box");
  return false;
}

static bool dispatch(AblakSender *sender, const AblakFrame *frame, GError **error)
{
  if (frame->type == ABLAK_FRAME_WELCOME)
    return sender_welcomed(sender, frame, error);
  if (frame->type == ABLAK_FRAME_ERROR)
    return refused(frame, error);
  if (sender->welcomed && frame->type == ABLAK_FRAME_ACK)
    return ack_received(sender, frame, error);
  if (sender->welcomed && frame->type == ABLAK_FRAME_NAK)
    return nak_received(sender, frame, error);
  if (sender->welcomed && frame->type == ABLAK_FRAME_DOWN)
    return sender_down_received(sender, frame, error);
  if (frame->type == ABLAK_FRAME_SNAPSHOT_ACK && sender_snapshot_acked(sender, frame->index)) {
    sender_pump(sender);
    return true;
  }
  if (sender->welcomed && frame->type == ABLAK_FRAME_DIGEST_RESULT) {
    if (sender->callbacks.proven != NULL)
      sender->callbacks.proven(frame->seq, frame->flag != 0, sender->data);
    return true;
  }
  ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol",
                  "a frame of type %d has no place here", (int)frame->type);
  return false;
}

void ablak_sender_received(AblakSender *sender, const void *message, gsize size)
{
  AblakFrame frame;
  g_autoptr(GError) error = NULL;
  if (!sender->connected)
    return;
  if (!ablak_frame_decode(message, size, &frame, &error) || !dispatch(sender, &frame, &error))
    sender_fail(sender, g_steal_pointer(&error));
}

void ablak_sender_writable(AblakSender *sender)
{
  sender_pump(sender);
}

void ablak_sender_disconnected(AblakSender *sender)
{
  sender_reset(sender);
}

/* --- the proof --- */

static bool last_seq_of(AblakTxn *txn, const char *box, gint64 *ret_seq, GError **error)
{
  AblakJournalState state;
  if (!ablak_journal_read_state(txn, &state, error))
    return false;
  *ret_seq = state.last_seq;
  return true;
}

static void digest_done(gint64 seq, GBytes *digest, const GError *error, gpointer data)
{
  AblakSender *sender = data;
  if (digest != NULL) {
    sender->digest_seq = seq;
    sender->digest = g_bytes_ref(digest);
  } else {
    ablak_log_gerror(ABLAK_LOG_WARNING, "sync.digest", error, NULL);
  }
  g_clear_pointer(&sender->digest_run, ablak_digest_free);
  sender_pump(sender);
}

void ablak_sender_prove(AblakSender *sender)
{
  if (!sender->welcomed || sender->snapshot != NULL || sender->digest_run != NULL ||
      sender->digest != NULL)
    return;
  sender->digest_run = ablak_digest_start(sender->store, ablak_journal_shape(sender->journal), NULL,
                                          last_seq_of, digest_done, sender);
}

/* --- life --- */

AblakSender *ablak_sender_new(const AblakSenderOptions *options,
                              const AblakSenderCallbacks *callbacks, gpointer data)
{
  AblakSender *sender = g_new0(AblakSender, 1);
  sender->store = options->store;
  sender->journal = options->journal;
  sender->box = g_strdup(options->box);
  sender->epoch = options->epoch;
  sender->tail_ms = options->tail_ms > 0 ? options->tail_ms : TAIL_MS;
  sender->callbacks = *callbacks;
  sender->data = data;
  sender->wake_ms = WAKE_FIRST_MS;
  g_queue_init(&sender->unacked);
  g_mutex_init(&sender->wake_lock);
  ablak_journal_set_wake(sender->journal, wake_from_writer, sender);
  return sender;
}

void ablak_sender_free(AblakSender *sender)
{
  if (sender == NULL)
    return;
  ablak_journal_set_wake(sender->journal, NULL, NULL);
  sender_reset(sender);
  sender_down_clear(sender);
  if (sender->ack_job != NULL)
    sender->ack_job->sender = NULL;
  if (sender->wake != NULL) {
    g_source_destroy(sender->wake);
    g_source_unref(sender->wake);
  }
  g_mutex_clear(&sender->wake_lock);
  g_free(sender->box);
  g_free(sender);
}

void ablak_sender_status(AblakSender *sender, AblakSenderStatus *ret_status)
{
  *ret_status = (AblakSenderStatus){
      .connected = sender->welcomed,
      .last_seq = MAX(sender->last_seq, ablak_journal_noted_seq(sender->journal)),
      .acked_seq = sender->acked_seq,
      .applied_seq = sender->applied_seq,
      .refused = sender->refused[0] != '\0' ? sender->refused : NULL,
  };
}
