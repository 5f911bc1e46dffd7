/* tests/bench/video/pairwise/pairwise.c: calls of three and four pair by pair, in several.c's
 * place.
 *
 * What the product decided against (video/README.md), built so that it can be measured: the relay
 * is linked with this file instead of several.c, with -Wl,--wrap for what several.h has no place
 * for, the work once a copy. PAIRWISE_RULE says what a sender is told (ledger.h). As in the product
 * MIDs are erased and the relay repeats what is lost behind it: in either case a sender forgets
 * what somebody has. A receiver's estimate (REMB), which browsers do not send when there are
 * transport-wide numbers, is of all it receives and would be nobody's: it goes no further. */
#include "ledger.h"
#include "video/bytes.h"
#include "video/several.h"
#include <string.h>

#define RELAY_SSRC 1

/* A flow's, in the place of its arrivals, which are the product's. */
typedef struct {
  PairwiseLedger *ledger; /* the room's */
  guint place;
} Seat;

/* What is being forwarded, of a room of several; NULL between two. */
static _Thread_local const AblakFlow *forwarded;
static _Thread_local gint64 forwarded_us;

static Seat *seat_of(const AblakFlow *flow)
{
  return (Seat *)(gpointer)flow->several.arrivals;
}

static PairwiseLedger *ledger_of(const AblakRoom *room)
{
  for (guint i = 0; i < room->length; i++)
    if (seat_of(room->flows[i]) != NULL)
      return pairwise_ledger_ref(seat_of(room->flows[i])->ledger);
  return pairwise_ledger_new(PAIRWISE_RULE);
}

static void sit_down(AblakFlow *flow)
{
  if (seat_of(flow) != NULL)
    return;
  g_autoptr(PairwiseLedger) ledger = ledger_of(flow->room);
  guint place = 0;
  if (!pairwise_ledger_enter(ledger, &place))
    return;
  Seat *seat = g_new0(Seat, 1);
  seat->ledger = g_steal_pointer(&ledger);
  seat->place = place;
  flow->several.arrivals = (AblakArrivals *)(gpointer)seat;
}

void ablak_several_end(AblakFlow *flow)
{
  g_autofree Seat *seat = seat_of(flow);
  flow->several.arrivals = NULL;
  if (seat == NULL)
    return;
  pairwise_ledger_leave(seat->ledger, seat->place);
  pairwise_ledger_unref(seat->ledger);
}

static void tell(Loop *loop, AblakFlow *flow, gint64 now_us)
{
  const Seat *seat = seat_of(flow);
  if (seat == NULL || flow->ssrcs_length == 0 || !ablak_flow_can_send(flow))
    return;
  for (gsize size; (size = pairwise_ledger_tell(seat->ledger, seat->place, loop->out[0], RELAY_SSRC,
                                                flow->ssrcs[0], now_us)) > 0;) {
    if (ablak_srtp_protect_rtcp(flow->send, loop->out[0], &size, PACKET_SPACE) != ABLAK_SRTP_OK)
      return;
    loop->out_pieces[0].iov_len = size;
    ablak_flow_send_out(loop, flow, 1);
  }
}

static void tell_all(Loop *loop, const AblakRoom *room)
{
  for (guint i = 0; i < room->length; i++)
    tell(loop, room->flows[i], forwarded_us);
}

static void take_feedback(Loop *loop, AblakFlow *flow, Plain *plain)
{
  AblakRtcpPacket packet;
  gsize offset = 0, left = 0;
  guint64 estimate_bps;
  while (ablak_rtcp_next(plain->data, plain->size, &offset, &packet)) {
    if (ablak_rtcp_is_transport_wide(&packet) && seat_of(flow) != NULL) {
      pairwise_ledger_report(seat_of(flow)->ledger, seat_of(flow)->place, &packet);
      tell_all(loop, flow->room);
      continue;
    }
    if (ablak_rtcp_read_estimate(&packet, &estimate_bps))
      continue;
    memmove(plain->data + left, packet.data, packet.size);
    left += packet.size;
  }
  plain->size = left;
}

