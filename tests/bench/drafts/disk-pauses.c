/* disk-pauses FOLDER: when the disk below FOLDER stood still, as somebody sees it who only reads:
 * one block every few milliseconds, past the kernel's cache. Prints a line
 * "BEGIN END" (ms, CLOCK_MONOTONIC) for each read that took longer than a pause may, when its
 * standard input ends. Reads, because they add nothing for anybody to wait behind. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 4096
#define BLOCKS 256
#define EVERY_MS 5
#define PAUSE_US 20000

typedef struct {
  gint64 begin_us, end_us;
} Pause;

static int file_of_blocks(const char *folder)
{
  g_autofree char *path = g_build_filename(folder, "disk-pauses-XXXXXX", NULL);
  static char block[BLOCK];
  int fd = g_mkstemp(path);
  for (int i = 0; fd >= 0 && i < BLOCKS; i++)
    if (write(fd, memset(block, i, BLOCK), BLOCK) != BLOCK)
      return -1;
  if (fd < 0 || fsync(fd) != 0)
    return -1;
  int direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
  unlink(path);
  close(fd);
  return direct;
}

static bool wait_for_end(void)
{
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, EVERY_MS) == 0;
}

int main(int argc, char **argv)
{
  int fd = argc == 2 ? file_of_blocks(argv[1]) : -1;
  void *block = NULL;
  if (fd < 0 || posix_memalign(&block, BLOCK, BLOCK) != 0) {
    fprintf(stderr, "disk-pauses: %s: %s\n", argc == 2 ? argv[1] : "a folder is wanted",
            g_strerror(errno));
    return 1;
  }
  /* where it is allowed: what waits for a processor is no pause of the disk */
  sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 1});
  g_autoptr(GArray) pauses = g_array_new(FALSE, FALSE, sizeof(Pause));
  for (int reads = 0; wait_for_end(); reads++) {
    Pause read = {.begin_us = g_get_monotonic_time()};
    if (pread(fd, block, BLOCK, reads % BLOCKS * BLOCK) != BLOCK)
      return 1;
    read.end_us = g_get_monotonic_time();
    if (read.end_us - read.begin_us > PAUSE_US)
      g_array_append_val(pauses, read);
  }
  for (guint i = 0; i < pauses->len; i++) {
    const Pause *pause = &g_array_index(pauses, Pause, i);
    printf("%.3f %.3f\n", (double)pause->begin_us / 1000, (double)pause->end_us / 1000);
  }
  free(block);
  return 0;
}
