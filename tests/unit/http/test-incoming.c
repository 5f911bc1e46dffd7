#include "http/incoming.h"
#include <string.h>

/* The state after `text` and, unless NULL, the body that was read. */
static void assert_reply(const char *text, bool no_body, AblakIncomingState wanted,
                         const char *wanted_body)
{
  g_autoptr(AblakIncoming) incoming = ablak_incoming_new(no_body);
  g_assert_cmpint(ablak_incoming_feed(incoming, (const guint8 *)text, strlen(text)), ==, wanted);
  if (wanted_body == NULL)
    return;
  g_autoptr(GBytes) body = ablak_incoming_take(incoming);
  gsize size;
  const char *bytes = g_bytes_get_data(body, &size);
  g_autofree char *read = g_strndup(size > 0 ? bytes : "", size);
  g_assert_cmpstr(read, ==, wanted_body);
}

static void test_length(void)
{
  assert_reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello more", false, ABLAK_INCOMING_DONE,
               "hello");
  assert_reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", false, ABLAK_INCOMING_MORE,
               NULL);
  assert_reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, ABLAK_INCOMING_DONE, "");
  assert_reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, ABLAK_INCOMING_DONE, "");
  assert_reply("HTTP/1.1 204 No Content\r\n\r\n", false, ABLAK_INCOMING_DONE, "");
  assert_reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", false,
               ABLAK_INCOMING_DONE, "x");
  assert_reply("HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n", false, ABLAK_INCOMING_BAD,
               NULL);
  assert_reply("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, ABLAK_INCOMING_BAD, NULL);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void test_chunks(void)
{
  assert_reply(CHUNKED "5\r\nhello\r\nB;ext=1\r\n wide world\r\n0\r\n\r\n", false,
               ABLAK_INCOMING_DONE, "hello wide world");
  assert_reply(CHUNKED "1\r\nx\r\n0\r\nTrailer: y\r\n\r\n", false, ABLAK_INCOMING_DONE, "x");
  assert_reply(CHUNKED "1\r\nx\r\n0\r\n", false, ABLAK_INCOMING_MORE, NULL);
  assert_reply(CHUNKED "1\r\nxy\r\n", false, ABLAK_INCOMING_BAD, NULL);
  assert_reply(CHUNKED "-1\r\nx\r\n", false, ABLAK_INCOMING_BAD, NULL);
  assert_reply(CHUNKED "\r\n", false, ABLAK_INCOMING_BAD, NULL);
  assert_reply(CHUNKED "100000000\r\n", false, ABLAK_INCOMING_BAD, NULL);
  assert_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, ABLAK_INCOMING_BAD,
               NULL);
}

static void test_until_close(void)
{
  static const char text[] = "HTTP/1.0 200 OK\r\n\r\nall of this";
  g_autoptr(AblakIncoming) incoming = ablak_incoming_new(false);
  g_assert_false(ablak_incoming_end(incoming));
  g_assert_cmpint(ablak_incoming_feed(incoming, (const guint8 *)text, sizeof text - 1), ==,
                  ABLAK_INCOMING_MORE);
  g_assert_true(ablak_incoming_end(incoming));
  g_autoptr(GBytes) body = ablak_incoming_take(incoming);
  g_assert_cmpuint(g_bytes_get_size(body), ==, 11);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/http/incoming/length", test_length);
  g_test_add_func("/http/incoming/chunks", test_chunks);
  g_test_add_func("/http/incoming/until-close", test_until_close);
  return g_test_run();
}
