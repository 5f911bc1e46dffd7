/* http/frame.h: WebSocket framing (RFC 6455), for both sides. Pure: bytes in, messages out. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum {
  ABLAK_FRAME_CONTINUATION = 0,
  ABLAK_FRAME_TEXT = 1,
  ABLAK_FRAME_BINARY = 2,
  ABLAK_FRAME_CLOSE = 8,
  ABLAK_FRAME_PING = 9,
  ABLAK_FRAME_PONG = 10,
} AblakFrameKind;

/* Whole messages (TEXT, BINARY) and control frames, in the order they came. `bytes` has a NUL
 * after `size` and is valid during the call. Return false to stop reading. */
typedef bool (*AblakFrameMessage)(AblakFrameKind kind, const guint8 *bytes, gsize size,
                                  gpointer data);

typedef struct AblakFrames AblakFrames;
/* `masked`: whether the peer must mask (true in a server). */
AblakFrames *ablak_frames_new(bool masked, gsize message_max, AblakFrameMessage message,
                              gpointer data);
void ablak_frames_free(AblakFrames *frames);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakFrames, ablak_frames_free)
/* 0, or the code to close with: 1002, 1007 (not UTF-8) or 1009 (too large). */
unsigned ablak_frames_read(AblakFrames *frames, const guint8 *bytes, gsize size);

/* One whole frame. `mask`: with a random key (clients). */
GBytes *ablak_frame_new(AblakFrameKind kind, const void *bytes, gsize size, bool mask);
GBytes *ablak_frame_new_close(unsigned code, const char *reason, bool mask);
/* The code of a close frame's payload: 1005 when it has none, 0 when it is malformed. */
unsigned ablak_frame_close_code(const guint8 *bytes, gsize size);

/* Sec-WebSocket-Accept for a key; NULL when the key is not 16 bytes of base64. Free with g_free. */
char *ablak_frame_accept(const char *key);
/* A client's fresh key. Free with g_free. */
char *ablak_frame_key(void);
