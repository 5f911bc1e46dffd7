#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "http/private.h"
#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 2000
#define CONNECTIONS_PEER_MAX 1000
#define TICK_MS 50
#define AGAIN_S 1

static char *peer_text(const struct sockaddr_storage *address)
{
  char text[INET6_ADDRSTRLEN] = "";
  if (address->ss_family == AF_INET6) {
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six))
      inet_ntop(AF_INET, &six->s6_addr[12], text, sizeof text);
    else
      inet_ntop(AF_INET6, six, text, sizeof text);
  } else {
    inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, sizeof text);
  }
  return g_strdup(text);
}

static guint of_peer(const AblakHttp *http, const char *peer)
{
  return GPOINTER_TO_UINT(g_hash_table_lookup(http->peers, peer));
}

void ablak_http_count_peer(AblakHttp *http, const char *peer, int change)
{
  guint count = (guint)((int)of_peer(http, peer) + change);
  if (count > 0)
    g_hash_table_replace(http->peers, g_strdup(peer), GUINT_TO_POINTER(count));
  else
    g_hash_table_remove(http->peers, peer);
}

/* One address must not be able to take every place there is. */
static bool has_room(const AblakHttp *http, const char *peer)
{
  return http->connections.length < http->connections_max &&
         (of_peer(http, peer) < http->connections_peer_max ||
          g_strcmp0(peer, http->trusted_proxy) == 0);
}

static gboolean on_acceptable(gint fd, GIOCondition condition, gpointer data);

static gboolean watch(gpointer data)
{
  AblakHttpListener *listener = data;
  listener->source = g_unix_fd_add(listener->fd, G_IO_IN, on_acceptable, listener);
  return G_SOURCE_REMOVE;
}

static gboolean on_acceptable(gint fd, GIOCondition condition, gpointer data)
{
  AblakHttpListener *listener = data;
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  int accepted = accept4(fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0 && (errno == EMFILE || errno == ENFILE)) {
    /* The waiting connection would wake the loop, and write a line, without end. */
    ablak_log(ABLAK_LOG_ERROR, "http.no-descriptors", "listener", listener->name, NULL);
    listener->source = g_timeout_add_seconds(AGAIN_S, watch, listener);
    return G_SOURCE_REMOVE;
  }
  if (accepted < 0)
    return G_SOURCE_CONTINUE;
  g_autofree char *peer = peer_text(&address);
  if (!has_room(listener->http, peer)) {
    close(accepted);
    return G_SOURCE_CONTINUE;
  }
  int on = 1;
  setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ablak_connection_accept(listener, accepted, peer);
  return G_SOURCE_CONTINUE;
}

static void listener_free(gpointer data)
{
  AblakHttpListener *listener = data;
  g_clear_handle_id(&listener->source, g_source_remove);
  if (listener->fd >= 0)
    close(listener->fd);
  ablak_net_free(listener->net);
  g_free(listener->name);
  g_free(listener);
}

static bool bind_failed(GError **error, const AblakListener *wanted)
{
  if (errno == EADDRINUSE)
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "http/port-busy",
                    "Port %d of %s is in use by another program", wanted->port, wanted->address);
  else
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "http/listen",
                    "Cannot listen on %s port %d: %s", wanted->address, wanted->port,
                    g_strerror(errno));
  return false;
}

static bool listen_on(AblakHttpListener *listener, const AblakListener *wanted, GError **error)
{
  g_autoptr(GSocketAddress) address =
      g_inet_socket_address_new_from_string(wanted->address, (guint)wanted->port);
  if (address == NULL) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "http/listen", "\"%s\" is not an address",
                    wanted->address);
    return false;
  }
  struct sockaddr_storage native;
  gssize size = g_socket_address_get_native_size(address);
  if (!g_socket_address_to_native(address, &native, sizeof native, error))
    return false;
  listener->fd = socket(native.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  if (listener->fd < 0)
    return bind_failed(error, wanted);
  setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener->fd, (struct sockaddr *)&native, (socklen_t)size) != 0 ||
      listen(listener->fd, 256) != 0)
    return bind_failed(error, wanted);
  socklen_t bound_size = sizeof native;
  getsockname(listener->fd, (struct sockaddr *)&native, &bound_size);
  listener->port = ntohs(native.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&native)->sin6_port
                                                      : ((struct sockaddr_in *)&native)->sin_port);
  watch(listener);
  return true;
}

