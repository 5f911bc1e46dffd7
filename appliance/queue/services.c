#include "core/error.h"
#include "queue/private.h"
#include <string.h>

/* --- taking over the catalogue
 * -------------------------------------------------------------------- */

/* id -> prefix (or name) of what is known now. */
static GHashTable *known_texts(AblakTxn *txn, const char *sql, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(txn, error, sql, "");
  if (!rows)
    return NULL;
  g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure))
    g_hash_table_insert(known, g_strdup(ablak_rows_text(rows, 0)),
                        g_strdup(ablak_rows_text(rows, 1)));
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&known);
}

static bool prefix_is_taken(GHashTable *known, const char *prefix)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, known);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    if (strcmp(value, prefix) == 0)
      return true;
  return false;
}

/* The wanted prefix, lengthened by A to Z until nobody else has it. */
static char *free_prefix(GHashTable *known, const char *wanted)
{
  g_autofree char *prefix = g_strdup(wanted);
  for (char letter = 'A'; prefix_is_taken(known, prefix) && letter <= 'Z'; letter++) {
    g_free(prefix);
    prefix = g_strdup_printf("%s%c", wanted, letter);
  }
  return g_steal_pointer(&prefix);
}

/* Closes what `known` still holds: those the catalogue no longer has. */
static bool close_vanished(AblakTxn *txn, GHashTable *known, const char *sql, GError **error)
{
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init(&iter, known);
  while (g_hash_table_iter_next(&iter, &id, NULL))
    if (!ablak_txn_exec(txn, NULL, error, sql, "it", ablak_txn_now_ms(txn), (const char *)id))
      return false;
  return true;
}

bool ablak_queue_take_services(AblakTxn *txn, const AblakServiceSpec *specs, gsize count,
                               GError **error)
{
  g_autoptr(GHashTable) known = known_texts(txn, "SELECT id, prefix FROM queue_service", error);
  if (!known)
    return false;
  g_autoptr(GHashTable) gone = g_hash_table_new(g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init(&iter, known);
  while (g_hash_table_iter_next(&iter, &id, NULL))
    g_hash_table_add(gone, id);
  for (gsize i = 0; i < count; i++) {
    g_hash_table_remove(gone, specs[i].id);
    if (g_hash_table_contains(known, specs[i].id))
      continue;
    g_autofree char *prefix = free_prefix(known, specs[i].prefix);
    if (!ablak_txn_exec(
            txn, NULL, error,
            "INSERT INTO queue_service (id, prefix, open, updated_at) VALUES (?, ?, 1, ?)", "tti",
            specs[i].id, prefix, ablak_txn_now_ms(txn)))
      return false;
    g_hash_table_insert(known, g_strdup(specs[i].id), g_strdup(prefix));
  }
  return close_vanished(
      txn, gone, "UPDATE queue_service SET open = 0, updated_at = ? WHERE id = ? AND open = 1",
      error);
}

bool ablak_queue_take_counters(AblakTxn *txn, const AblakCounterSpec *specs, gsize count,
                               GError **error)
{
  g_autoptr(GHashTable) known = known_texts(txn, "SELECT id, name FROM counter", error);
  if (!known)
    return false;
  for (gsize i = 0; i < count; i++) {
    const char *name = g_hash_table_lookup(known, specs[i].id);
    bool ok = true;
    if (!name)
      ok = ablak_txn_exec(txn, NULL, error,
                          "INSERT INTO counter (id, name, open, updated_at) VALUES (?, ?, 0, ?)",
                          "tti", specs[i].id, specs[i].name, ablak_txn_now_ms(txn));
    else if (strcmp(name, specs[i].name) != 0)
      ok = ablak_txn_exec(txn, NULL, error,
                          "UPDATE counter SET name = ?, updated_at = ? WHERE id = ?", "tit",
                          specs[i].name, ablak_txn_now_ms(txn), specs[i].id);
    if (!ok)
      return false;
    g_hash_table_remove(known, specs[i].id);
  }
  return close_vanished(txn, known,
                        "UPDATE counter SET open = 0, staff_id = NULL, updated_at = ? WHERE id = ?"
                        " AND (open = 1 OR staff_id IS NOT NULL)",
                        error);
}

/* --- open and closed
 * ---------------------------------------------------------------------------------- */

/* NOT_FOUND with the slug when no row has the id. */
static bool set_open(AblakTxn *txn, const char *sql, const char *slug, const char *id, bool open,
                     GError **error)
{
  gint64 changes = 0;
  if (!ablak_txn_exec(txn, &changes, error, sql, "iit", (gint64)open, ablak_txn_now_ms(txn), id))
    return false;
  if (changes == 0) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, slug, "nothing has the id %s", id);
    return false;
  }
  return true;
}

bool ablak_queue_set_service_open(AblakTxn *txn, const char *service, bool open, const char *actor,
                                  GError **error)
{
  return set_open(txn, "UPDATE queue_service SET open = ?, updated_at = ? WHERE id = ?",
                  "queue/no-such-service", service, open, error) &&
         ablak_event_append(txn, "queue", open ? "service.opened" : "service.closed", service,
                            actor, NULL, error);
}

bool ablak_queue_set_counter_open(AblakTxn *txn, const char *counter, bool open, const char *actor,
                                  GError **error)
{
  return set_open(txn, "UPDATE counter SET open = ?, updated_at = ? WHERE id = ?",
                  "queue/no-such-counter", counter, open, error) &&
         ablak_event_append(txn, "queue", open ? "counter.opened" : "counter.closed", counter,
                            actor, NULL, error);
}

char *ablak_queue_counter_of(AblakTxn *txn, const char *staff_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, "SELECT id FROM counter WHERE staff_id = ?", "t", staff_id);
  return rows && ablak_rows_next(rows, error) ? g_strdup(ablak_rows_text(rows, 0)) : NULL;
}

static bool leave_counter(AblakTxn *txn, const char *staff_id, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *counter = ablak_queue_counter_of(txn, staff_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  /* The client would be left at a counter that nobody can act for. */
  if (counter && !ablak_queue_counter_is_free(txn, counter, error))
    return false;
  return !counter ||
         (ablak_txn_exec(
              txn, NULL, error,
              "UPDATE counter SET staff_id = NULL, open = 0, updated_at = ? WHERE id = ?", "it",
              ablak_txn_now_ms(txn), counter) &&
          ablak_event_append(txn, "queue", "counter.closed", counter, staff_id, NULL, error));
}

bool ablak_queue_take_counter(AblakTxn *txn, const char *counter, const char *staff_id,
                              GError **error)
{
  bool stays = false; /* a supervisor may have closed it meanwhile */
  if (counter) {
    g_autoptr(AblakRows) rows =
        ablak_queue_row(txn, "queue/no-such-counter",
                        "SELECT staff_id, open FROM counter WHERE id = ?", counter, error);
    if (!rows)
      return false;
    const char *holder = ablak_rows_text(rows, 0);
    if (holder && strcmp(holder, staff_id) != 0) {
      ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/counter-taken", "counter %s is taken",
                      counter);
      return false;
    }
    if (holder && ablak_rows_int(rows, 1))
      return true;
    stays = holder != NULL;
  }
  if (!stays && !leave_counter(txn, staff_id, error))
    return false;
  return !counter ||
         (ablak_txn_exec(txn, NULL, error,
                         "UPDATE counter SET staff_id = ?, open = 1, updated_at = ? WHERE id = ?",
                         "tit", staff_id, ablak_txn_now_ms(txn), counter) &&
          ablak_event_append(txn, "queue", "counter.opened", counter, staff_id, NULL, error));
}
