/* core/crypto.h: the few primitives the house uses, on OpenSSL. Threads: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ABLAK_SHA256_SIZE 32

void ablak_sha256(const void *data, gsize size, guint8 ret_digest[ABLAK_SHA256_SIZE]);
/* 64 lower-case hex digits. Free with g_free. */
char *ablak_sha256_hex(const void *data, gsize size);
/* Incremental digest of a file's content; NULL and an error when it cannot be read. */
char *ablak_sha256_file_hex(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

char *ablak_hex_encode(const guint8 *data, gsize size);
GBytes *ablak_hex_decode(const char *text); /* NULL when it is not hex */
char *ablak_base64url_encode(const void *data, gsize size);
GBytes *ablak_base64url_decode(const char *text); /* NULL when malformed */
bool ablak_equal_constant_time(const void *a, const void *b, gsize size);

/* Password hashes: "$scrypt$ln=15,r=8,p=1$<salt>$<hash>" (RFC 7914). Verifying takes about 100 ms
 * of processor time: do it in a GTask, never on the main loop. */
char *ablak_password_hash(const char *password, GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_password_verify(const char *password, const char *hash);

/* Gives back what OpenSSL keeps for the calling thread: at the end of a task that used any of this,
 * because a pool's threads may outlive OpenSSL's own clean-up. */
void ablak_crypto_leave_thread(void);

/* Ed25519 signatures (RFC 8032). The private key is a PEM file, made 0600 when it is missing. */
typedef struct AblakSigner AblakSigner;
AblakSigner *ablak_signer_open(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_signer_free(AblakSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSigner, ablak_signer_free)
/* base64url of the 32-byte public key; lives as long as the signer. */
const char *ablak_signer_public_key(const AblakSigner *signer);
/* base64url of the signature. Free with g_free. */
char *ablak_signer_sign(AblakSigner *signer, const void *data, gsize size);
bool ablak_signature_verify(const char *public_key, const void *data, gsize size, const char *signature);
