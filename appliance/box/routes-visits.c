/* The clerk's side of a visit. */
#include "box/invitation.h"
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/error.h"
#include "daemon/handler.h"
#include <string.h>

/* The visit of the path, if this person may act in it. */
static AblakVisit *load_own(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit =
      ablak_visit_load(txn, ablak_request_param(call->request, "visitId"), error);
  return visit && ablak_box_may_visit(call->person, visit, error) ? g_steal_pointer(&visit) : NULL;
}

static json_t *visit_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit =
      call->result ? ablak_visit_load(txn, call->result, error) : load_own(txn, call, error);
  return visit ? ablak_view_visit(txn, call->app, visit, error) : NULL;
}

void ablak_box_get_desk_visit(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, visit_view);
}

static bool create(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *counter = ablak_queue_counter_of(txn, call->person->id, &failure);
  g_autofree char *visit_id = NULL;
  if (ablak_view_failed(&failure, error))
    return false;
  /* Somebody who was called to a meeting may answer at any moment. */
  if (counter && !ablak_queue_counter_is_free(txn, counter, error))
    return false;
  const AblakVisitNew visit = {.service = ablak_call_string(call, "service"),
                               .counter = counter,
                               .clerk_id = call->person->id,
                               .channel = ablak_call_string(call, "channel")};
  if (!ablak_box_open_visit(txn, call->extra, &visit, &visit_id, error))
    return false;
  ablak_call_set_result(call, visit_id);
  return true;
}

void ablak_box_create_visit(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  const char *service = ablak_json_get_string(ablak_request_json(request), "service");
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, &error);
  g_autoptr(json_t) sheet = edition ? ablak_kb_service(edition, service, &error) : NULL;
  if (!sheet) {
    ablak_request_reply_error(request, error);
    return;
  }
  ablak_call_write_with(box->store, request, app, 201, create, visit_view, ablak_box_forms_now(box),
                        (GDestroyNotify)ablak_box_forms_unref);
}

static bool set_identity(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  return visit && ablak_visit_set_identity(txn, visit->id, ablak_call_string(call, "method"),
                                           call->person->id, error);
}

void ablak_box_set_identity(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, set_identity, visit_view);
}

static bool end(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  return visit && ablak_visit_end(txn, visit->id, call->person->id, error) &&
         ablak_citizen_end_visit(txn, visit->id, box->receipt_ms, error);
}

void ablak_box_end_visit(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, end, visit_view);
}

static bool invite(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  return visit && ablak_box_require_open(visit, error) &&
         ablak_invitation_offer(txn, call, visit->id, ABLAK_OFFER_NEW, error);
}

void ablak_box_invite(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  ablak_call_write_with(box->store, request, app, 201, invite, ablak_invitation_view,
                        ablak_invitation_offer_new(), ablak_invitation_offer_free);
}
