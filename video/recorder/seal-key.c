/* video/recorder/seal-key.c: keys of recordings and of their files. */
#include "core/error.h"
#include "video/recorder/seal-private.h"
#include <errno.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <string.h>

bool ablak_seal_disk_error(GError **error, const char *what)
{
  ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/disk", "%s: %s", what, g_strerror(errno));
  return false;
}

bool ablak_seal_damaged(GError **error, const char *what)
{
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "recordings/damaged", "%s", what);
  return false;
}

/* RFC 5869. */
bool ablak_seal_file_key(const guint8 key[ABLAK_SEAL_KEY_SIZE], const guint8 salt[SEAL_SALT],
                         guint8 ret_key[ABLAK_SEAL_KEY_SIZE])
{
  gsize size = ABLAK_SEAL_KEY_SIZE;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
  bool good =
      context != NULL && EVP_PKEY_derive_init(context) == 1 &&
      EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1 &&
      EVP_PKEY_CTX_set1_hkdf_salt(context, salt, SEAL_SALT) == 1 &&
      EVP_PKEY_CTX_set1_hkdf_key(context, key, ABLAK_SEAL_KEY_SIZE) == 1 &&
      EVP_PKEY_CTX_add1_hkdf_info(context, (const guint8 *)SEAL_MAGIC, strlen(SEAL_MAGIC)) == 1 &&
      EVP_PKEY_derive(context, ret_key, &size) == 1;
  EVP_PKEY_CTX_free(context);
  return good;
}

void ablak_seal_nonce(guint64 number, bool last, guint8 ret_nonce[SEAL_NONCE])
{
  guint64 big = GUINT64_TO_BE(number);
  memset(ret_nonce, 0, SEAL_NONCE);
  memcpy(ret_nonce + 3, &big, sizeof big);
  ret_nonce[SEAL_NONCE - 1] = last;
}

bool ablak_seal_key_new(guint8 ret_key[ABLAK_SEAL_KEY_SIZE], GError **error)
{
  if (RAND_bytes(ret_key, ABLAK_SEAL_KEY_SIZE) == 1)
    return true;
  ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/key", "there is no randomness");
  return false;
}

static bool wrap(const guint8 *box_key, bool wrapping, const guint8 *in, int in_size, guint8 *out,
                 int out_size)
{
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  int size = 0, rest = 0;
  EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  bool good = EVP_CipherInit_ex(context, EVP_aes_256_wrap(), NULL, box_key, NULL, wrapping) == 1 &&
              EVP_CipherUpdate(context, out, &size, in, in_size) == 1 &&
              EVP_CipherFinal_ex(context, out + size, &rest) == 1 && size + rest == out_size;
  EVP_CIPHER_CTX_free(context);
  return good;
}

bool ablak_seal_key_wrap(const guint8 box_key[ABLAK_SEAL_KEY_SIZE],
                         const guint8 key[ABLAK_SEAL_KEY_SIZE],
                         guint8 ret_wrapped[ABLAK_SEAL_WRAPPED_SIZE], GError **error)
{
  if (wrap(box_key, true, key, ABLAK_SEAL_KEY_SIZE, ret_wrapped, ABLAK_SEAL_WRAPPED_SIZE))
    return true;
  ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/key", "the key cannot be wrapped");
  return false;
}

bool ablak_seal_key_unwrap(const guint8 box_key[ABLAK_SEAL_KEY_SIZE],
                           const guint8 wrapped[ABLAK_SEAL_WRAPPED_SIZE],
                           guint8 ret_key[ABLAK_SEAL_KEY_SIZE], GError **error)
{
  /* The final block's room is OpenSSL's to ask for. */
  guint8 out[ABLAK_SEAL_WRAPPED_SIZE];
  bool good = wrap(box_key, false, wrapped, ABLAK_SEAL_WRAPPED_SIZE, out, ABLAK_SEAL_KEY_SIZE);
  if (good)
    memcpy(ret_key, out, ABLAK_SEAL_KEY_SIZE);
  OPENSSL_cleanse(out, sizeof out);
  return good || ablak_seal_damaged(error, "the recording's key does not open under the box's");
}
