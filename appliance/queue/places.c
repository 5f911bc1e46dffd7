/* Those who wait for a meeting by video: from the link, through the line, to the answer. */
#include "core/error.h"
#include "core/id.h"
#include "queue/private.h"
#include "queue/waiting.h"
#include <string.h>

/* Longer than an invitation and the longest session after it. */
#define PLACE_LIFE_MS (24 * 60 * 60 * 1000)
#define PLACE_COLUMNS "visit_id, service, language, ticket_id, away_at, aside_at"

void ablak_place_free(AblakPlace *place)
{
  if (!place)
    return;
  g_free(place->visit_id);
  g_free(place->service);
  g_free(place->language);
  g_free(place->ticket_id);
  g_free(place);
}

static AblakPlace *place_from_row(AblakRows *rows)
{
  AblakPlace *place = g_new0(AblakPlace, 1);
  place->visit_id = g_strdup(ablak_rows_text(rows, 0));
  place->service = g_strdup(ablak_rows_text(rows, 1));
  place->language = g_strdup(ablak_rows_text(rows, 2));
  place->ticket_id = g_strdup(ablak_rows_text(rows, 3));
  place->away_ms = ablak_rows_int(rows, 4);
  place->aside_ms = ablak_rows_int(rows, 5);
  return place;
}

AblakPlace *ablak_place_load(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_queue_row(
      txn, "queue/no-such-place", "SELECT " PLACE_COLUMNS " FROM waiting_place WHERE visit_id = ?",
      visit_id, error);
  return rows ? place_from_row(rows) : NULL;
}

AblakPlace *ablak_place_of_ticket(AblakTxn *txn, const char *ticket_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, "SELECT " PLACE_COLUMNS " FROM waiting_place WHERE ticket_id = ?",
                      "t", ticket_id);
  return rows && ablak_rows_next(rows, error) ? place_from_row(rows) : NULL;
}

/* A place with its number as it stands; NOT_FOUND "queue/no-such-place" also without a number. */
static AblakTicket *ticket_of(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakPlace) place = ablak_place_load(txn, visit_id, error);
  if (place && !place->ticket_id)
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "queue/no-such-place",
                    "nobody has taken the place %s yet", visit_id);
  return place && place->ticket_id ? ablak_queue_ticket(txn, place->ticket_id, error) : NULL;
}

static bool require_state(const AblakTicket *ticket, const char *state, const char *slug,
                          GError **error)
{
  if (strcmp(ticket->state, state) == 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, slug, "ticket %s is %s", ticket->id, ticket->state);
  return false;
}

/* --- into the line
 * --------------------------------------------------------------------------------------- */

bool ablak_place_make(AblakTxn *txn, const char *service, char **ret_visit_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_queue_row(
      txn, "queue/no-such-service", "SELECT id FROM queue_service WHERE id = ?", service, error);
  if (!rows)
    return false;
  g_autofree char *id = ablak_id_new();
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO waiting_place (visit_id, service, made_at) VALUES (?, ?, ?)",
                      "tti", id, service, ablak_txn_now_ms(txn)))
    return false;
  *ret_visit_id = g_steal_pointer(&id);
  return true;
}

bool ablak_place_enter(AblakTxn *txn, const char *day, const char *visit_id, const char *language,
                       GError **error)
{
  g_autoptr(AblakPlace) place = ablak_place_load(txn, visit_id, error);
  g_autofree char *ticket_id = NULL;
  if (!place)
    return false;
  if (place->ticket_id)
    return true;
  /* Away until its page says that it is open: somebody who redeems a link and goes is not called
   * for ever. */
  return ablak_queue_issue(txn, day, place->service, "video", visit_id, "citizen", &ticket_id,
                           error) &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE waiting_place SET ticket_id = ?, language = ?, away_at = ?"
                        " WHERE visit_id = ?",
                        "ttit", ticket_id, language, ablak_txn_now_ms(txn), visit_id);
}

/* --- there or not
 * ---------------------------------------------------------------------------------------- */

