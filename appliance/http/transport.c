#include "http/transport.h"
#include "core/crypto.h"
#include "core/log.h"
#include "http/net-private.h"
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#define LINGER_MS 2000
#define LINGER_BYTES (1024 * 1024)

struct AblakTransport {
  gatomicrefcount refs; /* the owner's and the connection's */
  AblakNet *net;
  struct lws *wsi; /* NULL: gone */
  const AblakTransportCallbacks *callbacks;
  gpointer owner; /* NULL: the owner has let go */
  GQueue out;     /* GBytes */
  gsize head_sent, queued;
  guint64 written, discarded;
  bool ended, told, finishing, lingering, dead, paused, held;
  bool flowing; /* has been read or written: what is sent need not wait to be asked for */
  bool filled;  /* in the net's list */
  int depth;
  guint kill_source, linger_source;
};

static void drop(AblakTransport *transport)
{
  if (!g_atomic_ref_count_dec(&transport->refs))
    return;
  g_queue_clear_full(&transport->out, (GDestroyNotify)g_bytes_unref);
  g_free(transport);
}

static AblakTransport *new_transport(AblakNet *net, const AblakTransportCallbacks *callbacks,
                                     gpointer owner)
{
  AblakTransport *transport = g_new0(AblakTransport, 1);
  g_atomic_ref_count_init(&transport->refs);
  g_atomic_ref_count_inc(&transport->refs);
  transport->net = net;
  transport->callbacks = callbacks;
  transport->owner = owner;
  g_queue_init(&transport->out);
  return transport;
}

static gboolean tell_closed(gpointer data)
{
  AblakTransport *transport = data;
  transport->kill_source = 0;
  if (transport->owner != NULL && !transport->told) {
    transport->told = true;
    transport->callbacks->closed(transport->owner);
  }
  drop(transport); /* the connection's reference */
  return G_SOURCE_REMOVE;
}

/* The connection is gone; the owner hears it from the loop, never inside a call of its own. */
static void gone(AblakTransport *transport)
{
  if (transport->ended)
    return;
  transport->ended = true;
  transport->wsi = NULL;
  g_clear_handle_id(&transport->linger_source, g_source_remove);
  g_clear_handle_id(&transport->kill_source, g_source_remove);
  transport->kill_source = g_idle_add_full(G_PRIORITY_DEFAULT, tell_closed, transport, NULL);
}

