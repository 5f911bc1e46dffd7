/* What the tests of the engine share. */
#pragma once
#include "core/error.h"
#include "core/json.h"
#include "forms/coedit/ydoc.h"
#include <string.h>

static inline AblakYdoc *new_doc(guint64 client)
{
  AblakYdocOptions options = {.client_id = client};
  return ablak_ydoc_new(&options);
}

static inline void apply(AblakYdoc *doc, GBytes *update)
{
  g_autoptr(GError) error = NULL;
  gsize size;
  const void *data = g_bytes_get_data(update, &size);
  bool good = ablak_ydoc_apply(doc, data, size, 0, 0, NULL, &error);
  g_assert_no_error(error);
  g_assert_true(good);
}

/* Takes the value over. */
static inline void assert_json(json_t *value, const char *expected)
{
  g_autofree char *text = ablak_json_canonical(value);
  g_assert_cmpstr(text, ==, expected);
  json_decref(value);
}

static inline void assert_doc(const AblakYdoc *doc, const char *expected)
{
  assert_json(ablak_ydoc_json(doc), expected);
}

/* Equal content, and equal state vectors. */
static inline void assert_equal(const AblakYdoc *one, const AblakYdoc *other)
{
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(one);
  g_autoptr(GBytes) vector_other = ablak_ydoc_state_vector(other);
  g_assert_true(g_bytes_equal(vector, vector_other));
  json_t *value = ablak_ydoc_json(one), *value_other = ablak_ydoc_json(other);
  g_assert_true(json_equal(value, value_other));
  json_decref(value);
  json_decref(value_other);
}
