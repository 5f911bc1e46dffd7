#include "core/error.h"
#include "queue/private.h"
#include <string.h>

/* Fewer services than this say nothing about the next one. */
#define AVERAGE_NEEDS 3
/* A client already at the counter longer than the average is about to leave, but not at once. */
#define REMAINING_LEAST_MS 60000

static void service_figures_free(gpointer data)
{
  AblakServiceFigures *figures = data;
  g_free(figures->id);
  g_free(figures->prefix);
  g_free(figures);
}

static void counter_figures_free(gpointer data)
{
  AblakCounterFigures *figures = data;
  g_free(figures->id);
  g_free(figures->name);
  g_free(figures->staff_id);
  g_free(figures->ticket_number);
  g_free(figures);
}

static bool finish_rows(GError *failure, GError **error)
{
  if (failure)
    g_propagate_error(error, failure);
  return !failure;
}

GPtrArray *ablak_queue_service_figures(AblakTxn *txn, const char *day, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      "SELECT s.id, s.prefix, s.open, COUNT(CASE WHEN t.state = 'waiting' THEN 1 END),"
      " MIN(CASE WHEN t.state = 'waiting' THEN t.issued_at END),"
      " COUNT(CASE WHEN t.state = 'finished' THEN 1 END),"
      " AVG(CASE WHEN t.state = 'finished' THEN t.finished_at - t.first_called_at END)"
      " FROM queue_service s LEFT JOIN ticket t ON t.service = s.id AND t.day = ? GROUP BY s.id "
      "ORDER BY s.prefix, s.id",
      "t", day);
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(service_figures_free);
  GError *failure = NULL;
  while (ablak_rows_next(rows, &failure)) {
    AblakServiceFigures *figures = g_new0(AblakServiceFigures, 1);
    figures->id = g_strdup(ablak_rows_text(rows, 0));
    figures->prefix = g_strdup(ablak_rows_text(rows, 1));
    figures->open = ablak_rows_int(rows, 2);
    figures->waiting = ablak_rows_int(rows, 3);
    figures->longest_wait_ms =
        figures->waiting ? MAX(0, ablak_txn_now_ms(txn) - ablak_rows_int(rows, 4)) : -1;
    figures->average_service_ms =
        ablak_rows_int(rows, 5) >= AVERAGE_NEEDS ? (gint64)ablak_rows_double(rows, 6) : -1;
    g_ptr_array_add(all, figures);
  }
  return finish_rows(failure, error) ? g_steal_pointer(&all) : NULL;
}

GPtrArray *ablak_queue_counter_figures(AblakTxn *txn, const char *day, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT c.id, c.name, c.open, c.staff_id, MAX(t.number), "
                      "MAX(t.first_called_at) FROM counter c"
                      " LEFT JOIN ticket t ON t.counter = c.id AND t.day = ? AND t.state = "
                      "'called' GROUP BY c.id ORDER BY c.id",
                      "t", day);
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(counter_figures_free);
  GError *failure = NULL;
  while (ablak_rows_next(rows, &failure)) {
    AblakCounterFigures *figures = g_new0(AblakCounterFigures, 1);
    figures->id = g_strdup(ablak_rows_text(rows, 0));
    figures->name = g_strdup(ablak_rows_text(rows, 1));
    figures->open = ablak_rows_int(rows, 2);
    figures->staff_id = g_strdup(ablak_rows_text(rows, 3));
    figures->ticket_number = g_strdup(ablak_rows_text(rows, 4));
    figures->since_ms = ablak_rows_int(rows, 5);
    g_ptr_array_add(all, figures);
  }
  return finish_rows(failure, error) ? g_steal_pointer(&all) : NULL;
}

bool ablak_queue_day_figures(AblakTxn *txn, const char *day, AblakDayFigures *ret_figures,
                             GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error,
      "SELECT COUNT(*), COUNT(CASE WHEN state = 'finished' THEN 1 END), COUNT(CASE WHEN state = "
      "'no-show' THEN 1 END),"
      " AVG(CASE WHEN first_called_at > 0 THEN first_called_at - issued_at END),"
      " AVG(CASE WHEN state = 'finished' THEN finished_at - first_called_at END) FROM ticket WHERE "
      "day = ?",
      "t", day);
  if (!rows)
    return false;
  *ret_figures = (AblakDayFigures){
      .issued = ablak_rows_int(rows, 0),
      .finished = ablak_rows_int(rows, 1),
      .no_show = ablak_rows_int(rows, 2),
      .average_wait_ms = ablak_rows_is_null(rows, 3) ? -1 : (gint64)ablak_rows_double(rows, 3),
      .average_service_ms = ablak_rows_is_null(rows, 4) ? -1 : (gint64)ablak_rows_double(rows, 4),
  };
  return true;
}

/* --- the estimate
 * -------------------------------------------------------------------------------------- */

/* The times, from now, at which each open counter is free: those with a client after the rest of an
 * average service. */
static GArray *free_times(AblakTxn *txn, const char *day, gint64 average_ms, GError **error)
{
  g_autoptr(GPtrArray) counters = ablak_queue_counter_figures(txn, day, error);
  if (!counters)
    return NULL;
  GArray *times = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < counters->len; i++) {
    const AblakCounterFigures *counter = counters->pdata[i];
    if (!counter->open)
      continue;
    gint64 elapsed = ablak_txn_now_ms(txn) - counter->since_ms;
    gint64 free_ms = counter->since_ms ? MAX(average_ms - elapsed, REMAINING_LEAST_MS) : 0;
    g_array_append_val(times, free_ms);
  }
  return times;
}

static gint64 *earliest(GArray *times)
{
  gint64 *best = &g_array_index(times, gint64, 0);
  for (guint i = 1; i < times->len; i++)
    if (g_array_index(times, gint64, i) < *best)
      best = &g_array_index(times, gint64, i);
  return best;
}

bool ablak_queue_estimate(AblakTxn *txn, const char *day, const AblakTicket *ticket,
                          gint64 *ret_ahead, gint64 *ret_wait_ms, GError **error)
{
  AblakDayFigures figures;
  g_autoptr(GPtrArray) waiting = ablak_queue_waiting(txn, day, error);
  if (!waiting || !ablak_queue_day_figures(txn, day, &figures, error))
    return false;
  if (strcmp(ticket->state, "waiting") != 0) {
    *ret_ahead = *ret_wait_ms = 0;
    return true;
  }
  /* One that is not issued yet would come after all. */
  gint64 ahead = 0;
  while (ahead < waiting->len &&
         strcmp(((AblakTicket *)waiting->pdata[ahead])->id, ticket->id) != 0)
    ahead++;
  gint64 average_ms = figures.finished >= AVERAGE_NEEDS ? figures.average_service_ms : -1;
  g_autoptr(GArray) times = free_times(txn, day, average_ms, error);
  if (!times)
    return false;
  gint64 wait_ms = -1;
  if (average_ms >= 0 && times->len > 0) {
    for (gint64 i = 0; i < ahead; i++)
      *earliest(times) += average_ms;
    wait_ms = *earliest(times);
  }
  *ret_ahead = ahead;
  *ret_wait_ms = wait_ms;
  return true;
}
