/* Header extensions found and erased, arrivals told as a browser reads them, estimates. */
#include "video/feedback.h"
#include "video/bytes.h"
#include <string.h>

static const guint8 extended[] = {0x90, 96,   0,    1,    0,   0, 0,    0, 0, 0,
                                  0,    7,    0xbe, 0xde, 0,   3, 0x22, 1, 2, 3,
                                  0x31, 0xab, 0xcd, 0x40, 'v', 0, 0,    0, 9};

static void test_extensions(void)
{
  guint8 packet[sizeof extended];
  gsize length = 0;
  memcpy(packet, extended, sizeof packet);
  const guint8 *number =
      ablak_extension_find(packet, sizeof packet, ABLAK_EXTENSION_SEQUENCE, &length);
  g_assert_cmpuint(length, ==, 2);
  g_assert_cmpuint(ablak_read16(number), ==, 0xabcd);
  ablak_extension_erase(packet, sizeof packet, ABLAK_EXTENSION_SEQUENCE);
  g_assert_null(ablak_extension_find(packet, sizeof packet, ABLAK_EXTENSION_SEQUENCE, &length));
  const guint8 *mid = ablak_extension_find(packet, sizeof packet, ABLAK_EXTENSION_MID, &length);
  g_assert_cmpmem(mid, (int)length, "v", 1);
  ablak_extension_set_send_time(packet, sizeof packet, 65 * G_USEC_PER_SEC + G_USEC_PER_SEC / 2);
  const guint8 *time =
      ablak_extension_find(packet, sizeof packet, ABLAK_EXTENSION_SEND_TIME, &length);
  const guint8 wanted[] = {0x06, 0, 0}; /* 1.5 s, after 64 s have gone by */
  g_assert_cmpmem(time, (int)length, wanted, sizeof wanted);
  g_assert_cmpuint(packet[sizeof packet - 1], ==, 9);
}

/* Whatever a length says, nothing outside the extensions is read or changed. */
static void test_extensions_cut(void)
{
  for (gsize at = 12; at < 28; at++)
    for (guint value = 0; value < 256; value++) {
      g_autofree guint8 *packet = g_memdup2(extended, 28);
      gsize length = 0;
      packet[at] = (guint8)value;
      for (guint8 number = 1; number < 15; number++) {
        const guint8 *found = ablak_extension_find(packet, 28, number, &length);
        g_assert_true(found == NULL || (found > packet + 16 && found + length <= packet + 28));
        ablak_extension_erase(packet, 28, number);
      }
    }
}

/* Reads feedback as its receiver does: microseconds after the reference time, -1 for what is lost.
 */
static guint read_arrivals(const guint8 *packet, gsize size, guint16 *ret_base, gint64 *ret_at_us)
{
  guint count = ablak_read16(packet + 14);
  const guint8 *chunk = packet + 20, *delta = chunk + 2 * ((count + 6) / 7);
  gint64 at = 0;
  g_assert_cmpuint(size, ==, 4 * (ablak_read16(packet + 2) + 1u));
  for (guint i = 0; i < count; i++) {
    guint16 word = ablak_read16(chunk + 2 * (i / 7));
    guint symbol = word >> (12 - 2 * (i % 7)) & 3;
    g_assert_cmpuint(word >> 14, ==, 3);
    if (symbol == 1)
      at += *delta++;
    if (symbol == 2) {
      at += (gint16)ablak_read16(delta);
      delta += 2;
    }
    ret_at_us[i] = symbol == 0 ? -1 : at * 250;
  }
  g_assert_true(delta <= packet + size);
  *ret_base = ablak_read16(packet + 12);
  return count;
}

