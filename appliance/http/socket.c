/* The server's end of a WebSocket. */
#include "core/clock.h"
#include "core/log.h"
#include "http/private.h"
#include <string.h>

#define PING_MS 30000
#define SILENT_MS 60000
#define CLOSE_MS 5000
#define MESSAGE_DEFAULT (64 * 1024)

struct AblakSocket {
  AblakConnection *connection;
  AblakSocketCallbacks callbacks;
  gpointer data;
  AblakFrames *frames;
  bool closing;     /* our close frame is queued */
  bool peer_closed; /* theirs has come */
  gint64 heard_ms, pinged_ms, closing_ms;
  gint64 ping_ms; /* asks who has been silent so long */
};

static AblakMetric *gauge(void)
{
  return ablak_metric_gauge("ablak_http_sockets", NULL, "Open WebSockets.");
}

const char *ablak_socket_check(AblakRequest *request)
{
  const char *key = ablak_request_header(request, "sec-websocket-key");
  g_autofree char *accept = key != NULL ? ablak_frame_accept(key) : NULL;
  if (request->head->minor != 1 || !ablak_head_has_token(request->head, "connection", "upgrade"))
    return "Connection does not say upgrade";
  if (g_strcmp0(ablak_request_header(request, "sec-websocket-version"), "13") != 0) {
    ablak_request_set_header(request, "Sec-WebSocket-Version", "13");
    return "Not WebSocket version 13";
  }
  return accept != NULL ? NULL : "Sec-WebSocket-Key is not 16 bytes of base64";
}

static void send_frame(AblakSocket *socket, AblakFrameKind kind, const void *bytes, gsize size)
{
  g_autoptr(GBytes) frame = ablak_frame_new(kind, bytes, size, false);
  ablak_transport_send(socket->connection->transport, frame);
}

static void finish(AblakSocket *socket)
{
  socket->connection->state = ABLAK_CONNECTION_CLOSING;
  ablak_transport_finish(socket->connection->transport);
}

static void start_close(AblakSocket *socket, unsigned code, const char *reason)
{
  if (socket->closing)
    return;
  socket->closing = true;
  socket->closing_ms = ablak_clock_monotonic_ms();
  if (socket->connection->silenced) {
    socket->connection->silenced = false;
    ablak_connection_flow(socket->connection);
  }
  g_autoptr(GBytes) frame = ablak_frame_new_close(code, reason, false);
  ablak_transport_send(socket->connection->transport, frame);
}

static void refuse_bytes(AblakSocket *socket, unsigned code)
{
  g_autofree char *number = g_strdup_printf("%u", code);
  ablak_log(ABLAK_LOG_INFO, "socket.refused", "code", number, NULL);
  start_close(socket, code, NULL);
  finish(socket); /* nothing after it can be read */
}

static void peer_closes(AblakSocket *socket, const guint8 *bytes, gsize size)
{
  unsigned code = ablak_frame_close_code(bytes, size);
  socket->peer_closed = true;
  start_close(socket, code == 1005 ? 1000 : code == 0 ? 1002 : code, NULL);
  finish(socket);
}

static bool on_message(AblakFrameKind kind, const guint8 *bytes, gsize size, gpointer data)
{
  AblakSocket *socket = data;
  switch (kind) {
  case ABLAK_FRAME_PING:
    if (!socket->closing)
      send_frame(socket, ABLAK_FRAME_PONG, bytes, size);
    break;
  case ABLAK_FRAME_CLOSE:
    peer_closes(socket, bytes, size);
    return false;
  case ABLAK_FRAME_TEXT:
  case ABLAK_FRAME_BINARY:
    if (!socket->closing && socket->callbacks.message != NULL)
      socket->callbacks.message(socket, bytes, size, kind == ABLAK_FRAME_BINARY, socket->data);
    break;
  default:
    break;
  }
  return true;
}

