/* Messages, frames and the connection between the box and the media process. */
#include "video/control.h"
#include "core/error.h"
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static AblakMediaMessage *parse(const char *text, GError **error)
{
  return ablak_media_message_parse(text, strlen(text), error);
}

static void test_round_trip(void)
{
  static const char *const texts[] = {
      "{\"type\":\"hello\",\"version\":1,\"legs\":[{\"session\":\"s\",\"leg\":\"l\",\"state\":"
      "\"new\"}]}",
      "{\"type\":\"offer\",\"session\":\"s\",\"leg\":\"l\",\"generation\":4,\"sdp\":\"v=0\"}",
      "{\"type\":\"candidate\",\"session\":\"s\",\"leg\":\"l\",\"generation\":4,\"candidate\":\"\","
      "\"mid\":\"audio\"}",
      "{\"type\":\"state\",\"session\":\"s\",\"leg\":\"l\",\"state\":\"connected\",\"cipher\":"
      "\"AEAD_AES_128_GCM\"}",
      "{\"type\":\"state\",\"session\":\"s\",\"leg\":\"l\",\"state\":\"failed\",\"reason\":\"x\"}",
      "{\"type\":\"error\",\"slug\":\"media/x\",\"detail\":\"y\"}",
      "{\"type\":\"stats\"}",
      "{\"type\":\"join\",\"session\":\"s\",\"leg\":\"l\",\"audio\":true,\"video\":false}",
      "{\"type\":\"answer\",\"session\":\"s\",\"leg\":\"l\",\"generation\":1,\"sdp\":\"v=0\"}",
      "{\"type\":\"restart\",\"session\":\"s\",\"leg\":\"l\"}",
      "{\"type\":\"leave\",\"session\":\"s\",\"leg\":\"l\"}",
      "{\"type\":\"close\",\"session\":\"s\"}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(AblakMediaMessage) message = parse(texts[i], &error);
    g_assert_no_error(error);
    g_autoptr(json_t) json = ablak_media_message_to_json(message);
    g_autofree char *text = ablak_json_text(json);
    g_assert_cmpstr(text, ==, texts[i]);
  }
}

static void test_refused(void)
{
  static const struct {
    const char *slug;
    const char *text;
  } cases[] = {
      {"media/control-malformed", ""},
      {"media/control-malformed", "{"},
      {"media/control-malformed", "3"},
      {"media/control-malformed", "{}"},
      {"media/control-malformed", "{\"type\":1}"},
      {"media/control-unknown", "{\"type\":\"dance\"}"},
      {"media/control-malformed", "{\"type\":\"leave\",\"session\":\"s\"}"},
      {"media/control-malformed", "{\"type\":\"leave\",\"session\":\"\",\"leg\":\"l\"}"},
      {"media/control-malformed", "{\"type\":\"leave\",\"session\":\"a/b\",\"leg\":\"l\"}"},
      {"media/control-malformed",
       "{\"type\":\"join\",\"session\":\"s\",\"leg\":\"l\",\"audio\":1,\"video\":true}"},
      {"media/control-malformed",
       "{\"type\":\"answer\",\"session\":\"s\",\"leg\":\"l\",\"generation\":0,\"sdp\":\"\"}"},
      {"media/control-malformed",
       "{\"type\":\"state\",\"session\":\"s\",\"leg\":\"l\",\"state\":\"happy\"}"},
      {"media/control-malformed", "{\"type\":\"hello\",\"version\":1,\"legs\":{}}"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(parse(cases[i].text, &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, cases[i].slug);
  }
  g_autofree char *long_id = g_strnfill(65, 'x');
  g_autofree char *text = g_strdup_printf("{\"type\":\"close\",\"session\":\"%s\"}", long_id);
  g_autoptr(GError) error = NULL;
  g_assert_null(parse(text, &error));
}

/* However the stream is cut, the same frames come out. */
static void test_frames(void)
{
  const guint8 stream[] = {0, 0, 0, 2, '{', '}', 0, 0, 0, 0, 0, 0, 0, 1, '7'};
  for (gsize step = 1; step <= sizeof stream; step++) {
    g_autoptr(AblakMediaFrames) frames = ablak_media_frames_new();
    GString *seen = g_string_new(NULL);
    for (gsize at = 0; at < sizeof stream; at += step) {
      ablak_media_frames_push(frames, stream + at, MIN(step, sizeof stream - at));
      for (;;) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) payload = NULL;
        g_assert_true(ablak_media_frames_pop(frames, &payload, &error));
        if (payload == NULL)
          break;
        gsize size = 0;
        const char *data = g_bytes_get_data(payload, &size);
        g_string_append_len(seen, data, (gssize)size);
        g_string_append_c(seen, '|');
      }
    }
    g_assert_cmpstr(seen->str, ==, "{}||7|");
    g_string_free(seen, TRUE);
  }
}

