#include "core/crypto.h"
#include "core/error.h"
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define LOG2_N 15
#define BLOCK_SIZE 8
#define PARALLEL 1
#define SALT_SIZE 16
#define HASH_SIZE 32
/* 128 * N * r is 32 MiB with our parameters; a stored hash may ask for twice that at most. */
#define MEMORY_MAX (80u * 1024 * 1024)

static bool derive(const char *password, const guint8 *salt, gsize salt_size, unsigned log2_n,
                   unsigned r, unsigned p, guint8 ret_hash[HASH_SIZE])
{
  return EVP_PBE_scrypt(password, strlen(password), salt, salt_size,
                        G_GUINT64_CONSTANT(1) << log2_n, r, p, MEMORY_MAX, ret_hash,
                        HASH_SIZE) == 1;
}

char *ablak_password_hash(const char *password, GError **error)
{
  guint8 salt[SALT_SIZE], hash[HASH_SIZE];
  if (RAND_bytes(salt, sizeof salt) != 1 ||
      !derive(password, salt, sizeof salt, LOG2_N, BLOCK_SIZE, PARALLEL, hash)) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "internal", "a password cannot be hashed");
    return NULL;
  }
  g_autofree char *salt_text = ablak_base64url_encode(salt, sizeof salt);
  g_autofree char *hash_text = ablak_base64url_encode(hash, sizeof hash);
  return g_strdup_printf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", LOG2_N, BLOCK_SIZE, PARALLEL, salt_text,
                         hash_text);
}

bool ablak_password_verify(const char *password, const char *hash)
{
  unsigned log2_n, r, p;
  int parsed = 0;
  if (password == NULL || hash == NULL ||
      sscanf(hash, "$scrypt$ln=%2u,r=%2u,p=%2u$%n", &log2_n, &r, &p, &parsed) != 3 || parsed == 0)
    return false;
  if (log2_n < 1 || log2_n > 20 || r < 1 || p < 1 || p > 4)
    return false;
  g_auto(GStrv) parts = g_strsplit(hash + parsed, "$", 3);
  if (g_strv_length(parts) != 2)
    return false;
  g_autoptr(GBytes) salt = ablak_base64url_decode(parts[0]);
  g_autoptr(GBytes) wanted = ablak_base64url_decode(parts[1]);
  if (salt == NULL || wanted == NULL || g_bytes_get_size(wanted) != HASH_SIZE)
    return false;
  guint8 found[HASH_SIZE];
  return derive(password, g_bytes_get_data(salt, NULL), g_bytes_get_size(salt), log2_n, r, p,
                found) &&
         ablak_equal_constant_time(found, g_bytes_get_data(wanted, NULL), HASH_SIZE);
}
