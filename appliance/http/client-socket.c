/* The client's end of a WebSocket. */
#include "core/clock.h"
#include "core/error.h"
#include "http/client.h"
#include "http/frame.h"
#include "http/head.h"
#include "http/link.h"
#include <string.h>

#define TICK_S 1
#define OPEN_MS 15000
#define PING_MS 20000
#define SILENT_MS 60000
#define CLOSE_MS 5000
#define MESSAGE_MAX (64 * 1024 * 1024)

struct AblakClientSocket {
  AblakLink *link;
  AblakClientSocketCallbacks callbacks;
  gpointer data;
  char *key;
  GByteArray *in; /* the handshake's reply */
  AblakFrames *frames;
  GError *error;
  bool opened, closing, ended;
  unsigned code;
  gint64 started_ms, heard_ms, pinged_ms, closing_ms;
  guint tick, end_source;
};

static gboolean end(gpointer data)
{
  AblakClientSocket *socket = data;
  g_clear_handle_id(&socket->tick, g_source_remove);
  g_clear_handle_id(&socket->end_source, g_source_remove);
  ablak_link_free(socket->link);
  socket->closing = true;
  socket->link = NULL;
  socket->callbacks.closed(socket, socket->code != 0 ? socket->code : 1006, socket->error,
                           socket->data);
  ablak_frames_free(socket->frames);
  g_byte_array_unref(socket->in);
  g_clear_error(&socket->error);
  g_free(socket->key);
  g_free(socket);
  return G_SOURCE_REMOVE;
}

/* From the loop's next turn, so that no caller loses the socket under its feet. */
static void end_soon(AblakClientSocket *socket)
{
  if (socket->ended)
    return;
  socket->ended = true;
  socket->end_source = g_idle_add_full(G_PRIORITY_DEFAULT, end, socket, NULL);
}

static void fail(AblakClientSocket *socket, const char *slug, const char *what)
{
  if (socket->error == NULL)
    ablak_error_set(&socket->error, ABLAK_ERROR_UNAVAILABLE, slug, "%s", what);
  end_soon(socket);
}

static void send_frame(AblakClientSocket *socket, AblakFrameKind kind, const void *bytes,
                       gsize size)
{
  if (socket->link == NULL || socket->ended)
    return;
  g_autoptr(GBytes) frame = ablak_frame_new(kind, bytes, size, true);
  ablak_link_send(socket->link, frame);
}

static void start_close(AblakClientSocket *socket, unsigned code)
{
  if (socket->closing)
    return;
  socket->closing = true;
  socket->closing_ms = ablak_clock_monotonic_ms();
  socket->code = code;
  if (socket->link == NULL || socket->ended)
    return;
  g_autoptr(GBytes) frame = ablak_frame_new_close(code, NULL, true);
  ablak_link_send(socket->link, frame);
}

static bool on_message(AblakFrameKind kind, const guint8 *bytes, gsize size, gpointer data)
{
  AblakClientSocket *socket = data;
  if (socket->ended)
    return false;
  switch (kind) {
  case ABLAK_FRAME_PING:
    if (!socket->closing)
      send_frame(socket, ABLAK_FRAME_PONG, bytes, size);
    break;
  case ABLAK_FRAME_CLOSE: {
    unsigned code = ablak_frame_close_code(bytes, size);
    start_close(socket, code == 1005 ? 1000 : code == 0 ? 1002 : code);
    ablak_link_finish(socket->link); /* the server closes first */
    return false;
  }
  case ABLAK_FRAME_TEXT:
  case ABLAK_FRAME_BINARY:
    if (!socket->closing)
      socket->callbacks.message(socket, bytes, size, kind == ABLAK_FRAME_BINARY, socket->data);
    break;
  default:
    break;
  }
  return true;
}

static void on_opened(gpointer owner)
{
  AblakClientSocket *socket = owner;
  g_autofree char *text =
      g_strdup_printf("GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
                      ablak_link_target(socket->link), ablak_link_host(socket->link), socket->key);
  g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
  ablak_link_send(socket->link, bytes);
}

static bool is_accepted(AblakClientSocket *socket, const AblakHead *head)
{
  g_autofree char *wanted = ablak_frame_accept(socket->key);
  return head->status == 101 && ablak_head_has_token(head, "upgrade", "websocket") &&
         g_strcmp0(ablak_head_get(head, "sec-websocket-accept"), wanted) == 0;
}

