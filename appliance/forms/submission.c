/* forms/submission.c: freezing a draft and keeping its content, the first time and after each
 * completion. */
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "forms/private.h"
#include <string.h>

void ablak_submission_free(AblakSubmission *submission)
{
  if (submission == NULL)
    return;
  g_free(submission->id);
  g_free(submission->draft_id);
  g_free(submission->visit_id);
  g_free(submission->form_id);
  g_free(submission->edition);
  g_free(submission->content);
  g_free(submission->content_sha256);
  g_clear_pointer(&submission->gaps, json_decref);
  g_clear_pointer(&submission->changes, json_decref);
  g_free(submission->actor_kind);
  g_free(submission->actor_id);
  g_free(submission);
}

#define SUBMISSION_COLUMNS                                                                         \
  "SELECT id, draft_id, visit_id, form_id, form_version, edition, content, content_sha256, gaps,"  \
  " filed_at, actor_kind, actor_id, coalesce(ordinal, 1) FROM submission"

static AblakSubmission *read_submission(AblakRows *rows)
{
  AblakSubmission *submission = g_new0(AblakSubmission, 1);
  submission->id = g_strdup(ablak_rows_text(rows, 0));
  submission->draft_id = g_strdup(ablak_rows_text(rows, 1));
  submission->visit_id = g_strdup(ablak_rows_text(rows, 2));
  submission->form_id = g_strdup(ablak_rows_text(rows, 3));
  submission->form_version = ablak_rows_int(rows, 4);
  submission->edition = g_strdup(ablak_rows_text(rows, 5));
  submission->content = g_strdup(ablak_rows_text(rows, 6));
  submission->content_sha256 = g_strdup(ablak_rows_text(rows, 7));
  submission->gaps = ablak_rows_json(rows, 8);
  submission->filed_at = ablak_rows_int(rows, 9);
  submission->actor_kind = g_strdup(ablak_rows_text(rows, 10));
  submission->actor_id = g_strdup(ablak_rows_text(rows, 11));
  submission->ordinal = ablak_rows_int(rows, 12);
  return submission;
}

static bool insert_submission(AblakTxn *txn, const AblakSubmission *s, GError **error)
{
  return ablak_txn_exec(
      txn, NULL, error,
      "INSERT INTO submission (id, draft_id, visit_id, form_id, form_version, edition, content,"
      " content_sha256, gaps, filed_at, actor_kind, actor_id, ordinal)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "ttttitttjitti", s->id, s->draft_id, s->visit_id, s->form_id, s->form_version, s->edition,
      s->content, s->content_sha256, s->gaps, s->filed_at, s->actor_kind, s->actor_id, s->ordinal);
}

static bool end_completion(AblakTxn *txn, const AblakSubmission *s, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE completion SET completed_by = ?"
                        " WHERE draft_id = ? AND completed_by IS NULL",
                        "tt", s->id, s->draft_id);
}

static bool freeze_draft(AblakTxn *txn, const AblakSubmission *s, GError **error)
{
  g_autofree char *topic = g_strconcat("visit:", s->visit_id, NULL);
  g_autoptr(json_t) data =
      json_pack("{s:s, s:i, s:I}", "submission", s->id, "gaps", (int)json_array_size(s->gaps),
                "ordinal", (json_int_t)s->ordinal);
  return ablak_txn_exec(
             txn, NULL, error,
             "UPDATE draft SET state = 'filed', filed_at = ?, updated_at = ? WHERE id = ?", "iit",
             s->filed_at, s->filed_at, s->draft_id) &&
         ablak_event_append(txn, topic, "draft.filed", s->draft_id, s->actor_kind, data, error);
}

static AblakSubmission *gather(AblakTxn *txn, const AblakDraft *draft, GError **error)
{
  g_autoptr(AblakForm) form = ablak_draft_form(txn, draft, error);
  g_autoptr(json_t) content = form != NULL ? ablak_draft_content(txn, draft->id, error) : NULL;
  if (content == NULL)
    return NULL;
  AblakSubmission *submission = g_new0(AblakSubmission, 1);
  submission->id = ablak_id_new();
  submission->draft_id = g_strdup(draft->id);
  submission->visit_id = g_strdup(draft->visit_id);
  submission->form_id = g_strdup(draft->form_id);
  submission->form_version = draft->form_version;
  submission->edition = g_strdup(draft->edition);
  submission->content = ablak_json_canonical(content);
  submission->content_sha256 = ablak_sha256_hex(submission->content, strlen(submission->content));
  submission->gaps = ablak_form_gaps(form, content);
  submission->filed_at = ablak_txn_now_ms(txn);
  submission->ordinal = 1;
  return submission;
}

/* Its place behind the submission before, if there was one, and what has changed since then. */
static bool follow(AblakTxn *txn, const AblakDraft *draft, AblakSubmission *submission,
                   GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakSubmission) before = ablak_submission_of_draft(txn, draft->id, &cause);
  if (cause != NULL) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  if (before == NULL)
    return true;
  g_autoptr(AblakForm) form = ablak_draft_form(txn, draft, error);
  g_autoptr(json_t) old =
      form != NULL ? ablak_json_parse(before->content, strlen(before->content), error) : NULL;
  g_autoptr(json_t) now =
      old != NULL ? ablak_json_parse(submission->content, strlen(submission->content), error)
                  : NULL;
  if (now == NULL)
    return false;
  submission->ordinal = before->ordinal + 1;
  submission->changes = ablak_form_differences(form, old, now);
  return true;
}

bool ablak_submission_create(AblakTxn *txn, const char *draft_id, const char *actor_kind,
                             const char *actor_id, bool accept_gaps,
                             AblakSubmission **ret_submission, GError **error)
{
  g_autoptr(AblakDraft) draft = ablak_draft_get(txn, draft_id, error);
  if (draft == NULL)
    return false;
  if (draft->filed) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/frozen", "the draft was filed before");
    return false;
  }
  g_autoptr(AblakSubmission) submission = gather(txn, draft, error);
  if (submission == NULL || !follow(txn, draft, submission, error))
    return false;
  submission->actor_kind = g_strdup(actor_kind);
  submission->actor_id = g_strdup(actor_id);
  if (json_array_size(submission->gaps) > 0 && !accept_gaps) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/gaps", "%u gaps were not accepted",
                    (unsigned)json_array_size(submission->gaps));
    return false;
  }
  if (!insert_submission(txn, submission, error) || !end_completion(txn, submission, error) ||
      !freeze_draft(txn, submission, error))
    return false;
  *ret_submission = g_steal_pointer(&submission);
  return true;
}

AblakSubmission *ablak_submission_get(AblakTxn *txn, const char *submission_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error, SUBMISSION_COLUMNS " WHERE id = ?", "t", submission_id);
  return rows != NULL ? read_submission(rows) : NULL;
}

AblakSubmission *ablak_submission_of_draft(AblakTxn *txn, const char *draft_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      SUBMISSION_COLUMNS " WHERE draft_id = ? ORDER BY coalesce(ordinal, 1) DESC LIMIT 1", "t",
      draft_id);
  return rows != NULL && ablak_rows_next(rows, error) ? read_submission(rows) : NULL;
}
