/* tests/bench/video/load-net.c: sending and receiving by the batch. */
#include "load-net.h"
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST_LEG 0x0a4e0001u /* 10.78.0.1, see net.mjs */
#define BATCH 64
#define BURSTS 8 /* in one system call, so that the time of sending is that of each */
#define DATAGRAM_MAX 2048
#define RECEIVE_BUFFER_BYTES (64 << 20)

#ifndef SO_RCVBUFFORCE
#define SO_RCVBUFFORCE 33
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

typedef union {
  char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct timespec)) +
             CMSG_SPACE(sizeof(guint32))];
  struct cmsghdr align;
} Control;

typedef union {
  char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(guint16))];
  struct cmsghdr align;
} OutControl;

typedef struct {
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  struct sockaddr_in peers[BATCH];
  Control controls[BATCH];
  guint8 data[BATCH][DATAGRAM_MAX];
} In;

typedef struct {
  struct mmsghdr messages[BURSTS];
  struct iovec pieces[BURSTS][LOAD_BURST_MAX];
  struct sockaddr_in peers[BURSTS];
  OutControl controls[BURSTS];
  LoadBurst bursts[BURSTS];
  guint length;
} Out;

struct LoadNet {
  int fd;
  guint16 port;
  In in;
  Out out;
  guint64 unsent, drops;
};

gint64 load_now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct in_addr load_net_leg_address(guint leg)
{
  return (struct in_addr){htonl(FIRST_LEG + leg)};
}

LoadNet *load_net_new(void)
{
  /* Unfragmented packets need no identification, which costs a shared counter. */
  int yes = 1, whole = IP_PMTUDISC_PROBE, size = RECEIVE_BUFFER_BYTES;
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  g_autoptr(LoadNet) net = g_new0(LoadNet, 1);
  net->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (net->fd < 0 || bind(net->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      getsockname(net->fd, (struct sockaddr *)&address, &length) != 0 ||
      setsockopt(net->fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole) != 0 ||
      setsockopt(net->fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes) != 0 ||
      setsockopt(net->fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) != 0 ||
      setsockopt(net->fd, SOL_SOCKET, SO_RXQ_OVFL, &yes, sizeof yes) != 0)
    return NULL;
  /* Without the privilege the limit of net.core.rmem_max stays; drops are reported in any case. */
  if (setsockopt(net->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
    setsockopt(net->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  net->port = ntohs(address.sin_port);
  return g_steal_pointer(&net);
}

void load_net_free(LoadNet *net)
{
  if (net == NULL)
    return;
  if (net->fd >= 0)
    close(net->fd);
  g_free(net);
}

guint16 load_net_port(const LoadNet *net)
{
  return net->port;
}

guint64 load_net_drops(const LoadNet *net)
{
  return net->drops;
}

guint64 load_net_unsent(const LoadNet *net)
{
  return net->unsent;
}

/* Which of our addresses to send from, and where to cut. */
static void write_control(struct msghdr *header, OutControl *bytes, guint leg, guint16 segment)
{
  struct in_pktinfo from = {.ipi_spec_dst = load_net_leg_address(leg)};
  header->msg_control = bytes;
  header->msg_controllen = sizeof *bytes;
  struct cmsghdr *control = CMSG_FIRSTHDR(header);
  *control = (struct cmsghdr){
      .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof from)};
  memcpy(CMSG_DATA(control), &from, sizeof from);
  if (segment == 0) {
    header->msg_controllen = CMSG_SPACE(sizeof from);
    return;
  }
  control = CMSG_NXTHDR(header, control);
  *control = (struct cmsghdr){
      .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof segment)};
  memcpy(CMSG_DATA(control), &segment, sizeof segment);
}

void load_net_flush(LoadNet *net)
{
  Out *out = &net->out;
  gint64 now_ns = load_now_ns();
  for (guint i = 0; i < out->length; i++)
    for (guint j = 0; j < out->bursts[i].count; j++)
      if (out->bursts[i].ret_sent_ns[j] != NULL)
        *out->bursts[i].ret_sent_ns[j] = now_ns;
  for (guint done = 0; done < out->length;) {
    int sent = sendmmsg(net->fd, out->messages + done, out->length - done, 0);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      net->unsent++;
    done += sent > 0 ? (guint)sent : 1;
  }
  out->length = 0;
}

void load_net_queue(LoadNet *net, guint leg, const struct sockaddr_in *to, const LoadBurst *burst)
{
  Out *out = &net->out;
  guint i = out->length++;
  out->bursts[i] = *burst;
  out->peers[i] = *to;
  for (guint j = 0; j < burst->count; j++)
    out->pieces[i][j] = (struct iovec){(void *)burst->data[j], burst->sizes[j]};
  out->messages[i].msg_hdr = (struct msghdr){.msg_name = &out->peers[i],
                                             .msg_namelen = sizeof out->peers[i],
                                             .msg_iov = out->pieces[i],
                                             .msg_iovlen = burst->count};
  write_control(&out->messages[i].msg_hdr, &out->controls[i], leg,
                burst->count > 1 ? (guint16)burst->sizes[0] : 0);
  if (out->length == BURSTS)
    load_net_flush(net);
}

void load_net_send(LoadNet *net, guint leg, const struct sockaddr_in *to, const guint8 *data,
                   gsize size)
{
  load_net_queue(net, leg, to, &(LoadBurst){.count = 1, .data = {data}, .sizes = {size}});
  load_net_flush(net);
}

typedef struct {
  guint leg;
  gint64 at_ns;
} Notes;

static Notes read_notes(LoadNet *net, struct msghdr *header)
{
  Notes notes = {0, 0};
  for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
       control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo to;
      memcpy(&to, CMSG_DATA(control), sizeof to);
      notes.leg = ntohl(to.ipi_addr.s_addr) - FIRST_LEG;
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec at;
      memcpy(&at, CMSG_DATA(control), sizeof at);
      notes.at_ns = (gint64)at.tv_sec * 1000000000 + at.tv_nsec;
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
      guint32 drops;
      memcpy(&drops, CMSG_DATA(control), sizeof drops);
      net->drops = drops;
    }
  }
  return notes;
}

static void prepare(In *in)
{
  for (guint i = 0; i < BATCH; i++) {
    in->pieces[i] = (struct iovec){in->data[i], DATAGRAM_MAX};
    in->messages[i].msg_hdr = (struct msghdr){.msg_name = &in->peers[i],
                                              .msg_namelen = sizeof in->peers[i],
                                              .msg_iov = &in->pieces[i],
                                              .msg_iovlen = 1,
                                              .msg_control = &in->controls[i],
                                              .msg_controllen = sizeof in->controls[i]};
  }
}

void load_net_receive(LoadNet *net, LoadNetReceived received, gpointer user)
{
  In *in = &net->in;
  int count;
  do {
    prepare(in);
    count = recvmmsg(net->fd, in->messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
      Notes notes = read_notes(net, &in->messages[i].msg_hdr);
      received(notes.leg, &in->peers[i], in->data[i], in->messages[i].msg_len, notes.at_ns, user);
    }
  } while (count == BATCH);
}
