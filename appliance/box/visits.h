/* box/visits.h: a visit joins the queue's visit, the draft of its form and its citizens' sessions.
 */
#pragma once
#include "box/box.h"
#include "daemon/handler.h"
#include <queue/queue.h>

/* The forms of one edition's services. Immutable, counted atomically: the main thread makes it,
 * jobs on the writer thread read it. */
typedef struct AblakServiceForms AblakServiceForms;
AblakServiceForms *ablak_box_forms_now(AblakBranch *box);
AblakServiceForms *ablak_box_forms_ref(AblakServiceForms *forms);
void ablak_box_forms_unref(AblakServiceForms *forms);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakServiceForms, ablak_box_forms_unref)
/* Reads them again from the current edition; main thread. */
AblakServiceForms *ablak_box_forms_load(AblakBranch *box);

/* In one transaction: the visit and its empty draft. */
bool ablak_box_open_visit(AblakTxn *txn, AblakServiceForms *forms, const AblakVisitNew *visit,
                          char **ret_visit_id, GError **error);

/* Finishes the ticket of the call's path by `close`, and ends the citizen's access to its visit. */
typedef bool (*AblakCloseTicket)(AblakTxn *txn, const char *ticket_id, const char *actor,
                                 GError **error);
bool ablak_box_close_ticket(AblakTxn *txn, AblakCall *call, AblakCloseTicket close, GError **error);

/* Whether this person may act in that visit: its citizen, its guests, its
 * clerk, or a supervisor. FORBIDDEN
 * "queue/not-yours" otherwise. */
bool ablak_box_may_visit(const AblakPerson *person, const AblakVisit *visit, GError **error);
/* CONFLICT "queue/visit-ended" once it has ended, which leaves nothing but looking back. */
bool ablak_box_require_open(const AblakVisit *visit, GError **error);
/* By a fresh snapshot; false also when it cannot be told. */
bool ablak_box_visit_goes_on(AblakBranch *box, const char *visit_id);
/* Whether somebody waits for this visit, which is not there yet. As above. */
bool ablak_box_visit_is_awaited(AblakBranch *box, const char *visit_id);
/* The same for a subscription, by a fresh snapshot. */
bool ablak_box_may_see_visit(AblakBranch *box, const AblakPerson *person, const char *visit_id);
/* Whose a page of this person is in that visit (box/presence.h), by a fresh snapshot. What tells a
 * supervisor from another says nothing of who it is: citizens hear it, too. Free with g_free. */
char *ablak_box_party_of(AblakBranch *box, const AblakPerson *person, const char *visit_id);
