/* What strangers send to the sockets of a running call: three legs of a room, one of which gets no
 * RTX and one has no route yet, with keys that are known here. So packets reach what lies behind
 * authentication as well. Whatever comes, everything that goes out can be opened by whom it goes
 * to, and what comes under a number once used is the same octets (RFC 7714 §8.1).
 *
 * Input: steps. A byte says from which leg (bit 0) and how it comes: sealed with the leg's key, as
 * it is, as it is through libnice, or not at all, while time passes; two more how long; then that
 * many bytes of it. */
#include "video/bytes.h"
#include "video/loop-private.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LEGS 3
#define STEPS_MAX 200

typedef struct {
  AblakFlow flow;
  int far;                   /* the peer's end */
  AblakSrtp *send, *receive; /* the peer's */
  GHashTable *got;           /* datagrams of RTP */
} Leg;

static AblakLoops *loops;
static Loop *loop;
static AblakRoom room;
static Leg legs[LEGS];

static AblakSrtp *direction(guint leg, guint8 way)
{
  const guint8 key[ABLAK_SRTP_KEY_SIZE] = {(guint8)leg, way}, salt[ABLAK_SRTP_SALT_MAX] = {way};
  return ablak_srtp_new(leg % 2 == 0 ? ABLAK_SRTP_AEAD_AES_128_GCM : ABLAK_SRTP_AES128_CM_SHA1_80,
                        key, salt);
}

static void loop_begin(void)
{
  loops = g_new0(AblakLoops, 1);
  g_assert_true(ablak_mailbox_init(&loops->events));
  loop = g_new0(Loop, 1);
  loop->loops = loops;
  ablak_loop_prepare(loop);
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
}

/* Sockets of a kind that the kernel lets nobody else write to. */
static void route_begin(Leg *leg)
{
  int ends[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==, 0);
  leg->far = ends[1];
  Route *route = g_new0(Route, 1);
  route->flow = &leg->flow;
  route->fd = ends[0];
  route->own = true;
  route->remote.ss_family = AF_INET;
  route->remote_size = sizeof(struct sockaddr_in);
  route->local_ufrag = g_strdup("evtj");
  route->local_password = g_strdup("VOkJxbRl1RmTxUk/WvJxBt");
  route->remote_ufrag = g_strdup("h6vY");
  route->remote_password = g_strdup("h6vYh6vYh6vYh6vYh6vYh6");
  ablak_route_take(loop, &leg->flow, route);
  route->segments = false;
}

static void leg_begin(guint i)
{
  static const AblakSdpSource sources[2][2] = {
      {{ABLAK_SDP_AUDIO, 10, 0, "a"}, {ABLAK_SDP_VIDEO, 11, 12, "a"}},
      {{ABLAK_SDP_AUDIO, 20, 0, "b"}, {ABLAK_SDP_VIDEO, 21, 0, "b"}},
  };
  Leg *leg = &legs[i];
  memset(leg, 0, sizeof *leg);
  leg->far = -1;
  leg->got =
      g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  AblakFlow *flow = &leg->flow;
  atomic_init(&flow->references, 1000000); /* events refer to it; it is never freed */
  flow->room = &room;
  flow->may_send[ABLAK_SDP_AUDIO] = flow->may_send[ABLAK_SDP_VIDEO] = true;
  flow->key_frame_asked_ms = G_MININT32;
  flow->receive = direction(i, 0);
  flow->send = direction(i, 1);
  leg->send = direction(i, 0);
  leg->receive = direction(i, 1);
  room.flows[room.length++] = flow;
  if (i == LEGS - 1)
    return;
  route_begin(leg);
  ablak_forward_set_sources(flow, sources[i], 2);
  ablak_forward_set_payloads(flow, ABLAK_SDP_PAYLOADS_ALL &
                                       ~(i == 1 ? ablak_sdp_payload_set(ABLAK_PT_VP8_RTX) : 0));
}

static void leg_end(Leg *leg)
{
  ablak_flow_end(loop, &leg->flow);
  if (leg->far >= 0)
    close(leg->far);
  ablak_srtp_free(leg->send);
  ablak_srtp_free(leg->receive);
  g_hash_table_unref(leg->got);
}

