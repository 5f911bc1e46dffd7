#include "http/path.h"

static void assert_decoded(const char *text, bool plus, const char *wanted)
{
  g_autofree char *decoded = ablak_percent_decode(text, strlen(text), plus);
  g_assert_cmpstr(decoded, ==, wanted);
}

static void test_decode(void)
{
  assert_decoded("", false, "");
  assert_decoded("a%20b+c", false, "a b+c");
  assert_decoded("a%20b+c", true, "a b c");
  assert_decoded("%c5%B1rlap", false, "űrlap");
  assert_decoded("%2541", false, "%41");
  assert_decoded("%", false, NULL);
  assert_decoded("%4", false, NULL);
  assert_decoded("%g0", false, NULL);
  assert_decoded("a%00b", false, NULL);
  assert_decoded("%ff", false, NULL);
  assert_decoded("%c0%af", false, NULL); /* an overlong '/' */
}

static void assert_segments(const char *target, const char *wanted)
{
  g_auto(GStrv) segments = ablak_path_segments(target);
  g_autofree char *joined = segments != NULL ? g_strjoinv("|", segments) : NULL;
  g_assert_cmpstr(joined, ==, wanted);
}

static void test_segments(void)
{
  assert_segments("/", "");
  assert_segments("/?a=b", "");
  assert_segments("/a/b%20c?x=/y", "a|b c");
  assert_segments("/a/", "a|");
  assert_segments("//a", "|a");
  assert_segments("a", NULL);
  assert_segments("/a/../b", NULL);
  assert_segments("/a/%2e%2E/b", NULL);
  assert_segments("/.", NULL);
  assert_segments("/a%2fb", NULL);
  assert_segments("/a%00", NULL);
}

static int match(const char *path_template, const char *target)
{
  g_auto(GStrv) segments = ablak_path_segments(target);
  return ablak_path_match(path_template, (const char *const *)segments);
}

static void test_match(void)
{
  g_assert_cmpint(match("/api/tickets", "/api/tickets"), ==, 2);
  g_assert_cmpint(match("/api/tickets", "/api/tickets/"), ==, -1);
  g_assert_cmpint(match("/api/tickets", "/api"), ==, -1);
  g_assert_cmpint(match("/api/tickets", "/api/Tickets"), ==, -1);
  g_assert_cmpint(match("/api/tickets/{id}", "/api/tickets/7"), ==, 2);
  g_assert_cmpint(match("/api/tickets/{id}", "/api/tickets/"), ==, -1);
  g_assert_cmpint(match("/api/tickets/{id}/finish", "/api/tickets/7/finish"), ==, 3);
  g_assert_cmpint(match("/api/tickets/{id}/finish", "/api/tickets/7/recall"), ==, -1);
  g_assert_cmpint(match("/api/{a}/{b}", "/api/x/y"), ==, 1);
  g_assert_cmpint(match("/", "/"), ==, 0);
  g_assert_cmpint(match("/", "/a"), ==, -1);
}

static void test_parameters(void)
{
  g_auto(GStrv) segments = ablak_path_segments("/api/drafts/d%201/office");
  g_autoptr(GHashTable) found =
      ablak_path_parameters("/api/drafts/{draftId}/{audience}", (const char *const *)segments);
  g_assert_cmpuint(g_hash_table_size(found), ==, 2);
  g_assert_cmpstr(g_hash_table_lookup(found, "draftId"), ==, "d 1");
  g_assert_cmpstr(g_hash_table_lookup(found, "audience"), ==, "office");
}

static void test_query(void)
{
  g_autoptr(GHashTable) found = ablak_query_parse("/x?a=1&b=x+y%26z&a=2&empty=&bare&&%C3%A9=e");
  g_assert_cmpuint(g_hash_table_size(found), ==, 5);
  g_assert_cmpstr(g_hash_table_lookup(found, "a"), ==, "1");
  g_assert_cmpstr(g_hash_table_lookup(found, "b"), ==, "x y&z");
  g_assert_cmpstr(g_hash_table_lookup(found, "empty"), ==, "");
  g_assert_cmpstr(g_hash_table_lookup(found, "bare"), ==, "");
  g_assert_cmpstr(g_hash_table_lookup(found, "é"), ==, "e");
  g_assert_null(ablak_query_parse("/x?a=%"));
  g_assert_null(ablak_query_parse("/x?%00=a"));
  g_autoptr(GHashTable) none = ablak_query_parse("/x");
  g_assert_cmpuint(g_hash_table_size(none), ==, 0);
}

static void test_query_has_a_limit(void)
{
  g_autoptr(GString) text = g_string_new("/x?");
  for (unsigned i = 0; i < 64; i++)
    g_string_append_printf(text, "%sp%u=1", i > 0 ? "&" : "", i);
  g_autoptr(GHashTable) found = ablak_query_parse(text->str);
  g_assert_cmpuint(g_hash_table_size(found), ==, 64);
  g_string_append(text, "&more=1");
  g_assert_null(ablak_query_parse(text->str));
}

static void assert_cookie(const char *header, const char *name, const char *wanted)
{
  g_autofree char *value = ablak_cookie_find(header, name);
  g_assert_cmpstr(value, ==, wanted);
}

static void test_cookie(void)
{
  const char *header = "a=1; __Host-ablak=x=y ;b=; last=z";
  assert_cookie(header, "a", "1");
  assert_cookie(header, "__Host-ablak", "x=y");
  assert_cookie(header, "b", "");
  assert_cookie(header, "last", "z");
  assert_cookie(header, "ablak", NULL);
  assert_cookie(header, "A", NULL);
  assert_cookie(NULL, "a", NULL);
  assert_cookie(";;; ;", "a", NULL);
  assert_cookie("aa=1", "a", NULL);
}

static void assert_client(const char *forwarded, const char *x_forwarded_for, const char *wanted)
{
  g_autofree char *client = ablak_forwarded_client(forwarded, x_forwarded_for);
  g_assert_cmpstr(client, ==, wanted);
}

/* What the client itself wrote stands before what the proxy wrote, and does not count. */
static void test_forwarded(void)
{
  assert_client("for=192.0.2.1", NULL, "192.0.2.1");
  assert_client("for=203.0.113.9, for=192.0.2.1;proto=https", NULL, "192.0.2.1");
  assert_client("proto=https;For=\"[2001:db8::1]:4711\"", NULL, "2001:db8::1");
  assert_client("for=192.0.2.1:80", NULL, "192.0.2.1");
  assert_client("for=_hidden", NULL, NULL);
  assert_client("by=192.0.2.1", "192.0.2.2", NULL);
  assert_client(NULL, "203.0.113.9, 192.0.2.1", "192.0.2.1");
  assert_client(NULL, "2001:db8::1", "2001:db8::1");
  assert_client(NULL, "nonsense", NULL);
  assert_client(NULL, NULL, NULL);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/http/path/decode", test_decode);
  g_test_add_func("/http/path/segments", test_segments);
  g_test_add_func("/http/path/match", test_match);
  g_test_add_func("/http/path/parameters", test_parameters);
  g_test_add_func("/http/path/query", test_query);
  g_test_add_func("/http/path/query-limit", test_query_has_a_limit);
  g_test_add_func("/http/path/cookie", test_cookie);
  g_test_add_func("/http/path/forwarded", test_forwarded);
  return g_test_run();
}
