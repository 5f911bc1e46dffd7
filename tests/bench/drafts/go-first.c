/* go-first PID...: these processes go before others on this machine.
 *
 * Nice -20 weighs a thread against others of its session only where the kernel schedules sessions
 * as groups (sched(7), "The autogroup feature"): so the session gets it, too. And their threads run
 * in slices of a tenth of a millisecond: who wakes often and runs briefly need not wait, at each
 * waking, until somebody who computes has come to the end of a longer one. Kernels before 6.12 know
 * no slices of a thread's own. It is not the real-time class, where the kernel's own threads that
 * write to the disk would wait for them. */
#include <errno.h>
#include <glib.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 100000
#define FIRST (-20)

/* sched_setattr(2); glibc 2.36 has no wrapper for it, and its headers and the kernel's disagree */
typedef struct {
  guint32 size, policy;
  guint64 flags;
  gint32 nice;
  guint32 priority;
  guint64 runtime_ns, deadline_ns, period_ns;
} SchedAttr;

/* Who has ended meanwhile needs nothing. */
static bool put_first(int thread)
{
  SchedAttr attr = {
      .size = sizeof attr, .policy = SCHED_OTHER, .nice = FIRST, .runtime_ns = SLICE_NS};
  return syscall(SYS_sched_setattr, thread, &attr, 0) == 0 || errno == ESRCH;
}

/* A kernel without groups has no such file. */
static bool put_session_first(const char *pid)
{
  g_autofree char *path = g_strdup_printf("/proc/%s/autogroup", pid);
  FILE *file = fopen(path, "w");
  if (file == NULL)
    return errno == ENOENT;
  bool written = fprintf(file, "%d", FIRST) > 0;
  return fclose(file) == 0 && written;
}

static bool put_threads_first(const char *pid)
{
  g_autofree char *path = g_strdup_printf("/proc/%s/task", pid);
  g_autoptr(GDir) threads = g_dir_open(path, 0, NULL);
  if (threads == NULL)
    return true;
  for (const char *name; (name = g_dir_read_name(threads)) != NULL;)
    if (!put_first(atoi(name)))
      return false;
  return true;
}

int main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (!put_session_first(argv[i]) || !put_threads_first(argv[i])) {
      fprintf(stderr, "go-first: %s: %s\n", argv[i], g_strerror(errno));
      return 1;
    }
  return 0;
}
