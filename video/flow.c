/* video/flow.c: what comes from a flow's peer, and whether it is there. */
#include "video/loop-private.h"
#include "video/several.h"
#include <netinet/udp.h>
#include <string.h>

/* Browsers ask 20 times a second at most. */
#define ANSWERS_PER_S_MAX 50
#define ASTRAY_AGAIN_MS 1000

void ablak_counter_add(atomic_ullong *counter, guint64 more)
{
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                        memory_order_relaxed);
}

static void tell_astray(Loop *loop, AblakFlow *flow)
{
  if (loop->now_ms - flow->astray_told_ms < ASTRAY_AGAIN_MS)
    return;
  flow->astray_told_ms = loop->now_ms;
  ablak_loop_tell(flow, EVENT_ASTRAY, &flow->route->remote, sizeof flow->route->remote);
}

static void note_heard(Loop *loop, AblakFlow *flow, Route *route)
{
  atomic_store_explicit(&flow->heard_ms, loop->now_ms, memory_order_relaxed);
  if (route != NULL)
    route->heard_ms = loop->now_ms;
  if (atomic_load_explicit(&flow->watched, memory_order_relaxed) &&
      atomic_exchange_explicit(&flow->watched, false, memory_order_relaxed))
    ablak_loop_tell(flow, EVENT_HEARD, NULL, 0);
}

/* Media from elsewhere, through libnice or on a probe: the peer has moved. That it answers there,
 * too, says nothing: a peer answers on all its addresses. */
static void note_elsewhere(Loop *loop, AblakFlow *flow)
{
  flow->elsewhere_ms = loop->now_ms;
  if (flow->route != NULL && flow->route->own &&
      loop->now_ms - flow->route->heard_ms >= ROUTE_ASTRAY_MS)
    tell_astray(loop, flow);
}

static bool may_answer(Loop *loop, Route *route)
{
  if (loop->now_ms - route->answers_since_ms >= 1000) {
    route->answers_since_ms = loop->now_ms;
    route->answers = 0;
  }
  return route->answers++ < ANSWERS_PER_S_MAX;
}

static bool take_request(Loop *loop, Route *route, const AblakStunMessage *message)
{
  guint8 answer[ABLAK_STUN_SIZE_MAX];
  /* Before the keyed digest: a flood must not cost more than it is worth. */
  if (!ablak_stun_is_for(message, route->local_ufrag, route->remote_ufrag) ||
      !may_answer(loop, route) || !ablak_stun_is_authentic(message, route->local_password))
    return false;
  gsize size = ablak_stun_write_success(answer, message->transaction,
                                        (const struct sockaddr *)(gconstpointer)&route->remote,
                                        route->local_password);
  ablak_route_send(route, answer, size);
  return true;
}

static bool take_answer(Loop *loop, Route *route, const AblakStunMessage *message)
{
  AblakFlow *flow = route->flow;
  if (!ablak_stun_is_authentic(message, route->remote_password) ||
      !ablak_consent_answer(&route->consent, message->transaction, loop->now_ms))
    return false;
  if (route == flow->route)
    atomic_store_explicit(&flow->consent_ms, loop->now_ms, memory_order_relaxed);
  else
    route->answered = true;
  return true;
}

static void take_stun(Loop *loop, Route *route, const guint8 *data, gsize size)
{
  AblakStunMessage message;
  bool good = ablak_stun_parse(data, size, &message);
  if (good && message.type == ABLAK_STUN_BINDING_REQUEST)
    good = take_request(loop, route, &message);
  else if (good && message.type == ABLAK_STUN_BINDING_SUCCESS)
    good = take_answer(loop, route, &message);
  else if (good && message.type == ABLAK_STUN_BINDING_INDICATION)
    return; /* keeps a NAT open; says nothing */
  if (good)
    note_heard(loop, route->flow, route);
  else
    ablak_counter_add(&route->flow->packets_refused, 1);
}

static void forward_taken(Loop *loop, AblakFlow *flow, Route *route)
{
  guint length = loop->plain_length;
  if (length == 0)
    return;
  loop->plain_length = 0;
  loop->unfinished = loop->unfinished || loop->plain[length - 1].unfinished;
  note_heard(loop, flow, route);
  if (route != flow->route)
    note_elsewhere(loop, flow);
  ablak_forward(loop, flow, length);
  if (flow->tap.open)
    ablak_tap_send(loop, flow, length);
}

