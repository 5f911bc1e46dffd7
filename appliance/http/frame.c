#include "http/frame.h"
#include <openssl/rand.h>
#include <string.h>

#define CONTROL_MAX 125
#define HEADER_MAX 14

struct AblakFrames {
  bool masked;
  gsize message_max;
  AblakFrameMessage message;
  gpointer data;
  guint8 header[HEADER_MAX];
  gsize header_size;
  bool in_payload;
  bool fin;
  AblakFrameKind kind;    /* of the frame being read */
  AblakFrameKind started; /* of the message being put together; CONTINUATION: none */
  guint8 mask[4];
  guint64 expected, got;
  GByteArray *payload; /* of the message that is being put together; NULL: none */
  GByteArray *control;
};

AblakFrames *ablak_frames_new(bool masked, gsize message_max, AblakFrameMessage message,
                              gpointer data)
{
  AblakFrames *frames = g_new0(AblakFrames, 1);
  frames->masked = masked;
  frames->message_max = message_max;
  frames->message = message;
  frames->data = data;
  return frames;
}

void ablak_frames_free(AblakFrames *frames)
{
  if (frames == NULL)
    return;
  g_clear_pointer(&frames->payload, g_byte_array_unref);
  g_clear_pointer(&frames->control, g_byte_array_unref);
  g_free(frames);
}

static bool is_control(AblakFrameKind kind)
{
  return (kind & 8) != 0;
}

/* How long the header is, as far as its bytes tell. */
static gsize header_wanted(const AblakFrames *frames)
{
  if (frames->header_size < 2)
    return 2;
  unsigned length = frames->header[1] & 0x7f;
  gsize wanted = 2 + (length == 126 ? 2u : length == 127 ? 8u : 0u);
  return wanted + ((frames->header[1] & 0x80) != 0 ? 4u : 0u);
}

static guint64 header_length(const AblakFrames *frames)
{
  guint64 length = frames->header[1] & 0x7f;
  if (length == 126)
    return ((guint64)frames->header[2] << 8) | frames->header[3];
  if (length != 127)
    return length;
  length = 0;
  for (unsigned i = 0; i < 8; i++)
    length = (length << 8) | frames->header[2 + i];
  return length;
}

static unsigned begin_payload(AblakFrames *frames)
{
  guint8 first = frames->header[0];
  bool masked = (frames->header[1] & 0x80) != 0;
  frames->kind = (AblakFrameKind)(first & 0x0f);
  frames->fin = (first & 0x80) != 0;
  frames->expected = header_length(frames);
  frames->got = 0;
  if ((first & 0x70) != 0 || masked != frames->masked)
    return 1002;
  if (masked)
    memcpy(frames->mask, frames->header + frames->header_size - 4, 4);
  switch (frames->kind) {
  case ABLAK_FRAME_CLOSE:
  case ABLAK_FRAME_PING:
  case ABLAK_FRAME_PONG:
    if (!frames->fin || frames->expected > CONTROL_MAX)
      return 1002;
    break;
  case ABLAK_FRAME_TEXT:
  case ABLAK_FRAME_BINARY:
    if (frames->started != ABLAK_FRAME_CONTINUATION)
      return 1002;
    frames->started = frames->kind;
    break;
  case ABLAK_FRAME_CONTINUATION:
    if (frames->started == ABLAK_FRAME_CONTINUATION)
      return 1002;
    break;
  default:
    return 1002;
  }
  gsize had = frames->payload != NULL ? frames->payload->len : 0;
  if (!is_control(frames->kind) &&
      frames->expected > frames->message_max - MIN(had, frames->message_max))
    return 1009;
  frames->in_payload = true;
  return 0;
}

/* Hands out an array with a NUL behind it. A quiet connection keeps none. */
static bool hand_out(AblakFrames *frames, AblakFrameKind kind, GByteArray **array)
{
  GByteArray *whole = g_steal_pointer(array);
  guint size = whole->len;
  g_byte_array_append(whole, (const guint8 *)"", 1);
  bool more = frames->message(kind, whole->data, size, frames->data);
  g_byte_array_unref(whole);
  return more;
}

/* 0, a close code, or 1 when the reader wants no more. */
static unsigned end_frame(AblakFrames *frames)
{
  frames->in_payload = false;
  frames->header_size = 0;
  if (is_control(frames->kind))
    return hand_out(frames, frames->kind, &frames->control) ? 0 : 1;
  if (!frames->fin)
    return 0;
  AblakFrameKind kind = frames->started;
  frames->started = ABLAK_FRAME_CONTINUATION;
  if (kind == ABLAK_FRAME_TEXT &&
      !g_utf8_validate_len((const char *)frames->payload->data, frames->payload->len, NULL))
    return 1007;
  return hand_out(frames, kind, &frames->payload) ? 0 : 1;
}

