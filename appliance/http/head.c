#include "http/head.h"
#include "core/error.h"
#include <string.h>

#define HEADERS_MAX 64

void ablak_head_free(AblakHead *head)
{
  if (head == NULL)
    return;
  g_free(head->method);
  g_free(head->target);
  g_hash_table_unref(head->headers);
  g_free(head);
}

gsize ablak_head_size(const guint8 *bytes, gsize size)
{
  const guint8 *end = memmem(bytes, size, "\r\n\r\n", 4);
  return end == NULL ? 0 : (gsize)(end - bytes) + 4;
}

/* RFC 9110 §5.6.2 */
static bool is_token_char(guint8 c)
{
  return g_ascii_isalnum((char)c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *text, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if (!is_token_char((guint8)text[i]))
      return false;
  return size > 0;
}

static bool malformed(GError **error, const char *what)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "request/malformed", "%s", what);
  return false;
}

/* Two of these would let two readers see two different messages. */
static bool must_be_single(const char *name)
{
  static const char *const names[] = {
      "host",   "content-length", "content-type",      "transfer-encoding",     "authorization",
      "origin", "upgrade",        "sec-websocket-key", "sec-websocket-version", "sec-fetch-site",
      NULL};
  return g_strv_contains(names, name);
}

static bool add_header(GHashTable *headers, char *name, char *value, GError **error)
{
  const char *before = g_hash_table_lookup(headers, name);
  if (before != NULL && must_be_single(name)) {
    g_free(name);
    g_free(value);
    return malformed(error, "A header that may stand once stands twice");
  }
  if (before != NULL) {
    char *joined = g_strconcat(before, strcmp(name, "cookie") == 0 ? "; " : ", ", value, NULL);
    g_free(value);
    value = joined;
  }
  g_hash_table_replace(headers, name, value);
  return true;
}

static bool parse_header(GHashTable *headers, const char *line, gsize size, GError **error)
{
  const char *colon = memchr(line, ':', size);
  if (colon == NULL || !is_token(line, (gsize)(colon - line)))
    return malformed(error, "A header line has no valid name");
  const char *value = colon + 1, *end = line + size;
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  for (const char *at = value; at < end; at++)
    if (((guint8)*at < 0x20 && *at != '\t') || *at == 0x7f)
      return malformed(error, "A header's value holds a control character");
  return add_header(headers, g_ascii_strdown(line, colon - line),
                    g_strndup(value, (gsize)(end - value)), error);
}

/* The lines after the first one; `bytes` ends with the empty line. */
static bool parse_headers(GHashTable *headers, const char *bytes, gsize size, GError **error)
{
  const char *at = bytes, *end = bytes + size - 2; /* before the empty line */
  for (unsigned count = 0; at < end; count++) {
    const char *line_end = memmem(at, (gsize)(end - at), "\r\n", 2);
    if (line_end == NULL || count == HEADERS_MAX)
      return malformed(error, "Too many header lines, or one without an end");
    if (!parse_header(headers, at, (gsize)(line_end - at), error))
      return false;
    at = line_end + 2;
  }
  return true;
}

static bool parse_version(const char *text, gsize size, unsigned *ret_minor, GError **error)
{
  if (size == 8 && memcmp(text, "HTTP/1.", 7) == 0 && (text[7] == '0' || text[7] == '1')) {
    *ret_minor = (unsigned)(text[7] - '0');
    return true;
  }
  if (size >= 5 && memcmp(text, "HTTP/", 5) == 0)
    ablak_error_set(error, ABLAK_ERROR_INVALID, "request/http-version", "Not HTTP/1.0 or HTTP/1.1");
  else
    malformed(error, "The first line names no HTTP version");
  return false;
}

/* Origin-form; absolute-form is cut down to it, as RFC 9112 §3.2.2 asks of servers. */
static char *parse_target(const char *text, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if ((guint8)text[i] <= 0x20 || (guint8)text[i] >= 0x7f)
      return NULL;
  g_autofree char *target = g_strndup(text, size);
  if (target[0] == '/')
    return g_steal_pointer(&target);
  if (strcmp(target, "*") == 0)
    return g_strdup("/*");
  if (!g_str_has_prefix(target, "http://") && !g_str_has_prefix(target, "https://"))
    return NULL;
  const char *path = strchr(strstr(target, "://") + 3, '/');
  return g_strdup(path != NULL ? path : "/");
}

