/* From a request's head to its handler: each check in the order of what it costs, and before the
 * body is read whatever can be told from the head. */
#include "core/error.h"
#include "http/path.h"
#include "http/private.h"
#include <string.h>

bool ablak_dispatch_compile(AblakHttp *http, GError **error)
{
  http->schemas = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_schema_free);
  AblakSchemaOptions options = {.assert_format = true};
  for (const AblakRoute *route = http->table->routes; route->method != NULL; route++) {
    AblakSchema *schema = NULL;
    if (route->body_schema != NULL) {
      g_autoptr(json_t) json =
          ablak_json_parse(route->body_schema, strlen(route->body_schema), error);
      if (json == NULL)
        return false;
      schema = ablak_schema_compile(json, &options, error);
      if (schema == NULL)
        return false;
    }
    g_ptr_array_add(http->schemas, schema);
  }
  return true;
}

bool ablak_origin_allowed(const char *origin, const char *scheme, const char *host,
                          const char *const *further)
{
  g_autofree char *own = g_strconcat(scheme, "://", host, NULL);
  return g_ascii_strcasecmp(origin, own) == 0 ||
         (further != NULL && g_strv_contains(further, origin));
}

static bool is_safe(const char *method)
{
  return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
         strcmp(method, "OPTIONS") == 0;
}

static bool refuse(AblakRequest *request, unsigned status, const char *slug, const char *detail)
{
  ablak_request_refuse(request, status, slug, detail);
  return false;
}

static bool method_fits(const AblakRoute *route, const char *method)
{
  return strcmp(route->method, method) == 0 ||
         (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0 && !route->socket);
}

static bool listener_fits(const AblakRoute *route, const char *name)
{
  const char *wanted = route->listener != NULL ? route->listener : "people";
  return strcmp(wanted, "any") == 0 || strcmp(wanted, name) == 0;
}

/* The most literal route; `ret_allow` collects the methods of the others on the same path. */
static const AblakRoute *find_route(AblakHttp *http, const AblakRequest *request,
                                    GString *ret_allow)
{
  const AblakRoute *best = NULL;
  int best_score = -1;
  const char *const *segments = (const char *const *)request->segments;
  for (const AblakRoute *route = http->table->routes; route->method != NULL; route++) {
    int score = listener_fits(route, request->connection->listener->name)
                    ? ablak_path_match(route->path, segments)
                    : -1;
    if (score < 0)
      continue;
    if (!method_fits(route, request->head->method)) {
      if (strstr(ret_allow->str, route->method) == NULL)
        g_string_append_printf(ret_allow, "%s%s", ret_allow->len > 0 ? ", " : "", route->method);
      continue;
    }
    if (score > best_score) {
      best = route;
      best_score = score;
    }
  }
  return best;
}

static bool check_framing(AblakRequest *request)
{
  gint64 length = -1;
  bool chunked = ablak_head_get(request->head, "transfer-encoding") != NULL;
  bool good = ablak_head_length(request->head, &length);
  if (chunked || !good) /* nobody knows where this request ends */
    request->connection->keep_alive = false;
  if (chunked)
    return refuse(request, 411, "request/length-required", "Send Content-Length, not chunks");
  if (!good)
    return refuse(request, 400, "request/malformed", "Content-Length is not a plain number");
  request->connection->body_left = MAX(length, 0);
  const char *expect = ablak_head_get(request->head, "expect");
  request->connection->expect_continue =
      length > 0 && expect != NULL && g_ascii_strcasecmp(expect, "100-continue") == 0;
  return true;
}

static bool check_origin(AblakRequest *request, bool upgrade)
{
  if (is_safe(request->head->method) && !upgrade)
    return true;
  const char *origin = ablak_head_get(request->head, "origin");
  const char *site = ablak_head_get(request->head, "sec-fetch-site");
  const char *const *further = (const char *const *)request->connection->http->origins;
  bool listed = origin != NULL && further != NULL && g_strv_contains(further, origin);
  if (origin != NULL &&
      !ablak_origin_allowed(origin, request->scheme, ablak_request_host(request), further))
    return refuse(request, 403, "request/origin", NULL);
  if (site != NULL && strcmp(site, "cross-site") == 0 && !listed)
    return refuse(request, 403, "request/origin", NULL);
  return true;
}

/* "application/json; charset=utf-8" fits "application/json". */
static bool media_fits(const char *sent, const char *wanted)
{
  if (sent == NULL)
    return false;
  if (strcmp(wanted, "*/*") == 0)
    return true;
  gsize size = strcspn(sent, "; \t");
  return strlen(wanted) == size && g_ascii_strncasecmp(sent, wanted, size) == 0;
}

