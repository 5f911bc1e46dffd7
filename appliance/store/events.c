/* The event log: numbers without gaps in commit order, because only the writer gives them out. */
#include "core/error.h"
#include "store/private.h"

void ablak_event_free(AblakEvent *event)
{
  if (event == NULL)
    return;
  g_free(event->topic);
  g_free(event->kind);
  g_free(event->subject);
  g_free(event->actor);
  json_decref(event->data);
  g_free(event);
}

gint64 ablak_events_last_seq(AblakTxn *txn, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error, "SELECT coalesce(max(seq), 0) FROM event", "");
  return rows != NULL ? ablak_rows_int(rows, 0) : -1;
}

bool ablak_event_append(AblakTxn *txn, const char *topic, const char *kind, const char *subject,
                        const char *actor, json_t *data, GError **error)
{
  if (txn->events == NULL) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "internal", "an event outside the writer");
    return false;
  }
  if (txn->last_seq < 0 && (txn->last_seq = ablak_events_last_seq(txn, error)) < 0)
    return false;
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO event (seq, at, topic, kind, subject, actor, data)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?)",
                      "iittttj", txn->last_seq + 1, txn->now_ms, topic, kind, subject, actor, data))
    return false;
  AblakEvent *event = g_new0(AblakEvent, 1);
  event->seq = ++txn->last_seq;
  event->at_ms = txn->now_ms;
  event->topic = g_strdup(topic);
  event->kind = g_strdup(kind);
  event->subject = g_strdup(subject);
  event->actor = g_strdup(actor);
  /* A copy: the job may go on changing its own, and watchers run on another thread. */
  event->data = data != NULL ? json_deep_copy(data) : NULL;
  g_ptr_array_add(txn->events, event);
  return true;
}

static AblakEvent *event_of_row(AblakRows *rows)
{
  AblakEvent *event = g_new0(AblakEvent, 1);
  event->seq = ablak_rows_int(rows, 0);
  event->at_ms = ablak_rows_int(rows, 1);
  event->topic = g_strdup(ablak_rows_text(rows, 2));
  event->kind = g_strdup(ablak_rows_text(rows, 3));
  event->subject = g_strdup(ablak_rows_text(rows, 4));
  event->actor = g_strdup(ablak_rows_text(rows, 5));
  event->data = ablak_rows_json(rows, 6);
  return event;
}

GPtrArray *ablak_events_since(AblakTxn *txn, gint64 since_seq, gsize limit, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT seq, at, topic, kind, subject, actor, data FROM event"
                      " WHERE seq > ? ORDER BY seq LIMIT ?",
                      "ii", since_seq, (gint64)MIN(limit, (gsize)G_MAXINT64));
  if (rows == NULL)
    return NULL;
  g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_event_free);
  g_autoptr(GError) fault = NULL;
  while (ablak_rows_next(rows, &fault))
    g_ptr_array_add(events, event_of_row(rows));
  if (fault != NULL) {
    g_propagate_error(error, g_steal_pointer(&fault));
    return NULL;
  }
  return g_steal_pointer(&events);
}
