/* Waiting for a meeting by video: the citizen's place in the line, and what the desk does for those
 * who wait. */
#include "box/invitation.h"
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include <queue/waiting.h>
#include <string.h>

/* --- messages from the desk
 * ------------------------------------------------------------------------------------ */

static json_t *message_json(const AblakDeskMessage *message)
{
  return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s, s:o}", "id", message->id, "service",
                   message->service, "number", message->number, "phrase", message->phrase, "text",
                   message->text, "language", message->language, "at",
                   ablak_json_time(message->sent_ms));
}

static json_t *messages_json(const GPtrArray *messages)
{
  json_t *all = json_array();
  for (guint i = 0; i < messages->len; i++)
    json_array_append_new(all, message_json(messages->pdata[i]));
  return all;
}

static json_t *messages_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *day = ablak_box_today(call->app);
  g_autoptr(GPtrArray) messages = ablak_desk_messages_of_day(txn, day, error);
  return messages ? messages_json(messages) : NULL;
}

void ablak_box_list_desk_messages(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, messages_view);
}

static bool say(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *day = ablak_box_today(call->app), *message_id = NULL;
  const AblakDeskSaying saying = {
      .day = day,
      .service = ablak_call_string(call, "service"),
      .ticket_id = ablak_call_string(call, "ticketId"),
      .staff_id = call->person->id,
      .key = ablak_call_string(call, "key"),
      .language = call->person->language,
      .phrase = ablak_call_string(call, "phrase"),
      .text = ablak_call_string(call, "text"),
  };
  if (!ablak_desk_say(txn, &saying, &message_id, error))
    return false;
  ablak_call_set_result(call, message_id);
  return true;
}

static json_t *message_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakDeskMessage) message = ablak_desk_message_load(txn, call->result, error);
  return message ? message_json(message) : NULL;
}

void ablak_box_send_desk_message(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  json_t *body = ablak_request_json(request);
  g_autoptr(GError) error = NULL;
  if (!json_object_get(body, "phrase") == !json_object_get(body, "text"))
    ablak_error_set(&error, ABLAK_ERROR_UNPROCESSABLE, "request/schema", "either phrase or text");
  else if (ablak_allowance_take(box->messages, ablak_request_person(request)->id,
                                ablak_clock_monotonic_ms(), &error)) {
    ablak_call_write(box->store, request, app, 201, say, message_view);
    return;
  }
  ablak_request_reply_error(request, error);
}

/* --- into the line, and aside
 * ------------------------------------------------------------------------------------ */

static bool invite(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *visit_id = NULL;
  return ablak_place_make(txn, ablak_call_string(call, "service"), &visit_id, error) &&
         ablak_invitation_offer(txn, call, visit_id, ABLAK_OFFER_NEW, error);
}

void ablak_box_invite_to_wait(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  ablak_call_write_with(box->store, request, app, 201, invite, ablak_invitation_view,
                        ablak_invitation_offer_new(), ablak_invitation_offer_free);
}

/* --- the citizen's place
 * ------------------------------------------------------------------------------------- */

