/* video/dtls.c: one DTLS connection. */
#include "video/dtls-private.h"
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

/* Link MTU that passes everywhere WebRTC does (RFC 8831 §5 names 1,200). */
#define LINK_MTU 1200
#define IP_UDP_OVERHEAD 48
#define FIRST_TIMEOUT_US 100000
#define LAST_TIMEOUT_US 3000000

struct AblakDtls {
  GMainContext *main_context;
  const AblakDtlsHandler *handler;
  gpointer user;
  guint8 fingerprint[32];
  SSL *ssl;
  GSource *timer;
  const guint8 *datagram; /* the one being read, until OpenSSL took it */
  gsize datagram_size;
  bool established;
  bool ended;
};

static int bio_write(BIO *bio, const char *data, int size)
{
  AblakDtls *dtls = BIO_get_data(bio);
  dtls->handler->send((const guint8 *)data, (gsize)size, dtls->user);
  return size;
}

static int bio_read(BIO *bio, char *buffer, int size)
{
  AblakDtls *dtls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (dtls->datagram == NULL) {
    BIO_set_retry_read(bio);
    return -1;
  }
  int taken = (int)MIN(dtls->datagram_size, (gsize)size);
  memcpy(buffer, dtls->datagram, (gsize)taken);
  dtls->datagram = NULL;
  return taken;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
  switch (command) {
  case BIO_CTRL_FLUSH:
  case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
    return 1;
  case BIO_CTRL_DGRAM_QUERY_MTU:
  case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
    return LINK_MTU - IP_UDP_OVERHEAD;
  case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
    return IP_UDP_OVERHEAD;
  default:
    return 0;
  }
}