/* Bytes of the handshake's reply; what comes after it is frames. */
static void read_handshake(AblakClientSocket *socket)
{
  gsize size = ablak_head_size(socket->in->data, socket->in->len);
  if (size == 0) {
    if (socket->in->len > 4 * ABLAK_HEAD_MAX)
      fail(socket, "http/reply", "The reply's head has no end");
    return;
  }
  g_autoptr(AblakHead) head = ablak_head_parse_reply(socket->in->data, size, NULL);
  if (head == NULL || !is_accepted(socket, head)) {
    g_autofree char *what =
        g_strdup_printf("No WebSocket: status %u", head != NULL ? head->status : 0);
    fail(socket, "http/reply", what);
    return;
  }
  g_byte_array_remove_range(socket->in, 0, (guint)size);
  socket->opened = true;
  if (socket->callbacks.opened != NULL)
    socket->callbacks.opened(socket, socket->data);
}

static void read_frames(AblakClientSocket *socket, const guint8 *bytes, gsize size)
{
  unsigned code = ablak_frames_read(socket->frames, bytes, size);
  if (code == 0)
    return;
  start_close(socket, code);
  ablak_link_finish(socket->link);
}

static void on_data(gpointer owner, const guint8 *bytes, gsize size)
{
  AblakClientSocket *socket = owner;
  if (socket->ended)
    return;
  socket->heard_ms = ablak_clock_monotonic_ms();
  if (socket->opened) {
    read_frames(socket, bytes, size);
    return;
  }
  g_byte_array_append(socket->in, bytes, (guint)size);
  read_handshake(socket);
  if (!socket->opened || socket->ended || socket->in->len == 0)
    return;
  g_autoptr(GByteArray) rest = g_steal_pointer(&socket->in);
  socket->in = g_byte_array_new();
  read_frames(socket, rest->data, rest->len);
}

static void on_drained(gpointer owner)
{
  AblakClientSocket *socket = owner;
  if (socket->opened && !socket->closing && socket->callbacks.writable != NULL)
    socket->callbacks.writable(socket, socket->data);
}

static void on_closed(gpointer owner, const GError *error)
{
  AblakClientSocket *socket = owner;
  if (error != NULL && socket->error == NULL)
    socket->error = g_error_copy(error);
  else if (!socket->opened && socket->error == NULL)
    ablak_error_set(&socket->error, ABLAK_ERROR_UNAVAILABLE, "http/reply",
                    "The connection ended before the WebSocket opened");
  end_soon(socket);
}

static gboolean on_tick(gpointer data)
{
  AblakClientSocket *socket = data;
  gint64 now_ms = ablak_clock_monotonic_ms();
  if (socket->closing && now_ms - socket->closing_ms > CLOSE_MS) {
    end_soon(socket);
  } else if (!socket->opened && !socket->closing && now_ms - socket->started_ms > OPEN_MS) {
    fail(socket, "http/timeout", "No WebSocket in time");
  } else if (socket->opened && !socket->closing && now_ms - socket->heard_ms > SILENT_MS) {
    fail(socket, "http/timeout", "The server is silent");
  } else if (socket->opened && !socket->closing &&
             now_ms - MAX(socket->heard_ms, socket->pinged_ms) > PING_MS) {
    socket->pinged_ms = now_ms;
    send_frame(socket, ABLAK_FRAME_PING, NULL, 0);
  }
  return G_SOURCE_CONTINUE;
}

AblakClientSocket *ablak_client_socket_new(const AblakClientTls *tls, const char *url,
                                           const AblakClientSocketCallbacks *callbacks,
                                           gpointer data)
{
  static const AblakLinkCallbacks link_callbacks = {
      .opened = on_opened, .data = on_data, .drained = on_drained, .closed = on_closed};
  AblakClientSocket *socket = g_new0(AblakClientSocket, 1);
  socket->callbacks = *callbacks;
  socket->data = data;
  socket->key = ablak_frame_key();
  socket->in = g_byte_array_new();
  socket->frames = ablak_frames_new(false, MESSAGE_MAX, on_message, socket);
  socket->started_ms = ablak_clock_monotonic_ms();
  socket->tick = g_timeout_add_seconds(TICK_S, on_tick, socket);
  socket->link = ablak_link_new(tls, url, &link_callbacks, socket);
  return socket;
}

void ablak_client_socket_send(AblakClientSocket *socket, const void *bytes, gsize size, bool binary)
{
  if (socket->opened && !socket->closing)
    send_frame(socket, binary ? ABLAK_FRAME_BINARY : ABLAK_FRAME_TEXT, bytes, size);
}

gsize ablak_client_socket_queued(AblakClientSocket *socket)
{
  return socket->link != NULL ? ablak_link_queued(socket->link) : 0;
}

void ablak_client_socket_close(AblakClientSocket *socket, unsigned code)
{
  bool opened = socket->opened;
  start_close(socket, code);
  if (!opened)
    end_soon(socket);
}
