/* video/forward.c: packets from one flow to the others of its room. */
#include "video/bytes.h"
#include "video/loop-private.h"
#include "video/several.h"
#include <string.h>

#define KEY_FRAME_INTERVAL_MS 500
/* The SSRC the relay signs its own key frame requests with. */
#define RELAY_SSRC 1

static bool owns(const AblakFlow *flow, guint32 ssrc)
{
  for (guint i = 0; i < flow->ssrcs_length; i++)
    if (flow->ssrcs[i] == ssrc)
      return true;
  return false;
}

static const AblakFlow *owner_of(const AblakRoom *room, guint32 ssrc)
{
  for (guint i = 0; i < room->length; i++)
    if (owns(room->flows[i], ssrc))
      return room->flows[i];
  return NULL;
}

/* An SSRC becomes the flow's own; false when another has it or there are too many. */
static bool claim(AblakFlow *flow, guint32 ssrc)
{
  if (owns(flow, ssrc))
    return true;
  if (flow->ssrcs_length == FLOW_SSRCS_MAX || owner_of(flow->room, ssrc) != NULL)
    return false;
  flow->ssrcs[flow->ssrcs_length++] = ssrc;
  return true;
}

static void refuse_stream(AblakFlow *flow, guint32 ssrc)
{
  if (flow->refusal_told)
    return;
  flow->refusal_told = true;
  Message *event = ablak_message_new(EVENT_REFUSED, flow, NULL, 0);
  event->ssrc = ssrc;
  event->refusal =
      flow->ssrcs_length == FLOW_SSRCS_MAX ? ABLAK_FLOW_SSRC_TOO_MANY : ABLAK_FLOW_SSRC_TAKEN;
  ablak_mailbox_post(&flow->room->loop->loops->events, event);
}

/* A screen's payload types are those of video. */
static bool may_send(const AblakFlow *flow, AblakSdpKind kind)
{
  return flow->may_send[kind] || (kind == ABLAK_SDP_VIDEO && flow->may_send[ABLAK_SDP_SCREEN]);
}

static bool open_rtp(AblakFlow *flow, guint8 *data, gsize *size, bool *ret_unfinished)
{
  AblakRtpHeader header;
  AblakSdpKind kind;
  bool rtx;
  if (ablak_srtp_unprotect(flow->receive, data, size) != ABLAK_SRTP_OK ||
      !ablak_rtp_parse(data, *size, &header) ||
      !ablak_sdp_payload_kind(header.payload_type, &kind, &rtx) || !may_send(flow, kind))
    return false;
  *ret_unfinished = kind == ABLAK_SDP_VIDEO && !header.marker;
  if (claim(flow, header.ssrc))
    return true;
  refuse_stream(flow, header.ssrc);
  return false;
}

bool ablak_forward_open(AblakFlow *flow, guint8 *data, gsize size, Plain *ret_plain)
{
  bool rtcp = ablak_packet_kind(data, size) == ABLAK_PACKET_RTCP;
  bool unfinished = false;
  bool good = flow->receive != NULL && size <= ABLAK_RTP_PACKET_MAX;
  if (good && rtcp)
    good = ablak_srtp_unprotect_rtcp(flow->receive, data, &size) == ABLAK_SRTP_OK &&
           ablak_rtcp_is_valid(data, size);
  else if (good)
    good = open_rtp(flow, data, &size, &unfinished);
  if (!good)
    ablak_counter_add(&flow->packets_refused, 1);
  *ret_plain = (Plain){data, size, rtcp, unfinished};
  return good;
}

/* What of a compound packet concerns `target`: reports and descriptions concern everyone, feedback
 * only the flow whose stream it is about. */
static gsize select_rtcp(const AblakFlow *target, const Plain *plain, guint8 *ret_selected)
{
  AblakRtcpPacket packet;
  gsize offset = 0, selected = 0;
  while (ablak_rtcp_next(plain->data, plain->size, &offset, &packet)) {
    guint32 ssrc = 0;
    if (ablak_rtcp_feedback_target(&packet, &ssrc)) {
      const AblakFlow *owner = owner_of(target->room, ssrc);
      if (owner != NULL ? owner != target : ablak_room_is_several(target->room))
        continue;
    }
    memcpy(ret_selected + selected, packet.data, packet.size);
    selected += packet.size;
  }
  return selected;
}

/* Whether a packet is kept for the target. Of pictures with RTX, between two, the sender has a
 * copy. Among several it has none: the relay's own feedback told it that the packet arrived. */
static bool is_kept(const AblakFlow *target, guint8 payload_type)
{
  AblakSdpKind kind;
  bool rtx;
  if (target->resend == NULL)
    return false;
  if ((ablak_sdp_payload_set(payload_type) & target->plain) != 0)
    return true;
  return ablak_room_is_several(target->room) && ablak_sdp_payload_kind(payload_type, &kind, &rtx) &&
         kind != ABLAK_SDP_AUDIO && !rtx;
}

