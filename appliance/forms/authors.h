/* forms/authors.h: who wrote what in one document of a draft. Private to this folder.
 *
 * Every field has its last author. A text has besides the others who wrote in it, a plain value the
 * one it took the place of, when that was another person's: last writer wins, and both are shown.
 * Fields of rows belong to the row and go with it; their paths are worked out when they are told.
 *
 * What changes here is news until it was taken for the store and for the connections. Times are UTC
 * ms; the time of an author who goes on is brought up to date every 30 s, not with every key.
 * Ownership: an AblakAuthors keeps a reference to the form. Threads: one at a time. */
#pragma once
#include "forms/private.h"

typedef struct {
  const char *kind, *id;
} AblakActor;

typedef struct AblakAuthors AblakAuthors;

AblakAuthors *ablak_authors_new(AblakForm *form, bool office);
void ablak_authors_free(AblakAuthors *authors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakAuthors, ablak_authors_free)

/* --- what happens (unknown paths are passed over) ----------------------------------------------
 */

/* `length` is what the text holds now, `inserted` what of it came just now. */
void ablak_authors_typed(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms,
                         guint64 length, guint64 inserted);
/* NULL and JSON null: the field is empty. `concurrent`: the writer had not seen `before`. */
void ablak_authors_set(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms,
                       const json_t *before, const json_t *now, bool concurrent);
/* `lost` was written without knowledge of `stands`, which took its place. */
void ablak_authors_lost(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms,
                        const json_t *lost, const json_t *stands);
/* Rows of the group at `path` came or went by somebody's hand. */
void ablak_authors_moved(AblakAuthors *authors, const char *path, AblakActor by, gint64 now_ms);
/* Reads the order of the rows anew. What belonged to a row that is gone is forgotten; when
 * somebody's removal was undone the rows are copies in the old order, and what belonged to the old
 * ones goes over to them. */
void ablak_authors_read_rows(AblakAuthors *authors, AblakYdoc *doc);

/* --- what is told ------------------------------------------------------------------------------
 */

/* New: what changed since the last time, as objects {"path", "kind", "id", "at" (UTC ms), "others",
 * "previous"} without any receiver's view; NULL: nothing. `ret_complete`: it is everything, for
 * paths changed their meaning. */
json_t *ablak_authors_take_news(AblakAuthors *authors, bool *ret_complete);
/* New: all of them in that form. */
json_t *ablak_authors_all(const AblakAuthors *authors);
/* New: the same for one receiver: {"path", "kind", "id", "you", "at", "others", "previous"}, the
 * component DraftAuthor of the interface. Citizens do not learn which clerk it was. */
json_t *ablak_authors_for(const json_t *list, AblakActor receiver);

/* --- in the store ------------------------------------------------------------------------------
 */

/* Reads those of an audience; `doc` must hold what the log holds. */
bool ablak_authors_load(AblakAuthors *authors, AblakYdoc *doc, AblakTxn *txn, const char *draft_id,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What ablak_authors_take_news gave, for a job. */
typedef struct {
  bool office;
  bool complete;
  json_t *list;
} AblakAuthorsWrite;
void ablak_authors_write_free(gpointer write);
bool ablak_authors_store(AblakTxn *txn, const char *draft_id, const AblakAuthorsWrite *write,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
