#include "box/ice-servers.h"
#include "core/error.h"
#include <string.h>

struct AblakIceServers {
  json_t *stun; /* URLs that need no credentials */
  json_t *turn;
  char *secret; /* NULL without TURN; never logged */
  gint64 lifetime_s;
};

static bool read_urls(AblakIceServers *servers, const char *urls, GError **error)
{
  g_auto(GStrv) words = g_strsplit_set(urls, ", ", -1);
  for (char **word = words; *word; word++) {
    if (!**word)
      continue;
    if (g_str_has_prefix(*word, "turn:") || g_str_has_prefix(*word, "turns:")) {
      json_array_append_new(servers->turn, json_string(*word));
    } else if (g_str_has_prefix(*word, "stun:")) {
      json_array_append_new(servers->stun, json_string(*word));
    } else {
      ablak_error_set(error, ABLAK_ERROR_INVALID, "core/config",
                      "turn-urls: \"%s\" does not begin with turn:, turns: or stun:", *word);
      return false;
    }
  }
  return true;
}

static bool read_secret(AblakIceServers *servers, const char *file, GError **error)
{
  if (json_array_size(servers->turn) == 0)
    return true;
  if (!*file) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "core/config",
                    "turn-secret-file is missing: a TURN server asks for credentials");
    return false;
  }
  if (!g_file_get_contents(file, &servers->secret, NULL, error))
    return false;
  g_strstrip(servers->secret);
  if (*servers->secret)
    return true;
  ablak_error_set(error, ABLAK_ERROR_INVALID, "core/config", "turn-secret-file: %s is empty", file);
  return false;
}

AblakIceServers *ablak_ice_servers_new(const char *urls, const char *secret_file, gint64 minutes,
                                       GError **error)
{
  g_autoptr(AblakIceServers) servers = g_new0(AblakIceServers, 1);
  servers->stun = json_array();
  servers->turn = json_array();
  servers->lifetime_s = minutes * 60;
  if (!read_urls(servers, urls, error) || !read_secret(servers, secret_file, error))
    return NULL;
  return g_steal_pointer(&servers);
}

void ablak_ice_servers_free(AblakIceServers *servers)
{
  if (!servers)
    return;
  json_decref(servers->stun);
  json_decref(servers->turn);
  if (servers->secret)
    explicit_bzero(servers->secret, strlen(servers->secret));
  g_free(servers->secret);
  g_free(servers);
}

static char *password_of(const AblakIceServers *servers, const char *username)
{
  guint8 digest[20];
  gsize size = sizeof digest;
  g_autoptr(GHmac) hmac =
      g_hmac_new(G_CHECKSUM_SHA1, (const guchar *)servers->secret, strlen(servers->secret));
  g_hmac_update(hmac, (const guchar *)username, -1);
  g_hmac_get_digest(hmac, digest, &size);
  return g_base64_encode(digest, size);
}

json_t *ablak_ice_servers_for(const AblakIceServers *servers, const char *visit, gint64 now_ms)
{
  json_t *all = json_array();
  /* Pages get copies: references are counted without locks. */
  if (json_array_size(servers->stun) > 0)
    json_array_append_new(all, json_pack("{s:o}", "urls", json_deep_copy(servers->stun)));
  if (json_array_size(servers->turn) > 0) {
    g_autofree char *username =
        g_strdup_printf("%" G_GINT64_FORMAT ":%s", now_ms / 1000 + servers->lifetime_s, visit);
    g_autofree char *password = password_of(servers, username);
    json_array_append_new(all, json_pack("{s:o, s:s, s:s}", "urls", json_deep_copy(servers->turn),
                                         "username", username, "credential", password));
  }
  return all;
}