static gsize take_payload(AblakFrames *frames, const guint8 *bytes, gsize size)
{
  gsize part = (gsize)MIN((guint64)size, frames->expected - frames->got);
  GByteArray **place = is_control(frames->kind) ? &frames->control : &frames->payload;
  if (*place == NULL)
    *place = g_byte_array_sized_new((guint)part + 1);
  GByteArray *into = *place;
  guint at = into->len;
  g_byte_array_append(into, bytes, (guint)part);
  if (frames->masked)
    for (gsize i = 0; i < part; i++)
      into->data[at + i] ^= frames->mask[(frames->got + i) & 3];
  frames->got += part;
  return part;
}

unsigned ablak_frames_read(AblakFrames *frames, const guint8 *bytes, gsize size)
{
  while (size > 0 || (frames->in_payload && frames->got == frames->expected)) {
    unsigned code = 0;
    if (!frames->in_payload) {
      frames->header[frames->header_size++] = *bytes++;
      size--;
      if (frames->header_size == header_wanted(frames) && frames->header_size >= 2)
        code = begin_payload(frames);
    } else {
      gsize part = take_payload(frames, bytes, size);
      bytes += part;
      size -= part;
      if (frames->got == frames->expected)
        code = end_frame(frames);
    }
    if (code == 1)
      return 0;
    if (code != 0)
      return code;
  }
  return 0;
}

GBytes *ablak_frame_new(AblakFrameKind kind, const void *bytes, gsize size, bool mask)
{
  guint8 *frame = g_malloc(size + HEADER_MAX);
  gsize at = 0;
  frame[at++] = (guint8)(0x80u | (unsigned)kind);
  guint8 flag = mask ? 0x80 : 0;
  if (size < 126) {
    frame[at++] = (guint8)(flag | size);
  } else if (size < 65536) {
    frame[at++] = flag | 126;
    frame[at++] = (guint8)(size >> 8);
    frame[at++] = (guint8)(size & 0xff);
  } else {
    frame[at++] = flag | 127;
    for (int shift = 56; shift >= 0; shift -= 8)
      frame[at++] = (guint8)(((guint64)size >> shift) & 0xff);
  }
  guint8 key[4] = {0};
  if (mask) {
    /* RFC 6455 §10.3: unpredictable, so that a page cannot choose the bytes on the wire. */
    if (RAND_bytes(key, 4) != 1)
      g_error("no random bytes");
    memcpy(frame + at, key, 4);
    at += 4;
  }
  if (size > 0)
    memcpy(frame + at, bytes, size);
  for (gsize i = 0; mask && i < size; i++)
    frame[at + i] ^= key[i & 3];
  return g_bytes_new_take(frame, at + size);
}

GBytes *ablak_frame_new_close(unsigned code, const char *reason, bool mask)
{
  guint8 payload[CONTROL_MAX] = {(guint8)(code >> 8), (guint8)(code & 0xff)};
  gsize size = reason != NULL ? MIN(strlen(reason), sizeof payload - 2) : 0;
  if (size > 0) {
    const char *end = NULL;
    g_utf8_validate(reason, (gssize)size, &end); /* not cut within a character */
    size = (gsize)(end - reason);
    memcpy(payload + 2, reason, size);
  }
  return ablak_frame_new(ABLAK_FRAME_CLOSE, payload, size + 2, mask);
}

unsigned ablak_frame_close_code(const guint8 *bytes, gsize size)
{
  if (size == 0)
    return 1005;
  if (size == 1)
    return 0;
  unsigned code = ((unsigned)bytes[0] << 8) | bytes[1];
  /* RFC 6455 §7.4: what may stand on the wire. */
  bool known = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
               (code >= 3000 && code <= 4999);
  if (!known || !g_utf8_validate_len((const char *)bytes + 2, size - 2, NULL))
    return 0;
  return code;
}

char *ablak_frame_accept(const char *key)
{
  gsize size = 0;
  g_autofree guchar *raw = strlen(key) == 24 ? g_base64_decode(key, &size) : NULL;
  if (raw == NULL || size != 16)
    return NULL;
  /* RFC 6455 §4.2.2 */
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
  g_checksum_update(sum, (const guchar *)key, -1);
  g_checksum_update(sum, (const guchar *)"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", -1);
  guint8 digest[20];
  gsize digest_size = sizeof digest;
  g_checksum_get_digest(sum, digest, &digest_size);
  return g_base64_encode(digest, digest_size);
}

char *ablak_frame_key(void)
{
  guint8 raw[16];
  if (RAND_bytes(raw, sizeof raw) != 1)
    g_error("no random bytes");
  return g_base64_encode(raw, sizeof raw);
}
