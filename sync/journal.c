#include "sync/journal.h"
#include "core/crypto.h"
#include "core/error.h"
#include "sync/snapshot.h"
#include <string.h>

#define PRUNE_MAX 500

struct AblakJournal {
  AblakStore *store;
  AblakShape *shape;
  gint64 noted_seq; /* atomic by the lock */
  GMutex lock;
  void (*wake)(gpointer data);
  gpointer wake_data;
};

/* --- reading --- */

static bool damaged(GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_FAILED, "sync/journal", "the journal is damaged");
  return false;
}

static bool read_hash(AblakRows *rows, int column, guint8 ret_hash[ABLAK_HASH_SIZE])
{
  gsize size = 0;
  const void *bytes = ablak_rows_blob(rows, column, &size);
  if (bytes == NULL || size != ABLAK_HASH_SIZE)
    return false;
  memcpy(ret_hash, bytes, ABLAK_HASH_SIZE);
  return true;
}

bool ablak_journal_read_state(AblakTxn *txn, AblakJournalState *ret_state, GError **error)
{
  AblakJournalState state = {.oldest_seq = 1};
  g_autoptr(AblakRows) own = ablak_txn_query_one(
      txn, error, "SELECT acked_seq, generation, applied_seq FROM journal_state", "");
  if (own == NULL)
    return false;
  state.acked_seq = ablak_rows_int(own, 0);
  g_strlcpy(state.generation, ablak_rows_text(own, 1), sizeof state.generation);
  state.applied_seq = ablak_rows_int(own, 2);
  g_autoptr(AblakRows) oldest = ablak_txn_query_one(txn, error, "SELECT min(seq) FROM outbox", "");
  if (oldest == NULL)
    return false;
  if (!ablak_rows_is_null(oldest, 0)) {
    state.oldest_seq = ablak_rows_int(oldest, 0);
    g_autoptr(AblakRows) last = ablak_txn_query_one(
        txn, error, "SELECT seq, hash FROM outbox ORDER BY seq DESC LIMIT 1", "");
    if (last == NULL)
      return false;
    state.last_seq = ablak_rows_int(last, 0);
    if (!read_hash(last, 1, state.hash))
      return damaged(error);
  }
  *ret_state = state;
  return true;
}

bool ablak_journal_read(AblakTxn *txn, gint64 seq, AblakJournalEntry *ret_entry, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT prev_hash, hash, schema, sha256, payload FROM outbox WHERE seq = ?", "i",
      seq);
  if (rows == NULL)
    return false;
  AblakJournalEntry entry = {.seq = seq};
  if (!read_hash(rows, 0, entry.prev_hash) || !read_hash(rows, 1, entry.hash) ||
      !read_hash(rows, 2, entry.schema) || !read_hash(rows, 3, entry.sha256))
    return damaged(error);
  gsize size = 0;
  const void *payload = ablak_rows_blob(rows, 4, &size);
  guint8 found[ABLAK_HASH_SIZE];
  ablak_sha256(payload, size, found);
  if (memcmp(found, entry.sha256, ABLAK_HASH_SIZE) != 0)
    return damaged(error);
  entry.payload = g_bytes_new(payload, size);
  *ret_entry = entry;
  return true;
}

char *ablak_journal_read_schema(AblakTxn *txn, const guint8 id[ABLAK_HASH_SIZE], GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT json FROM journal_schema WHERE id = ?", "b", id, (gsize)ABLAK_HASH_SIZE);
  return rows != NULL ? g_strdup(ablak_rows_text(rows, 0)) : NULL;
}

/* --- writing --- */

static void note(AblakJournal *journal, gint64 seq)
{
  g_mutex_lock(&journal->lock);
  journal->noted_seq = seq;
  if (journal->wake != NULL)
    journal->wake(journal->wake_data);
  g_mutex_unlock(&journal->lock);
}

static bool read_head(AblakTxn *txn, gint64 *ret_seq, guint8 ret_hash[ABLAK_HASH_SIZE],
                      GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, "SELECT seq, hash FROM outbox ORDER BY seq DESC LIMIT 1", "");
  if (rows == NULL)
    return false;
  *ret_seq = 0;
  memset(ret_hash, 0, ABLAK_HASH_SIZE);
  if (ablak_rows_next(rows, &cause)) {
    *ret_seq = ablak_rows_int(rows, 0);
    return read_hash(rows, 1, ret_hash) || damaged(error);
  }
  if (cause != NULL)
    g_propagate_error(error, g_steal_pointer(&cause));
  return cause == NULL;
}

