#include "provisioning/x509.h"
#include "core/error.h"
#include "provisioning/layout.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

static void unreadable(GError **error, const char *path)
{
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/ca", "cannot read %s", path);
}

EVP_PKEY *ablak_x509_read_key(const char *path, GError **error)
{
  g_autoptr(BIO) file = BIO_new_file(path, "r");
  EVP_PKEY *key = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
  if (key == NULL)
    unreadable(error, path);
  return key;
}

X509 *ablak_x509_read_certificate(const char *path, GError **error)
{
  g_autoptr(BIO) file = BIO_new_file(path, "r");
  X509 *certificate = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
  if (certificate == NULL)
    unreadable(error, path);
  return certificate;
}

static bool write_memory(const char *path, BIO *memory, int mode, GError **error)
{
  char *text = NULL;
  long size = BIO_get_mem_data(memory, &text);
  return ablak_layout_write(path, text, (gsize)size, mode, error);
}

static bool cannot_encode(GError **error, const char *path)
{
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/ca", "cannot encode %s", path);
  return false;
}

bool ablak_x509_write_key(const char *path, EVP_PKEY *key, GError **error)
{
  g_autoptr(BIO) memory = BIO_new(BIO_s_secmem());
  if (memory == NULL || PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) != 1)
    return cannot_encode(error, path);
  return write_memory(path, memory, 0600, error);
}

bool ablak_x509_write_chain(const char *path, X509 *const *chain, GError **error)
{
  g_autoptr(BIO) memory = BIO_new(BIO_s_mem());
  for (; *chain != NULL; chain++)
    if (memory == NULL || PEM_write_bio_X509(memory, *chain) != 1)
      return cannot_encode(error, path);
  return write_memory(path, memory, 0644, error);
}

GBytes *ablak_x509_der(X509 *certificate)
{
  unsigned char *der = NULL;
  int size = i2d_X509(certificate, &der);
  g_assert(size > 0); /* only memory can fail here, and GLib aborts on that as well */
  GBytes *bytes = g_bytes_new(der, (gsize)size);
  OPENSSL_free(der);
  return bytes;
}

X509 *ablak_x509_parse(GBytes *der)
{
  gsize size = 0;
  const unsigned char *at = g_bytes_get_data(der, &size);
  X509 *certificate = d2i_X509(NULL, &at, (long)size);
  ERR_clear_error();
  return certificate;
}

char *ablak_x509_serial(X509 *certificate)
{
  BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
  char *hex = number != NULL ? BN_bn2hex(number) : NULL;
  char *serial = hex != NULL ? g_ascii_strdown(hex, -1) : g_strdup("");
  OPENSSL_free(hex);
  BN_free(number);
  return serial;
}

gint64 ablak_x509_not_after_ms(X509 *certificate)
{
  struct tm tm = {0};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
    return 0;
  return (gint64)timegm(&tm) * 1000;
}
