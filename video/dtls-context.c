/* video/dtls-context.c: the process's certificate and DTLS settings. */
#include "core/error.h"
#include "video/dtls-private.h"
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#define VALID_DAYS 730

static X509 *certificate_new(EVP_PKEY *key)
{
  guint64 serial = 0;
  X509 *certificate = X509_new();
  if (certificate == NULL || RAND_bytes((guint8 *)&serial, sizeof serial) != 1)
    return certificate;
  X509_NAME *name = X509_get_subject_name(certificate);
  if (X509_set_version(certificate, X509_VERSION_3) != 1 ||
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) != 1 ||
      X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) == NULL ||
      X509_time_adj_ex(X509_getm_notAfter(certificate), VALID_DAYS, 0, NULL) == NULL ||
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const guint8 *)"ablak", -1, -1, 0) !=
          1 ||
      X509_set_issuer_name(certificate, name) != 1 || X509_set_pubkey(certificate, key) != 1 ||
      X509_sign(certificate, key, EVP_sha256()) == 0) {
    X509_free(certificate);
    return NULL;
  }
  return certificate;
}

static char *fingerprint_text(const X509 *certificate)
{
  guint8 digest[EVP_MAX_MD_SIZE];
  guint size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1)
    return NULL;
  GString *text = g_string_new("sha-256 ");
  for (guint i = 0; i < size; i++)
    g_string_append_printf(text, "%s%02X", i > 0 ? ":" : "", digest[i]);
  return g_string_free(text, FALSE);
}

/* Any certificate passes here: its fingerprint is compared when the handshake is over. */
static int accept_any(int preverified, X509_STORE_CTX *store)
{
  return 1;
}

/* Only the profiles that srtp.c has. */
static bool profiles_are_known(const char *profiles)
{
  g_auto(GStrv) names = g_strsplit(profiles, ":", -1);
  for (gsize i = 0; names[i] != NULL; i++)
    if (strcmp(names[i], "SRTP_AEAD_AES_128_GCM") != 0 &&
        strcmp(names[i], "SRTP_AES128_CM_SHA1_80") != 0)
      return false;
  return true;
}

static bool settings_apply(SSL_CTX *ssl, const char *profiles, EVP_PKEY *key, X509 *certificate)
{
  SSL_CTX_set_options(ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
  return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                                      "ECDHE-ECDSA-CHACHA20-POLY1305") == 1 &&
         SSL_CTX_set1_groups_list(ssl, "X25519:P-256") == 1 &&
         SSL_CTX_set_tlsext_use_srtp(ssl, profiles) == 0 &&
         SSL_CTX_use_certificate(ssl, certificate) == 1 && SSL_CTX_use_PrivateKey(ssl, key) == 1;
}

AblakDtlsContext *ablak_dtls_context_new(const char *profiles, GError **error)
{
  if (!profiles_are_known(profiles)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "media/dtls", "unknown SRTP profile in \"%s\"",
                    profiles);
    return NULL;
  }
  g_autoptr(AblakDtlsContext) context = g_new0(AblakDtlsContext, 1);
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = key != NULL ? certificate_new(key) : NULL;
  context->ssl = SSL_CTX_new(DTLS_server_method());
  context->method = ablak_dtls_bio_method_new();
  bool good = certificate != NULL && context->ssl != NULL && context->method != NULL &&
              settings_apply(context->ssl, profiles, key, certificate);
  if (good)
    context->fingerprint = fingerprint_text(certificate);
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!good || context->fingerprint == NULL) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "media/dtls", "DTLS cannot be set up: %s",
                    ERR_reason_error_string(ERR_get_error()));
    return NULL;
  }
  return g_steal_pointer(&context);
}

void ablak_dtls_context_free(AblakDtlsContext *context)
{
  if (context == NULL)
    return;
  SSL_CTX_free(context->ssl);
  BIO_meth_free(context->method);
  g_free(context->fingerprint);
  g_free(context);
}

const char *ablak_dtls_context_fingerprint(const AblakDtlsContext *context)
{
  return context->fingerprint;
}
