/* Bytes made to cost much: what a few bytes can make the engine hold has a bound. */
#include "../../../fuzz/coedit/heap.h"
#include "forms/coedit/awareness.h"
#include "forms/coedit/update.h"
#include "support.h"

#define COUNT 4000 /* pieces of an update */

static void append_uint(GByteArray *bytes, guint64 number)
{
  do {
    guint8 byte = (guint8)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
    g_byte_array_append(bytes, &byte, 1);
    number >>= 7;
  } while (number > 0);
}

static void append_all(GByteArray *bytes, const char *text, gsize size)
{
  g_byte_array_append(bytes, (const guint8 *)text, (guint)size);
}

/* One writer a run, each of one struct. */
static void many_runs(GByteArray *bytes, const char *item, gsize size)
{
  append_uint(bytes, COUNT);
  for (guint i = 0; i < COUNT; i++) {
    append_uint(bytes, 1);
    append_uint(bytes, i + 2);
    append_all(bytes, "\0", 1);
    append_all(bytes, item, size);
  }
  append_uint(bytes, 0);
}

/* One writer of many structs. */
static void many_structs(GByteArray *bytes, const char *item, gsize size)
{
  append_uint(bytes, 1);
  append_uint(bytes, COUNT);
  append_all(bytes, "\x07\0", 2);
  for (guint i = 0; i < COUNT; i++)
    append_all(bytes, item, size);
  append_uint(bytes, 0);
}

/* One text, of which every other letter is deleted. */
static void many_deletions(GByteArray *bytes)
{
  g_autofree char *text = g_strnfill(2 * COUNT, 'x');
  append_all(bytes, "\x01\x01\x07\0\x04\x01\x01t", 8);
  append_uint(bytes, 2 * COUNT);
  append_all(bytes, text, 2 * COUNT);
  append_all(bytes, "\x01\x07", 2);
  append_uint(bytes, COUNT);
  for (guint i = 0; i < COUNT; i++) {
    append_uint(bytes, 2 * i);
    append_uint(bytes, 1);
  }
}

/* Told what it changes, a document takes an update struct by struct; else in one go. */
static void apply_new(const GByteArray *bytes, guint want)
{
  AblakYdocOptions options = {.client_id = 1, .max_bytes = 1 << 30};
  g_autoptr(AblakYdocReport) report = NULL;
  heap_watch();
  AblakYdoc *doc = ablak_ydoc_new(&options);
  bool good = ablak_ydoc_apply(doc, bytes->data, bytes->len, 0, want, &report, NULL);
  g_test_message("%u bytes%s: %.0f times as many", bytes->len, good ? "" : " (refused)",
                 (double)heap_peak() / bytes->len);
  heap_check(bytes->len, 128);
  ablak_ydoc_free(doc);
}

static void take_update(const GByteArray *bytes)
{
  apply_new(bytes, ABLAK_YDOC_UPDATE);
  apply_new(bytes, 0);
  heap_watch();
  GBytes *input = g_bytes_new_static(bytes->data, bytes->len);
  GBytes *merged = ablak_yupdate_merge(&input, 1, NULL);
  GBytes *v2 = ablak_yupdate_to_v2(bytes->data, bytes->len, NULL);
  heap_check(bytes->len, 128);
  g_test_message("merged and converted: %.0f times", (double)heap_peak() / bytes->len);
  g_bytes_unref(input);
  g_clear_pointer(&merged, g_bytes_unref);
  if (v2 == NULL)
    return;
  gsize size;
  const void *data = g_bytes_get_data(v2, &size);
  heap_watch();
  GBytes *back = ablak_yupdate_from_v2(data, size, 0, NULL);
  g_test_message("back from %zu bytes: %.0f times", size, (double)heap_peak() / (double)size);
  heap_check(size, 1024);
  g_clear_pointer(&back, g_bytes_unref);
  g_bytes_unref(v2);
}

static void test_updates(void)
{
  static const struct {
    const char *bytes;
    gsize size;
  } items[] = {
      {"\0\x01", 2},                 /* garbage */
      {"\x01\x01\x01t\x01", 5},      /* deleted content */
      {"\x07\x01\x01t\x01", 5},      /* a map in a list */
      {"\x27\x01\x01t\x01k\x02", 7}, /* a text in a map's entry */
      {"\x04\x01\x01t\x01x", 6},     /* a letter */
      {"\x08\x01\x01t\x01\x7e", 6},  /* a value */
      {"\x81\x01\x05\x01", 4},       /* what waits for another writer's item */
  };
  for (gsize i = 0; i < G_N_ELEMENTS(items); i++) {
    g_autoptr(GByteArray) runs = g_byte_array_new(), structs = g_byte_array_new();
    many_runs(runs, items[i].bytes, items[i].size);
    take_update(runs);
    many_structs(structs, items[i].bytes, items[i].size);
    take_update(structs);
  }
  g_autoptr(GByteArray) deletions = g_byte_array_new();
  many_deletions(deletions);
  take_update(deletions);
}

static void test_state_vector(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  append_uint(bytes, COUNT);
  for (guint i = 0; i < COUNT; i++) {
    append_uint(bytes, i);
    append_uint(bytes, 1);
  }
  for (guint cut = 0; cut < 2; cut++) {
    heap_watch();
    GBytes *update = ablak_ydoc_encode(doc, bytes->data, bytes->len - cut, NULL);
    g_assert_true((update != NULL) == (cut == 0));
    g_test_message("%.0f times", (double)heap_peak() / bytes->len);
    heap_check(bytes->len, 128);
    g_clear_pointer(&update, g_bytes_unref);
  }
}

static void test_awareness(void)
{
  g_autoptr(AblakYawareness) awareness = ablak_yawareness_new(COUNT, 0);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  append_uint(bytes, COUNT);
  for (guint i = 0; i < COUNT; i++) {
    append_uint(bytes, i);
    append_all(bytes, "\x01\x08{\"a\":{}}", 10);
  }
  heap_watch();
  g_assert_true(ablak_yawareness_apply(awareness, bytes->data, bytes->len, 0, NULL, NULL));
  g_test_message("%.0f times", (double)heap_peak() / bytes->len);
  heap_check(bytes->len, 128);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/memory/updates", test_updates);
  g_test_add_func("/coedit/memory/state-vector", test_state_vector);
  g_test_add_func("/coedit/memory/awareness", test_awareness);
  return g_test_run();
}
