#include "provisioning/csr.h"
#include "core/crypto.h"
#include "core/error.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#define CSR_MAX (16 * 1024)

struct AblakCsr {
  X509_REQ *request;
  EVP_PKEY *key;
  char *common_name;
  char *sha256;
};

bool ablak_box_id_is_valid(const char *text)
{
  gsize length = strlen(text);
  return length >= 1 && length <= 63 &&
         strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && text[0] != '-' &&
         text[length - 1] != '-';
}

static bool refuse(GError **error, const char *why)
{
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_INVALID, "provisioning/bad-request",
                  "the certificate request %s", why);
  return false;
}

static bool key_is_acceptable(EVP_PKEY *key)
{
  char group[64];
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
         (strcmp(group, SN_X9_62_prime256v1) == 0 || strcmp(group, SN_secp384r1) == 0);
}

static char *only_common_name(X509_NAME *subject)
{
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
    return NULL;
  unsigned char *text = NULL;
  int length =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  char *name = length > 0 && memchr(text, 0, (size_t)length) == NULL
                   ? g_strndup((const char *)text, (gsize)length)
                   : NULL;
  OPENSSL_free(text);
  return name;
}

static bool check(AblakCsr *csr, GError **error)
{
  csr->key = X509_REQ_get_pubkey(csr->request);
  if (csr->key == NULL || !key_is_acceptable(csr->key))
    return refuse(error, "has no key on P-256 or P-384");
  if (X509_REQ_verify(csr->request, csr->key) != 1)
    return refuse(error, "is not signed by its own key");
  csr->common_name = only_common_name(X509_REQ_get_subject_name(csr->request));
  if (csr->common_name == NULL || !ablak_box_id_is_valid(csr->common_name))
    return refuse(error, "does not name one box as its common name");
  return true;
}

AblakCsr *ablak_csr_parse(const void *der, gsize size, GError **error)
{
  if (size == 0 || size > CSR_MAX) {
    refuse(error, "is empty or too large");
    return NULL;
  }
  g_autoptr(AblakCsr) csr = g_new0(AblakCsr, 1);
  const unsigned char *at = der;
  csr->request = d2i_X509_REQ(NULL, &at, (long)size);
  if (csr->request == NULL || at != (const unsigned char *)der + size) {
    refuse(error, "is not a PKCS#10 request");
    return NULL;
  }
  if (!check(csr, error))
    return NULL;
  csr->sha256 = ablak_sha256_hex(der, size);
  return g_steal_pointer(&csr);
}

void ablak_csr_free(AblakCsr *csr)
{
  if (csr == NULL)
    return;
  X509_REQ_free(csr->request);
  EVP_PKEY_free(csr->key);
  g_free(csr->common_name);
  g_free(csr->sha256);
  g_free(csr);
}

const char *ablak_csr_common_name(const AblakCsr *csr)
{
  return csr->common_name;
}

const char *ablak_csr_sha256(const AblakCsr *csr)
{
  return csr->sha256;
}

gpointer ablak_csr_key(const AblakCsr *csr)
{
  return csr->key;
}
