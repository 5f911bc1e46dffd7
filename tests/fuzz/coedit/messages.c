/* Protocol messages, awareness and state vectors from hostile bytes. */
#include "forms/coedit/awareness.h"
#include "forms/coedit/sync.h"
#include "forms/coedit/ydoc.h"
#include "heap.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void take_awareness(const guint8 *data, gsize size)
{
  g_autoptr(AblakYawareness) awareness = ablak_yawareness_new(16, 64);
  g_autoptr(AblakYawareness) other = ablak_yawareness_new(16, 1 << 20);
  if (!ablak_yawareness_apply(awareness, data, size, 1000, NULL, NULL))
    return;
  g_autoptr(GBytes) bytes = ablak_yawareness_encode(awareness, NULL, 0);
  gsize length;
  const void *again = g_bytes_get_data(bytes, &length);
  g_array_unref(ablak_yawareness_expire(awareness, 20000));
  g_assert_true(ablak_yawareness_apply(other, again, length, 1000, NULL, NULL));
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  AblakYsyncMessage message;
  heap_watch();
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(NULL);
  if (ablak_ysync_decode(data, size, &message, NULL)) {
    g_autoptr(GBytes) bytes =
        ablak_ysync_encode(message.kind, message.other, message.body, message.size);
    AblakYsyncMessage again;
    gsize length;
    const void *encoded = g_bytes_get_data(bytes, &length);
    g_assert_true(ablak_ysync_decode(encoded, length, &again, NULL));
    g_assert_cmpuint(again.kind, ==, message.kind);
    g_assert_cmpuint(again.size, ==, message.size);
    g_assert_true(memcmp(again.body, message.body, message.size) == 0);
    if (message.kind == ABLAK_YSYNC_AWARENESS)
      take_awareness(message.body, message.size);
    if (message.kind == ABLAK_YSYNC_STEP1) {
      GBytes *state = ablak_ydoc_encode(doc, message.body, message.size, NULL);
      g_clear_pointer(&state, g_bytes_unref);
    }
  }
  heap_check(size, 128);
  return 0;
}
