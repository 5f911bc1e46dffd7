/* What the interface shows of secrets and times. */
#include "daemon/accounts.h"
#include "daemon/times.h"
#include <string.h>

static void test_cookie(void)
{
  g_autofree char *set = ablak_cookie("__Host-ablak-box", "secret", 3600);
  g_assert_cmpstr(set, ==,
                  "__Host-ablak-box=secret; Path=/; Secure; HttpOnly; SameSite=Strict; "
                  "Max-Age=3600");
  g_autofree char *gone = ablak_cookie("__Host-ablak-box", "", 3600);
  g_assert_cmpstr(gone, ==,
                  "__Host-ablak-box=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
  /* RFC 6265bis §4.1.3.2: what makes a browser refuse a __Host- cookie. */
  g_assert_null(strstr(set, "Domain"));
}

static void assert_time(gint64 utc_ms, const char *text)
{
  g_autoptr(json_t) time = ablak_json_time(utc_ms);
  g_assert_cmpstr(json_string_value(time), ==, text);
}

static void test_time(void)
{
  assert_time(0, NULL);
  assert_time(1, "1970-01-01T00:00:00.001Z");
  assert_time(G_GINT64_CONSTANT(1763712900000), "2025-11-21T08:15:00.000Z");
  assert_time(G_GINT64_CONSTANT(1709164799999), "2024-02-28T23:59:59.999Z");
  assert_time(G_GINT64_CONSTANT(1709164800000), "2024-02-29T00:00:00.000Z");
}

static void assert_minutes(gint64 duration_ms, int minutes)
{
  g_autoptr(json_t) json = ablak_json_minutes(duration_ms);
  g_assert_true(minutes < 0 ? json_is_null(json) : json_integer_value(json) == minutes);
}

static void test_minutes(void)
{
  assert_minutes(-1, -1);
  assert_minutes(0, 0);
  assert_minutes(1, 1);
  assert_minutes(60000, 1);
  assert_minutes(60001, 2);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/daemon/cookie", test_cookie);
  g_test_add_func("/daemon/time", test_time);
  g_test_add_func("/daemon/minutes", test_minutes);
  return g_test_run();
}
