/* video/channel.c: one control connection over GIO, either side. */
#include "core/error.h"
#include "core/log.h"
#include "video/control.h"

#define UNSENT_MAX (4u * 1024u * 1024u)
#define READ_SIZE 16384

struct AblakMediaChannel {
  guint references; /* the user's one, and one for each operation under way */
  bool over;        /* freed by the user, or closed was called */
  GIOStream *connection;
  GCancellable *cancellable;
  const AblakMediaChannelHandler *handler;
  gpointer data;
  AblakMediaFrames *frames;
  guint8 buffer[READ_SIZE];
  GQueue unsent; /* GBytes; the head is being written */
  gsize unsent_size;
  bool writing;
};

static void read_next(AblakMediaChannel *channel);
static void write_next(AblakMediaChannel *channel);

static void channel_unref(AblakMediaChannel *channel)
{
  if (--channel->references > 0)
    return;
  g_io_stream_close(channel->connection, NULL, NULL);
  g_object_unref(channel->connection);
  g_object_unref(channel->cancellable);
  ablak_media_frames_free(channel->frames);
  g_queue_clear_full(&channel->unsent, (GDestroyNotify)g_bytes_unref);
  g_free(channel);
}

static void channel_close(AblakMediaChannel *channel, const GError *error)
{
  if (channel->over)
    return;
  channel->over = true;
  g_cancellable_cancel(channel->cancellable);
  channel->handler->closed(channel, error, channel->data);
}

static void deliver(AblakMediaChannel *channel, GBytes *payload)
{
  g_autoptr(GError) error = NULL;
  gsize size = 0;
  const char *text = g_bytes_get_data(payload, &size);
  g_autoptr(AblakMediaMessage) message = ablak_media_message_parse(text, size, &error);
  if (message != NULL)
    channel->handler->received(channel, message, channel->data);
  else
    channel->handler->malformed(channel, error, channel->data);
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data)
{
  AblakMediaChannel *channel = data;
  g_autoptr(GError) error = NULL;
  gssize size = g_input_stream_read_finish(G_INPUT_STREAM(source), result, &error);
  if (size <= 0)
    channel_close(channel, error);
  else
    ablak_media_frames_push(channel->frames, channel->buffer, (gsize)size);
  while (!channel->over) {
    g_autoptr(GBytes) payload = NULL;
    if (!ablak_media_frames_pop(channel->frames, &payload, &error)) {
      channel_close(channel, error);
      break;
    }
    if (payload == NULL)
      break;
    deliver(channel, payload);
  }
  if (!channel->over)
    read_next(channel);
  channel_unref(channel);
}

static void read_next(AblakMediaChannel *channel)
{
  channel->references++;
  g_input_stream_read_async(g_io_stream_get_input_stream(channel->connection), channel->buffer,
                            sizeof channel->buffer, G_PRIORITY_DEFAULT, channel->cancellable,
                            on_read, channel);
}

static void on_written(GObject *source, GAsyncResult *result, gpointer data)
{
  AblakMediaChannel *channel = data;
  g_autoptr(GError) error = NULL;
  channel->writing = false;
  if (!g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, &error)) {
    channel_close(channel, error);
  } else {
    g_autoptr(GBytes) sent = g_queue_pop_head(&channel->unsent);
    channel->unsent_size -= g_bytes_get_size(sent);
    if (!channel->over)
      write_next(channel);
  }
  channel_unref(channel);
}

static void write_next(AblakMediaChannel *channel)
{
  GBytes *head = g_queue_peek_head(&channel->unsent);
  if (head == NULL || channel->writing)
    return;
  channel->writing = true;
  channel->references++;
  gsize size = 0;
  const void *bytes = g_bytes_get_data(head, &size);
  g_output_stream_write_all_async(g_io_stream_get_output_stream(channel->connection), bytes, size,
                                  G_PRIORITY_DEFAULT, channel->cancellable, on_written, channel);
}

AblakMediaChannel *ablak_media_channel_new(GIOStream *connection,
                                           const AblakMediaChannelHandler *handler, gpointer data)
{
  AblakMediaChannel *channel = g_new0(AblakMediaChannel, 1);
  channel->references = 1;
  channel->connection = g_object_ref(connection);
  channel->cancellable = g_cancellable_new();
  channel->handler = handler;
  channel->data = data;
  channel->frames = ablak_media_frames_new();
  g_queue_init(&channel->unsent);
  read_next(channel);
  return channel;
}

void ablak_media_channel_free(AblakMediaChannel *channel)
{
  if (channel == NULL)
    return;
  channel->over = true;
  g_cancellable_cancel(channel->cancellable);
  channel_unref(channel);
}

/* The user must not be called from inside its own call. */
static gboolean give_up(gpointer data)
{
  AblakMediaChannel *channel = data;
  g_autoptr(GError) error = NULL;
  ablak_error_set(&error, ABLAK_ERROR_UNAVAILABLE, "media/control-slow",
                  "the other side does not read");
  channel_close(channel, error);
  channel_unref(channel);
  return G_SOURCE_REMOVE;
}

void ablak_media_channel_send(AblakMediaChannel *channel, const AblakMediaMessage *message)
{
  g_autoptr(GError) error = NULL;
  if (channel->over)
    return;
  GBytes *frame = ablak_media_message_frame(message, &error);
  if (frame == NULL) {
    ablak_log_gerror(ABLAK_LOG_ERROR, "media.control-unsent", error, NULL);
    return;
  }
  if (channel->unsent_size + g_bytes_get_size(frame) > UNSENT_MAX) {
    g_bytes_unref(frame);
    g_autoptr(GSource) source = g_idle_source_new();
    channel->references++;
    g_source_set_callback(source, give_up, channel, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
    return;
  }
  channel->unsent_size += g_bytes_get_size(frame);
  g_queue_push_tail(&channel->unsent, frame);
  write_next(channel);
}
