/* Bytes nobody should send: refused whole, or harmless. */
#include "forms/coedit/update.h"
#include "support.h"

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

static GBytes *some_update(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(7);
  g_autoptr(json_t) value = json_pack("{s:[i, s], s:f}", "a", 1, "é", "b", 2.5);
  ablak_ydoc_begin(doc);
  AblakYtype *form = ablak_ydoc_root(doc, "form");
  g_assert_true(ablak_ymap_set(form, "value", value, NULL));
  AblakYtype *text = ablak_ymap_set_type(form, "text", ABLAK_YTYPE_TEXT, NULL);
  g_assert_true(ablak_ytext_insert(text, 0, "hello é😀", NULL));
  g_assert_true(ablak_ytext_delete(text, 1, 2, NULL));
  return ablak_ydoc_commit(doc);
}

static void assert_refused(AblakYdoc *doc, const void *data, gsize size)
{
  g_autoptr(GError) error = NULL;
  gsize before = ablak_ydoc_bytes(doc);
  g_assert_false(ablak_ydoc_apply(doc, data, size, 0, 0, NULL, &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_INVALID);
  g_assert_cmpstr(ablak_error_slug(error), ==, "coedit/malformed");
  g_assert_cmpuint(ablak_ydoc_bytes(doc), ==, before);
}

/* Every beginning of an update is refused, and so is anything behind its end. */
static void test_truncated(void)
{
  g_autoptr(GBytes) update = some_update();
  g_autoptr(AblakYdoc) doc = new_doc(1);
  gsize size;
  const guint8 *data = g_bytes_get_data(update, &size);
  for (gsize cut = 0; cut < size; cut++) {
    g_autofree guint8 *copy = g_memdup2(data, cut); /* exact, so that ASan sees a byte too far */
    assert_refused(doc, copy, cut);
  }
  g_autofree guint8 *longer = g_malloc0(size + 1);
  memcpy(longer, data, size);
  assert_refused(doc, longer, size + 1);
  assert_doc(doc, "{}");
}

static void test_malformed(void)
{
  static const struct {
    const char *bytes;
    gsize size;
  } cases[] = {
      {"\x01\x01\x07\x00\x0b\x01\x01t\x00", 9},                     /* no such content */
      {"\x01\x01\x07\x00\x04\x01\x01t\x02\xc3\x28\x00", 12},        /* not UTF-8 */
      {"\x01\x01\x07\x00\x04\x01\x01t\x03\xed\xa0\x80\x00", 13},    /* a surrogate in UTF-8 */
      {"\x01\x01\x07\x00\x07\x01\x01t\x07\x00", 10},                /* no such type */
      {"\x01\x01\x07\x00\x05\x01\x01t\x02[1\x00", 12},              /* JSON cut short */
      {"\x01\x01\x07\x00\x08\x01\x01t\x01\x60\x00", 11},            /* no such value */
      {"\x01\x01\x07\x00\x84\x07\x00\x01x\x00", 10},                /* its origin is itself */
      {"\x01\x01\x07\x00\x84\x07\x05\x01x\x00", 10},                /* its origin is its future */
      {"\x00\x01\x07\x01\x00\xff\xff\xff\xff\xff\xff\xff\x7f", 13}, /* more than 53 bits */
      {"\xff\xff\xff\xff\x0f", 5},                                  /* more runs than bytes */
  };
  g_autoptr(AblakYdoc) doc = new_doc(1);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    assert_refused(doc, cases[i].bytes, cases[i].size);
  assert_doc(doc, "{}");
}

/* A value nested deeper than 64 levels is no value. */
static void test_deep_value(void)
{
  for (guint depth = 63; depth <= 66; depth++) {
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(AblakYdoc) doc = new_doc(1);
    append_all(bytes, "\x01\x01\x07\x00\x08\x01\x01t\x01", 9);
    for (guint i = 0; i < depth; i++)
      append_all(bytes, "\x75\x01", 2);
    append_all(bytes, "\x7e\x00", 2);
    bool good = ablak_ydoc_apply(doc, bytes->data, bytes->len, 0, 0, NULL, NULL);
    g_assert_true(good == (depth <= 64));
    json_decref(ablak_ydoc_json(doc));
  }
}

/* Types nested 50,000 deep are integrated, read as far as the bound says, deleted and freed. */
static void test_deep_types(void)
{
  enum { DEPTH = 50000 };
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  append_uint(bytes, 1);
  append_uint(bytes, DEPTH);
  append_all(bytes, "\x07\x00", 2);
  append_all(bytes, "\x07\x01\x04list\x00", 8);
  for (guint64 i = 1; i < DEPTH; i++) {
    append_all(bytes, "\x07\x00\x07", 3);
    append_uint(bytes, i - 1);
    append_all(bytes, "\x00", 1);
  }
  append_all(bytes, "\x00", 1);
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(AblakYdocReport) report = NULL;
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_ydoc_apply(doc, bytes->data, bytes->len, 0,
                                 ABLAK_YDOC_UPDATE | ABLAK_YDOC_BEFORE, &report, &error));
  g_assert_cmpuint(report->changes->len, ==, 1);
  json_decref(ablak_ydoc_json(doc));
  ablak_ydoc_begin(doc);
  g_assert_true(ablak_yarray_delete(ablak_ydoc_root(doc, "list"), 0, 1, NULL));
  GBytes *update = ablak_ydoc_commit(doc);
  g_bytes_unref(update);
  assert_json(ablak_ytype_json(ablak_ydoc_root(doc, "list"), ABLAK_YTYPE_ARRAY), "[]");
  g_autoptr(GBytes) state = ablak_ydoc_encode(doc, NULL, 0, NULL);
  g_assert_cmpuint(g_bytes_get_size(state), <, 64); /* all of it is garbage, and merged */
}

