/* video/channel.c: one control connection over GIO, either side. */
#include "core/error.h"
#include "core/log.h"
#include "video/control.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNSENT_MAX (4u * 1024u * 1024u)
#define READ_SIZE 16384
/* Descriptors that wait for their messages; more are closed. */
#define DESCRIPTORS_MAX 16

typedef struct {
  GBytes *frame;
  int fd; /* goes along with the first bytes; -1: none, or gone */
} Unsent;

struct AblakMediaChannel {
  guint references; /* the user's one, and one for each operation under way */
  bool over;        /* freed by the user, or closed was called */
  GIOStream *connection;
  GCancellable *cancellable;
  const AblakMediaChannelHandler *handler;
  gpointer data;
  AblakMediaFrames *frames;
  guint8 buffer[READ_SIZE];
  int descriptors[DESCRIPTORS_MAX]; /* received, whose messages have not come yet */
  guint descriptors_length;
  GQueue unsent; /* Unsent; the head is being written */
  gsize unsent_size;
  bool writing;
};

static void read_next(AblakMediaChannel *channel);
static void write_next(AblakMediaChannel *channel);

static void unsent_free(gpointer data)
{
  Unsent *unsent = data;
  g_bytes_unref(unsent->frame);
  if (unsent->fd >= 0)
    close(unsent->fd);
  g_free(unsent);
}

static int socket_of(const AblakMediaChannel *channel)
{
  return g_socket_get_fd(g_socket_connection_get_socket(G_SOCKET_CONNECTION(channel->connection)));
}

static void channel_unref(AblakMediaChannel *channel)
{
  if (--channel->references > 0)
    return;
  g_io_stream_close(channel->connection, NULL, NULL);
  g_object_unref(channel->connection);
  g_object_unref(channel->cancellable);
  ablak_media_frames_free(channel->frames);
  g_queue_clear_full(&channel->unsent, unsent_free);
  for (guint i = 0; i < channel->descriptors_length; i++)
    close(channel->descriptors[i]);
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

static int descriptor_take(AblakMediaChannel *channel)
{
  if (channel->descriptors_length == 0)
    return -1;
  int fd = channel->descriptors[0];
  channel->descriptors_length--;
  memmove(channel->descriptors, channel->descriptors + 1,
          channel->descriptors_length * sizeof channel->descriptors[0]);
  return fd;
}

static void deliver(AblakMediaChannel *channel, GBytes *payload)
{
  g_autoptr(GError) error = NULL;
  gsize size = 0;
  const char *text = g_bytes_get_data(payload, &size);
  g_autoptr(AblakMediaMessage) message = ablak_media_message_parse(text, size, &error);
  if (message == NULL) {
    /* Whose they are is not known any more: a message without its own is refused. */
    while (channel->descriptors_length > 0)
      close(descriptor_take(channel));
    channel->handler->malformed(channel, error, channel->data);
    return;
  }
  if (message->type == ABLAK_MEDIA_RECORD)
    message->fd = descriptor_take(channel);
  channel->handler->received(channel, message, channel->data);
}

static void descriptors_keep(AblakMediaChannel *channel, struct msghdr *header)
{
  for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
       control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
      continue;
    gsize count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (gsize i = 0; i < count; i++) {
      int fd = -1;
      memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
      if (channel->descriptors_length < DESCRIPTORS_MAX)
        channel->descriptors[channel->descriptors_length++] = fd;
      else
        close(fd);
    }
  }
}

