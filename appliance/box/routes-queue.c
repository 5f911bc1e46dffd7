/* Numbers, calling, the board and the room. */
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include <queue/waiting.h>
#include <string.h>

#define BOARD_LINES 8

/* --- the kiosk ----------------------------------------------------------------------------------
 */

static bool issue(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *day = ablak_box_today(call->app);
  g_autofree char *id = NULL;
  if (!ablak_queue_issue(txn, day, ablak_call_string(call, "service"), "walk-in",
                         ablak_call_string(call, "idempotencyKey"), "kiosk", &id, error))
    return false;
  ablak_call_set_result(call, id);
  return true;
}

static json_t *result_ticket_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const char *id = call->result ? call->result : ablak_request_param(call->request, "ticketId");
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, id, error);
  return ticket ? ablak_view_ticket(txn, call->app, ticket, error) : NULL;
}

void ablak_box_issue_ticket(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  g_autofree char *network = ablak_request_network(request);
  g_autoptr(GError) error = NULL;
  if (ablak_allowance_take(box->numbers, network, ablak_clock_monotonic_ms(), &error))
    ablak_call_write(box->store, request, app, 201, issue, result_ticket_view);
  else
    ablak_request_reply_error(request, error);
}

void ablak_box_get_ticket(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, result_ticket_view);
}

/* --- the board
 * ------------------------------------------------------------------------------------ */

static json_t *board_called(AblakTxn *txn, const char *day, GError **error)
{
  g_autoptr(GPtrArray) tickets = ablak_queue_last_called(txn, day, BOARD_LINES, error);
  if (!tickets)
    return NULL;
  json_t *called = json_array();
  for (guint i = 0; i < tickets->len; i++) {
    const AblakTicket *ticket = tickets->pdata[i];
    json_array_append_new(called, json_pack("{s:s, s:s, s:s, s:o, s:s}", "ticketId", ticket->id,
                                            "number", ticket->number, "counter", ticket->counter,
                                            "at", ablak_json_time(ticket->last_called_ms), "state",
                                            ticket->state));
  }
  return called;
}

static json_t *board_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *day = ablak_box_today(call->app);
  g_autoptr(json_t) called = board_called(txn, day, error);
  g_autoptr(GPtrArray) figures = called ? ablak_queue_service_figures(txn, day, error) : NULL;
  if (!figures)
    return NULL;
  g_autoptr(json_t) waiting = json_array();
  for (guint i = 0; i < figures->len; i++) {
    const AblakServiceFigures *one = figures->pdata[i];
    json_array_append_new(waiting, json_pack("{s:s, s:o, s:s, s:I, s:b}", "service", one->id,
                                             "name", ablak_view_service_name(call->app, one->id),
                                             "prefix", one->prefix, "waiting",
                                             (json_int_t)one->waiting, "open", one->open));
  }
  return json_pack("{s:O, s:O}", "called", called, "waiting", waiting);
}

void ablak_box_get_board(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, board_view);
}

/* --- the desk
 * --------------------------------------------------------------------------------------- */

static json_t *today_json(AblakTxn *txn, const char *day, GError **error)
{
  AblakDayFigures figures;
  if (!ablak_queue_day_figures(txn, day, &figures, error))
    return NULL;
  return json_pack("{s:I, s:I, s:I, s:o, s:o}", "issued", (json_int_t)figures.issued, "finished",
                   (json_int_t)figures.finished, "noShow", (json_int_t)figures.no_show,
                   "averageWaitMinutes", ablak_json_minutes(figures.average_wait_ms),
                   "averageServiceMinutes", ablak_json_minutes(figures.average_service_ms));
}

