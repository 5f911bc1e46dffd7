/* The kernel hands a peer's packets to the socket that is connected to it, and everybody else's to
 * the other one on the same port: what video/twin.h relies on. */
#include "video/twin.h"
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  struct sockaddr_storage storage;
  socklen_t size;
} Address;

static struct sockaddr *sockaddr_of(Address *address)
{
  return (struct sockaddr *)(gpointer)&address->storage;
}

static int socket_on_loopback(int family, Address *ret_address)
{
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gconstpointer local = family == AF_INET ? (gconstpointer)&in : (gconstpointer)&in6;
  g_assert_cmpint(bind(fd, local, family == AF_INET ? sizeof in : sizeof in6), ==, 0);
  ret_address->size = sizeof ret_address->storage;
  g_assert_cmpint(getsockname(fd, sockaddr_of(ret_address), &ret_address->size), ==, 0);
  return fd;
}

static void say(int fd, Address *to, char letter)
{
  g_assert_cmpint(sendto(fd, &letter, 1, 0, sockaddr_of(to), to->size), ==, 1);
}

/* The letters waiting, in order; on loopback a datagram is there when sendto() returns. */
static void assert_hears(int fd, const char *letters)
{
  char got[16] = "";
  gsize count = 0;
  while (count < sizeof got - 1 && recv(fd, got + count, 1, MSG_DONTWAIT) == 1)
    count++;
  g_assert_cmpstr(got, ==, letters);
}

static void assert_closed_to_others(int family, Address *address)
{
  int on = 1, fd = socket(family, SOCK_DGRAM, 0);
  g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), ==, 0);
  g_assert_cmpint(bind(fd, sockaddr_of(address), address->size), ==, -1);
  g_assert_cmpint(errno, ==, EADDRINUSE);
  close(fd);
}

static void test_twin(gconstpointer data)
{
  int family = GPOINTER_TO_INT(data);
  Address first_at, peer_at, stranger_at;
  int first = socket_on_loopback(family, &first_at);
  int peer = socket_on_loopback(family, &peer_at);
  int stranger = socket_on_loopback(family, &stranger_at);
  say(peer, &first_at, 'a');
  int twin = ablak_twin_open(first, sockaddr_of(&peer_at), peer_at.size);
  g_assert_cmpint(twin, >=, 0);
  assert_closed_to_others(family, &first_at);
  say(peer, &first_at, 'b');
  say(stranger, &first_at, 'c');
  assert_hears(first, "ac");
  assert_hears(twin, "b");
  g_assert_cmpint(send(twin, "d", 1, 0), ==, 1);
  Address from = {.size = sizeof from.storage};
  char letter = 0;
  g_assert_cmpint(recvfrom(peer, &letter, 1, 0, sockaddr_of(&from), &from.size), ==, 1);
  g_assert_cmpmem(&from.storage, from.size, &first_at.storage, first_at.size);

  /* A second peer beside it, then parked with something unread. */
  int other = ablak_twin_open(first, sockaddr_of(&stranger_at), stranger_at.size);
  g_assert_cmpint(other, >=, 0);
  say(peer, &first_at, 'e');
  say(stranger, &first_at, 'f');
  assert_hears(other, "f");
  g_assert_true(ablak_twin_park(twin));
  say(peer, &first_at, 'g');
  assert_hears(twin, "e");
  assert_hears(first, "g");
  say(twin, &peer_at, 'h');
  assert_hears(peer, "h");
  close(other);
  say(stranger, &first_at, 'i');
  assert_hears(first, "i");
  close(twin);
  close(first);
  close(peer);
  close(stranger);
}

static bool has_ipv6(void)
{
  struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  bool has = fd >= 0 && bind(fd, (struct sockaddr *)(gpointer)&local, sizeof local) == 0;
  if (fd >= 0)
    close(fd);
  return has;
}

static void test_failure(void)
{
  struct sockaddr_in peer = {.sin_family = AF_INET};
  g_assert_cmpint(ablak_twin_open(-1, (struct sockaddr *)(gpointer)&peer, sizeof peer), ==, -1);
  g_assert_cmpint(errno, ==, EBADF);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/twin/ipv4", GINT_TO_POINTER(AF_INET), test_twin);
  if (has_ipv6())
    g_test_add_data_func("/twin/ipv6", GINT_TO_POINTER(AF_INET6), test_twin);
  g_test_add_func("/twin/failure", test_failure);
  return g_test_run();
}
