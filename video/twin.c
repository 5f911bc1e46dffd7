/* video/twin.c: a second socket on one port. */
#include "video/twin.h"
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

static bool share(int fd, int on)
{
  return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
}

static bool bind_shared(int first, int twin, const struct sockaddr *local, socklen_t local_size)
{
  int six = 1;
  /* As libnice has it; without, "::" would take IPv4 too and not fit beside it. */
  if (local->sa_family == AF_INET6)
    setsockopt(twin, IPPROTO_IPV6, IPV6_V6ONLY, &six, sizeof six);
  bool bound = share(first, 1) && share(twin, 1) && bind(twin, local, local_size) == 0;
  int problem = errno;
  share(first, 0);
  errno = problem;
  return bound;
}

int ablak_twin_open(int first, const struct sockaddr *peer, socklen_t peer_size)
{
  struct sockaddr_storage storage;
  struct sockaddr *local = (struct sockaddr *)(gpointer)&storage;
  socklen_t local_size = sizeof storage;
  if (getsockname(first, local, &local_size) != 0)
    return -1;
  int twin = socket(local->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (twin < 0)
    return -1;
  if (!bind_shared(first, twin, local, local_size) || connect(twin, peer, peer_size) != 0) {
    int problem = errno;
    close(twin);
    errno = problem;
    return -1;
  }
  return twin;
}

/* Connected to itself: a sender that does not exist. */
bool ablak_twin_park(int twin)
{
  struct sockaddr_storage self;
  socklen_t size = sizeof self;
  return getsockname(twin, (struct sockaddr *)(gpointer)&self, &size) == 0 &&
         connect(twin, (struct sockaddr *)(gpointer)&self, size) == 0;
}
