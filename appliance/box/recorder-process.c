#include "box/recorder-process.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <video/recorder/seal.h>

#define STOP_S 30
/* A recorder that reads nothing gets no more of the form. */
#define UNSENT_MAX (8u * 1024u * 1024u)

struct AblakRecorderProcess {
  GSubprocess *process;
  int tap;
  AblakRecorderExit on_exit; /* NULL: freed */
  gpointer data;
  GQueue unsent; /* GBytes */
  gsize unsent_size;
  bool writing, stopping;
  guint kill_timer;
  guint references;
};

static void write_next(AblakRecorderProcess *process);

static void process_unref(AblakRecorderProcess *process)
{
  if (--process->references > 0)
    return;
  g_queue_clear_full(&process->unsent, (GDestroyNotify)g_bytes_unref);
  g_object_unref(process->process);
  g_free(process);
}

static void on_written(GObject *stream, GAsyncResult *result, gpointer data)
{
  AblakRecorderProcess *process = data;
  g_autoptr(GBytes) sent = g_queue_pop_head(&process->unsent);
  process->writing = false;
  process->unsent_size -= g_bytes_get_size(sent);
  /* It failed: it is gone, and its exit comes. */
  if (g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result, NULL, NULL))
    write_next(process);
  process_unref(process);
}

static void write_next(AblakRecorderProcess *process)
{
  GBytes *head = g_queue_peek_head(&process->unsent);
  if (!head || process->writing)
    return;
  gsize size = 0;
  const void *bytes = g_bytes_get_data(head, &size);
  process->writing = true;
  process->references++;
  g_output_stream_write_all_async(g_subprocess_get_stdin_pipe(process->process), bytes, size,
                                  G_PRIORITY_DEFAULT, NULL, on_written, process);
}

/* Takes `line`. */
static void say(AblakRecorderProcess *process, json_t *line)
{
  g_autofree char *text = ablak_json_text(line);
  json_decref(line);
  g_autofree char *with_end = g_strconcat(text, "\n", NULL);
  gsize size = strlen(with_end);
  if (process->unsent_size + size > UNSENT_MAX)
    return;
  process->unsent_size += size;
  g_queue_push_tail(&process->unsent, g_bytes_new_take(g_steal_pointer(&with_end), size));
  write_next(process);
}

static void ended(GObject *subprocess, GAsyncResult *result, gpointer data)
{
  AblakRecorderProcess *process = data;
  bool whole = g_subprocess_wait_check_finish(G_SUBPROCESS(subprocess), result, NULL);
  g_clear_handle_id(&process->kill_timer, g_source_remove);
  if (process->on_exit)
    process->on_exit(whole, process->data);
  process_unref(process);
}

static void tap_close(AblakRecorderProcess *process)
{
  if (process->tap >= 0)
    close(process->tap);
  process->tap = -1;
}

static GSubprocess *spawn(const char *program, int *ret_tap, GError **error)
{
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/process", "no socket for a recorder");
    return NULL;
  }
  g_autoptr(GError) cause = NULL;
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_subprocess_launcher_take_fd(launcher, fds[1], 3);
  GSubprocess *process = g_subprocess_launcher_spawn(launcher, &cause, program, NULL);
  if (process) {
    *ret_tap = fds[0];
    return process;
  }
  close(fds[0]);
  ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/process", "%s", cause->message);
  return NULL;
}

AblakRecorderProcess *ablak_recorder_process_new(const AblakRecorderStart *start,
                                                 AblakRecorderExit on_exit, gpointer data,
                                                 GError **error)
{
  int tap = -1;
  GSubprocess *subprocess = spawn(start->program, &tap, error);
  if (!subprocess)
    return NULL;
  AblakRecorderProcess *process = g_new0(AblakRecorderProcess, 1);
  process->process = subprocess;
  process->tap = tap;
  process->on_exit = on_exit;
  process->data = data;
  process->references = 2; /* the caller's, and the wait's */
  g_subprocess_wait_check_async(subprocess, NULL, ended, process);
  g_autofree char *key = ablak_base64url_encode(start->key, ABLAK_SEAL_KEY_SIZE);
  say(process, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:[s, s]}", "type", "start", "folder",
                         start->folder, "recording", start->recording, "key", key, "originUs",
                         (json_int_t)g_get_monotonic_time(), "atMs",
                         (json_int_t)ablak_clock_wall_ms(), "parties", "citizen", "clerk"));
  return process;
}

void ablak_recorder_process_free(AblakRecorderProcess *process)
{
  if (!process)
    return;
  process->on_exit = NULL;
  g_clear_handle_id(&process->kill_timer, g_source_remove);
  tap_close(process);
  g_subprocess_force_exit(process->process);
  process_unref(process);
}

int ablak_recorder_process_tap(const AblakRecorderProcess *process)
{
  return process->tap;
}

void ablak_recorder_process_edit(AblakRecorderProcess *process, const void *message, gsize size)
{
  if (process->stopping)
    return;
  g_autofree char *text = ablak_base64url_encode(message, size);
  say(process, json_pack("{s:s, s:I, s:s}", "type", "edit", "atUs",
                         (json_int_t)g_get_monotonic_time(), "message", text));
}

static gboolean too_long(gpointer data)
{
  AblakRecorderProcess *process = data;
  process->kill_timer = 0;
  g_subprocess_force_exit(process->process);
  return G_SOURCE_REMOVE;
}

void ablak_recorder_process_stop(AblakRecorderProcess *process)
{
  if (process->stopping)
    return;
  say(process, json_pack("{s:s, s:I}", "type", "stop", "atUs", (json_int_t)g_get_monotonic_time()));
  process->stopping = true;
  tap_close(process);
  process->kill_timer = g_timeout_add_seconds(STOP_S, too_long, process);
}

void ablak_recorder_process_kill(AblakRecorderProcess *process)
{
  process->stopping = true;
  tap_close(process);
  g_subprocess_force_exit(process->process);
}

void ablak_recorder_process_finish(AblakRecorderProcess *process)
{
  tap_close(process);
  g_subprocess_send_signal(process->process, SIGTERM);
  g_subprocess_wait(process->process, NULL, NULL);
}
