#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/messages.h"
#include "http/private.h"
#include <string.h>

static const char *phrase(unsigned status)
{
  static const struct {
    unsigned status;
    const char *phrase;
  } table[] = {
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
    if (table[i].status == status)
      return table[i].phrase;
  return "Status";
}

static bool is_clean(const char *text)
{
  for (; *text != '\0'; text++)
    if (((guint8)*text < 0x20 && *text != '\t') || *text == 0x7f)
      return false;
  return true;
}

void ablak_request_set_header(AblakRequest *request, const char *name, const char *value)
{
  /* A line break here would let whoever chose the value write headers of their own. */
  if (!is_clean(name) || !is_clean(value) || strpbrk(name, ": \t") != NULL) {
    ablak_log(ABLAK_LOG_ERROR, "http.header-dropped", "request", request->id, NULL);
    return;
  }
  g_ptr_array_add(request->reply_headers, g_strdup(name));
  g_ptr_array_add(request->reply_headers, g_strdup(value));
}

static bool has_header(const AblakRequest *request, const char *name)
{
  for (guint i = 0; i + 1 < request->reply_headers->len; i += 2)
    if (g_ascii_strcasecmp(request->reply_headers->pdata[i], name) == 0)
      return true;
  return false;
}

static void append_policy(GString *head, AblakRequest *request, const char *host)
{
  g_string_append_printf(
      head,
      "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
      "img-src 'self' data: blob:; connect-src 'self' %s://%s; media-src 'self' blob:; "
      "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
      "manifest-src 'self'\r\n",
      strcmp(request->scheme, "https") == 0 ? "wss" : "ws", host);
  g_string_append(head,
                  "X-Content-Type-Options: nosniff\r\n"
                  "Referrer-Policy: no-referrer\r\n"
                  "Permissions-Policy: camera=(self), microphone=(self), display-capture=(self), "
                  "geolocation=(), payment=(), usb=()\r\n"
                  "Cross-Origin-Opener-Policy: same-origin\r\n"
                  "Cross-Origin-Resource-Policy: same-origin\r\n");
  if (strcmp(request->scheme, "https") == 0)
    g_string_append(head, "Strict-Transport-Security: max-age=31536000\r\n");
}

GString *ablak_reply_head(AblakRequest *request, unsigned status)
{
  GString *head = g_string_sized_new(1024);
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  /* Not g_date_time_format: the names of days and months must not follow the locale. */
  static const char days[] = "MonTueWedThuFriSatSun",
                    months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  g_string_append_printf(head, "HTTP/1.1 %u %s\r\n", status, phrase(status));
  g_string_append_printf(
      head, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
      days + 3 * (g_date_time_get_day_of_week(now) - 1), g_date_time_get_day_of_month(now),
      months + 3 * (g_date_time_get_month(now) - 1), g_date_time_get_year(now),
      g_date_time_get_hour(now), g_date_time_get_minute(now), g_date_time_get_second(now));
  g_string_append_printf(head, "X-Request-Id: %s\r\n", request->id);
  append_policy(head, request, ablak_request_host(request));
  if (!has_header(request, "cache-control"))
    g_string_append(head, "Cache-Control: no-store\r\n");
  for (guint i = 0; i + 1 < request->reply_headers->len; i += 2)
    g_string_append_printf(head, "%s: %s\r\n", (char *)request->reply_headers->pdata[i],
                           (char *)request->reply_headers->pdata[i + 1]);
  return head;
}

void ablak_reply_count(AblakRequest *request, unsigned status)
{
  static const char *const labels[] = {"class=\"1xx\"", "class=\"2xx\"", "class=\"3xx\"",
                                       "class=\"4xx\"", "class=\"5xx\""};
  ablak_metric_add(ablak_metric_counter("ablak_http_requests_total",
                                        labels[CLAMP(status / 100, 1, 5) - 1],
                                        "Requests answered, by class of status."),
                   1);
  ablak_metric_observe(ablak_metric_histogram("ablak_http_request_duration_seconds", NULL,
                                              "Time from a request's head to its reply."),
                       ablak_clock_monotonic_ms() - request->started_ms);
}

/* True when this is the request's one reply and somebody still waits for it. */
static bool take_reply(AblakRequest *request)
{
  if (request->replied) {
    ablak_log(ABLAK_LOG_ERROR, "http.second-reply", "request", request->id, NULL);
    return false;
  }
  request->replied = true;
  return request->connection != NULL;
}

static void send_reply(AblakRequest *request, unsigned status, const char *media, GBytes *body)
{
  if (!take_reply(request))
    return;
  AblakConnection *connection = request->connection;
  /* Refused before its body was read: what is still to come cannot be told from a next request. */
  if (connection->body_left > 0)
    connection->keep_alive = false;
  GString *head = ablak_reply_head(request, status);
  if (media != NULL)
    g_string_append_printf(head, "Content-Type: %s\r\n", media);
  if (status != 204 && status != 304)
    g_string_append_printf(head, "Content-Length: %" G_GSIZE_FORMAT "\r\n",
                           body != NULL ? g_bytes_get_size(body) : 0);
  if (!connection->keep_alive)
    g_string_append(head, "Connection: close\r\n");
  g_string_append(head, "\r\n");
  g_autoptr(GBytes) head_bytes = g_string_free_to_bytes(head);
  ablak_transport_send(connection->transport, head_bytes);
  bool no_body = request->head != NULL && strcmp(request->head->method, "HEAD") == 0;
  if (body != NULL && !no_body)
    ablak_transport_send(connection->transport, body);
  ablak_reply_count(request, status);
  request->connection = NULL;
  ablak_connection_replied(connection);
}

void ablak_request_reply_bytes(AblakRequest *request, unsigned status, const char *media,
                               GBytes *body)
{
  send_reply(request, status, media, body);
}

void ablak_request_reply_empty(AblakRequest *request, unsigned status)
{
  send_reply(request, status, NULL, NULL);
}

static void send_json(AblakRequest *request, unsigned status, const char *media, json_t *value)
{
  char *text = ablak_json_text(value);
  g_autoptr(GBytes) bytes = g_bytes_new_take(text, strlen(text));
  send_reply(request, status, media, bytes);
}

void ablak_request_reply_json(AblakRequest *request, unsigned status, json_t *body)
{
  g_autoptr(json_t) owned = body;
  send_json(request, status, "application/json", owned);
}

static void log_refusal(AblakRequest *request, unsigned status, const char *slug,
                        const char *message)
{
  bool fault = status >= 500 && status != 505; /* 505: the client's own doing */
  g_autofree char *number = g_strdup_printf("%u", status);
  /* Not ready, or busy, is a state and no fault. */
  AblakLogLevel level = status == 503 ? ABLAK_LOG_WARNING
                        : fault       ? ABLAK_LOG_ERROR
                                      : ABLAK_LOG_INFO;
  ablak_log(level, fault ? "http.fault" : "http.refused", "request", request->id, "status", number,
            "problem", slug, "operation", request->route != NULL ? request->route->operation : NULL,
            "message", fault ? message : NULL, NULL);
}

json_t *ablak_problem_new(const char *language, unsigned status, const char *slug,
                          const char *detail, const char *instance)
{
  g_autofree char *type = g_strconcat("/problems/", slug, NULL);
  g_autofree char *key = g_strconcat("problem.", slug, NULL);
  json_t *problem = json_pack("{ss ss si}", "type", type, "title", ablak_message(language, key),
                              "status", (int)status);
  if (detail != NULL)
    json_object_set_new(problem, "detail", json_string(detail));
  if (instance != NULL)
    json_object_set_new(problem, "instance", json_string(instance));
  return problem;
}

const char *ablak_request_language(AblakRequest *request)
{
  return ablak_messages_negotiate(ablak_request_header(request, "accept-language"), "en");
}

static void send_problem(AblakRequest *request, unsigned status, const char *slug,
                         const char *detail, json_t *errors)
{
  g_autoptr(json_t) list = errors;
  if (request->replied || request->connection == NULL) {
    request->replied = true;
    return;
  }
  log_refusal(request, status, slug, detail);
  const char *language = ablak_request_language(request);
  g_autoptr(json_t) problem =
      ablak_problem_new(language, status, slug, status < 500 ? detail : NULL, request->id);
  if (list != NULL)
    json_object_set(problem, "errors", list);
  ablak_request_set_header(request, "Content-Language", language);
  send_json(request, status, "application/problem+json", problem);
}

void ablak_request_refuse(AblakRequest *request, unsigned status, const char *slug,
                          const char *detail)
{
  send_problem(request, status, slug, detail, NULL);
}

void ablak_request_reply_error(AblakRequest *request, const GError *error)
{
  send_problem(request, ablak_error_status(error), ablak_error_slug(error), error->message, NULL);
}

void ablak_request_reply_issues(AblakRequest *request, GPtrArray *issues)
{
  json_t *errors = json_array();
  for (guint i = 0; i < issues->len; i++) {
    const AblakSchemaIssue *issue = issues->pdata[i];
    json_t *entry =
        json_pack("{ss ss}", "pointer", issue->instance_path, "keyword", issue->keyword);
    if (entry == NULL)
      continue;
    if (issue->detail != NULL)
      json_object_set_new(entry, "detail", json_string(issue->detail));
    json_array_append_new(errors, entry);
  }
  send_problem(request, 422, "request/schema", NULL, errors);
}