static void check_rtp(Leg *leg, guint8 *data, gsize size)
{
  GBytes *whole = g_bytes_new(data, size);
  AblakSrtpStatus status = ablak_srtp_unprotect(leg->receive, data, &size);
  /* A copy of long ago may look like one of another turn of the numbers: forged. */
  if (status == ABLAK_SRTP_REPLAYED || status == ABLAK_SRTP_FORGED)
    g_assert_true(leg->flow.resend != NULL && g_hash_table_contains(leg->got, whole));
  else
    g_assert_cmpint(status, ==, ABLAK_SRTP_OK);
  g_hash_table_add(leg->got, whole);
}

static void check_out(Leg *leg)
{
  guint8 data[PACKET_SPACE];
  AblakStunMessage message;
  for (gssize got; leg->far >= 0 && (got = recv(leg->far, data, sizeof data, MSG_DONTWAIT)) > 0;) {
    gsize size = (gsize)got;
    switch (ablak_packet_kind(data, size)) {
    case ABLAK_PACKET_RTP:
      check_rtp(leg, data, size);
      break;
    case ABLAK_PACKET_RTCP:
      g_assert_cmpint(ablak_srtp_unprotect_rtcp(leg->receive, data, &size), ==, ABLAK_SRTP_OK);
      g_assert_true(ablak_rtcp_is_valid(data, size));
      break;
    default:
      g_assert_true(ablak_stun_parse(data, size, &message));
    }
  }
}

static void from_network(Leg *leg, const guint8 *data, gsize size)
{
  if (leg->flow.route == NULL)
    return;
  send(leg->far, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  loop->plain_length = 0;
  ablak_route_receive(loop, leg->flow.route);
}

static void sealed(Leg *leg, const guint8 *data, gsize plain_size)
{
  guint8 packet[ABLAK_RTP_PACKET_MAX + ABLAK_SRTP_OVERHEAD];
  gsize size = plain_size;
  memcpy(packet, data, size);
  bool rtcp = ablak_packet_kind(packet, size) == ABLAK_PACKET_RTCP;
  if ((rtcp ? ablak_srtp_protect_rtcp(leg->send, packet, &size, sizeof packet)
            : ablak_srtp_protect(leg->send, packet, &size, sizeof packet)) == ABLAK_SRTP_OK)
    from_network(leg, packet, size);
}

static void pass_time(gsize ms)
{
  loop->now_ms += (gint64)ms;
  for (guint i = 0; i < LEGS; i++)
    ablak_flow_tick(loop, &legs[i].flow);
  ablak_route_free_closed(loop);
}

static void step(guint8 what, const guint8 *data, gsize size)
{
  Leg *leg = &legs[what & 1];
  g_autofree guint8 *exact = g_memdup2(data, size);
  switch (what >> 1 & 3) {
  case 0:
    sealed(leg, data, MIN(size, ABLAK_RTP_PACKET_MAX));
    break;
  case 1:
    from_network(leg, data, size);
    break;
  case 2:
    ablak_flow_receive_slowly(loop, &leg->flow, exact, size);
    break;
  default:
    pass_time(size < 2 ? 100 : ablak_read16(data));
  }
}

static void events_forget(void)
{
  for (Message *event = ablak_mailbox_take(&loops->events), *next; event != NULL; event = next) {
    next = event->next;
    ablak_message_free(event);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (loop == NULL)
    loop_begin();
  loop->now_ms = 1000000;
  loop->more = loop->unfinished = false;
  room = (AblakRoom){.loop = loop};
  for (guint i = 0; i < LEGS; i++)
    leg_begin(i);
  gsize at = 0;
  for (int steps = 0; steps < STEPS_MAX && at + 3 <= size; steps++) {
    gsize length = MIN(ablak_read16(data + at + 1), size - at - 3);
    step(data[at], data + at + 3, length);
    at += 3 + length;
    for (guint i = 0; i < LEGS; i++)
      check_out(&legs[i]);
  }
  for (guint i = 0; i < LEGS; i++)
    leg_end(&legs[i]);
  ablak_route_free_closed(loop);
  events_forget();
  return 0;
}
