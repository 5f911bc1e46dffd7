/* Submitting a draft, its receipt and its prints. */
#include "box/filings.h"
#include "box/routes.h"
#include "box/uplink.h"
#include "box/visits.h"
#include "core/error.h"
#include "core/messages.h"
#include "daemon/handler.h"
#include <filings/filings.h>
#include <forms/session.h>
#include <gio/gio.h>
#include <string.h>

/* --- submitting: one job freezes the draft, keeps its content and registers it
 * ---------------------
 */

typedef struct {
  AblakBranch *box;
  AblakRequest *request;
  AblakPerson *person;
  char *draft_id, *service, *visit_id, *office; /* office: first part of registry numbers */
  json_t *service_name;
  bool accept_gaps, sample;
  AblakFiling *filing;
} Submit;

static void submit_free(gpointer data)
{
  Submit *submit = data;
  g_free(submit->draft_id);
  g_free(submit->service);
  g_free(submit->visit_id);
  g_free(submit->office);
  json_decref(submit->service_name);
  ablak_filing_free(submit->filing);
  ablak_person_unref(submit->person);
  ablak_request_unref(submit->request);
  g_free(submit);
}

/* What a submission will complete, if anything. */
typedef struct {
  AblakCompletion *completion;
  AblakFiling *filing;
} Completed;

static void completed_clear(Completed *completed)
{
  ablak_completion_free(completed->completion);
  ablak_filing_free(completed->filing);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Completed, completed_clear)

static bool load_completed(AblakTxn *txn, const char *draft_id, Completed *completed,
                           GError **error)
{
  g_autoptr(GError) failure = NULL;
  completed->completion = ablak_completion_of_draft(txn, draft_id, &failure);
  if (completed->completion)
    completed->filing =
        ablak_filing_of_submission(txn, completed->completion->submission_id, &failure);
  if (!failure && completed->completion && !completed->filing)
    ablak_error_set(&failure, ABLAK_ERROR_NOT_FOUND, "filings/unknown", "not registered before");
  return !ablak_view_failed(&failure, error);
}

/* The photos and documents that are here and went with no filing before. */
static json_t *attachments_of(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(GPtrArray) files = ablak_visit_files(txn, visit_id, error);
  if (!files)
    return NULL;
  json_t *all = json_array();
  for (guint i = 0; i < files->len; i++) {
    const AblakVisitFile *one = files->pdata[i];
    if (one->kept_ms && !one->filing_id)
      json_array_append_new(all,
                            json_pack("{s:s, s:s, s:I, s:s}", "name", one->name, "type", one->type,
                                      "size", (json_int_t)one->size, "sha256", one->sha256));
  }
  return all;
}

static bool file(AblakTxn *txn, gpointer data, GError **error)
{
  Submit *submit = data;
  const AblakBranch *box = submit->box;
  g_clear_pointer(&submit->filing, ablak_filing_free);
  bool citizen = submit->person->kind == ABLAK_PERSON_CITIZEN;
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, submit->visit_id, error);
  if (!visit || !ablak_box_require_open(visit, error))
    return false;
  g_auto(Completed) completed = {0};
  if (!load_completed(txn, submit->draft_id, &completed, error))
    return false;
  g_autoptr(AblakSubmission) submission = NULL;
  if (!ablak_submission_create(txn, submit->draft_id, citizen ? "citizen" : "clerk",
                               ablak_person_actor(submit->person), submit->accept_gaps, &submission,
                               error))
    return false;
  g_autoptr(json_t) attachments = attachments_of(txn, submit->visit_id, error);
  if (!attachments)
    return false;
  const AblakCompletion *completion = completed.completion;
  const AblakFilingCompletes completes = {
      .filing = completed.filing,
      .reason = completion ? completion->reason : NULL,
      .due = completion ? completion->due : NULL,
      .changes = submission->changes,
  };
  const AblakFilingNew filing = {
      .submission_id = submission->id,
      .visit_id = submit->visit_id,
      .office = submit->office,
      .epoch = box->identity->epoch,
      .service = submit->service,
      .service_name = submit->service_name,
      .form_id = submission->form_id,
      .form_version = submission->form_version,
      .content_sha256 = submission->content_sha256,
      .gaps = submission->gaps,
      .sample = submit->sample,
      .actor = ablak_person_actor(submit->person),
      .zone = g_atomic_pointer_get(&box->zone),
      .signer = box->receipt_key,
      .completes = completion ? &completes : NULL,
      .attachments = attachments,
  };
  return ablak_filing_register(txn, &filing, &submit->filing, error) &&
         ablak_visit_files_filed(txn, submit->visit_id, submit->filing->id, error);
}

