/* Recordings: their rows from the first yes to the deletion, and who watched them. */
#include "core/error.h"
#include "core/id.h"
#include "recordings/private.h"
#include <string.h>

#define DAY_MS ((gint64)24 * 60 * 60 * 1000)
#define COLUMNS                                                                                    \
  "id, visit_id, service, clerk_id, state, deleted_why, legal_basis, retention_days, started_at,"  \
  " ended_at, delete_at, deleted_at"

void ablak_recording_free(AblakRecording *recording)
{
  if (!recording)
    return;
  g_free(recording->id);
  g_free(recording->visit_id);
  g_free(recording->service);
  g_free(recording->clerk_id);
  g_free(recording->state);
  g_free(recording->deleted_why);
  json_decref(recording->legal_basis);
  g_free(recording);
}

static AblakRecording *from_row(AblakRows *rows)
{
  AblakRecording *recording = g_new0(AblakRecording, 1);
  recording->id = g_strdup(ablak_rows_text(rows, 0));
  recording->visit_id = g_strdup(ablak_rows_text(rows, 1));
  recording->service = g_strdup(ablak_rows_text(rows, 2));
  recording->clerk_id = g_strdup(ablak_rows_text(rows, 3));
  recording->state = g_strdup(ablak_rows_text(rows, 4));
  recording->deleted_why = g_strdup(ablak_rows_text(rows, 5));
  recording->legal_basis = ablak_rows_json(rows, 6);
  recording->retention_days = ablak_rows_int(rows, 7);
  recording->started_ms = ablak_rows_int(rows, 8);
  recording->ended_ms = ablak_rows_int(rows, 9);
  recording->delete_ms = ablak_rows_int(rows, 10);
  recording->deleted_ms = ablak_rows_int(rows, 11);
  return recording;
}

bool ablak_recording_event(AblakTxn *txn, const char *visit_id, const char *kind,
                           const char *subject, const char *actor, json_t *data, GError **error)
{
  g_autofree char *topic = g_strconcat("visit:", visit_id, NULL);
  return ablak_event_append(txn, topic, kind, subject, actor, data, error);
}

AblakRecording *ablak_recording_last(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(txn, error,
                                              "SELECT " COLUMNS " FROM recording WHERE visit_id = ?"
                                              " ORDER BY started_at DESC, id DESC LIMIT 1",
                                              "t", visit_id);
  return rows && ablak_rows_next(rows, error) ? from_row(rows) : NULL;
}

AblakRecording *ablak_recording_load(AblakTxn *txn, const char *id, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, &failure, "SELECT " COLUMNS " FROM recording WHERE id = ?", "t", id);
  if (rows && ablak_rows_next(rows, &failure))
    return from_row(rows);
  if (failure)
    g_propagate_error(error, g_steal_pointer(&failure));
  else
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "recordings/unknown", "there is no recording %s",
                    id);
  return NULL;
}

bool ablak_recording_begin(AblakTxn *txn, const AblakRecordingVisit *visit,
                           const AblakRecordingTerms *terms, GError **error)
{
  g_autofree char *id = ablak_id_new();
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO recording (id, visit_id, service, clerk_id, legal_basis,"
                        " retention_days, state, started_at)"
                        " VALUES (?, ?, ?, ?, ?, ?, 'recording', ?)",
                        "ttttjii", id, visit->visit_id, visit->service, visit->clerk_id,
                        terms->legal_basis, terms->retention_days, ablak_txn_now_ms(txn)) &&
         ablak_recording_event(txn, visit->visit_id, "recording.began", id, "citizen", NULL, error);
}

static bool note_files(AblakTxn *txn, const char *id, const GArray *files, GError **error)
{
  for (guint i = 0; i < files->len; i++) {
    const AblakRecordingFile *file = &g_array_index(files, AblakRecordingFile, i);
    if (!ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO recording_file (recording_id, part, sha256, size)"
                        " VALUES (?, ?, ?, ?)",
                        "titi", id, file->part, file->sha256, file->size))
      return false;
  }
  return true;
}

bool ablak_recording_finish(AblakTxn *txn, const char *id, const GArray *files, bool whole,
                            bool *ret_kept, GError **error)
{
  g_autoptr(AblakRecording) recording = ablak_recording_load(txn, id, error);
  gint64 now_ms = ablak_txn_now_ms(txn);
  if (!recording)
    return false;
  *ret_kept = strcmp(recording->state, "recording") == 0;
  return !*ret_kept || (note_files(txn, id, files, error) &&
                        ablak_txn_exec(txn, NULL, error,
                                       "UPDATE recording SET state = ?, ended_at = ?, delete_at = ?"
                                       " WHERE id = ?",
                                       "tiit", whole ? "kept" : "interrupted", now_ms,
                                       now_ms + recording->retention_days * DAY_MS, id) &&
                        ablak_recording_event(txn, recording->visit_id, "recording.ended", id,
                                              "system", NULL, error));
}