bool ablak_place_set_there(AblakTxn *txn, const char *visit_id, bool there, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "UPDATE waiting_place SET away_at = ? WHERE visit_id = ?",
                        "it", there ? (gint64)0 : ablak_txn_now_ms(txn), visit_id);
}

bool ablak_places_all_away(AblakTxn *txn, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "UPDATE waiting_place SET away_at = ? WHERE away_at = 0",
                        "i", ablak_txn_now_ms(txn));
}

bool ablak_place_set_aside(AblakTxn *txn, const char *ticket_id, const char *actor, GError **error)
{
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, ticket_id, error);
  if (!ticket || !require_state(ticket, "called", "queue/not-called", error))
    return false;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakPlace) place = ablak_place_of_ticket(txn, ticket_id, &failure);
  g_autoptr(AblakVisit) visit = failure ? NULL : ablak_visit_of_ticket(txn, ticket_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!place)
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "queue/no-such-place",
                    "ticket %s was taken in the hall", ticket_id);
  else if (visit)
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/answered", "ticket %s has come", ticket_id);
  return place && !visit &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE ticket SET state = 'waiting', counter = NULL,"
                        " first_called_at = 0 WHERE id = ?",
                        "t", ticket_id) &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE waiting_place SET aside_at = ? WHERE visit_id = ?", "it",
                        ablak_txn_now_ms(txn), place->visit_id) &&
         ablak_queue_ticket_event(txn, "ticket.set-aside", ticket_id, actor, error);
}

bool ablak_place_return(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakTicket) ticket = ticket_of(txn, visit_id, error);
  gint64 changed = 0;
  return ticket && require_state(ticket, "waiting", "queue/not-waiting", error) &&
         ablak_txn_exec(txn, &changed, error,
                        "UPDATE waiting_place SET aside_at = 0 WHERE visit_id = ? AND aside_at > 0",
                        "t", visit_id) &&
         (changed == 0 ||
          ablak_queue_ticket_event(txn, "ticket.returned", ticket->id, "citizen", error));
}

/* --- out of the line
 * ------------------------------------------------------------------------------------- */

/* Who sits at the counter; NULL with "queue/not-called" when nobody does any more. */
static char *clerk_at(AblakTxn *txn, const AblakTicket *ticket, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_queue_row(txn, "queue/no-such-counter", "SELECT staff_id FROM counter WHERE id = ?",
                      ticket->counter, error);
  if (rows && ablak_rows_is_null(rows, 0))
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/not-called",
                    "nobody is at counter %s any more", ticket->counter);
  return rows ? g_strdup(ablak_rows_text(rows, 0)) : NULL;
}

bool ablak_place_answer(AblakTxn *txn, const char *visit_id, AblakTicket **ret_ticket,
                        char **ret_clerk_id, GError **error)
{
  g_autoptr(AblakTicket) ticket = ticket_of(txn, visit_id, error);
  if (!ticket || !require_state(ticket, "called", "queue/not-called", error))
    return false;
  g_autofree char *clerk = clerk_at(txn, ticket, error);
  if (!clerk || !ablak_queue_ticket_event(txn, "ticket.answered", ticket->id, "citizen", error))
    return false;
  *ret_ticket = g_steal_pointer(&ticket);
  *ret_clerk_id = g_steal_pointer(&clerk);
  return true;
}

bool ablak_place_give_up(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakTicket) ticket = ticket_of(txn, visit_id, error);
  if (!ticket)
    return false;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_of_ticket(txn, ticket->id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  /* A called one who has not come may still go; who has come leaves the visit instead. */
  if (visit || strcmp(ticket->state, "called") != 0) {
    if (!require_state(ticket, "waiting", "queue/not-waiting", error))
      return false;
  }
  return ablak_queue_cancel_ticket(txn, ticket->id, "citizen", error);
}

bool ablak_places_prune(AblakTxn *txn, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "DELETE FROM waiting_place WHERE made_at < ?", "i",
                        ablak_txn_now_ms(txn) - PLACE_LIFE_MS);
}
