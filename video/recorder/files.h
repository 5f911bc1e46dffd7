/* video/recorder/files.h: the files of one recording while it is made.
 *
 * "<recording>.0.part" is its table of contents, JSON lines on the timeline (`t`, ms):
 *   {"type":"begin","at":WALL_MS,"parties":["citizen","clerk"]}
 *   {"type":"part","t","part","party","media"}       file N holds this party from t on
 *   {"type":"cluster","t","part","offset"}           a player may begin here for t
 *   {"type":"end","t","part"}
 *   {"type":"edit","t",…}                            of the form, as ablakd gave it
 *   {"type":"missed","t","party","packets"}          in all; dropped on the way here, or never come
 *   {"type":"stop","t"}
 * and blank lines. "<recording>.N.part" are Matroska. ablakd gives them their names when the
 * process has ended. Main thread. */
#pragma once
#include "core/json.h"
#include "video/recorder/seal.h"

typedef struct AblakFiles AblakFiles;
AblakFiles *ablak_files_new(const char *folder, const char *recording,
                            const guint8 key[ABLAK_SEAL_KEY_SIZE], gint64 origin_us,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_files_free(AblakFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakFiles, ablak_files_free)

AblakSealWriter *ablak_files_part(AblakFiles *files, guint *ret_number,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A line of the table of contents; takes `line`. What cannot be written is logged, and said by
 * ablak_files_finish. */
void ablak_files_say(AblakFiles *files, gint64 t_ms, const char *type, json_t *line);
/* On the timeline. */
gint64 ablak_files_ms(const AblakFiles *files, gint64 at_us);
gint64 ablak_files_origin_us(const AblakFiles *files);
/* Lines said so far outlive a crash. */
void ablak_files_flush(AblakFiles *files);
bool ablak_files_finish(AblakFiles *files, GError **error) G_GNUC_WARN_UNUSED_RESULT;
