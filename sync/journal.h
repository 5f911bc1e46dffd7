/* sync/journal.h: the box's journal: every commit's changes, chained, in the same transaction.
 *
 * Purpose: fills `outbox` from the store's journal hook. Rows that are there before the first entry
 * become entries of inserts, so that the journal alone tells the whole story from number 1.
 * Ownership: the store must outlive the journal. Freeing waits for the queued jobs and journals
 * them; nothing may write after it. Threads: open on the main thread before anything writes; the
 * hook runs on the writer thread.
 * Durability: an entry is part of the commit that it describes.
 * Migrations are not journaled: one that adds a column to an `up` table must leave it NULL, and
 * none may change rows of `up` tables; data migrations are ordinary jobs. */
#pragma once
#include "store/store.h"
#include "sync/shape.h"

extern const AblakStorePart ablak_sync_box_store_part;

typedef struct AblakJournal AblakJournal;

AblakJournal *ablak_journal_open(AblakStore *store, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_journal_free(AblakJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakJournal, ablak_journal_free)

/* Called on the writer thread when an entry is about to be committed. */
void ablak_journal_set_wake(AblakJournal *journal, void (*wake)(gpointer data), gpointer data);
/* The newest entry's number as the hook gave it out; it may still be on its way to the disk. */
gint64 ablak_journal_noted_seq(AblakJournal *journal);
/* What the tables look like now. */
AblakShape *ablak_journal_shape(AblakJournal *journal);

typedef struct {
  gint64 oldest_seq, last_seq; /* 1 and 0 when nothing was written yet */
  guint8 hash[ABLAK_HASH_SIZE];
  gint64 acked_seq;    /* durable at headquarters */
  char generation[64]; /* of headquarters' journal */
  gint64 applied_seq;  /* how far that has been applied here */
} AblakJournalState;
/* A filing committed at or before `acked_seq` is stored at headquarters. */
bool ablak_journal_read_state(AblakTxn *txn, AblakJournalState *ret_state,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  gint64 seq;
  guint8 prev_hash[ABLAK_HASH_SIZE], hash[ABLAK_HASH_SIZE];
  guint8 schema[ABLAK_HASH_SIZE], sha256[ABLAK_HASH_SIZE];
  GBytes *payload; /* the caller's */
} AblakJournalEntry;
/* NOT_FOUND "not-found" when there is no such entry. */
bool ablak_journal_read(AblakTxn *txn, gint64 seq, AblakJournalEntry *ret_entry,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The JSON of a schema that entries were written under. Free with g_free. */
char *ablak_journal_read_schema(AblakTxn *txn, const guint8 id[ABLAK_HASH_SIZE],
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Inside a job: notes the acknowledgement, and removes acknowledged entries older than `tail_ms`,
 * but never the newest, at most 500 a call. */
bool ablak_journal_acknowledge(AblakTxn *txn, gint64 seq, gint64 tail_ms,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Inside a job: notes what of headquarters' journal has been applied. */
bool ablak_journal_set_applied(AblakTxn *txn, const char *generation, gint64 seq,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