static void test_too_large(void)
{
  g_autoptr(AblakMediaFrames) frames = ablak_media_frames_new();
  g_autoptr(GError) read_error = NULL, write_error = NULL;
  g_autoptr(GBytes) payload = NULL;
  ablak_media_frames_push(frames, "\x00\x04\x00\x01", 4);
  g_assert_false(ablak_media_frames_pop(frames, &payload, &read_error));
  g_assert_cmpstr(ablak_error_slug(read_error), ==, "media/frame-too-large");
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(ABLAK_MEDIA_OFFER, "s", "l");
  message->generation = 1;
  message->sdp = g_strnfill(ABLAK_MEDIA_FRAME_MAX, 'x');
  g_assert_null(ablak_media_message_frame(message, &write_error));
  g_assert_cmpstr(ablak_error_slug(write_error), ==, "media/frame-too-large");
}

typedef struct {
  AblakMediaChannel *channel;
  GString *seen;
  bool closed;
} Side;

static void on_received(AblakMediaChannel *channel, const AblakMediaMessage *message, gpointer data)
{
  Side *side = data;
  g_string_append_printf(side->seen, "%s %s;", ablak_media_type_name(message->type),
                         message->session);
  if (message->type == ABLAK_MEDIA_RECORD) {
    g_assert_cmpint(message->party, ==, 1);
    g_assert_cmpint(write(message->fd, "x", 1), ==, 1);
  }
}

static void on_malformed(AblakMediaChannel *channel, const GError *error, gpointer data)
{
  Side *side = data;
  g_string_append_printf(side->seen, "%s;", ablak_error_slug(error));
}

static void on_closed(AblakMediaChannel *channel, const GError *error, gpointer data)
{
  Side *side = data;
  side->closed = true;
  g_string_append_printf(side->seen, "closed %s;", error != NULL ? ablak_error_slug(error) : "-");
}

static const AblakMediaChannelHandler handler = {on_received, on_malformed, on_closed};

static GIOStream *stream_of(int fd)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, &error);
  g_assert_no_error(error);
  return G_IO_STREAM(g_socket_connection_factory_create_connection(socket));
}

static void pair(GIOStream *ret_streams[2])
{
  int fds[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  for (int i = 0; i < 2; i++)
    ret_streams[i] = stream_of(fds[i]);
}

static void until(const Side *side, const char *expected)
{
  while (strcmp(side->seen->str, expected) != 0)
    g_main_context_iteration(NULL, TRUE);
}

static void test_channel(void)
{
  GIOStream *streams[2];
  pair(streams);
  Side box = {.seen = g_string_new(NULL)}, media = {.seen = g_string_new(NULL)};
  box.channel = ablak_media_channel_new(streams[0], &handler, &box);
  media.channel = ablak_media_channel_new(streams[1], &handler, &media);
  g_autoptr(AblakMediaMessage) close = ablak_media_message_new(ABLAK_MEDIA_CLOSE, "one", NULL);
  for (int i = 0; i < 2; i++)
    ablak_media_channel_send(box.channel, close);
  until(&media, "close one;close one;");
  ablak_media_channel_send(media.channel, close);
  until(&box, "close one;");
  ablak_media_channel_free(box.channel);
  until(&media, "close one;close one;closed -;");
  ablak_media_channel_free(media.channel);
  for (int i = 0; i < 2; i++)
    g_object_unref(streams[i]);
  g_string_free(box.seen, TRUE);
  g_string_free(media.seen, TRUE);
}

static void write_raw(GIOStream *stream, const void *bytes, gsize size)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(g_output_stream_write_all(g_io_stream_get_output_stream(stream), bytes, size, NULL,
                                          NULL, &error));
}

