/* video/forward.c: packets from one leg to the others. */
#include "core/clock.h"
#include "core/error.h"
#include "video/bytes.h"
#include "video/leg.h"
#include <string.h>

/* Streams one page may send; a browser sends three (audio, video, retransmissions). */
#define LEG_SSRCS_MAX 32
#define KEY_FRAME_INTERVAL_MS 500
/* The SSRC the relay signs its own key frame requests with. */
#define RELAY_SSRC 1

bool ablak_leg_claim(AblakLeg *leg, guint32 ssrc)
{
  gpointer key = GUINT_TO_POINTER(ssrc);
  AblakLeg *owner = g_hash_table_lookup(leg->session->owners, key);
  if (owner == leg)
    return true;
  if (owner != NULL || leg->ssrcs == LEG_SSRCS_MAX)
    return false;
  g_hash_table_insert(leg->session->owners, key, leg);
  leg->ssrcs++;
  return true;
}

static void refuse_stream(AblakLeg *leg, guint32 ssrc)
{
  g_autoptr(GError) error = NULL;
  leg->stats.packets_refused++;
  if (leg->duplicate_told)
    return;
  leg->duplicate_told = true;
  if (leg->ssrcs == LEG_SSRCS_MAX)
    ablak_error_set(&error, ABLAK_ERROR_TOO_LARGE, "media/ssrc-too-many",
                    "the leg sends more than %d streams", LEG_SSRCS_MAX);
  else
    ablak_error_set(&error, ABLAK_ERROR_CONFLICT, "media/ssrc-duplicate",
                    "another leg of the session already sends SSRC %u", ssrc);
  ablak_session_tell_error(leg->session, leg, error);
}

static bool can_receive(const AblakLeg *leg)
{
  return leg->send != NULL && leg->writable;
}

static void deliver(AblakLeg *target, const guint8 *packet, gsize size, bool rtcp)
{
  guint8 copy[ABLAK_RTP_PACKET_MAX + ABLAK_SRTP_OVERHEAD];
  memcpy(copy, packet, size);
  AblakSrtpStatus status = rtcp ? ablak_srtp_protect_rtcp(target->send, copy, &size, sizeof copy)
                                : ablak_srtp_protect(target->send, copy, &size, sizeof copy);
  if (status != ABLAK_SRTP_OK || !ablak_ice_send(target->ice, copy, size))
    return;
  target->stats.packets_sent++;
  target->stats.bytes_sent += size;
}

void ablak_leg_forward_rtp(AblakLeg *leg, guint8 *data, gsize size)
{
  AblakRtpHeader header;
  AblakSdpKind kind;
  bool rtx;
  if (size > ABLAK_RTP_PACKET_MAX ||
      ablak_srtp_unprotect(leg->receive, data, &size) != ABLAK_SRTP_OK ||
      !ablak_rtp_parse(data, size, &header) ||
      !ablak_sdp_payload_kind(header.payload_type, &kind, &rtx) || !leg->may_send[kind]) {
    leg->stats.packets_refused++;
    return;
  }
  if (!ablak_leg_claim(leg, header.ssrc)) {
    refuse_stream(leg, header.ssrc);
    return;
  }
  GPtrArray *legs = leg->session->legs;
  for (guint i = 0; i < legs->len; i++) {
    AblakLeg *target = legs->pdata[i];
    if (target != leg && can_receive(target))
      deliver(target, data, size, false);
  }
}

/* What of a compound packet concerns `target`: reports and descriptions concern everyone, feedback
 * only the leg whose stream it is about. */
static gsize select_rtcp(const AblakLeg *leg, const AblakLeg *target, const guint8 *data,
                         gsize size, guint8 *ret_selected)
{
  AblakRtcpPacket packet;
  gsize offset = 0, selected = 0;
  while (ablak_rtcp_next(data, size, &offset, &packet)) {
    guint32 ssrc = 0;
    if (ablak_rtcp_feedback_target(&packet, &ssrc)) {
      const AblakLeg *owner = g_hash_table_lookup(leg->session->owners, GUINT_TO_POINTER(ssrc));
      if (owner != NULL ? owner != target : leg->session->legs->len > 2)
        continue;
    }
    memcpy(ret_selected + selected, packet.data, packet.size);
    selected += packet.size;
  }
  return selected;
}

void ablak_leg_forward_rtcp(AblakLeg *leg, guint8 *data, gsize size)
{
  if (size > ABLAK_RTP_PACKET_MAX ||
      ablak_srtp_unprotect_rtcp(leg->receive, data, &size) != ABLAK_SRTP_OK ||
      !ablak_rtcp_is_valid(data, size)) {
    leg->stats.packets_refused++;
    return;
  }
  GPtrArray *legs = leg->session->legs;
  for (guint i = 0; i < legs->len; i++) {
    AblakLeg *target = legs->pdata[i];
    guint8 selected[ABLAK_RTP_PACKET_MAX];
    if (target == leg || !can_receive(target))
      continue;
    gsize selected_size = select_rtcp(leg, target, data, size, selected);
    if (selected_size > 0)
      deliver(target, selected, selected_size, true);
  }
}

void ablak_leg_ask_key_frame(AblakLeg *leg, gint64 now_ms)
{
  if (!can_receive(leg) || leg->answer == NULL)
    return;
  leg->key_frame_wanted = now_ms - leg->key_frame_asked_ms < KEY_FRAME_INTERVAL_MS;
  if (leg->key_frame_wanted)
    return;
  leg->key_frame_asked_ms = now_ms;
  const GArray *sources = leg->answer->sources;
  for (guint i = 0; i < sources->len; i++) {
    const AblakSdpSource *source = &g_array_index(sources, AblakSdpSource, i);
    guint8 pli[ABLAK_RTCP_PLI_SIZE];
    if (source->kind != ABLAK_SDP_VIDEO)
      continue;
    ablak_rtcp_write_pli(pli, RELAY_SSRC, source->ssrc);
    deliver(leg, pli, sizeof pli, true);
  }
}

void ablak_leg_ask_key_frames(AblakLeg *leg)
{
  gint64 now_ms = ablak_clock_monotonic_ms();
  GPtrArray *legs = leg->session->legs;
  for (guint i = 0; i < legs->len; i++)
    if (legs->pdata[i] != leg)
      ablak_leg_ask_key_frame(legs->pdata[i], now_ms);
}
