/* Datagrams from the network: told apart, their headers read, and unprotected. The input is first
 * taken as a protected packet, which is refused; then as a plain one that our own side protects, so
 * that what lies behind authentication is reached too. */
#include "video/bytes.h"
#include "video/feedback.h"
#include "video/srtp.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static AblakSrtp *direction(AblakSrtpProfile profile)
{
  static const guint8 key[ABLAK_SRTP_KEY_SIZE] = {1, 2, 3}, salt[ABLAK_SRTP_SALT_MAX] = {4, 5, 6};
  return ablak_srtp_new(profile, key, salt);
}

static void count(guint16 sequence, gpointer lost)
{
  (*(guint *)lost)++;
}

/* Extensions are found and erased in place; what came is told of, and estimates are read. */
static void take_extensions(const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2(data, size);
  g_autofree AblakArrivals *arrivals = g_new0(AblakArrivals, 1);
  guint8 told[ABLAK_RTCP_ARRIVALS_SIZE];
  for (gsize at = 0; at + 2 <= size; at += 2)
    ablak_arrivals_note(arrivals, ablak_read16(data + at), 100000 * data[at] + 10 * (gint64)at);
  for (gsize told_size; (told_size = ablak_rtcp_write_arrivals(told, arrivals, 1, 2)) > 0;)
    g_assert_true(told_size <= sizeof told && ablak_rtcp_is_valid(told, told_size));
  for (guint8 number = 1; number < 15; number++) {
    gsize length = 0;
    const guint8 *value = ablak_extension_find(copy, size, number, &length);
    g_assert_true(value == NULL || (value > copy + 12 && value + length <= copy + size));
    ablak_extension_set_send_time(copy, size, 1);
    ablak_extension_erase(copy, size, number);
  }
}

static void walk(const guint8 *data, gsize size)
{
  AblakRtpHeader header;
  AblakRtcpPacket packet;
  gsize offset = 0, sum = 0;
  guint32 ssrc = 0;
  if (ablak_rtp_parse(data, size, &header)) {
    g_assert_cmpuint(header.header_size, <=, size);
    take_extensions(data, size);
  }
  while (ablak_rtcp_next(data, size, &offset, &packet)) {
    sum += packet.size;
    ablak_rtcp_feedback_target(&packet, &ssrc);
    guint64 bps = 0;
    if (ablak_rtcp_read_estimate(&packet, &bps))
      g_assert_cmpuint(bps, <, (guint64)1 << 60);
    if (ablak_rtcp_is_nack(&packet)) {
      guint lost = 0;
      ablak_rtcp_each_lost(&packet, count, &lost);
      g_assert_cmpuint(lost, <=, 17 * (packet.size - 12) / 4);
      g_assert_cmpuint(lost, >=, (packet.size - 12) / 4);
    }
  }
  g_assert_cmpint(ablak_rtcp_is_valid(data, size), ==, size > 0 && sum == size);
}

static void carry(AblakSrtpProfile profile, const guint8 *data, gsize plain_size, bool rtcp)
{
  guint8 packet[ABLAK_RTP_PACKET_MAX + ABLAK_SRTP_OVERHEAD];
  g_autoptr(AblakSrtp) send = direction(profile);
  g_autoptr(AblakSrtp) receive = direction(profile);
  gsize size = plain_size;
  memcpy(packet, data, size);
  if ((rtcp ? ablak_srtp_unprotect_rtcp(receive, packet, &size)
            : ablak_srtp_unprotect(receive, packet, &size)) == ABLAK_SRTP_OK)
    walk(packet, size);
  size = plain_size;
  memcpy(packet, data, size);
  if ((rtcp ? ablak_srtp_protect_rtcp(send, packet, &size, sizeof packet)
            : ablak_srtp_protect(send, packet, &size, sizeof packet)) != ABLAK_SRTP_OK)
    return;
  AblakSrtpStatus status = rtcp ? ablak_srtp_unprotect_rtcp(receive, packet, &size)
                                : ablak_srtp_unprotect(receive, packet, &size);
  g_assert_cmpint(status, ==, ABLAK_SRTP_OK);
  g_assert_cmpuint(size, ==, plain_size);
  g_assert_cmpint(memcmp(packet, data, size), ==, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size > ABLAK_RTP_PACKET_MAX)
    return 0;
  AblakPacketKind kind = ablak_packet_kind(data, size);
  walk(data, size);
  if (kind != ABLAK_PACKET_RTP && kind != ABLAK_PACKET_RTCP)
    return 0;
  for (int profile = 0; profile < 2; profile++)
    carry((AblakSrtpProfile)profile, data, size, kind == ABLAK_PACKET_RTCP);
  return 0;
}