static void test_arrivals(void)
{
  g_autofree AblakArrivals *arrivals = g_new0(AblakArrivals, 1);
  guint8 packet[ABLAK_RTCP_ARRIVALS_SIZE];
  gint64 at_us[8192];
  guint16 base = 0;
  g_assert_cmpuint(ablak_rtcp_write_arrivals(packet, arrivals, 1, 2), ==, 0);
  /* 65534, 65535, not 0, 2 before 1, and 3 long after; 128 ms is a reference time. */
  ablak_arrivals_note(arrivals, 65534, 128000 + 1000);
  ablak_arrivals_note(arrivals, 65535, 128000 + 2000);
  ablak_arrivals_note(arrivals, 2, 128000 + 3000);
  ablak_arrivals_note(arrivals, 1, 128000 + 3500);
  ablak_arrivals_note(arrivals, 3, 128000 + 100000);
  gsize size = ablak_rtcp_write_arrivals(packet, arrivals, 1, 2);
  static const gint64 wanted[] = {1000, 2000, -1, 3500, 3000, 100000};
  g_assert_true(ablak_rtcp_is_valid(packet, size));
  g_assert_cmpuint(read_arrivals(packet, size, &base, at_us), ==, G_N_ELEMENTS(wanted));
  g_assert_cmpuint(base, ==, 65534);
  g_assert_cmpmem(at_us, sizeof wanted, wanted, sizeof wanted);
  g_assert_cmpuint(ablak_read32(packet + 16), ==, 2u << 8 | 0);
  /* What is missing between two packets of feedback is lost, too. */
  ablak_arrivals_note(arrivals, 6, 200000);
  size = ablak_rtcp_write_arrivals(packet, arrivals, 1, 2);
  g_assert_cmpuint(read_arrivals(packet, size, &base, at_us), ==, 3);
  g_assert_cmpuint(base, ==, 4);
  g_assert_true(at_us[0] == -1 && at_us[1] == -1 && at_us[2] == 200000 - 192000);
  g_assert_cmpuint(packet[19], ==, 1);
}

/* Every number however far from the last, in any order and with any time, fits and is told once. */
static void test_arrivals_any(void)
{
  g_autofree AblakArrivals *arrivals = g_new0(AblakArrivals, 1);
  g_autoptr(GRand) rand = g_rand_new_with_seed(7);
  guint8 packet[ABLAK_RTCP_ARRIVALS_SIZE];
  gint64 at_us[8192], now_us = 0;
  guint16 base = 0;
  for (int turn = 0; turn < 300; turn++) {
    guint16 number = (guint16)g_rand_int(rand);
    for (int i = 0; i < 600; i++) {
      number = (guint16)(number + g_rand_int_range(rand, 0, turn % 3 == 0 ? 3 : 2500));
      now_us += g_rand_int_range(rand, 0, turn % 5 == 0 ? 20000000 : 2000);
      ablak_arrivals_note(arrivals, number, now_us);
    }
    guint rounds = 0;
    for (gsize size; (size = ablak_rtcp_write_arrivals(packet, arrivals, 1, 2)) > 0; rounds++) {
      g_assert_cmpuint(size, <=, sizeof packet);
      g_assert_true(ablak_rtcp_is_valid(packet, size));
      read_arrivals(packet, size, &base, at_us);
      g_assert_cmpuint(rounds, <=, ABLAK_ARRIVALS_MAX);
    }
    g_assert_cmpuint(arrivals->length, ==, 0);
  }
}

static void test_estimate(void)
{
  guint8 packet[ABLAK_RTCP_ESTIMATE_SIZE];
  static const guint64 wanted[] = {1, 64000, 262143, 400000, 1500000, 1000000000};
  for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++) {
    AblakRtcpPacket read;
    gsize offset = 0;
    guint64 bps = 0;
    guint32 ssrc = 0;
    ablak_rtcp_write_estimate(packet, 1, 77, wanted[i]);
    g_assert_true(ablak_rtcp_next(packet, sizeof packet, &offset, &read));
    g_assert_true(ablak_rtcp_feedback_target(&read, &ssrc) && ssrc == 77);
    g_assert_true(ablak_rtcp_read_estimate(&read, &bps));
    g_assert_true(bps <= wanted[i] && bps >= wanted[i] - wanted[i] / 100000);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/feedback/extensions", test_extensions);
  g_test_add_func("/feedback/extensions-cut", test_extensions_cut);
  g_test_add_func("/feedback/arrivals", test_arrivals);
  g_test_add_func("/feedback/arrivals-any", test_arrivals_any);
  g_test_add_func("/feedback/estimate", test_estimate);
  return g_test_run();
}
