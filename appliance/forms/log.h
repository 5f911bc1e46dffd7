/* forms/log.h: the log of a document, in the store. Private to this folder.
 *
 * What is written goes to the end of draft_tail, which all documents share; draft_update has what
 * was merged into one row, or brought home row by row. A log is the rows of draft_update and behind
 * them those of draft_tail with a greater serial. draft_in_tail says who has such rows, and from
 * where on: it is written in the same transactions, so that whoever reads finds everything at
 * any moment, also after a crash. What somebody remembers of the places in draft_tail only saves
 * the search, and is checked: numbers begin anew when the table was empty. */
#pragma once
#include "forms/coedit/ydoc.h"
#include "store/store.h"

/* What is known of a log between two readings. Zeroes: nothing. */
typedef struct {
  gint64 home;  /* the last serial in draft_update */
  GArray *tail; /* gint64: the numbers in draft_tail of home + 1, home + 2, …; NULL: none */
} AblakDraftLog;

typedef struct {
  gint64 serial;                /* of the last row */
  guint rows;                   /* all of them */
  gsize home_bytes, tail_bytes; /* of their updates, in draft_update and in draft_tail */
} AblakDraftLogSize;

void ablak_draft_log_clear(AblakDraftLog *log);
/* A row that was committed; what is home already is passed over. */
void ablak_draft_log_note(AblakDraftLog *log, gint64 serial, gint64 seq);
/* Everything up to this serial is home. */
void ablak_draft_log_note_home(AblakDraftLog *log, gint64 serial);

/* Applies the whole log. `log` (may be NULL) is what is known, and is right afterwards. */
bool ablak_draft_log_load(AblakTxn *txn, const char *draft_id, const char *audience, AblakYdoc *doc,
                          AblakDraftLog *log, AblakDraftLogSize *ret_size, GError **error);

/* Appends to draft_tail; `ret_seq` is the row's number in it. */
bool ablak_draft_log_append(AblakTxn *txn, const char *draft_id, const char *audience,
                            gint64 serial, GBytes *update, const char *actor, gint64 *ret_seq,
                            GError **error);
/* The document's state takes the place of its rows; `serial` is the last one of the whole log. */
bool ablak_draft_log_merge(AblakTxn *txn, const char *draft_id, const char *audience, gint64 serial,
                           GBytes *state, GError **error);
/* Brings the rows into draft_update as they are: of one document, or of all. */
bool ablak_draft_log_bring_home(AblakTxn *txn, const char *draft_id, const char *audience,
                                GError **error);
bool ablak_draft_log_bring_all_home(AblakTxn *txn, GError **error);

typedef struct {
  char *draft_id;
  char *audience;
} AblakDraftLaggard;
void ablak_draft_laggard_free(gpointer laggard);

/* Deletes up to `rows_at_once` dead rows at the front. `ret_laggards`: new array of the documents
 * whose rows keep more than `rows_max` in draft_tail, the last first, some of them. */
bool ablak_draft_log_trim(AblakTxn *txn, gint64 rows_at_once, gint64 rows_max,
                          GPtrArray **ret_laggards, GError **error);