static json_t *queue_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *day = ablak_box_today(call->app);
  g_autoptr(GPtrArray) waiting = ablak_queue_waiting(txn, day, error);
  g_autoptr(GPtrArray) called = waiting ? ablak_queue_called(txn, day, error) : NULL;
  g_autoptr(json_t) waiting_json = called ? ablak_view_tickets(txn, waiting, error) : NULL;
  g_autoptr(json_t) called_json = waiting_json ? ablak_view_tickets(txn, called, error) : NULL;
  g_autoptr(json_t) today = called_json ? today_json(txn, day, error) : NULL;
  if (!today)
    return NULL;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_of_clerk(txn, call->person->id, &failure);
  g_autoptr(json_t) visit_json = NULL;
  if (ablak_view_failed(&failure, error))
    return NULL;
  if (visit && !(visit_json = ablak_view_visit(txn, call->app, visit, error)))
    return NULL;
  return json_pack("{s:O, s:O, s:O?, s:O}", "waiting", waiting_json, "called", called_json, "visit",
                   visit_json, "today", today);
}

void ablak_box_get_queue(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, queue_view);
}

/* NULL-terminated; borrowed strings. */
static const char **wanted_services(AblakCall *call)
{
  json_t *list = json_object_get(ablak_request_json(call->request), "services");
  const char **services = g_new0(const char *, json_array_size(list) + 1);
  for (size_t i = 0; i < json_array_size(list); i++)
    services[i] = json_string_value(json_array_get(list, i));
  return services;
}

/* The visit begins with the call; by video it begins when the client answers. */
static bool open_visit_of(AblakTxn *txn, AblakCall *call, const AblakTicket *ticket, GError **error)
{
  const AblakVisitNew visit = {.ticket_id = ticket->id,
                               .service = ticket->service,
                               .counter = ticket->counter,
                               .clerk_id = call->person->id,
                               .channel = ticket->channel};
  g_autofree char *visit_id = NULL;
  return strcmp(ticket->channel, "video") == 0 ||
         ablak_box_open_visit(txn, call->extra, &visit, &visit_id, error);
}

static bool call_next(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *day = ablak_box_today(call->app);
  g_autoptr(GError) failure = NULL;
  g_autofree char *counter = ablak_queue_counter_of(txn, call->person->id, &failure);
  if (ablak_view_failed(&failure, error))
    return false;
  if (!counter) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/no-counter", "no counter has been taken");
    return false;
  }
  g_autofree const char **services = wanted_services(call);
  const AblakCallWish wish = {.services = services, .channel = ablak_call_string(call, "channel")};
  g_autofree char *ticket_id = NULL;
  if (!ablak_visit_clerk_is_free(txn, call->person->id, error) ||
      !ablak_queue_call_next(txn, day, counter, &wish, call->person->id, &ticket_id, error))
    return false;
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, ticket_id, error);
  if (!ticket || !open_visit_of(txn, call, ticket, error))
    return false;
  ablak_call_set_result(call, ticket_id);
  return true;
}

static json_t *called_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, call->result, error);
  g_autoptr(json_t) ticket_json = ticket ? ablak_view_ticket(txn, call->app, ticket, error) : NULL;
  if (!ticket_json)
    return NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_of_ticket(txn, ticket->id, &failure);
  if (ablak_view_failed(&failure, error))
    return NULL;
  g_autoptr(json_t) visit_json = visit ? ablak_view_visit(txn, call->app, visit, error) : NULL;
  return visit && !visit_json
             ? NULL
             : json_pack("{s:O, s:O?}", "ticket", ticket_json, "visit", visit_json);
}

void ablak_box_call_next(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  ablak_call_write_with(box->store, request, app, 200, call_next, called_view,
                        ablak_box_forms_now(box), (GDestroyNotify)ablak_box_forms_unref);
}

static bool is_at(AblakTxn *txn, AblakCall *call, const char *counter, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *own = ablak_queue_counter_of(txn, call->person->id, &failure);
  if (ablak_view_failed(&failure, error))
    return false;
  if (ablak_person_has_role(call->person, "supervisor") || g_strcmp0(own, counter) == 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "queue/not-yours", "that is another counter");
  return false;
}

/* Those that act on the client at this person's own counter. */
static bool is_own(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakTicket) ticket =
      ablak_queue_ticket(txn, ablak_request_param(call->request, "ticketId"), error);
  return ticket && is_at(txn, call, ticket->counter, error);
}

static bool recall(AblakTxn *txn, AblakCall *call, GError **error)
{
  return is_own(txn, call, error) &&
         ablak_queue_recall(txn, ablak_request_param(call->request, "ticketId"), call->person->id,
                            error);
}

