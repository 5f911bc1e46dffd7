/* One request, one connection: headquarters and its boxes talk mostly over a WebSocket that stays.
 */
#include "http/client.h"
#include "core/error.h"
#include "http/incoming.h"
#include "http/link.h"
#include <string.h>

#define TIMEOUT_MS 15000

typedef struct {
  AblakLink *link;
  AblakResponseDone done;
  gpointer data;
  char *method;
  GString *head_lines;
  GBytes *body;
  AblakIncoming *incoming;
  guint timeout;
} Exchange;

static void exchange_free(Exchange *exchange)
{
  g_free(exchange->method);
  g_string_free(exchange->head_lines, TRUE);
  g_clear_pointer(&exchange->body, g_bytes_unref);
  ablak_incoming_free(exchange->incoming);
  g_free(exchange);
}

static void finish(Exchange *exchange, const GError *borrowed)
{
  g_autoptr(GError) error =
      borrowed != NULL ? g_error_copy(borrowed) : NULL; /* dies with the link */
  g_clear_handle_id(&exchange->timeout, g_source_remove);
  ablak_link_free(exchange->link);
  if (error != NULL) {
    exchange->done(NULL, error, exchange->data);
  } else {
    const AblakHead *head = ablak_incoming_head(exchange->incoming);
    g_autoptr(GBytes) body = ablak_incoming_take(exchange->incoming);
    AblakResponse response = {
        .status = head->status, .media = ablak_head_get(head, "content-type"), .body = body};
    exchange->done(&response, NULL, exchange->data);
  }
  exchange_free(exchange);
}

static void fail(Exchange *exchange, const char *slug, const char *what)
{
  g_autoptr(GError) error = NULL;
  ablak_error_set(&error, ABLAK_ERROR_UNAVAILABLE, slug, "%s", what);
  finish(exchange, error);
}

static gboolean on_timeout(gpointer data)
{
  Exchange *exchange = data;
  exchange->timeout = 0;
  fail(exchange, "http/timeout", "No complete reply in time");
  return G_SOURCE_REMOVE;
}

static void on_opened(gpointer owner)
{
  Exchange *exchange = owner;
  GString *text = g_string_new(NULL);
  g_string_append_printf(text, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s",
                         exchange->method, ablak_link_target(exchange->link),
                         ablak_link_host(exchange->link), exchange->head_lines->str);
  if (exchange->body != NULL)
    g_string_append_printf(text, "Content-Length: %" G_GSIZE_FORMAT "\r\n",
                           g_bytes_get_size(exchange->body));
  g_string_append(text, "\r\n");
  g_autoptr(GBytes) head = g_string_free_to_bytes(text);
  ablak_link_send(exchange->link, head);
  if (exchange->body != NULL)
    ablak_link_send(exchange->link, exchange->body);
}

static void on_data(gpointer owner, const guint8 *bytes, gsize size)
{
  Exchange *exchange = owner;
  switch (ablak_incoming_feed(exchange->incoming, bytes, size)) {
  case ABLAK_INCOMING_DONE:
    finish(exchange, NULL);
    break;
  case ABLAK_INCOMING_BAD:
    fail(exchange, "http/reply", "The reply is malformed or too large");
    break;
  default:
    break;
  }
}

static void on_closed(gpointer owner, const GError *error)
{
  Exchange *exchange = owner;
  if (error != NULL || ablak_incoming_end(exchange->incoming))
    finish(exchange, error);
  else
    fail(exchange, "http/reply", "The connection ended before the reply did");
}

static bool is_one_line(const char *text)
{
  return strpbrk(text, "\r\n") == NULL;
}

static GString *header_lines(const char *const *headers, const char *media)
{
  GString *lines = g_string_new(NULL);
  for (gsize i = 0; headers != NULL && headers[i] != NULL && headers[i + 1] != NULL; i += 2)
    if (is_one_line(headers[i]) && is_one_line(headers[i + 1]))
      g_string_append_printf(lines, "%s: %s\r\n", headers[i], headers[i + 1]);
  if (media != NULL && is_one_line(media))
    g_string_append_printf(lines, "Content-Type: %s\r\n", media);
  return lines;
}

void ablak_client_request(const AblakClientTls *tls, const char *method, const char *url,
                          const char *const *headers, const char *media, GBytes *body,
                          AblakResponseDone done, gpointer data)
{
  static const AblakLinkCallbacks callbacks = {
      .opened = on_opened, .data = on_data, .closed = on_closed};
  Exchange *exchange = g_new0(Exchange, 1);
  exchange->done = done;
  exchange->data = data;
  exchange->method = g_strdup(method);
  exchange->body = body != NULL ? g_bytes_ref(body) : NULL;
  exchange->incoming = ablak_incoming_new(strcmp(method, "HEAD") == 0);
  exchange->head_lines = header_lines(headers, media);
  guint timeout_ms = tls != NULL && tls->timeout_ms != 0 ? tls->timeout_ms : TIMEOUT_MS;
  exchange->timeout = g_timeout_add(timeout_ms, on_timeout, exchange);
  exchange->link = ablak_link_new(tls, url, &callbacks, exchange);
}