static bool add_listener(AblakHttp *http, const AblakListener *wanted, GError **error)
{
  AblakHttpListener *listener = g_new0(AblakHttpListener, 1);
  listener->http = http;
  listener->fd = -1;
  listener->name = g_strdup(wanted->name);
  listener->tls = wanted->certificate != NULL;
  g_ptr_array_add(http->listeners, listener);
  AblakNetTls tls = {
      .certificate = wanted->certificate,
      .key = wanted->key,
      .ca = wanted->client_ca,
      .crl = wanted->client_crl,
  };
  listener->net = ablak_net_new(listener->tls ? &tls : NULL, error);
  return listener->net != NULL && listen_on(listener, wanted, error);
}

bool ablak_http_renew_certificates(AblakHttp *http, GError **error)
{
  GError *first = NULL;
  for (guint i = 0; i < http->listeners->len; i++) {
    AblakHttpListener *listener = http->listeners->pdata[i];
    ablak_net_renew(listener->net, first == NULL ? &first : NULL);
  }
  if (first != NULL)
    g_propagate_error(error, first);
  return first == NULL;
}

static gboolean on_tick(gpointer data)
{
  AblakHttp *http = data;
  /* Each about once a second, and never thousands at a time: everybody else would wait for them.
   * One that is looked at may go, and take others with it. */
  gint64 now_ms = ablak_clock_monotonic_ms();
  for (guint i = http->connections.length * TICK_MS / 1000 + 1; i > 0; i--) {
    GList *first = g_queue_pop_head_link(&http->connections);
    if (first == NULL)
      break;
    g_queue_push_tail_link(&http->connections, first);
    ablak_connection_tick(first->data, now_ms);
  }
  return G_SOURCE_CONTINUE;
}

/* Distributions start services with a soft limit of 1,024 and leave the hard one far above. */
static void make_room_for_files(guint connections)
{
  const rlim_t others = 256; /* databases, pages, clients of other daemons */
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= connections + others)
    return;
  limit.rlim_cur = MIN(limit.rlim_max, connections + others);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < connections + others)
    ablak_log(ABLAK_LOG_WARNING, "http.few-descriptors", NULL);
}

AblakHttp *ablak_http_new(const AblakHttpOptions *options, GError **error)
{
  g_autoptr(AblakHttp) http = g_new0(AblakHttp, 1);
  http->listeners = g_ptr_array_new_with_free_func(listener_free);
  g_queue_init(&http->connections);
  http->peers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  http->connections_max = options->connections_max > 0 ? options->connections_max : CONNECTIONS_MAX;
  http->connections_peer_max =
      options->connections_peer_max > 0 ? options->connections_peer_max : CONNECTIONS_PEER_MAX;
  http->table = options->table;
  http->pages = options->static_dir != NULL ? ablak_pages_new(options->static_dir) : NULL;
  http->origins = g_strdupv((GStrv)options->origins);
  http->trusted_proxy = g_strdup(options->trusted_proxy);
  http->server_name = g_strdup(options->server_name);
  http->authorise = options->authorise;
  http->app = options->app;
  if (!ablak_dispatch_compile(http, error))
    return NULL;
  for (gsize i = 0; i < options->listener_count; i++)
    if (!add_listener(http, &options->listeners[i], error))
      return NULL;
  make_room_for_files(http->connections_max);
  http->tick = g_timeout_add(TICK_MS, on_tick, http);
  return g_steal_pointer(&http);
}

static void say_goodbye(AblakHttp *http)
{
  g_autoptr(GList) all = g_list_copy(http->connections.head);
  for (GList *at = all; at != NULL; at = at->next) {
    AblakConnection *connection = at->data;
    if (connection->socket != NULL)
      ablak_socket_close(connection->socket, 1001, NULL);
    ablak_transport_push(connection->transport);
  }
  for (GList *at = all; at != NULL; at = at->next)
    ablak_connection_free(at->data);
}

void ablak_http_free(AblakHttp *http)
{
  if (http == NULL)
    return;
  g_clear_handle_id(&http->tick, g_source_remove);
  say_goodbye(http);
  g_ptr_array_unref(http->listeners);
  g_hash_table_unref(http->peers);
  if (http->schemas != NULL)
    g_ptr_array_unref(http->schemas);
  ablak_pages_free(http->pages);
  g_strfreev(http->origins);
  g_free(http->trusted_proxy);
  g_free(http->server_name);
  g_free(http->openapi_etag);
  g_free(http);
}

int ablak_http_port(AblakHttp *http, const char *listener)
{
  for (guint i = 0; i < http->listeners->len; i++) {
    AblakHttpListener *one = http->listeners->pdata[i];
    if (strcmp(one->name, listener) == 0)
      return one->port;
  }
  return 0;
}

void ablak_http_set_health(AblakHttp *http, bool (*probe)(gpointer data, GError **error),
                           gpointer data)
{
  http->probe = probe;
  http->probe_data = data;
}
