/* Frames read whole and byte by byte give the same messages and the same close code. */
#include "http/frame.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_message(AblakFrameKind kind, const guint8 *bytes, gsize size, gpointer data)
{
  GByteArray *seen = data;
  guint8 what = (guint8)kind;
  g_assert_cmpint(bytes[size], ==, 0);
  if (kind == ABLAK_FRAME_TEXT)
    g_assert_true(g_utf8_validate_len((const char *)bytes, size, NULL));
  if (kind == ABLAK_FRAME_CLOSE)
    ablak_frame_close_code(bytes, size);
  g_byte_array_append(seen, &what, 1);
  g_byte_array_append(seen, bytes, (guint)size);
  return true;
}

static unsigned read_in_steps(const uint8_t *data, size_t size, size_t step, bool masked,
                              GByteArray *seen)
{
  g_autoptr(AblakFrames) frames = ablak_frames_new(masked, 1000, on_message, seen);
  unsigned code = 0;
  for (size_t at = 0; at < size && code == 0; at += step)
    code = ablak_frames_read(frames, data + at, MIN(step, size - at));
  return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  bool masked = (data[0] & 1) != 0;
  g_autoptr(GByteArray) one = g_byte_array_new(), other = g_byte_array_new();
  unsigned code = read_in_steps(data + 1, size - 1, size, masked, one);
  g_assert_cmpuint(code, ==, read_in_steps(data + 1, size - 1, 1, masked, other));
  g_assert_cmpmem(one->data, one->len, other->data, other->len);
  g_autofree char *key = g_strndup((const char *)data, size);
  g_autofree char *accept = ablak_frame_accept(key);
  g_assert_true(accept == NULL || strlen(accept) == 28);
  return 0;
}
