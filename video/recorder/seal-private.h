/* video/recorder/seal-private.h: what the writer and the reader of sealed files share. */
#pragma once
#include "video/recorder/seal.h"
#include <openssl/evp.h>

#define SEAL_MAGIC "ablak-recording1"
#define SEAL_SALT 16
#define SEAL_NONCE 12
#define SEAL_CHUNK_SEALED (ABLAK_SEAL_CHUNK + ABLAK_SEAL_TAG)

bool ablak_seal_file_key(const guint8 key[ABLAK_SEAL_KEY_SIZE], const guint8 salt[SEAL_SALT],
                         guint8 ret_key[ABLAK_SEAL_KEY_SIZE]);
void ablak_seal_nonce(guint64 number, bool last, guint8 ret_nonce[SEAL_NONCE]);
bool ablak_seal_disk_error(GError **error, const char *what);
bool ablak_seal_damaged(GError **error, const char *what);
