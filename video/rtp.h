/* video/rtp.h: reading RTP and RTCP headers, telling packets apart, and the one RTCP packet the
 * relay makes itself. Everything here takes bytes of strangers. Threads: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Longest datagram the relay carries. */
#define ABLAK_RTP_PACKET_MAX 2048

typedef enum {
  ABLAK_PACKET_UNKNOWN,
  ABLAK_PACKET_STUN,
  ABLAK_PACKET_DTLS,
  ABLAK_PACKET_RTP,
  ABLAK_PACKET_RTCP,
} AblakPacketKind;

/* RFC 7983 §7 by the first octet; RTP from RTCP by RFC 5761 §4. */
AblakPacketKind ablak_packet_kind(const guint8 *data, gsize size);

typedef struct {
  guint8 payload_type;
  bool marker;
  guint16 sequence;
  guint32 timestamp;
  guint32 ssrc;
  gsize header_size; /* with CSRCs and extension: where the payload begins */
} AblakRtpHeader;

/* RFC 3550 §5.1; false when it is not RTP version 2 or is cut short. */
bool ablak_rtp_parse(const guint8 *data, gsize size, AblakRtpHeader *ret_header);

/* Of a packet that was parsed. */
static inline guint8 ablak_rtp_payload_type(const guint8 *packet)
{
  return packet[1] & 0x7f;
}

enum {
  ABLAK_RTCP_SR = 200,
  ABLAK_RTCP_RR = 201,
  ABLAK_RTCP_SDES = 202,
  ABLAK_RTCP_BYE = 203,
  ABLAK_RTCP_TRANSPORT_FEEDBACK = 205,
  ABLAK_RTCP_PAYLOAD_FEEDBACK = 206,
};

typedef struct {
  guint8 count; /* report count or feedback format */
  guint8 type;
  const guint8 *data; /* the packet with its header */
  gsize size;
} AblakRtcpPacket;

/* The packet at *offset of a compound packet, and *offset moved behind it. false at the end and
 * on a malformed packet; ablak_rtcp_is_valid() tells which. */
bool ablak_rtcp_next(const guint8 *data, gsize size, gsize *offset, AblakRtcpPacket *ret_packet);
/* The whole datagram consists of packets (RFC 3550 §A.2, RFC 5506 reduced size allowed). */
bool ablak_rtcp_is_valid(const guint8 *data, gsize size);
/* The stream that a feedback packet is about (RFC 4585 §6.1; for REMB its first listed stream).
 * false when the packet is not feedback about one stream. */
bool ablak_rtcp_feedback_target(const AblakRtcpPacket *packet, guint32 *ret_ssrc);

/* A generic NACK (RFC 4585 §6.2.1). false when the packet is none. */
bool ablak_rtcp_is_nack(const AblakRtcpPacket *packet);
/* Calls `lost` for each number that a NACK names. */
typedef void (*AblakRtcpLost)(guint16 sequence, gpointer data);
void ablak_rtcp_each_lost(const AblakRtcpPacket *nack, AblakRtcpLost lost, gpointer data);

#define ABLAK_RTCP_PLI_SIZE 12
/* RFC 4585 §6.3.1: asks the sender of `media_ssrc` for a key frame. */
void ablak_rtcp_write_pli(guint8 ret_packet[ABLAK_RTCP_PLI_SIZE], guint32 sender_ssrc,
                          guint32 media_ssrc);
