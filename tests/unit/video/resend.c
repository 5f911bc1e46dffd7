/* Packets kept to be sent once more. */
#include "video/resend.h"
#include "video/bytes.h"
#include <string.h>

static void keep(AblakResend *resend, guint32 ssrc, guint16 sequence, gsize size)
{
  guint8 packet[ABLAK_RESEND_SIZE_MAX + 1] = {0x80, 96};
  packet[2] = (guint8)(sequence >> 8);
  packet[3] = (guint8)sequence;
  ablak_write32(packet + 8, ssrc);
  packet[size - 1] = (guint8)sequence;
  ablak_resend_keep(resend, packet, size);
}

static const guint8 *packet;
static gsize size;

static bool find(AblakResend *resend, guint32 ssrc, guint16 sequence, gint64 now_ms)
{
  return ablak_resend_find(resend, ssrc, sequence, now_ms, &packet, &size);
}

static void test_found(void)
{
  g_autoptr(AblakResend) resend = ablak_resend_new();
  g_assert_false(find(resend, 0, 0, 0));
  keep(resend, 7, 65535, 100);
  keep(resend, 7, 0, 200);
  g_assert_true(find(resend, 7, 65535, 0));
  g_assert_cmpuint(size, ==, 100);
  g_assert_cmpuint(packet[99], ==, 0xff);
  g_assert_true(find(resend, 7, 0, 0));
  g_assert_cmpuint(size, ==, 200);
  g_assert_false(find(resend, 7, 1, 0));
  g_assert_false(find(resend, 8, 65535, 0));
}

static void test_not_at_once(void)
{
  g_autoptr(AblakResend) resend = ablak_resend_new();
  keep(resend, 7, 1, 100);
  g_assert_true(find(resend, 7, 1, 1000) && size == 100);
  g_assert_true(find(resend, 7, 1, 1000 + ABLAK_RESEND_AGAIN_MS - 1) && size == 0);
  g_assert_true(find(resend, 7, 1, 1000 + ABLAK_RESEND_AGAIN_MS) && size == 100);
}

static void test_forgotten(void)
{
  g_autoptr(AblakResend) resend = ablak_resend_new();
  for (guint i = 0; i <= ABLAK_RESEND_PACKETS; i++)
    keep(resend, 7, (guint16)i, 100);
  g_assert_false(find(resend, 7, 0, 0));
  for (guint i = 1; i <= ABLAK_RESEND_PACKETS; i++)
    g_assert_true(find(resend, 7, (guint16)i, 0));
  keep(resend, 7, 5000, ABLAK_RESEND_SIZE_MAX);
  keep(resend, 7, 5001, ABLAK_RESEND_SIZE_MAX + 1);
  g_assert_true(find(resend, 7, 5000, 0));
  g_assert_false(find(resend, 7, 5001, 0));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/resend/found", test_found);
  g_test_add_func("/resend/not-at-once", test_not_at_once);
  g_test_add_func("/resend/forgotten", test_forgotten);
  return g_test_run();
}
