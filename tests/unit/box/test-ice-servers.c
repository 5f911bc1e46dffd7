/* What a page is told of TURN servers: credentials that coturn accepts and that run out. */
#include "box/ice-servers.h"
#include "core/error.h"
#include <glib/gstdio.h>

/* printf %s '1767225600:7b0c9f3e' | openssl dgst -sha1 -hmac 'north wind' -binary | base64 */
#define SECRET "north wind"
#define VISIT "7b0c9f3e"
#define NOW_MS ((1767225600 - 30 * 60) * G_GINT64_CONSTANT(1000))
#define USERNAME "1767225600:7b0c9f3e"
#define PASSWORD "HMOW/CzEYve2bLXWYHZIvaXiOfc="

static char *secret_file(const char *content)
{
  g_autoptr(GError) error = NULL;
  char *path = NULL;
  int fd = g_file_open_tmp("ablak-secret-XXXXXX", &path, &error);
  g_assert_no_error(error);
  g_close(fd, NULL);
  g_file_set_contents(path, content, -1, &error);
  g_assert_no_error(error);
  return path;
}

static AblakIceServers *servers_new(const char *urls, const char *secret, GError **error)
{
  g_autofree char *path = secret ? secret_file(secret) : g_strdup("");
  AblakIceServers *servers = ablak_ice_servers_new(urls, path, 30, error);
  if (secret)
    g_unlink(path);
  return servers;
}

static void test_credentials(void)
{
  g_autoptr(GError) error = NULL;
  /* An editor's line feed is not part of the secret. */
  g_autoptr(AblakIceServers) servers =
      servers_new("stun:t.example, turn:t.example:3478 ,turns:t.example:443?transport=tcp",
                  SECRET "\n", &error);
  g_assert_no_error(error);
  g_autoptr(json_t) told = ablak_ice_servers_for(servers, VISIT, NOW_MS);
  g_autoptr(json_t) expected = json_pack(
      "[{s:[s]}, {s:[s, s], s:s, s:s}]", "urls", "stun:t.example", "urls", "turn:t.example:3478",
      "turns:t.example:443?transport=tcp", "username", USERNAME, "credential", PASSWORD);
  g_autofree char *text = json_dumps(told, 0);
  g_test_message("%s", text);
  g_assert_true(json_equal(told, expected));
  g_autoptr(json_t) other = ablak_ice_servers_for(servers, "another", NOW_MS);
  g_assert_cmpstr(ablak_json_get_string(json_array_get(other, 1), "credential"), !=, PASSWORD);
  g_autoptr(json_t) later = ablak_ice_servers_for(servers, VISIT, NOW_MS + 1000);
  g_assert_cmpstr(ablak_json_get_string(json_array_get(later, 1), "username"), ==,
                  "1767225601:7b0c9f3e");
}

static void test_none(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakIceServers) servers = servers_new("", NULL, &error);
  g_assert_no_error(error);
  g_autoptr(json_t) told = ablak_ice_servers_for(servers, VISIT, NOW_MS);
  g_assert_cmpuint(json_array_size(told), ==, 0);
}

static void assert_refused(const char *urls, const char *secret, const char *says)
{
  g_autoptr(GError) error = NULL;
  g_assert_null(servers_new(urls, secret, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "core/config");
  g_assert_nonnull(strstr(error->message, says));
  g_assert_true(!secret || !*secret || !strstr(error->message, secret));
}

static void test_refused(void)
{
  assert_refused("http://t.example", SECRET, "http://t.example");
  assert_refused("turn:t.example", NULL, "turn-secret-file");
  assert_refused("turn:t.example", "\n", "empty");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/box/ice-servers/credentials", test_credentials);
  g_test_add_func("/box/ice-servers/none", test_none);
  g_test_add_func("/box/ice-servers/refused", test_refused);
  return g_test_run();
}