static gboolean kill_now(gpointer data)
{
  AblakTransport *transport = data;
  transport->kill_source = 0;
  transport->net->changed = true;
  if (transport->wsi != NULL)
    lws_set_timeout(transport->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
  return G_SOURCE_REMOVE;
}

void ablak_transport_abort(AblakTransport *transport)
{
  if (transport->wsi == NULL || transport->dead)
    return;
  transport->dead = true;
  if (transport->depth == 0 && transport->kill_source == 0)
    transport->kill_source = g_idle_add_full(G_PRIORITY_DEFAULT, kill_now, transport, NULL);
}

void ablak_transport_unref(AblakTransport *transport)
{
  if (transport == NULL)
    return;
  transport->owner = NULL;
  ablak_transport_abort(transport);
  drop(transport);
}

static gboolean linger_over(gpointer data)
{
  AblakTransport *transport = data;
  transport->linger_source = 0;
  ablak_transport_abort(transport);
  return G_SOURCE_REMOVE;
}

static void half_close(AblakTransport *transport)
{
  transport->lingering = true;
  SSL *ssl = lws_get_ssl(transport->wsi);
  if (ssl != NULL)
    SSL_shutdown(ssl);
  shutdown(lws_get_socket_fd(transport->wsi), SHUT_WR);
  if (transport->linger_source == 0)
    transport->linger_source = g_timeout_add(LINGER_MS, linger_over, transport);
}

static void want_writable(AblakTransport *transport)
{
  lws_callback_on_writable(transport->wsi);
  transport->net->changed = true;
}

static void flow(AblakTransport *transport)
{
  transport->net->changed = true;
  lws_rx_flow_control(transport->wsi, !(transport->paused || transport->held));
}

static bool write_head(AblakTransport *transport)
{
  GBytes *bytes = g_queue_peek_head(&transport->out);
  gsize size;
  const guint8 *data = g_bytes_get_data(bytes, &size);
  gsize part = MIN(size - transport->head_sent, (gsize)ABLAK_NET_CHUNK);
  /* Raw writes need no room before the data and leave it as it is. */
  if (part > 0 && lws_write(transport->wsi, (guint8 *)data + transport->head_sent, part,
                            LWS_WRITE_RAW) < (int)part)
    return false;
  transport->head_sent += part;
  transport->queued -= part;
  transport->written += part;
  if (transport->head_sent == size) {
    transport->head_sent = 0;
    g_bytes_unref(g_queue_pop_head(&transport->out));
  }
  return true;
}

static bool pump(AblakTransport *transport)
{
  bool had = !g_queue_is_empty(&transport->out);
  while (!g_queue_is_empty(&transport->out) && !lws_partial_buffered(transport->wsi))
    if (!write_head(transport))
      return false;
  /* A connection with a partial write is not read by libwebsockets, which would spin. */
  bool held = lws_partial_buffered(transport->wsi) != 0;
  if (held != transport->held) {
    transport->held = held;
    flow(transport);
  }
  if (held || !g_queue_is_empty(&transport->out)) {
    want_writable(transport);
    return true;
  }
  if (transport->finishing && !transport->lingering)
    half_close(transport);
  else if (had && transport->owner != NULL && transport->callbacks->drained != NULL)
    transport->callbacks->drained(transport->owner);
  return true;
}

static bool received(AblakTransport *transport, const guint8 *bytes, gsize size)
{
  if (transport->finishing || transport->owner == NULL) {
    transport->discarded += size;
    return transport->discarded <= LINGER_BYTES;
  }
  transport->callbacks->data(transport->owner, bytes, size);
  return true;
}

static int dispatch(AblakTransport *transport, struct lws *wsi, enum lws_callback_reasons reason,
                    void *in, size_t size)
{
  bool good = true;
  switch (reason) {
  case LWS_CALLBACK_RAW_RX:
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* the TLS hand-shake's own is over */
    transport->flowing = true;
    good = received(transport, in, size);
    break;
  case LWS_CALLBACK_RAW_WRITEABLE:
    transport->flowing = true;
    good = pump(transport);
    break;
  case LWS_CALLBACK_RAW_ADOPT:
    transport->wsi = wsi;
    break;
  default:
    break;
  }
  return good && !transport->dead ? 0 : -1;
}

int ablak_transport_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                             void *in, size_t size)
{
  if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS)
    return ablak_net_configure(wsi, user);
  bool ours = reason == LWS_CALLBACK_RAW_RX || reason == LWS_CALLBACK_RAW_WRITEABLE ||
              reason == LWS_CALLBACK_RAW_ADOPT || reason == LWS_CALLBACK_RAW_CLOSE ||
              reason == LWS_CALLBACK_WSI_DESTROY;
  if (!ours)
    return 0;
  AblakTransport *transport = lws_get_opaque_user_data(wsi);
  if (transport == NULL)
    return 0;
  AblakNet *net = transport->net;
  if (reason == LWS_CALLBACK_RAW_CLOSE || reason == LWS_CALLBACK_WSI_DESTROY) {
    lws_set_opaque_user_data(wsi, NULL);
    gone(transport);
    return 0;
  }
  g_atomic_ref_count_inc(&transport->refs);
  transport->depth++;
  net->depth++;
  int result = dispatch(transport, wsi, reason, in, size);
  net->depth--;
  transport->depth--;
  drop(transport);
  return result;
}

