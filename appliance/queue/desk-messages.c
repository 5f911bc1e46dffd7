/* What the desk tells those who wait: one way, kept, read again after a reload. The event names the
 * message and never quotes it. */
#include "core/error.h"
#include "core/id.h"
#include "queue/private.h"
#include "queue/waiting.h"
#include <string.h>

#define SHOWN_MOST 50
#define STILL_HOLDS_MS (15 * 60 * 1000)
#define MESSAGE_COLUMNS "m.id, m.service, m.language, t.number, m.phrase, m.text, m.sent_at"
#define MESSAGES "desk_message m LEFT JOIN ticket t ON t.id = m.ticket_id"

void ablak_desk_message_free(AblakDeskMessage *message)
{
  if (!message)
    return;
  g_free(message->id);
  g_free(message->service);
  g_free(message->language);
  g_free(message->number);
  g_free(message->phrase);
  g_free(message->text);
  g_free(message);
}

static AblakDeskMessage *message_from_row(AblakRows *rows)
{
  AblakDeskMessage *message = g_new0(AblakDeskMessage, 1);
  message->id = g_strdup(ablak_rows_text(rows, 0));
  message->service = g_strdup(ablak_rows_text(rows, 1));
  message->language = g_strdup(ablak_rows_text(rows, 2));
  message->number = g_strdup(ablak_rows_text(rows, 3));
  message->phrase = g_strdup(ablak_rows_text(rows, 4));
  if (!message->phrase)
    message->text = g_strdup(ablak_rows_text(rows, 5));
  message->sent_ms = ablak_rows_int(rows, 6);
  return message;
}

AblakDeskMessage *ablak_desk_message_load(AblakTxn *txn, const char *message_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_queue_row(
      txn, "queue/no-such-message", "SELECT " MESSAGE_COLUMNS " FROM " MESSAGES " WHERE m.id = ?",
      message_id, error);
  return rows ? message_from_row(rows) : NULL;
}

/* --- reading: the rows come newest first, the array is oldest first. Consumes the rows. */
static GPtrArray *messages_from_rows(AblakRows *taken, GError **error)
{
  g_autoptr(AblakRows) rows = taken;
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) messages =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_desk_message_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure))
    g_ptr_array_insert(messages, 0, message_from_row(rows));
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&messages);
}

GPtrArray *ablak_desk_messages_for(AblakTxn *txn, const AblakTicket *ticket, GError **error)
{
  return messages_from_rows(
      ablak_txn_query(txn, error,
                      "SELECT " MESSAGE_COLUMNS " FROM " MESSAGES
                      " WHERE m.day = (SELECT day FROM ticket WHERE id = ?) AND m.service = ?"
                      " AND m.sent_at >= ? AND (m.ticket_id IS NULL OR m.ticket_id = ?)"
                      " ORDER BY m.sent_at DESC, m.id DESC LIMIT ?",
                      "ttiti", ticket->id, ticket->service, ticket->issued_ms - STILL_HOLDS_MS,
                      ticket->id, (gint64)SHOWN_MOST),
      error);
}

GPtrArray *ablak_desk_messages_of_day(AblakTxn *txn, const char *day, GError **error)
{
  return messages_from_rows(ablak_txn_query(txn, error,
                                            "SELECT " MESSAGE_COLUMNS " FROM " MESSAGES
                                            " WHERE m.day = ?"
                                            " ORDER BY m.sent_at DESC, m.id DESC LIMIT ?",
                                            "ti", day, (gint64)SHOWN_MOST),
                            error);
}

/* --- writing
 * --------------------------------------------------------------------------------------------- */

/* The message that came with this key before; NULL without an error when it is new. */
static char *sent_before(AblakTxn *txn, const AblakDeskSaying *saying, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, "SELECT id FROM desk_message WHERE staff_id = ? AND key = ?",
                      "tt", saying->staff_id, saying->key);
  return rows && ablak_rows_next(rows, error) ? g_strdup(ablak_rows_text(rows, 0)) : NULL;
}

/* Where the readers listen: everybody to the queue, one person to the place. Free with g_free. */
static char *topic_of(AblakTxn *txn, const AblakDeskSaying *saying, GError **error)
{
  if (!saying->ticket_id)
    return g_strdup("queue");
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, saying->ticket_id, error);
  if (!ticket)
    return NULL;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakPlace) place = ablak_place_of_ticket(txn, ticket->id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  bool waits = strcmp(ticket->state, "waiting") == 0 || strcmp(ticket->state, "called") == 0;
  if (!place || strcmp(ticket->service, saying->service) != 0)
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "queue/no-such-place",
                    "ticket %s does not wait for %s by video", ticket->id, saying->service);
  else if (!waits)
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/not-waiting", "ticket %s is %s", ticket->id,
                    ticket->state);
  else
    return g_strconcat("place:", place->visit_id, NULL);
  return NULL;
}

static bool insert(AblakTxn *txn, const char *id, const AblakDeskSaying *saying, GError **error)
{
  return ablak_txn_exec(
      txn, NULL, error,
      "INSERT INTO desk_message (id, day, service, ticket_id, staff_id, key, phrase, text,"
      " language, sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "ttttttttti", id, saying->day, saying->service, saying->ticket_id, saying->staff_id,
      saying->key, saying->phrase, saying->text ? saying->text : "", saying->language,
      ablak_txn_now_ms(txn));
}

bool ablak_desk_say(AblakTxn *txn, const AblakDeskSaying *saying, char **ret_message_id,
                    GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *id = sent_before(txn, saying, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!id) {
    g_autoptr(AblakRows) service =
        ablak_queue_row(txn, "queue/no-such-service", "SELECT id FROM queue_service WHERE id = ?",
                        saying->service, error);
    g_autofree char *topic = service ? topic_of(txn, saying, error) : NULL;
    if (!topic)
      return false;
    id = ablak_id_new();
    if (!insert(txn, id, saying, error) ||
        !ablak_event_append(txn, topic, "desk.message", id, saying->staff_id, NULL, error))
      return false;
  }
  *ret_message_id = g_steal_pointer(&id);
  return true;
}
