/* video/feedback.h: what congestion control writes on packets and tells senders: header extensions
 * (RFC 8285), transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) and
 * receivers' estimates (draft-alvestrand-rmcat-remb-03). Everything here takes bytes of strangers,
 * of packets that ablak_rtp_parse() and ablak_rtcp_next() have found whole. Threads: any. */
#pragma once
#include "video/rtp.h"

/* The numbers of the one table (sdp-offer.c). */
enum {
  ABLAK_EXTENSION_SEND_TIME = 2,
  ABLAK_EXTENSION_SEQUENCE = 3, /* transport-wide */
  ABLAK_EXTENSION_MID = 4,
};

/* The value of an extension of an RTP packet, in place, and its length; NULL when there is none. */
guint8 *ablak_extension_find(guint8 *packet, gsize size, guint8 number, gsize *ret_length);
/* Its octets become padding (RFC 8285 §4.1.2): the packet keeps its length. */
void ablak_extension_erase(guint8 *packet, gsize size, guint8 number);
/* Seconds as 6.18 bits, as abs-send-time has them. */
void ablak_extension_set_send_time(guint8 *packet, gsize size, gint64 now_us);

/* What came of one sender since it was last told. */
#define ABLAK_ARRIVALS_MAX 512
typedef struct {
  guint length;
  struct {
    guint16 sequence;
    gint64 at_us;
  } packets[ABLAK_ARRIVALS_MAX];
  guint8 count; /* of feedback packets */
  guint16 next; /* the first number that was not told of yet */
  bool begun;
} AblakArrivals;

/* Beyond ABLAK_ARRIVALS_MAX the newest are not noted, and count as lost. */
void ablak_arrivals_note(AblakArrivals *arrivals, guint16 sequence, gint64 now_us);
/* Room for the longest: each packet noted at most, none with a gap. */
#define ABLAK_RTCP_ARRIVALS_SIZE 1400
/* One packet that tells of as many as fit, which are then forgotten; 0 when there is nothing. */
gsize ablak_rtcp_write_arrivals(guint8 ret_packet[ABLAK_RTCP_ARRIVALS_SIZE],
                                AblakArrivals *arrivals, guint32 sender_ssrc, guint32 media_ssrc);

bool ablak_rtcp_is_transport_wide(const AblakRtcpPacket *packet);
/* The receiver's estimate of what it can take of everyone together, bit/s. */
bool ablak_rtcp_read_estimate(const AblakRtcpPacket *packet, guint64 *ret_bps);
#define ABLAK_RTCP_ESTIMATE_SIZE 24
/* About one stream. */
void ablak_rtcp_write_estimate(guint8 ret_packet[ABLAK_RTCP_ESTIMATE_SIZE], guint32 sender_ssrc,
                               guint32 media_ssrc, guint64 bps);
