/* video/sdp-offer.c: the offer, the same for every leg but for keys, candidates, streams, and what
 * somebody else does not understand. */
#include "video/sdp.h"
#include <string.h>

/* An entry of retransmissions follows what it repeats. */
static const struct {
  guint8 payload_type;
  AblakSdpKind kind;
  bool rtx;
  const char *map;
  const char *parameters;
} payloads[] = {
    {ABLAK_PT_OPUS, ABLAK_SDP_AUDIO, false, "opus/48000/2", "minptime=10;useinbandfec=1"},
    {ABLAK_PT_VP8, ABLAK_SDP_VIDEO, false, "VP8/90000", NULL},
    {ABLAK_PT_VP8_RTX, ABLAK_SDP_VIDEO, true, "rtx/90000", "apt=96"},
    {ABLAK_PT_VP9, ABLAK_SDP_VIDEO, false, "VP9/90000", "profile-id=0"},
    {ABLAK_PT_VP9_RTX, ABLAK_SDP_VIDEO, true, "rtx/90000", "apt=98"},
    {ABLAK_PT_H264, ABLAK_SDP_VIDEO, false, "H264/90000",
     "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
    {ABLAK_PT_H264_RTX, ABLAK_SDP_VIDEO, true, "rtx/90000", "apt=102"},
};

G_STATIC_ASSERT(ABLAK_SDP_PAYLOADS_ALL == (1u << G_N_ELEMENTS(payloads)) - 1);

/* RFC 8285 numbers; audio level is for audio only. */
static const struct {
  int number;
  bool kinds[ABLAK_SDP_KINDS];
  const char *uri;
} extensions[] = {
    {1, {true, false, false}, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"},
    {2, {true, true, true}, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"},
    {3,
     {true, true, true},
     "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"},
    {4, {true, true, true}, "urn:ietf:params:rtp-hdrext:sdes:mid"},
};

static const char *const audio_feedback[] = {"transport-cc", NULL};
static const char *const video_feedback[] = {"goog-remb", "transport-cc", "ccm fir",
                                             "nack",      "nack pli",     NULL};
static const char *const kind_names[] = {"audio", "video", "screen"};

const char *ablak_sdp_media_name(AblakSdpKind kind)
{
  return kind == ABLAK_SDP_AUDIO ? "audio" : "video";
}

char *ablak_sdp_mid(AblakSdpKind kind, guint place)
{
  return place == 0 ? g_strdup(kind_names[kind])
                    : g_strdup_printf("%s-%u", kind_names[kind], place + 1);
}

static AblakSdpKind payloads_kind(AblakSdpKind kind)
{
  return kind == ABLAK_SDP_SCREEN ? ABLAK_SDP_VIDEO : kind;
}

bool ablak_sdp_payload_kind(guint8 payload_type, AblakSdpKind *ret_kind, bool *ret_rtx)
{
  for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++)
    if (payloads[i].payload_type == payload_type) {
      *ret_kind = payloads[i].kind;
      *ret_rtx = payloads[i].rtx;
      return true;
    }
  return false;
}

AblakSdpPayloads ablak_sdp_payload_set(guint8 payload_type)
{
  for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++)
    if (payloads[i].payload_type == payload_type)
      return 1u << i;
  return 0;
}

AblakSdpPayloads ablak_sdp_payloads_of(AblakSdpKind kind)
{
  AblakSdpPayloads set = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++)
    if (payloads[i].kind == payloads_kind(kind))
      set |= 1u << i;
  return set;
}

AblakSdpPayloads ablak_sdp_payloads_offerable(AblakSdpPayloads understood)
{
  AblakSdpPayloads offerable = 0, kept[ABLAK_SDP_KINDS] = {0};
  for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++) {
    AblakSdpPayloads one = 1u << i;
    AblakSdpPayloads needed = payloads[i].rtx ? one | one >> 1 : one;
    if ((understood & needed) == needed)
      kept[payloads[i].kind] |= one;
  }
  for (AblakSdpKind kind = 0; kind <= ABLAK_SDP_VIDEO; kind++)
    offerable |= kept[kind] != 0 ? kept[kind] : ablak_sdp_payloads_of(kind);
  return offerable;
}

AblakSdpPayloads ablak_sdp_payloads_without_rtx(AblakSdpPayloads agreed)
{
  AblakSdpPayloads plain = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++) {
    AblakSdpPayloads one = 1u << i;
    if (payloads[i].rtx && (agreed & one) == 0)
      plain |= agreed & one >> 1;
  }
  return plain;
}

static bool is_offered(const AblakSdpOffer *offer, gsize payload, AblakSdpKind kind)
{
  return payloads[payload].kind == payloads_kind(kind) && (offer->payloads >> payload & 1) != 0;
}

