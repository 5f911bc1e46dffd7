/* Consent to being recorded: rows in the order they were said, and what they come to. */
#include "core/error.h"
#include "recordings/private.h"
#include <string.h>

/* What the rows of a visit come to. */
typedef struct {
  gint64 last; /* serial */
  bool asked;  /* and not answered since */
  bool refused;
  json_t *legal_basis; /* of the question */
  gint64 retention_days;
} Consents;

static void consents_clear(Consents *consents)
{
  json_decref(consents->legal_basis);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Consents, consents_clear)

static void consents_add(Consents *consents, AblakRows *rows)
{
  bool clerk = strcmp(ablak_rows_text(rows, 1), "clerk") == 0;
  const char *answer = ablak_rows_text(rows, 2);
  consents->last = ablak_rows_int(rows, 0);
  consents->asked = clerk && strcmp(answer, "yes") == 0;
  consents->refused = !clerk && strcmp(answer, "no") == 0;
  json_decref(consents->legal_basis);
  consents->legal_basis = ablak_rows_json(rows, 3);
  consents->retention_days = ablak_rows_int(rows, 4);
}

static bool consents_load(AblakTxn *txn, const char *visit_id, Consents *consents, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, &failure,
      "SELECT serial, party, answer, legal_basis, retention_days FROM recording_consent"
      " WHERE visit_id = ? ORDER BY serial",
      "t", visit_id);
  while (rows && ablak_rows_next(rows, &failure))
    consents_add(consents, rows);
  if (!failure)
    return true;
  g_propagate_error(error, g_steal_pointer(&failure));
  return false;
}

static bool consents_say(AblakTxn *txn, const Consents *consents, const AblakRecordingVisit *visit,
                         const char *party, const char *answer, const AblakRecordingTerms *terms,
                         GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO recording_consent (visit_id, serial, party, actor, answer,"
                        " legal_basis, retention_days, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        "tittt"
                        "jii",
                        visit->visit_id, consents->last + 1, party,
                        strcmp(party, "clerk") == 0 ? visit->clerk_id : "citizen", answer,
                        terms->legal_basis, terms->retention_days, ablak_txn_now_ms(txn));
}

static bool is_running(const AblakRecording *recording)
{
  return recording && strcmp(recording->state, "recording") == 0;
}

bool ablak_recording_ask(AblakTxn *txn, const AblakRecordingVisit *visit,
                         const AblakRecordingTerms *terms, GError **error)
{
  g_auto(Consents) consents = {0};
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRecording) last = ablak_recording_last(txn, visit->visit_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!terms) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "recordings/off", "the service %s is not recorded",
                    visit->service);
    return false;
  }
  if (is_running(last))
    return true;
  return consents_load(txn, visit->visit_id, &consents, error) &&
         consents_say(txn, &consents, visit, "clerk", "yes", terms, error) &&
         ablak_recording_event(txn, visit->visit_id, "recording.asked", visit->visit_id,
                               visit->clerk_id, NULL, error);
}

bool ablak_recording_answer(AblakTxn *txn, const AblakRecordingVisit *visit, bool yes,
                            GError **error)
{
  g_auto(Consents) consents = {0};
  g_autoptr(json_t) data = json_pack("{s:s}", "answer", yes ? "yes" : "no");
  if (!consents_load(txn, visit->visit_id, &consents, error))
    return false;
  if (!consents.asked) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "recordings/not-asked",
                    "nobody asks to record the visit %s now", visit->visit_id);
    return false;
  }
  const AblakRecordingTerms terms = {consents.legal_basis, consents.retention_days};
  return consents_say(txn, &consents, visit, "citizen", yes ? "yes" : "no", &terms, error) &&
         ablak_recording_event(txn, visit->visit_id, "recording.answered", visit->visit_id,
                               "citizen", data, error) &&
         (!yes || ablak_recording_begin(txn, visit, &terms, error));
}

bool ablak_recording_withdraw(AblakTxn *txn, const AblakRecordingVisit *visit, const char *party,
                              bool keep, GError **error)
{
  g_auto(Consents) consents = {0};
  g_autoptr(GError) failure = NULL;
  g_autoptr(json_t) data = json_pack("{s:s}", "party", party);
  bool clerk = strcmp(party, "clerk") == 0;
  const char *actor = clerk ? visit->clerk_id : "citizen";
  g_autoptr(AblakRecording) last = ablak_recording_last(txn, visit->visit_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  bool deletes = !clerk && !keep && last && strcmp(last->state, "deleted") != 0;
  if (!is_running(last) && !deletes) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "recordings/not-running",
                    "the visit %s is not being recorded", visit->visit_id);
    return false;
  }
  const AblakRecordingTerms terms = {last->legal_basis, last->retention_days};
  if (!consents_load(txn, visit->visit_id, &consents, error) ||
      !consents_say(txn, &consents, visit, party, "withdrawn", &terms, error) ||
      !ablak_recording_event(txn, visit->visit_id, "recording.withdrawn", visit->visit_id, actor,
                             data, error))
    return false;
  if (deletes)
    return ablak_recording_delete(txn, last->id, "withdrawn", actor, error);
  return ablak_recording_event(txn, visit->visit_id, "recording.stopped", last->id, actor, NULL,
                               error);
}

char *ablak_recording_state(AblakTxn *txn, const char *visit_id, AblakRecording **ret_recording,
                            GError **error)
{
  g_auto(Consents) consents = {0};
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRecording) last = ablak_recording_last(txn, visit_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  if (!consents_load(txn, visit_id, &consents, error))
    return NULL;
  *ret_recording = g_steal_pointer(&last);
  /* A later question or refusal stands before an earlier recording. */
  if (consents.asked)
    return g_strdup("asked");
  if (consents.refused)
    return g_strdup("refused");
  return g_strdup(*ret_recording ? (*ret_recording)->state : "off");
}
