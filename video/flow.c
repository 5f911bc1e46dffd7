/* video/flow.c: what comes from a flow's peer, and whether it is there. */
#include "video/loop-private.h"

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
  else if (flow->route != NULL && flow->route->own &&
           loop->now_ms - flow->route->heard_ms >= ROUTE_ASTRAY_MS)
    tell_astray(loop, flow);
  if (atomic_load_explicit(&flow->watched, memory_order_relaxed) &&
      atomic_exchange_explicit(&flow->watched, false, memory_order_relaxed))
    ablak_loop_tell(flow, EVENT_HEARD, NULL, 0);
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

static guint take_packets(Loop *loop, Route *route, guint received)
{
  AblakFlow *flow = route->flow;
  guint plain = 0;
  guint64 bytes = 0;
  for (guint i = 0; i < received; i++) {
    guint8 *data = loop->in[i];
    gsize size = loop->in_headers[i].msg_len;
    bytes += size;
    switch (ablak_packet_kind(data, size)) {
    case ABLAK_PACKET_RTP:
    case ABLAK_PACKET_RTCP:
      plain += ablak_forward_open(flow, data, size, &loop->plain[plain]);
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
  ablak_counter_add(&flow->packets_received, received);
  ablak_counter_add(&flow->bytes_received, bytes);
  return plain;
}

void ablak_route_receive(Loop *loop, Route *route)
{
  int received = recvmmsg(route->fd, loop->in_headers, LOOP_BATCH, MSG_DONTWAIT, NULL);
  if (received <= 0)
    return;
  loop->turn_packets += (guint)received;
  loop->more = loop->more || received == LOOP_BATCH;
  guint plain = take_packets(loop, route, (guint)received);
  if (plain == 0)
    return;
  note_heard(loop, route->flow, route);
  ablak_forward(loop, route->flow, plain);
}

void ablak_flow_receive_slowly(Loop *loop, AblakFlow *flow, guint8 *data, gsize size)
{
  loop->turn_packets++;
  ablak_counter_add(&flow->packets_received, 1);
  ablak_counter_add(&flow->bytes_received, size);
  if (!ablak_forward_open(flow, data, size, &loop->plain[0]))
    return;
  note_heard(loop, flow, NULL);
  ablak_forward(loop, flow, 1);
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
  if (route == NULL || !route->own)
    return;
  gint64 quiet_ms = loop->now_ms - route->heard_ms;
  if (quiet_ms >= ABLAK_CONSENT_QUIET_MS)
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
