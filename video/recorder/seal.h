/* video/recorder/seal.h: an encrypted file that is written once, from its beginning to its end.
 *
 * Format: the payload of age (https://age-encryption.org/v1 §Payload) with AES-256-GCM, which this
 * house uses everywhere, in place of ChaCha20-Poly1305; the construction is STREAM (Hoang,
 * Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse
 * Misuse-Resistance, 2015).
 *   16 bytes  "ablak-recording1"
 *   16 bytes  salt; file key = HKDF-SHA-256(ikm: recording's key, salt, info: the 16 bytes above)
 *   chunks    16 KiB each, sealed with nonce = number (11 bytes, big-endian) | 1 in the last, else
 * 0 The last chunk may be shorter, and empty only when it is the only one. A chunk that is missing,
 * repeated, changed or in another place does not open; a file that was cut lacks its last chunk.
 * 16 KiB and not 64: it is what a crash may cost, half a second of video or three of sound.
 *
 * Ownership: the reader copies the key. Threads: one at a time for each object. Durability:
 * ablak_seal_writer_finish() syncs the file; its folder is the caller's.
 * Errors: UNPROCESSABLE "recordings/damaged" (does not open under this key), NOT_FOUND
 * "recordings/file-missing", FAILED "recordings/disk". */
#pragma once
#include "core/crypto.h"
#include <glib.h>
#include <stdbool.h>

#define ABLAK_SEAL_KEY_SIZE 32
#define ABLAK_SEAL_CHUNK 16384
#define ABLAK_SEAL_HEADER 32
#define ABLAK_SEAL_TAG 16

typedef struct AblakSealWriter AblakSealWriter;
/* The file must not exist; it is made 0600, and locked (flock) while it is written. */
AblakSealWriter *ablak_seal_writer_new(const char *path, const guint8 key[ABLAK_SEAL_KEY_SIZE],
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_seal_writer_write(AblakSealWriter *writer, const void *data, gsize size,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Bytes of content taken so far. */
guint64 ablak_seal_writer_offset(const AblakSealWriter *writer);
bool ablak_seal_writer_finish(AblakSealWriter *writer, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Unfinished, it leaves the file cut short. */
void ablak_seal_writer_free(AblakSealWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSealWriter, ablak_seal_writer_free)

typedef struct AblakSealReader AblakSealReader;
/* Opens the last chunk, too, so a cut file is refused at once. */
AblakSealReader *ablak_seal_reader_new(const char *path, const guint8 key[ABLAK_SEAL_KEY_SIZE],
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_seal_reader_free(AblakSealReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSealReader, ablak_seal_reader_free)
guint64 ablak_seal_reader_size(const AblakSealReader *reader);
/* At most `length` bytes from `offset`; empty beyond the end. */
GBytes *ablak_seal_reader_read(AblakSealReader *reader, guint64 offset, gsize length,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a crash left at `path`, as a whole file: the chunks that open, from the first on, are sealed
 * again and the file takes the place of the old one. A whole file is left as it is. */
bool ablak_seal_salvage(const char *path, const guint8 key[ABLAK_SEAL_KEY_SIZE],
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The recording's key under the box's: AES key wrap (RFC 3394), which also tells a wrong key. */
#define ABLAK_SEAL_WRAPPED_SIZE (ABLAK_SEAL_KEY_SIZE + 8)
bool ablak_seal_key_new(guint8 ret_key[ABLAK_SEAL_KEY_SIZE],
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_seal_key_wrap(const guint8 box_key[ABLAK_SEAL_KEY_SIZE],
                         const guint8 key[ABLAK_SEAL_KEY_SIZE],
                         guint8 ret_wrapped[ABLAK_SEAL_WRAPPED_SIZE],
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_seal_key_unwrap(const guint8 box_key[ABLAK_SEAL_KEY_SIZE],
                           const guint8 wrapped[ABLAK_SEAL_WRAPPED_SIZE],
                           guint8 ret_key[ABLAK_SEAL_KEY_SIZE],
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
