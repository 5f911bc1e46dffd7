/* video/recorder/main.c: ablak-recorder: one recording, then the end. Its tap is descriptor 3; what
 * it is to do comes as JSON lines on standard input, because a key on a command line can be seen:
 *   {"type":"start","folder","recording","key","originUs","atMs","parties":["citizen","clerk"]}
 *   {"type":"edit","atUs",…}          a line of the table of contents
 *   {"type":"stop","atUs"}            what is later is dropped; so does the end of input
 * It answers {"type":"ready"} once, when it records. */
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "video/recorder/depay.h"
#include "video/recorder/part.h"
#include "video/recorder/party.h"
#include "video/sandbox.h"
#include "video/tap.h"
#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <gst/gst.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAP_FD 3
#define TICK_MS 100
#define FLUSH_MS 5000
/* So that other sources have their turn between packets. */
#define PACKETS_AT_ONCE 256

typedef struct {
  GMainLoop *loop;
  GDataInputStream *lines;
  AblakFiles *files;
  AblakParty *parties[ABLAK_TAP_PARTIES_MAX];
  guint parties_length;
  gint64 stop_us;  /* G_MAXINT64: not yet told */
  gint64 taken_us; /* when the newest packet came that was taken */
  gint64 flushed_us;
  bool good;
} Recorder;

static void stop(Recorder *recorder, gint64 at_us)
{
  recorder->stop_us = MIN(recorder->stop_us, at_us);
  g_main_loop_quit(recorder->loop);
}

/* One message of the tap; false when there is none. */
static bool receive(Recorder *recorder)
{
  guint8 message[ABLAK_TAP_MESSAGE_MAX];
  AblakTapHeader header;
  gssize size = recv(TAP_FD, message, sizeof message, MSG_DONTWAIT);
  if (size < (gssize)sizeof header)
    return size > 0 || (size < 0 && errno == EINTR);
  memcpy(&header, message, sizeof header);
  recorder->taken_us = MAX(recorder->taken_us, header.at_us);
  if (header.party < recorder->parties_length && header.at_us <= recorder->stop_us)
    ablak_party_receive(recorder->parties[header.party], message + sizeof header,
                        (gsize)size - sizeof header, header.rtcp != 0, header.at_us,
                        header.dropped);
  return true;
}

/* A "stop" that is there already comes before any packet, however the two have arrived. */
static bool told(void)
{
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) > 0;
}

static gboolean on_tap(int fd, GIOCondition condition, gpointer data)
{
  guint taken = 0;
  if (told())
    return G_SOURCE_CONTINUE;
  while (receive(data)) {
    taken++;
    if (taken == PACKETS_AT_ONCE || told())
      break;
  }
  /* Everybody who could send is gone; what goes on is told on standard input. */
  return taken > 0 || (condition & G_IO_HUP) == 0;
}

/* Until when it is known what came. Who stood still for a while must not take for silence, or for
 * lost, what lies there unread. */
static gint64 known_us(const Recorder *recorder, gint64 now_us)
{
  int unread = 0;
  return ioctl(TAP_FD, FIONREAD, &unread) == 0 && unread > 0 ? recorder->taken_us : now_us;
}

static gboolean on_tick(gpointer data)
{
  Recorder *recorder = data;
  gint64 now_us = g_get_monotonic_time();
  gint64 until_us = known_us(recorder, now_us);
  for (guint i = 0; i < recorder->parties_length; i++)
    ablak_party_tick(recorder->parties[i], until_us);
  if (now_us - recorder->flushed_us >= FLUSH_MS * 1000) {
    recorder->flushed_us = now_us;
    ablak_files_flush(recorder->files);
  }
  return G_SOURCE_CONTINUE;
}

static bool malformed(GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "recordings/control", "a line makes no sense");
  return false;
}

static bool open_files(Recorder *recorder, const json_t *line, GError **error)
{
  const char *folder = ablak_json_get_string(line, "folder");
  const char *recording = ablak_json_get_string(line, "recording");
  const char *text = ablak_json_get_string(line, "key");
  g_autoptr(GBytes) key = text != NULL ? ablak_base64url_decode(text) : NULL;
  if (folder == NULL || recording == NULL || key == NULL ||
      g_bytes_get_size(key) != ABLAK_SEAL_KEY_SIZE)
    return malformed(error);
  gint64 origin_us = ablak_json_get_int(line, "originUs", g_get_monotonic_time());
  recorder->files =
      ablak_files_new(folder, recording, g_bytes_get_data(key, NULL), origin_us, error);
  return recorder->files != NULL;
}

static bool start(Recorder *recorder, const json_t *line, GError **error)
{
  json_t *parties = json_object_get(line, "parties"), *party;
  size_t index;
  if (json_array_size(parties) == 0 || json_array_size(parties) > ABLAK_TAP_PARTIES_MAX)
    return malformed(error);
  if (!open_files(recorder, line, error))
    return false;
  json_array_foreach(parties, index, party) recorder->parties[recorder->parties_length++] =
      ablak_party_new(recorder->files, json_is_string(party) ? json_string_value(party) : "?");
  ablak_files_say(
      recorder->files, 0, "begin",
      json_pack("{s:I, s:O}", "at", ablak_json_get_int(line, "atMs", 0), "parties", parties));
  g_unix_fd_add(TAP_FD, G_IO_IN | G_IO_HUP, on_tap, recorder);
  g_timeout_add(TICK_MS, on_tick, recorder);
  puts("{\"type\":\"ready\"}");
  return fflush(stdout) == 0;
}

