/* Server-sent events (HTML living standard §9.2), in chunks so that keep-alive proxies see the
 * stream's end. */
#include "core/clock.h"
#include "core/log.h"
#include "http/private.h"
#include <string.h>

#define KEEP_ALIVE_MS 15000

struct AblakStream {
  AblakConnection *connection;
  bool chunked, ending;
  gint64 sent_ms;
  GDestroyNotify closed;
  gpointer data;
};

static void send_text(AblakStream *stream, GString *text)
{
  stream->sent_ms = ablak_clock_monotonic_ms();
  if (stream->chunked) {
    g_autofree char *size = g_strdup_printf("%" G_GSIZE_MODIFIER "x\r\n", text->len);
    g_string_prepend(text, size);
    g_string_append(text, "\r\n");
  }
  g_autoptr(GBytes) bytes = g_string_free_to_bytes(text);
  ablak_transport_send(stream->connection->transport, bytes);
}

AblakStream *ablak_request_reply_stream(AblakRequest *request)
{
  AblakConnection *connection = request->connection;
  if (connection == NULL || request->replied)
    return NULL;
  if (strcmp(request->head->method, "HEAD") == 0) {
    ablak_request_reply_bytes(request, 200, "text/event-stream", NULL);
    return NULL;
  }
  request->replied = true;
  request->connection = NULL;
  AblakStream *stream = g_new0(AblakStream, 1);
  stream->connection = connection;
  stream->chunked = request->head->minor == 1;
  stream->sent_ms = ablak_clock_monotonic_ms();
  GString *head = ablak_reply_head(request, 200);
  g_string_append(head, "Content-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n");
  g_string_append(head, stream->chunked ? "Transfer-Encoding: chunked\r\n\r\n"
                                        : "Connection: close\r\n\r\n");
  g_autoptr(GBytes) bytes = g_string_free_to_bytes(head);
  ablak_transport_send(connection->transport, bytes);
  ablak_reply_count(request, 200);
  connection->stream = stream;
  connection->state = ABLAK_CONNECTION_STREAM;
  ablak_connection_replied(connection);
  return stream;
}

void ablak_stream_send(AblakStream *stream, const char *event, gint64 id, const char *data)
{
  if (stream->ending)
    return;
  if (ablak_stream_queued(stream) > ABLAK_QUEUE_MAX) {
    ablak_log(ABLAK_LOG_WARNING, "stream.too-slow", NULL);
    stream->ending = true;
    ablak_transport_abort(stream->connection->transport);
    return;
  }
  GString *text = g_string_new(NULL);
  if (id >= 0)
    g_string_append_printf(text, "id: %" G_GINT64_FORMAT "\n", id);
  if (event != NULL)
    g_string_append_printf(text, "event: %s\n", event);
  g_auto(GStrv) lines = g_strsplit(data, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    g_string_append_printf(text, "data: %s\n", *line);
  g_string_append_c(text, '\n');
  send_text(stream, text);
}

void ablak_stream_on_closed(AblakStream *stream, GDestroyNotify closed, gpointer data)
{
  stream->closed = closed;
  stream->data = data;
}

gsize ablak_stream_queued(AblakStream *stream)
{
  return ablak_transport_queued(stream->connection->transport);
}

void ablak_stream_close(AblakStream *stream)
{
  if (stream->ending)
    return;
  stream->ending = true;
  if (stream->chunked) {
    g_autoptr(GBytes) end = g_bytes_new_static("0\r\n\r\n", 5);
    ablak_transport_send(stream->connection->transport, end);
  }
  stream->connection->state = ABLAK_CONNECTION_CLOSING;
  ablak_transport_finish(stream->connection->transport);
}

void ablak_stream_tick(AblakStream *stream, gint64 now_ms)
{
  if (!stream->ending && now_ms - stream->sent_ms > KEEP_ALIVE_MS)
    send_text(stream, g_string_new(":\n\n"));
}

void ablak_stream_gone(AblakStream *stream)
{
  if (stream->closed != NULL)
    stream->closed(stream->data);
  g_free(stream);
}
