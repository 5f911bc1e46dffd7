/* forms/coedit/sync.h: the messages of y-protocols as y-websocket carries them.
 *
 * A WebSocket message is one varint (the kind) and a body. Decoding checks the whole message and
 * borrows from it; encoding gives new bytes. No state, no I/O; threads: any.
 * Errors: ABLAK_ERROR_INVALID "coedit/malformed". */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum {
  ABLAK_YSYNC_STEP1,           /* body: a state vector; answer with step 2 (a difference) */
  ABLAK_YSYNC_STEP2,           /* body: an update */
  ABLAK_YSYNC_UPDATE,          /* body: an update */
  ABLAK_YSYNC_AWARENESS,       /* body: an awareness update */
  ABLAK_YSYNC_AUTH,            /* body: the reason why permission is denied, UTF-8 */
  ABLAK_YSYNC_QUERY_AWARENESS, /* no body */
  ABLAK_YSYNC_OTHER,           /* a kind of somebody's own, its number in `other` */
} AblakYsyncKind;

typedef struct {
  AblakYsyncKind kind;
  guint64 other;
  const guint8 *body; /* inside the decoded message */
  gsize size;
} AblakYsyncMessage;

bool ablak_ysync_decode(const void *data, gsize size, AblakYsyncMessage *ret_message,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* New: a message of that kind; `other` is for ABLAK_YSYNC_OTHER only, whose number must be 4 or
 * more (stock clients log an unknown kind and go on). */
GBytes *ablak_ysync_encode(AblakYsyncKind kind, guint64 other, const void *body, gsize size);
/* New: a message of an own kind with one number as its body (such as a count of durable updates).
 */
GBytes *ablak_ysync_encode_number(guint64 other, guint64 number);
