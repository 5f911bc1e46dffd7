/* Sync messages and awareness. */
#include "forms/coedit/awareness.h"
#include "forms/coedit/sync.h"
#include "support.h"

static void test_messages(void)
{
  static const AblakYsyncKind kinds[] = {
      ABLAK_YSYNC_STEP1, ABLAK_YSYNC_STEP2, ABLAK_YSYNC_UPDATE,         ABLAK_YSYNC_AWARENESS,
      ABLAK_YSYNC_AUTH,  ABLAK_YSYNC_OTHER, ABLAK_YSYNC_QUERY_AWARENESS};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    const char *body = kinds[i] == ABLAK_YSYNC_QUERY_AWARENESS ? "" : "no";
    g_autoptr(GBytes) bytes = ablak_ysync_encode(kinds[i], 100, body, strlen(body));
    AblakYsyncMessage message;
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    g_assert_true(ablak_ysync_decode(data, size, &message, NULL));
    g_assert_cmpint(message.kind, ==, kinds[i]);
    g_assert_cmpmem(message.body, (int)message.size, body, (int)strlen(body));
  }
}

static void test_bad_messages(void)
{
  static const struct {
    const char *bytes;
    gsize size;
  } cases[] = {{"", 0},
               {"\x00", 1},
               {"\x00\x03\x00", 3},
               {"\x00\x02\x05x", 4},
               {"\x01", 1},
               {"\x03\x00", 2},
               {"\x00\x02\x01xy", 5},
               {"\x80", 1},
               {"\x02\x01\x00", 3}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    AblakYsyncMessage message;
    g_autoptr(GError) error = NULL;
    g_assert_false(ablak_ysync_decode(cases[i].bytes, cases[i].size, &message, &error));
    g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_INVALID);
  }
}

static guint take(AblakYawareness *awareness, GBytes *update, gint64 now_ms)
{
  GArray *clients = NULL;
  gsize size;
  const void *data = g_bytes_get_data(update, &size);
  g_assert_true(ablak_yawareness_apply(awareness, data, size, now_ms, &clients, NULL));
  guint count = clients->len;
  g_array_unref(clients);
  return count;
}

static void test_awareness(void)
{
  g_autoptr(AblakYawareness) one = ablak_yawareness_new(0, 0);
  g_autoptr(AblakYawareness) other = ablak_yawareness_new(0, 0);
  g_autoptr(json_t) state = json_pack("{s:s}", "name", "Éva");
  const guint64 client = 77;
  ablak_yawareness_set(one, client, state, 1000);
  g_autoptr(GBytes) first = ablak_yawareness_encode(one, NULL, 0);
  g_assert_cmpuint(take(other, first, 1000), ==, 1);
  g_assert_cmpuint(take(other, first, 1000), ==, 0); /* known already */
  g_assert_true(json_equal(ablak_yawareness_get(other, client), state));
  g_autoptr(GArray) early = ablak_yawareness_expire(other, 30999);
  g_assert_cmpuint(early->len, ==, 0);
  ablak_yawareness_set(one, client, state, 20000); /* renewed */
  g_autoptr(GBytes) renewed = ablak_yawareness_encode(one, &client, 1);
  g_assert_cmpuint(take(other, renewed, 20000), ==, 1);
  g_autoptr(GArray) kept = ablak_yawareness_expire(other, 31000);
  g_assert_cmpuint(kept->len, ==, 0);
  g_autoptr(GArray) gone = ablak_yawareness_expire(other, 50000);
  g_assert_cmpuint(gone->len, ==, 1);
  g_assert_null(ablak_yawareness_get(other, client));
  g_assert_cmpuint(take(other, renewed, 50000), ==, 0); /* an old clock does not bring it back */
  g_autoptr(GBytes) removal = ablak_yawareness_encode(other, &client, 1);
  g_assert_cmpuint(take(one, removal, 50000), ==, 1);
  g_assert_null(ablak_yawareness_get(one, client));
}

static void test_awareness_bounds(void)
{
  g_autoptr(AblakYawareness) awareness = ablak_yawareness_new(2, 16);
  static const char large[] = "\x01\x01\x01\x14{\"a\":\"0123456789abc\"}";
  static const char many[] = "\x03\x01\x01\x02{}\x02\x01\x02{}\x03\x01\x02{}";
  static const char odd[] = "\x01\x01\x01\x02[]";
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_yawareness_apply(awareness, large, sizeof large - 1, 0, NULL, &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_TOO_LARGE);
  g_assert_false(ablak_yawareness_apply(awareness, many, sizeof many - 1, 0, NULL, NULL));
  g_assert_false(ablak_yawareness_apply(awareness, odd, sizeof odd - 1, 0, NULL, NULL));
  g_autoptr(GArray) clients = ablak_yawareness_clients(awareness);
  g_assert_cmpuint(clients->len, ==, 0);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/sync/messages", test_messages);
  g_test_add_func("/coedit/sync/bad-messages", test_bad_messages);
  g_test_add_func("/coedit/awareness/clocks", test_awareness);
  g_test_add_func("/coedit/awareness/bounds", test_awareness_bounds);
  return g_test_run();
}
