#include "core/error.h"
#include "http/head.h"
#include <string.h>

static AblakHead *parse(const char *text, GError **error)
{
  gsize size = ablak_head_size((const guint8 *)text, strlen(text));
  g_assert_cmpuint(size, ==, strlen(text));
  return ablak_head_parse_request((const guint8 *)text, size, error);
}

static void assert_refused(const char *text, const char *slug)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakHead) head = parse(text, &error);
  if (head != NULL)
    g_error("taken: %s", text);
  g_assert_cmpstr(ablak_error_slug(error), ==, slug);
}

static void test_request(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakHead) head =
      parse("POST /a?b=c HTTP/1.1\r\nHost: x:80\r\nX-A:  one \t\r\nx-a: two\r\n"
            "Cookie: a=1\r\nCookie: b=2\r\nEmpty:\r\n\r\n",
            &error);
  g_assert_no_error(error);
  g_assert_cmpstr(head->method, ==, "POST");
  g_assert_cmpstr(head->target, ==, "/a?b=c");
  g_assert_cmpuint(head->minor, ==, 1);
  g_assert_cmpstr(ablak_head_get(head, "x-a"), ==, "one, two");
  g_assert_cmpstr(ablak_head_get(head, "cookie"), ==, "a=1; b=2");
  g_assert_cmpstr(ablak_head_get(head, "empty"), ==, "");
  g_assert_null(ablak_head_get(head, "missing"));
}

static void test_targets(void)
{
  g_autoptr(AblakHead) absolute =
      parse("GET http://example.org:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n", NULL);
  g_assert_cmpstr(absolute->target, ==, "/a?b");
  g_autoptr(AblakHead) bare = parse("GET https://example.org HTTP/1.0\r\n\r\n", NULL);
  g_assert_cmpstr(bare->target, ==, "/");
  g_assert_cmpuint(bare->minor, ==, 0);
  g_autoptr(AblakHead) leading = parse("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL);
  g_assert_cmpstr(leading->target, ==, "/");
}

static void test_refused(void)
{
  static const char *const malformed[] = {
      "GET /\r\nHost: x\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
      "G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET a HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x;script-src *\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: b\nB: c\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: b\rB: c\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nOrigin: a\r\nOrigin: b\r\n\r\n",
      "OVERLONGMETHODNAME / HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(malformed); i++)
    assert_refused(malformed[i], "request/malformed");
  assert_refused("GET / HTTP/1.2\r\nHost: x\r\n\r\n", "request/http-version");
  assert_refused("GET / HTTP/2\r\nHost: x\r\n\r\n", "request/http-version");
}

static void test_count(void)
{
  g_autoptr(GString) text = g_string_new("GET / HTTP/1.1\r\nHost: x\r\n");
  for (unsigned i = 0; i < 63; i++)
    g_string_append_printf(text, "A%u: b\r\n", i);
  g_autofree char *most = g_strconcat(text->str, "\r\n", NULL);
  g_autoptr(AblakHead) head = parse(most, NULL);
  g_assert_nonnull(head);
  g_autofree char *more = g_strconcat(text->str, "One: more\r\n\r\n", NULL);
  assert_refused(more, "request/malformed");
}

static void test_size(void)
{
  static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody\r\n\r\n";
  for (gsize size = 0; size < 27; size++)
    g_assert_cmpuint(ablak_head_size((const guint8 *)text, size), ==, 0);
  g_assert_cmpuint(ablak_head_size((const guint8 *)text, sizeof text - 1), ==, 27);
}

static void assert_length(const char *value, bool good, gint64 wanted)
{
  g_autofree char *text =
      g_strdup_printf("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n", value);
  g_autoptr(AblakHead) head = parse(text, NULL);
  gint64 length = -2;
  g_assert_cmpint(ablak_head_length(head, &length), ==, good);
  if (good)
    g_assert_cmpint(length, ==, wanted);
}

static void test_length(void)
{
  assert_length("0", true, 0);
  assert_length("42", true, 42);
  assert_length("999999999999999", true, G_GINT64_CONSTANT(999999999999999));
  assert_length("9999999999999999", false, 0);
  assert_length("-1", false, 0);
  assert_length("+1", false, 0);
  assert_length("1, 1", false, 0);
  assert_length("0x10", false, 0);
  assert_length("", false, 0);
}

static void test_token(void)
{
  g_autoptr(AblakHead) head =
      parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive ,Upgrade\r\n\r\n", NULL);
  g_assert_true(ablak_head_has_token(head, "connection", "upgrade"));
  g_assert_true(ablak_head_has_token(head, "connection", "keep-alive"));
  g_assert_false(ablak_head_has_token(head, "connection", "keep"));
  g_assert_false(ablak_head_has_token(head, "missing", "upgrade"));
}

static void test_reply(void)
{
  static const char text[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n";
  g_autoptr(AblakHead) head = ablak_head_parse_reply((const guint8 *)text, sizeof text - 1, NULL);
  g_assert_cmpuint(head->status, ==, 404);
  static const char *const bad[] = {"HTTP/1.1 40\r\n\r\n", "HTTP/1.1 4040\r\n\r\n",
                                    "HTTP/1.1\r\n\r\n", "ICY 200 OK\r\n\r\n"};
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ablak_head_parse_reply((const guint8 *)bad[i], strlen(bad[i]), &error));
    g_assert_nonnull(error);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/http/head/request", test_request);
  g_test_add_func("/http/head/targets", test_targets);
  g_test_add_func("/http/head/refused", test_refused);
  g_test_add_func("/http/head/count", test_count);
  g_test_add_func("/http/head/size", test_size);
  g_test_add_func("/http/head/length", test_length);
  g_test_add_func("/http/head/token", test_token);
  g_test_add_func("/http/head/reply", test_reply);
  return g_test_run();
}
