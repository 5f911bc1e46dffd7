/* video/frames.c: cuts the control stream into frames. */
#include "core/error.h"
#include "video/control.h"
#include <string.h>

struct AblakMediaFrames {
  GByteArray *buffer;
};

AblakMediaFrames *ablak_media_frames_new(void)
{
  AblakMediaFrames *frames = g_new0(AblakMediaFrames, 1);
  frames->buffer = g_byte_array_new();
  return frames;
}

void ablak_media_frames_free(AblakMediaFrames *frames)
{
  if (frames == NULL)
    return;
  g_byte_array_unref(frames->buffer);
  g_free(frames);
}

void ablak_media_frames_push(AblakMediaFrames *frames, const void *data, gsize size)
{
  g_byte_array_append(frames->buffer, data, (guint)size);
}

bool ablak_media_frames_pop(AblakMediaFrames *frames, GBytes **ret_payload, GError **error)
{
  guint32 length = 0;
  if (frames->buffer->len < 4) {
    *ret_payload = NULL;
    return true;
  }
  memcpy(&length, frames->buffer->data, 4);
  length = GUINT32_FROM_BE(length);
  if (length > ABLAK_MEDIA_FRAME_MAX) {
    ablak_error_set(error, ABLAK_ERROR_TOO_LARGE, "media/frame-too-large",
                    "a frame of %u bytes is announced", length);
    return false;
  }
  if (frames->buffer->len - 4 < length) {
    *ret_payload = NULL;
    return true;
  }
  *ret_payload = g_bytes_new(frames->buffer->data + 4, length);
  g_byte_array_remove_range(frames->buffer, 0, 4 + length);
  return true;
}