static bool no_show(AblakTxn *txn, AblakCall *call, GError **error)
{
  return is_own(txn, call, error) && ablak_box_close_ticket(txn, call, ablak_queue_no_show, error);
}

static bool set_aside(AblakTxn *txn, AblakCall *call, GError **error)
{
  return is_own(txn, call, error) &&
         ablak_place_set_aside(txn, ablak_request_param(call->request, "ticketId"),
                               call->person->id, error);
}

/* Whose client somebody in the line will be is not known yet: any desk may see that they left. */
static bool cancel(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_box_close_ticket(txn, call, ablak_queue_cancel, error);
}

static bool finish(AblakTxn *txn, AblakCall *call, GError **error)
{
  return is_own(txn, call, error) && ablak_box_close_ticket(txn, call, ablak_queue_finish, error);
}

void ablak_box_recall_ticket(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, recall, result_ticket_view);
}

void ablak_box_set_ticket_aside(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, set_aside, result_ticket_view);
}

void ablak_box_cancel_ticket(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, cancel, result_ticket_view);
}

void ablak_box_no_show_ticket(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, no_show, result_ticket_view);
}

void ablak_box_finish_ticket(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, finish, result_ticket_view);
}

/* --- the room
 * ----------------------------------------------------------------------------------------- */

static json_t *room_services(AblakTxn *txn, const AblakBranch *box, const char *day, GError **error)
{
  g_autoptr(GPtrArray) figures = ablak_queue_service_figures(txn, day, error);
  if (!figures)
    return NULL;
  json_t *services = json_array();
  for (guint i = 0; i < figures->len; i++) {
    const AblakServiceFigures *one = figures->pdata[i];
    json_array_append_new(
        services, json_pack("{s:s, s:o, s:s, s:b, s:I, s:o, s:o}", "id", one->id, "name",
                            ablak_view_service_name(box, one->id), "prefix", one->prefix, "open",
                            one->open, "waiting", (json_int_t)one->waiting, "longestWaitMinutes",
                            ablak_json_minutes(one->longest_wait_ms), "averageServiceMinutes",
                            ablak_json_minutes(one->average_service_ms)));
  }
  return services;
}

static json_t *room_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autofree char *day = ablak_box_today(call->app);
  g_autoptr(json_t) services = room_services(txn, call->app, day, error);
  g_autoptr(GPtrArray) figures = services ? ablak_queue_counter_figures(txn, day, error) : NULL;
  if (!figures)
    return NULL;
  g_autoptr(json_t) counters = json_array();
  for (guint i = 0; i < figures->len; i++) {
    const AblakCounterFigures *one = figures->pdata[i];
    g_autoptr(AblakStaff) clerk = one->staff_id ? ablak_staff_load(txn, one->staff_id, NULL) : NULL;
    json_array_append_new(
        counters, json_pack("{s:s, s:s, s:b, s:s?, s:s?, s:o}", "id", one->id, "name", one->name,
                            "open", one->open, "clerk", clerk ? clerk->name : NULL, "ticket",
                            one->ticket_number, "since", ablak_json_time(one->since_ms)));
  }
  return json_pack("{s:O, s:O}", "services", services, "counters", counters);
}

void ablak_box_get_room(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, room_view);
}

static bool wanted_open(AblakCall *call)
{
  return ablak_json_get_bool(ablak_request_json(call->request), "open", false);
}

static bool set_service(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_queue_set_service_open(txn, ablak_request_param(call->request, "serviceId"),
                                      wanted_open(call), call->person->id, error);
}

void ablak_box_set_service_state(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, set_service, NULL);
}

/* Everybody closes the counter they sit at; the room is the supervisor's. */
static bool set_counter(AblakTxn *txn, AblakCall *call, GError **error)
{
  const char *counter = ablak_request_param(call->request, "counterId");
  return is_at(txn, call, counter, error) &&
         ablak_queue_set_counter_open(txn, counter, wanted_open(call), call->person->id, error);
}

void ablak_box_set_counter_state(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, set_counter, NULL);
}