static int bio_create(BIO *bio)
{
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD *ablak_dtls_bio_method_new(void)
{
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
  if (method != NULL &&
      (BIO_meth_set_write(method, bio_write) != 1 || BIO_meth_set_read(method, bio_read) != 1 ||
       BIO_meth_set_ctrl(method, bio_control) != 1 ||
       BIO_meth_set_create(method, bio_create) != 1)) {
    BIO_meth_free(method);
    return NULL;
  }
  return method;
}

/* OpenSSL begins with 1 s, far too slow for someone waiting (RFC 6347 §4.2.4.1 allows less). */
static guint next_timeout(SSL *ssl, guint timeout_us)
{
  return timeout_us == 0 ? FIRST_TIMEOUT_US : MIN(2 * timeout_us, LAST_TIMEOUT_US);
}

AblakDtls *ablak_dtls_new(AblakDtlsContext *context, GMainContext *main_context,
                          const guint8 fingerprint[32], const AblakDtlsHandler *handler,
                          gpointer user)
{
  AblakDtls *dtls = g_new0(AblakDtls, 1);
  dtls->main_context = g_main_context_ref(main_context);
  dtls->handler = handler;
  dtls->user = user;
  memcpy(dtls->fingerprint, fingerprint, sizeof dtls->fingerprint);
  dtls->ssl = SSL_new(context->ssl);
  BIO *bio = BIO_new(context->method);
  if (dtls->ssl == NULL || bio == NULL)
    g_error("no memory for a DTLS connection");
  BIO_set_data(bio, dtls);
  SSL_set_bio(dtls->ssl, bio, bio);
  SSL_set_accept_state(dtls->ssl);
  DTLS_set_link_mtu(dtls->ssl, LINK_MTU);
  DTLS_set_timer_cb(dtls->ssl, next_timeout);
  return dtls;
}

static void timer_stop(AblakDtls *dtls)
{
  if (dtls->timer == NULL)
    return;
  g_source_destroy(dtls->timer);
  g_clear_pointer(&dtls->timer, g_source_unref);
}

void ablak_dtls_free(AblakDtls *dtls)
{
  if (dtls == NULL)
    return;
  timer_stop(dtls);
  SSL_free(dtls->ssl);
  g_main_context_unref(dtls->main_context);
  g_free(dtls);
}

static void end(AblakDtls *dtls, const char *reason)
{
  if (dtls->ended)
    return;
  dtls->ended = true;
  timer_stop(dtls);
  ERR_clear_error();
  dtls->handler->ended(reason, dtls->user);
}

static bool fingerprint_fits(AblakDtls *dtls)
{
  guint8 digest[EVP_MAX_MD_SIZE];
  guint size = 0;
  X509 *certificate = SSL_get0_peer_certificate(dtls->ssl);
  return certificate != NULL && X509_digest(certificate, EVP_sha256(), digest, &size) == 1 &&
         size == sizeof dtls->fingerprint && memcmp(digest, dtls->fingerprint, size) == 0;
}

/* RFC 5764 §4.2: client key, server key, client salt, server salt. */
static bool keys_export(AblakDtls *dtls, AblakSrtpProfile profile)
{
  static const char label[] = "EXTRACTOR-dtls_srtp";
  guint8 material[2 * (ABLAK_SRTP_KEY_SIZE + ABLAK_SRTP_SALT_MAX)];
  gsize salt_size = ablak_srtp_salt_size(profile);
  gsize size = 2 * (ABLAK_SRTP_KEY_SIZE + salt_size);
  if (SSL_export_keying_material(dtls->ssl, material, size, label, sizeof label - 1, NULL, 0, 0) !=
      1)
    return false;
  const guint8 *salts = material + 2 * ABLAK_SRTP_KEY_SIZE;
  AblakSrtp *receive = ablak_srtp_new(profile, material, salts);
  AblakSrtp *send = ablak_srtp_new(profile, material + ABLAK_SRTP_KEY_SIZE, salts + salt_size);
  OPENSSL_cleanse(material, sizeof material);
  dtls->handler->established(profile, receive, send, dtls->user);
  return true;
}

/* OpenSSL keeps 33 kB of buffers a connection; nearly all connections never use them again. It
 * takes new ones when something comes. */
static void buffers_release(AblakDtls *dtls)
{
  if (dtls->established && !dtls->ended)
    SSL_free_buffers(dtls->ssl);
}

static void establish(AblakDtls *dtls)
{
  const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(dtls->ssl);
  dtls->established = true;
  timer_stop(dtls);
  if (!fingerprint_fits(dtls)) {
    end(dtls, "dtls-fingerprint");
    return;
  }
  if (chosen == NULL) {
    end(dtls, "dtls-no-srtp");
    return;
  }
  if (!keys_export(dtls, chosen->id == SRTP_AEAD_AES_128_GCM ? ABLAK_SRTP_AEAD_AES_128_GCM
                                                             : ABLAK_SRTP_AES128_CM_SHA1_80))
    end(dtls, "dtls-failed");
}

static void step(AblakDtls *dtls);

static gboolean on_timeout(gpointer data)
{
  AblakDtls *dtls = data;
  timer_stop(dtls);
  if (DTLSv1_handle_timeout(dtls->ssl) < 0)
    end(dtls, "dtls-failed");
  else
    step(dtls);
  return G_SOURCE_REMOVE;
}

static void timer_start(AblakDtls *dtls)
{
  struct timeval left;
  timer_stop(dtls);
  if (DTLSv1_get_timeout(dtls->ssl, &left) != 1)
    return;
  dtls->timer = g_timeout_source_new((guint)(left.tv_sec * 1000 + left.tv_usec / 1000 + 1));
  g_source_set_callback(dtls->timer, on_timeout, dtls, NULL);
  g_source_attach(dtls->timer, dtls->main_context);
}

/* After the handshake only alerts and repeated flights come. */
static void read_rest(AblakDtls *dtls)
{
  guint8 ignored[256];
  int size = 0;
  do
    size = SSL_read(dtls->ssl, ignored, sizeof ignored);
  while (size > 0);
  int error = SSL_get_error(dtls->ssl, size);
  if (error == SSL_ERROR_ZERO_RETURN)
    end(dtls, "peer-closed");
  else if (error != SSL_ERROR_WANT_READ)
    end(dtls, "dtls-failed");
}

static void step(AblakDtls *dtls)
{
  ERR_clear_error();
  if (dtls->established) {
    read_rest(dtls);
    return;
  }
  int result = SSL_accept(dtls->ssl);
  if (result == 1)
    establish(dtls);
  else if (SSL_get_error(dtls->ssl, result) == SSL_ERROR_WANT_READ)
    timer_start(dtls);
  else
    end(dtls, "dtls-failed");
}

void ablak_dtls_receive(AblakDtls *dtls, const guint8 *data, gsize size)
{
  if (dtls->ended)
    return;
  dtls->datagram = data;
  dtls->datagram_size = size;
  step(dtls);
  dtls->datagram = NULL;
  buffers_release(dtls);
}
