/* What the sandbox forbids and what it leaves: each case in a child that enters it. */
#include "video/sandbox.h"
#include "core/log.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t parent;
static const AblakSandbox relay = {.program = "test-video-sandbox", .sockets = true};
/* The folder is made anew for each run. */
static AblakSandbox recorder = {.program = "test-video-sandbox"};

/* 0 when the deed could be done, else why not. */
typedef int (*Deed)(void);

static int result(long value)
{
  return value >= 0 ? 0 : errno;
}

static int result_fd(int fd)
{
  return result(fd);
}

/* What a child that is in the sandbox makes of the deed: its errno, or minus the signal that ended
 * it. *ret_said, when given, is what it wrote. */
static int attempt_in(const AblakSandbox *sandbox, Deed deed, char **ret_said)
{
  int out[2], status = 0;
  g_assert_cmpint(pipe(out), ==, 0);
  pid_t child = fork();
  if (child == 0) {
    g_autoptr(GError) error = NULL;
    dup2(out[1], STDERR_FILENO);
    _exit(ablak_sandbox_enter(sandbox, &error) ? deed() : 255);
  }
  close(out[1]);
  GString *said = g_string_new(NULL);
  char piece[256];
  for (gssize got; (got = read(out[0], piece, sizeof piece)) > 0;)
    g_string_append_len(said, piece, got);
  close(out[0]);
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  if (ret_said != NULL)
    *ret_said = g_string_free(said, FALSE);
  else
    g_string_free(said, TRUE);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int attempt(Deed deed, char **ret_said)
{
  return attempt_in(&relay, deed, ret_said);
}

static int read_file(void)
{
  return result_fd(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}
static int read_file_at(void)
{
  return result_fd((int)syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY));
}
static int write_file(void)
{
  return result_fd(open("/tmp/ablak-sandbox", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
static int look_at_file(void)
{
  struct stat file;
  return result(stat("/etc/passwd", &file));
}
static int make_folder(void)
{
  return result(mkdir("/tmp/ablak-sandbox", 0700));
}
static int remove_file(void)
{
  return result(unlink("/tmp/ablak-sandbox"));
}
static int tcp(void)
{
  return result_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static int raw(void)
{
  return result_fd(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}
static int frames(void)
{
  return result_fd(socket(AF_PACKET, SOCK_DGRAM, 0));
}
static int other_netlink(void)
{
  return result_fd(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
}
static int be_called(void)
{
  return result(listen(socket(AF_UNIX, SOCK_STREAM, 0), 1));
}
static int run_program(void)
{
  static char *const arguments[] = {(char *)"true", NULL};
  return result(execv("/bin/true", arguments));
}
static int make_process(void)
{
  pid_t child = fork();
  return child == 0 ? 0 : result(child);
}
static int trace_parent(void)
{
  return result(ptrace(PTRACE_ATTACH, parent, NULL, NULL));
}
static int signal_parent(void)
{
  return result(kill(parent, 0));
}
static int run_memory(void)
{
  gpointer page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? errno : 0;
}
static int run_written_memory(void)
{
  gpointer page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
static int allow_more_files(void)
{
  struct rlimit limit = {1 << 20, 1 << 20};
  return result(setrlimit(RLIMIT_NOFILE, &limit));
}
static int be_root_again(void)
{
  return result(syscall(SYS_setuid, 0));
}
static int take_filter_away(void)
{
  return result(prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
}

static const struct {
  const char *name;
  Deed deed;
  int outcome;
} forbidden[] = {
    {"read-file", read_file, EACCES},
    {"read-file-at", read_file_at, EACCES},
    {"write-file", write_file, EACCES},
    {"look-at-file", look_at_file, EACCES},
    {"make-folder", make_folder, EPERM},
    {"remove-file", remove_file, EPERM},
    {"tcp", tcp, EPERM},
    {"raw", raw, EPERM},
    {"frames", frames, EPERM},
    {"other-netlink", other_netlink, EPERM},
    {"be-called", be_called, EPERM},
    {"run-program", run_program, -SIGSYS},
    {"make-process", make_process, -SIGSYS},
    {"trace-parent", trace_parent, -SIGSYS},
    {"signal-parent", signal_parent, EPERM},
    {"run-memory", run_memory, EPERM},
    {"run-written-memory", run_written_memory, EPERM},
    {"allow-more-files", allow_more_files, EPERM},
    {"be-root-again", be_root_again, EPERM},
    {"take-filter-away", take_filter_away, EPERM},
};

static void test_forbidden(gconstpointer at)
{
  gsize i = GPOINTER_TO_SIZE(at);
  g_assert_cmpint(attempt(forbidden[i].deed, NULL), ==, forbidden[i].outcome);
}

/* Everything a call needs, two datagrams over real sockets included. */
static void *in_a_thread(void *unused)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int a = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int b = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct mmsghdr datagram = {0};
  char letter = 'x', got = 0;
  struct iovec piece = {&letter, 1};
  datagram.msg_hdr = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
  if (bind(a, (gpointer)&address, size) != 0 || getsockname(a, (gpointer)&address, &size) != 0 ||
      connect(b, (gpointer)&address, size) != 0 || sendmmsg(b, &datagram, 1, 0) != 1 ||
      recv(a, &got, 1, 0) != 1 || got != 'x')
    return GINT_TO_POINTER(errno != 0 ? errno : EIO);
  close(a);
  close(b);
  return NULL;
}

static int call(void)
{
  pthread_t thread;
  void *failed = NULL;
  int problem = pthread_create(&thread, NULL, in_a_thread, NULL);
  if (problem != 0)
    return problem;
  pthread_join(thread, &failed);
  return GPOINTER_TO_INT(failed);
}

static int know_addresses(void)
{
  struct ifaddrs *list = NULL;
  if (getifaddrs(&list) != 0)
    return errno;
  freeifaddrs(list);
  return if_nametoindex("lo") > 0 ? 0 : errno;
}

static int be_random(void)
{
  guint8 bytes[16];
  return result(getrandom(bytes, sizeof bytes, 0));
}

static int wait_for_events(void)
{
  struct pollfd event = {.fd = eventfd(1, EFD_CLOEXEC), .events = POLLIN};
  return poll(&event, 1, 100) == 1 ? 0 : errno;
}

static void test_left(void)
{
  static const Deed deeds[] = {call, know_addresses, be_random, wait_for_events};
  for (gsize i = 0; i < G_N_ELEMENTS(deeds); i++) {
    g_autofree char *said = NULL;
    g_assert_cmpint(attempt(deeds[i], &said), ==, 0);
    g_assert_null(strstr(said, "refused"));
  }
}

/* The box is reached by its path, again and again. */
static char *box_path;

static int reach_box(void)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  g_strlcpy(address.sun_path, box_path, sizeof address.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return result(connect(fd, (gpointer)&address, sizeof address));
}

static void test_box(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("ablak-sandbox-XXXXXX", &error);
  g_assert_no_error(error);
  box_path = g_build_filename(folder, "box", NULL);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  g_strlcpy(address.sun_path, box_path, sizeof address.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(bind(fd, (gpointer)&address, sizeof address), ==, 0);
  g_assert_cmpint(listen(fd, 4), ==, 0);
  g_assert_cmpint(attempt(reach_box, NULL), ==, 0);
  close(fd);
  unlink(box_path);
  rmdir(folder);
  g_free(box_path);
}

/* Twice the same, and another: two lines. */
static int several(void)
{
  kill(parent, 0);
  kill(parent, 0);
  return remove_file();
}

static void test_said(void)
{
  g_autofree char *said = NULL;
  g_autofree char *number = g_strdup_printf("\"call\":\"%d\"", SYS_kill);
  g_assert_cmpint(attempt(several, &said), ==, EPERM);
  char **lines = g_strsplit(said, "\n", -1);
  guint refused = 0;
  for (char **line = lines; *line != NULL; line++)
    refused += strstr(*line, "\"sandbox.refused\"") != NULL;
  g_assert_cmpuint(refused, ==, 2);
  g_assert_nonnull(strstr(said, number));
  g_strfreev(lines);
}

static int capabilities_left(void)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
  if (!ablak_sandbox_drop_privileges() || syscall(SYS_capget, &header, data) != 0)
    return 255;
  for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
    if ((data[i].effective | data[i].permitted | data[i].inheritable) != 0)
      return 1;
  return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 2;
}

static int files_with_landlock_alone(void)
{
  if (!ablak_sandbox_drop_privileges())
    return 255;
  if (!ablak_sandbox_forbid_files(-1))
    return 0; /* an older kernel */
  int problem = read_file();
  return problem == EACCES && write_file() == EACCES ? 0 : 1;
}

static void assert_alone(Deed deed)
{
  int status = 0;
  pid_t child = fork();
  if (child == 0)
    _exit(deed());
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  g_assert_true(WIFEXITED(status));
  g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void test_parts(void)
{
  assert_alone(capabilities_left);
  assert_alone(files_with_landlock_alone);
}

/* --- a recorder's ----------------------------------------------------------------------------- */

static int make_in(const char *folder, const char *name, int flags)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);
  return open(path, flags, 0600);
}

static int make_recording(void)
{
  int fd = make_in(recorder.folder, "made", ABLAK_SANDBOX_MAKE_FILE);
  return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0
             ? 0
             : errno;
}
static int make_elsewhere(void)
{
  return result_fd(make_in("/tmp", "ablak-sandbox-elsewhere", ABLAK_SANDBOX_MAKE_FILE));
}
static int make_beside(void)
{
  return result_fd(make_in(recorder.folder, "../ablak-sandbox-beside", ABLAK_SANDBOX_MAKE_FILE));
}
/* A key lies in the same folder. */
static int read_key(void)
{
  return result_fd(make_in(recorder.folder, "there", O_RDONLY | O_CLOEXEC));
}
static int overwrite_key(void)
{
  return result_fd(make_in(recorder.folder, "there", O_WRONLY | O_TRUNC | O_CLOEXEC));
}
static int make_again(void)
{
  return result_fd(make_in(recorder.folder, "there", ABLAK_SANDBOX_MAKE_FILE));
}
static int remove_key(void)
{
  g_autofree char *path = g_build_filename(recorder.folder, "there", NULL);
  return result(unlink(path));
}
static int udp(void)
{
  return result_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}
static int box(void)
{
  return result_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static int wake_threads(void)
{
  int pair[2];
  return result(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

/* Each rests on the one that would still hold without the other, too. */
static int read_key_with_landlock_alone(void)
{
  int folder = open(recorder.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!ablak_sandbox_drop_privileges() || !ablak_sandbox_forbid_files(folder))
    return 0; /* an older kernel */
  return read_key() == EACCES && overwrite_key() == EACCES && make_elsewhere() == EACCES &&
                 remove_key() == EACCES && make_recording() == 0
             ? 0
             : 1;
}
static int read_key_with_filter_alone(void)
{
  if (!ablak_sandbox_drop_privileges() || !ablak_sandbox_filter_calls(&recorder))
    return 255;
  return read_key() == EACCES && overwrite_key() == EACCES && make_recording() == 0 ? 0 : 1;
}

static bool has_landlock(void)
{
  return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static void forget(const char *name)
{
  g_autofree char *path = g_build_filename(recorder.folder, name, NULL);
  unlink(path);
}

static void test_recorder(void)
{
  const struct {
    Deed deed;
    int outcome;
  } deeds[] = {
      {make_recording, 0},
      {wake_threads, 0},
      {be_random, 0},
      {wait_for_events, 0},
      {read_key, EACCES},
      {overwrite_key, EACCES},
      {remove_key, EPERM},
      {make_again, EEXIST},
      {read_file, EACCES},
      {make_folder, EPERM},
      {udp, EPERM},
      {box, EPERM},
      {tcp, EPERM},
      {signal_parent, EPERM},
      {run_program, -SIGSYS},
      {make_process, -SIGSYS},
      {trace_parent, -SIGSYS},
      {run_memory, EPERM},
      {run_written_memory, EPERM},
      {make_elsewhere, has_landlock() ? EACCES : 0},
      {make_beside, has_landlock() ? EACCES : 0},
  };
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("ablak-sandbox-XXXXXX", &error);
  g_assert_no_error(error);
  recorder.folder = folder;
  g_assert_cmpint(make_in(folder, "there", ABLAK_SANDBOX_MAKE_FILE), >=, 0);
  for (gsize i = 0; i < G_N_ELEMENTS(deeds); i++) {
    g_test_message("%" G_GSIZE_FORMAT, i);
    g_assert_cmpint(attempt_in(&recorder, deeds[i].deed, NULL), ==, deeds[i].outcome);
  }
  forget("made");
  assert_alone(read_key_with_landlock_alone);
  forget("made");
  assert_alone(read_key_with_filter_alone);
  forget("made");
  forget("there");
  g_assert_cmpint(rmdir(folder), ==, 0);
  /* Without its folder it must not go on. */
  g_assert_cmpint(attempt_in(&recorder, be_random, NULL), ==, 255);
  unlink("/tmp/ablak-sandbox-elsewhere");
  unlink("/tmp/ablak-sandbox-beside");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  parent = getpid();
  ablak_log_init("test-video-sandbox", ABLAK_LOG_ERROR);
  for (gsize i = 0; i < G_N_ELEMENTS(forbidden); i++) {
    g_autofree char *path = g_strconcat("/sandbox/forbidden/", forbidden[i].name, NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_forbidden);
  }
  g_test_add_func("/sandbox/left", test_left);
  g_test_add_func("/sandbox/box", test_box);
  g_test_add_func("/sandbox/said", test_said);
  g_test_add_func("/sandbox/parts", test_parts);
  g_test_add_func("/sandbox/recorder", test_recorder);
  return g_test_run();
}