static bool perform(Recorder *recorder, json_t *line, GError **error)
{
  const char *type = ablak_json_get_string(line, "type");
  gint64 at_us = ablak_json_get_int(line, "atUs", g_get_monotonic_time());
  if (g_strcmp0(type, "start") == 0)
    return malformed(error);
  if (g_strcmp0(type, "edit") == 0)
    ablak_files_say(recorder->files, ablak_files_ms(recorder->files, at_us), type, json_copy(line));
  else if (g_strcmp0(type, "stop") == 0)
    stop(recorder, at_us);
  return true;
}

static void read_line(Recorder *recorder);

static void on_line(GObject *source, GAsyncResult *result, gpointer data)
{
  Recorder *recorder = data;
  g_autoptr(GError) error = NULL;
  gsize size = 0;
  g_autofree char *text =
      g_data_input_stream_read_line_finish(recorder->lines, result, &size, &error);
  g_autoptr(json_t) line = text != NULL ? ablak_json_parse(text, size, &error) : NULL;
  if (line != NULL)
    recorder->good = perform(recorder, line, &error);
  if (text != NULL)
    OPENSSL_cleanse(text, size);
  if (error != NULL) {
    ablak_log_gerror(ABLAK_LOG_ERROR, "recorder.control", error, NULL);
    recorder->good = false;
  }
  if (line == NULL || !recorder->good)
    stop(recorder, g_get_monotonic_time());
  else if (recorder->stop_us == G_MAXINT64)
    read_line(recorder);
}

/* Before packets: "stop" must not wait for them. */
static void read_line(Recorder *recorder)
{
  g_data_input_stream_read_line_async(recorder->lines, G_PRIORITY_HIGH, NULL, on_line, recorder);
}

/* Neither keys nor sound in a core file or to a debugger of another process. */
static void hide(void)
{
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

/* Packets of strangers come to who can make files in this one folder, and nothing else. */
static bool confine(const json_t *line, GError **error)
{
  const AblakSandbox sandbox = {.program = "ablak-recorder",
                                .folder = ablak_json_get_string(line, "folder")};
  ablak_depay_load();
  ablak_part_load();
  return sandbox.folder != NULL ? ablak_sandbox_enter(&sandbox, error) : malformed(error);
}

/* The first line says where. Nothing runs beside this yet: a sandbox is for one thread and those
 * that it starts. */
static bool begin(Recorder *recorder, GError **error)
{
  gsize size = 0;
  g_autofree char *text = g_data_input_stream_read_line(recorder->lines, &size, NULL, error);
  if (text == NULL)
    return error != NULL && *error != NULL ? false : malformed(error);
  g_autoptr(json_t) line = ablak_json_parse(text, size, error);
  bool good = line != NULL && confine(line, error) && start(recorder, line, error);
  OPENSSL_cleanse(text, size);
  return good;
}

static bool finish(Recorder *recorder)
{
  g_autoptr(GError) error = NULL;
  while (receive(recorder))
    ;
  for (guint i = 0; i < recorder->parties_length; i++) {
    ablak_party_finish(recorder->parties[i], recorder->stop_us);
    ablak_party_free(recorder->parties[i]);
  }
  ablak_files_say(recorder->files, ablak_files_ms(recorder->files, recorder->stop_us), "stop",
                  json_object());
  bool good = ablak_files_finish(recorder->files, &error);
  if (!good)
    ablak_log_gerror(ABLAK_LOG_ERROR, "recorder.contents", error, NULL);
  ablak_files_free(recorder->files);
  return good;
}

static gboolean on_terminate(gpointer data)
{
  stop(data, g_get_monotonic_time());
  return G_SOURCE_REMOVE;
}

/* The sanitizer would look for leaks with another process that traces this one. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
  return 1;
}

int main(int argc, char **argv)
{
  Recorder recorder = {.stop_us = G_MAXINT64, .good = true};
  g_autoptr(GError) error = NULL;
  hide();
  ablak_log_init("ablak-recorder", ABLAK_LOG_INFO);
  gst_init(NULL, NULL);
  g_autoptr(GInputStream) input = g_unix_input_stream_new(STDIN_FILENO, FALSE);
  recorder.lines = g_data_input_stream_new(input);
  recorder.loop = g_main_loop_new(NULL, FALSE);
  bool good = begin(&recorder, &error);
  if (good) {
    g_unix_signal_add(SIGTERM, on_terminate, &recorder);
    read_line(&recorder);
    g_main_loop_run(recorder.loop);
    good = finish(&recorder) && recorder.good;
  } else {
    ablak_log_gerror(ABLAK_LOG_ERROR, "recorder.failed", error, NULL);
  }
  g_object_unref(recorder.lines);
  g_main_loop_unref(recorder.loop);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
