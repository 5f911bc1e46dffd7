/* machine-pauses FOLDER: when this machine stood still, as somebody sees it who asks next to
 * nothing of it. On each core a thread of the real-time class wakes every other millisecond: when
 * it comes late, the core ran nobody (a hypervisor had it, or the kernel would not be interrupted).
 * One more reads a block below FOLDER every few milliseconds, past the kernel's cache: when that
 * takes long, the disk stood still. Prints "core" or "disk" and "BEGIN END" (ms, CLOCK_MONOTONIC)
 * for each pause when its standard input ends. Where the real-time class is not permitted, cores
 * are not watched. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TICK_US 2000
#define LATE_US 3000
#define BLOCK 4096
#define BLOCKS 256
#define READ_EVERY_US 3000
#define SLOW_READ_US 5000
#define BEST_EFFORT (2 << 13) /* ioprio_set(2): class 2, level 0 */

typedef struct {
  gint64 begin_us, end_us;
} Pause;

typedef struct {
  int core; /* or -1 */
  int fd;
  GArray *pauses;
} Watch;

static int stopping;

static void note(Watch *watch, gint64 begin_us, gint64 end_us)
{
  Pause pause = {begin_us, end_us};
  g_array_append_val(watch->pauses, pause);
}

static gpointer watch_core(gpointer data)
{
  Watch *watch = data;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET((unsigned)watch->core, &only);
  pthread_setaffinity_np(pthread_self(), sizeof only, &only);
  while (!g_atomic_int_get(&stopping)) {
    gint64 due_us = g_get_monotonic_time() + TICK_US;
    g_usleep(TICK_US);
    gint64 now_us = g_get_monotonic_time();
    if (now_us - due_us > LATE_US)
      note(watch, due_us, now_us);
  }
  return NULL;
}

/* Somebody of the real-time class reads before all others by default, and the scheduler of the disk
 * lets them wait for milliseconds after each of its reads. */
static gpointer watch_disk(gpointer data)
{
  Watch *watch = data;
  void *block = NULL;
  if (syscall(SYS_ioprio_set, 1, 0, BEST_EFFORT) != 0 || posix_memalign(&block, BLOCK, BLOCK) != 0)
    return (gpointer) "the disk's reader could not begin";
  bool read = true;
  for (int reads = 0; read && !g_atomic_int_get(&stopping); reads++) {
    gint64 begin_us = g_get_monotonic_time();
    read = pread(watch->fd, block, BLOCK, reads % BLOCKS * BLOCK) == BLOCK;
    gint64 end_us = g_get_monotonic_time();
    if (end_us - begin_us > SLOW_READ_US)
      note(watch, begin_us, end_us);
    g_usleep(READ_EVERY_US);
  }
  free(block);
  return read ? NULL : (gpointer) "the disk could not be read";
}

static int file_of_blocks(const char *folder)
{
  g_autofree char *path = g_build_filename(folder, "machine-pauses-XXXXXX", NULL);
  static char block[BLOCK];
  int fd = g_mkstemp(path);
  for (int i = 0; fd >= 0 && i < BLOCKS; i++)
    if (write(fd, memset(block, i, BLOCK), BLOCK) != BLOCK)
      return -1;
  if (fd < 0 || fsync(fd) != 0)
    return -1;
  int direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (direct < 0) /* a file system in memory knows no direct reads */
    direct = open(path, O_RDONLY | O_CLOEXEC);
  unlink(path);
  close(fd);
  return direct;
}

static void wait_for_end(void)
{
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0)
    continue;
  g_atomic_int_set(&stopping, 1);
}

int main(int argc, char **argv)
{
  int fd = argc == 2 ? file_of_blocks(argv[1]) : -1;
  if (fd < 0) {
    fprintf(stderr, "machine-pauses: %s: %s\n", argc == 2 ? argv[1] : "a folder is wanted",
            g_strerror(errno));
    return 1;
  }
  bool may_be_first = sched_setscheduler(0, SCHED_RR, &(struct sched_param){10}) == 0;
  int cores = may_be_first ? (int)g_get_num_processors() : 0;
  g_autofree Watch *watches = g_new0(Watch, cores + 1);
  g_autofree GThread **threads = g_new0(GThread *, cores + 1);
  for (int i = 0; i <= cores; i++) {
    watches[i] = (Watch){.core = i, .fd = fd, .pauses = g_array_new(FALSE, FALSE, sizeof(Pause))};
    threads[i] = g_thread_new("watch", i < cores ? watch_core : watch_disk, &watches[i]);
  }
  wait_for_end();
  const char *failure = NULL;
  for (int i = 0; i <= cores; i++) {
    const char *said = g_thread_join(threads[i]);
    failure = said != NULL ? said : failure;
    for (guint k = 0; k < watches[i].pauses->len; k++) {
      const Pause *pause = &g_array_index(watches[i].pauses, Pause, k);
      printf("%s %.3f %.3f\n", i < cores ? "core" : "disk", (double)pause->begin_us / 1000,
             (double)pause->end_us / 1000);
    }
    g_array_unref(watches[i].pauses);
  }
  if (failure != NULL)
    fprintf(stderr, "machine-pauses: %s\n", failure);
  return failure != NULL;
}
