/* forms/completion.c: opening a filed draft again, and going on with it in another visit. */
#include "core/error.h"
#include "core/id.h"
#include "forms/private.h"
#include <stdlib.h>
#include <string.h>

void ablak_completion_free(AblakCompletion *completion)
{
  if (completion == NULL)
    return;
  g_free(completion->id);
  g_free(completion->draft_id);
  g_free(completion->visit_id);
  g_free(completion->submission_id);
  g_free(completion->reason);
  g_free(completion->due);
  g_free(completion);
}

AblakCompletion *ablak_completion_of_draft(AblakTxn *txn, const char *draft_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT id, draft_id, visit_id, submission_id, reason, due, opened_at"
                      " FROM completion WHERE draft_id = ? AND completed_by IS NULL",
                      "t", draft_id);
  if (rows == NULL || !ablak_rows_next(rows, error))
    return NULL;
  AblakCompletion *completion = g_new0(AblakCompletion, 1);
  completion->id = g_strdup(ablak_rows_text(rows, 0));
  completion->draft_id = g_strdup(ablak_rows_text(rows, 1));
  completion->visit_id = g_strdup(ablak_rows_text(rows, 2));
  completion->submission_id = g_strdup(ablak_rows_text(rows, 3));
  completion->reason = g_strdup(ablak_rows_text(rows, 4));
  completion->due = g_strdup(ablak_rows_text(rows, 5));
  completion->opened_at = ablak_rows_int(rows, 6);
  return completion;
}

/* --- what is asked --- */

static bool is_day(const char *text)
{
  static const char shape[] = "dddd-dd-dd";
  if (strlen(text) != strlen(shape))
    return false;
  for (gsize i = 0; i < strlen(shape); i++)
    if (shape[i] == 'd' ? !g_ascii_isdigit(text[i]) : text[i] != shape[i])
      return false;
  return g_date_valid_dmy((GDateDay)atoi(text + 8), (GDateMonth)atoi(text + 5),
                          (GDateYear)atoi(text));
}

/* Days written like this sort as text. */
static bool check(const AblakReopening *reopening, GError **error)
{
  g_autofree char *reason = g_strstrip(g_strdup(reopening->reason));
  if (*reason == '\0' || g_utf8_strlen(reason, -1) > ABLAK_REASON_MAX) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/reason",
                    "a reason of 1 to %d characters", ABLAK_REASON_MAX);
    return false;
  }
  const char *due = reopening->due;
  if (due != NULL && (!is_day(due) || strcmp(due, reopening->today) < 0)) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/due", "today or a day to come");
    return false;
  }
  return true;
}

/* The logs and the definition are this box's own: headquarters has only what was submitted. */
static bool require_documents(AblakTxn *txn, const AblakDraft *draft, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error,
      "SELECT (EXISTS (SELECT 1 FROM draft_update WHERE draft_id = ?1)"
      " OR EXISTS (SELECT 1 FROM draft_in_tail WHERE draft_id = ?1)) AND EXISTS (SELECT 1 FROM"
      " form_definition WHERE form_id = ?2 AND form_version = ?3 AND edition = ?4)",
      "ttit", draft->id, draft->form_id, draft->form_version, draft->edition);
  if (rows == NULL)
    return false;
  if (ablak_rows_int(rows, 0) != 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/document-gone",
                  "the documents of the draft are not on this box");
  return false;
}

/* --- the moves --- */

static bool tell(AblakTxn *txn, const char *visit_id, const char *kind, const char *draft_id,
                 const char *actor, json_t *data, GError **error)
{
  g_autofree char *topic = g_strconcat("visit:", visit_id, NULL);
  return ablak_event_append(txn, topic, kind, draft_id, actor, data, error);
}

static bool give_to(AblakTxn *txn, const AblakDraft *draft, const char *visit_id, const char *actor,
                    GError **error)
{
  if (strcmp(draft->visit_id, visit_id) == 0)
    return true;
  g_autoptr(json_t) data = json_pack("{s:s}", "visit", visit_id);
  return ablak_txn_exec(txn, NULL, error, "UPDATE draft SET visit_id = ? WHERE id = ?", "tt",
                        visit_id, draft->id) &&
         tell(txn, draft->visit_id, "draft.moved", draft->id, actor, data, error);
}

static bool insert_completion(AblakTxn *txn, const AblakDraft *draft, const char *id,
                              const AblakReopening *reopening, const char *actor, GError **error)
{
  g_autofree char *reason = g_strstrip(g_strdup(reopening->reason));
  gint64 now_ms = ablak_txn_now_ms(txn);
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO completion (id, draft_id, submission_id, visit_id, reason,"
                        " due, opened_at, opened_by, taken_up_at)"
                        " VALUES (?, ?, (SELECT id FROM submission WHERE draft_id = ?"
                        " ORDER BY coalesce(ordinal, 1) DESC LIMIT 1), ?, ?, ?, ?, ?, ?)",
                        "ttttttiti", id, draft->id, draft->id, reopening->visit_id, reason,
                        reopening->due, now_ms, actor, now_ms);
}

bool ablak_draft_reopen(AblakTxn *txn, const char *draft_id, const AblakReopening *reopening,
                        const char *actor, GError **error)
{
  g_autoptr(AblakDraft) draft = ablak_draft_get(txn, draft_id, error);
  if (draft == NULL || !check(reopening, error))
    return false;
  if (!draft->filed) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/already-open", "the draft is open");
    return false;
  }
  g_autofree char *id = ablak_id_new();
  g_autoptr(json_t) data = json_pack("{s:s}", "completion", id);
  return require_documents(txn, draft, error) &&
         insert_completion(txn, draft, id, reopening, actor, error) &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE draft SET state = 'open', filed_at = NULL, updated_at = ?"
                        " WHERE id = ?",
                        "it", ablak_txn_now_ms(txn), draft_id) &&
         give_to(txn, draft, reopening->visit_id, actor, error) &&
         tell(txn, reopening->visit_id, "draft.reopened", draft_id, actor, data, error);
}

bool ablak_draft_take_up(AblakTxn *txn, const char *draft_id, const char *visit_id,
                         const char *actor, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakDraft) draft = ablak_draft_get(txn, draft_id, &cause);
  g_autoptr(AblakCompletion) completion =
      draft != NULL ? ablak_completion_of_draft(txn, draft_id, &cause) : NULL;
  if (cause != NULL) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  if (completion == NULL) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT,
                    draft->filed ? "forms/frozen" : "forms/already-open",
                    "the draft is not open for completion");
    return false;
  }
  g_autoptr(json_t) data = json_pack("{s:s}", "completion", completion->id);
  return require_documents(txn, draft, error) &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE completion SET visit_id = ?, taken_up_at = ? WHERE id = ?", "tit",
                        visit_id, ablak_txn_now_ms(txn), completion->id) &&
         give_to(txn, draft, visit_id, actor, error) &&
         tell(txn, visit_id, "draft.reopened", draft_id, actor, data, error);
}
