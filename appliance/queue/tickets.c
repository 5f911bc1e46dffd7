#include "core/error.h"
#include "core/id.h"
#include "queue/private.h"
#include <string.h>

#define TICKET_COLUMNS                                                                             \
  "id, number, service, channel, state, counter, calls, issued_at, first_called_at, "              \
  "last_called_at, finished_at"

void ablak_ticket_free(AblakTicket *ticket)
{
  if (!ticket)
    return;
  g_free(ticket->id);
  g_free(ticket->number);
  g_free(ticket->service);
  g_free(ticket->channel);
  g_free(ticket->state);
  g_free(ticket->counter);
  g_free(ticket);
}

static AblakTicket *ticket_from_row(AblakRows *rows)
{
  AblakTicket *ticket = g_new0(AblakTicket, 1);
  ticket->id = g_strdup(ablak_rows_text(rows, 0));
  ticket->number = g_strdup(ablak_rows_text(rows, 1));
  ticket->service = g_strdup(ablak_rows_text(rows, 2));
  ticket->channel = g_strdup(ablak_rows_text(rows, 3));
  ticket->state = g_strdup(ablak_rows_text(rows, 4));
  ticket->counter = g_strdup(ablak_rows_text(rows, 5));
  ticket->calls = ablak_rows_int(rows, 6);
  ticket->issued_ms = ablak_rows_int(rows, 7);
  ticket->called_ms = ablak_rows_int(rows, 8);
  ticket->last_called_ms = ablak_rows_int(rows, 9);
  ticket->finished_ms = ablak_rows_int(rows, 10);
  return ticket;
}

/* Consumes the rows. */
static GPtrArray *tickets_from_rows(AblakRows *taken, GError **error)
{
  g_autoptr(AblakRows) rows = taken;
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) tickets = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_ticket_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure))
    g_ptr_array_add(tickets, ticket_from_row(rows));
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&tickets);
}

AblakRows *ablak_queue_row(AblakTxn *txn, const char *slug, const char *sql, const char *key,
                           GError **error)
{
  g_autoptr(GError) failure = NULL;
  AblakRows *rows = ablak_txn_query_one(txn, &failure, sql, "t", key);
  if (rows)
    return rows;
  if (g_error_matches(failure, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, slug, "nothing has the id %s", key);
  else
    g_propagate_error(error, g_steal_pointer(&failure));
  return NULL;
}

AblakTicket *ablak_queue_ticket(AblakTxn *txn, const char *ticket_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_queue_row(txn, "queue/no-such-ticket",
                      "SELECT " TICKET_COLUMNS " FROM ticket WHERE id = ?", ticket_id, error);
  return rows ? ticket_from_row(rows) : NULL;
}

bool ablak_queue_ticket_event(AblakTxn *txn, const char *kind, const char *ticket_id,
                              const char *actor, GError **error)
{
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, ticket_id, error);
  if (!ticket)
    return false;
  g_autoptr(json_t) data =
      json_pack("{s:s, s:s, s:s?, s:I}", "number", ticket->number, "service", ticket->service,
                "counter", ticket->counter, "calls", (json_int_t)ticket->calls);
  return ablak_event_append(txn, "queue", kind, ticket_id, actor, data, error);
}

/* --- the end of a day ---------------------------------------------------------------------------
 */

bool ablak_queue_cancel_ticket(AblakTxn *txn, const char *ticket_id, const char *actor,
                               GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE ticket SET state = 'cancelled', finished_at = ? WHERE id = ?", "it",
                        ablak_txn_now_ms(txn), ticket_id) &&
         ablak_queue_end_visit_of(txn, ticket_id, actor, error) &&
         ablak_queue_ticket_event(txn, "ticket.cancelled", ticket_id, actor, error);
}

/* Numbers that nobody closed yesterday must not block a counter today. Done with the first number
 * or call of the new day, so it needs no timer. */
static bool end_former_days(AblakTxn *txn, const char *day, GError **error)
{
  g_autoptr(GPtrArray) left = tickets_from_rows(
      ablak_txn_query(txn, error,
                      "SELECT " TICKET_COLUMNS " FROM ticket WHERE day < ? AND state IN"
                      " ('waiting', 'called') ORDER BY id",
                      "t", day),
      error);
  for (guint i = 0; left && i < left->len; i++)
    if (!ablak_queue_cancel_ticket(txn, ((AblakTicket *)left->pdata[i])->id, "system", error))
      return false;
  return left != NULL;
}