static void take_packet(Loop *loop, AblakFlow *flow, Route *route, guint8 *data, gsize size)
{
  switch (ablak_packet_kind(data, size)) {
  case ABLAK_PACKET_RTP:
  case ABLAK_PACKET_RTCP:
    if (ablak_forward_open(flow, data, size, &loop->plain[loop->plain_length]) &&
        ++loop->plain_length == LOOP_BATCH)
      forward_taken(loop, flow, route);
    break;
  case ABLAK_PACKET_DTLS:
    ablak_loop_tell(flow, EVENT_DTLS, data, size);
    break;
  case ABLAK_PACKET_STUN:
    take_stun(loop, route, data, size);
    break;
  case ABLAK_PACKET_UNKNOWN:
    ablak_counter_add(&flow->packets_refused, 1);
  }
}

/* The size of the packets that a datagram was joined from; all of it when it is one. */
static gsize segment_size(struct msghdr *header, gsize size)
{
  const struct cmsghdr *control = CMSG_FIRSTHDR(header);
  int segment = 0;
  if (control == NULL || control->cmsg_level != SOL_UDP || control->cmsg_type != UDP_GRO)
    return size;
  memcpy(&segment, CMSG_DATA(control), sizeof segment);
  return segment > 0 ? (gsize)segment : size;
}

/* One datagram read; the number of packets in it. */
static guint take_read(Loop *loop, Route *route, guint8 *data, gsize size, gsize segment)
{
  guint packets = 0;
  for (gsize at = 0; at < size; at += segment, packets++)
    take_packet(loop, route->flow, route, data + at, MIN(segment, size - at));
  return packets;
}

void ablak_route_receive(Loop *loop, Route *route)
{
  AblakFlow *flow = route->flow;
  guint packets = 0;
  guint64 bytes = 0;
  for (gsize i = 0; i < LOOP_READS; i++)
    loop->in_headers[i].msg_hdr.msg_controllen = sizeof loop->in_control[i];
  int received = recvmmsg(route->fd, loop->in_headers, LOOP_READS, MSG_DONTWAIT, NULL);
  for (int i = 0; i < received; i++) {
    gsize size = loop->in_headers[i].msg_len;
    packets +=
        take_read(loop, route, loop->in[i], size, segment_size(&loop->in_headers[i].msg_hdr, size));
    bytes += size;
  }
  forward_taken(loop, flow, route);
  loop->more = loop->more || received == LOOP_READS;
  loop->turn_packets += packets;
  ablak_counter_add(&flow->packets_received, packets);
  ablak_counter_add(&flow->bytes_received, bytes);
}

void ablak_flow_receive_slowly(Loop *loop, AblakFlow *flow, guint8 *data, gsize size)
{
  loop->turn_packets++;
  ablak_counter_add(&flow->packets_received, 1);
  ablak_counter_add(&flow->bytes_received, size);
  loop->plain_length = ablak_forward_open(flow, data, size, &loop->plain[0]);
  forward_taken(loop, flow, NULL);
}

static void ask(Loop *loop, Route *route)
{
  guint8 request[ABLAK_STUN_SIZE_MAX];
  const guint8 *transaction = ablak_consent_ask(&route->consent, loop->now_ms);
  if (transaction == NULL)
    return;
  g_autofree char *username = g_strconcat(route->remote_ufrag, ":", route->local_ufrag, NULL);
  gsize size = ablak_stun_write_request(request, transaction, username, route->remote_password,
                                        true, route->tie_breaker);
  ablak_route_send(route, request, size);
}

void ablak_flow_tick(Loop *loop, AblakFlow *flow)
{
  Route *route = flow->route;
  if (flow->key_frame_wanted)
    ablak_forward_ask_key_frame(loop, flow);
  if (flow->tap.open)
    ablak_tap_tick(loop, flow);
  ablak_several_tick(loop, flow);
  if (route == NULL || !route->own)
    return;
  gint64 quiet_ms = loop->now_ms - route->heard_ms;
  if (quiet_ms >= ROUTE_SILENT_MS)
    tell_astray(loop, flow);
  if (ablak_consent_is_due(&route->consent, loop->now_ms, quiet_ms))
    ask(loop, route);
  for (guint i = 0; i < FLOW_PROBES_MAX; i++)
    if (flow->probes[i] != NULL)
      ask(loop, flow->probes[i]);
  ablak_route_judge_probes(loop, flow);
  if (ablak_consent_is_expired(&flow->route->consent, loop->now_ms))
    ablak_route_expire(loop, flow);
}
