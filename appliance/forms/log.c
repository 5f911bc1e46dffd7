/* forms/log.c: what is written to a log, what is read of it, and how draft_tail is kept short. */
#include "forms/log.h"
#include "core/error.h"

#define LAGGARDS_AT_ONCE 2

/* --- what is known --- */

void ablak_draft_log_clear(AblakDraftLog *log)
{
  g_clear_pointer(&log->tail, g_array_unref);
  log->home = 0;
}

void ablak_draft_log_note(AblakDraftLog *log, gint64 serial, gint64 seq)
{
  if (serial <= log->home)
    return;
  if (log->tail == NULL)
    log->tail = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_array_append_val(log->tail, seq);
}

void ablak_draft_log_note_home(AblakDraftLog *log, gint64 serial)
{
  g_clear_pointer(&log->tail, g_array_unref);
  log->home = serial;
}

/* --- reading --- */

typedef struct {
  AblakTxn *txn;
  const char *draft_id, *audience;
  AblakYdoc *doc;
  AblakDraftLogSize size;
} Reader;

/* Applies a row of serial and data. */
static bool apply(Reader *reader, AblakRows *rows, gsize *bytes, GError **error)
{
  gsize size = 0;
  const void *data = ablak_rows_blob(rows, 1, &size);
  reader->size.serial = ablak_rows_int(rows, 0);
  reader->size.rows++;
  *bytes += size;
  return ablak_ydoc_apply(reader->doc, data, size, 0, 0, NULL, error);
}

/* Ends a loop over rows: it stopped at the end, or with an error. */
static bool ended(GError *cause, GError **error)
{
  if (cause != NULL)
    g_propagate_error(error, cause);
  return cause == NULL;
}

static bool read_home(Reader *reader, GError **error)
{
  GError *cause = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query(reader->txn, error,
                      "SELECT serial, data FROM draft_update WHERE draft_id = ? AND audience = ?"
                      " ORDER BY serial",
                      "tt", reader->draft_id, reader->audience);
  if (rows == NULL)
    return false;
  while (ablak_rows_next(rows, &cause) && apply(reader, rows, &reader->size.home_bytes, &cause))
    continue;
  return ended(cause, error);
}

/* One row by its number; `ret_found`: it is the one that was meant. */
static bool read_numbered(Reader *reader, gint64 seq, bool *ret_found, GError **error)
{
  GError *cause = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query(reader->txn, error,
                      "SELECT serial, data FROM draft_tail WHERE seq = ? AND draft_id = ?"
                      " AND audience = ? AND serial = ?",
                      "itti", seq, reader->draft_id, reader->audience, reader->size.serial + 1);
  if (rows == NULL)
    return false;
  *ret_found =
      ablak_rows_next(rows, &cause) && apply(reader, rows, &reader->size.tail_bytes, &cause);
  return ended(cause, error);
}

/* `ret_right`: what was known is right, and everything is read. */
static bool read_known(Reader *reader, const AblakDraftLog *log, bool *ret_right, GError **error)
{
  *ret_right = log->tail != NULL && log->home == reader->size.serial;
  for (guint i = 0; *ret_right && i < log->tail->len; i++)
    if (!read_numbered(reader, g_array_index(log->tail, gint64, i), ret_right, error))
      return false;
  return true;
}

/* 0: the document has no rows in draft_tail. */
static bool first_in_tail(AblakTxn *txn, const char *draft_id, const char *audience,
                          gint64 *ret_first, GError **error)
{
  GError *cause = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error, "SELECT first_seq FROM draft_in_tail WHERE draft_id = ? AND audience = ?", "tt",
      draft_id, audience);
  if (rows == NULL)
    return false;
  *ret_first = ablak_rows_next(rows, &cause) ? ablak_rows_int(rows, 0) : 0;
  return ended(cause, error);
}

static bool search(Reader *reader, AblakDraftLog *log, GError **error)
{
  GError *cause = NULL;
  gint64 first = 0;
  if (!first_in_tail(reader->txn, reader->draft_id, reader->audience, &first, error))
    return false;
  if (first == 0)
    return true;
  g_autoptr(AblakRows) rows =
      ablak_txn_query(reader->txn, error,
                      "SELECT serial, data, seq FROM draft_tail WHERE seq >= ? AND draft_id = ?"
                      " AND audience = ? AND serial > ? ORDER BY seq",
                      "itti", first, reader->draft_id, reader->audience, reader->size.serial);
  if (rows == NULL)
    return false;
  while (ablak_rows_next(rows, &cause) && apply(reader, rows, &reader->size.tail_bytes, &cause))
    if (log != NULL)
      ablak_draft_log_note(log, reader->size.serial, ablak_rows_int(rows, 2));
  return ended(cause, error);
}

bool ablak_draft_log_load(AblakTxn *txn, const char *draft_id, const char *audience, AblakYdoc *doc,
                          AblakDraftLog *log, AblakDraftLogSize *ret_size, GError **error)
{
  Reader reader = {.txn = txn, .draft_id = draft_id, .audience = audience, .doc = doc};
  if (!read_home(&reader, error))
    return false;
  const AblakDraftLogSize home = reader.size;
  bool right = false;
  if (log != NULL && !read_known(&reader, log, &right, error))
    return false;
  if (!right) { /* to apply a row once more changes nothing */
    reader.size = home;
    if (log != NULL)
      ablak_draft_log_note_home(log, home.serial);
    if (!search(&reader, log, error))
      return false;
  }
  if (ret_size != NULL)
    *ret_size = reader.size;
  return true;
}

/* --- writing --- */

