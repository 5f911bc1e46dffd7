#include "video/recorder/track.h"
#include "core/log.h"
#include "video/bytes.h"
#include "video/sdp.h"
#include <string.h>

#define STREAM_SILENT_US G_USEC_PER_SEC
#define RTX_HEADER 2

struct AblakTrackIn {
  AblakTrack track;
  AblakPartyClock *party;
  AblakTrackFrame frame;
  gpointer data;
  guint64 missed; /* of streams before this one */
  gint64 last_place;

  /* The stream there is now. */
  guint32 ssrc;
  guint8 payload_type;
  gint64 heard_us; /* 0: none yet */
  AblakStreamClock clock;
  AblakOrder *order;
  AblakDepay *depay; /* NULL: its payload type cannot be opened */
};

AblakTrackIn *ablak_track_new(AblakTrack kind, AblakPartyClock *clock, AblakTrackFrame frame,
                              gpointer data)
{
  AblakTrackIn *track = g_new0(AblakTrackIn, 1);
  track->track = kind;
  track->party = clock;
  track->frame = frame;
  track->data = data;
  return track;
}

static void stream_end(AblakTrackIn *track)
{
  if (track->order == NULL)
    return;
  ablak_order_expire(track->order, G_MAXINT64);
  track->missed += ablak_order_missed(track->order);
  g_clear_pointer(&track->order, ablak_order_free);
  g_clear_pointer(&track->depay, ablak_depay_free);
}

void ablak_track_free(AblakTrackIn *track)
{
  if (track == NULL)
    return;
  g_clear_pointer(&track->order, ablak_order_free);
  g_clear_pointer(&track->depay, ablak_depay_free);
  g_free(track);
}

static void on_frame(GstBuffer *frame, GstCaps *caps, gpointer data)
{
  AblakTrackIn *track = data;
  /* A part of a millisecond apart at least: two frames of one time would have no order. */
  gint64 place = (gint64)GST_BUFFER_PTS(frame);
  if (!GST_BUFFER_PTS_IS_VALID(frame))
    return;
  place = MAX(place, track->last_place + 1);
  track->last_place = place;
  GstBuffer *placed = gst_buffer_copy(frame);
  GST_BUFFER_PTS(placed) = (GstClockTime)place;
  GST_BUFFER_DTS(placed) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(placed) = GST_CLOCK_TIME_NONE;
  track->frame(track->track, placed, caps, track->data);
  gst_buffer_unref(placed);
}

static void on_packet(GBytes *packet, const AblakRtpHeader *header, gpointer data)
{
  AblakTrackIn *track = data;
  gint64 place = ablak_stream_clock_place(&track->clock, header->timestamp);
  /* Said before the recording began, when nobody had consented yet. */
  if (place >= 0 && track->depay != NULL)
    ablak_depay_push(track->depay, packet, (GstClockTime)place);
}

static void stream_begin(AblakTrackIn *track, const AblakRtpHeader *header)
{
  g_autoptr(GError) error = NULL;
  AblakTrack kind;
  guint32 rate = 90000;
  stream_end(track);
  ablak_depay_knows(header->payload_type, &kind, &rate);
  track->ssrc = header->ssrc;
  track->payload_type = header->payload_type;
  ablak_stream_clock_init(&track->clock, track->party, rate);
  track->order = ablak_order_new(on_packet, track);
  track->depay = ablak_depay_new(header->payload_type, on_frame, track, &error);
  if (track->depay == NULL)
    ablak_log_gerror(ABLAK_LOG_ERROR, "recorder.codec", error, NULL);
}

/* The payload type whose packets a retransmission repeats; 0 when it is none. */
static guint8 repeated_type(guint8 payload_type)
{
  switch (payload_type) {
  case ABLAK_PT_VP8_RTX:
    return ABLAK_PT_VP8;
  case ABLAK_PT_VP9_RTX:
    return ABLAK_PT_VP9;
  case ABLAK_PT_H264_RTX:
    return ABLAK_PT_H264;
  default:
    return 0;
  }
}

/* RFC 4588 §4: the packet as it was before, or NULL when it carries none. */
static GBytes *restore(const AblakTrackIn *track, const guint8 *data, gsize size,
                       AblakRtpHeader *header)
{
  if (size < header->header_size + RTX_HEADER + 1)
    return NULL;
  guint8 *packet = g_memdup2(data, size - RTX_HEADER);
  memcpy(packet + header->header_size, data + header->header_size + RTX_HEADER,
         size - header->header_size - RTX_HEADER);
  header->sequence = ablak_read16(data + header->header_size);
  header->payload_type = track->payload_type;
  header->ssrc = track->ssrc;
  packet[1] = (guint8)((packet[1] & 0x80) | header->payload_type);
  memcpy(packet + 2, data + header->header_size, RTX_HEADER);
  ablak_write32(packet + 8, header->ssrc);
  return g_bytes_new_take(packet, size - RTX_HEADER);
}

void ablak_track_packet(AblakTrackIn *track, const guint8 *data, gsize size,
                        const AblakRtpHeader *given, gint64 at_us)
{
  AblakRtpHeader header = *given;
  guint8 repeated = repeated_type(header.payload_type);
  if (repeated != 0) {
    if (track->order == NULL || repeated != track->payload_type)
      return;
    g_autoptr(GBytes) packet = restore(track, data, size, &header);
    if (packet != NULL)
      ablak_order_push(track->order, packet, &header, at_us);
    return;
  }
  bool same = track->order != NULL && header.ssrc == track->ssrc &&
              header.payload_type == track->payload_type;
  bool other = track->order != NULL && header.ssrc != track->ssrc;
  if (other && at_us - track->heard_us < STREAM_SILENT_US)
    return;
  if (!same)
    stream_begin(track, &header);
  track->heard_us = at_us;
  ablak_stream_clock_arrived(&track->clock, header.timestamp, at_us);
  g_autoptr(GBytes) packet = g_bytes_new(data, size);
  ablak_order_push(track->order, packet, &header, at_us);
}

void ablak_track_report(AblakTrackIn *track, guint32 ssrc, guint64 ntp, guint32 timestamp,
                        gint64 at_us)
{
  if (track->order != NULL && ssrc == track->ssrc)
    ablak_stream_clock_report(&track->clock, ntp, timestamp, at_us);
}

void ablak_track_expire(AblakTrackIn *track, gint64 now_us)
{
  if (track->order != NULL)
    ablak_order_expire(track->order, now_us);
}

guint64 ablak_track_missed(const AblakTrackIn *track)
{
  return track->missed + (track->order != NULL ? ablak_order_missed(track->order) : 0);
}
