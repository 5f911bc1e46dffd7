/* One request, one connection: headquarters and its boxes talk mostly over a WebSocket that stays.
 */
#include "http/client.h"
#include "core/error.h"
#include "http/head.h"
#include "http/link.h"
#include <string.h>

#define BODY_MAX (64 * 1024 * 1024)
#define TIMEOUT_MS 15000

typedef enum {
  IN_HEAD,
  IN_LENGTH,
  IN_CHUNK_SIZE,
  IN_CHUNK,
  IN_CHUNK_END,
  IN_TRAILER,
  UNTIL_CLOSE
} Phase;

typedef struct {
  AblakLink *link;
  AblakResponseDone done;
  gpointer data;
  char *method, *media;
  GString *head_lines;
  GBytes *body;
  GByteArray *in, *reply;
  AblakHead *head;
  Phase phase;
  gint64 left;
  guint timeout;
} Exchange;

static void finish(Exchange *exchange, const GError *borrowed)
{
  g_autoptr(GError) error =
      borrowed != NULL ? g_error_copy(borrowed) : NULL; /* dies with the link */
  g_clear_handle_id(&exchange->timeout, g_source_remove);
  ablak_link_free(exchange->link);
  if (error != NULL) {
    exchange->done(NULL, error, exchange->data);
  } else {
    g_autoptr(GBytes) body = g_byte_array_free_to_bytes(g_steal_pointer(&exchange->reply));
    AblakResponse response = {.status = exchange->head->status,
                              .media = ablak_head_get(exchange->head, "content-type"),
                              .body = body};
    exchange->done(&response, NULL, exchange->data);
  }
  g_free(exchange->method);
  g_string_free(exchange->head_lines, TRUE);
  g_clear_pointer(&exchange->body, g_bytes_unref);
  g_byte_array_unref(exchange->in);
  if (exchange->reply != NULL)
    g_byte_array_unref(exchange->reply);
  ablak_head_free(exchange->head);
  g_free(exchange);
}

static void fail(Exchange *exchange, AblakErrorCode code, const char *slug, const char *what)
{
  g_autoptr(GError) error = NULL;
  ablak_error_set(&error, code, slug, "%s", what);
  finish(exchange, error);
}

static void bad_reply(Exchange *exchange, const char *what)
{
  fail(exchange, ABLAK_ERROR_UNAVAILABLE, "http/reply", what);
}

