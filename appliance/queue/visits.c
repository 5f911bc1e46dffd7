#include "core/error.h"
#include "core/id.h"
#include "queue/private.h"
#include <string.h>

#define VISIT_COLUMNS                                                                              \
  "id, ticket_id, service, counter, clerk_id, channel, identity, state, opened_at, ended_at"

void ablak_visit_free(AblakVisit *visit)
{
  if (!visit)
    return;
  g_free(visit->id);
  g_free(visit->ticket_id);
  g_free(visit->service);
  g_free(visit->counter);
  g_free(visit->clerk_id);
  g_free(visit->channel);
  g_free(visit->identity);
  g_free(visit->state);
  g_free(visit);
}

static AblakVisit *visit_from_row(AblakRows *rows)
{
  AblakVisit *visit = g_new0(AblakVisit, 1);
  visit->id = g_strdup(ablak_rows_text(rows, 0));
  visit->ticket_id = g_strdup(ablak_rows_text(rows, 1));
  visit->service = g_strdup(ablak_rows_text(rows, 2));
  visit->counter = g_strdup(ablak_rows_text(rows, 3));
  visit->clerk_id = g_strdup(ablak_rows_text(rows, 4));
  visit->channel = g_strdup(ablak_rows_text(rows, 5));
  visit->identity = g_strdup(ablak_rows_text(rows, 6));
  visit->state = g_strdup(ablak_rows_text(rows, 7));
  visit->opened_ms = ablak_rows_int(rows, 8);
  visit->ended_ms = ablak_rows_int(rows, 9);
  return visit;
}

AblakVisit *ablak_visit_load(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_queue_row(txn, "queue/no-such-visit",
                      "SELECT " VISIT_COLUMNS " FROM visit WHERE id = ?", visit_id, error);
  return rows ? visit_from_row(rows) : NULL;
}

/* Consumes the rows. */
static AblakVisit *first_or_none(AblakRows *taken, GError **error)
{
  g_autoptr(AblakRows) rows = taken;
  return rows && ablak_rows_next(rows, error) ? visit_from_row(rows) : NULL;
}

AblakVisit *ablak_visit_of_ticket(AblakTxn *txn, const char *ticket_id, GError **error)
{
  return first_or_none(ablak_txn_query(txn, error,
                                       "SELECT " VISIT_COLUMNS
                                       " FROM visit WHERE ticket_id = ? ORDER BY opened_at DESC",
                                       "t", ticket_id),
                       error);
}

AblakVisit *ablak_visit_of_clerk(AblakTxn *txn, const char *clerk_id, GError **error)
{
  return first_or_none(ablak_txn_query(txn, error,
                                       "SELECT " VISIT_COLUMNS
                                       " FROM visit WHERE clerk_id = ? AND state = 'open'"
                                       " ORDER BY opened_at DESC",
                                       "t", clerk_id),
                       error);
}

static bool visit_event(AblakTxn *txn, const char *kind, const char *visit_id, const char *actor,
                        json_t *data, GError **error)
{
  g_autofree char *topic = g_strconcat("visit:", visit_id, NULL);
  return ablak_event_append(txn, topic, kind, visit_id, actor, data, error);
}

bool ablak_visit_clerk_is_free(AblakTxn *txn, const char *clerk_id, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) open = ablak_visit_of_clerk(txn, clerk_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (open) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/client-present", "visit %s is still open",
                    open->id);
    return false;
  }
  return true;
}

bool ablak_visit_open(AblakTxn *txn, const AblakVisitNew *visit, char **ret_visit_id,
                      GError **error)
{
  if (!ablak_visit_clerk_is_free(txn, visit->clerk_id, error))
    return false;
  g_autofree char *id = visit->id ? g_strdup(visit->id) : ablak_id_new();
  if (!ablak_txn_exec(
          txn, NULL, error,
          "INSERT INTO visit (id, ticket_id, service, counter, clerk_id, channel, state, opened_at)"
          " VALUES (?, ?, ?, ?, ?, ?, 'open', ?)",
          "tttttti", id, visit->ticket_id, visit->service, visit->counter, visit->clerk_id,
          visit->channel, ablak_txn_now_ms(txn)))
    return false;
  g_autoptr(json_t) data =
      json_pack("{s:s, s:s?}", "service", visit->service, "counter", visit->counter);
  if (!visit_event(txn, "visit.opened", id, visit->clerk_id, data, error))
    return false;
  *ret_visit_id = g_steal_pointer(&id);
  return true;
}

static AblakVisit *load_open(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, visit_id, error);
  if (visit && strcmp(visit->state, "open") != 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/visit-ended", "visit %s has ended",
                    visit_id);
    return NULL;
  }
  return g_steal_pointer(&visit);
}

static bool mark_ended(AblakTxn *txn, const char *visit_id, const char *actor, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE visit SET state = 'ended', ended_at = ? WHERE id = ?", "it",
                        ablak_txn_now_ms(txn), visit_id) &&
         visit_event(txn, "visit.ended", visit_id, actor, NULL, error);
}

bool ablak_queue_end_visit_of(AblakTxn *txn, const char *ticket_id, const char *actor,
                              GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_of_ticket(txn, ticket_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  return !visit || strcmp(visit->state, "open") != 0 || mark_ended(txn, visit->id, actor, error);
}

bool ablak_visit_end(AblakTxn *txn, const char *visit_id, const char *actor, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, visit_id, error);
  if (!visit)
    return false;
  g_autoptr(AblakTicket) ticket = NULL;
  if (visit->ticket_id && !(ticket = ablak_queue_ticket(txn, visit->ticket_id, error)))
    return false;
  if (ticket && strcmp(ticket->state, "called") == 0)
    return ablak_queue_finish(txn, ticket->id, actor, error);
  return mark_ended(txn, visit_id, actor, error);
}

bool ablak_visit_set_identity(AblakTxn *txn, const char *visit_id, const char *method,
                              const char *actor, GError **error)
{
  g_autoptr(AblakVisit) visit = load_open(txn, visit_id, error);
  if (!visit)
    return false;
  g_autoptr(json_t) data = json_pack("{s:s}", "method", method);
  return ablak_txn_exec(txn, NULL, error, "UPDATE visit SET identity = ? WHERE id = ?", "tt",
                        method, visit_id) &&
         visit_event(txn, "visit.identity", visit_id, actor, data, error);
}
