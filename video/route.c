/* video/route.c: a flow's ways to its peer: sockets made, replaced, parked, and written to. */
#include "video/loop-private.h"
#include "video/several.h"
#include "video/twin.h"
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PROBE_LIFE_MS 3000
#define RECEIVE_ROOM (1 << 20)
/* UDP_SEGMENT's own limits are a datagram's size and 64. */
#define GROUP_SIZE_MAX 65000
#define GROUP_PACKETS_MAX 48

bool ablak_route_send(const Route *route, const guint8 *data, gsize size)
{
  /* A connected socket first tells of an earlier refusal (ICMP) instead of sending. */
  for (int attempt = 0; attempt < 2; attempt++) {
    gssize sent = route->own ? send(route->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                             : sendto(route->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL,
                                      (const struct sockaddr *)(gconstpointer)&route->remote,
                                      route->remote_size);
    if (sent >= 0)
      return true;
    if (errno == EAGAIN)
      return false;
  }
  return false;
}

void ablak_flow_send_raw(AblakFlow *flow, const guint8 *data, gsize size)
{
  if (flow->route == NULL || !ablak_route_send(flow->route, data, size))
    return;
  ablak_counter_add(&flow->packets_sent, 1);
  ablak_counter_add(&flow->bytes_sent, size);
}

/* How many packets from `at` on can go as one: all of the first one's size, the last at most. */
static guint group_length(const Loop *loop, guint at, guint length)
{
  const struct iovec *pieces = loop->out_pieces;
  gsize size = pieces[at].iov_len, total = size;
  guint count = 1;
  while (at + count < length && pieces[at + count - 1].iov_len == size &&
         pieces[at + count].iov_len <= size && total + size <= GROUP_SIZE_MAX &&
         count < GROUP_PACKETS_MAX) {
    total += pieces[at + count].iov_len;
    count++;
  }
  return count;
}

static void group_fill(Loop *loop, const Route *route, struct msghdr *header, guint at, guint count)
{
  *header = (struct msghdr){.msg_iov = &loop->out_pieces[at], .msg_iovlen = count};
  if (!route->own) {
    header->msg_name = (gpointer)&route->remote;
    header->msg_namelen = route->remote_size;
  }
  if (count > 1) {
    guint16 size = (guint16)loop->out_pieces[at].iov_len;
    struct cmsghdr *control = &loop->out_control[at].header;
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(control), &size, sizeof size);
    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(sizeof size);
  }
}

static guint groups_fill(Loop *loop, const Route *route, guint at, guint length)
{
  guint groups = 0;
  while (at < length) {
    guint count = route->segments ? group_length(loop, at, length) : 1;
    group_fill(loop, route, &loop->out_headers[groups++].msg_hdr, at, count);
    at += count;
  }
  return groups;
}

void ablak_flow_send_out(Loop *loop, AblakFlow *flow, guint length)
{
  Route *route = flow->route;
  guint sent = 0, failures = 0;
  guint64 bytes = 0;
  while (sent < length) {
    guint groups = groups_fill(loop, route, sent, length);
    int done = sendmmsg(route->fd, loop->out_headers, groups, MSG_DONTWAIT);
    for (int i = 0; i < done; i++)
      sent += (guint)loop->out_headers[i].msg_hdr.msg_iovlen;
    if (done > 0)
      continue;
    if (errno == EAGAIN || failures++ > 0)
      break;
    /* The device cannot (EIO), or the path takes no packets of this size: one by one. */
    if (errno == EIO || errno == EINVAL || errno == EMSGSIZE)
      route->segments = false;
  }
  for (guint i = 0; i < sent; i++)
    bytes += loop->out_pieces[i].iov_len;
  ablak_counter_add(&flow->packets_sent, sent);
  ablak_counter_add(&flow->bytes_sent, bytes);
}

static void watch(Loop *loop, Route *route)
{
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = route};
  int on = 1, room = RECEIVE_ROOM;
  /* A key frame may come whole while the processor is busy elsewhere; the system sets a limit. */
  setsockopt(route->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  /* Where the kernel cannot, packets come one by one. */
  setsockopt(route->fd, SOL_UDP, UDP_GRO, &on, sizeof on);
  if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, route->fd, &event) != 0)
    g_error("epoll takes no more sockets: %s", g_strerror(errno));
}

