/* ablak-recorder as a process: told to stop, left alone, killed. What it leaves is readable, and
 * nothing that came after "stop" is in it. argv[1]: the program. */
#include "media.h"
#include "video/recorder/files.h"
#include "video/tap.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <linux/sockios.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;
static const guint8 key[ABLAK_SEAL_KEY_SIZE] = "the process test's";

typedef struct {
  char *folder, *said; /* said: its log */
  int tap;
  GSubprocess *process;
  gint64 origin_us;
  GPtrArray *packets;
} Fixture;

/* Of each of its threads. */
static void assert_confined(const char *pid)
{
  g_autofree char *tasks = g_strdup_printf("/proc/%s/task", pid);
  g_autoptr(GDir) dir = g_dir_open(tasks, 0, NULL);
  g_assert_nonnull(dir);
  for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
    g_autofree char *path = g_build_filename(tasks, name, "status", NULL);
    g_autofree char *status = NULL;
    if (!g_file_get_contents(path, &status, NULL, NULL))
      continue; /* it has ended */
    g_assert_nonnull(strstr(status, "\nSeccomp:\t2\n"));
    g_assert_nonnull(strstr(status, "\nNoNewPrivs:\t1\n"));
    g_assert_nonnull(strstr(status, "\nCapEff:\t0000000000000000\n"));
  }
}

/* It needs nothing that its sandbox forbids, and says so if it does. */
static void assert_content(const Fixture *fixture)
{
  g_autofree char *text = NULL;
  g_assert_true(g_file_get_contents(fixture->said, &text, NULL, NULL));
  g_test_message("%s", text);
  g_assert_null(strstr(text, "sandbox.refused"));
  g_assert_null(strstr(text, "Sanitizer"));
}

static void say(Fixture *fixture, const char *line)
{
  GOutputStream *input = g_subprocess_get_stdin_pipe(fixture->process);
  g_assert_true(g_output_stream_write_all(input, line, strlen(line), NULL, NULL, NULL));
}

/* `ago`: seconds since the recording's origin, as if the recorder had stood still since. */
static void fixture_make(Fixture *fixture, gconstpointer ago)
{
  g_autoptr(GError) error = NULL;
  int fds[2], room = 1 << 20;
  fixture->folder = g_dir_make_tmp("ablak-recorder-XXXXXX", NULL);
  fixture->said = g_build_filename(fixture->folder, "log", NULL);
  fixture->packets = media_make(4, "vp8", 7, 3900000000);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->tap = fds[0];
  g_assert_cmpint(setsockopt(fixture->tap, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), ==, 0);
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_subprocess_launcher_set_stderr_file_path(launcher, fixture->said);
  g_subprocess_launcher_take_fd(launcher, fds[1], 3);
  fixture->process = g_subprocess_launcher_spawn(launcher, &error, program, NULL);
  g_assert_no_error(error);
  fixture->origin_us = g_get_monotonic_time() - GPOINTER_TO_INT(ago) * G_USEC_PER_SEC;
  g_autofree char *text = ablak_base64url_encode(key, sizeof key);
  g_autofree char *start = g_strdup_printf("{\"type\":\"start\",\"folder\":\"%s\",\"recording\":"
                                           "\"r\",\"key\":\"%s\",\"originUs\":%" G_GINT64_FORMAT
                                           ",\"atMs\":1,\"parties\":[\"citizen\",\"clerk\"]}\n",
                                           fixture->folder, text, fixture->origin_us);
  say(fixture, start);
  char ready[32] = "";
  g_assert_cmpint(g_input_stream_read(g_subprocess_get_stdout_pipe(fixture->process), ready,
                                      sizeof ready - 1, NULL, NULL),
                  >, 0);
  g_assert_cmpstr(ready, ==, "{\"type\":\"ready\"}\n");
  assert_confined(g_subprocess_get_identifier(fixture->process));
}

static void fixture_clear(Fixture *fixture, gconstpointer unused)
{
  assert_content(fixture);
  g_autoptr(GDir) dir = g_dir_open(fixture->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
    g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
    g_unlink(path);
  }
  g_rmdir(fixture->folder);
  g_free(fixture->folder);
  g_free(fixture->said);
  g_ptr_array_unref(fixture->packets);
  g_object_unref(fixture->process);
  if (fixture->tap >= 0)
    close(fixture->tap);
}