static void test_too_large(void)
{
  AblakYdocOptions options = {.client_id = 1, .max_bytes = 20000};
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(&options);
  g_autoptr(AblakYdoc) source = new_doc(2);
  g_autofree char *text = g_strnfill(30000, 'x');
  g_autoptr(GError) error = NULL;
  ablak_ydoc_begin(source);
  g_assert_true(ablak_ytext_insert(ablak_ydoc_root(source, "text"), 0, text, NULL));
  g_autoptr(GBytes) update = ablak_ydoc_commit(source);
  gsize size;
  const void *data = g_bytes_get_data(update, &size);
  g_assert_false(ablak_ydoc_apply(doc, data, size, 0, 0, NULL, &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_TOO_LARGE);
  g_assert_cmpstr(ablak_error_slug(error), ==, "coedit/too-large");
  assert_doc(doc, "{}");
  ablak_ydoc_begin(doc);
  g_clear_error(&error);
  g_assert_false(ablak_ytext_insert(ablak_ydoc_root(doc, "text"), 0, text, &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_TOO_LARGE);
  g_assert_null(ablak_ydoc_commit(doc));
}

static void assert_too_large(AblakYdoc *doc, const GByteArray *bytes)
{
  g_autoptr(GError) error = NULL;
  gsize before = ablak_ydoc_bytes(doc);
  g_assert_false(ablak_ydoc_apply(doc, bytes->data, bytes->len, 0, 0, NULL, &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_TOO_LARGE);
  g_assert_cmpstr(ablak_error_slug(error), ==, "coedit/too-large");
  g_assert_cmpuint(ablak_ydoc_bytes(doc), ==, before);
}

/* One struct of deleted content (or of garbage) in the name of client 7, from `clock` on. */
static GByteArray *long_struct(bool garbage, guint64 clock, guint64 length)
{
  GByteArray *bytes = g_byte_array_new();
  append_all(bytes, "\x01\x01\x07", 3);
  append_uint(bytes, clock);
  if (garbage)
    append_all(bytes, "\x00", 1);
  else
    append_all(bytes, "\x01\x01\x04text", 7);
  append_uint(bytes, length);
  append_all(bytes, "\x00", 1);
  return bytes;
}

/* Clocks end at 2^32 - 2, for what waits as well; without a document they have 53 bits. */
static void test_huge_lengths(void)
{
  const guint64 last = G_MAXUINT32 - 1;
  static const struct {
    guint64 clock, length;
  } cases[] = {{0, G_GUINT64_CONSTANT(1) << 52},
               {0, G_MAXUINT32},
               {5, G_MAXUINT32 - 5},
               {G_GUINT64_CONSTANT(1) << 50, 1}};
  for (guint i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
    g_autoptr(AblakYdoc) doc = new_doc(1);
    g_autoptr(GByteArray) bytes = long_struct(i % 2 == 0, cases[i / 2].clock, cases[i / 2].length);
    assert_too_large(doc, bytes);
    assert_doc(doc, "{}");
    g_assert_false(ablak_ydoc_has_pending(doc));
    g_autoptr(GBytes) update = g_bytes_new(bytes->data, bytes->len);
    GBytes *const both[2] = {update, update};
    g_autoptr(GBytes) merged = ablak_yupdate_merge(both, 2, NULL);
    g_assert_nonnull(merged);
    g_autoptr(GBytes) rest = ablak_yupdate_diff(bytes->data, bytes->len, "\x01\x07\x05", 3, NULL);
    g_assert_nonnull(rest);
  }
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(GByteArray) bytes = long_struct(false, 0, last - 1), more = long_struct(true, last, 1);
  g_assert_true(ablak_ydoc_apply(doc, bytes->data, bytes->len, 0, 0, NULL, NULL));
  assert_too_large(doc, more);
  bytes->data[bytes->len - 1] = 1; /* of which much is deleted: \x07, one range, beyond the end */
  append_all(bytes, "\x07\x01\x05", 3);
  append_uint(bytes, G_GUINT64_CONSTANT(1) << 51);
  g_assert_true(ablak_ydoc_apply(doc, bytes->data, bytes->len, 0, 0, NULL, NULL));
  g_assert_cmpuint(ablak_ydoc_bytes(doc), <, 10000);
  assert_doc(doc, "{\"text\":[]}");
}

/* Who writes in our name leaves us room to write and repair. */
static void test_own_clock_taken(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(7);
  g_autoptr(GByteArray) most = long_struct(true, 0, G_MAXUINT32 - 1);
  g_autoptr(GByteArray) less = long_struct(true, 0, G_MAXUINT32 - 1 - (1u << 30));
  g_autoptr(GError) error = NULL;
  assert_too_large(doc, most);
  g_assert_true(ablak_ydoc_apply(doc, less->data, less->len, 0, 0, NULL, NULL));
  ablak_ydoc_begin(doc);
  g_assert_false(ablak_ytext_insert(ablak_ydoc_root(doc, "text"), 0, "x", &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_TOO_LARGE);
  g_assert_null(ablak_ydoc_commit(doc));
}

/* More writers than a document can number, at once and one after another. */
static void test_many_writers(void)
{
  enum { MANY = 65534 };
  g_autoptr(GByteArray) all = g_byte_array_new(), fitting = g_byte_array_new();
  append_uint(all, MANY);
  append_uint(fitting, MANY - 1);
  for (guint i = 0; i < MANY; i++) {
    GByteArray *targets[] = {all, i + 1 < MANY ? fitting : NULL};
    for (guint k = 0; k < 2 && targets[k] != NULL; k++) {
      append_uint(targets[k], 1);
      append_uint(targets[k], 1000 + i);
      append_all(targets[k], "\x00\x00\x01", 3);
    }
  }
  append_uint(all, 0);
  append_uint(fitting, 0);
  g_autoptr(AblakYdoc) doc = new_doc(1);
  assert_too_large(doc, all);
  g_assert_true(ablak_ydoc_apply(doc, fitting->data, fitting->len, 0, 0, NULL, NULL));
  g_assert_true(ablak_ydoc_apply(doc, fitting->data, fitting->len, 0, 0, NULL, NULL));
  ablak_ydoc_begin(doc);
  g_assert_true(ablak_ytext_insert(ablak_ydoc_root(doc, "text"), 0, "x", NULL));
  g_autoptr(GBytes) update = ablak_ydoc_commit(doc);
  g_assert_nonnull(update);
  g_autoptr(GByteArray) one = long_struct(true, 0, 1);
  assert_too_large(doc, one);
}

/* ContentJSON, which today's yjs only reads, and values JSON has no word for. */
static void test_old_content(void)
{
  static const char old[] =
      "\x01\x01\x07\x00\x02\x01\x01l\x03\x07{\"a\":1}\x09undefined\x04null\x00";
  static const char values[] =
      "\x01\x01\x08\x00\x08\x01\x01v\x05\x7f\x7b\x7f\xf8\x00\x00\x00\x00\x00"
      "\x00\x7a\x00\x00\x00\x00\x00\x00\x00\x05\x74\x02hi\x7d\x45\x00";
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_ydoc_apply(doc, old, sizeof old - 1, 0, 0, NULL, &error));
  g_assert_true(ablak_ydoc_apply(doc, values, sizeof values - 1, 0, 0, NULL, &error));
  assert_doc(doc, "{\"l\":[{\"a\":1},null,null],\"v\":[null,null,5,\"aGk=\",-5]}");
  g_autoptr(GBytes) state = ablak_ydoc_encode(doc, NULL, 0, NULL);
  g_autoptr(AblakYdoc) copy = new_doc(2);
  apply(copy, state);
  assert_equal(doc, copy);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/hostile/truncated", test_truncated);
  g_test_add_func("/coedit/hostile/malformed", test_malformed);
  g_test_add_func("/coedit/hostile/deep-value", test_deep_value);
  g_test_add_func("/coedit/hostile/deep-types", test_deep_types);
  g_test_add_func("/coedit/hostile/too-large", test_too_large);
  g_test_add_func("/coedit/hostile/huge-lengths", test_huge_lengths);
  g_test_add_func("/coedit/hostile/own-clock-taken", test_own_clock_taken);
  g_test_add_func("/coedit/hostile/many-writers", test_many_writers);
  g_test_add_func("/coedit/hostile/old-content", test_old_content);
  return g_test_run();
}
