/* store/blobs.h: files kept by what is in them (SHA-256), in a folder beside the database.
 *
 * A file comes in piece by piece under a name of the caller's (an id, never text from outside) and
 * is then kept: written through, and moved into its place in one step, so that what has a place is
 * whole. The same content has one place however often it is kept; the caller's rows say who has it.
 * Threads: any; one file's pieces come one after the other, which the caller sees to. Durability:
 * after ablak_blobs_keep the content survives power loss; pieces before it may be lost from the
 * end. Errors: "store/io", "store/full"; CONFLICT "store/blob-offset". */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct AblakBlobs AblakBlobs;

/* Makes the folder, and forgets what began to come in more than a day ago. */
AblakBlobs *ablak_blobs_open(const char *dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_blobs_free(AblakBlobs *blobs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakBlobs, ablak_blobs_free)

/* Bytes that have come in under that id; 0 when there are none. */
gint64 ablak_blobs_coming(const AblakBlobs *blobs, const char *id);
/* `offset` is what has come in so far: CONFLICT "store/blob-offset" otherwise. */
bool ablak_blobs_append(const AblakBlobs *blobs, const char *id, gint64 offset, GBytes *piece,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What has come in, mapped. */
GBytes *ablak_blobs_look(const AblakBlobs *blobs, const char *id,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* `sha256` is that of what has come in, in hexadecimal digits. */
bool ablak_blobs_keep(const AblakBlobs *blobs, const char *id, const char *sha256,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_blobs_forget(const AblakBlobs *blobs, const char *id);

/* NOT_FOUND "store/no-such-blob". */
GBytes *ablak_blobs_read(const AblakBlobs *blobs, const char *sha256,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_blobs_remove(const AblakBlobs *blobs, const char *sha256);
