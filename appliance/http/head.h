/* http/head.h: the head of an HTTP/1.1 message (RFC 9112), read strictly. Pure functions: no
 * connection, no clock. What two readers could understand differently is refused: bare LF or CR,
 * folded lines, space before the colon, repeated framing headers. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ABLAK_HEAD_MAX 8192

typedef struct {
  char *method; /* NULL in a reply's head */
  char *target; /* origin-form, as sent: "/path?query" */
  unsigned minor;
  unsigned status;     /* of a reply */
  GHashTable *headers; /* lower-case name -> value; repeats joined */
} AblakHead;

void ablak_head_free(AblakHead *head);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakHead, ablak_head_free)

/* Bytes up to and including the empty line; 0 while it has not come. */
gsize ablak_head_size(const guint8 *bytes, gsize size);

/* `size` as ablak_head_size told it. ABLAK_ERROR_INVALID "request/malformed" or
 * "request/http-version". */
AblakHead *ablak_head_parse_request(const guint8 *bytes, gsize size,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakHead *ablak_head_parse_reply(const guint8 *bytes, gsize size,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

const char *ablak_head_get(const AblakHead *head, const char *name);
/* Whether a comma-separated header holds the token, without regard to case. */
bool ablak_head_has_token(const AblakHead *head, const char *name, const char *token);
/* false when there is a Content-Length that is not a plain number. -1: there is none. */
bool ablak_head_length(const AblakHead *head, gint64 *ret_length);
