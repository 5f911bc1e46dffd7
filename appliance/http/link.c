#include "http/link.h"
#include "core/error.h"
#include "http/tls-client.h"
#include "http/transport.h"
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_S 10

struct AblakLink {
  const AblakLinkCallbacks *callbacks;
  gpointer owner;
  char *name, *host, *target;
  int port;
  AblakNet *net;
  AblakTransport *transport;
  AblakTlsSession *tls;
  GSocketClient *connector;
  GCancellable *cancellable;
  GError *error;
  bool opened, told, freed;
  unsigned busy; /* callbacks and look-ups that still need it */
  guint later;
};

static void release(AblakLink *link)
{
  if (--link->busy > 0 || !link->freed)
    return;
  g_clear_object(&link->connector);
  g_clear_object(&link->cancellable);
  g_clear_error(&link->error);
  ablak_tls_session_free(link->tls);
  g_free(link->name);
  g_free(link->host);
  g_free(link->target);
  g_free(link);
}

static void tell_closed(AblakLink *link)
{
  if (link->freed || link->told)
    return;
  link->told = true;
  link->callbacks->closed(link->owner, link->opened ? NULL : link->error);
}

static void flush(AblakLink *link)
{
  g_autoptr(GBytes) bytes = link->tls != NULL ? ablak_tls_session_take(link->tls) : NULL;
  if (bytes != NULL && link->transport != NULL)
    ablak_transport_send(link->transport, bytes);
}

static void tell_opened(AblakLink *link)
{
  link->opened = true;
  link->callbacks->opened(link->owner);
}

/* Deciphers what can be; each piece may make the owner free the link. */
static void read_plain(AblakLink *link)
{
  guint8 plain[16384];
  gsize size;
  while (!link->freed && (size = ablak_tls_session_read(link->tls, plain, sizeof plain)) > 0)
    link->callbacks->data(link->owner, plain, size);
}

static void step(AblakLink *link)
{
  AblakTlsState state =
      ablak_tls_session_step(link->tls, link->error == NULL ? &link->error : NULL);
  flush(link);
  if (state == ABLAK_TLS_OPEN && !link->opened)
    tell_opened(link);
  if (state == ABLAK_TLS_OPEN)
    read_plain(link);
  if (link->freed)
    return;
  flush(link);
  state = ablak_tls_session_step(link->tls, NULL);
  if (state == ABLAK_TLS_FAILED || state == ABLAK_TLS_ENDED)
    tell_closed(link);
}

static void on_data(gpointer owner, const guint8 *bytes, gsize size)
{
  AblakLink *link = owner;
  link->busy++;
  if (link->tls == NULL) {
    link->callbacks->data(link->owner, bytes, size);
  } else {
    ablak_tls_session_feed(link->tls, bytes, size);
    step(link);
  }
  release(link);
}

static void on_drained(gpointer owner)
{
  AblakLink *link = owner;
  if (link->opened && link->callbacks->drained != NULL)
    link->callbacks->drained(link->owner);
}

static void on_closed(gpointer owner)
{
  AblakLink *link = owner;
  if (link->error == NULL)
    ablak_error_set(&link->error, ABLAK_ERROR_UNAVAILABLE, "http/connect",
                    "The connection ended before it was open");
  tell_closed(link);
}

/* The socket goes to libwebsockets, which takes a descriptor of its own. */
static void begin(AblakLink *link, GSocketConnection *connection)
{
  static const AblakTransportCallbacks callbacks = {
      .data = on_data, .drained = on_drained, .closed = on_closed};
  int fd = dup(g_socket_get_fd(g_socket_connection_get_socket(connection)));
  link->transport = ablak_transport_accept(link->net, fd, &callbacks, link);
  if (link->tls != NULL)
    step(link);
  else
    tell_opened(link);
}

static void on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  AblakLink *link = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocketConnection) connection =
      g_socket_client_connect_to_host_finish(G_SOCKET_CLIENT(source), result, &error);
  if (!link->freed && connection != NULL) {
    begin(link, connection);
  } else if (!link->freed) {
    ablak_error_set(&link->error, ABLAK_ERROR_UNAVAILABLE, "http/connect", "Cannot connect: %s",
                    error->message);
    tell_closed(link);
  }
  release(link);
}

static gboolean tell_failed(gpointer data)
{
  AblakLink *link = data;
  link->later = 0;
  tell_closed(link);
  return G_SOURCE_REMOVE;
}

