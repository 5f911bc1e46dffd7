/* hq/publish.h: what headquarters decides goes out to the boxes: staff and editions.
 *
 * Used by the daemon and by the command line, which may run beside it on the same database.
 * Durability: the job's or the call's commit. */
#pragma once
#include "core/crypto.h"
#include "store/store.h"
#include <glib.h>
#include <stdbool.h>

extern const AblakStorePart ablak_hq_store_part;
/* Everything in headquarters' database, NULL-terminated. */
extern const AblakStorePart *const ablak_hq_store_parts[];

/* Inside a job: adds or changes people (ablak_staff_from_csv) and sends every box the staff. */
bool ablak_publish_staff(AblakTxn *txn, GPtrArray *people, gsize *ret_added, gsize *ret_changed,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Inside a job: lets a person in no more, or again, here and at every box. NOT_FOUND
 * "accounts/no-such-person". */
bool ablak_publish_disabled(AblakTxn *txn, const char *login, bool disabled, const char *actor,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A built and signed edition on its way into the database. */
typedef struct AblakPublication AblakPublication;
/* Blocking, any thread: builds edition `number` from the sources in the directories into
 * <state>/editions, and signs its manifest. */
AblakPublication *ablak_publication_new(const char *state, const char *const *directories,
                                        gint64 number, AblakSigner *signer,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_publication_free(AblakPublication *publication);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakPublication, ablak_publication_free)
/* Inside a job: sends it to every box. CONFLICT "kb/older" when another was published meanwhile. */
bool ablak_publication_write(AblakTxn *txn, AblakPublication *publication,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The number the next edition gets. */
gint64 ablak_publication_next(AblakTxn *txn, GError **error);
/* Array of component Edition, newest first. */
json_t *ablak_publications(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;