AblakSocket *ablak_request_accept_socket(AblakRequest *request,
                                         const AblakSocketCallbacks *callbacks, gpointer data)
{
  AblakConnection *connection = request->connection;
  if (connection == NULL || request->replied || !request->route->socket)
    return NULL;
  request->replied = true;
  request->connection = NULL;
  g_autofree char *accept = ablak_frame_accept(ablak_request_header(request, "sec-websocket-key"));
  GString *head = ablak_reply_head(request, 101);
  g_string_append_printf(head,
                         "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: %s\r\n\r\n",
                         accept);
  g_autoptr(GBytes) bytes = g_string_free_to_bytes(head);
  ablak_transport_send(connection->transport, bytes);
  ablak_reply_count(request, 101);

  AblakSocket *socket = g_new0(AblakSocket, 1);
  socket->connection = connection;
  socket->callbacks = *callbacks;
  socket->data = data;
  socket->frames =
      ablak_frames_new(true, callbacks->message_max != 0 ? callbacks->message_max : MESSAGE_DEFAULT,
                       on_message, socket);
  socket->heard_ms = ablak_clock_monotonic_ms();
  /* Whoever came together, as after a restart, is not asked together for ever. */
  socket->ping_ms = g_random_int_range(2 * PING_MS / 3, PING_MS);
  connection->socket = socket;
  connection->state = ABLAK_CONNECTION_SOCKET;
  ablak_metric_add(gauge(), 1);
  ablak_connection_replied(connection);
  return socket;
}

void ablak_socket_received(AblakSocket *socket, const guint8 *bytes, gsize size)
{
  socket->heard_ms = ablak_clock_monotonic_ms();
  unsigned code = ablak_frames_read(socket->frames, bytes, size);
  if (code != 0)
    refuse_bytes(socket, code);
}

void ablak_socket_tick(AblakSocket *socket, gint64 now_ms)
{
  if (socket->closing) {
    if (now_ms - socket->closing_ms > CLOSE_MS)
      ablak_transport_abort(socket->connection->transport);
    return;
  }
  if (now_ms - socket->heard_ms > SILENT_MS) {
    ablak_transport_abort(socket->connection->transport);
  } else if (now_ms - MAX(socket->heard_ms, socket->pinged_ms) > socket->ping_ms) {
    socket->pinged_ms = now_ms;
    send_frame(socket, ABLAK_FRAME_PING, NULL, 0);
  }
}

void ablak_socket_drained(AblakSocket *socket)
{
  if (!socket->closing && socket->callbacks.drained != NULL)
    socket->callbacks.drained(socket, socket->data);
}

void ablak_socket_gone(AblakSocket *socket)
{
  ablak_metric_add(gauge(), -1);
  socket->closing = true;
  if (socket->callbacks.closed != NULL)
    socket->callbacks.closed(socket, socket->data);
  ablak_frames_free(socket->frames);
  g_free(socket);
}

static void send_message(AblakSocket *socket, AblakFrameKind kind, const void *data, gsize size)
{
  if (socket->closing)
    return;
  if (ablak_transport_queued(socket->connection->transport) + size > ABLAK_QUEUE_MAX) {
    ablak_log(ABLAK_LOG_WARNING, "socket.too-slow", NULL);
    start_close(socket, 1013, "too slow");
    return;
  }
  send_frame(socket, kind, data, size);
}

void ablak_socket_send_text(AblakSocket *socket, const char *text)
{
  send_message(socket, ABLAK_FRAME_TEXT, text, strlen(text));
}

void ablak_socket_send_binary(AblakSocket *socket, const void *data, gsize size)
{
  send_message(socket, ABLAK_FRAME_BINARY, data, size);
}

gsize ablak_socket_queued(AblakSocket *socket)
{
  return ablak_transport_queued(socket->connection->transport);
}

void ablak_socket_pause(AblakSocket *socket, bool pause)
{
  if (socket->closing) /* the peer's close frame must come through */
    return;
  socket->connection->silenced = pause;
  ablak_connection_flow(socket->connection);
}

void ablak_socket_close(AblakSocket *socket, unsigned code, const char *reason)
{
  start_close(socket, code, reason);
}