static bool check_body(AblakRequest *request)
{
  const AblakRoute *route = request->route;
  gint64 left = request->connection->body_left;
  bool wanted = route != NULL && (route->body_schema != NULL || route->body_media != NULL);
  if (!wanted)
    return left == 0 || refuse(request, 400, "request/body-unexpected", NULL);
  gsize most = route->body_max != 0 ? route->body_max : ABLAK_BODY_DEFAULT;
  if ((guint64)left > most)
    return refuse(request, 413, "request/too-large", NULL);
  const char *media = route->body_media != NULL ? route->body_media : "application/json";
  if (left > 0 && !media_fits(ablak_head_get(request->head, "content-type"), media))
    return refuse(request, 415, "request/media-type", media);
  return true;
}

static bool check_access(AblakRequest *request)
{
  AblakHttp *http = request->connection->http;
  if (g_strcmp0(request->route->access, "box") == 0 && request->cert_sha256 == NULL)
    return refuse(request, 403, "request/certificate-required", NULL);
  g_autoptr(GError) error = NULL;
  if (http->authorise != NULL && !http->authorise(request, request->route, http->app, &error)) {
    if (error == NULL)
      ablak_error_set(&error, ABLAK_ERROR_FORBIDDEN, "request/forbidden", "Not allowed");
    ablak_request_reply_error(request, error);
    return false;
  }
  return !request->replied;
}

static bool check_upgrade(AblakRequest *request, bool upgrade)
{
  if (request->route->socket && !upgrade) {
    ablak_request_set_header(request, "Upgrade", "websocket");
    return refuse(request, 426, "request/upgrade-required", NULL);
  }
  if (!request->route->socket)
    return true; /* RFC 9110 §7.8: an upgrade that is not offered is ignored */
  const char *wrong = ablak_socket_check(request);
  return wrong == NULL || refuse(request, 400, "request/upgrade", wrong);
}

static bool route_request(AblakRequest *request)
{
  AblakHttp *http = request->connection->http;
  g_autoptr(GString) allow = g_string_new(NULL);
  request->route = find_route(http, request, allow);
  if (request->route != NULL) {
    request->schema = http->schemas->pdata[request->route - http->table->routes];
    request->parameters =
        ablak_path_parameters(request->route->path, (const char *const *)request->segments);
    return true;
  }
  if (allow->len > 0) {
    ablak_request_set_header(request, "Allow", allow->str);
    return refuse(request, 405, "request/method", NULL);
  }
  if (request->connection->body_left == 0 && ablak_builtin_reply(http, request))
    return false;
  return refuse(request, 404, "not-found", NULL);
}

static bool read_target(AblakRequest *request)
{
  request->segments = ablak_path_segments(request->head->target);
  request->query = ablak_query_parse(request->head->target);
  if (request->segments == NULL || request->query == NULL)
    return refuse(request, 400, "request/path", "The path or the query cannot be decoded");
  return true;
}

bool ablak_dispatch_head(AblakRequest *request)
{
  const char *upgrade_to = ablak_head_get(request->head, "upgrade");
  bool upgrade = upgrade_to != NULL && g_ascii_strcasecmp(upgrade_to, "websocket") == 0;
  return check_framing(request) && read_target(request) && check_origin(request, upgrade) &&
         route_request(request) && check_upgrade(request, upgrade) && check_body(request) &&
         check_access(request);
}

static bool read_json(AblakRequest *request)
{
  g_autoptr(GError) error = NULL;
  gsize size = 0;
  const char *text = g_bytes_get_data(request->bytes, &size);
  if (size == 0)
    return request->route->body_optional || refuse(request, 400, "request/body-missing", NULL);
  request->json = ablak_json_parse(text, size, &error);
  if (request->json == NULL) {
    ablak_request_reply_error(request, error);
    return false;
  }
  g_autoptr(GPtrArray) issues = NULL;
  if (ablak_schema_validate(request->schema, request->json, 50, &issues))
    return true;
  ablak_request_reply_issues(request, issues);
  return false;
}

void ablak_dispatch_run(AblakRequest *request)
{
  GByteArray *body = g_steal_pointer(&request->body);
  request->bytes = body != NULL ? g_byte_array_free_to_bytes(body) : g_bytes_new(NULL, 0);
  if (request->schema != NULL && !read_json(request))
    return;
  request->route->handler(request, request->connection->http->app);
}
