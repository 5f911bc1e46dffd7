/* box/recorder.h: makes what recordings' rows say: starts and stops recorders (video/recorder),
 * gives their files their names, deletes what is due or withdrawn. recordings/recordings.h says
 * when.
 *
 * Folder <state>/recordings, empty until somebody has consented:
 *   <recording>.key       the recording's key, wrapped by keys/recording.key. Destroying it first
 *                         destroys the recording, whatever happens to its files
 *   <recording>.N.part    files being written
 *   <sha256>              files of recordings that ended
 * Rows come before names: after a crash the parts that are there are finished, noted and named.
 *
 * Where headquarters' copies will be deleted, too: it learns of the deletion with the row; the
 * files do not travel yet. Main thread, but for ablak_recorders_key. */
#pragma once
#include "box/box.h"
#include <recordings/recordings.h>
#include <video/recorder/seal.h>

typedef struct AblakRecorders AblakRecorders;

/* Takes up what an earlier process left. */
AblakRecorders *ablak_recorders_new(AblakBranch *box, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Ends what runs and waits for it. */
void ablak_recorders_free(AblakRecorders *recorders);
/* A committed event that may concern recordings. */
void ablak_recorders_committed(AblakRecorders *recorders, const AblakEvent *event);

/* For replays; any thread. */
bool ablak_recorders_key(const AblakRecorders *recorders, const char *recording,
                         guint8 ret_key[ABLAK_SEAL_KEY_SIZE],
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Free with g_free. */
char *ablak_recorders_path(const AblakRecorders *recorders, const char *name);
