/* Looks at the certificates a TLS server shows, without trusting them: what a fingerprint that a
 * person typed is compared with. Nothing is sent or read over the connection. */
#include "core/error.h"
#include "provisioning/cli/cli.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>

#define TIMEOUT_S 15

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL_CTX, SSL_CTX_free)

static GBytes *chain_of(SSL *ssl)
{
  g_autoptr(BIO) memory = BIO_new(BIO_s_mem());
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); i++)
    if (PEM_write_bio_X509(memory, sk_X509_value(chain, i)) != 1)
      return NULL;
  char *text = NULL;
  long size = BIO_get_mem_data(memory, &text);
  return size > 0 ? g_bytes_new(text, (gsize)size) : NULL;
}

static GBytes *fetch(const char *host)
{
  g_autoptr(SSL_CTX) context = SSL_CTX_new(TLS_client_method());
  g_autoptr(BIO) connection = context != NULL ? BIO_new_ssl_connect(context) : NULL;
  SSL *ssl = NULL;
  if (connection == NULL || BIO_get_ssl(connection, &ssl) != 1 ||
      BIO_set_conn_hostname(connection, host) != 1)
    return NULL;
  g_autofree char *name = g_strndup(host, strcspn(host, ":"));
  SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL); /* the fingerprint decides */
  SSL_set_tlsext_host_name(ssl, name);
  if (BIO_do_connect_retry(connection, TIMEOUT_S, 50) != 1 || BIO_do_handshake(connection) != 1)
    return NULL;
  return chain_of(ssl);
}

GBytes *cli_fetch_chain(const char *url, GError **error)
{
  const char *host = url + strlen("https://");
  g_autofree char *address =
      strchr(host, ':') != NULL ? g_strdup(host) : g_strconcat(host, ":443", NULL);
  GBytes *chain = fetch(address);
  ERR_clear_error();
  if (chain == NULL)
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "provisioning/unreachable",
                    "%s cannot be reached over TLS", url);
  return chain;
}