static void filed(const GError *error, gpointer data)
{
  Submit *submit = data;
  if (error) {
    ablak_request_reply_error(submit->request, error);
    return;
  }
  ablak_uplink_await(submit->box->uplink, submit->filing->id, submit->visit_id);
  ablak_request_reply_json(submit->request, 201, ablak_view_receipt(submit->box, submit->filing));
}

void ablak_box_submit_draft(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  AblakPerson *person = ablak_request_person(request);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, &error);
  g_autoptr(AblakDraft) draft =
      txn ? ablak_draft_get(txn, ablak_request_param(request, "draftId"), &error) : NULL;
  g_autoptr(AblakVisit) visit = draft ? ablak_visit_load(txn, draft->visit_id, &error) : NULL;
  g_autoptr(AblakForm) form = visit ? ablak_draft_form(txn, draft, &error) : NULL;
  if (!form || !ablak_box_may_visit(person, visit, &error)) {
    ablak_request_reply_error(request, error);
    return;
  }
  Submit *submit = g_new0(Submit, 1);
  submit->box = box;
  submit->request = ablak_request_ref(request);
  submit->person = ablak_person_ref(person);
  submit->draft_id = g_strdup(draft->id);
  submit->visit_id = g_strdup(visit->id);
  submit->service = g_strdup(visit->service);
  submit->office = g_strdup(ablak_json_get_string(box->office, "registerPrefix"));
  submit->service_name = ablak_view_service_name(box, visit->service);
  submit->accept_gaps = ablak_json_get_bool(ablak_request_json(request), "acceptGaps", false);
  submit->sample = ablak_form_is_sample(form);
  ablak_drafts_submit(box->drafts, submit->draft_id, file, filed, submit, submit_free);
}

/* --- the receipt and the prints
 * ------------------------------------------------------------------------
 */

/* The visit that goes on with the form of this filing, or did so last. */
static AblakVisit *visit_of_form(AblakTxn *txn, const AblakFiling *filing, GError **error)
{
  g_autoptr(AblakSubmission) submission = ablak_submission_get(txn, filing->submission_id, error);
  g_autoptr(AblakDraft) draft =
      submission ? ablak_draft_get(txn, submission->draft_id, error) : NULL;
  return draft ? ablak_visit_load(txn, draft->visit_id, error) : NULL;
}

/* It belongs to the visit in which it was filed, and to the one that completes it. */
static AblakFiling *load_own(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakFiling) filing =
      ablak_filing_get(txn, ablak_request_param(call->request, "filingId"), error);
  g_autoptr(AblakVisit) visit = filing ? ablak_visit_load(txn, filing->visit_id, error) : NULL;
  if (!visit)
    return NULL;
  if (ablak_box_may_visit(call->person, visit, NULL))
    return g_steal_pointer(&filing);
  g_autoptr(AblakVisit) later = visit_of_form(txn, filing, error);
  return later && ablak_box_may_visit(call->person, later, error) ? g_steal_pointer(&filing) : NULL;
}

static json_t *receipt_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakFiling) filing = load_own(txn, call, error);
  return filing ? ablak_view_receipt(call->app, filing) : NULL;
}

void ablak_box_get_filing(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, receipt_view);
}

typedef GBytes *(*Print)(const AblakPrint *print, GError **error);

