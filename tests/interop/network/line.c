/* A bad line between two network namespaces: carries every IP packet between a network interface
 * here and one in the namespace of another process, with delay, loss, a bottleneck and cuts. What
 * tc netem does where the kernel has it, but in step with the test and with losses drawn from a
 * seed.
 *
 *   line NAME PID
 *
 * makes the interface NAME here and in the namespace of process PID; the caller gives them their
 * addresses. Standard input takes one setting a line, 0 to begin with:
 *   delay MS      each way
 *   loss PERCENT  each way
 *   rate BITS     a second each way, behind a queue of QUEUE_MS; 0: no bottleneck
 *   cut 0|1       nothing passes, and nobody is told
 *   udp PORT     of UDP only what goes from or to PORT passes; 1: none; 0: all
 * Each line is answered with "ok". It ends when standard input does. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 2048
#define QUEUE_MAX 8192
/* What the router at a slow line keeps waiting; common ones keep more. */
#define QUEUE_MS 300
#define SEED 20260522u

typedef struct {
  int64_t due_us;
  size_t size;
  uint8_t bytes[PACKET_MAX];
} Packet;

typedef struct {
  int from, to;
  Packet *queue; /* ring of QUEUE_MAX */
  size_t first, count;
  int64_t free_us; /* when the bottleneck has sent what it has */
  unsigned seed; /* of its own, so that one direction's traffic does not shift the other's losses */
} Direction;

static struct {
  int64_t delay_us;
  double loss;
  int64_t rate;
  bool cut;
  long udp;
} line;

static int64_t now_us(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int open_interface(const char *name)
{
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
    err(1, "/dev/net/tun");
  return fd;
}

static int open_interface_at(const char *name, const char *pid)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
  int there = open(path, O_RDONLY | O_CLOEXEC);
  if (there < 0 || setns(there, CLONE_NEWNET) != 0)
    err(1, "%s", path);
  close(there);
  return open_interface(name);
}

/* Fragments and other protocols than UDP pass. */
static bool is_blocked(const uint8_t *packet, size_t size)
{
  size_t header = (size_t)(packet[0] & 15) * 4;
  if (line.udp == 0 || size < header + 4 || packet[0] >> 4 != 4 || packet[9] != IPPROTO_UDP)
    return false;
  long from = packet[header] << 8 | packet[header + 1];
  long to = packet[header + 2] << 8 | packet[header + 3];
  return from != line.udp && to != line.udp;
}

static void enqueue(Direction *direction, const uint8_t *bytes, size_t size, int64_t now)
{
  if (line.cut || is_blocked(bytes, size) || rand_r(&direction->seed) < line.loss * RAND_MAX)
    return;
  int64_t sent = now;
  if (line.rate > 0) {
    int64_t start = direction->free_us > now ? direction->free_us : now;
    if (start - now > QUEUE_MS * 1000)
      return;
    sent = direction->free_us = start + (int64_t)size * 8 * 1000000 / line.rate;
  }
  if (direction->count == QUEUE_MAX)
    return;
  Packet *packet = &direction->queue[(direction->first + direction->count++) % QUEUE_MAX];
  packet->due_us = sent + line.delay_us;
  packet->size = size;
  memcpy(packet->bytes, bytes, size);
}

static void take(Direction *direction)
{
  uint8_t bytes[PACKET_MAX];
  for (;;) {
    ssize_t size = read(direction->from, bytes, sizeof bytes);
    if (size < 20)
      return;
    enqueue(direction, bytes, (size_t)size, now_us());
  }
}

/* Gives the time until the next one is due, or -1. */
static int64_t deliver(Direction *direction)
{
  int64_t now = now_us();
  while (direction->count > 0) {
    Packet *packet = &direction->queue[direction->first];
    if (packet->due_us > now)
      return packet->due_us - now;
    /* An interface that is down or has no room loses it, as any line would. */
    if (!line.cut && write(direction->to, packet->bytes, packet->size) < 0 && errno == EBADF)
      err(1, "write");
    direction->first = (direction->first + 1) % QUEUE_MAX;
    direction->count--;
  }
  return -1;
}

static void set(char *text)
{
  char name[16];
  double value;
  if (sscanf(text, "%15s %lf", name, &value) != 2)
    errx(1, "not a setting: %s", text);
  if (strcmp(name, "delay") == 0)
    line.delay_us = (int64_t)(value * 1000);
  else if (strcmp(name, "loss") == 0)
    line.loss = value / 100;
  else if (strcmp(name, "rate") == 0)
    line.rate = (int64_t)value;
  else if (strcmp(name, "cut") == 0)
    line.cut = value != 0;
  else if (strcmp(name, "udp") == 0)
    line.udp = (long)value;
  else
    errx(1, "no such setting: %s", name);
  puts("ok");
  fflush(stdout);
}

static void run(Direction *directions)
{
  char input[256];
  for (;;) {
    int64_t wait_us = -1;
    for (int i = 0; i < 2; i++) {
      int64_t next_us = deliver(&directions[i]);
      if (next_us >= 0 && (wait_us < 0 || next_us < wait_us))
        wait_us = next_us;
    }
    struct timespec timeout = {wait_us / 1000000, wait_us % 1000000 * 1000};
    struct pollfd fds[] = {{directions[0].from, POLLIN, 0},
                           {directions[1].from, POLLIN, 0},
                           {STDIN_FILENO, POLLIN, 0}};
    if (ppoll(fds, 3, wait_us < 0 ? NULL : &timeout, NULL) < 0 && errno != EINTR)
      err(1, "ppoll");
    for (int i = 0; i < 2; i++)
      take(&directions[i]);
    if (fds[2].revents == 0)
      continue;
    if (!fgets(input, sizeof input, stdin))
      return;
    set(input);
  }
}

int main(int argc, char **argv)
{
  if (argc != 3)
    errx(2, "usage: line NAME PID");
  /* One setting a read: fgets must not keep lines that poll cannot see. */
  setvbuf(stdin, NULL, _IONBF, 0);
  int here = open_interface(argv[1]), there = open_interface_at(argv[1], argv[2]);
  Direction directions[] = {
      {.from = here, .to = there, .queue = calloc(QUEUE_MAX, sizeof(Packet)), .seed = SEED},
      {.from = there, .to = here, .queue = calloc(QUEUE_MAX, sizeof(Packet)), .seed = SEED + 1}};
  if (!directions[0].queue || !directions[1].queue)
    err(1, "calloc");
  puts("ok");
  fflush(stdout);
  run(directions);
  free(directions[0].queue);
  free(directions[1].queue);
  return 0;
}