bool ablak_recording_delete(AblakTxn *txn, const char *id, const char *why, const char *actor,
                            GError **error)
{
  g_autoptr(AblakRecording) recording = ablak_recording_load(txn, id, error);
  g_autoptr(json_t) data = json_pack("{s:s}", "why", why);
  if (!recording)
    return false;
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE recording SET state = 'deleted', deleted_at = ?, deleted_why = ?,"
                        " ended_at = CASE ended_at WHEN 0 THEN ? ELSE ended_at END"
                        " WHERE id = ? AND state <> 'deleted'",
                        "itit", ablak_txn_now_ms(txn), why, ablak_txn_now_ms(txn), id) &&
         ablak_recording_event(txn, recording->visit_id, "recording.deleted", id, actor, data,
                               error);
}

GPtrArray *ablak_recordings_list(AblakTxn *txn, const char *state, gint64 due_ms,
                                 const char *clerk_id, GError **error)
{
  g_autoptr(GPtrArray) all =
      g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))ablak_recording_free);
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, &failure,
      "SELECT " COLUMNS " FROM recording WHERE (?1 IS NULL OR state = ?1)"
      " AND (?2 = 0 OR (delete_at > 0 AND delete_at <= ?2 AND state <> 'deleted'))"
      " AND (?3 IS NULL OR clerk_id = ?3) ORDER BY started_at DESC, id DESC LIMIT 500",
      "tit", state, due_ms, clerk_id);
  while (rows && ablak_rows_next(rows, &failure))
    g_ptr_array_add(all, from_row(rows));
  if (!failure)
    return g_steal_pointer(&all);
  g_propagate_error(error, g_steal_pointer(&failure));
  return NULL;
}

GArray *ablak_recording_files(AblakTxn *txn, const char *id, GError **error)
{
  g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(AblakRecordingFile));
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, &failure,
                      "SELECT part, size, sha256 FROM recording_file WHERE recording_id = ?"
                      " ORDER BY part",
                      "t", id);
  while (rows && ablak_rows_next(rows, &failure)) {
    AblakRecordingFile file = {ablak_rows_int(rows, 0), ablak_rows_int(rows, 1), ""};
    g_strlcpy(file.sha256, ablak_rows_text(rows, 2), sizeof file.sha256);
    g_array_append_val(files, file);
  }
  if (!failure)
    return g_steal_pointer(&files);
  g_propagate_error(error, g_steal_pointer(&failure));
  return NULL;
}

AblakRecording *ablak_recording_of_file(AblakTxn *txn, const char *sha256, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT " COLUMNS " FROM recording WHERE id IN"
                      " (SELECT recording_id FROM recording_file WHERE sha256 = ?)",
                      "t", sha256);
  return rows && ablak_rows_next(rows, error) ? from_row(rows) : NULL;
}

void ablak_replay_free(AblakReplay *replay)
{
  if (!replay)
    return;
  g_free(replay->id);
  g_free(replay->staff_id);
  g_free(replay->reason);
  g_free(replay);
}

bool ablak_recording_replay(AblakTxn *txn, const char *id, const char *staff_id, const char *reason,
                            char **ret_replay, GError **error)
{
  g_autofree char *replay = ablak_id_new();
  g_autoptr(AblakRecording) recording = ablak_recording_load(txn, id, error);
  if (!recording)
    return false;
  if (strcmp(recording->state, "deleted") == 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "recordings/deleted", "%s has been deleted", id);
    return false;
  }
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO recording_replay (id, recording_id, staff_id, at, reason)"
                      " VALUES (?, ?, ?, ?, ?)",
                      "tttit", replay, id, staff_id, ablak_txn_now_ms(txn), reason) ||
      !ablak_event_append(txn, "desk", "recording.replayed", id, staff_id, NULL, error))
    return false;
  *ret_replay = g_steal_pointer(&replay);
  return true;
}

static AblakReplay *replay_from_row(AblakRows *rows)
{
  AblakReplay *replay = g_new0(AblakReplay, 1);
  replay->id = g_strdup(ablak_rows_text(rows, 0));
  replay->staff_id = g_strdup(ablak_rows_text(rows, 1));
  replay->reason = g_strdup(ablak_rows_text(rows, 2));
  replay->at_ms = ablak_rows_int(rows, 3);
  return replay;
}

GPtrArray *ablak_recording_replays(AblakTxn *txn, const char *id, GError **error)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_replay_free);
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, &failure,
                      "SELECT id, staff_id, reason, at FROM recording_replay WHERE recording_id = ?"
                      " ORDER BY at DESC, id DESC",
                      "t", id);
  while (rows && ablak_rows_next(rows, &failure))
    g_ptr_array_add(all, replay_from_row(rows));
  if (!failure)
    return g_steal_pointer(&all);
  g_propagate_error(error, g_steal_pointer(&failure));
  return NULL;
}

char *ablak_recording_of_replay(AblakTxn *txn, const char *replay, const char *staff_id,
                                gint64 since_ms, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, &failure,
      "SELECT recording_id FROM recording_replay WHERE id = ? AND staff_id = ? AND at >= ?", "tti",
      replay, staff_id, since_ms);
  if (rows && ablak_rows_next(rows, &failure))
    return g_strdup(ablak_rows_text(rows, 0));
  if (failure)
    g_propagate_error(error, g_steal_pointer(&failure));
  else
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "recordings/unknown",
                    "there is no such replay of yours");
  return NULL;
}
