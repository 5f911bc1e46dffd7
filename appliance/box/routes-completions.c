/* Reopening what was filed: in the visit that has it, or in a later one of the same person. */
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include <forms/session.h>
#include <string.h>

static AblakDraft *draft_of(AblakTxn *txn, const char *filing_id, GError **error)
{
  g_autoptr(AblakFiling) filing = ablak_filing_get(txn, filing_id, error);
  g_autoptr(AblakSubmission) submission =
      filing ? ablak_submission_get(txn, filing->submission_id, error) : NULL;
  return submission ? ablak_draft_get(txn, submission->draft_id, error) : NULL;
}

/* --- finding ------------------------------------------------------------------------------------
 */

/* Numbers follow each other, so one wrong digit is another person's filing: what it is about is
 * shown before anything of it is opened. */
static json_t *found_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakFiling) filing =
      ablak_filing_find(txn, ablak_request_query(call->request, "number"), error);
  g_autoptr(AblakDraft) draft = filing ? draft_of(txn, filing->id, error) : NULL;
  if (!draft)
    return NULL;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakCompletion) completion = ablak_completion_of_draft(txn, draft->id, &failure);
  if (ablak_view_failed(&failure, error))
    return NULL;
  const json_t *name = json_object_get(filing->receipt, "serviceName");
  return json_pack("{s:s, s:s, s:I, s:s?, s:o, s:o, s:I, s:o}", "filingId", filing->id, "number",
                   filing->number, "ordinal", (json_int_t)filing->ordinal, "service",
                   ablak_json_get_string(filing->receipt, "service"), "serviceName",
                   name ? json_deep_copy(name) : json_object(), "arrivedAt",
                   ablak_json_time(filing->arrived_at), "gaps",
                   (json_int_t)json_array_size(json_object_get(filing->receipt, "gaps")),
                   "completion", ablak_view_completion(completion, filing));
}

void ablak_box_find_filing(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, found_view);
}

/* --- opening again ------------------------------------------------------------------------------
 */

typedef struct {
  char *today;    /* local */
  char *draft_id; /* from here on by the job */
  bool moved;
} Opening;

static void opening_free(gpointer data)
{
  Opening *opening = data;
  g_free(opening->today);
  g_free(opening->draft_id);
  g_free(opening);
}

static bool open_in(AblakTxn *txn, AblakCall *call, const AblakDraft *draft,
                    const AblakVisit *visit, bool anew, GError **error)
{
  Opening *opening = call->extra;
  const json_t *body = ablak_request_json(call->request);
  const char *reason = ablak_json_get_string(body, "reason");
  const AblakReopening reopening = {
      .visit_id = visit->id,
      .reason = reason ? reason : "",
      .due = ablak_json_get_string(body, "due"),
      .today = opening->today,
  };
  bool opened = anew ? ablak_draft_reopen(txn, draft->id, &reopening, call->person->id, error)
                     : ablak_draft_take_up(txn, draft->id, visit->id, call->person->id, error);
  if (!opened)
    return false;
  g_free(opening->draft_id); /* a job may run twice */
  opening->draft_id = g_strdup(draft->id);
  opening->moved = strcmp(draft->visit_id, visit->id) != 0;
  ablak_call_set_result(call, visit->id);
  return true;
}

static bool reopen(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakDraft) draft =
      draft_of(txn, ablak_request_param(call->request, "filingId"), error);
  g_autoptr(AblakVisit) visit = draft ? ablak_visit_load(txn, draft->visit_id, error) : NULL;
  return visit && ablak_box_may_visit(call->person, visit, error) &&
         ablak_box_require_open(visit, error) && open_in(txn, call, draft, visit, true, error);
}

static bool require_free(const AblakVisit *former, const AblakVisit *visit, GError **error)
{
  if (strcmp(former->id, visit->id) == 0 || strcmp(former->state, "open") != 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "forms/elsewhere", "visit %s is working on it",
                  former->id);
  return false;
}

static bool go_on(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit =
      ablak_visit_load(txn, ablak_request_param(call->request, "visitId"), error);
  if (!visit || !ablak_box_may_visit(call->person, visit, error) ||
      !ablak_box_require_open(visit, error))
    return false;
  g_autoptr(AblakDraft) draft = draft_of(txn, ablak_call_string(call, "filingId"), error);
  g_autoptr(AblakVisit) former = draft ? ablak_visit_load(txn, draft->visit_id, error) : NULL;
  if (!former || !require_free(former, visit, error))
    return false;
  bool asks = ablak_json_get_string(ablak_request_json(call->request), "reason") != NULL;
  return open_in(txn, call, draft, visit, draft->filed || asks, error);
}

/* After the commit: whoever has the form on the screen goes on with it. */
static json_t *opened_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  const Opening *opening = call->extra;
  ablak_drafts_reopened(box->drafts, opening->draft_id, opening->moved);
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, call->result, error);
  return visit ? ablak_view_visit(txn, box, visit, error) : NULL;
}

static void start(AblakRequest *request, AblakBranch *box, AblakCallJob job)
{
  Opening *opening = g_new0(Opening, 1);
  opening->today = ablak_box_today(box);
  ablak_call_write_with(box->store, request, box, 200, job, opened_view, opening, opening_free);
}

void ablak_box_reopen_filing(AblakRequest *request, gpointer app)
{
  start(request, app, reopen);
}

void ablak_box_continue_filing(AblakRequest *request, gpointer app)
{
  start(request, app, go_on);
}
