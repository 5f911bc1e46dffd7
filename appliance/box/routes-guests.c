/* Guests of a visit: the clerk's side (inviting, sending away) and their own. A guest has camera,
 * microphone and messages, and nothing else of the visit: neither form nor files, and none of the
 * office's data. What they are told of the visit is in guest_view(). */
#include "box/invitation.h"
#include "box/routes.h"
#include "box/visits.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include <recordings/recordings.h>
#include <string.h>

static AblakVisit *load_own(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit =
      ablak_visit_load(txn, ablak_request_param(call->request, "visitId"), error);
  return visit && ablak_box_may_visit(call->person, visit, error) ? g_steal_pointer(&visit) : NULL;
}

static bool invite(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  return visit && ablak_box_require_open(visit, error) &&
         ablak_invitation_offer_guest(txn, call, visit->id, ablak_call_string(call, "role"), error);
}

void ablak_box_invite_guest(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  ablak_call_write_with(box->store, request, app, 201, invite, ablak_invitation_view,
                        ablak_invitation_offer_new(), ablak_invitation_offer_free);
}

static json_t *links_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  g_autoptr(GPtrArray) links = visit ? ablak_guest_links(txn, visit->id, error) : NULL;
  if (!links)
    return NULL;
  json_t *all = json_array();
  for (guint i = 0; i < links->len; i++) {
    const AblakGuestLink *link = links->pdata[i];
    json_array_append_new(all, json_pack("{s:s, s:s, s:o}", "id", link->id, "role", link->role,
                                         "expiresAt", ablak_json_time(link->expires_ms)));
  }
  return all;
}

void ablak_box_list_guest_links(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, links_view);
}

static bool withdraw(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  return visit &&
         ablak_guest_link_withdraw(txn, visit->id, ablak_request_param(call->request, "linkId"),
                                   call->person->id, error);
}

void ablak_box_withdraw_guest_link(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, withdraw, NULL);
}

static bool send_away(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  return visit && ablak_guest_leave(txn, visit->id, ablak_request_param(call->request, "guestId"),
                                    call->person->id, error);
}

void ablak_box_remove_guest(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, send_away, NULL);
}

static json_t *guest_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  const AblakPerson *person = call->person;
  g_autoptr(AblakRecording) last = NULL;
  g_autofree char *recording = ablak_recording_state(txn, person->visit, &last, error);
  if (!recording)
    return NULL;
  return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "id", person->id, "visitId", person->visit,
                   "role", person->part, "name", person->name, "recorded",
                   strcmp(recording, "recording") == 0, "iceServers",
                   ablak_ice_servers_for(box->ice_servers, person->visit, ablak_clock_wall_ms()));
}

void ablak_box_get_guest(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, guest_view);
}

static bool leave(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_guest_leave(txn, call->person->visit, call->person->id, "guest", error);
}

void ablak_box_leave_as_guest(AblakRequest *request, gpointer app)
{
  g_autofree char *cookie = ablak_cookie(ABLAK_GUEST_COOKIE, "", 0);
  ablak_request_set_header(request, "set-cookie", cookie);
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, leave, NULL);
}