/* `ret_secure` tells whether it must be TLS. */
static bool read_url(AblakLink *link, const char *url, bool *ret_secure, GError **error)
{
  g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : "";
  bool secure = strcmp(scheme, "https") == 0 || strcmp(scheme, "wss") == 0;
  bool plain = strcmp(scheme, "http") == 0 || strcmp(scheme, "ws") == 0;
  if (!(secure || plain) || g_uri_get_host(uri) == NULL || g_uri_get_host(uri)[0] == '\0' ||
      g_uri_get_userinfo(uri) != NULL) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "http/url",
                    "Not an http, https, ws or wss address");
    return false;
  }
  const char *path = g_uri_get_path(uri), *query = g_uri_get_query(uri);
  int default_port = secure ? 443 : 80;
  link->name = g_strdup(g_uri_get_host(uri));
  link->port = g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : default_port;
  const char *open = strchr(link->name, ':') != NULL ? "[" : "", *close = *open ? "]" : "";
  link->host = link->port == default_port
                   ? g_strdup_printf("%s%s%s", open, link->name, close)
                   : g_strdup_printf("%s%s%s:%d", open, link->name, close, link->port);
  link->target = g_strconcat(*path != '\0' ? path : "/", query != NULL ? "?" : "",
                             query != NULL ? query : "", NULL);
  *ret_secure = secure;
  for (const char *at = link->target; *at != '\0'; at++)
    if ((guint8)*at <= 0x20 || (guint8)*at >= 0x7f) {
      ablak_error_set(error, ABLAK_ERROR_INVALID, "http/url", "The address is not encoded");
      return false;
    }
  return true;
}

static bool prepare(AblakLink *link, const AblakClientTls *tls, bool secure, GError **error)
{
  if (secure && (tls == NULL || tls->ca == NULL)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "http/url", "TLS needs a pinned CA");
    return false;
  }
  if (secure && (link->tls = ablak_tls_session_new(tls, link->name, error)) == NULL)
    return false;
  link->net = ablak_net_new(NULL, error);
  return link->net != NULL;
}

AblakLink *ablak_link_new(const AblakClientTls *tls, const char *url,
                          const AblakLinkCallbacks *callbacks, gpointer owner)
{
  AblakLink *link = g_new0(AblakLink, 1);
  link->callbacks = callbacks;
  link->owner = owner;
  link->cancellable = g_cancellable_new();
  link->busy = 1;
  bool secure = false;
  if (!read_url(link, url, &secure, &link->error) || !prepare(link, tls, secure, &link->error)) {
    link->later = g_idle_add_full(G_PRIORITY_DEFAULT, tell_failed, link, NULL);
    return link;
  }
  link->connector =
      g_object_new(G_TYPE_SOCKET_CLIENT, "enable-proxy", FALSE, "timeout", CONNECT_S, NULL);
  link->busy++;
  g_socket_client_connect_to_host_async(link->connector, link->name, (guint16)link->port,
                                        link->cancellable, on_connected, link);
  return link;
}

static gboolean free_net(gpointer data)
{
  ablak_net_free(data);
  return G_SOURCE_REMOVE;
}

void ablak_link_free(AblakLink *link)
{
  if (link->freed)
    return;
  link->freed = true;
  g_clear_handle_id(&link->later, g_source_remove);
  ablak_transport_unref(link->transport);
  link->transport = NULL;
  /* This may run inside one of the context's own callbacks; it goes from the loop, after the
   * transport's end. */
  if (link->net != NULL)
    g_idle_add_full(G_PRIORITY_DEFAULT_IDLE, free_net, link->net, NULL);
  g_cancellable_cancel(link->cancellable);
  release(link);
}

void ablak_link_send(AblakLink *link, GBytes *bytes)
{
  if (link->transport == NULL || !link->opened)
    return;
  if (link->tls == NULL) {
    ablak_transport_send(link->transport, bytes);
    return;
  }
  gsize size;
  const guint8 *data = g_bytes_get_data(bytes, &size);
  for (gsize at = 0; at < size; at += 65536)
    ablak_tls_session_write(link->tls, data + at, MIN(size - at, (gsize)65536));
  flush(link);
}

gsize ablak_link_queued(AblakLink *link)
{
  return link->transport != NULL ? ablak_transport_queued(link->transport) : 0;
}

void ablak_link_finish(AblakLink *link)
{
  if (link->transport == NULL)
    return;
  if (link->tls != NULL)
    ablak_tls_session_shutdown(link->tls);
  flush(link);
  ablak_transport_finish(link->transport);
}

const char *ablak_link_host(AblakLink *link)
{
  return link->host;
}

const char *ablak_link_target(AblakLink *link)
{
  return link->target;
}
