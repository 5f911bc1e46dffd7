/* Headers of RTP and RTCP, and telling packets apart. */
#include "video/rtp.h"
#include "hex.h"

static void test_kind(void)
{
  static const struct {
    guint8 bytes[2];
    AblakPacketKind kind;
  } cases[] = {
      {{0, 1}, ABLAK_PACKET_STUN},     {{3, 1}, ABLAK_PACKET_STUN},
      {{4, 1}, ABLAK_PACKET_UNKNOWN},  {{19, 1}, ABLAK_PACKET_UNKNOWN},
      {{20, 1}, ABLAK_PACKET_DTLS},    {{63, 1}, ABLAK_PACKET_DTLS},
      {{64, 1}, ABLAK_PACKET_UNKNOWN}, {{127, 1}, ABLAK_PACKET_UNKNOWN},
      {{128, 96}, ABLAK_PACKET_RTP},   {{191, 0xff}, ABLAK_PACKET_RTP},
      {{144, 0xe0}, ABLAK_PACKET_RTP}, {{128, 192}, ABLAK_PACKET_RTCP},
      {{129, 223}, ABLAK_PACKET_RTCP}, {{192, 200}, ABLAK_PACKET_UNKNOWN},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    g_assert_cmpint(ablak_packet_kind(cases[i].bytes, 2), ==, cases[i].kind);
  g_assert_cmpint(ablak_packet_kind(cases[0].bytes, 1), ==, ABLAK_PACKET_UNKNOWN);
  g_assert_cmpint(ablak_packet_kind(NULL, 0), ==, ABLAK_PACKET_UNKNOWN);
}

static void test_rtp(void)
{
  /* Two CSRCs and an extension of two words. */
  g_autoptr(GByteArray) packet =
      hex("92e0abcd 01020304 a1b2c3d4 11111111 22222222 bede0002 10aa0000 00000000 ffff");
  AblakRtpHeader header;
  g_assert_true(ablak_rtp_parse(packet->data, packet->len, &header));
  g_assert_cmpuint(header.payload_type, ==, 96);
  g_assert_true(header.marker);
  g_assert_cmpuint(header.sequence, ==, 0xabcd);
  g_assert_cmpuint(header.timestamp, ==, 0x01020304);
  g_assert_cmpuint(header.ssrc, ==, 0xa1b2c3d4);
  g_assert_cmpuint(header.header_size, ==, 32);
  for (gsize cut = 0; cut < 32; cut++)
    g_assert_false(ablak_rtp_parse(packet->data, cut, &header));
  packet->data[0] = 0x52;
  g_assert_false(ablak_rtp_parse(packet->data, packet->len, &header));
}

static void test_compound(void)
{
  g_autoptr(GByteArray) compound = hex("81c90007 00000001 00000002 00000000 00000000 00000000"
                                       "00000000 00000000"
                                       "81ce0002 00000001 0000002a");
  AblakRtcpPacket packet;
  gsize offset = 0;
  guint32 ssrc = 0;
  g_assert_true(ablak_rtcp_is_valid(compound->data, compound->len));
  g_assert_true(ablak_rtcp_next(compound->data, compound->len, &offset, &packet));
  g_assert_cmpuint(packet.type, ==, ABLAK_RTCP_RR);
  g_assert_cmpuint(packet.count, ==, 1);
  g_assert_cmpuint(packet.size, ==, 32);
  g_assert_false(ablak_rtcp_feedback_target(&packet, &ssrc));
  g_assert_true(ablak_rtcp_next(compound->data, compound->len, &offset, &packet));
  g_assert_true(ablak_rtcp_feedback_target(&packet, &ssrc));
  g_assert_cmpuint(ssrc, ==, 0x2a);
  g_assert_false(ablak_rtcp_next(compound->data, compound->len, &offset, &packet));
  for (gsize cut = 0; cut < compound->len; cut++)
    g_assert_cmpint(ablak_rtcp_is_valid(compound->data, cut), ==, cut == 32);
}

static void assert_target(const char *text, bool expected, guint32 expected_ssrc)
{
  g_autoptr(GByteArray) bytes = hex(text);
  AblakRtcpPacket packet;
  gsize offset = 0;
  guint32 ssrc = 0;
  g_assert_true(ablak_rtcp_next(bytes->data, bytes->len, &offset, &packet));
  g_assert_cmpint(ablak_rtcp_feedback_target(&packet, &ssrc), ==, expected);
  if (expected)
    g_assert_cmpuint(ssrc, ==, expected_ssrc);
}

static void test_targets(void)
{
  assert_target("8fce0005 00000001 00000000 52454d42 010a0000 00000063", true, 0x63);
  assert_target("8fce0004 00000001 00000000 52454d42 000a0000", false, 0);
  assert_target("8fce0003 00000001 00000000 41424344", false, 0);
  assert_target("84ce0004 00000001 00000000 00000064 01000000", true, 0x64);
  assert_target("84ce0002 00000001 00000000", false, 0);
  assert_target("8fcd0005 00000001 00000065 00000000 00000000 00000000", true, 0x65);
  assert_target("81cd0001 00000001", false, 0);
}

static void test_pli(void)
{
  guint8 pli[ABLAK_RTCP_PLI_SIZE];
  ablak_rtcp_write_pli(pli, 1, 0xdeadbeef);
  g_autofree char *text = to_hex(pli, sizeof pli);
  g_assert_cmpstr(text, ==, "81ce000200000001deadbeef");
  g_assert_true(ablak_rtcp_is_valid(pli, sizeof pli));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/rtp/kind", test_kind);
  g_test_add_func("/rtp/header", test_rtp);
  g_test_add_func("/rtcp/compound", test_compound);
  g_test_add_func("/rtcp/targets", test_targets);
  g_test_add_func("/rtcp/pli", test_pli);
  return g_test_run();
}
