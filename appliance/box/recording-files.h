/* box/recording-files.h: the files of recordings on disk. Any thread; each recording one at a time.
 */
#pragma once
#include <glib.h>
#include <recordings/recordings.h>
#include <stdbool.h>

/* Finishes what a recorder left unfinished: AblakRecordingFile for each part that is there. Waits
 * for a recorder that still writes. */
GArray *ablak_recording_files_adopt(const char *folder, const char *recording, const guint8 *key,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Parts get the names that their rows say. Durable when it returns true. */
bool ablak_recording_files_name(const char *folder, const char *recording, const GArray *files,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Key first, then parts, then `files` (may be NULL). */
void ablak_recording_files_erase(const char *folder, const char *recording, const GArray *files);