AblakTransport *ablak_transport_accept(AblakNet *net, int fd,
                                       const AblakTransportCallbacks *callbacks, gpointer owner)
{
  AblakTransport *transport = new_transport(net, callbacks, owner);
  lws_adopt_desc_t info = {
      .vh = net->vhost,
      .type = LWS_ADOPT_SOCKET | (net->tls ? LWS_ADOPT_ALLOW_SSL : 0),
      .fd.sockfd = fd,
      .vh_prot_name = "ablak",
      .opaque = transport,
  };
  struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&info);
  net->changed = true;
  if (wsi == NULL)
    gone(transport);
  else if (!transport->ended)
    transport->wsi = wsi;
  return transport;
}

void ablak_transport_send(AblakTransport *transport, GBytes *bytes)
{
  if (transport->wsi == NULL || transport->dead || transport->finishing ||
      g_bytes_get_size(bytes) == 0)
    return;
  g_queue_push_tail(&transport->out, g_bytes_ref(bytes));
  transport->queued += g_bytes_get_size(bytes);
  if (!transport->flowing) {
    want_writable(transport);
  } else if (!transport->filled) {
    transport->filled = true;
    g_atomic_ref_count_inc(&transport->refs);
    g_ptr_array_add(transport->net->filled, transport);
    transport->net->changed = true;
  }
}

gsize ablak_transport_queued(AblakTransport *transport)
{
  return transport->queued;
}

guint64 ablak_transport_written(AblakTransport *transport)
{
  return transport->written;
}

void ablak_transport_pause(AblakTransport *transport, bool pause)
{
  if (transport->wsi == NULL || transport->paused == pause)
    return;
  transport->paused = pause;
  flow(transport);
}

void ablak_transport_push(AblakTransport *transport)
{
  if (transport->wsi != NULL && !transport->dead && transport->depth == 0 &&
      !lws_partial_buffered(transport->wsi) && !pump(transport))
    ablak_transport_abort(transport);
}

/* Written directly: being asked by the loop first would cost two changes of the epoll set and a
 * turn for each message. */
void ablak_transports_push(AblakNet *net)
{
  for (guint i = 0; i < net->filled->len; i++) {
    AblakTransport *transport = g_ptr_array_index(net->filled, i);
    transport->filled = false;
    ablak_transport_push(transport);
    drop(transport);
  }
  g_ptr_array_set_size(net->filled, 0);
}

void ablak_transport_finish(AblakTransport *transport)
{
  if (transport->wsi == NULL || transport->finishing)
    return;
  transport->finishing = true;
  transport->paused = false;
  flow(transport);
  want_writable(transport);
}

static X509 *peer_certificate(AblakTransport *transport)
{
  SSL *ssl = transport->wsi != NULL ? lws_get_ssl(transport->wsi) : NULL;
  if (ssl == NULL || SSL_get_verify_result(ssl) != X509_V_OK)
    return NULL;
  return SSL_get1_peer_certificate(ssl);
}

char *ablak_transport_peer_cn(AblakTransport *transport)
{
  X509 *certificate = peer_certificate(transport);
  if (certificate == NULL)
    return NULL;
  char *cn = NULL;
  X509_NAME *subject = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  unsigned char *text = NULL;
  if (at >= 0) {
    ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    int length = ASN1_STRING_to_UTF8(&text, value);
    /* A NUL inside would let "box-1\0evil" pass for "box-1". */
    if (length >= 0 && strlen((char *)text) == (gsize)length)
      cn = g_strdup((char *)text);
  }
  OPENSSL_free(text);
  X509_free(certificate);
  return cn != NULL ? cn : g_strdup("");
}

char *ablak_transport_peer_sha256(AblakTransport *transport)
{
  X509 *certificate = peer_certificate(transport);
  if (certificate == NULL)
    return NULL;
  unsigned char *der = NULL;
  int size = i2d_X509(certificate, &der);
  char *hex = size > 0 ? ablak_sha256_hex(der, (gsize)size) : NULL;
  OPENSSL_free(der);
  X509_free(certificate);
  return hex;
}
