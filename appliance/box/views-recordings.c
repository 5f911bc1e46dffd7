/* A recording as the interface gives it, and who watched it. */
#include "box/views.h"
#include "core/error.h"
#include "daemon/times.h"

/* The number the client was called by; NULL without an error when there was none. */
static bool load_ticket(AblakTxn *txn, const char *visit_id, AblakTicket **ret_ticket,
                        GError **error)
{
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, visit_id, error);
  *ret_ticket = NULL;
  return visit && (!visit->ticket_id ||
                   (*ret_ticket = ablak_queue_ticket(txn, visit->ticket_id, error)) != NULL);
}

json_t *ablak_view_recording(AblakTxn *txn, const AblakBranch *box, const AblakRecording *recording,
                             GError **error)
{
  g_autoptr(AblakTicket) ticket = NULL;
  g_autoptr(AblakStaff) clerk = ablak_staff_load(txn, recording->clerk_id, NULL);
  const char *why = *recording->deleted_why ? recording->deleted_why : NULL;
  if (!load_ticket(txn, recording->visit_id, &ticket, error))
    return NULL;
  return json_pack(
      "{s:s, s:s, s:s, s:o, s:s?, s:s?, s:s, s:O, s:I, s:o, s:o, s:o, s:o, s:s?}", "id",
      recording->id, "visitId", recording->visit_id, "service", recording->service, "serviceName",
      ablak_view_service_name(box, recording->service), "ticketNumber",
      ticket ? ticket->number : NULL, "clerk", clerk ? clerk->name : NULL, "state",
      recording->state, "legalBasis", recording->legal_basis, "retentionDays",
      (json_int_t)recording->retention_days, "startedAt", ablak_json_time(recording->started_ms),
      "endedAt", ablak_json_time(recording->ended_ms), "deleteAt",
      ablak_json_time(recording->delete_ms), "deletedAt", ablak_json_time(recording->deleted_ms),
      "deletedWhy", why);
}

json_t *ablak_view_replays(AblakTxn *txn, const char *recording_id, GError **error)
{
  g_autoptr(GPtrArray) replays = ablak_recording_replays(txn, recording_id, error);
  if (!replays)
    return NULL;
  json_t *all = json_array();
  for (guint i = 0; i < replays->len; i++) {
    const AblakReplay *replay = replays->pdata[i];
    g_autoptr(AblakStaff) who = ablak_staff_load(txn, replay->staff_id, NULL);
    json_array_append_new(all, json_pack("{s:s, s:s?, s:s, s:o}", "id", replay->id, "by",
                                         who ? who->name : NULL, "reason", replay->reason, "at",
                                         ablak_json_time(replay->at_ms)));
  }
  return all;
}
