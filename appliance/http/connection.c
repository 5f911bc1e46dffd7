/* One client's connection: requests one after the other, or a WebSocket, or an event stream. */
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "http/private.h"
#include <string.h>

#define HEAD_MS 10000
#define IDLE_MS 60000
#define BODY_MS 30000
#define BODY_BYTES_PER_MS 4 /* slower than 4 kB/s is given up */
#define STALL_MS 30000
#define AHEAD_MAX (64 * 1024)

static void set_deadline(AblakConnection *connection, gint64 in_ms)
{
  connection->deadline_ms = in_ms > 0 ? ablak_clock_monotonic_ms() + in_ms : 0;
}

void ablak_connection_free(AblakConnection *connection)
{
  g_clear_handle_id(&connection->resume, g_source_remove);
  if (connection->request != NULL) {
    bool held = connection->state == ABLAK_CONNECTION_BODY;
    connection->request->connection = NULL;
    if (held)
      ablak_request_unref(connection->request);
  }
  if (connection->socket != NULL)
    ablak_socket_gone(g_steal_pointer(&connection->socket));
  if (connection->stream != NULL)
    ablak_stream_gone(g_steal_pointer(&connection->stream));
  g_queue_delete_link(&connection->http->connections, connection->place);
  ablak_http_count_peer(connection->http, connection->peer, -1);
  ablak_metric_add(ablak_metric_gauge("ablak_http_connections", NULL, "Open connections."), -1);
  ablak_transport_unref(connection->transport);
  g_byte_array_unref(connection->in);
  g_free(connection->peer);
  g_free(connection);
}

static void on_closed(gpointer owner)
{
  ablak_connection_free(owner);
}

static void drop_front(AblakConnection *connection, gsize size)
{
  g_byte_array_remove_range(connection->in, 0, (guint)size);
}

/* A refusal before there is a readable head: the connection cannot go on. */
static void refuse_unread(AblakConnection *connection, unsigned status, const char *slug,
                          const char *detail)
{
  connection->keep_alive = false;
  connection->state = ABLAK_CONNECTION_BUSY;
  g_autoptr(AblakRequest) request = ablak_request_new(connection, NULL);
  connection->request = request;
  ablak_request_refuse(request, status, slug, detail);
}

static void run_request(AblakConnection *connection)
{
  /* The reference passes to the handler's call; who wants to reply later takes one. */
  g_autoptr(AblakRequest) request = connection->request;
  connection->state = ABLAK_CONNECTION_BUSY;
  set_deadline(connection, 0);
  ablak_dispatch_run(request);
}

static void begin_body(AblakConnection *connection)
{
  AblakRequest *request = connection->request;
  connection->state = ABLAK_CONNECTION_BODY;
  request->body = g_byte_array_new();
  set_deadline(connection, BODY_MS + connection->body_left / BODY_BYTES_PER_MS);
  if (connection->expect_continue && connection->in->len == 0) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    g_autoptr(GBytes) bytes = g_bytes_new_static(text, sizeof text - 1);
    ablak_transport_send(connection->transport, bytes);
  }
}

static void begin_request(AblakConnection *connection, AblakHead *head)
{
  AblakRequest *request = ablak_request_new(connection, head);
  connection->request = request;
  connection->state = ABLAK_CONNECTION_BUSY;
  connection->body_left = 0;
  connection->keep_alive = head->minor == 1 && !ablak_head_has_token(head, "connection", "close");
  set_deadline(connection, 0);
  if (connection->listener->tls) {
    request->cn = ablak_transport_peer_cn(connection->transport);
    request->cert_sha256 = ablak_transport_peer_sha256(connection->transport);
  }
  if (!ablak_dispatch_head(request)) {
    ablak_request_unref(request);
    return;
  }
  if (connection->body_left > 0)
    begin_body(connection);
  else
    run_request(connection);
}

/* False: more bytes are needed. */
static bool read_head(AblakConnection *connection)
{
  gsize size =
      ablak_head_size(connection->in->data, MIN(connection->in->len, (guint)ABLAK_HEAD_MAX));
  if (size == 0) {
    if (connection->in->len >= ABLAK_HEAD_MAX)
      refuse_unread(connection, 431, "request/header-too-large", NULL);
    return false;
  }
  g_autoptr(GError) error = NULL;
  AblakHead *head = ablak_head_parse_request(connection->in->data, size, &error);
  drop_front(connection, size);
  if (head == NULL) {
    bool version = strcmp(ablak_error_slug(error), "request/http-version") == 0;
    refuse_unread(connection, version ? 505 : 400, ablak_error_slug(error), error->message);
    return false;
  }
  begin_request(connection, head);
  return true;
}

static bool read_body(AblakConnection *connection)
{
  gsize part = (gsize)MIN((gint64)connection->in->len, connection->body_left);
  g_byte_array_append(connection->request->body, connection->in->data, (guint)part);
  drop_front(connection, part);
  connection->body_left -= (gint64)part;
  if (connection->body_left > 0)
    return false;
  run_request(connection);
  return true;
}

void ablak_connection_flow(AblakConnection *connection)
{
  ablak_transport_pause(connection->transport,
                        connection->silenced || connection->in->len > AHEAD_MAX);
}

