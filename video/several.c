/* video/several.c: congestion control among three and four. */
#include "video/several.h"
#include "video/bytes.h"
#include <string.h>

#define RELAY_SSRC 1
/* Browsers estimate once a second, sooner when it becomes less. */
#define ESTIMATE_LIFE_MS 5000
#define TELL_AGAIN_MS 1000
#define PICTURE_LIFE_MS 2000
#define FIRST_WEIGHT 3
/* Nobody is told less: sound, and a small picture that keeps its pace. Browsers estimate by what
 * comes; were a sender told ever less for it, so would the estimate be, down to nothing. A line
 * that cannot take this much the pages' own steps (line-ladder.ts) leave without pictures; what it
 * calls a weak line begins below. */
#define LEAST_BPS 125000
#define LEAST_FIRST_BPS 180000
#define NO_LIMIT_BPS ((guint64)1000 * 1000 * 1000)
/* How often it is said that there is no limit: a packet may be lost. */
#define LIFT_TIMES 5

static bool is_picture(const Plain *plain)
{
  return ablak_rtp_payload_type(plain->data) != ABLAK_PT_OPUS;
}

static void note(Loop *loop, AblakFlow *flow, Plain *plain, gint64 now_us)
{
  gsize length = 0;
  const guint8 *number =
      ablak_extension_find(plain->data, plain->size, ABLAK_EXTENSION_SEQUENCE, &length);
  if (is_picture(plain))
    flow->several.picture_ms = loop->now_ms;
  if (number != NULL && length == 2) {
    if (flow->several.arrivals == NULL)
      flow->several.arrivals = g_new0(AblakArrivals, 1);
    ablak_arrivals_note(flow->several.arrivals, ablak_read16(number), now_us);
  }
  ablak_extension_erase(plain->data, plain->size, ABLAK_EXTENSION_SEQUENCE);
  ablak_extension_erase(plain->data, plain->size, ABLAK_EXTENSION_MID);
  ablak_extension_set_send_time(plain->data, plain->size, now_us);
}

/* What a receiver says of its line is the relay's to read, not the senders'. */
static void take_feedback(Loop *loop, AblakFlow *flow, Plain *plain)
{
  AblakRtcpPacket packet;
  gsize offset = 0, left = 0;
  while (ablak_rtcp_next(plain->data, plain->size, &offset, &packet)) {
    if (ablak_rtcp_is_transport_wide(&packet))
      continue;
    if (ablak_rtcp_read_estimate(&packet, &flow->several.estimate_bps)) {
      flow->several.estimate_ms = loop->now_ms;
      continue;
    }
    memmove(plain->data + left, packet.data, packet.size);
    left += packet.size;
  }
  plain->size = left;
}

void ablak_several_prepare(Loop *loop, AblakFlow *flow, guint length)
{
  gint64 now_us = g_get_monotonic_time();
  for (guint i = 0; i < length; i++)
    if (loop->plain[i].rtcp)
      take_feedback(loop, flow, &loop->plain[i]);
    else
      note(loop, flow, &loop->plain[i], now_us);
}

static guint weight(const AblakFlow *flow)
{
  return flow->several.first ? FIRST_WEIGHT : 1;
}

static bool sends_picture(const Loop *loop, const AblakFlow *flow)
{
  return flow->several.picture_ms != 0 && loop->now_ms - flow->several.picture_ms < PICTURE_LIFE_MS;
}

static guint64 least(const AblakFlow *flow)
{
  return flow->several.first ? LEAST_FIRST_BPS : LEAST_BPS;
}

/* The flow's share of what a receiver can take. */
static guint64 share_of(const Loop *loop, const AblakFlow *flow, const AblakFlow *receiver)
{
  guint all = weight(flow);
  for (guint i = 0; i < flow->room->length; i++) {
    const AblakFlow *other = flow->room->flows[i];
    if (other != flow && other != receiver && sends_picture(loop, other))
      all += weight(other);
  }
  return MAX(receiver->several.estimate_bps * weight(flow) / all, least(flow));
}

/* 0 while nobody has said anything. */
static guint64 limit_of(const Loop *loop, const AblakFlow *flow)
{
  guint64 limit = 0;
  for (guint i = 0; i < flow->room->length; i++) {
    const AblakFlow *receiver = flow->room->flows[i];
    if (receiver == flow || receiver->several.estimate_ms == 0 ||
        loop->now_ms - receiver->several.estimate_ms >= ESTIMATE_LIFE_MS)
      continue;
    guint64 share = share_of(loop, flow, receiver);
    limit = limit == 0 ? share : MIN(limit, share);
  }
  return limit;
}

static void send_rtcp(Loop *loop, AblakFlow *flow, gsize size)
{
  if (ablak_srtp_protect_rtcp(flow->send, loop->out[0], &size, PACKET_SPACE) != ABLAK_SRTP_OK)
    return;
  loop->out_pieces[0].iov_len = size;
  ablak_flow_send_out(loop, flow, 1);
}

static void tell_limit(Loop *loop, AblakFlow *flow, guint64 bps)
{
  flow->several.told_bps = bps;
  flow->several.told_ms = loop->now_ms;
  ablak_rtcp_write_estimate(loop->out[0], RELAY_SSRC, flow->video[0], bps);
  send_rtcp(loop, flow, ABLAK_RTCP_ESTIMATE_SIZE);
}

static void tell_limit_if_new(Loop *loop, AblakFlow *flow)
{
  guint64 limit = limit_of(loop, flow);
  bool again = loop->now_ms - flow->several.told_ms >= TELL_AGAIN_MS;
  if (limit == 0 || flow->video_length == 0)
    return;
  /* As browsers do: at once when it is less. */
  if (again || limit < flow->several.told_bps / 100 * 97) {
    flow->several.lifts = LIFT_TIMES;
    tell_limit(loop, flow, limit);
  }
}

static void lift_limit(Loop *loop, AblakFlow *flow)
{
  if (flow->several.lifts == 0 || flow->video_length == 0 ||
      (flow->several.told_bps == NO_LIMIT_BPS &&
       loop->now_ms - flow->several.told_ms < TELL_AGAIN_MS))
    return;
  flow->several.lifts--;
  tell_limit(loop, flow, NO_LIMIT_BPS);
}

static void tell_arrivals(Loop *loop, AblakFlow *flow)
{
  if (flow->several.arrivals == NULL || flow->ssrcs_length == 0)
    return;
  for (gsize size; (size = ablak_rtcp_write_arrivals(loop->out[0], flow->several.arrivals,
                                                     RELAY_SSRC, flow->ssrcs[0])) > 0;)
    send_rtcp(loop, flow, size);
}

void ablak_several_tick(Loop *loop, AblakFlow *flow)
{
  if (!ablak_flow_can_send(flow))
    return;
  ablak_forward_keep(flow);
  if (ablak_room_is_several(flow->room)) {
    tell_arrivals(loop, flow);
    tell_limit_if_new(loop, flow);
    return;
  }
  ablak_several_end(flow);
  flow->several.estimate_ms = 0;
  lift_limit(loop, flow);
}

void ablak_several_end(AblakFlow *flow)
{
  g_clear_pointer(&flow->several.arrivals, g_free);
}
