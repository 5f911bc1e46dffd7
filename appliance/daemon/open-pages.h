/* daemon/open-pages.h: what people have open (live pages, documents), so that it closes when they
 * lose the right to it: signed out, disabled, session over, other roles, visit ended.
 *
 * A page is authorised when it connects and may stay for hours; the check here repeats that every
 * few seconds. Ownership: a page is the connection's, which removes it when it closes. Main thread.
 */
#pragma once
#include "daemon/person.h"
#include "store/store.h"

typedef struct AblakOpenPages AblakOpenPages;

/* Whether the person's session still is what it was; `active`: something came from one of its pages
 * since the last check. An error leaves the page open. */
typedef bool (*AblakPageCheck)(AblakTxn *txn, const AblakPerson *person, bool active, gpointer app,
                               bool *ret_valid, GError **error);
/* Ends the connection; its removal may come later. */
typedef void (*AblakPageClose)(gpointer page, unsigned code, const char *reason);

AblakOpenPages *ablak_open_pages_new(AblakStore *store, AblakPageCheck check, gpointer app);
void ablak_open_pages_free(AblakOpenPages *pages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakOpenPages, ablak_open_pages_free)

/* `page` is the connection, and the key. `document_visit`: the visit whose document it is; NULL for
 * live pages. */
void ablak_open_pages_add(AblakOpenPages *pages, AblakPerson *person, const char *document_visit,
                          AblakPageClose close, gpointer page);
void ablak_open_pages_remove(AblakOpenPages *pages, gpointer page);
/* A person did something on it: that counts against being idle. */
void ablak_open_pages_used(AblakOpenPages *pages, gpointer page);

/* Closes with 1008. */
void ablak_open_pages_end_session(AblakOpenPages *pages, const char *session);
/* Closes the visit's documents with 4409, as if they had been filed. */
void ablak_open_pages_end_visit(AblakOpenPages *pages, const char *visit);
