/* A document as its users see it. */
#include "support.h"

static void set(AblakYtype *map, const char *key, json_t *value)
{
  g_assert_true(ablak_ymap_set(map, key, value, NULL));
  json_decref(value);
}

static GBytes *fill(AblakYdoc *doc)
{
  ablak_ydoc_begin(doc);
  AblakYtype *form = ablak_ydoc_root(doc, "form");
  set(form, "agree", json_true());
  set(form, "count", json_integer(-7));
  set(form, "ratio", json_real(0.1));
  set(form, "big", json_real(4294967296.0));
  set(form, "nested", json_pack("{s:[i, n, s]}", "list", 1, "é😀"));
  AblakYtype *name = ablak_ymap_set_type(form, "name", ABLAK_YTYPE_TEXT, NULL);
  g_assert_true(ablak_ytext_insert(name, 0, "Kovács Anna", NULL));
  AblakYtype *rows = ablak_ymap_set_type(form, "rows", ABLAK_YTYPE_ARRAY, NULL);
  AblakYtype *row = ablak_yarray_insert_type(rows, 0, ABLAK_YTYPE_MAP, NULL);
  set(row, "a", json_string("x"));
  return ablak_ydoc_commit(doc);
}

#define FILLED                                                                                     \
  "{\"form\":{\"agree\":true,\"big\":4294967296,\"count\":-7,\"name\":\"Kovács Anna\","           \
  "\"nested\":{\"list\":[1,null,\"é😀\"]},\"ratio\":0.1,\"rows\":[{\"a\":\"x\"}]}}"

static void test_round_trip(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(AblakYdoc) other = new_doc(2);
  g_autoptr(GBytes) update = fill(doc);
  assert_doc(doc, FILLED);
  apply(other, update);
  assert_equal(doc, other);
  apply(other, update); /* again changes nothing */
  assert_equal(doc, other);
  g_autoptr(GBytes) state = ablak_ydoc_encode(other, NULL, 0, NULL);
  g_autoptr(AblakYdoc) third = new_doc(3);
  apply(third, state);
  assert_doc(third, FILLED);
  ablak_ydoc_begin(doc);
  g_assert_null(ablak_ydoc_commit(doc));
}

static void test_difference(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(AblakYdoc) other = new_doc(2);
  g_autoptr(GBytes) update = fill(doc);
  apply(other, update);
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(other);
  ablak_ydoc_begin(doc);
  g_assert_true(ablak_ymap_delete(ablak_ydoc_root(doc, "form"), "agree"));
  g_assert_false(ablak_ymap_delete(ablak_ydoc_root(doc, "form"), "agree"));
  set(ablak_ydoc_root(doc, "form"), "more", json_string("ű"));
  GBytes *second = ablak_ydoc_commit(doc);
  g_bytes_unref(second);
  gsize size;
  const void *data = g_bytes_get_data(vector, &size);
  g_autoptr(GBytes) difference = ablak_ydoc_encode(doc, data, size, NULL);
  g_assert_cmpuint(g_bytes_get_size(difference), <, 40);
  apply(other, difference);
  assert_equal(doc, other);
}

static void test_text(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  ablak_ydoc_begin(doc);
  AblakYtype *text = ablak_ydoc_root(doc, "text");
  g_assert_true(ablak_ytext_insert(text, 0, "a😀b", NULL));
  g_assert_cmpuint(ablak_ytype_length(text), ==, 4);
  g_assert_true(ablak_ytext_delete(text, 3, 1, NULL));
  g_assert_true(ablak_ytext_insert(text, 3, "cd", NULL));
  g_autofree char *string = ablak_ytext_string(text);
  g_assert_cmpstr(string, ==, "a😀cd");
  g_assert_true(ablak_ytext_delete(text, 2, 1, NULL)); /* half a pair */
  g_autofree char *broken = ablak_ytext_string(text);
  g_assert_cmpstr(broken, ==,
                  "a\xef\xbf\xbd"
                  "cd");
  g_assert_true(ablak_ytext_replace(text, "a\xef\xbf\xbdűcd😀", NULL));
  g_autofree char *replaced = ablak_ytext_string(text);
  g_assert_cmpstr(replaced, ==, "a\xef\xbf\xbdűcd😀");
  g_autoptr(GBytes) update = ablak_ydoc_commit(doc);
  g_autoptr(AblakYdoc) other = new_doc(2);
  apply(other, update);
  assert_equal(doc, other);
}