/* Descriptors come with their messages, whatever is queued around them. */
static void test_channel_descriptors(void)
{
  GIOStream *streams[2];
  int pipes[2];
  pair(streams);
  g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
  Side box = {.seen = g_string_new(NULL)}, media = {.seen = g_string_new(NULL)};
  box.channel = ablak_media_channel_new(streams[0], &handler, &box);
  media.channel = ablak_media_channel_new(streams[1], &handler, &media);
  g_autoptr(AblakMediaMessage) offer = ablak_media_message_new(ABLAK_MEDIA_OFFER, "s", "l");
  offer->generation = 1;
  offer->sdp = g_strnfill(200000, 'x');
  g_autoptr(AblakMediaMessage) record = ablak_media_message_new(ABLAK_MEDIA_RECORD, "s", "l");
  record->party = 1;
  record->fd = pipes[1];
  for (int i = 0; i < 5; i++) {
    ablak_media_channel_send(box.channel, offer);
    ablak_media_channel_send(box.channel, record);
  }
  until(&media, "offer s;record s;offer s;record s;offer s;record s;offer s;record s;"
                "offer s;record s;");
  /* Each was the pipe's other end, and each has been closed with its message. */
  char written[16] = "";
  g_assert_cmpint(read(pipes[0], written, sizeof written), ==, 5);
  g_clear_pointer(&record, ablak_media_message_free);
  g_assert_cmpint(read(pipes[0], written, sizeof written), ==, 0);
  close(pipes[0]);
  ablak_media_channel_free(box.channel);
  ablak_media_channel_free(media.channel);
  while (g_main_context_iteration(NULL, FALSE))
    continue;
  for (int i = 0; i < 2; i++)
    g_object_unref(streams[i]);
  g_string_free(box.seen, TRUE);
  g_string_free(media.seen, TRUE);
}

/* A frame that cannot be read leaves the connection usable; one too long ends it. */
static void test_channel_malformed(void)
{
  GIOStream *streams[2];
  pair(streams);
  Side side = {.seen = g_string_new(NULL)};
  side.channel = ablak_media_channel_new(streams[0], &handler, &side);
  static const char good[] = "{\"type\":\"close\",\"session\":\"s\"}";
  const guint8 length[] = {0, 0, 0, sizeof good - 1};
  write_raw(streams[1], "\0\0\0\1{", 5);
  write_raw(streams[1], length, sizeof length);
  write_raw(streams[1], good, sizeof good - 1);
  until(&side, "media/control-malformed;close s;");
  write_raw(streams[1], "\xff\0\0\0", 4);
  until(&side, "media/control-malformed;close s;closed media/frame-too-large;");
  ablak_media_channel_free(side.channel);
  for (int i = 0; i < 2; i++)
    g_object_unref(streams[i]);
  g_string_free(side.seen, TRUE);
}

/* Who does not read is given up, and memory stays bounded. */
static void test_channel_slow(void)
{
  GIOStream *streams[2];
  pair(streams);
  Side side = {.seen = g_string_new(NULL)};
  side.channel = ablak_media_channel_new(streams[0], &handler, &side);
  g_autoptr(AblakMediaMessage) offer = ablak_media_message_new(ABLAK_MEDIA_OFFER, "s", "l");
  offer->generation = 1;
  offer->sdp = g_strnfill(200000, 'x');
  for (int i = 0; i < 30; i++)
    ablak_media_channel_send(side.channel, offer);
  g_assert_false(side.closed);
  until(&side, "closed media/control-slow;");
  ablak_media_channel_free(side.channel);
  for (int i = 0; i < 2; i++)
    g_object_unref(streams[i]);
  while (g_main_context_iteration(NULL, FALSE))
    continue;
  g_string_free(side.seen, TRUE);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/control/round-trip", test_round_trip);
  g_test_add_func("/control/refused", test_refused);
  g_test_add_func("/control/frames", test_frames);
  g_test_add_func("/control/too-large", test_too_large);
  g_test_add_func("/control/channel", test_channel);
  g_test_add_func("/control/channel-descriptors", test_channel_descriptors);
  g_test_add_func("/control/channel-malformed", test_channel_malformed);
  g_test_add_func("/control/channel-slow", test_channel_slow);
  return g_test_run();
}
