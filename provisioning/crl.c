/* The authority's revocation list (RFC 5280 §5). */
#include "core/error.h"
#include "provisioning/ca-private.h"
#include "provisioning/ca.h"
#include "provisioning/layout.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

/* A verifier refuses everybody once the list is past its next update, so that lies far ahead: the
 * daemon writes a new list at every start and revocation, and checks its own table besides. */
#define NEXT_UPDATE_DAYS 3660

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_CRL, X509_CRL_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_REVOKED, X509_REVOKED_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ASN1_TIME, ASN1_TIME_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ASN1_INTEGER, ASN1_INTEGER_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

void ablak_revoked_free(AblakRevoked *revoked)
{
  if (revoked == NULL)
    return;
  g_free(revoked->serial);
  g_free(revoked);
}

static bool add_entry(X509_CRL *crl, const AblakRevoked *revoked)
{
  BIGNUM *number = NULL;
  g_autoptr(ASN1_INTEGER) serial = NULL;
  if (BN_hex2bn(&number, revoked->serial) > 0)
    serial = BN_to_ASN1_INTEGER(number, NULL);
  BN_free(number);
  g_autoptr(ASN1_TIME) at = ASN1_TIME_set(NULL, (time_t)(revoked->revoked_ms / 1000));
  g_autoptr(X509_REVOKED) entry = X509_REVOKED_new();
  if (serial == NULL || at == NULL || entry == NULL ||
      X509_REVOKED_set_serialNumber(entry, serial) != 1 ||
      X509_REVOKED_set_revocationDate(entry, at) != 1 || X509_CRL_add0_revoked(crl, entry) != 1)
    return false;
  g_steal_pointer(&entry);
  return true;
}

static bool set_frame(X509_CRL *crl, X509 *root, gint64 now_ms)
{
  time_t now = (time_t)(now_ms / 1000);
  g_autoptr(ASN1_TIME) last = ASN1_TIME_adj(NULL, now, -1, 0);
  g_autoptr(ASN1_TIME) next = ASN1_TIME_adj(NULL, now, NEXT_UPDATE_DAYS, 0);
  g_autoptr(ASN1_INTEGER) number = ASN1_INTEGER_new();
  return last != NULL && next != NULL && number != NULL &&
         X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
         X509_CRL_set_issuer_name(crl, X509_get_subject_name(root)) == 1 &&
         X509_CRL_set1_lastUpdate(crl, last) == 1 && X509_CRL_set1_nextUpdate(crl, next) == 1 &&
         ASN1_INTEGER_set_int64(number, now_ms) == 1 &&
         X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1;
}

bool ablak_ca_write_crl(AblakCa *ca, const GPtrArray *revoked, gint64 now_ms, GError **error)
{
  g_autoptr(X509_CRL) crl = X509_CRL_new();
  bool ok = crl != NULL && set_frame(crl, ablak_ca_root(ca), now_ms);
  for (guint i = 0; ok && i < revoked->len; i++)
    ok = add_entry(crl, g_ptr_array_index(revoked, i));
  g_autoptr(BIO) memory = BIO_new(BIO_s_mem());
  ok = ok && memory != NULL && X509_CRL_sort(crl) == 1 &&
       X509_CRL_sign(crl, ablak_ca_key(ca), EVP_sha256()) > 0 &&
       PEM_write_bio_X509_CRL(memory, crl) == 1;
  if (!ok) {
    ERR_clear_error();
    ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/ca",
                    "cannot make the revocation list");
    return false;
  }
  char *text = NULL;
  long size = BIO_get_mem_data(memory, &text);
  g_autofree char *path = g_build_filename(ablak_ca_dir(ca), "crl.pem", NULL);
  return ablak_layout_write(path, text, (gsize)size, 0644, error);
}
