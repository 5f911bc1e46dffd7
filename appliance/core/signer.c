#include "core/crypto.h"
#include "core/error.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PUBLIC_KEY_SIZE 32
#define SIGNATURE_SIZE 64

struct AblakSigner {
  EVP_PKEY *key;
  char *public_key;
};

static EVP_PKEY *read_key(const char *path)
{
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return NULL;
  EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
  fclose(file);
  return key;
}

/* Written beside the path and linked into place: a crash leaves either no key or a whole one, and
 * of two processes that start together one wins and both use its key. */
static bool write_key(EVP_PKEY *key, const char *path)
{
  g_autofree char *draft = g_strdup_printf("%s.%ld.new", path, (long)getpid());
  int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (file == NULL)
    return false;
  bool written = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                 fflush(file) == 0 && fsync(fd) == 0;
  written = fclose(file) == 0 && written;
  bool linked = written && (link(draft, path) == 0 || errno == EEXIST);
  unlink(draft);
  g_autofree char *folder = g_path_get_dirname(path);
  int folder_fd = linked ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (folder_fd < 0)
    return false;
  linked = fsync(folder_fd) == 0;
  close(folder_fd);
  return linked;
}

static EVP_PKEY *open_or_make(const char *path)
{
  if (access(path, F_OK) == 0)
    return read_key(path);
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  bool written = key != NULL && write_key(key, path);
  EVP_PKEY_free(key);
  return written ? read_key(path) : NULL;
}

AblakSigner *ablak_signer_open(const char *path, GError **error)
{
  EVP_PKEY *key = open_or_make(path);
  if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
    EVP_PKEY_free(key);
    ablak_error_set(error, ABLAK_ERROR_FAILED, "core/key",
                    "%s is not a readable Ed25519 key, or it cannot be made", path);
    return NULL;
  }
  guint8 raw[PUBLIC_KEY_SIZE];
  gsize size = sizeof raw;
  if (EVP_PKEY_get_raw_public_key(key, raw, &size) != 1)
    g_error("an Ed25519 key has no public part");
  AblakSigner *signer = g_new0(AblakSigner, 1);
  signer->key = key;
  signer->public_key = ablak_base64url_encode(raw, size);
  return signer;
}

void ablak_signer_free(AblakSigner *signer)
{
  if (signer == NULL)
    return;
  EVP_PKEY_free(signer->key);
  g_free(signer->public_key);
  g_free(signer);
}

const char *ablak_signer_public_key(const AblakSigner *signer)
{
  return signer->public_key;
}

char *ablak_signer_sign(AblakSigner *signer, const void *data, gsize size)
{
  guint8 signature[SIGNATURE_SIZE];
  gsize signature_size = sizeof signature;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context == NULL || EVP_DigestSignInit(context, NULL, NULL, NULL, signer->key) != 1 ||
      EVP_DigestSign(context, signature, &signature_size, size > 0 ? data : (const void *)"",
                     size) != 1)
    g_error("an Ed25519 signature cannot be made");
  EVP_MD_CTX_free(context);
  return ablak_base64url_encode(signature, signature_size);
}

bool ablak_signature_verify(const char *public_key, const void *data, gsize size,
                            const char *signature)
{
  g_autoptr(GBytes) key_bytes = ablak_base64url_decode(public_key);
  g_autoptr(GBytes) signature_bytes = ablak_base64url_decode(signature);
  if (key_bytes == NULL || g_bytes_get_size(key_bytes) != PUBLIC_KEY_SIZE ||
      signature_bytes == NULL || g_bytes_get_size(signature_bytes) != SIGNATURE_SIZE)
    return false;
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                              g_bytes_get_data(key_bytes, NULL), PUBLIC_KEY_SIZE);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool valid = key != NULL && context != NULL &&
               EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestVerify(context, g_bytes_get_data(signature_bytes, NULL), SIGNATURE_SIZE,
                                size > 0 ? data : (const void *)"", size) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return valid;
}
