#include "loading.h"
#include "heap.h"
#include "invariants.h"

static void check_same_bytes(GBytes *one, GBytes *other)
{
  g_assert_true(g_bytes_equal(one, other));
  g_bytes_unref(one);
  g_bytes_unref(other);
}

static void check_same(AblakYdoc *one, AblakYdoc *other)
{
  check_document(one);
  check_document(other);
  check_same_bytes(ablak_ydoc_state_vector(one), ablak_ydoc_state_vector(other));
  check_same_bytes(ablak_ydoc_snapshot(one), ablak_ydoc_snapshot(other));
  check_same_bytes(ablak_ydoc_encode(one, NULL, 0, NULL), ablak_ydoc_encode(other, NULL, 0, NULL));
  g_assert_cmpint(ablak_ydoc_has_pending(one), ==, ablak_ydoc_has_pending(other));
  json_t *value = ablak_ydoc_json(one), *same = ablak_ydoc_json(other);
  g_assert_true(json_equal(value, same));
  json_decref(value);
  json_decref(same);
}

AblakYdoc *check_loading(const void *data, gsize size, const AblakYdocOptions *options)
{
  g_autoptr(AblakYdoc) loaded = ablak_ydoc_new(options), told = ablak_ydoc_new(options);
  g_autoptr(AblakYdocReport) report = NULL;
  g_autoptr(GError) error = NULL, other_error = NULL;
  gsize bytes = ablak_ydoc_bytes(loaded);
  heap_watch();
  bool good = ablak_ydoc_apply(loaded, data, size, 0, 0, NULL, &error);
  heap_check(size, 128);
  /* who wants to know what it changes gets it struct by struct */
  bool other = ablak_ydoc_apply(told, data, size, 0, ABLAK_YDOC_UPDATE, &report, &other_error);
  g_assert_cmpint(good, ==, other);
  check_same(loaded, told);
  if (good)
    return g_steal_pointer(&loaded);
  g_assert_cmpstr(error->message, ==, other_error->message);
  g_assert_cmpuint(ablak_ydoc_bytes(loaded), ==, bytes);
  return NULL;
}