static void give_to_socket(AblakConnection *connection)
{
  g_autoptr(GByteArray) bytes = g_steal_pointer(&connection->in);
  connection->in = g_byte_array_new();
  ablak_socket_received(connection->socket, bytes->data, bytes->len);
}

static void process(AblakConnection *connection)
{
  if (connection->processing)
    return;
  connection->processing = true;
  bool more = true;
  while (more && connection->in->len > 0) {
    switch (connection->state) {
    case ABLAK_CONNECTION_HEAD:
      /* A client that asks on without reading its replies waits. */
      more =
          ablak_transport_queued(connection->transport) < ABLAK_QUEUE_MAX && read_head(connection);
      break;
    case ABLAK_CONNECTION_BODY:
      more = read_body(connection);
      break;
    case ABLAK_CONNECTION_SOCKET:
      give_to_socket(connection);
      break;
    case ABLAK_CONNECTION_CLOSING:
    case ABLAK_CONNECTION_STREAM:
      g_byte_array_set_size(connection->in, 0);
      more = false;
      break;
    default:
      more = false;
    }
  }
  connection->processing = false;
  if (connection->state == ABLAK_CONNECTION_HEAD && connection->in->len > 0 &&
      connection->deadline_ms == 0)
    set_deadline(connection, HEAD_MS);
  ablak_connection_flow(connection);
}

static void on_data(gpointer owner, const guint8 *bytes, gsize size)
{
  AblakConnection *connection = owner;
  if (connection->state == ABLAK_CONNECTION_HEAD && connection->in->len == 0)
    set_deadline(connection, HEAD_MS);
  g_byte_array_append(connection->in, bytes, (guint)size);
  process(connection);
}

static gboolean resume(gpointer data)
{
  AblakConnection *connection = data;
  connection->resume = 0;
  process(connection);
  return G_SOURCE_REMOVE;
}

static void resume_soon(AblakConnection *connection)
{
  if (connection->resume == 0 && connection->in->len > 0)
    connection->resume = g_idle_add_full(G_PRIORITY_DEFAULT, resume, connection, NULL);
}

static void on_drained(gpointer owner)
{
  AblakConnection *connection = owner;
  if (connection->socket != NULL)
    ablak_socket_drained(connection->socket);
  resume_soon(connection);
}

void ablak_connection_replied(AblakConnection *connection)
{
  connection->request = NULL;
  if (connection->state == ABLAK_CONNECTION_SOCKET ||
      connection->state == ABLAK_CONNECTION_STREAM) {
    set_deadline(connection, 0);
    resume_soon(connection);
    return;
  }
  if (!connection->keep_alive) {
    connection->state = ABLAK_CONNECTION_CLOSING;
    ablak_transport_finish(connection->transport);
    return;
  }
  connection->state = ABLAK_CONNECTION_HEAD;
  set_deadline(connection, IDLE_MS);
  resume_soon(connection);
}

static void check_stalled(AblakConnection *connection, gint64 now_ms)
{
  guint64 written = ablak_transport_written(connection->transport);
  bool flows = ablak_transport_queued(connection->transport) == 0 || written != connection->written;
  connection->written = written;
  if (flows)
    connection->stalled_ms = 0;
  else if (connection->stalled_ms == 0)
    connection->stalled_ms = now_ms;
  else if (now_ms - connection->stalled_ms > STALL_MS)
    ablak_transport_abort(connection->transport);
}

void ablak_connection_tick(AblakConnection *connection, gint64 now_ms)
{
  check_stalled(connection, now_ms);
  if (connection->socket != NULL)
    ablak_socket_tick(connection->socket, now_ms);
  if (connection->stream != NULL)
    ablak_stream_tick(connection->stream, now_ms);
  if (connection->deadline_ms == 0 || now_ms < connection->deadline_ms)
    return;
  set_deadline(connection, 0);
  if (connection->state == ABLAK_CONNECTION_HEAD && connection->in->len == 0) {
    /* Idle, or still without TLS: there is nobody to whom anything could be said. */
    ablak_transport_abort(connection->transport);
  } else if (connection->state == ABLAK_CONNECTION_HEAD) {
    refuse_unread(connection, 408, "request/timeout", NULL);
  } else if (connection->state == ABLAK_CONNECTION_BODY) {
    g_autoptr(AblakRequest) request = connection->request;
    connection->state = ABLAK_CONNECTION_BUSY;
    ablak_request_refuse(request, 408, "request/timeout", NULL);
  }
}

static const AblakTransportCallbacks callbacks = {
    .data = on_data,
    .drained = on_drained,
    .closed = on_closed,
};

void ablak_connection_accept(AblakHttpListener *listener, int fd, const char *peer)
{
  AblakConnection *connection = g_new0(AblakConnection, 1);
  connection->http = listener->http;
  connection->listener = listener;
  connection->peer = g_strdup(peer);
  connection->in = g_byte_array_new();
  set_deadline(connection, HEAD_MS);
  g_queue_push_tail(&listener->http->connections, connection);
  connection->place = listener->http->connections.tail;
  ablak_http_count_peer(listener->http, peer, 1);
  ablak_metric_add(ablak_metric_gauge("ablak_http_connections", NULL, "Open connections."), 1);
  connection->transport = ablak_transport_accept(listener->net, fd, &callbacks, connection);
}
