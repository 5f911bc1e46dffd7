/* Whole documents from hostile updates. An input is a row of parts, each two bytes of length, one
 * of choice and an update; what is left over is an update too. */
#include "forms/coedit/ydoc.h"
#include "heap.h"
#include "invariants.h"
#include "loading.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static bool allow_some(const AblakYdocChange *change, gpointer user_data)
{
  guint8 choice = *(const guint8 *)user_data;
  return (choice >> (change->kind & 3) & 1) == 0;
}

static void edit(AblakYdoc *doc, guint8 choice)
{
  AblakYtype *form = ablak_ydoc_root(doc, "map"), *text = ablak_ydoc_root(doc, "text");
  guint64 length = ablak_ytype_length(text), at = choice % (length + 1);
  json_t *value = json_pack("[i, s]", choice, "x");
  ablak_ydoc_begin(doc);
  ablak_ymap_set(form, "k0", value, NULL);
  ablak_ymap_set_type(form, "k1", ABLAK_YTYPE_TEXT, NULL);
  ablak_ytext_insert(text, at, "a\xf0\x9f\x98\x80", NULL);
  ablak_ytext_delete(text, at, 1, NULL);
  if ((choice & 64) != 0)
    ablak_ytext_replace(text, "other", NULL);
  GBytes *update = ablak_ydoc_commit(doc);
  g_clear_pointer(&update, g_bytes_unref);
  json_decref(value);
}

/* `given`: bytes of input so far; what had waited may come to rest only now. */
static void apply(AblakYdoc *doc, const guint8 *data, gsize size, guint8 choice, gsize given)
{
  g_autoptr(AblakYdocReport) report = NULL;
  gsize before = ablak_ydoc_bytes(doc);
  heap_watch();
  bool good = (choice & 128) != 0
                  ? ablak_ydoc_apply_checked(doc, data, size, choice, ABLAK_YDOC_BEFORE, allow_some,
                                             &choice, &report, NULL)
                  : ablak_ydoc_apply(doc, data, size, choice, choice & 7, &report, NULL);
  if ((choice & (128 | ABLAK_YDOC_CHANGES | ABLAK_YDOC_BEFORE)) == 0)
    heap_check(given, 128);
  if (!good)
    g_assert_cmpuint(ablak_ydoc_bytes(doc), ==, before);
  if ((choice & 32) != 0)
    edit(doc, choice);
  check_document(doc);
}

/* What is written is read again, and holds as much. (Forged pending structs that overlap known ones
 * lose what they waited for when they are cut.) */
static void read_back(AblakYdoc *doc)
{
  AblakYdocOptions options = {.max_bytes = 1 << 28};
  g_autoptr(AblakYdoc) copy = ablak_ydoc_new(&options);
  g_autoptr(GBytes) state = ablak_ydoc_encode(doc, NULL, 0, NULL);
  gsize size;
  const guint8 *data = g_bytes_get_data(state, &size);
  g_assert_true(ablak_ydoc_apply(copy, data, size, 0, 0, NULL, NULL));
  check_document(copy);
  g_autoptr(GBytes) one = ablak_ydoc_state_vector(doc);
  g_autoptr(GBytes) other = ablak_ydoc_state_vector(copy);
  if (!ablak_ydoc_has_pending(doc))
    g_assert_true(g_bytes_equal(one, other));
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  AblakYdocOptions options = {
      .client_id = 5, .max_bytes = 1 << 24, .keep_deleted = size % 2 == 1, .max_depth = 8};
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(&options);
  size_t total = size;
  while (size > 3) {
    size_t part = MIN((size_t)data[0] << 8 | data[1], size - 3);
    apply(doc, data + 3, part, data[2], total - (size - 3 - part));
    ablak_ydoc_free(check_loading(data + 3, part, &options));
    data += 3 + part;
    size -= 3 + part;
  }
  apply(doc, data, size, 0, total);
  ablak_ydoc_free(check_loading(data, size, &options));
  g_assert_cmpuint(ablak_ydoc_bytes(doc), <=, (1 << 14) + 400 * total);
  json_decref(ablak_ydoc_json(doc));
  json_decref(ablak_ytype_json(ablak_ydoc_root(doc, "xml"), ABLAK_YTYPE_XML_FRAGMENT));
  json_decref(ablak_ytext_delta(ablak_ydoc_root(doc, "text")));
  read_back(doc);
  return 0;
}
