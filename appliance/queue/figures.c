#include "core/error.h"
#include "queue/private.h"

/* Fewer services than this say nothing about the next one. */
#define AVERAGE_NEEDS 3

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
