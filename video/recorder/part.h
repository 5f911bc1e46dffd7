/* video/recorder/part.h: one Matroska file: frames of one party from when its tracks became these
 * until they change.
 *
 * A track's caps are those of its first frame: Matroska cannot change them, and VP8 and VP9 carry a
 * new picture size in their key frames. The muxer waits for a frame of each track before it writes,
 * on threads of its own; so a track that falls silent ends the part (party.c).
 *
 * Ownership: the file's writer is taken. Errors: "recordings/codec", "recordings/disk". */
#pragma once
#include "video/recorder/depay.h"
#include "video/recorder/seal.h"

typedef struct AblakPart AblakPart;

/* Where a player can begin: a cluster with a key frame first. */
typedef struct {
  gint64 at_ms;
  guint64 offset;
} AblakPartEntry;

/* Loads the elements' code, while files can be read. */
void ablak_part_load(void);
/* caps[track] NULL: the part has no such track. */
AblakPart *ablak_part_new(GstCaps *const caps[ABLAK_TRACKS], AblakSealWriter *file,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_part_push(AblakPart *part, AblakTrack track, GstBuffer *frame);
/* false: a frame of such caps needs another part. */
bool ablak_part_fits(const AblakPart *part, AblakTrack track, const GstCaps *caps);
/* The entries since the last call. AblakPartEntry; free with g_array_unref. */
GArray *ablak_part_entries(AblakPart *part);
/* Writes what is left and finishes the file. */
bool ablak_part_finish(AblakPart *part, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_part_free(AblakPart *part);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakPart, ablak_part_free)
/* "video/webm; codecs=\"vp8,opus\"" when browsers' media sources take it, else
 * "video/x-matroska". Free with g_free. */
char *ablak_part_media(const AblakPart *part);