void ablak_several_prepare(Loop *loop, AblakFlow *flow, guint length)
{
  forwarded = flow;
  forwarded_us = g_get_monotonic_time();
  for (guint i = 0; i < flow->room->length; i++)
    sit_down(flow->room->flows[i]);
  for (guint i = 0; i < length; i++) {
    Plain *plain = &loop->plain[i];
    if (plain->rtcp)
      take_feedback(loop, flow, plain);
    else
      ablak_extension_erase(plain->data, plain->size, ABLAK_EXTENSION_MID);
  }
}

void ablak_several_tick(Loop *loop, AblakFlow *flow)
{
  if (!ablak_flow_can_send(flow))
    return;
  ablak_forward_keep(flow);
  if (ablak_room_is_several(flow->room))
    tell(loop, flow, g_get_monotonic_time());
  else
    ablak_several_end(flow);
}

/* --- once a copy -------------------------------------------------------------------------------
 */

void __real_ablak_forward(Loop *loop, AblakFlow *flow, guint length);
void __wrap_ablak_forward(Loop *loop, AblakFlow *flow, guint length);
AblakSrtpStatus __real_ablak_srtp_protect(AblakSrtp *srtp, guint8 *packet, gsize *size,
                                          gsize capacity);
AblakSrtpStatus __wrap_ablak_srtp_protect(AblakSrtp *srtp, guint8 *packet, gsize *size,
                                          gsize capacity);
void __real_ablak_flow_send_raw(AblakFlow *flow, const guint8 *data, gsize size);
void __wrap_ablak_flow_send_raw(AblakFlow *flow, const guint8 *data, gsize size);

void __wrap_ablak_forward(Loop *loop, AblakFlow *flow, guint length)
{
  __real_ablak_forward(loop, flow, length);
  forwarded = NULL;
}

static const AblakFlow *receiver_with(const AblakRoom *room, const AblakSrtp *srtp)
{
  for (guint i = 0; i < room->length; i++)
    if (room->flows[i]->send == srtp)
      return room->flows[i];
  return NULL;
}

AblakSrtpStatus __wrap_ablak_srtp_protect(AblakSrtp *srtp, guint8 *packet, gsize *size,
                                          gsize capacity)
{
  const AblakFlow *to = forwarded == NULL ? NULL : receiver_with(forwarded->room, srtp);
  gsize length = 0;
  guint8 *value =
      to == NULL ? NULL : ablak_extension_find(packet, *size, ABLAK_EXTENSION_SEQUENCE, &length);
  if (value == NULL || length != 2 || seat_of(to) == NULL || seat_of(forwarded) == NULL)
    return __real_ablak_srtp_protect(srtp, packet, size, capacity);
  const Seat *seat = seat_of(to);
  guint16 original = ablak_read16(value);
  guint16 number = pairwise_ledger_next(seat->ledger, seat->place);
  value[0] = (guint8)(number >> 8);
  value[1] = (guint8)number;
  AblakSrtpStatus status = __real_ablak_srtp_protect(srtp, packet, size, capacity);
  if (status == ABLAK_SRTP_OK)
    pairwise_ledger_sent(seat->ledger, seat_of(forwarded)->place, original, seat->place,
                         forwarded_us);
  return status;
}

/* Header extensions are in the open. */
static void note_repeat(const AblakFlow *flow, const guint8 *data, gsize size)
{
  guint8 head[128];
  gsize length = 0;
  if (seat_of(flow) == NULL || ablak_packet_kind(data, size) != ABLAK_PACKET_RTP)
    return;
  memcpy(head, data, MIN(size, sizeof head));
  const guint8 *value =
      ablak_extension_find(head, MIN(size, sizeof head), ABLAK_EXTENSION_SEQUENCE, &length);
  if (value != NULL && length == 2)
    pairwise_ledger_repeated(seat_of(flow)->ledger, seat_of(flow)->place, ablak_read16(value));
}

void __wrap_ablak_flow_send_raw(AblakFlow *flow, const guint8 *data, gsize size)
{
  note_repeat(flow, data, size);
  __real_ablak_flow_send_raw(flow, data, size);
}