bool ablak_queue_cancel(AblakTxn *txn, const char *ticket_id, const char *actor, GError **error)
{
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, ticket_id, error);
  if (!ticket)
    return false;
  if (strcmp(ticket->state, "waiting") != 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/not-waiting", "ticket %s is %s", ticket_id,
                    ticket->state);
    return false;
  }
  return ablak_queue_cancel_ticket(txn, ticket_id, actor, error);
}

/* --- issuing ------------------------------------------------------------------------------------
 */

static bool find_by_key(AblakTxn *txn, const char *key, char **ret_ticket_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, "SELECT id FROM ticket WHERE idempotency_key = ?", "t", key);
  if (!rows)
    return false;
  g_autoptr(GError) failure = NULL;
  if (ablak_rows_next(rows, &failure))
    *ret_ticket_id = g_strdup(ablak_rows_text(rows, 0));
  if (failure)
    g_propagate_error(error, g_error_copy(failure));
  return !failure;
}

static bool insert(AblakTxn *txn, const char *day, const char *service, const char *prefix,
                   const char *channel, const char *key, const char *id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT COALESCE(MAX(serial), 0) + 1 FROM ticket WHERE day = ? AND prefix = ?",
      "tt", day, prefix);
  if (!rows)
    return false;
  gint64 serial = ablak_rows_int(rows, 0);
  g_autofree char *number = g_strdup_printf("%s%03" G_GINT64_FORMAT, prefix, serial);
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO ticket (id, day, prefix, serial, number, service, channel, "
                        "state, idempotency_key,"
                        " issued_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)",
                        "tttitttti", id, day, prefix, serial, number, service, channel, key,
                        ablak_txn_now_ms(txn));
}

bool ablak_queue_issue(AblakTxn *txn, const char *day, const char *service, const char *channel,
                       const char *key, const char *actor, char **ret_ticket_id, GError **error)
{
  if (!end_former_days(txn, day, error))
    return false;
  g_autofree char *known = NULL;
  if (key && !find_by_key(txn, key, &known, error))
    return false;
  if (known) {
    *ret_ticket_id = g_steal_pointer(&known);
    return true;
  }
  g_autoptr(AblakRows) rows =
      ablak_queue_row(txn, "queue/no-such-service",
                      "SELECT prefix, open FROM queue_service WHERE id = ?", service, error);
  if (!rows)
    return false;
  if (!ablak_rows_int(rows, 1)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/service-closed", "service %s is closed",
                    service);
    return false;
  }
  g_autofree char *id = ablak_id_new();
  if (!insert(txn, day, service, ablak_rows_text(rows, 0), channel, key, id, error) ||
      !ablak_queue_ticket_event(txn, "ticket.issued", id, actor, error))
    return false;
  *ret_ticket_id = g_steal_pointer(&id);
  return true;
}

/* --- calling ------------------------------------------------------------------------------------
 */

bool ablak_queue_counter_is_free(AblakTxn *txn, const char *counter, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT COUNT(*) FROM ticket WHERE counter = ? AND state = 'called'", "t",
      counter);
  if (!rows)
    return false;
  if (ablak_rows_int(rows, 0) > 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/client-present",
                    "counter %s still has a client", counter);
    return false;
  }
  return true;
}

static bool fits(const AblakStanding *standing, const AblakCallWish *wish)
{
  const char *const *services = wish->services;
  return !standing->passed_over &&
         (!services || !services[0] || g_strv_contains(services, standing->service)) &&
         (!wish->channel || strcmp(wish->channel, standing->channel) == 0);
}

/* The id of the first in the line who fits, or NULL with "queue/nobody-waiting". */
static char *first_waiting(AblakTxn *txn, const char *day, const AblakCallWish *wish,
                           GError **error)
{
  g_autoptr(GPtrArray) order = ablak_queue_order(txn, day, error);
  if (!order)
    return NULL;
  for (guint i = 0; i < order->len; i++) {
    const AblakStanding *standing = order->pdata[i];
    if (fits(standing, wish))
      return g_strdup(standing->ticket_id);
  }
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/nobody-waiting", "nobody is waiting");
  return NULL;
}

