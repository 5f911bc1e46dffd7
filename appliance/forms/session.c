/* forms/session.c: all live drafts, and how one is filed. */
#include "forms/session.h"
#include "core/clock.h"
#include "core/error.h"
#include "forms/live.h"
#include <string.h>

static gint64 monotonic_ms(gpointer data)
{
  return ablak_clock_monotonic_ms();
}

static gint64 wall_ms(gpointer data)
{
  return ablak_clock_wall_ms();
}

AblakDrafts *ablak_drafts_new(AblakStore *store, const AblakDraftsOptions *options)
{
  AblakDrafts *drafts = g_new0(AblakDrafts, 1);
  drafts->store = store;
  if (options != NULL)
    drafts->options = *options;
  AblakDraftsOptions *o = &drafts->options;
  o->message_max = o->message_max > 0 ? o->message_max : 1024 * 1024;
  o->document_max = o->document_max > 0 ? o->document_max : 4 * 1024 * 1024;
  o->checks_ms = o->checks_ms > 0 ? o->checks_ms : 150;
  o->idle_ms = o->idle_ms > 0 ? o->idle_ms : 60000;
  o->quiet_ms = o->quiet_ms > 0 ? o->quiet_ms : 600;
  o->log_rows_max = o->log_rows_max > 0 ? o->log_rows_max : 200;
  o->log_bytes_max = o->log_bytes_max > 0 ? o->log_bytes_max : 256 * 1024;
  o->tail_rows_max = o->tail_rows_max > 0 ? o->tail_rows_max : 32768;
  o->memory_max = o->memory_max > 0 ? o->memory_max : 256 * 1024 * 1024;
  o->messages_per_s = o->messages_per_s > 0 ? o->messages_per_s : 400;
  o->messages_burst = o->messages_burst > 0 ? o->messages_burst : 2000;
  o->bytes_per_s = o->bytes_per_s > 0 ? o->bytes_per_s : 512 * 1024;
  o->bytes_burst = o->bytes_burst > 0 ? o->bytes_burst : 2 * 1024 * 1024;
  o->monotonic_ms = o->monotonic_ms != NULL ? o->monotonic_ms : monotonic_ms;
  o->wall_ms = o->wall_ms != NULL ? o->wall_ms : wall_ms;
  drafts->lives =
      g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)ablak_draft_live_free);
  drafts->forms =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ablak_form_unref);
  ablak_draft_live_due_start(drafts);
  ablak_draft_live_tail_open(drafts);
  drafts->awareness_source = ablak_draft_live_presence_watch(drafts);
  return drafts;
}

void ablak_drafts_free(AblakDrafts *drafts)
{
  if (drafts == NULL)
    return;
  GHashTableIter iter;
  gpointer live;
  g_hash_table_iter_init(&iter, drafts->lives);
  while (g_hash_table_iter_next(&iter, NULL, &live))
    ablak_draft_live_flush(live);
  ablak_draft_live_tail_close(drafts);
  g_source_remove(drafts->awareness_source);
  g_hash_table_unref(drafts->lives);
  ablak_draft_live_due_stop(drafts);
  g_hash_table_unref(drafts->forms);
  g_free(drafts);
}

unsigned ablak_drafts_connections(AblakDrafts *drafts, const char *draft_id, const char *audience)
{
  Live *live = g_hash_table_lookup(drafts->lives, draft_id);
  Document *document =
      live != NULL && audience != NULL ? ablak_draft_live_document(live, audience) : NULL;
  if (live == NULL || (audience != NULL && document == NULL))
    return 0;
  return document != NULL ? document->connections->len : ablak_draft_live_connections(live);
}

void ablak_drafts_usage(AblakDrafts *drafts, unsigned *ret_open, gsize *ret_bytes)
{
  *ret_open = g_hash_table_size(drafts->lives);
  *ret_bytes = drafts->memory;
}

/* --- answering --- */

typedef struct {
  AblakDone done;
  gpointer data;
  GDestroyNotify free_data;
  GError *error;
} Answer;

static gboolean answer_now(gpointer data)
{
  Answer *answer = data;
  if (answer->done != NULL)
    answer->done(answer->error, answer->data);
  if (answer->free_data != NULL)
    answer->free_data(answer->data);
  g_error_free(answer->error);
  g_free(answer);
  return G_SOURCE_REMOVE;
}

void ablak_draft_live_answer(AblakDone done, gpointer data, GDestroyNotify free_data, GError *error)
{
  Answer *answer = g_new0(Answer, 1);
  *answer = (Answer){done, data, free_data, error};
  g_idle_add(answer_now, answer);
}

/* The live draft, if it may still be changed. */
Live *ablak_draft_live_open(AblakDrafts *drafts, const char *draft_id, GError **error)
{
  Live *live = ablak_draft_live_get(drafts, draft_id, error);
  if (live != NULL && (live->frozen || live->freezing)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/frozen", "the draft is filed");
    return NULL;
  }
  return live;
}

/* --- filing --- */

typedef struct {
  Live *live; /* NULL: the draft is not in memory any more */
  AblakJob job;
  AblakDone done;
  gpointer data;
  GDestroyNotify free_data;
} Submission;

static bool submission_job(AblakTxn *txn, gpointer data, GError **error)
{
  Submission *submission = data;
  return submission->job(txn, submission->data, error);
}

static void submission_free(gpointer data)
{
  Submission *submission = data;
  if (submission->free_data != NULL)
    submission->free_data(submission->data);
  g_free(submission);
}

/* What came while the submission was on its way, in order. */
static void release_held(Live *live)
{
  Held *held;
  while ((held = g_queue_pop_head(&live->held)) != NULL) {
    gsize size = 0;
    const void *message = g_bytes_get_data(held->message, &size);
    ablak_draft_live_connection_receive(held->connection, message, size);
    ablak_draft_live_connection_unref(held->connection);
    g_bytes_unref(held->message);
    g_free(held);
  }
}

static void submission_done(const GError *error, gpointer data)
{
  Submission *submission = data;
  Live *live = submission->live;
  if (live != NULL) {
    live->submission = NULL;
    live->freezing = false;
    live->frozen = error == NULL || live->frozen;
    release_held(live);
    ablak_draft_live_watch_idle(live);
  }
  if (submission->done != NULL)
    submission->done(error, submission->data);
}

void ablak_drafts_submit(AblakDrafts *drafts, const char *draft_id, AblakJob job, AblakDone done,
                         gpointer data, GDestroyNotify free_data)
{
  GError *error = NULL;
  Live *live = ablak_draft_live_open(drafts, draft_id, &error);
  if (live == NULL) {
    ablak_draft_live_answer(done, data, free_data, error);
    return;
  }
  ablak_draft_live_merge_logs(live); /* the job reads it: one row is read at once */
  ablak_draft_live_flush(live);
  Submission *submission = g_new0(Submission, 1);
  *submission = (Submission){live, job, done, data, free_data};
  live->freezing = true;
  live->submission = &submission->live;
  ablak_store_write(drafts->store, submission_job, submission_done, submission, submission_free);
}
