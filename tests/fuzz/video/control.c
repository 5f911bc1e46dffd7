/* The control stream: cut into frames, parsed, and written again. Whatever can be read must be
 * written in a form that reads the same. */
#include "video/control.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(GBytes *payload)
{
  gsize size = 0;
  const char *text = g_bytes_get_data(payload, &size);
  g_autoptr(AblakMediaMessage) message = ablak_media_message_parse(text, size, NULL);
  if (message == NULL)
    return;
  g_autoptr(json_t) first = ablak_media_message_to_json(message);
  g_autofree char *written = ablak_json_text(first);
  g_autoptr(AblakMediaMessage) again = ablak_media_message_parse(written, strlen(written), NULL);
  g_assert_nonnull(again);
  g_autoptr(json_t) second = ablak_media_message_to_json(again);
  g_assert_true(json_equal(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(AblakMediaFrames) frames = ablak_media_frames_new();
  size_t half = size / 2;
  ablak_media_frames_push(frames, data, half);
  for (int part = 0; part < 2; part++) {
    for (;;) {
      g_autoptr(GBytes) payload = NULL;
      if (!ablak_media_frames_pop(frames, &payload, NULL))
        return 0;
      if (payload == NULL)
        break;
      check(payload);
    }
    if (part == 0)
      ablak_media_frames_push(frames, data + half, size - half);
  }
  return 0;
}
