/* One libwebsockets context with one virtual host, and its TLS settings. */
#include "core/error.h"
#include "core/log.h"
#include "http/net-private.h"
#include <libwebsockets.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static void lws_message(int level, const char *line)
{
  g_autofree char *text = g_strstrip(g_strdup(line));
  ablak_log(ABLAK_LOG_DEBUG, "libwebsockets", "message", text, NULL);
}

static bool load_own_certificate(SSL_CTX *ctx, const AblakNet *net)
{
  return SSL_CTX_use_certificate_chain_file(ctx, net->certificate) == 1 &&
         SSL_CTX_use_PrivateKey_file(ctx, net->key, SSL_FILETYPE_PEM) == 1 &&
         SSL_CTX_check_private_key(ctx) == 1;
}

/* Who may sign a client's certificate; only this file counts, not the system's store. */
static bool load_trust(SSL_CTX *ctx, const AblakNet *net)
{
  X509_STORE *store = X509_STORE_new();
  SSL_CTX_set_cert_store(ctx, store);
  if (net->ca != NULL && X509_STORE_load_file(store, net->ca) != 1)
    return false;
  if (net->crl == NULL)
    return true;
  X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  if (lookup == NULL || X509_load_crl_file(lookup, net->crl, X509_FILETYPE_PEM) < 1)
    return false;
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return true;
}

static bool load_client_names(SSL_CTX *ctx, const AblakNet *net)
{
  STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(net->ca);
  if (names == NULL)
    return false;
  SSL_CTX_set_client_CA_list(ctx, names);
  return true;
}

static bool configure(SSL_CTX *ctx, AblakNet *net)
{
  SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  if (!load_own_certificate(ctx, net) || !load_trust(ctx, net))
    return false;
  /* One virtual host a context: SNI must not choose another one's settings. */
  SSL_CTX_set_tlsext_servername_callback(ctx, NULL);
  /* Without tickets there is no resumption that could skip the client certificate. */
  SSL_CTX_set_num_tickets(ctx, 0);
  if (net->ca == NULL)
    return true;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  return load_client_names(ctx, net);
}

int ablak_net_configure(struct lws *wsi, void *ctx)
{
  AblakNet *net = lws_context_user(lws_get_context(wsi));
  net->configured = configure(ctx, net);
  if (!net->configured) {
    char text[160];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    g_free(net->why);
    net->why = g_strdup(text);
    ERR_clear_error();
  }
  return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "ablak", .callback = ablak_transport_callback},
    {.name = NULL},
};

static struct lws_vhost *new_vhost(AblakNet *net, bool tls)
{
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN_SERVER,
      .protocols = protocols,
      .vhost_name = "ablak",
      .alpn = "http/1.1",
      .timeout_secs = 15,
      .options = LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
  };
  if (tls) {
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    /* Otherwise libwebsockets makes one for clients, which nobody needs here and which it loses
     * when a second context exists: it looks it up by an index that each context overwrites. */
    net->unused = SSL_CTX_new(TLS_client_method());
    info.provided_client_ssl_ctx = net->unused;
  }
  return lws_create_vhost(net->context, &info);
}

AblakNet *ablak_net_new(const AblakNetTls *tls, GError **error)
{
  AblakNet *net = g_new0(AblakNet, 1);
  net->loop = g_main_loop_new(NULL, FALSE);
  if (tls != NULL) {
    net->tls = true;
    net->certificate = g_strdup(tls->certificate);
    net->key = g_strdup(tls->key);
    net->ca = g_strdup(tls->ca);
    net->crl = g_strdup(tls->crl);
  } else {
    net->configured = true;
  }
  lws_set_log_level(LLL_ERR | LLL_WARN, lws_message);
  void *loops[] = {net->loop};
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN,
      .options = LWS_SERVER_OPTION_GLIB | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                 (tls != NULL ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
      .foreign_loops = loops,
      .pt_serv_buf_size = ABLAK_NET_CHUNK,
      .timeout_secs = 15,
      .user = net,
  };
  net->context = lws_create_context(&info);
  if (net->context != NULL)
    net->vhost = new_vhost(net, tls != NULL);
  if (net->vhost != NULL && net->configured)
    return net;
  if (net->context == NULL)
    ablak_error_set(error, ABLAK_ERROR_FAILED, "http/loop",
                    "libwebsockets cannot attach to GLib: is libwebsockets-evlib-glib installed?");
  else
    ablak_error_set(error, ABLAK_ERROR_FAILED, "http/certificate",
                    "The certificate, key or CA cannot be used: %s",
                    net->why != NULL ? net->why : "libwebsockets refused them");
  ablak_net_free(net);
  return NULL;
}

void ablak_net_free(AblakNet *net)
{
  if (net == NULL)
    return;
  g_assert(net->depth == 0);
  if (net->context != NULL)
    lws_context_destroy(net->context);
  SSL_CTX_free(net->unused);
  g_main_loop_unref(net->loop);
  g_free(net->certificate);
  g_free(net->key);
  g_free(net->ca);
  g_free(net->crl);
  g_free(net->why);
  g_free(net);
}
