/* video/rtp.c: RTP and RTCP headers. */
#include "video/rtp.h"
#include "video/bytes.h"
#include <string.h>

AblakPacketKind ablak_packet_kind(const guint8 *data, gsize size)
{
  if (size < 2)
    return ABLAK_PACKET_UNKNOWN;
  if (data[0] <= 3)
    return ABLAK_PACKET_STUN;
  if (data[0] >= 20 && data[0] <= 63)
    return ABLAK_PACKET_DTLS;
  if (data[0] >= 128 && data[0] <= 191)
    return data[1] >= 192 && data[1] <= 223 ? ABLAK_PACKET_RTCP : ABLAK_PACKET_RTP;
  return ABLAK_PACKET_UNKNOWN;
}

bool ablak_rtp_parse(const guint8 *data, gsize size, AblakRtpHeader *ret_header)
{
  if (size < 12 || data[0] >> 6 != 2)
    return false;
  gsize header_size = 12 + 4 * (gsize)(data[0] & 0x0f);
  if ((data[0] & 0x10) != 0) {
    if (size < header_size + 4)
      return false;
    header_size += 4 + 4 * (gsize)ablak_read16(data + header_size + 2);
  }
  if (size < header_size)
    return false;
  ret_header->payload_type = data[1] & 0x7f;
  ret_header->marker = (data[1] & 0x80) != 0;
  ret_header->sequence = ablak_read16(data + 2);
  ret_header->timestamp = ablak_read32(data + 4);
  ret_header->ssrc = ablak_read32(data + 8);
  ret_header->header_size = header_size;
  return true;
}

bool ablak_rtcp_next(const guint8 *data, gsize size, gsize *offset, AblakRtcpPacket *ret_packet)
{
  if (size < *offset || size - *offset < 8)
    return false;
  const guint8 *packet = data + *offset;
  gsize packet_size = 4 * ((gsize)ablak_read16(packet + 2) + 1);
  if (packet[0] >> 6 != 2 || packet_size < 8 || packet_size > size - *offset)
    return false;
  ret_packet->count = packet[0] & 0x1f;
  ret_packet->type = packet[1];
  ret_packet->data = packet;
  ret_packet->size = packet_size;
  *offset += packet_size;
  return true;
}

bool ablak_rtcp_is_valid(const guint8 *data, gsize size)
{
  AblakRtcpPacket packet;
  gsize offset = 0;
  while (ablak_rtcp_next(data, size, &offset, &packet))
    continue;
  return size > 0 && offset == size;
}

/* draft-alvestrand-rmcat-remb-03 §2.2: the media SSRC is 0, the streams follow the estimate. */
static bool remb_target(const AblakRtcpPacket *packet, guint32 *ret_ssrc)
{
  if (packet->size < 24 || memcmp(packet->data + 12, "REMB", 4) != 0 || packet->data[16] == 0)
    return false;
  *ret_ssrc = ablak_read32(packet->data + 20);
  return true;
}

bool ablak_rtcp_feedback_target(const AblakRtcpPacket *packet, guint32 *ret_ssrc)
{
  if ((packet->type != ABLAK_RTCP_TRANSPORT_FEEDBACK &&
       packet->type != ABLAK_RTCP_PAYLOAD_FEEDBACK) ||
      packet->size < 12)
    return false;
  if (packet->type == ABLAK_RTCP_PAYLOAD_FEEDBACK && packet->count == 15)
    return remb_target(packet, ret_ssrc);
  /* RFC 5104 §4.3.1.1: a FIR's media SSRC is 0 and its first entry names the stream. */
  if (packet->type == ABLAK_RTCP_PAYLOAD_FEEDBACK && packet->count == 4) {
    if (packet->size < 20)
      return false;
    *ret_ssrc = ablak_read32(packet->data + 12);
    return true;
  }
  *ret_ssrc = ablak_read32(packet->data + 8);
  return true;
}

bool ablak_rtcp_is_nack(const AblakRtcpPacket *packet)
{
  return packet->type == ABLAK_RTCP_TRANSPORT_FEEDBACK && packet->count == 1 && packet->size >= 16;
}

void ablak_rtcp_each_lost(const AblakRtcpPacket *nack, AblakRtcpLost lost, gpointer data)
{
  for (gsize at = 12; at < nack->size; at += 4) {
    guint16 first = ablak_read16(nack->data + at);
    guint16 more = ablak_read16(nack->data + at + 2);
    lost(first, data);
    for (guint i = 0; i < 16; i++)
      if ((more >> i & 1) != 0)
        lost((guint16)(first + i + 1), data);
  }
}

void ablak_rtcp_write_pli(guint8 ret_packet[ABLAK_RTCP_PLI_SIZE], guint32 sender_ssrc,
                          guint32 media_ssrc)
{
  ret_packet[0] = 0x81;
  ret_packet[1] = ABLAK_RTCP_PAYLOAD_FEEDBACK;
  ret_packet[2] = 0;
  ret_packet[3] = 2;
  ablak_write32(ret_packet + 4, sender_ssrc);
  ablak_write32(ret_packet + 8, media_ssrc);
}
