/* The allowance: a burst, then a steady rate, each key for itself, bounded. */
#include "accounts/accounts.h"
#include "core/error.h"

static bool take(AblakAllowance *allowance, const char *key, gint64 now_ms)
{
  return ablak_allowance_take(allowance, key, now_ms, NULL);
}

static void test_burst_and_rate(void)
{
  g_autoptr(AblakAllowance) allowance = ablak_allowance_new(3, 1000);
  for (int i = 0; i < 3; i++)
    g_assert_true(take(allowance, "kiosk", 5000));
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_allowance_take(allowance, "kiosk", 5000, &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_RATE_LIMITED);
  g_assert_false(take(allowance, "kiosk", 5999));
  for (gint64 now_ms = 6000; now_ms < 60000; now_ms += 1000) {
    g_assert_true(take(allowance, "kiosk", now_ms));
    g_assert_false(take(allowance, "kiosk", now_ms + 999));
  }
  g_assert_true(take(allowance, "phone", 6000));
}

static void test_refills(void)
{
  g_autoptr(AblakAllowance) allowance = ablak_allowance_new(2, 1000);
  for (gint64 now_ms = 0; now_ms < 100000; now_ms += 10000) {
    g_assert_true(take(allowance, "kiosk", now_ms));
    g_assert_true(take(allowance, "kiosk", now_ms));
    g_assert_false(take(allowance, "kiosk", now_ms));
  }
}

static void test_changed(void)
{
  g_autoptr(AblakAllowance) allowance = ablak_allowance_new(1, 1000);
  g_assert_true(take(allowance, "kiosk", 0));
  g_assert_false(take(allowance, "kiosk", 0));
  ablak_allowance_set(allowance, 3, 1000);
  g_assert_true(take(allowance, "kiosk", 0));
}

/* Whoever comes from very many addresses must not fill the memory. */
static void test_bounded(void)
{
  g_autoptr(AblakAllowance) allowance = ablak_allowance_new(1, 1000);
  for (int i = 0; i < 50000; i++) {
    g_autofree char *key = g_strdup_printf("%d", i);
    g_assert_true(take(allowance, key, i / 1000));
  }
  g_assert_false(take(allowance, "49999", 50));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/allowance/burst-and-rate", test_burst_and_rate);
  g_test_add_func("/allowance/refills", test_refills);
  g_test_add_func("/allowance/changed", test_changed);
  g_test_add_func("/allowance/bounded", test_bounded);
  return g_test_run();
}