static void write_payloads(GString *sdp, const AblakSdpOffer *offer, AblakSdpKind kind)
{
  for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++) {
    if (!is_offered(offer, i, kind))
      continue;
    int number = payloads[i].payload_type;
    g_string_append_printf(sdp, "a=rtpmap:%d %s\r\n", number, payloads[i].map);
    const char *const *feedback = kind == ABLAK_SDP_AUDIO ? audio_feedback : video_feedback;
    for (; *feedback != NULL && !payloads[i].rtx; feedback++)
      g_string_append_printf(sdp, "a=rtcp-fb:%d %s\r\n", number, *feedback);
    if (payloads[i].parameters != NULL)
      g_string_append_printf(sdp, "a=fmtp:%d %s\r\n", number, payloads[i].parameters);
  }
}

/* A screen is a stream of its own: its picture is shown apart from the person's. */
static char *stream_name(AblakSdpKind kind, guint place)
{
  g_autofree char *name = place == 0 ? g_strdup("remote") : g_strdup_printf("remote-%u", place + 1);
  return kind == ABLAK_SDP_SCREEN ? g_strconcat(name, "-screen", NULL) : g_steal_pointer(&name);
}

static void write_source(GString *sdp, const char *stream, const AblakSdpSource *source)
{
  guint32 ssrcs[2] = {source->ssrc, source->rtx_ssrc};
  if (source->rtx_ssrc != 0)
    g_string_append_printf(sdp, "a=ssrc-group:FID %u %u\r\n", ssrcs[0], ssrcs[1]);
  for (int i = 0; i < 2; i++)
    if (ssrcs[i] != 0)
      g_string_append_printf(sdp, "a=ssrc:%u cname:%s\r\na=ssrc:%u msid:%s %s-%s\r\n", ssrcs[i],
                             source->cname[0] != '\0' ? source->cname : stream, ssrcs[i], stream,
                             stream, kind_names[source->kind]);
}

static void write_streams(GString *sdp, const AblakSdpPlace *place, AblakSdpKind kind,
                          const char *stream)
{
  if (place->label != NULL)
    g_string_append_printf(sdp, "a=label:%s\r\n", place->label);
  g_string_append_printf(sdp, "a=msid:%s %s-%s\r\n", stream, stream, kind_names[kind]);
  for (gsize i = 0; i < place->sources_length; i++)
    if (place->sources[i].kind == kind)
      write_source(sdp, stream, &place->sources[i]);
}

static void write_transport(GString *sdp, const AblakSdpOffer *offer, bool first)
{
  for (const char *const *candidate = offer->candidates; first && *candidate != NULL; candidate++)
    g_string_append_printf(sdp, "a=%s\r\n", *candidate);
  if (first)
    g_string_append(sdp, "a=end-of-candidates\r\n");
  g_string_append_printf(sdp,
                         "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\n"
                         "a=fingerprint:%s\r\na=setup:actpass\r\n",
                         offer->ufrag, offer->password, offer->fingerprint);
}

static void write_section(GString *sdp, const AblakSdpOffer *offer, guint at, AblakSdpKind kind)
{
  static const char *const directions[2][2] = {{"inactive", "recvonly"}, {"sendonly", "sendrecv"}};
  const AblakSdpPlace *place = &offer->places[at];
  g_autofree char *mid = ablak_sdp_mid(kind, at), *stream = stream_name(kind, at);
  g_string_append_printf(sdp, "m=%s 9 UDP/TLS/RTP/SAVPF", ablak_sdp_media_name(kind));
  for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++)
    if (is_offered(offer, i, kind))
      g_string_append_printf(sdp, " %d", payloads[i].payload_type);
  g_string_append(sdp, "\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n");
  write_transport(sdp, offer, at == 0 && kind == 0);
  g_string_append_printf(sdp, "a=mid:%s\r\n", mid);
  for (gsize i = 0; i < G_N_ELEMENTS(extensions); i++)
    if (extensions[i].kinds[kind])
      g_string_append_printf(sdp, "a=extmap:%d %s\r\n", extensions[i].number, extensions[i].uri);
  g_string_append_printf(sdp, "a=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
                         directions[place->shown][at == 0 && offer->receives[kind]]);
  write_payloads(sdp, offer, kind);
  if (place->shown)
    write_streams(sdp, place, kind, stream);
}

char *ablak_sdp_write_offer(const AblakSdpOffer *offer)
{
  const AblakSdpKind kinds = ablak_sdp_kinds(offer->shape);
  GString *sdp = g_string_new("v=0\r\n");
  g_string_append_printf(sdp,
                         "o=- %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " IN IP4 0.0.0.0\r\n"
                         "s=-\r\nt=0 0\r\na=group:BUNDLE",
                         offer->session_id, offer->generation);
  for (guint at = 0; at < offer->shape.places; at++)
    for (AblakSdpKind kind = 0; kind < kinds; kind++) {
      g_autofree char *mid = ablak_sdp_mid(kind, at);
      g_string_append_printf(sdp, " %s", mid);
    }
  g_string_append(sdp, "\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n");
  for (guint at = 0; at < offer->shape.places; at++)
    for (AblakSdpKind kind = 0; kind < kinds; kind++)
      write_section(sdp, offer, at, kind);
  return g_string_free(sdp, FALSE);
}
