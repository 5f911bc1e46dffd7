/* forms/session.c: all live drafts, and the box itself as a peer in them. */
#include "forms/session.h"
#include "core/error.h"
#include "forms/live.h"
#include <string.h>

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
  o->log_rows_max = o->log_rows_max > 0 ? o->log_rows_max : 200;
  o->log_bytes_max = o->log_bytes_max > 0 ? o->log_bytes_max : 256 * 1024;
  drafts->lives =
      g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)ablak_draft_live_free);
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
  g_hash_table_unref(drafts->lives);
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

/* Takes the error over; never from inside the call that failed. */
static void answer_later(AblakDone done, gpointer data, GDestroyNotify free_data, GError *error)
{
  Answer *answer = g_new0(Answer, 1);
  *answer = (Answer){done, data, free_data, error};
  g_idle_add(answer_now, answer);
}

static void answer_when_durable(Live *live, AblakDone done, gpointer data)
{
  Waiting waiting = {done, data};
  if (done != NULL)
    g_array_append_val(ablak_draft_live_batch(live)->waiting, waiting);
}

/* The live draft, if it may still be changed. */
static Live *open_live(AblakDrafts *drafts, const char *draft_id, GError **error)
{
  Live *live = ablak_draft_live_get(drafts, draft_id, error);
  if (live != NULL && (live->frozen || live->freezing)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/frozen", "the draft is filed");
    return NULL;
  }
  return live;
}

/* --- prefill and rows --- */

static bool check_values(Live *live, const json_t *values, GError **error)
{
  const char *path;
  json_t *value;
  json_object_foreach((json_t *)values, path, value)
  {
    const AblakFormField *field = ablak_form_field_at(live->form, path);
    if (field == NULL) {
      ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/unknown-field", "no such field");
      return false;
    }
    if (!ablak_form_value_fits(field, value)) {
      ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/value", "not a value of that field");
      return false;
    }
    if (field->group != NULL) { /* the row must be there */
      g_autoptr(json_t) content = json_object();
      g_auto(GStrv) tokens = ablak_form_path_tokens(path);
      ablak_form_collect(live->form, field->office, live->documents[field->office].ydoc, content);
      json_t *rows = json_object_get(content, field->group->name);
      if (g_ascii_strtoull(tokens[1], NULL, 10) >= json_array_size(rows)) {
        ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/unknown-field", "no such row");
        return false;
      }
    }
  }
  return true;
}

static bool set_values(Document *document, const json_t *values, const char *actor_kind,
                       const char *actor_id, GError **error)
{
  const AblakForm *form = document->live->form;
  const char *path;
  json_t *value;
  bool good = true;
  ablak_ydoc_begin(document->ydoc);
  json_object_foreach((json_t *)values, path, value)
  {
    if (good && ablak_form_field_at(form, path)->office == document->office)
      good = ablak_form_set(form, document->ydoc, path, value, error);
  }
  g_autoptr(GBytes) update = ablak_ydoc_commit(document->ydoc);
  if (!good || update == NULL)
    return good;
  ablak_draft_live_write(document, update, actor_kind, NULL);
  json_object_foreach((json_t *)values, path, value)
  {
    if (ablak_form_field_at(form, path)->office == document->office)
      ablak_draft_live_touch(document, path, actor_kind, actor_id, false);
  }
  return true;
}

void ablak_drafts_prefill(AblakDrafts *drafts, const char *draft_id, const char *actor_kind,
                          const char *actor_id, const json_t *values, AblakDone done, gpointer data)
{
  GError *error = NULL;
  Live *live = open_live(drafts, draft_id, &error);
  if (live == NULL || !check_values(live, values, &error)) {
    answer_later(done, data, NULL, error);
    return;
  }
  if (!set_values(&live->documents[0], values, actor_kind, actor_id, &error) ||
      !set_values(&live->documents[1], values, actor_kind, actor_id, &error)) {
    ablak_draft_live_fail(live); /* half of it is in memory: begin again from the store */
    answer_later(done, data, NULL, error);
    return;
  }
  answer_when_durable(live, done, data);
}

void ablak_drafts_add_row(AblakDrafts *drafts, const char *draft_id, const char *actor_kind,
                          const char *actor_id, const char *path, AblakDone done, gpointer data)
{
  GError *error = NULL;
  Live *live = open_live(drafts, draft_id, &error);
  const AblakFormField *group = live != NULL ? ablak_form_field_at(live->form, path) : NULL;
  bool citizen = g_strcmp0(actor_kind, "citizen") == 0;
  if (live != NULL &&
      (group == NULL || group->widget != ABLAK_WIDGET_REPEAT || (group->office && citizen)))
    ablak_error_set(&error, ABLAK_ERROR_UNPROCESSABLE, "forms/unknown-field", "no such group");
  if (error != NULL) {
    answer_later(done, data, NULL, error);
    return;
  }
  Document *document = &live->documents[group->office];
  ablak_ydoc_begin(document->ydoc);
  bool added = ablak_form_append_row(live->form, document->ydoc, group, &error);
  g_autoptr(GBytes) update = ablak_ydoc_commit(document->ydoc);
  if (!added) {
    if (update != NULL)
      ablak_draft_live_fail(live);
    answer_later(done, data, NULL, error);
    return;
  }
  ablak_draft_live_write(document, update, actor_kind, NULL);
  ablak_draft_live_touch(document, path, actor_kind, actor_id, false);
  answer_when_durable(live, done, data);
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
  Live *live = open_live(drafts, draft_id, &error);
  if (live == NULL) {
    answer_later(done, data, free_data, error);
    return;
  }
  ablak_draft_live_flush(live);
  Submission *submission = g_new0(Submission, 1);
  *submission = (Submission){live, job, done, data, free_data};
  live->freezing = true;
  live->submission = &submission->live;
  ablak_store_write(drafts->store, submission_job, submission_done, submission, submission_free);
}
