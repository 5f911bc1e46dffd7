/* One libwebsockets context with one virtual host, and its TLS settings. */
#include "core/error.h"
#include "core/log.h"
#include "http/net-private.h"
#include <libwebsockets.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <uv.h>

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

static char *take_why(void)
{
  char text[160];
  ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
  ERR_clear_error();
  return g_strdup(text);
}

int ablak_net_configure(struct lws *wsi, void *ctx)
{
  AblakNet *net = lws_context_user(lws_get_context(wsi));
  net->tls_context = ctx;
  net->configured = configure(ctx, net);
  if (!net->configured) {
    g_free(net->why);
    net->why = take_why();
  }
  return 0;
}

/* All of the new certificate or nothing: it is read into a context of its own first. */
static bool renew(SSL_CTX *ctx, const AblakNet *net)
{
  STACK_OF(X509) *chain = NULL;
  SSL_CTX *read = SSL_CTX_new(TLS_server_method());
  bool done = load_own_certificate(read, net) && SSL_CTX_get0_chain_certs(read, &chain) == 1 &&
              SSL_CTX_use_cert_and_key(ctx, SSL_CTX_get0_certificate(read),
                                       SSL_CTX_get0_privatekey(read), chain, 1) == 1;
  SSL_CTX_free(read);
  return done;
}

bool ablak_net_renew(AblakNet *net, GError **error)
{
  if (net->tls_context == NULL || renew(net->tls_context, net))
    return true;
  g_autofree char *why = take_why();
  ablak_error_set(error, ABLAK_ERROR_FAILED, "http/certificate",
                  "The certificate or key cannot be used: %s", why);
  return false;
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

/* --- the loop ---
 *
 * With libwebsockets' own GLib attachment every connection is a source of the main context, and
 * each turn of the loop walks and polls all of them: with 5,000 connections that was nine tenths of
 * the work. On libuv they sit in one epoll set, which is one source here. */

typedef struct {
  GSource source;
  AblakNet *net;
} LoopSource;

static gboolean loop_prepare(GSource *source, gint *timeout)
{
  AblakNet *net = ((LoopSource *)source)->net;
  *timeout = net->changed ? 0 : uv_backend_timeout(net->loop);
  return *timeout == 0;
}

static gboolean loop_check(GSource *source)
{
  AblakNet *net = ((LoopSource *)source)->net;
  return net->changed || g_source_query_unix_fd(source, net->loop_tag) != 0 ||
         uv_backend_timeout(net->loop) == 0;
}

static gboolean loop_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  AblakNet *net = ((LoopSource *)source)->net;
  net->changed = false;
  ablak_transports_push(net);
  uv_run(net->loop, UV_RUN_NOWAIT);
  ablak_transports_push(net); /* what was answered at once */
  return G_SOURCE_CONTINUE;
}

static void attach_loop(AblakNet *net)
{
  static GSourceFuncs functions = {
      .prepare = loop_prepare, .check = loop_check, .dispatch = loop_dispatch};
  net->loop = g_new0(uv_loop_t, 1);
  if (uv_loop_init(net->loop) != 0)
    g_error("no epoll set");
  net->source = g_source_new(&functions, sizeof(LoopSource));
  ((LoopSource *)net->source)->net = net;
  net->loop_tag = g_source_add_unix_fd(net->source, uv_backend_fd(net->loop), G_IO_IN);
  g_source_attach(net->source, NULL);
}

static void detach_loop(AblakNet *net)
{
  g_source_destroy(net->source);
  g_source_unref(net->source);
  uv_loop_close(net->loop);
  g_free(net->loop);
}

AblakNet *ablak_net_new(const AblakNetTls *tls, GError **error)
{
  AblakNet *net = g_new0(AblakNet, 1);
  net->filled = g_ptr_array_new();
  attach_loop(net);
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
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
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
    ablak_error_set(
        error, ABLAK_ERROR_FAILED, "http/loop",
        "libwebsockets cannot attach to its loop: is libwebsockets-evlib-uv installed?");
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
  if (net->context != NULL) {
    /* On a loop of its user's, libwebsockets first only begins to close its handles. */
    lws_context_destroy(net->context);
    uv_run(net->loop, UV_RUN_DEFAULT);
    lws_context_destroy(net->context);
  }
  ablak_transports_push(net); /* lets them go */
  g_ptr_array_unref(net->filled);
  detach_loop(net);
  SSL_CTX_free(net->unused);
  g_free(net->certificate);
  g_free(net->key);
  g_free(net->ca);
  g_free(net->crl);
  g_free(net->why);
  g_free(net);
}
