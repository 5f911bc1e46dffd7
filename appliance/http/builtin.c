/* What every daemon serves beside its routes: pages, its OpenAPI document, health and metrics. */
#include "core/crypto.h"
#include "core/error.h"
#include "http/private.h"
#include <gio/gio.h>
#include <string.h>

static bool matches(AblakRequest *request, const char *etag)
{
  const char *sent = ablak_request_header(request, "if-none-match");
  if (sent == NULL)
    return false;
  g_auto(GStrv) parts = g_strsplit(sent, ",", -1);
  for (char **part = parts; *part != NULL; part++) {
    const char *one = g_strstrip(*part);
    if (g_str_has_prefix(one, "W/"))
      one += 2;
    if (strcmp(one, etag) == 0 || strcmp(one, "*") == 0)
      return true;
  }
  return false;
}

static bool accepts_gzip(AblakRequest *request)
{
  const char *sent = ablak_request_header(request, "accept-encoding");
  if (sent == NULL)
    return false;
  g_auto(GStrv) parts = g_strsplit(sent, ",", -1);
  for (char **part = parts; *part != NULL; part++) {
    g_auto(GStrv) fields = g_strsplit(*part, ";", 2);
    if (fields[0] == NULL || g_ascii_strcasecmp(g_strstrip(fields[0]), "gzip") != 0)
      continue;
    const char *quality = fields[1] != NULL ? strchr(fields[1], '=') : NULL;
    return quality == NULL || g_ascii_strtod(quality + 1, NULL) > 0;
  }
  return false;
}

static void reply_tagged(AblakRequest *request, const char *etag, const char *media,
                         const char *cache, GBytes *bytes)
{
  ablak_request_set_header(request, "ETag", etag);
  ablak_request_set_header(request, "Cache-Control", cache);
  if (matches(request, etag))
    ablak_request_reply_empty(request, 304);
  else
    ablak_request_reply_bytes(request, 200, media, bytes);
}

static void reply_page(AblakRequest *request, const AblakPage *page)
{
  const char *cache = page->immutable ? "public, max-age=31536000, immutable" : "no-cache";
  if (page->gzip == NULL) {
    reply_tagged(request, page->etag, page->media, cache, page->bytes);
    return;
  }
  ablak_request_set_header(request, "Vary", "Accept-Encoding");
  if (!accepts_gzip(request)) {
    reply_tagged(request, page->etag, page->media, cache, page->bytes);
    return;
  }
  g_autofree char *etag = g_strdup_printf("%.*s-gzip\"", (int)strlen(page->etag) - 1, page->etag);
  ablak_request_set_header(request, "Content-Encoding", "gzip");
  reply_tagged(request, etag, page->media, cache, page->gzip);
}

static void reply_health(AblakHttp *http, AblakRequest *request)
{
  g_autoptr(GError) error = NULL;
  if (http->probe != NULL && !http->probe(http->probe_data, &error))
    ablak_request_refuse(request, 503, "unavailable", NULL);
  else
    ablak_request_reply_json(request, 200, json_pack("{ss}", "status", "ok"));
}

/* Figures are for whoever watches the machine: from the machine itself, not through a proxy. */
static bool is_local(AblakRequest *request)
{
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string(request->connection->peer);
  return address != NULL && g_inet_address_get_is_loopback(address) &&
         ablak_request_header(request, "forwarded") == NULL &&
         ablak_request_header(request, "x-forwarded-for") == NULL;
}

static void reply_metrics(AblakRequest *request)
{
  char *text = ablak_metrics_text();
  g_autoptr(GBytes) bytes = g_bytes_new_take(text, strlen(text));
  ablak_request_reply_bytes(request, 200, "text/plain; version=0.0.4; charset=utf-8", bytes);
}

static void reply_openapi(AblakHttp *http, AblakRequest *request)
{
  const char *text = http->table->openapi;
  if (http->openapi_etag == NULL) {
    g_autofree char *hex = ablak_sha256_hex(text, strlen(text));
    http->openapi_etag = g_strdup_printf("\"%.32s\"", hex);
  }
  g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));
  reply_tagged(request, http->openapi_etag, "application/json", "no-cache", bytes);
}

static bool reply_known(AblakHttp *http, AblakRequest *request)
{
  const char *path = request->head->target;
  gsize size = strcspn(path, "?");
  if (size == 8 && memcmp(path, "/healthz", 8) == 0) {
    reply_health(http, request);
    return true;
  }
  if (size == 8 && memcmp(path, "/metrics", 8) == 0 && is_local(request)) {
    reply_metrics(request);
    return true;
  }
  if (size == 17 && memcmp(path, "/api/openapi.json", 17) == 0 && http->table->openapi != NULL) {
    reply_openapi(http, request);
    return true;
  }
  const char *const *segments = (const char *const *)request->segments;
  if (segments[0] != NULL && strcmp(segments[0], "api") == 0)
    return false;
  const AblakPage *page = ablak_pages_find(http->pages, segments);
  if (page != NULL)
    reply_page(request, page);
  return page != NULL;
}

bool ablak_builtin_reply(AblakHttp *http, AblakRequest *request)
{
  const char *method = request->head->method;
  if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
    return reply_known(http, request);
  const AblakPage *page = ablak_pages_find(http->pages, (const char *const *)request->segments);
  const char *path = request->head->target;
  if (page == NULL && strcmp(path, "/healthz") != 0 && strcmp(path, "/metrics") != 0 &&
      strcmp(path, "/api/openapi.json") != 0)
    return false;
  ablak_request_set_header(request, "Allow", "GET, HEAD");
  ablak_request_refuse(request, 405, "request/method", NULL);
  return true;
}
