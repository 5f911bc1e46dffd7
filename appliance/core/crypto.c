#include "core/crypto.h"
#include "core/error.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

void ablak_sha256(const void *data, gsize size, guint8 ret_digest[ABLAK_SHA256_SIZE])
{
  if (EVP_Digest(size > 0 ? data : "", size, ret_digest, NULL, EVP_sha256(), NULL) != 1)
    g_error("SHA-256 is not available");
}

char *ablak_sha256_hex(const void *data, gsize size)
{
  guint8 digest[ABLAK_SHA256_SIZE];
  ablak_sha256(data, size, digest);
  return ablak_hex_encode(digest, sizeof digest);
}

char *ablak_sha256_file_hex(const char *path, GError **error)
{
  FILE *file = fopen(path, "rbe");
  if (file == NULL) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "core/file", "%s cannot be opened: %s", path,
                    g_strerror(errno));
    return NULL;
  }
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  g_autofree guint8 *block = g_malloc(65536);
  for (gsize got; (got = fread(block, 1, 65536, file)) > 0;)
    g_checksum_update(sum, block, (gssize)got);
  bool failed = ferror(file) != 0;
  fclose(file);
  if (failed) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "core/file", "%s cannot be read", path);
    return NULL;
  }
  return g_strdup(g_checksum_get_string(sum));
}

char *ablak_hex_encode(const guint8 *data, gsize size)
{
  static const char digits[] = "0123456789abcdef";
  char *text = g_malloc(size * 2 + 1);
  for (gsize i = 0; i < size; i++) {
    text[2 * i] = digits[data[i] >> 4];
    text[2 * i + 1] = digits[data[i] & 15];
  }
  text[size * 2] = '\0';
  return text;
}

GBytes *ablak_hex_decode(const char *text)
{
  gsize length = text != NULL ? strlen(text) : 1;
  if (length % 2 != 0)
    return NULL;
  g_autofree guint8 *data = g_malloc(length / 2 + 1);
  for (gsize i = 0; i < length; i += 2) {
    int high = g_ascii_xdigit_value(text[i]), low = g_ascii_xdigit_value(text[i + 1]);
    if (high < 0 || low < 0)
      return NULL;
    data[i / 2] = (guint8)(high << 4 | low);
  }
  return g_bytes_new(data, length / 2);
}

char *ablak_base64url_encode(const void *data, gsize size)
{
  char *text = g_base64_encode(data, size);
  g_strdelimit(text, "+", '-');
  g_strdelimit(text, "/", '_');
  text[strcspn(text, "=")] = '\0';
  return text;
}

static int base64url_value(char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* RFC 4648 §5 without padding, §3.5: the bits that do not fill a byte must be zero, so that every
 * text has one form. */
GBytes *ablak_base64url_decode(const char *text)
{
  gsize length = text != NULL ? strlen(text) : 1;
  if (length % 4 == 1)
    return NULL;
  g_autofree guint8 *data = g_malloc(length / 4 * 3 + 3);
  gsize size = 0;
  guint32 bits = 0;
  unsigned held = 0;
  for (gsize i = 0; i < length; i++) {
    int value = base64url_value(text[i]);
    if (value < 0)
      return NULL;
    bits = bits << 6 | (guint32)value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      data[size++] = (guint8)(bits >> held);
      bits &= (1u << held) - 1;
    }
  }
  return bits == 0 ? g_bytes_new(data, size) : NULL;
}

bool ablak_equal_constant_time(const void *a, const void *b, gsize size)
{
  return CRYPTO_memcmp(a, b, size) == 0;
}

void ablak_crypto_leave_thread(void)
{
  OPENSSL_thread_stop();
}