static bool parse_request_line(AblakHead *head, const char *line, gsize size, GError **error)
{
  const char *first = memchr(line, ' ', size);
  const char *last = memrchr(line, ' ', size);
  if (first == NULL || first == last || !is_token(line, (gsize)(first - line)) || first - line > 16)
    return malformed(error, "The first line is not METHOD TARGET VERSION");
  if (!parse_version(last + 1, (gsize)(line + size - last - 1), &head->minor, error))
    return false;
  head->target = parse_target(first + 1, (gsize)(last - first - 1));
  if (head->target == NULL)
    return malformed(error, "The target is not a path");
  head->method = g_strndup(line, (gsize)(first - line));
  return true;
}

static bool parse_status_line(AblakHead *head, const char *line, gsize size, GError **error)
{
  if (size < 12 || !parse_version(line, 8, &head->minor, error))
    return error != NULL && *error != NULL ? false : malformed(error, "No status line");
  if (line[8] != ' ' || !g_ascii_isdigit(line[9]) || !g_ascii_isdigit(line[10]) ||
      !g_ascii_isdigit(line[11]) || (size > 12 && line[12] != ' '))
    return malformed(error, "No status");
  head->status = (unsigned)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  return true;
}

typedef bool (*FirstLine)(AblakHead *head, const char *line, gsize size, GError **error);

static AblakHead *parse(const guint8 *bytes, gsize size, FirstLine first_line, GError **error)
{
  const char *text = (const char *)bytes;
  g_autoptr(AblakHead) head = g_new0(AblakHead, 1);
  head->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  /* RFC 9112 §2.2: an empty line before the request is ignored. */
  if (size >= 2 && memcmp(text, "\r\n", 2) == 0) {
    text += 2;
    size -= 2;
  }
  const char *end = memmem(text, size, "\r\n", 2);
  if (size < 4 || end == NULL || memcmp(text + size - 4, "\r\n\r\n", 4) != 0) {
    malformed(error, "No complete head");
    return NULL;
  }
  if (!first_line(head, text, (gsize)(end - text), error))
    return NULL;
  gsize rest = size - (gsize)(end + 2 - text);
  if (!parse_headers(head->headers, end + 2, rest, error))
    return NULL;
  return g_steal_pointer(&head);
}

/* What a Host may look like: it is written back into links and the content policy. */
static bool is_host(const char *host)
{
  gsize size = strlen(host);
  return size > 0 && size <= 255 &&
         strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") ==
             size;
}

AblakHead *ablak_head_parse_request(const guint8 *bytes, gsize size, GError **error)
{
  g_autoptr(AblakHead) head = parse(bytes, size, parse_request_line, error);
  if (head == NULL)
    return NULL;
  const char *host = ablak_head_get(head, "host");
  if ((host == NULL && head->minor == 1) || (host != NULL && !is_host(host))) {
    malformed(error, "No valid Host header");
    return NULL;
  }
  return g_steal_pointer(&head);
}

AblakHead *ablak_head_parse_reply(const guint8 *bytes, gsize size, GError **error)
{
  return parse(bytes, size, parse_status_line, error);
}

const char *ablak_head_get(const AblakHead *head, const char *name)
{
  return g_hash_table_lookup(head->headers, name);
}

bool ablak_head_has_token(const AblakHead *head, const char *name, const char *token)
{
  const char *value = ablak_head_get(head, name);
  if (value == NULL)
    return false;
  g_auto(GStrv) parts = g_strsplit(value, ",", -1);
  for (char **part = parts; *part != NULL; part++)
    if (g_ascii_strcasecmp(g_strstrip(*part), token) == 0)
      return true;
  return false;
}

bool ablak_head_length(const AblakHead *head, gint64 *ret_length)
{
  const char *value = ablak_head_get(head, "content-length");
  if (value == NULL) {
    *ret_length = -1;
    return true;
  }
  gsize size = strlen(value);
  if (size == 0 || size > 15 || strspn(value, "0123456789") != size)
    return false;
  *ret_length = g_ascii_strtoll(value, NULL, 10);
  return true;
}