/* What the socket still holds is carried, and nothing comes after it; it can still send. */
static void drain(Loop *loop, Route *route)
{
  ablak_twin_park(route->fd);
  route->own = false;
  do {
    loop->more = false;
    ablak_route_receive(loop, route);
  } while (loop->more);
}

static void route_close(Loop *loop, Route *route)
{
  if (route == NULL)
    return;
  close(route->fd); /* leaves epoll by itself: nobody else has the descriptor */
  route->closed = true;
  route->next_closed = loop->closed;
  loop->closed = route;
}

void ablak_route_free_closed(Loop *loop)
{
  while (loop->closed != NULL) {
    Route *route = loop->closed;
    loop->closed = route->next_closed;
    g_free(route->local_ufrag);
    g_free(route->local_password);
    g_free(route->remote_ufrag);
    g_free(route->remote_password);
    g_free(route);
  }
}

static void adopt(Loop *loop, AblakFlow *flow, Route *route)
{
  Route *former = flow->route;
  flow->route = route;
  atomic_store_explicit(&flow->consent_ms, route->own ? route->consent.answered_ms : 0,
                        memory_order_relaxed);
  if (former != NULL && former->own)
    drain(loop, former);
  route_close(loop, former);
}

static void probes_close(Loop *loop, AblakFlow *flow)
{
  for (guint i = 0; i < FLOW_PROBES_MAX; i++) {
    Route *probe = flow->probes[i];
    flow->probes[i] = NULL;
    if (probe != NULL)
      drain(loop, probe);
    route_close(loop, probe);
  }
}

static void route_begin(Loop *loop, Route *route)
{
  route->made_ms = route->heard_ms = loop->now_ms;
  route->segments = true;
  ablak_consent_begin(&route->consent, loop->now_ms);
  if (route->own)
    watch(loop, route);
}

void ablak_route_take(Loop *loop, AblakFlow *flow, Route *route)
{
  route_begin(loop, route);
  probes_close(loop, flow);
  adopt(loop, flow, route);
}

void ablak_route_take_probe(Loop *loop, AblakFlow *flow, Route *route)
{
  route_begin(loop, route);
  for (guint i = 0; i < FLOW_PROBES_MAX; i++)
    if (flow->probes[i] == NULL && flow->route != NULL && flow->route->own) {
      flow->probes[i] = route;
      return;
    }
  drain(loop, route);
  route_close(loop, route);
}

void ablak_route_park(Loop *loop, AblakFlow *flow)
{
  Route *route = flow->route;
  probes_close(loop, flow);
  if (route == NULL || !route->own)
    return;
  drain(loop, route);
  epoll_ctl(loop->epoll, EPOLL_CTL_DEL, route->fd, NULL);
  atomic_store_explicit(&flow->consent_ms, 0, memory_order_relaxed);
}

/* A probe whose peer answered takes over when the route is still silent; others end in time. */
void ablak_route_judge_probes(Loop *loop, AblakFlow *flow)
{
  bool elsewhere = flow->elsewhere_ms > flow->route->heard_ms;
  gint64 limit_ms = elsewhere ? ROUTE_ASTRAY_MS : ROUTE_SILENT_MS;
  for (guint i = 0; i < FLOW_PROBES_MAX; i++) {
    Route *probe = flow->probes[i];
    if (probe == NULL)
      continue;
    if (probe->answered && loop->now_ms - flow->route->heard_ms >= limit_ms) {
      flow->probes[i] = NULL;
      adopt(loop, flow, probe);
      probes_close(loop, flow);
      return;
    }
    if (loop->now_ms - probe->made_ms >= PROBE_LIFE_MS) {
      flow->probes[i] = NULL;
      drain(loop, probe);
      route_close(loop, probe);
    }
  }
}

/* RFC 7675 §5.1: nothing is sent any more. */
void ablak_route_expire(Loop *loop, AblakFlow *flow)
{
  probes_close(loop, flow);
  route_close(loop, g_steal_pointer(&flow->route));
}

void ablak_flow_end(Loop *loop, AblakFlow *flow)
{
  if (flow->tap.open)
    close(flow->tap.fd);
  for (guint i = 0; i < FLOW_PROBES_MAX; i++)
    route_close(loop, g_steal_pointer(&flow->probes[i]));
  route_close(loop, g_steal_pointer(&flow->route));
  ablak_srtp_free(g_steal_pointer(&flow->receive));
  ablak_srtp_free(g_steal_pointer(&flow->send));
  ablak_resend_free(g_steal_pointer(&flow->resend));
  ablak_several_end(flow);
}
