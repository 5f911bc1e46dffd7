/* box/views.h: rows as the interface gives them (components of openapi.json). New references. */
#pragma once
#include "box/box.h"
#include <filings/filings.h>
#include <forms/forms.h>
#include <queue/queue.h>
#include <recordings/recordings.h>

/* For functions whose NULL means "none": true when it meant a failure, which goes on to `error`.
 * Clears *failure. */
bool ablak_view_failed(GError **failure, GError **error);

json_t *ablak_view_ticket(AblakTxn *txn, const AblakBranch *box, const AblakTicket *ticket,
                          GError **error);
/* An array of tickets for the desk: without estimates, with places. */
json_t *ablak_view_tickets(AblakTxn *txn, GPtrArray *tickets, GError **error);
json_t *ablak_view_visit(AblakTxn *txn, const AblakBranch *box, const AblakVisit *visit,
                         GError **error);
/* Component Completion; null when there is none. `filing` is what it is to complete. */
json_t *ablak_view_completion(const AblakCompletion *completion, const AblakFiling *filing);
/* The service's names by language; an empty object when the edition no longer has it. */
json_t *ablak_view_service_name(const AblakBranch *box, const char *service);
/* The service's terms ("legalBasis", "retentionDays"); NULL: it is never recorded. */
json_t *ablak_view_recording_terms(const AblakBranch *box, const char *service);
/* Component RecordingConsent. */
json_t *ablak_view_recording_consent(AblakTxn *txn, const AblakBranch *box, const AblakVisit *visit,
                                     GError **error);
/* Component Message. */
json_t *ablak_view_message(const AblakVisitMessage *message);
/* Component Recording. */
json_t *ablak_view_recording(AblakTxn *txn, const AblakBranch *box, const AblakRecording *recording,
                             GError **error);
/* An array of ReplayLogEntry, newest first. */
json_t *ablak_view_replays(AblakTxn *txn, const char *recording_id, GError **error);
json_t *ablak_view_me(AblakTxn *txn, const AblakPerson *person, gpointer box, GError **error);
