/* Recordings: asking, answering, withdrawing; the list; deleting one. */
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/error.h"
#include "daemon/handler.h"
#include <string.h>

/* --- consent -------------------------------------------------------------------------------------
 */

static AblakVisit *load_open(AblakTxn *txn, AblakCall *call, GError **error)
{
  bool citizen = call->person->kind == ABLAK_PERSON_CITIZEN;
  g_autoptr(AblakVisit) visit = ablak_visit_load(
      txn, citizen ? call->person->visit : ablak_request_param(call->request, "visitId"), error);
  if (!visit || !ablak_box_may_visit(call->person, visit, error) ||
      !ablak_box_require_open(visit, error))
    return NULL;
  return g_steal_pointer(&visit);
}

static json_t *visit_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, call, error);
  return visit ? ablak_view_visit(txn, call->app, visit, error) : NULL;
}

static AblakRecordingVisit about(const AblakVisit *visit)
{
  return (AblakRecordingVisit){visit->id, visit->service, visit->clerk_id};
}

/* Whose face and voice it is: nobody consents for a colleague. */
static bool is_clerk_of(const AblakCall *call, const AblakVisit *visit, GError **error)
{
  if (strcmp(call->person->id, visit->clerk_id) == 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "queue/not-yours",
                  "the visit %s is another clerk's", visit->id);
  return false;
}

static bool ask(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, call, error);
  if (!visit || !is_clerk_of(call, visit, error))
    return false;
  const AblakRecordingVisit of = about(visit);
  /* Read on the main thread, of the service that this visit is about. */
  const json_t *services = call->extra;
  const json_t *sheet = json_object_get(services, visit->service);
  const AblakRecordingTerms terms = {json_object_get(sheet, "legalBasis"),
                                     ablak_json_get_int(sheet, "retentionDays", 0)};
  return ablak_recording_ask(txn, &of, sheet ? &terms : NULL, error);
}

static void drop_json(gpointer json)
{
  json_decref(json);
}

/* Terms by service, as jobs do not read editions. */
static json_t *all_terms(AblakBranch *box)
{
  json_t *all = json_object(), *service;
  size_t index;
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, NULL);
  g_autoptr(json_t) services =
      edition ? ablak_kb_services(edition, box->identity->office, NULL) : NULL;
  json_array_foreach(services, index, service)
  {
    json_t *terms = json_object_get(service, "recording");
    if (terms)
      json_object_set(all, ablak_json_get_string(service, "id"), terms);
  }
  return all;
}

void ablak_box_ask_recording(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  ablak_call_write_with(box->store, request, app, 200, ask, visit_view, all_terms(box), drop_json);
}

static bool clerk_withdraws(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, call, error);
  if (!visit || !is_clerk_of(call, visit, error))
    return false;
  const AblakRecordingVisit of = about(visit);
  return ablak_recording_withdraw(txn, &of, "clerk", true, error);
}

void ablak_box_stop_recording(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, clerk_withdraws, visit_view);
}

static bool answer(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, call, error);
  const char *said = ablak_call_string(call, "answer");
  bool keep = ablak_json_get_bool(ablak_request_json(call->request), "keep", false);
  if (!visit)
    return false;
  const AblakRecordingVisit of = about(visit);
  if (strcmp(said, "withdraw") == 0)
    return ablak_recording_withdraw(txn, &of, "citizen", keep, error);
  return ablak_recording_answer(txn, &of, strcmp(said, "yes") == 0, error);
}

void ablak_box_answer_recording(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, answer, visit_view);
}

/* --- the list ----------------------------------------------------------------------------------
 */

static json_t *list_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  bool all = ablak_person_has_role(call->person, "supervisor");
  g_autoptr(GPtrArray) list =
      ablak_recordings_list(txn, NULL, 0, all ? NULL : call->person->id, error);
  if (!list)
    return NULL;
  g_autoptr(json_t) array = json_array();
  for (guint i = 0; i < list->len; i++) {
    json_t *one = ablak_view_recording(txn, call->app, list->pdata[i], error);
    if (!one)
      return NULL;
    json_array_append_new(array, one);
  }
  return g_steal_pointer(&array);
}

void ablak_box_list_recordings(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, list_view);
}

static bool delete_(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_recording_delete(txn, ablak_request_param(call->request, "recordingId"), "asked",
                                call->person->id, error);
}

void ablak_box_delete_recording(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, delete_, NULL);
}
