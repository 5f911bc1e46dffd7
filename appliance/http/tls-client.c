#include "http/tls-client.h"
#include "core/error.h"
#include <gio/gio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct AblakTlsSession {
  SSL_CTX *ctx;
  SSL *ssl;
  BIO *in, *out; /* owned by ssl */
  AblakTlsState state;
};

static bool load(SSL_CTX *ctx, const AblakClientTls *tls)
{
  if (SSL_CTX_load_verify_file(ctx, tls->ca) != 1)
    return false;
  return tls->certificate == NULL ||
         (SSL_CTX_use_certificate_chain_file(ctx, tls->certificate) == 1 &&
          SSL_CTX_use_PrivateKey_file(ctx, tls->key, SSL_FILETYPE_PEM) == 1 &&
          SSL_CTX_check_private_key(ctx) == 1);
}

/* RFC 9525: an address is compared with addresses, a name with names. */
static bool expect_host(SSL *ssl, const char *host)
{
  if (g_hostname_is_ip_address(host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return host[0] != '\0' && SSL_set1_host(ssl, host) == 1 &&
         SSL_set_tlsext_host_name(ssl, host) == 1;
}

static void describe(GError **error, const char *slug, const char *what)
{
  char text[200] = "";
  unsigned long code = ERR_peek_last_error();
  if (code != 0)
    ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, slug, "%s: %s", what, text);
}

AblakTlsSession *ablak_tls_session_new(const AblakClientTls *tls, const char *host, GError **error)
{
  static const guint8 alpn[] = "\x08http/1.1";
  AblakTlsSession *session = g_new0(AblakTlsSession, 1);
  session->ctx = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(session->ctx, TLS1_3_VERSION);
  SSL_CTX_set_verify(session->ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_alpn_protos(session->ctx, alpn, sizeof alpn - 1);
  if (!load(session->ctx, tls)) {
    describe(error, "http/certificate", "The CA, certificate or key cannot be used");
    ablak_tls_session_free(session);
    return NULL;
  }
  session->ssl = SSL_new(session->ctx);
  session->in = BIO_new(BIO_s_mem());
  session->out = BIO_new(BIO_s_mem());
  SSL_set_bio(session->ssl, session->in, session->out);
  SSL_set_connect_state(session->ssl);
  if (expect_host(session->ssl, host))
    return session;
  ablak_error_set(error, ABLAK_ERROR_INVALID, "http/url", "The host cannot be verified");
  ablak_tls_session_free(session);
  return NULL;
}

void ablak_tls_session_free(AblakTlsSession *session)
{
  if (session == NULL)
    return;
  SSL_free(session->ssl);
  SSL_CTX_free(session->ctx);
  g_free(session);
}

AblakTlsState ablak_tls_session_step(AblakTlsSession *session, GError **error)
{
  if (session->state != ABLAK_TLS_HANDSHAKE)
    return session->state;
  ERR_clear_error();
  int result = SSL_do_handshake(session->ssl);
  if (result == 1) {
    session->state = ABLAK_TLS_OPEN;
  } else if (SSL_get_error(session->ssl, result) != SSL_ERROR_WANT_READ) {
    session->state = ABLAK_TLS_FAILED;
    long verified = SSL_get_verify_result(session->ssl);
    describe(error, "http/connect",
             verified != X509_V_OK ? X509_verify_cert_error_string(verified) : "TLS failed");
  }
  return session->state;
}

void ablak_tls_session_feed(AblakTlsSession *session, const guint8 *bytes, gsize size)
{
  BIO_write(session->in, bytes, (int)size); /* a memory BIO takes everything */
}

gsize ablak_tls_session_read(AblakTlsSession *session, guint8 *ret_bytes, gsize size)
{
  if (session->state != ABLAK_TLS_OPEN)
    return 0;
  ERR_clear_error();
  int got = SSL_read(session->ssl, ret_bytes, (int)size);
  if (got > 0)
    return (gsize)got;
  int why = SSL_get_error(session->ssl, got);
  if (why == SSL_ERROR_ZERO_RETURN)
    session->state = ABLAK_TLS_ENDED;
  else if (why != SSL_ERROR_WANT_READ)
    session->state = ABLAK_TLS_FAILED;
  return 0;
}

void ablak_tls_session_write(AblakTlsSession *session, const void *bytes, gsize size)
{
  ERR_clear_error();
  if (session->state == ABLAK_TLS_OPEN && size > 0 &&
      SSL_write(session->ssl, bytes, (int)size) != (int)size)
    session->state = ABLAK_TLS_FAILED;
}

void ablak_tls_session_shutdown(AblakTlsSession *session)
{
  ERR_clear_error();
  if (session->state == ABLAK_TLS_OPEN)
    SSL_shutdown(session->ssl);
}

GBytes *ablak_tls_session_take(AblakTlsSession *session)
{
  int size = (int)BIO_ctrl_pending(session->out);
  if (size <= 0)
    return NULL;
  guint8 *bytes = g_malloc((gsize)size);
  BIO_read(session->out, bytes, size);
  return g_bytes_new_take(bytes, (gsize)size);
}