/* Packets said from one moment to another, as if they had come then; the recorder reads as fast as
 * it can. */
static void feed(Fixture *fixture, guint8 party, gint64 from_us, gint64 to_us)
{
  for (guint i = 0; i < fixture->packets->len; i++) {
    const MediaPacket *packet = fixture->packets->pdata[i];
    gsize size = 0;
    const void *data = g_bytes_get_data(packet->data, &size);
    guint8 message[ABLAK_TAP_MESSAGE_MAX];
    const AblakTapHeader header = {
        .at_us = fixture->origin_us + packet->said_us, .party = party, .rtcp = packet->rtcp != 0};
    if (packet->said_us < from_us || packet->said_us >= to_us)
      continue;
    memcpy(message, &header, sizeof header);
    memcpy(message + sizeof header, data, size);
    g_assert_cmpint(send(fixture->tap, message, sizeof header + size, MSG_NOSIGNAL), ==,
                    (gssize)(sizeof header + size));
  }
}

/* Returns when the recorder has taken all it was fed. What waits for one that stands still blocks
 * the sender, as the box's never does. */
static void drain(Fixture *fixture)
{
  for (int left = 1; left > 0;) {
    g_assert_cmpint(ioctl(fixture->tap, SIOCOUTQ, &left), ==, 0);
    if (left > 0)
      g_usleep(10000);
  }
}

static GBytes *part(Fixture *fixture, guint number)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_strdup_printf("%s/r.%u.part", fixture->folder, number);
  g_assert_true(ablak_seal_salvage(path, key, &error));
  g_assert_no_error(error);
  g_autoptr(AblakSealReader) reader = ablak_seal_reader_new(path, key, &error);
  g_assert_no_error(error);
  return ablak_seal_reader_read(reader, 0, G_MAXINT, NULL);
}

static bool contents_has(Fixture *fixture, const char *what)
{
  g_autoptr(GBytes) bytes = part(fixture, 0);
  return memmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), what, strlen(what)) != NULL;
}

/* Returns when it really stands: a signal sent is not yet a process stopped. */
static void halt(Fixture *fixture)
{
  siginfo_t what;
  id_t pid = (id_t)g_ascii_strtoull(g_subprocess_get_identifier(fixture->process), NULL, 10);
  g_subprocess_send_signal(fixture->process, SIGSTOP);
  g_assert_cmpint(waitid(P_PID, pid, &what, WSTOPPED), ==, 0);
}

/* What it was told before is on disk; what it was told after the stop is not. */
static void test_stop(Fixture *fixture, gconstpointer unused)
{
  g_autofree char *stop = g_strdup_printf("{\"type\":\"stop\",\"atUs\":%" G_GINT64_FORMAT "}\n",
                                          fixture->origin_us + 1950000);
  say(fixture, "{\"type\":\"edit\",\"field\":\"/name\"}\n");
  feed(fixture, 0, 0, 1900000);
  drain(fixture);
  /* Later packets and the stop are there at the same time. */
  halt(fixture);
  feed(fixture, 0, 1900000, 3 * G_USEC_PER_SEC);
  say(fixture, stop);
  g_subprocess_send_signal(fixture->process, SIGCONT);
  g_assert_true(g_subprocess_wait_check(fixture->process, NULL, NULL));
  g_assert_true(contents_has(fixture, "/name"));
  g_assert_true(contents_has(fixture, "\"stop\""));
  g_autoptr(GBytes) file = part(fixture, 1);
  g_auto(MediaSeen) seen;
  media_look(file, &seen);
  g_assert_cmpuint(seen.flashes->len, ==, 2);
  g_assert_cmpuint(seen.beeps->len, ==, 2);
  g_assert_cmpint(seen.last_ms, <=, 2000);
  g_assert_cmpint(seen.last_ms, >, 1800);
}

/* ablakd is gone: nobody could withdraw, so it ends by itself. */
static void test_abandoned(Fixture *fixture, gconstpointer unused)
{
  feed(fixture, 0, 0, 1900000);
  feed(fixture, 1, 0, 1900000);
  g_usleep(2 * G_USEC_PER_SEC); /* what is to come later than the end does not count */
  g_assert_true(g_output_stream_close(g_subprocess_get_stdin_pipe(fixture->process), NULL, NULL));
  g_subprocess_wait(fixture->process, NULL, NULL);
  for (guint i = 1; i <= 2; i++) {
    g_autoptr(GBytes) file = part(fixture, i);
    g_auto(MediaSeen) seen;
    media_look(file, &seen);
    g_assert_cmpuint(seen.beeps->len, ==, 2);
  }
}