/* Whether the place has become a visit. False with *error set when it cannot be told. */
static bool has_come(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, visit_id, &failure);
  if (failure && !g_error_matches(failure, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
    g_propagate_error(error, g_steal_pointer(&failure));
  return visit != NULL;
}

static const char *state_of(const AblakTicket *ticket, bool come)
{
  if (come)
    return "joined";
  bool waits = strcmp(ticket->state, "waiting") == 0 || strcmp(ticket->state, "called") == 0;
  return waits ? ticket->state : "over";
}

/* Nobody stands before one who is called; of one who is not in the line nothing is said. */
static bool wait_of(AblakTxn *txn, const AblakBranch *box, const AblakTicket *ticket,
                    AblakWait *ret_wait, GError **error)
{
  *ret_wait = (AblakWait){0, -1, -1, -1};
  if (strcmp(ticket->state, "waiting") != 0)
    return true;
  g_autofree char *day = ablak_box_today(box);
  g_autoptr(AblakLine) line = ablak_line_load(txn, day, error);
  if (line)
    *ret_wait = ablak_line_wait(line, ticket->id);
  return line != NULL;
}

static json_t *place_json(const AblakBranch *box, const AblakPlace *place,
                          const AblakTicket *ticket, bool come, const AblakWait *wait)
{
  gint64 low, high;
  json_t *minutes = ablak_wait_minutes(wait, &low, &high)
                        ? json_pack("{s:I, s:I}", "low", (json_int_t)low, "high", (json_int_t)high)
                        : json_null();
  return json_pack(
      "{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:o, s:b, s:I, s:o, s:o}", "visitId", place->visit_id,
      "state", state_of(ticket, come), "number", ticket->number, "service", place->service,
      "serviceName", ablak_view_service_name(box, place->service), "since",
      ablak_json_time(ticket->issued_ms), "ahead", (json_int_t)wait->ahead, "waitMinutes", minutes,
      "setAside", place->aside_ms > 0, "calls", (json_int_t)ticket->calls, "calledAt",
      ablak_json_time(ticket->last_called_ms), "iceServers",
      ablak_ice_servers_for(box->ice_servers, place->visit_id, ablak_clock_wall_ms()));
}

static json_t *place_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  AblakWait wait;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakPlace) place = ablak_place_load(txn, call->person->visit, error);
  g_autoptr(AblakTicket) ticket = place ? ablak_queue_ticket(txn, place->ticket_id, error) : NULL;
  g_autoptr(GPtrArray) messages = ticket ? ablak_desk_messages_for(txn, ticket, error) : NULL;
  if (!messages || !wait_of(txn, box, ticket, &wait, error))
    return NULL;
  bool come = has_come(txn, place->visit_id, &failure);
  if (ablak_view_failed(&failure, error))
    return NULL;
  json_t *json = place_json(box, place, ticket, come, &wait);
  json_object_set_new(json, "messages", messages_json(messages));
  return json;
}

void ablak_box_get_place(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, place_view);
}

static bool come_back(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_place_return(txn, call->person->visit, error);
}

void ablak_box_return_to_line(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, come_back, place_view);
}

/* Pressed twice, or on two devices, it is one visit. */
static bool answer(AblakTxn *txn, AblakCall *call, GError **error)
{
  const char *visit_id = call->person->visit;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakPlace) place = ablak_place_load(txn, visit_id, error);
  bool come = place && has_come(txn, visit_id, &failure);
  if (!place || come || ablak_view_failed(&failure, error))
    return come;
  g_autoptr(AblakTicket) ticket = NULL;
  g_autofree char *clerk_id = NULL, *opened = NULL;
  if (!ablak_place_answer(txn, visit_id, &ticket, &clerk_id, error))
    return false;
  const AblakVisitNew visit = {.id = visit_id,
                               .ticket_id = ticket->id,
                               .service = ticket->service,
                               .counter = ticket->counter,
                               .clerk_id = clerk_id,
                               .channel = ticket->channel};
  return ablak_box_open_visit(txn, call->extra, &visit, &opened, error);
}

static json_t *visit_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, call->person->visit, error);
  return visit ? ablak_view_visit(txn, call->app, visit, error) : NULL;
}

void ablak_box_answer_call(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  ablak_call_write_with(box->store, request, app, 200, answer, visit_view, ablak_box_forms_now(box),
                        (GDestroyNotify)ablak_box_forms_unref);
}

static bool leave(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_place_give_up(txn, call->person->visit, error) &&
         ablak_citizen_end_visit(txn, call->person->visit, 0, error);
}

static json_t *left_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *cookie = ablak_cookie(ABLAK_CITIZEN_COOKIE, "", 0);
  ablak_request_set_header(call->request, "set-cookie", cookie);
  return NULL;
}

void ablak_box_leave_place(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, leave, left_view);
}
