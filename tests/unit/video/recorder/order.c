/* Packets out of order, repeated and missing, and what is made of them. */
#include "video/recorder/order.h"

static void take(GBytes *packet, const AblakRtpHeader *header, gpointer given)
{
  g_string_append_printf(given, "%u ", header->sequence);
}

static void push(AblakOrder *order, guint16 sequence, gint64 at_ms)
{
  g_autoptr(GBytes) packet = g_bytes_new_static("x", 1);
  const AblakRtpHeader header = {.sequence = sequence};
  ablak_order_push(order, packet, &header, at_ms * 1000);
}

static void given_is(GString *given, const char *expected)
{
  g_assert_cmpstr(given->str, ==, expected);
  g_string_truncate(given, 0);
}

static void test_gap_filled(void)
{
  g_autoptr(GString) given = g_string_new(NULL);
  AblakOrder *order = ablak_order_new(take, given);
  push(order, 65533, 0);
  push(order, 65532, 20); /* sent before the first that came */
  given_is(given, "");
  push(order, 65534, 100);
  given_is(given, "65532 65533 65534 ");
  push(order, 0, 120);
  push(order, 1, 140);
  given_is(given, "");
  push(order, 65535, 160);
  push(order, 65535, 161);
  given_is(given, "65535 0 1 ");
  g_assert_cmpuint(ablak_order_missed(order), ==, 0);
  ablak_order_free(order);
}

static void test_gap_given_up(void)
{
  g_autoptr(GString) given = g_string_new(NULL);
  AblakOrder *order = ablak_order_new(take, given);
  push(order, 10, 0);
  ablak_order_expire(order, 100000);
  push(order, 12, 120);
  push(order, 13, 419);
  given_is(given, "10 ");
  ablak_order_expire(order, 420000);
  given_is(given, "12 13 ");
  push(order, 11, 430); /* too late */
  push(order, 14, 440);
  given_is(given, "14 ");
  g_assert_cmpuint(ablak_order_missed(order), ==, 1);
  push(order, 16, 450);
  ablak_order_expire(order, G_MAXINT64);
  given_is(given, "16 ");
  ablak_order_free(order);
}

/* A sender that begins again elsewhere is followed. */
static void test_jump(void)
{
  g_autoptr(GString) given = g_string_new(NULL);
  AblakOrder *order = ablak_order_new(take, given);
  push(order, 100, 0);
  push(order, 30000, 20);
  given_is(given, "100 ");
  push(order, 30001, 120);
  given_is(given, "30000 30001 ");
  g_assert_cmpuint(ablak_order_missed(order), ==, 0);
  ablak_order_free(order);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/video/recorder/order/gap-filled", test_gap_filled);
  g_test_add_func("/video/recorder/order/gap-given-up", test_gap_given_up);
  g_test_add_func("/video/recorder/order/jump", test_jump);
  return g_test_run();
}
