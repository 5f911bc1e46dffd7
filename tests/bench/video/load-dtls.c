/* tests/bench/video/load-dtls.c: OpenSSL over datagrams that others carry. */
#include "load-dtls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#define LINK_MTU 1200
#define TIMEOUT_US 100000

struct LoadDtlsContext {
  SSL_CTX *ssl;
  BIO_METHOD *method;
  char fingerprint[96];
};

struct LoadDtls {
  SSL *ssl;
  char fingerprint[96];
  LoadDtlsSend send;
  gpointer user;
  const guint8 *datagram;
  gsize datagram_size;
  bool established;
  const char *failure;
};

static int bio_write(BIO *bio, const char *data, int size)
{
  LoadDtls *dtls = BIO_get_data(bio);
  dtls->send((const guint8 *)data, (gsize)size, dtls->user);
  return size;
}

static int bio_read(BIO *bio, char *data, int size)
{
  LoadDtls *dtls = BIO_get_data(bio);
  gsize count = MIN(dtls->datagram_size, (gsize)size);
  BIO_clear_retry_flags(bio);
  if (dtls->datagram == NULL) {
    BIO_set_retry_read(bio);
    return -1;
  }
  memcpy(data, dtls->datagram, count);
  dtls->datagram = NULL;
  return (int)count;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
  return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method_new(void)
{
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "load");
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_ctrl);
  return method;
}

static void fingerprint_text(X509 *certificate, char ret_text[96])
{
  guint8 digest[32];
  unsigned size = sizeof digest;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  for (unsigned i = 0; i < size; i++)
    g_snprintf(ret_text + 3 * i, 4, "%02X%s", digest[i], i + 1 < size ? ":" : "");
}

static X509 *certificate_new(EVP_PKEY *key)
{
  X509 *certificate = X509_new();
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 30 * 86400);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const guint8 *)"load", -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  return certificate;
}

/* Any certificate will do here; the fingerprint is looked at after the handshake. */
static int accept_any(int good, X509_STORE_CTX *store)
{
  return 1;
}

LoadDtlsContext *load_dtls_context_new(const char *profiles)
{
  g_autoptr(LoadDtlsContext) context = g_new0(LoadDtlsContext, 1);
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = certificate_new(key);
  context->method = method_new();
  context->ssl = SSL_CTX_new(DTLS_method());
  SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
  SSL_CTX_set_options(context->ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
  bool good = SSL_CTX_use_certificate(context->ssl, certificate) == 1 &&
              SSL_CTX_use_PrivateKey(context->ssl, key) == 1 &&
              SSL_CTX_set_tlsext_use_srtp(context->ssl, profiles) == 0;
  fingerprint_text(certificate, context->fingerprint);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return good ? g_steal_pointer(&context) : NULL;
}

void load_dtls_context_free(LoadDtlsContext *context)
{
  if (context == NULL)
    return;
  SSL_CTX_free(context->ssl);
  BIO_meth_free(context->method);
  g_free(context);
}

const char *load_dtls_context_fingerprint(const LoadDtlsContext *context)
{
  return context->fingerprint;
}

static unsigned timeout(SSL *ssl, unsigned before_us)
{
  return TIMEOUT_US;
}

LoadDtls *load_dtls_new(LoadDtlsContext *context, bool server, const char *fingerprint,
                        LoadDtlsSend send, gpointer user)
{
  LoadDtls *dtls = g_new0(LoadDtls, 1);
  BIO *bio = BIO_new(context->method);
  g_strlcpy(dtls->fingerprint, fingerprint, sizeof dtls->fingerprint);
  dtls->send = send;
  dtls->user = user;
  dtls->ssl = SSL_new(context->ssl);
  BIO_set_data(bio, dtls);
  BIO_set_init(bio, 1);
  SSL_set_bio(dtls->ssl, bio, bio);
  DTLS_set_link_mtu(dtls->ssl, LINK_MTU);
  DTLS_set_timer_cb(dtls->ssl, timeout);
  if (server)
    SSL_set_accept_state(dtls->ssl);
  else
    SSL_set_connect_state(dtls->ssl);
  return dtls;
}

void load_dtls_free(LoadDtls *dtls)
{
  if (dtls == NULL)
    return;
  SSL_free(dtls->ssl);
  g_free(dtls);
}

const char *load_dtls_failure(const LoadDtls *dtls)
{
  return dtls->failure;
}

static void check_peer(LoadDtls *dtls)
{
  char text[96];
  X509 *certificate = SSL_get1_peer_certificate(dtls->ssl);
  if (certificate == NULL) {
    dtls->failure = "no certificate";
    return;
  }
  fingerprint_text(certificate, text);
  X509_free(certificate);
  if (g_ascii_strcasecmp(text, dtls->fingerprint) != 0)
    dtls->failure = "another fingerprint";
  else if (SSL_get_selected_srtp_profile(dtls->ssl) == NULL)
    dtls->failure = "no SRTP profile";
}

bool load_dtls_advance(LoadDtls *dtls, const guint8 *data, gsize size)
{
  if (dtls->established || dtls->failure != NULL)
    return dtls->established;
  dtls->datagram = data;
  dtls->datagram_size = size;
  if (data == NULL)
    DTLSv1_handle_timeout(dtls->ssl);
  ERR_clear_error();
  int result = SSL_do_handshake(dtls->ssl);
  if (result == 1)
    check_peer(dtls);
  else if (SSL_get_error(dtls->ssl, result) != SSL_ERROR_WANT_READ)
    dtls->failure = "the handshake failed";
  dtls->established = result == 1 && dtls->failure == NULL;
  return dtls->established;
}

AblakSrtpProfile load_dtls_keys(LoadDtls *dtls, AblakSrtp **ret_receive, AblakSrtp **ret_send)
{
  static const char label[] = "EXTRACTOR-dtls_srtp";
  guint8 keys[2 * (ABLAK_SRTP_KEY_SIZE + ABLAK_SRTP_SALT_MAX)];
  bool gcm = SSL_get_selected_srtp_profile(dtls->ssl)->id == SRTP_AEAD_AES_128_GCM;
  AblakSrtpProfile profile = gcm ? ABLAK_SRTP_AEAD_AES_128_GCM : ABLAK_SRTP_AES128_CM_SHA1_80;
  gsize salt_size = ablak_srtp_salt_size(profile);
  SSL_export_keying_material(dtls->ssl, keys, 2 * (ABLAK_SRTP_KEY_SIZE + salt_size), label,
                             sizeof label - 1, NULL, 0, 0);
  const guint8 *salts = keys + 2 * ABLAK_SRTP_KEY_SIZE;
  AblakSrtp *client = ablak_srtp_new(profile, keys, salts);
  AblakSrtp *server = ablak_srtp_new(profile, keys + ABLAK_SRTP_KEY_SIZE, salts + salt_size);
  bool own_server = SSL_is_server(dtls->ssl);
  *ret_send = own_server ? server : client;
  *ret_receive = own_server ? client : server;
  return profile;
}