static gboolean on_timeout(gpointer data)
{
  Exchange *exchange = data;
  exchange->timeout = 0;
  fail(exchange, ABLAK_ERROR_UNAVAILABLE, "http/timeout", "No complete reply in time");
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

static void drop_front(Exchange *exchange, gsize size)
{
  g_byte_array_remove_range(exchange->in, 0, (guint)size);
}

static bool begin_body(Exchange *exchange)
{
  const AblakHead *head = exchange->head;
  bool none = strcmp(exchange->method, "HEAD") == 0 || head->status == 204 || head->status == 304;
  if (!ablak_head_length(head, &exchange->left))
    return false;
  if (none)
    exchange->left = 0;
  if (!none && ablak_head_has_token(head, "transfer-encoding", "chunked"))
    exchange->phase = IN_CHUNK_SIZE;
  else
    exchange->phase = exchange->left >= 0 ? IN_LENGTH : UNTIL_CLOSE;
  return exchange->left <= BODY_MAX;
}

/* Each step: 1 go on, 0 more bytes are needed, -1 malformed, 2 complete. */
static int read_head(Exchange *exchange)
{
  gsize size = ablak_head_size(exchange->in->data, exchange->in->len);
  if (size == 0)
    return exchange->in->len > 4 * ABLAK_HEAD_MAX ? -1 : 0;
  AblakHead *head = ablak_head_parse_reply(exchange->in->data, size, NULL);
  drop_front(exchange, size);
  if (head == NULL)
    return -1;
  if (head->status < 200) {
    ablak_head_free(head); /* 100 Continue and its like */
    return 1;
  }
  exchange->head = head;
  return begin_body(exchange) ? 1 : -1;
}

static int take(Exchange *exchange)
{
  gsize part = exchange->in->len;
  if (exchange->phase != UNTIL_CLOSE)
    part = (gsize)MIN((gint64)part, exchange->left);
  if (exchange->reply->len + part > BODY_MAX)
    return -1;
  g_byte_array_append(exchange->reply, exchange->in->data, (guint)part);
  drop_front(exchange, part);
  exchange->left -= (gint64)part;
  if (exchange->phase == UNTIL_CLOSE || exchange->left > 0)
    return 0;
  if (exchange->phase == IN_LENGTH)
    return 2;
  exchange->phase = IN_CHUNK_END;
  return 1;
}

/* A line without its CRLF, or NULL while it has not come whole. */
static char *take_line(Exchange *exchange)
{
  const guint8 *end = memmem(exchange->in->data, exchange->in->len, "\r\n", 2);
  if (end == NULL)
    return NULL;
  gsize size = (gsize)(end - exchange->in->data);
  char *line = g_strndup((const char *)exchange->in->data, size);
  drop_front(exchange, size + 2);
  return line;
}

static int read_line(Exchange *exchange)
{
  g_autofree char *line = take_line(exchange);
  if (line == NULL)
    return exchange->in->len > ABLAK_HEAD_MAX ? -1 : 0;
  if (exchange->phase == IN_CHUNK_END) {
    exchange->phase = IN_CHUNK_SIZE;
    return *line == '\0' ? 1 : -1;
  }
  if (exchange->phase == IN_TRAILER)
    return *line == '\0' ? 2 : 1;
  gsize digits = strspn(line, "0123456789abcdefABCDEF");
  if (digits == 0 || digits > 7 || (line[digits] != '\0' && line[digits] != ';'))
    return -1;
  exchange->left = (gint64)g_ascii_strtoull(line, NULL, 16);
  exchange->phase = exchange->left == 0 ? IN_TRAILER : IN_CHUNK;
  return 1;
}

static int step(Exchange *exchange)
{
  switch (exchange->phase) {
  case IN_HEAD:
    return read_head(exchange);
  case IN_LENGTH:
  case IN_CHUNK:
  case UNTIL_CLOSE:
    return take(exchange);
  default:
    return read_line(exchange);
  }
}

static void on_data(gpointer owner, const guint8 *bytes, gsize size)
{
  Exchange *exchange = owner;
  g_byte_array_append(exchange->in, bytes, (guint)size);
  int result = 1;
  while (result == 1)
    result = step(exchange);
  if (result == 2)
    finish(exchange, NULL);
  else if (result < 0)
    bad_reply(exchange, "The reply is malformed or too large");
}

static void on_closed(gpointer owner, const GError *error)
{
  Exchange *exchange = owner;
  if (error != NULL)
    finish(exchange, error);
  else if (exchange->head != NULL && exchange->phase == UNTIL_CLOSE)
    finish(exchange, NULL);
  else
    bad_reply(exchange, "The connection ended before the reply did");
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
  exchange->in = g_byte_array_new();
  exchange->reply = g_byte_array_new();
  exchange->head_lines = g_string_new(NULL);
  for (gsize i = 0; headers != NULL && headers[i] != NULL && headers[i + 1] != NULL; i += 2)
    if (strpbrk(headers[i], "\r\n") == NULL && strpbrk(headers[i + 1], "\r\n") == NULL)
      g_string_append_printf(exchange->head_lines, "%s: %s\r\n", headers[i], headers[i + 1]);
  if (media != NULL)
    g_string_append_printf(exchange->head_lines, "Content-Type: %s\r\n", media);
  guint timeout_ms = tls != NULL && tls->timeout_ms != 0 ? tls->timeout_ms : TIMEOUT_MS;
  exchange->timeout = g_timeout_add(timeout_ms, on_timeout, exchange);
  exchange->link = ablak_link_new(tls, url, &callbacks, exchange);
}