/* Encrypts what concerns the target into loop->out[at]; false when there is nothing to send. */
static bool seal(Loop *loop, AblakFlow *target, const Plain *plain, guint at)
{
  guint8 *out = loop->out[at];
  gsize size = plain->size;
  if (plain->rtcp)
    size = select_rtcp(target, plain, out);
  else
    memcpy(out, plain->data, size);
  if (size == 0)
    return false;
  AblakSrtpStatus status = plain->rtcp
                               ? ablak_srtp_protect_rtcp(target->send, out, &size, PACKET_SPACE)
                               : ablak_srtp_protect(target->send, out, &size, PACKET_SPACE);
  loop->out_pieces[at].iov_len = size;
  if (status == ABLAK_SRTP_OK && !plain->rtcp && is_kept(target, out[1] & 0x7f))
    ablak_resend_keep(target->resend, out, size);
  return status == ABLAK_SRTP_OK;
}

typedef struct {
  Loop *loop;
  AblakFlow *flow;
  guint32 ssrc;
  bool all; /* what is missing was kept */
} Repeat;

static void repeat(guint16 sequence, gpointer data)
{
  Repeat *repeat = data;
  const guint8 *packet = NULL;
  gsize size = 0;
  if (!ablak_resend_find(repeat->flow->resend, repeat->ssrc, sequence, repeat->loop->now_ms,
                         &packet, &size))
    repeat->all = false;
  else if (size > 0)
    ablak_flow_send_raw(repeat->flow, packet, size);
}

/* Sends again what was kept, and takes out what is answered with that. What never came here is the
 * sender's to repeat. */
static void answer_nacks(Loop *loop, AblakFlow *flow, Plain *plain)
{
  AblakRtcpPacket packet;
  gsize offset = 0, left = 0;
  while (ablak_rtcp_next(plain->data, plain->size, &offset, &packet)) {
    if (ablak_rtcp_is_nack(&packet)) {
      Repeat asked = {loop, flow, ablak_read32(packet.data + 8), true};
      ablak_rtcp_each_lost(&packet, repeat, &asked);
      if (asked.all)
        continue;
    }
    memmove(plain->data + left, packet.data, packet.size);
    left += packet.size;
  }
  plain->size = left;
}

void ablak_forward(Loop *loop, AblakFlow *flow, guint length)
{
  const AblakRoom *room = flow->room;
  for (guint i = 0; i < length && flow->resend != NULL; i++)
    if (loop->plain[i].rtcp)
      answer_nacks(loop, flow, &loop->plain[i]);
  if (ablak_room_is_several(room))
    ablak_several_prepare(loop, flow, length);
  for (guint i = 0; i < room->length; i++) {
    AblakFlow *target = room->flows[i];
    guint sealed = 0;
    if (target == flow || !ablak_flow_can_send(target))
      continue;
    for (guint j = 0; j < length; j++)
      sealed += seal(loop, target, &loop->plain[j], sealed);
    if (sealed > 0)
      ablak_flow_send_out(loop, target, sealed);
  }
}

static void note_screen(AblakFlow *flow, const AblakSdpSource *source)
{
  const guint32 ssrcs[] = {source->ssrc, source->rtx_ssrc};
  for (guint i = 0; i < G_N_ELEMENTS(ssrcs); i++)
    if (ssrcs[i] != 0 && flow->screens_length < G_N_ELEMENTS(flow->screens))
      flow->screens[flow->screens_length++] = ssrcs[i];
}

void ablak_forward_set_sources(AblakFlow *flow, const AblakSdpSource *sources, gsize length)
{
  flow->video_length = 0;
  flow->screens_length = 0;
  for (gsize i = 0; i < length; i++) {
    claim(flow, sources[i].ssrc);
    if (sources[i].rtx_ssrc != 0)
      claim(flow, sources[i].rtx_ssrc);
    if (sources[i].kind != ABLAK_SDP_AUDIO && flow->video_length < G_N_ELEMENTS(flow->video))
      flow->video[flow->video_length++] = sources[i].ssrc;
    if (sources[i].kind == ABLAK_SDP_SCREEN)
      note_screen(flow, &sources[i]);
  }
}

void ablak_forward_set_payloads(AblakFlow *flow, AblakSdpPayloads agreed)
{
  flow->plain = ablak_sdp_payloads_without_rtx(agreed);
  ablak_forward_keep(flow);
}

void ablak_forward_keep(AblakFlow *flow)
{
  if (flow->plain == 0 && !ablak_room_is_several(flow->room))
    g_clear_pointer(&flow->resend, ablak_resend_free);
  else if (flow->resend == NULL)
    flow->resend = ablak_resend_new();
}

void ablak_forward_ask_key_frame(Loop *loop, AblakFlow *flow)
{
  if (!ablak_flow_can_send(flow))
    return;
  flow->key_frame_wanted = loop->now_ms - flow->key_frame_asked_ms < KEY_FRAME_INTERVAL_MS;
  if (flow->key_frame_wanted)
    return;
  flow->key_frame_asked_ms = loop->now_ms;
  for (guint i = 0; i < flow->video_length; i++) {
    gsize size = ABLAK_RTCP_PLI_SIZE;
    ablak_rtcp_write_pli(loop->out[0], RELAY_SSRC, flow->video[i]);
    if (ablak_srtp_protect_rtcp(flow->send, loop->out[0], &size, PACKET_SPACE) != ABLAK_SRTP_OK)
      continue;
    loop->out_pieces[0].iov_len = size;
    ablak_flow_send_out(loop, flow, 1);
  }
}