/* Typesetting takes a tenth of a second and more, so it is done beside the loop. The thread only
 * reads what is held here; everything is taken and given back on the main thread. */
typedef struct {
  AblakBranch *box;
  AblakRequest *request;
  Print print;
  AblakFiling *filing;
  AblakForm *form;
  json_t *office_name, *content;
  char *language, *binding;
  const AblakZone *zone;
} Printing;

static void printing_free(Printing *printing)
{
  ablak_filing_free(printing->filing);
  ablak_form_unref(printing->form);
  json_decref(printing->office_name);
  json_decref(printing->content);
  g_free(printing->language);
  g_free(printing->binding);
  ablak_request_unref(printing->request);
  g_free(printing);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Printing, printing_free)

static bool load_printing(AblakTxn *txn, AblakCall *call, Printing *printing, GError **error)
{
  printing->filing = load_own(txn, call, error);
  g_autoptr(AblakSubmission) submission =
      printing->filing ? ablak_submission_get(txn, printing->filing->submission_id, error) : NULL;
  g_autoptr(AblakDraft) draft =
      submission ? ablak_draft_get(txn, submission->draft_id, error) : NULL;
  printing->form = draft ? ablak_draft_form(txn, draft, error) : NULL;
  printing->content =
      printing->form ? ablak_json_parse(submission->content, strlen(submission->content), error)
                     : NULL;
  return printing->content != NULL;
}

static void choose_languages(Printing *printing)
{
  const AblakBranch *box = printing->box;
  const char *asked = ablak_request_query(printing->request, "lang");
  const char *binding =
      json_string_value(json_array_get(json_object_get(box->office, "languages"), 0));
  const char *language = binding ? binding : "en";
  printing->language = g_strdup(asked && ablak_messages_has_language(asked) ? asked : language);
  printing->binding = g_strdup(binding);
  printing->office_name = json_incref(json_object_get(box->office, "name"));
  printing->zone = box->zone;
}

static void typeset(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Printing *printing = data;
  const AblakPrint what = {
      .language = printing->language,
      .binding_language = printing->binding,
      .office_name = printing->office_name,
      .receipt = printing->filing->receipt,
      .signature = printing->filing->signature,
      .definition = ablak_form_definition(printing->form),
      .content = printing->content,
      .zone = printing->zone,
  };
  GError *error = NULL;
  GBytes *pdf = printing->print(&what, &error);
  if (pdf)
    g_task_return_pointer(task, pdf, (GDestroyNotify)g_bytes_unref);
  else
    g_task_return_error(task, error);
}

static void typeset_done(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Printing) printing = data;
  ablak_work_end(&printing->box->work);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) pdf = g_task_propagate_pointer(G_TASK(result), &error);
  if (pdf)
    ablak_request_reply_bytes(printing->request, 200, "application/pdf", pdf);
  else
    ablak_request_reply_error(printing->request, error);
}

static void reply_print(AblakRequest *request, AblakBranch *box, Print print)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Printing) printing = g_new0(Printing, 1);
  printing->box = box;
  printing->request = ablak_request_ref(request);
  printing->print = print;
  AblakCall call = {.request = request, .person = ablak_request_person(request), .app = box};
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, &error);
  if (!txn || !load_printing(txn, &call, printing, &error) ||
      !ablak_allowance_take(box->prints, printing->filing->id, ablak_clock_monotonic_ms(),
                            &error)) {
    ablak_request_reply_error(request, error);
    return;
  }
  choose_languages(printing);
  g_autoptr(GTask) task = g_task_new(NULL, NULL, typeset_done, printing);
  g_task_set_task_data(task, g_steal_pointer(&printing), NULL);
  ablak_work_begin(&box->work);
  g_task_run_in_thread(task, typeset);
}

void ablak_box_get_receipt_pdf(AblakRequest *request, gpointer app)
{
  reply_print(request, app, ablak_print_receipt);
}

void ablak_box_get_content_pdf(AblakRequest *request, gpointer app)
{
  reply_print(request, app, ablak_print_content);
}