bool ablak_draft_log_append(AblakTxn *txn, const char *draft_id, const char *audience,
                            gint64 serial, GBytes *update, const char *actor, gint64 *ret_seq,
                            GError **error)
{
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error,
      "INSERT INTO draft_tail (draft_id, audience, serial, data, actor, at)"
      " VALUES (?, ?, ?, ?, ?, ?) RETURNING seq",
      "ttibti", draft_id, audience, serial, data, size, actor, ablak_txn_now_ms(txn));
  if (rows == NULL)
    return false;
  *ret_seq = ablak_rows_int(rows, 0);
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO draft_in_tail (draft_id, audience, first_seq)"
                        " VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                        "tti", draft_id, audience, *ret_seq);
}

static bool leave_tail(AblakTxn *txn, const char *draft_id, const char *audience, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "DELETE FROM draft_in_tail WHERE draft_id = ? AND audience = ?", "tt",
                        draft_id, audience);
}

bool ablak_draft_log_merge(AblakTxn *txn, const char *draft_id, const char *audience, gint64 serial,
                           GBytes *state, GError **error)
{
  gsize size = 0;
  const void *data = g_bytes_get_data(state, &size);
  return ablak_txn_exec(txn, NULL, error,
                        "DELETE FROM draft_update WHERE draft_id = ? AND audience = ?"
                        " AND serial <= ?",
                        "tti", draft_id, audience, serial) &&
         ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO draft_update (draft_id, audience, serial, data, actor, at)"
                        " VALUES (?, ?, ?, ?, 'box', ?)",
                        "ttibi", draft_id, audience, serial, data, size, ablak_txn_now_ms(txn)) &&
         leave_tail(txn, draft_id, audience, error);
}

/* --- coming home --- */

bool ablak_draft_log_bring_home(AblakTxn *txn, const char *draft_id, const char *audience,
                                GError **error)
{
  gint64 first = 0;
  if (!first_in_tail(txn, draft_id, audience, &first, error))
    return false;
  return first == 0 ||
         (ablak_txn_exec(txn, NULL, error,
                         "INSERT INTO draft_update (draft_id, audience, serial, data, actor, at)"
                         " SELECT draft_id, audience, serial, data, actor, at FROM draft_tail"
                         " WHERE seq >= ?1 AND draft_id = ?2 AND audience = ?3 AND serial >"
                         " (SELECT coalesce(max(serial), 0) FROM draft_update"
                         "  WHERE draft_id = ?2 AND audience = ?3)",
                         "itt", first, draft_id, audience) &&
          leave_tail(txn, draft_id, audience, error));
}

bool ablak_draft_log_bring_all_home(AblakTxn *txn, GError **error)
{
  return ablak_txn_exec(
             txn, NULL, error,
             "INSERT INTO draft_update (draft_id, audience, serial, data, actor, at)"
             " SELECT t.draft_id, t.audience, t.serial, t.data, t.actor, t.at FROM draft_tail t"
             " CROSS JOIN draft_in_tail i ON i.draft_id = t.draft_id AND i.audience = t.audience"
             " WHERE t.seq >= i.first_seq AND t.serial >"
             " (SELECT coalesce(max(u.serial), 0) FROM draft_update u"
             "  WHERE u.draft_id = t.draft_id AND u.audience = t.audience)",
             "") &&
         ablak_txn_exec(txn, NULL, error, "DELETE FROM draft_in_tail", "") &&
         ablak_txn_exec(txn, NULL, error, "DELETE FROM draft_tail", "");
}

/* --- keeping it short --- */

void ablak_draft_laggard_free(gpointer data)
{
  AblakDraftLaggard *laggard = data;
  g_free(laggard->draft_id);
  g_free(laggard->audience);
  g_free(laggard);
}

/* The numbers of the first row, of the first that somebody needs, and of the last. */
static bool measure(AblakTxn *txn, gint64 *ret_first, gint64 *ret_needed, gint64 *ret_last,
                    GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error,
      "SELECT coalesce((SELECT min(seq) FROM draft_tail), 0),"
      " (SELECT min(first_seq) FROM draft_in_tail), coalesce((SELECT max(seq) FROM draft_tail), 0)",
      "");
  if (rows == NULL)
    return false;
  *ret_first = ablak_rows_int(rows, 0);
  *ret_last = ablak_rows_int(rows, 2);
  *ret_needed = ablak_rows_is_null(rows, 1) ? *ret_last + 1 : ablak_rows_int(rows, 1);
  return true;
}

bool ablak_draft_log_trim(AblakTxn *txn, gint64 rows_at_once, gint64 rows_max,
                          GPtrArray **ret_laggards, GError **error)
{
  GError *cause = NULL;
  gint64 first = 0, needed = 0, last = 0;
  if (!measure(txn, &first, &needed, &last, error) ||
      !ablak_txn_exec(txn, NULL, error, "DELETE FROM draft_tail WHERE seq < ?", "i",
                      MIN(needed, first + rows_at_once)))
    return false;
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT draft_id, audience FROM draft_in_tail WHERE first_seq <= ?"
                      " ORDER BY first_seq LIMIT ?",
                      "ii", last - rows_max, (gint64)LAGGARDS_AT_ONCE);
  if (rows == NULL)
    return false;
  g_autoptr(GPtrArray) laggards = g_ptr_array_new_with_free_func(ablak_draft_laggard_free);
  while (ablak_rows_next(rows, &cause)) {
    AblakDraftLaggard *laggard = g_new0(AblakDraftLaggard, 1);
    laggard->draft_id = g_strdup(ablak_rows_text(rows, 0));
    laggard->audience = g_strdup(ablak_rows_text(rows, 1));
    g_ptr_array_add(laggards, laggard);
  }
  if (!ended(cause, error))
    return false;
  *ret_laggards = g_steal_pointer(&laggards);
  return true;
}
