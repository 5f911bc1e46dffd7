/* The line as it stands: its order, and what is known to play it forward with. */
#include "core/error.h"
#include "queue/private.h"
#include "queue/waiting.h"
#include <string.h>

#define TIMES_MOST 30
#define RECENT_MS (28 * G_GINT64_CONSTANT(24) * 60 * 60 * 1000)
/* A client already at the counter longer than the mean is about to leave, but not at once. */
#define REMAINING_LEAST_MS 60000

struct AblakLine {
  GPtrArray *order;     /* AblakStanding */
  GHashTable *handling; /* service -> AblakHandling */
  AblakHandling of_all;
  GArray *counters; /* AblakCounterFree */
};

static void standing_free(gpointer data)
{
  AblakStanding *standing = data;
  g_free(standing->ticket_id);
  g_free(standing->service);
  g_free(standing->channel);
  g_free(standing);
}

GPtrArray *ablak_queue_order(AblakTxn *txn, const char *day, GError **error)
{
  /* UUIDv7 ids break ties of the same millisecond in the order of issue. */
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT t.id, t.service, t.channel, p.visit_id IS NOT NULL AND"
                      " (p.aside_at > 0 OR (p.away_at > 0 AND p.away_at <= ?))"
                      " FROM ticket t LEFT JOIN waiting_place p ON p.ticket_id = t.id"
                      " WHERE t.day = ? AND t.state = 'waiting' ORDER BY t.issued_at, t.id",
                      "it", ablak_txn_now_ms(txn) - ABLAK_PLACE_GRACE_MS, day);
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) order = g_ptr_array_new_with_free_func(standing_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure)) {
    AblakStanding *standing = g_new0(AblakStanding, 1);
    standing->ticket_id = g_strdup(ablak_rows_text(rows, 0));
    standing->service = g_strdup(ablak_rows_text(rows, 1));
    standing->channel = g_strdup(ablak_rows_text(rows, 2));
    standing->passed_over = ablak_rows_int(rows, 3);
    g_ptr_array_add(order, standing);
  }
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&order);
}

/* --- what is known
 * --------------------------------------------------------------------------------------- */

/* Appends the newest handling times of a service. */
static bool add_times(AblakTxn *txn, const char *service, GArray *times, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT finished_at - first_called_at FROM ticket WHERE service = ?"
                      " AND state = 'finished' AND finished_at >= ?"
                      " ORDER BY finished_at DESC LIMIT ?",
                      "tii", service, ablak_txn_now_ms(txn) - RECENT_MS, (gint64)TIMES_MOST);
  if (!rows)
    return false;
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure)) {
    gint64 time_ms = ablak_rows_int(rows, 0);
    g_array_append_val(times, time_ms);
  }
  if (failure)
    g_propagate_error(error, g_error_copy(failure));
  return !failure;
}

static bool load_handling(AblakTxn *txn, AblakLine *line, GError **error)
{
  g_autoptr(AblakRows) services =
      ablak_txn_query(txn, error, "SELECT id FROM queue_service ORDER BY id", "");
  if (!services)
    return false;
  g_autoptr(GArray) all = g_array_sized_new(FALSE, FALSE, sizeof(gint64), TIMES_MOST);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(services, &failure)) {
    guint before = all->len;
    const char *service = ablak_rows_text(services, 0);
    if (!add_times(txn, service, all, error))
      return false;
    AblakHandling *one = g_new0(AblakHandling, 1);
    *one = ablak_handling_of(&((gint64 *)(void *)all->data)[before], all->len - before);
    g_hash_table_insert(line->handling, g_strdup(service), one);
  }
  line->of_all = ablak_handling_of((gint64 *)(void *)all->data, all->len);
  if (failure)
    g_propagate_error(error, g_error_copy(failure));
  return !failure;
}

static AblakHandling handling_of(const AblakLine *line, const char *service)
{
  const AblakHandling *own = service ? g_hash_table_lookup(line->handling, service) : NULL;
  return own && own->known ? *own : line->of_all;
}

/* The open counters; those with a client are free after the rest of a mean handling. */
static bool load_counters(AblakTxn *txn, const char *day, AblakLine *line, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      "SELECT MAX(t.first_called_at), MAX(t.service) FROM counter c LEFT JOIN ticket t"
      " ON t.counter = c.id AND t.day = ? AND t.state = 'called' WHERE c.open = 1 GROUP BY c.id",
      "t", day);
  if (!rows)
    return false;
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure)) {
    AblakCounterFree counter = {0};
    if (!ablak_rows_is_null(rows, 0)) {
      AblakHandling handling = handling_of(line, ablak_rows_text(rows, 1));
      gint64 elapsed_ms = MAX(0, ablak_txn_now_ms(txn) - ablak_rows_int(rows, 0));
      counter.mean_ms = MAX(handling.mean_ms - (double)elapsed_ms, REMAINING_LEAST_MS);
      counter.variance = handling.variance;
    }
    g_array_append_val(line->counters, counter);
  }
  if (failure)
    g_propagate_error(error, g_error_copy(failure));
  return !failure;
}

/* --- the line
 * ------------------------------------------------------------------------------------ */

void ablak_line_free(AblakLine *line)
{
  if (!line)
    return;
  g_clear_pointer(&line->order, g_ptr_array_unref);
  g_hash_table_unref(line->handling);
  g_array_unref(line->counters);
  g_free(line);
}

AblakLine *ablak_line_load(AblakTxn *txn, const char *day, GError **error)
{
  g_autoptr(AblakLine) line = g_new0(AblakLine, 1);
  line->handling = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  line->counters = g_array_new(FALSE, FALSE, sizeof(AblakCounterFree));
  if (!(line->order = ablak_queue_order(txn, day, error)) || !load_handling(txn, line, error) ||
      !load_counters(txn, day, line, error))
    return NULL;
  return g_steal_pointer(&line);
}

AblakWait ablak_line_wait(const AblakLine *line, const char *ticket_id)
{
  g_autoptr(GArray) ahead = g_array_new(FALSE, FALSE, sizeof(AblakHandling));
  for (guint i = 0; i < line->order->len; i++) {
    const AblakStanding *standing = line->order->pdata[i];
    if (ticket_id && strcmp(standing->ticket_id, ticket_id) == 0)
      break;
    if (standing->passed_over)
      continue;
    AblakHandling handling = handling_of(line, standing->service);
    g_array_append_val(ahead, handling);
  }
  if (!line->of_all.known)
    return (AblakWait){(gint64)ahead->len, -1, -1, -1};
  g_autoptr(GArray) counters = g_array_copy(line->counters);
  return ablak_wait_play((AblakCounterFree *)(void *)counters->data, counters->len,
                         (const AblakHandling *)(void *)ahead->data, ahead->len);
}
