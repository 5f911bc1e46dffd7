#include "http/incoming.h"
#include <string.h>

typedef enum {
  IN_HEAD,
  IN_LENGTH,
  IN_CHUNK_SIZE,
  IN_CHUNK,
  IN_CHUNK_END,
  IN_TRAILER,
  UNTIL_CLOSE
} Phase;

typedef enum { GO_ON, NEED_MORE, WHOLE, MALFORMED } Step;

struct AblakIncoming {
  bool no_body;
  AblakHead *head;
  Phase phase;
  gint64 left;
  GByteArray *in, *body;
};

AblakIncoming *ablak_incoming_new(bool no_body)
{
  AblakIncoming *incoming = g_new0(AblakIncoming, 1);
  incoming->no_body = no_body;
  incoming->in = g_byte_array_new();
  incoming->body = g_byte_array_new();
  return incoming;
}

void ablak_incoming_free(AblakIncoming *incoming)
{
  if (incoming == NULL)
    return;
  ablak_head_free(incoming->head);
  g_byte_array_unref(incoming->in);
  g_byte_array_unref(incoming->body);
  g_free(incoming);
}

static void drop_front(AblakIncoming *incoming, gsize size)
{
  g_byte_array_remove_range(incoming->in, 0, (guint)size);
}

static Step begin_body(AblakIncoming *incoming)
{
  const AblakHead *head = incoming->head;
  if (!ablak_head_length(head, &incoming->left) || incoming->left > ABLAK_INCOMING_BODY_MAX)
    return MALFORMED;
  if (incoming->no_body || head->status == 204 || head->status == 304 || incoming->left == 0)
    return WHOLE;
  if (ablak_head_get(head, "transfer-encoding") == NULL) {
    incoming->phase = incoming->left >= 0 ? IN_LENGTH : UNTIL_CLOSE;
    return GO_ON;
  }
  incoming->phase = IN_CHUNK_SIZE;
  return ablak_head_has_token(head, "transfer-encoding", "chunked") ? GO_ON : MALFORMED;
}

static Step read_head(AblakIncoming *incoming)
{
  gsize size = ablak_head_size(incoming->in->data, incoming->in->len);
  if (size == 0)
    return incoming->in->len > 4 * ABLAK_HEAD_MAX ? MALFORMED : NEED_MORE;
  AblakHead *head = ablak_head_parse_reply(incoming->in->data, size, NULL);
  drop_front(incoming, size);
  if (head == NULL)
    return MALFORMED;
  if (head->status < 200) {
    ablak_head_free(head); /* 100 Continue and its like */
    return GO_ON;
  }
  incoming->head = head;
  return begin_body(incoming);
}

static Step take(AblakIncoming *incoming)
{
  gsize part = incoming->in->len;
  if (incoming->phase != UNTIL_CLOSE)
    part = (gsize)MIN((gint64)part, incoming->left);
  if (incoming->body->len + part > ABLAK_INCOMING_BODY_MAX)
    return MALFORMED;
  g_byte_array_append(incoming->body, incoming->in->data, (guint)part);
  drop_front(incoming, part);
  incoming->left -= (gint64)part;
  if (incoming->phase == UNTIL_CLOSE || incoming->left > 0)
    return NEED_MORE;
  if (incoming->phase == IN_LENGTH)
    return WHOLE;
  incoming->phase = IN_CHUNK_END;
  return GO_ON;
}

/* A line without its CRLF, or NULL while it has not come whole. */
static char *take_line(AblakIncoming *incoming)
{
  const guint8 *end = memmem(incoming->in->data, incoming->in->len, "\r\n", 2);
  if (end == NULL)
    return NULL;
  gsize size = (gsize)(end - incoming->in->data);
  char *line = g_strndup((const char *)incoming->in->data, size);
  drop_front(incoming, size + 2);
  return line;
}

static Step read_chunk_size(AblakIncoming *incoming, const char *line)
{
  gsize digits = strspn(line, "0123456789abcdefABCDEF");
  if (digits == 0 || digits > 7 || (line[digits] != '\0' && line[digits] != ';'))
    return MALFORMED;
  incoming->left = (gint64)g_ascii_strtoull(line, NULL, 16);
  incoming->phase = incoming->left == 0 ? IN_TRAILER : IN_CHUNK;
  return GO_ON;
}

static Step read_line(AblakIncoming *incoming)
{
  g_autofree char *line = take_line(incoming);
  if (line == NULL)
    return incoming->in->len > ABLAK_HEAD_MAX ? MALFORMED : NEED_MORE;
  if (incoming->phase == IN_CHUNK_SIZE)
    return read_chunk_size(incoming, line);
  if (incoming->phase == IN_TRAILER)
    return *line == '\0' ? WHOLE : GO_ON;
  incoming->phase = IN_CHUNK_SIZE;
  return *line == '\0' ? GO_ON : MALFORMED;
}

static Step step(AblakIncoming *incoming)
{
  switch (incoming->phase) {
  case IN_HEAD:
    return read_head(incoming);
  case IN_LENGTH:
  case IN_CHUNK:
  case UNTIL_CLOSE:
    return take(incoming);
  default:
    return read_line(incoming);
  }
}

AblakIncomingState ablak_incoming_feed(AblakIncoming *incoming, const guint8 *bytes, gsize size)
{
  g_byte_array_append(incoming->in, bytes, (guint)size);
  Step result = GO_ON;
  while (result == GO_ON)
    result = step(incoming);
  return result == NEED_MORE ? ABLAK_INCOMING_MORE
         : result == WHOLE   ? ABLAK_INCOMING_DONE
                             : ABLAK_INCOMING_BAD;
}

bool ablak_incoming_end(AblakIncoming *incoming)
{
  return incoming->head != NULL && incoming->phase == UNTIL_CLOSE;
}

const AblakHead *ablak_incoming_head(const AblakIncoming *incoming)
{
  return incoming->head;
}

GBytes *ablak_incoming_take(AblakIncoming *incoming)
{
  GByteArray *body = incoming->body;
  incoming->body = g_byte_array_new();
  return g_byte_array_free_to_bytes(body);
}
