/* What the people of a visit write to each other. The event names the message and never quotes it.
 */
#include "core/error.h"
#include "core/id.h"
#include "queue/private.h"

#define MESSAGES_MOST 2000
#define MESSAGE_COLUMNS "id, serial, author, text, sent_at, role, name"
/* Lines of all the people of a visit. */
#define ALL_MESSAGES                                                                               \
  "(SELECT id, visit_id, serial, author, key, text, sent_at, '' AS role, '' AS name"               \
  " FROM visit_message UNION ALL"                                                                  \
  " SELECT id, visit_id, serial, 'guest', key, text, sent_at, role, name FROM "                    \
  "visit_guest_message)"

void ablak_visit_message_free(AblakVisitMessage *message)
{
  if (!message)
    return;
  g_free(message->id);
  g_free(message->author);
  g_free(message->text);
  g_free(message->role);
  g_free(message->name);
  g_free(message);
}

static AblakVisitMessage *message_from_row(AblakRows *rows)
{
  AblakVisitMessage *message = g_new0(AblakVisitMessage, 1);
  message->id = g_strdup(ablak_rows_text(rows, 0));
  message->serial = ablak_rows_int(rows, 1);
  message->author = g_strdup(ablak_rows_text(rows, 2));
  message->text = g_strdup(ablak_rows_text(rows, 3));
  message->sent_ms = ablak_rows_int(rows, 4);
  message->role = g_strdup(ablak_rows_text(rows, 5));
  message->name = g_strdup(ablak_rows_text(rows, 6));
  return message;
}

AblakVisitMessage *ablak_visit_message_load(AblakTxn *txn, const char *message_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_queue_row(
      txn, "queue/no-such-message", "SELECT " MESSAGE_COLUMNS " FROM " ALL_MESSAGES " WHERE id = ?",
      message_id, error);
  return rows ? message_from_row(rows) : NULL;
}

GPtrArray *ablak_visit_messages(AblakTxn *txn, const char *visit_id, gint64 after, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(txn, error,
                                              "SELECT " MESSAGE_COLUMNS " FROM " ALL_MESSAGES
                                              " WHERE visit_id = ? AND serial > ? ORDER BY serial",
                                              "ti", visit_id, after);
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) messages =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_visit_message_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure))
    g_ptr_array_add(messages, message_from_row(rows));
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&messages);
}

/* The message that came with this key before; NULL without an error when it is new. */
static char *sent_before(AblakTxn *txn, const char *visit_id, const AblakVisitSaying *saying,
                         GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error, "SELECT id FROM " ALL_MESSAGES " WHERE visit_id = ? AND author = ? AND key = ?",
      "ttt", visit_id, saying->author, saying->key);
  return rows && ablak_rows_next(rows, error) ? g_strdup(ablak_rows_text(rows, 0)) : NULL;
}

static bool next_serial(AblakTxn *txn, const char *visit_id, gint64 *ret_serial, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT coalesce(max(serial), 0) + 1 FROM " ALL_MESSAGES " WHERE visit_id = ?",
      "t", visit_id);
  if (!rows)
    return false;
  gint64 serial = ablak_rows_int(rows, 0);
  if (serial > MESSAGES_MOST) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/too-many-messages",
                    "visit %s has %d messages", visit_id, MESSAGES_MOST);
    return false;
  }
  *ret_serial = serial;
  return true;
}

static bool insert(AblakTxn *txn, const char *id, const char *visit_id, gint64 serial,
                   const AblakVisitSaying *saying, GError **error)
{
  gint64 now_ms = ablak_txn_now_ms(txn);
  if (saying->role)
    return ablak_txn_exec(
        txn, NULL, error,
        "INSERT INTO visit_guest_message (id, visit_id, serial, role, name, key, text, sent_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        "ttitttti", id, visit_id, serial, saying->role, saying->name, saying->key, saying->text,
        now_ms);
  return ablak_txn_exec(
      txn, NULL, error,
      "INSERT INTO visit_message (id, visit_id, serial, author, key, text, sent_at)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)",
      "ttittti", id, visit_id, serial, saying->author, saying->key, saying->text, now_ms);
}

bool ablak_visit_say(AblakTxn *txn, const char *visit_id, const AblakVisitSaying *saying,
                     char **ret_message_id, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *id = sent_before(txn, visit_id, saying, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  gint64 serial = 0;
  if (!id) {
    g_autofree char *topic = g_strconcat("visit:", visit_id, NULL);
    id = ablak_id_new();
    if (!next_serial(txn, visit_id, &serial, error) ||
        !insert(txn, id, visit_id, serial, saying, error) ||
        !ablak_event_append(txn, topic, "visit.message", id, saying->actor, NULL, error))
      return false;
  }
  *ret_message_id = g_steal_pointer(&id);
  return true;
}
