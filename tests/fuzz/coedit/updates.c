/* Updates as bytes: format v2, merging, cutting, snapshots. The first byte chooses. */
#include "forms/coedit/update.h"
#include "forms/coedit/ydoc.h"
#include "heap.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

/* What came out must be an update of format v1. */
static void check_update(GBytes *update, gsize input)
{
  gsize size;
  if (update == NULL)
    return;
  const void *data = g_bytes_get_data(update, &size);
  g_assert_cmpuint(size, <=, 4096 + 257 * input);
  g_autoptr(GBytes) states = ablak_yupdate_state_vector(data, size, NULL);
  g_assert_nonnull(states);
  g_bytes_unref(update);
}

static void merge_halves(const guint8 *data, gsize size)
{
  gsize half = size / 2;
  GBytes *parts[2] = {g_bytes_new_static(data, half), g_bytes_new_static(data + half, size - half)};
  check_update(ablak_yupdate_merge(parts, 2, NULL), size);
  parts[1] = (g_bytes_unref(parts[1]), g_bytes_ref(parts[0]));
  check_update(ablak_yupdate_merge(parts, 2, NULL), size);
  check_update(ablak_yupdate_diff(data, half, data + half, size - half, NULL), size);
  g_bytes_unref(parts[0]);
  g_bytes_unref(parts[1]);
}

static void look_back(const guint8 *data, gsize size)
{
  AblakYdocOptions options = {.client_id = 1, .keep_deleted = true};
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(&options);
  ablak_ydoc_begin(doc);
  g_assert_true(ablak_ytext_insert(ablak_ydoc_root(doc, "text"), 0, "some text", NULL));
  g_assert_true(ablak_ytext_delete(ablak_ydoc_root(doc, "text"), 2, 3, NULL));
  GBytes *update = ablak_ydoc_commit(doc);
  g_bytes_unref(update);
  ablak_ydoc_free(ablak_ydoc_at_snapshot(doc, data, size, NULL));
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  if (size == 0)
    return 0;
  guint8 choice = *data++ % 4;
  size--;
  heap_watch();
  if (choice == 0) {
    GBytes *update = ablak_yupdate_from_v2(data, size, 0, NULL);
    heap_check(size, 1024);
    check_update(update, size);
  } else if (choice == 1) {
    g_autoptr(GBytes) v2 = ablak_yupdate_to_v2(data, size, NULL);
    heap_check(size, 128);
    if (v2 != NULL) {
      gsize length;
      const void *bytes = g_bytes_get_data(v2, &length);
      GBytes *back = ablak_yupdate_from_v2(bytes, length, 1 << 30, NULL);
      g_assert_nonnull(back);
      g_bytes_unref(back);
    }
  } else if (choice == 2) {
    merge_halves(data, size);
    heap_check(size, 128);
  } else {
    look_back(data, size);
    heap_check(size, 128);
  }
  return 0;
}
