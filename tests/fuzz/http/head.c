/* A request's head, then everything that is read out of one: target, query, cookies, proxies. */
#include "http/head.h"
#include "http/path.h"
#include <gio/gio.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_segments(const char *target)
{
  g_auto(GStrv) segments = ablak_path_segments(target);
  if (segments == NULL)
    return;
  static const char *const templates[] = {"/", "/api/{a}", "/api/{a}/x", "/{a}/{b}/{c}"};
  for (gsize i = 0; i < G_N_ELEMENTS(templates); i++) {
    const char *const *given = (const char *const *)segments;
    if (ablak_path_match(templates[i], given) < 0)
      continue;
    g_autoptr(GHashTable) found = ablak_path_parameters(templates[i], given);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, found);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
      g_assert_null(strchr(value, '/'));
      g_assert_cmpstr(value, !=, "..");
      g_assert_true(g_utf8_validate(value, -1, NULL));
    }
  }
}

/* What was taken can hold nothing that would be read differently by the next reader. */
static void check_head(const AblakHead *head)
{
  g_assert_cmpint(head->target[0], ==, '/');
  g_assert_null(strpbrk(head->target, " \r\n\t"));
  GHashTableIter iter;
  gpointer name, value;
  g_hash_table_iter_init(&iter, head->headers);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    g_assert_null(strpbrk(name, ":\r\n \t"));
    g_assert_null(strpbrk(value, "\r\n"));
  }
  gint64 length = 0;
  if (ablak_head_length(head, &length))
    g_assert_cmpint(length, >=, -1);
  ablak_head_has_token(head, "connection", "upgrade");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  gsize head_size = ablak_head_size(data, size);
  if (head_size == 0)
    return 0;
  g_autoptr(AblakHead) head = ablak_head_parse_request(data, head_size, NULL);
  if (head == NULL)
    return 0;
  check_head(head);
  check_segments(head->target);
  g_autoptr(GHashTable) query = ablak_query_parse(head->target);
  g_assert_true(query == NULL || g_hash_table_size(query) <= 64);
  g_autofree char *cookie = ablak_cookie_find(ablak_head_get(head, "cookie"), "session");
  g_assert_true(cookie == NULL || strchr(cookie, ';') == NULL);
  g_autofree char *client = ablak_forwarded_client(ablak_head_get(head, "forwarded"),
                                                   ablak_head_get(head, "x-forwarded-for"));
  g_assert_true(client == NULL || g_hostname_is_ip_address(client));
  return 0;
}
