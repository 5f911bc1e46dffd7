/* recordings/recordings.h: who consented to being recorded, and what was recorded.
 *
 * A visit's recording, as the pages see it (AblakRecordingState):
 *   off -> asked -> refused                  refusing ends it; the clerk may ask again
 *            \-> recording -> kept           ended with the visit, or by somebody who keeps it
 *                    \-> interrupted         the recorder failed; what there is, is kept
 *                    \-> deleted             withdrawn: at once, unless what there is may stay
 * Asking is the clerk's own consent. Each answer is a row, which keeps the terms it was given on,
 * and an event of the visit: "recording.asked", "recording.answered" {answer},
 * "recording.withdrawn" {party}; then "recording.began", "recording.stopped", "recording.ended",
 * "recording.deleted" {why}, whose subject is the recording. What follows them (processes, keys,
 * files) is box/recorder.
 *
 * Only the citizen can have deleted what was recorded until a withdrawal; the clerk's own stops the
 * recording and leaves that choice to the citizen. A supervisor may delete one that is kept.
 *
 * Plain functions over a transaction. Durability: with it. Ownership: results are the caller's.
 * Errors: CONFLICT "recordings/off" (the service has no terms), "recordings/not-asked",
 * "recordings/not-running", "recordings/deleted"; NOT_FOUND "recordings/unknown". */
#pragma once
#include "core/json.h"
#include "store/store.h"
#include <glib.h>
#include <stdbool.h>

extern const AblakStorePart ablak_recordings_store_part;

typedef struct {
  const json_t *legal_basis; /* {"title": text by language, "reference"} */
  gint64 retention_days;
} AblakRecordingTerms;

typedef struct {
  char *id, *visit_id, *service, *clerk_id, *state, *deleted_why;
  json_t *legal_basis;
  gint64 retention_days, started_ms, ended_ms, delete_ms, deleted_ms; /* 0: not yet */
} AblakRecording;
void ablak_recording_free(AblakRecording *recording);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakRecording, ablak_recording_free)

typedef struct {
  const char *visit_id, *service, *clerk_id;
} AblakRecordingVisit;

/* --- consent ---------------------------------------------------------------------------------- */

/* `terms` NULL: "recordings/off". While one is running nothing changes. */
bool ablak_recording_ask(AblakTxn *txn, const AblakRecordingVisit *visit,
                         const AblakRecordingTerms *terms,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The citizen's. A yes on the terms of the question begins a recording. */
bool ablak_recording_answer(AblakTxn *txn, const AblakRecordingVisit *visit, bool yes,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* `party` "citizen" or "clerk". Without `keep` the recording is deleted, also one of this visit
 * that has ended already; that is the citizen's choice alone. */
bool ablak_recording_withdraw(AblakTxn *txn, const AblakRecordingVisit *visit, const char *party,
                              bool keep, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* New: {"state", "recordingId"?, "startedAt"?…}: the last recording's state or, before one, the
 * question's; "off" when nothing was asked. */
char *ablak_recording_state(AblakTxn *txn, const char *visit_id, AblakRecording **ret_recording,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- what was recorded ------------------------------------------------------------------------ */

typedef struct {
  gint64 part, size;
  char sha256[65];
} AblakRecordingFile;

/* The recorder's end: the files there are. Of one that was deleted meanwhile nothing is noted, and
 * *ret_kept is false: remove them. */
bool ablak_recording_finish(AblakTxn *txn, const char *id, const GArray *files, bool whole,
                            bool *ret_kept, GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_recording_delete(AblakTxn *txn, const char *id, const char *why, const char *actor,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakRecording *ablak_recording_load(AblakTxn *txn, const char *id,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* AblakRecording, newest first. `state` NULL: any; `due_ms` 0: any time, else to be deleted by
 * then; `clerk_id` NULL: anyone's. */
GPtrArray *ablak_recordings_list(AblakTxn *txn, const char *state, gint64 due_ms,
                                 const char *clerk_id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* AblakRecordingFile, by part; also those a deleted recording had. */
GArray *ablak_recording_files(AblakTxn *txn, const char *id,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The recording that a file belongs to; NULL without an error when none does. */
AblakRecording *ablak_recording_of_file(AblakTxn *txn, const char *sha256, GError **error);

/* --- replays ---------------------------------------------------------------------------------- */

typedef struct {
  char *id, *staff_id, *reason;
  gint64 at_ms;
} AblakReplay;
void ablak_replay_free(AblakReplay *replay);

/* A row, and the event "recording.replayed" to the topic "desk", before anything is shown. `reason`
 * is what the person said; the event does not repeat it. CONFLICT "recordings/deleted" when there
 * is nothing left to watch. */
bool ablak_recording_replay(AblakTxn *txn, const char *id, const char *staff_id, const char *reason,
                            char **ret_replay, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* AblakReplay, newest first: who watched it. */
GPtrArray *ablak_recording_replays(AblakTxn *txn, const char *id,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The recording of a replay that this person began since `since_ms`. Free with g_free. */
char *ablak_recording_of_replay(AblakTxn *txn, const char *replay, const char *staff_id,
                                gint64 since_ms, GError **error) G_GNUC_WARN_UNUSED_RESULT;