/* It stood still, and finds more than it takes at once: what it has not read yet is no silence, so
 * everybody has one part. */
static void test_stalled(Fixture *fixture, gconstpointer unused)
{
  halt(fixture);
  feed(fixture, 0, 0, 2200000);
  feed(fixture, 1, 0, 2200000);
  g_usleep(300000); /* it has other things to do as well, when it goes on */
  g_subprocess_send_signal(fixture->process, SIGCONT);
  drain(fixture);
  say(fixture, "{\"type\":\"stop\"}\n");
  g_assert_true(g_subprocess_wait_check(fixture->process, NULL, NULL));
  for (guint i = 1; i <= 2; i++) {
    g_autoptr(GBytes) file = part(fixture, i);
    g_auto(MediaSeen) seen;
    media_look(file, &seen);
    g_assert_cmpuint(seen.beeps->len, ==, 3);
    g_assert_cmpuint(seen.flashes->len, ==, 3);
  }
  g_autofree char *another = g_build_filename(fixture->folder, "r.3.part", NULL);
  g_assert_false(g_file_test(another, G_FILE_TEST_EXISTS));
}

/* Killed: the chunks that were full are readable, and the lines that were sent off. */
static void test_killed(Fixture *fixture, gconstpointer unused)
{
  say(fixture, "{\"type\":\"edit\",\"field\":\"/early\"}\n");
  feed(fixture, 0, 0, 4 * G_USEC_PER_SEC);
  drain(fixture);
  g_usleep(6 * G_USEC_PER_SEC); /* it sends lines off every 5 s */
  g_subprocess_send_signal(fixture->process, SIGKILL);
  g_subprocess_wait(fixture->process, NULL, NULL);
  g_assert_cmpint(g_subprocess_get_term_sig(fixture->process), ==, SIGKILL);
  g_assert_true(contents_has(fixture, "/early"));
  g_autoptr(GBytes) file = part(fixture, 1);
  g_auto(MediaSeen) seen;
  media_look(file, &seen);
  g_assert_cmpuint(seen.beeps->len, >=, 1);
  g_assert_cmpuint(seen.frames, >=, 10);
}

/* Nobody reads: the sender is told at once and goes on. Garbage is no reason to stop. */
static void test_garbage(Fixture *fixture, gconstpointer unused)
{
  guint8 noise[ABLAK_TAP_MESSAGE_MAX + 100];
  for (gsize i = 0; i < sizeof noise; i++)
    noise[i] = (guint8)(i * 31);
  for (gsize size = 1; size < sizeof noise; size += 13)
    send(fixture->tap, noise, size, MSG_NOSIGNAL);
  for (gsize size = 0; size + sizeof(AblakTapHeader) < ABLAK_TAP_MESSAGE_MAX; size += 13) {
    AblakTapHeader header = {.at_us = g_get_monotonic_time(), .rtcp = size % 2 == 0};
    memcpy(noise, &header, sizeof header);
    noise[sizeof header] = 0x80;
    noise[sizeof header + 1] = size % 3 == 0 ? 96 : 111;
    send(fixture->tap, noise, sizeof header + size, MSG_NOSIGNAL);
  }
  feed(fixture, 1, 0, 2 * G_USEC_PER_SEC);
  say(fixture, "{\"type\":\"stop\"}\n");
  g_assert_true(g_subprocess_wait_check(fixture->process, NULL, NULL));
  g_assert_true(contents_has(fixture, "\"clerk\""));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  gst_init(NULL, NULL);
  program = argv[1];
#define ADD(name, ago, test)                                                                       \
  g_test_add("/video/recorder/process/" name, Fixture, GINT_TO_POINTER(ago), fixture_make, test,   \
             fixture_clear)
  ADD("stop", 0, test_stop);
  ADD("abandoned", 0, test_abandoned);
  ADD("stalled", 8, test_stalled);
  ADD("killed", 0, test_killed);
  ADD("garbage", 0, test_garbage);
#undef ADD
  return g_test_run();
}