static bool append(AblakTxn *txn, const void *changeset, gsize size, gpointer data, GError **error)
{
  AblakJournal *journal = data;
  gint64 seq = 0;
  guint8 prev_hash[ABLAK_HASH_SIZE], hash[ABLAK_HASH_SIZE], sha256[ABLAK_HASH_SIZE];
  if (size > ABLAK_PAYLOAD_MAX) {
    ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "sync/too-large",
                    "a commit of %" G_GSIZE_FORMAT " bytes does not fit the journal", size);
    return false;
  }
  if (!read_head(txn, &seq, prev_hash, error))
    return false;
  const guint8 *schema = ablak_shape_id(journal->shape);
  ablak_sha256(changeset, size, sha256);
  ablak_chain_next(prev_hash, ++seq, schema, sha256, hash);
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO outbox (seq, prev_hash, hash, schema, sha256, payload, at)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?)",
                      "ibbbbbi", seq, prev_hash, (gsize)ABLAK_HASH_SIZE, hash,
                      (gsize)ABLAK_HASH_SIZE, schema, (gsize)ABLAK_HASH_SIZE, sha256,
                      (gsize)ABLAK_HASH_SIZE, changeset, size, ablak_txn_now_ms(txn)))
    return false;
  note(journal, seq);
  return true;
}

static bool append_present_rows(AblakTxn *txn, AblakJournal *journal, GError **error)
{
  g_autoptr(AblakSnapshotReader) reader = ablak_snapshot_reader_new(txn, journal->shape);
  for (;;) {
    g_autoptr(GBytes) chunk = NULL;
    if (!ablak_snapshot_reader_next(reader, &chunk, error))
      return false;
    if (chunk == NULL)
      return true;
    if (!append(txn, g_bytes_get_data(chunk, NULL), g_bytes_get_size(chunk), journal, error))
      return false;
  }
}

static bool open_job(AblakTxn *txn, gpointer data, GError **error)
{
  AblakJournal *journal = data;
  gint64 made = 0;
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO journal_schema (id, json, at) VALUES (?, ?, ?)"
                      " ON CONFLICT (id) DO NOTHING",
                      "bti", ablak_shape_id(journal->shape), (gsize)ABLAK_HASH_SIZE,
                      ablak_shape_json(journal->shape), ablak_txn_now_ms(txn)) ||
      !ablak_txn_exec(txn, &made, error,
                      "INSERT INTO journal_state (id, acked_seq, generation, applied_seq)"
                      " VALUES (1, 0, '', 0) ON CONFLICT (id) DO NOTHING",
                      ""))
    return false;
  return made == 0 || append_present_rows(txn, journal, error);
}

AblakJournal *ablak_journal_open(AblakStore *store, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(store, error);
  g_autoptr(AblakShape) shape = txn != NULL ? ablak_shape_of_store(store, txn, error) : NULL;
  if (shape == NULL)
    return NULL;
  g_clear_pointer(&txn, ablak_txn_end);
  AblakJournal *journal = g_new0(AblakJournal, 1);
  g_mutex_init(&journal->lock);
  journal->store = store;
  journal->shape = g_steal_pointer(&shape);
  if (!ablak_store_write_sync(store, open_job, journal, error)) {
    ablak_journal_free(journal);
    return NULL;
  }
  ablak_store_set_journal(store, append, journal);
  return journal;
}

static bool nothing(AblakTxn *txn, gpointer data, GError **error)
{
  return true;
}

void ablak_journal_free(AblakJournal *journal)
{
  if (journal == NULL)
    return;
  /* Behind every job that is queued: those are journaled still. */
  if (ablak_store_write_sync(journal->store, nothing, NULL, NULL))
    ablak_store_set_journal(journal->store, NULL, NULL);
  ablak_shape_unref(journal->shape);
  g_mutex_clear(&journal->lock);
  g_free(journal);
}

void ablak_journal_set_wake(AblakJournal *journal, void (*wake)(gpointer data), gpointer data)
{
  g_mutex_lock(&journal->lock);
  journal->wake = wake;
  journal->wake_data = data;
  g_mutex_unlock(&journal->lock);
}

gint64 ablak_journal_noted_seq(AblakJournal *journal)
{
  g_mutex_lock(&journal->lock);
  gint64 seq = journal->noted_seq;
  g_mutex_unlock(&journal->lock);
  return seq;
}

AblakShape *ablak_journal_shape(AblakJournal *journal)
{
  return journal->shape;
}

bool ablak_journal_acknowledge(AblakTxn *txn, gint64 seq, gint64 tail_ms, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "UPDATE journal_state SET acked_seq = ?", "i", seq) &&
         ablak_txn_exec(txn, NULL, error,
                        /* Up to the first entry that must stay: wall time may have gone back. */
                        "DELETE FROM outbox WHERE seq < (SELECT seq FROM outbox"
                        " WHERE seq >= ? OR at >= ? ORDER BY seq LIMIT 1)"
                        " AND seq < (SELECT min(seq) FROM outbox) + ?",
                        "iii", seq, ablak_txn_now_ms(txn) - tail_ms, (gint64)PRUNE_MAX);
}

bool ablak_journal_set_applied(AblakTxn *txn, const char *generation, gint64 seq, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE journal_state SET generation = ?, applied_seq = ?", "ti",
                        generation, seq);
}