/* Not by GIO: it would throw descriptors away. As recv(2). */
static gssize receive(AblakMediaChannel *channel)
{
  union {
    struct cmsghdr header;
    guint8 space[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
  } control;
  struct iovec piece = {channel->buffer, sizeof channel->buffer};
  struct msghdr header = {.msg_iov = &piece,
                          .msg_iovlen = 1,
                          .msg_control = &control,
                          .msg_controllen = sizeof control};
  gssize size = recvmsg(socket_of(channel), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size > 0)
    descriptors_keep(channel, &header);
  return size;
}

static void deliver_all(AblakMediaChannel *channel)
{
  while (!channel->over) {
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(GError) error = NULL;
    if (!ablak_media_frames_pop(channel->frames, &payload, &error)) {
      channel_close(channel, error);
      return;
    }
    if (payload == NULL)
      return;
    deliver(channel, payload);
  }
}

static gboolean on_readable(GObject *stream, gpointer data)
{
  AblakMediaChannel *channel = data;
  gssize size = channel->over ? 0 : receive(channel);
  if (size > 0) {
    ablak_media_frames_push(channel->frames, channel->buffer, (gsize)size);
    deliver_all(channel);
  } else if (size == 0) {
    channel_close(channel, NULL);
  } else if (errno != EAGAIN && errno != EINTR) {
    g_autoptr(GError) error =
        g_error_new_literal(G_IO_ERROR, (gint)g_io_error_from_errno(errno), g_strerror(errno));
    channel_close(channel, error);
  }
  if (!channel->over)
    read_next(channel);
  channel_unref(channel);
  return G_SOURCE_REMOVE;
}

static void read_next(AblakMediaChannel *channel)
{
  GInputStream *stream = g_io_stream_get_input_stream(channel->connection);
  g_autoptr(GSource) source =
      g_pollable_input_stream_create_source(G_POLLABLE_INPUT_STREAM(stream), channel->cancellable);
  channel->references++;
  g_source_set_callback(source, G_SOURCE_FUNC(on_readable), channel, NULL);
  g_source_attach(source, g_main_context_get_thread_default());
}

static void head_done(AblakMediaChannel *channel)
{
  Unsent *sent = g_queue_pop_head(&channel->unsent);
  channel->unsent_size -= g_bytes_get_size(sent->frame);
  unsent_free(sent);
}

static void on_written(GObject *source, GAsyncResult *result, gpointer data)
{
  AblakMediaChannel *channel = data;
  g_autoptr(GError) error = NULL;
  channel->writing = false;
  if (!g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, &error)) {
    channel_close(channel, error);
  } else {
    head_done(channel);
    if (!channel->over)
      write_next(channel);
  }
  channel_unref(channel);
}

static void write_rest(AblakMediaChannel *channel, const Unsent *head, gsize from)
{
  gsize size = 0;
  const guint8 *bytes = g_bytes_get_data(head->frame, &size);
  channel->writing = true;
  channel->references++;
  g_output_stream_write_all_async(g_io_stream_get_output_stream(channel->connection), bytes + from,
                                  size - from, G_PRIORITY_DEFAULT, channel->cancellable, on_written,
                                  channel);
}

/* The frame's first bytes with its descriptor; how many, or -1 with errno. */
static gssize send_with_descriptor(AblakMediaChannel *channel, const Unsent *head)
{
  union {
    struct cmsghdr header;
    guint8 space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  gsize size = 0;
  struct iovec piece = {(gpointer)g_bytes_get_data(head->frame, &size), 0};
  piece.iov_len = size;
  struct msghdr header = {.msg_iov = &piece,
                          .msg_iovlen = 1,
                          .msg_control = &control,
                          .msg_controllen = sizeof control};
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.header), &head->fd, sizeof(int));
  return sendmsg(socket_of(channel), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static gboolean on_writable(GObject *stream, gpointer data)
{
  AblakMediaChannel *channel = data;
  channel->writing = false;
  if (!channel->over)
    write_next(channel);
  channel_unref(channel);
  return G_SOURCE_REMOVE;
}

static void write_later(AblakMediaChannel *channel)
{
  GOutputStream *stream = g_io_stream_get_output_stream(channel->connection);
  g_autoptr(GSource) source = g_pollable_output_stream_create_source(
      G_POLLABLE_OUTPUT_STREAM(stream), channel->cancellable);
  channel->writing = true;
  channel->references++;
  g_source_set_callback(source, G_SOURCE_FUNC(on_writable), channel, NULL);
  g_source_attach(source, g_main_context_get_thread_default());
}

static void write_next(AblakMediaChannel *channel)
{
  Unsent *head = g_queue_peek_head(&channel->unsent);
  gssize sent = 0;
  if (head == NULL || channel->writing)
    return;
  if (head->fd >= 0) {
    sent = send_with_descriptor(channel, head);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      write_later(channel);
      return;
    }
    close(head->fd);
    head->fd = -1;
  }
  /* Another failure is met again, and told, by the writing of the rest. */
  write_rest(channel, head, (gsize)MAX(sent, 0));
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
  Unsent *unsent = g_new(Unsent, 1);
  *unsent = (Unsent){frame, message->fd >= 0 ? fcntl(message->fd, F_DUPFD_CLOEXEC, 0) : -1};
  channel->unsent_size += g_bytes_get_size(frame);
  g_queue_push_tail(&channel->unsent, unsent);
  write_next(channel);
}
