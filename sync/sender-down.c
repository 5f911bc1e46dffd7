/* The sender's other direction: entries from headquarters, applied in order, once. */
#include "core/error.h"
#include "core/log.h"
#include "sync/sender-private.h"
#include <string.h>

#define RETRY_MS 10000

/* One entry on its way: prepare, then the store job, then the acknowledgement. It outlives the
 * connection, because the next one would only send the same entry again. */
struct SenderStep {
  AblakSender *sender; /* NULL when it has gone */
  AblakSenderCallbacks callbacks;
  gpointer data;
  gint64 seq;
  char generation[64];
  char kind[64];
  GBytes *payload;
  guint retry;
};

static void step_free(gpointer data)
{
  SenderStep *step = data;
  if (step->sender != NULL)
    step->sender->step = NULL;
  g_bytes_unref(step->payload);
  g_free(step);
}

static void acknowledge(AblakSender *sender, gint64 seq)
{
  AblakFrame frame = {.type = ABLAK_FRAME_DOWN_ACK, .seq = seq};
  if (sender->welcomed)
    sender_send(sender, &frame);
}

static void start(SenderStep *step);

static gboolean retry(gpointer data)
{
  SenderStep *step = data;
  step->retry = 0;
  start(step);
  return G_SOURCE_REMOVE;
}

static void retry_later(SenderStep *step, const GError *error)
{
  ablak_log_gerror(ABLAK_LOG_ERROR, "sync.down", error, "kind", step->kind, NULL);
  if (step->sender == NULL)
    step_free(step);
  else
    step->retry = g_timeout_add(RETRY_MS, retry, step);
}

static bool apply(AblakTxn *txn, gpointer data, GError **error)
{
  SenderStep *step = data;
  return step->callbacks.apply(txn, step->kind, step->payload, step->data, error) &&
         ablak_journal_set_applied(txn, step->generation, step->seq, error);
}

static void applied(const GError *error, gpointer data)
{
  SenderStep *step = data;
  AblakSender *sender = step->sender;
  if (error != NULL) {
    retry_later(step, error);
    return;
  }
  if (sender != NULL) {
    sender->applied_seq = step->seq;
    sender->step = NULL;
    step->sender = NULL;
    if (step->callbacks.applied != NULL)
      step->callbacks.applied(step->kind, step->payload, step->data);
    acknowledge(sender, step->seq);
  }
  step_free(step);
}

static void prepared(const GError *error, gpointer data)
{
  SenderStep *step = data;
  if (error != NULL)
    retry_later(step, error);
  else if (step->sender == NULL)
    step_free(step);
  else
    ablak_store_write(step->sender->store, apply, applied, step, NULL);
}

static void start(SenderStep *step)
{
  if (step->callbacks.prepare != NULL)
    step->callbacks.prepare(step->kind, step->payload, prepared, step, step->data);
  else
    prepared(NULL, step);
}

bool sender_down_received(AblakSender *sender, const AblakFrame *frame, GError **error)
{
  g_autoptr(GBytes) payload = NULL;
  if (sender->step != NULL) {
    if (frame->seq == sender->step->seq)
      return true; /* sent again by a new connection; the step will acknowledge it */
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol",
                    "headquarters did not wait for an acknowledgement");
    return false;
  }
  if (!ablak_assembly_add(&sender->down, frame->seq, frame, &payload, error))
    return false;
  if (payload == NULL)
    return true;
  if (frame->seq <= sender->applied_seq) {
    acknowledge(sender, frame->seq);
    return true;
  }
  if (frame->down_seq > sender->applied_seq) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "sync/protocol",
                    "an entry from headquarters is missing");
    return false;
  }
  SenderStep *step = g_new0(SenderStep, 1);
  step->sender = sender;
  step->callbacks = sender->callbacks;
  step->data = sender->data;
  step->seq = frame->seq;
  step->payload = g_steal_pointer(&payload);
  g_strlcpy(step->generation, sender->generation, sizeof step->generation);
  g_strlcpy(step->kind, frame->kind, sizeof step->kind);
  sender->step = step;
  start(step);
  return true;
}

void sender_down_clear(AblakSender *sender)
{
  ablak_assembly_clear(&sender->down);
  SenderStep *step = g_steal_pointer(&sender->step);
  if (step == NULL)
    return;
  step->sender = NULL;
  if (step->retry != 0) {
    g_source_remove(step->retry);
    step_free(step);
  }
}
