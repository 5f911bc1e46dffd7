/* recordings/private.h: what consent.c and recordings.c share. */
#pragma once
#include "recordings/recordings.h"

bool ablak_recording_event(AblakTxn *txn, const char *visit_id, const char *kind,
                           const char *subject, const char *actor, json_t *data,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The visit's last one; NULL without an error when there is none. */
AblakRecording *ablak_recording_last(AblakTxn *txn, const char *visit_id, GError **error);
bool ablak_recording_begin(AblakTxn *txn, const AblakRecordingVisit *visit,
                           const AblakRecordingTerms *terms,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