bool ablak_queue_call_next(AblakTxn *txn, const char *day, const char *counter,
                           const AblakCallWish *wish, const char *staff_id, char **ret_ticket_id,
                           GError **error)
{
  if (!end_former_days(txn, day, error) || !ablak_queue_counter_is_free(txn, counter, error))
    return false;
  g_autofree char *id = first_waiting(txn, day, wish, error);
  if (!id)
    return false;
  gint64 now_ms = ablak_txn_now_ms(txn);
  if (!ablak_txn_exec(txn, NULL, error,
                      "UPDATE ticket SET state = 'called', counter = ?, calls = 1, first_called_at "
                      "= ?, last_called_at = ?"
                      " WHERE id = ?",
                      "tiit", counter, now_ms, now_ms, id) ||
      !ablak_queue_ticket_event(txn, "ticket.called", id, staff_id, error))
    return false;
  *ret_ticket_id = g_steal_pointer(&id);
  return true;
}

static bool require_called(AblakTxn *txn, const char *ticket_id, GError **error)
{
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, ticket_id, error);
  if (!ticket)
    return false;
  if (strcmp(ticket->state, "called") != 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/not-called", "ticket %s is %s", ticket_id,
                    ticket->state);
    return false;
  }
  return true;
}

bool ablak_queue_recall(AblakTxn *txn, const char *ticket_id, const char *actor, GError **error)
{
  return require_called(txn, ticket_id, error) &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE ticket SET calls = calls + 1, last_called_at = ? WHERE id = ?",
                        "it", ablak_txn_now_ms(txn), ticket_id) &&
         ablak_queue_ticket_event(txn, "ticket.recalled", ticket_id, actor, error);
}

static bool close_ticket(AblakTxn *txn, const char *ticket_id, const char *state, const char *kind,
                         const char *actor, GError **error)
{
  return require_called(txn, ticket_id, error) &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE ticket SET state = ?, finished_at = ? WHERE id = ?", "tit", state,
                        ablak_txn_now_ms(txn), ticket_id) &&
         ablak_queue_end_visit_of(txn, ticket_id, actor, error) &&
         ablak_queue_ticket_event(txn, kind, ticket_id, actor, error);
}

bool ablak_queue_no_show(AblakTxn *txn, const char *ticket_id, const char *actor, GError **error)
{
  return close_ticket(txn, ticket_id, "no-show", "ticket.no-show", actor, error);
}

/* Who is called in the hall walks up to the counter, and only the clerk sees whether they are
 * there. Who is called by video is there when they answer: before that nobody has been served, and
 * the time that it rang is no handling time. */
static bool require_answered(AblakTxn *txn, const char *ticket_id, GError **error)
{
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, ticket_id, error);
  if (!ticket || strcmp(ticket->channel, "video") != 0 || strcmp(ticket->state, "called") != 0)
    return ticket != NULL;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_of_ticket(txn, ticket_id, &failure);
  if (failure)
    g_propagate_error(error, g_steal_pointer(&failure));
  else if (!visit)
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/not-answered", "ticket %s has not come",
                    ticket_id);
  return visit != NULL;
}

bool ablak_queue_finish(AblakTxn *txn, const char *ticket_id, const char *actor, GError **error)
{
  return require_answered(txn, ticket_id, error) &&
         close_ticket(txn, ticket_id, "finished", "ticket.finished", actor, error);
}

/* --- lists
 * ---------------------------------------------------------------------------------------- */

GPtrArray *ablak_queue_waiting(AblakTxn *txn, const char *day, GError **error)
{
  /* UUIDv7 ids break ties of the same millisecond in the order of issue. */
  return tickets_from_rows(ablak_txn_query(txn, error,
                                           "SELECT " TICKET_COLUMNS
                                           " FROM ticket WHERE day = ? AND state = 'waiting'"
                                           " ORDER BY issued_at, id",
                                           "t", day),
                           error);
}

GPtrArray *ablak_queue_called(AblakTxn *txn, const char *day, GError **error)
{
  return tickets_from_rows(ablak_txn_query(txn, error,
                                           "SELECT " TICKET_COLUMNS
                                           " FROM ticket WHERE day = ? AND state = 'called'"
                                           " ORDER BY last_called_at DESC, id",
                                           "t", day),
                           error);
}

GPtrArray *ablak_queue_last_called(AblakTxn *txn, const char *day, gsize most, GError **error)
{
  return tickets_from_rows(ablak_txn_query(txn, error,
                                           "SELECT " TICKET_COLUMNS
                                           " FROM ticket WHERE day = ? AND last_called_at > 0"
                                           " AND channel = 'walk-in'"
                                           " ORDER BY last_called_at DESC, id LIMIT ?",
                                           "ti", day, (gint64)most),
                           error);
}
