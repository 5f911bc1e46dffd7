/* box/recorder-process.h: one ablak-recorder, from its start to its exit. Private to recorder*.c.
 */
#pragma once
#include <gio/gio.h>
#include <glib.h>
#include <stdbool.h>

typedef struct AblakRecorderProcess AblakRecorderProcess;
typedef struct {
  const char *program, *folder, *recording;
  const guint8 *key;
} AblakRecorderStart;
/* `whole`: it ended by itself and well. Called once, from the main loop. */
typedef void (*AblakRecorderExit)(bool whole, gpointer data);

AblakRecorderProcess *ablak_recorder_process_new(const AblakRecorderStart *start,
                                                 AblakRecorderExit on_exit, gpointer data,
                                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Kills it if it runs. Its exit is not told any more. */
void ablak_recorder_process_free(AblakRecorderProcess *process);
/* Where packets go (video/tap.h); -1 once it was told to stop. */
int ablak_recorder_process_tap(const AblakRecorderProcess *process);
/* A line of the recording: a message of the form's document. */
void ablak_recorder_process_edit(AblakRecorderProcess *process, const void *message, gsize size);
/* Nothing from now on is recorded; it is killed when it takes too long over the rest. */
void ablak_recorder_process_stop(AblakRecorderProcess *process);
void ablak_recorder_process_kill(AblakRecorderProcess *process);
/* The same as stop, and waits. */
void ablak_recorder_process_finish(AblakRecorderProcess *process);