static void test_replace_keeps_what_is_equal(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  AblakYtype *text = ablak_ydoc_root(doc, "text");
  static const char *const texts[] = {"",     "alma", "almafa", "alfa", "é",  "è", "éè",
                                      "aaaa", "aa",   "😀",      "😁",    "x😁", "",  "vége"};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    ablak_ydoc_begin(doc);
    g_assert_true(ablak_ytext_replace(text, texts[i], NULL));
    GBytes *update = ablak_ydoc_commit(doc);
    g_clear_pointer(&update, g_bytes_unref);
    g_autofree char *string = ablak_ytext_string(text);
    g_assert_cmpstr(string, ==, texts[i]);
  }
}

static void test_array(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(json_t) values = json_pack("[i, i, i, s]", 1, 2, 3, "x");
  ablak_ydoc_begin(doc);
  AblakYtype *list = ablak_ydoc_root(doc, "list");
  g_assert_true(ablak_yarray_insert(list, 0, values, NULL));
  g_assert_true(ablak_yarray_delete(list, 1, 2, NULL));
  AblakYtype *inner = ablak_yarray_insert_type(list, 1, ABLAK_YTYPE_MAP, NULL);
  set(inner, "k", json_integer(5));
  assert_json(ablak_ytype_json(list, ABLAK_YTYPE_ARRAY), "[1,{\"k\":5},\"x\"]");
  assert_json(ablak_yarray_get(list, 2), "\"x\"");
  g_assert_null(ablak_yarray_get(list, 3));
  g_assert_true(ablak_yarray_get_type(list, 1) == inner);
  GBytes *update = ablak_ydoc_commit(doc);
  g_bytes_unref(update);
}

static void test_paths(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  GBytes *update = fill(doc);
  g_bytes_unref(update);
  g_autoptr(json_t) path = json_pack("[s, s, i, s]", "form", "rows", 0, "a");
  assert_json(ablak_ydoc_json_at(doc, path), "\"x\"");
  g_autoptr(json_t) name = json_pack("[s, s]", "form", "name");
  g_assert_cmpint(ablak_ytype_kind(ablak_ydoc_type_at(doc, name)), ==, ABLAK_YTYPE_TEXT);
  g_autoptr(json_t) none = json_pack("[s, s, i]", "form", "rows", 9);
  g_assert_null(ablak_ydoc_json_at(doc, none));
  g_assert_cmpuint(ablak_ymap_get_client(ablak_ydoc_root(doc, "form"), "agree"), ==, 1);
}

static void test_out_of_range(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(GError) error = NULL;
  ablak_ydoc_begin(doc);
  AblakYtype *text = ablak_ydoc_root(doc, "text");
  g_assert_false(ablak_ytext_insert(text, 1, "x", &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_INVALID);
  g_assert_cmpstr(ablak_error_slug(error), ==, "coedit/out-of-range");
  g_assert_false(ablak_ytext_delete(text, 0, 1, NULL));
  g_assert_null(ablak_ydoc_commit(doc));
}

static void test_concurrent_typing(void)
{
  g_autoptr(AblakYdoc) one = new_doc(1);
  g_autoptr(AblakYdoc) two = new_doc(2);
  ablak_ydoc_begin(one);
  g_assert_true(ablak_ytext_insert(ablak_ydoc_root(one, "text"), 0, "abc", NULL));
  g_autoptr(GBytes) first = ablak_ydoc_commit(one);
  ablak_ydoc_begin(two);
  g_assert_true(ablak_ytext_insert(ablak_ydoc_root(two, "text"), 0, "xyz", NULL));
  g_autoptr(GBytes) second = ablak_ydoc_commit(two);
  apply(one, second);
  apply(two, first);
  assert_equal(one, two);
  assert_doc(one, "{\"text\":\"abcxyz\"}");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/round-trip", test_round_trip);
  g_test_add_func("/coedit/difference", test_difference);
  g_test_add_func("/coedit/text", test_text);
  g_test_add_func("/coedit/replace", test_replace_keeps_what_is_equal);
  g_test_add_func("/coedit/array", test_array);
  g_test_add_func("/coedit/paths", test_paths);
  g_test_add_func("/coedit/out-of-range", test_out_of_range);
  g_test_add_func("/coedit/concurrent-typing", test_concurrent_typing);
  return g_test_run();
}
