/* Loading: a new document takes an update in one go. It must come to the same as taking it struct
 * by struct, whatever the update is; and what is in order must not need the slower way. */
#include "../../../fuzz/coedit/loading.h"
#include "forms/coedit/apply.h"
#include "forms/coedit/update.h"
#include "support.h"

#define PEOPLE 3

static void check_bytes(GBytes *update)
{
  static const AblakYdocOptions options = {.client_id = 50};
  gsize size;
  const void *data = g_bytes_get_data(update, &size);
  AblakYdoc *doc = check_loading(data, size, &options);
  g_assert_nonnull(doc);
  ablak_ydoc_free(doc);
}

/* Whether it goes in one go. */
static bool goes_at_once(GBytes *update)
{
  g_autoptr(AblakYdoc) doc = new_doc(50);
  gsize size;
  const void *data = g_bytes_get_data(update, &size);
  return doc_load(doc, data, size, 0);
}

/* ---- random histories ---- */

static void edit_rows(AblakYtype *rows, GRand *random)
{
  guint64 length = ablak_ytype_length(rows);
  guint64 at = (guint64)g_rand_int_range(random, 0, (gint32)length + 1);
  if (length > 2 && g_rand_boolean(random)) {
    g_assert_true(ablak_yarray_delete(rows, MIN(at, length - 1), 1, NULL));
    return;
  }
  AblakYtype *row = ablak_yarray_insert_type(rows, at, ABLAK_YTYPE_MAP, NULL);
  g_autoptr(json_t) value = json_integer((json_int_t)at);
  g_assert_true(ablak_ymap_set(row, "number", value, NULL));
  g_assert_nonnull(ablak_ymap_set_type(row, "name", ABLAK_YTYPE_TEXT, NULL));
}

static void edit_text(AblakYtype *text, GRand *random)
{
  static const char *const words[] = {"a", "word", "ő", "€5", "😀", "längere Wörter"};
  guint64 length = ablak_ytype_length(text);
  guint64 at = (guint64)g_rand_int_range(random, 0, (gint32)length + 1);
  const char *word = words[g_rand_int_range(random, 0, G_N_ELEMENTS(words))];
  if (length - at > 3 && g_rand_int_range(random, 0, 3) == 0)
    g_assert_true(ablak_ytext_delete(text, at, 3, NULL));
  else
    g_assert_true(ablak_ytext_insert(text, at, word, NULL));
}

static void edit(AblakYdoc *doc, GRand *random, GPtrArray *updates)
{
  static const char *const keys[] = {"one", "two"};
  ablak_ydoc_begin(doc);
  switch (g_rand_int_range(random, 0, 6)) {
  case 0: {
    g_autoptr(json_t) value = json_pack("[i, s]", g_rand_int_range(random, 0, 9), "é");
    const char *key = keys[g_rand_int_range(random, 0, G_N_ELEMENTS(keys))];
    g_assert_true(ablak_ymap_set(ablak_ydoc_root(doc, "form"), key, value, NULL));
    break;
  }
  case 1:
    edit_rows(ablak_ydoc_root(doc, "rows"), random);
    break;
  default:
    edit_text(ablak_ydoc_root(doc, "text"), random);
  }
  GBytes *update = ablak_ydoc_commit(doc);
  if (update != NULL)
    g_ptr_array_add(updates, update);
}

/* Now and then one learns what another wrote, so that their structs need each other's. */
static void meet(AblakYdoc *one, const AblakYdoc *other)
{
  g_autoptr(GBytes) state = ablak_ydoc_encode(other, NULL, 0, NULL);
  apply(one, state);
}

static void check_merged(GPtrArray *updates, GRand *random)
{
  for (guint i = updates->len; i-- > 1;) {
    guint k = (guint)g_rand_int_range(random, 0, (gint32)i + 1);
    gpointer kept = updates->pdata[i];
    updates->pdata[i] = updates->pdata[k];
    updates->pdata[k] = kept;
  }
  GBytes *const *all = (GBytes *const *)updates->pdata;
  g_autoptr(GBytes) merged = ablak_yupdate_merge(all, updates->len, NULL);
  check_bytes(merged);
  /* some are missing: what needs them has to wait */
  g_autoptr(GBytes) part = ablak_yupdate_merge(all, updates->len * 3 / 4, NULL);
  check_bytes(part);
}

static void check_history(guint32 seed)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  g_autoptr(GPtrArray) updates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  AblakYdoc *docs[PEOPLE];
  g_test_message("seed %u", seed);
  for (guint i = 0; i < PEOPLE; i++)
    docs[i] = new_doc(10 + i);
  for (guint step = 0; step < 120; step++) {
    guint who = (guint)g_rand_int_range(random, 0, PEOPLE);
    edit(docs[who], random, updates);
    if (g_rand_int_range(random, 0, 4) == 0)
      meet(docs[who], docs[(who + 1) % PEOPLE]);
  }
  for (guint i = 0; i < PEOPLE; i++) {
    g_autoptr(GBytes) state = ablak_ydoc_encode(docs[i], NULL, 0, NULL);
    check_bytes(state);
    g_assert_true(goes_at_once(state));
    ablak_ydoc_free(docs[i]);
  }
  check_merged(updates, random);
}

static void test_histories(void)
{
  for (guint32 seed = 1; seed <= 200; seed++)
    check_history(seed);
}

/* ---- out of the ordinary ---- */

/* Wherever it ends too early: refused, and the document is as new. */
static void test_cut(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(7), other = new_doc(8);
  g_autoptr(GRand) random = g_rand_new_with_seed(1);
  g_autoptr(GPtrArray) updates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (guint step = 0; step < 40; step++)
    edit(step % 3 == 0 ? other : doc, random, updates);
  meet(doc, other);
  g_autoptr(GBytes) state = ablak_ydoc_encode(doc, NULL, 0, NULL);
  AblakYdocOptions options = {.client_id = 50};
  g_autoptr(AblakYdoc) refusing = ablak_ydoc_new(&options);
  gsize size, before = ablak_ydoc_bytes(refusing);
  const guint8 *data = g_bytes_get_data(state, &size);
  for (gsize cut = 0; cut < size; cut++) {
    g_autofree guint8 *copy = g_memdup2(data, cut); /* exact, so that ASan sees a byte too far */
    g_assert_null(check_loading(copy, cut, &options));
    g_assert_false(ablak_ydoc_apply(refusing, copy, cut, 0, 0, NULL, NULL));
    g_assert_cmpuint(ablak_ydoc_bytes(refusing), ==, before);
  }
  apply(refusing, state);
  assert_equal(refusing, doc);
}

/* Updates by hand. */

#define BYTES(text) text, sizeof text - 1

static const struct {
  const char *what, *bytes;
  gsize size;
  bool at_once;
} cases[] = {
    {"two letters, one after the other",
     BYTES("\x01\x02\x07\x00\x04\x01\x01t\x01"
           "a\x84\x07\x00\x01"
           "b\x00"),
     true},
    {"the second half of a pair of structs stands before the first",
     BYTES("\x01\x02\x07\x00\x04\x01\x01t\x01"
           "a\x44\x07\x00\x01"
           "b\x00"),
     true},
    {"two people, each before the other's letter",
     BYTES("\x02\x01\x09\x00\x44\x07\x00\x01"
           "x\x01\x07\x00\x04\x01\x01t\x01"
           "a\x00"),
     true},
    {"a gap in front",
     BYTES("\x01\x01\x07\x01\x84\x07\x00\x01"
           "b\x00"),
     false},
    {"a gap between",
     BYTES("\x01\x03\x07\x00\x04\x01\x01t\x01"
           "a\x0a\x02\x84\x07\x02\x01"
           "b\x00"),
     false},
    {"another person's struct is missing",
     BYTES("\x01\x01\x07\x00\x84\x09\x00\x01"
           "b\x00"),
     false},
    {"each waits for the other",
     BYTES("\x02\x01\x09\x00\x84\x07\x00\x01"
           "x\x01\x07\x00\x84\x09\x00\x01"
           "a\x00"),
     false},
    {"garbage on the left",
     BYTES("\x01\x02\x07\x00\x00\x02\x84\x07\x01\x01"
           "b\x00"),
     false},
    {"a parent that is no type",
     BYTES("\x01\x02\x07\x00\x04\x01\x01t\x01"
           "a\x04\x00\x07\x00\x01"
           "b\x00"),
     false},
    {"letters as an entry of a map",
     BYTES("\x01\x02\x07\x00\x24\x01\x01t\x01k\x01"
           "a\x84\x07\x00\x01"
           "b\x00"),
     false},
    {"a person twice",
     BYTES("\x02\x01\x07\x00\x04\x01\x01t\x01"
           "a\x01\x07\x00\x04\x01\x01t\x01"
           "a\x00"),
     false},
    {"a deletion of what is not there",
     BYTES("\x01\x01\x07\x00\x04\x01\x01t\x01"
           "a\x01\x07\x01\x00\x02"),
     false},
    {"a deletion of nobody's",
     BYTES("\x01\x01\x07\x00\x04\x01\x01t\x01"
           "a\x01\x08\x01\x00\x01"),
     false},
    {"deletions back and forth",
     BYTES("\x01\x01\x07\x00\x04\x01\x01t\x04"
           "abcd\x01\x07\x03\x03\x01\x00\x01\x03\x01"),
     true},
    {"values in two structs, between the first of which somebody wrote",
     BYTES("\x02\x01\x09\x00\xc8\x07\x00\x07\x01\x01x"
           "\x02\x07\x00\x08\x01\x01t\x03xxx\x88\x07\x02\x01y\x00"),
     true},
    {"in our own name",
     BYTES("\x01\x01\x32\x00\x04\x01\x01t\x01"
           "a\x00"),
     true},
    {"nothing", BYTES("\x00\x00"), false},
};

static void test_cases(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_test_message("%s", cases[i].what);
    g_autoptr(GBytes) update = g_bytes_new_static(cases[i].bytes, cases[i].size);
    check_bytes(update);
    g_assert_cmpint(goes_at_once(update), ==, cases[i].at_once);
  }
}

/* Room for items that came to nothing is no item: a document that has it is not new any more. */
static void test_empty_structs(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(1);
  g_autoptr(GBytes) empty = g_bytes_new_static(BYTES("\x01\x02\x07\x00\x00\x00\x00\x00\x00"));
  apply(doc, empty);
  gsize before = ablak_ydoc_bytes(doc);
  g_assert_false(ablak_ydoc_apply(doc, "\x01", 1, 0, 0, NULL, NULL));
  g_assert_cmpuint(ablak_ydoc_bytes(doc), ==, before);
  g_autoptr(GBytes) letters = g_bytes_new_static(cases[0].bytes, cases[0].size);
  apply(doc, letters);
  assert_doc(doc, "{\"t\":\"ab\"}");
}

/* A document of a random client id takes another one when somebody wrote in its name. */
static void test_own_name(void)
{
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(NULL);
  guint64 before = ablak_ydoc_client_id(doc);
  g_autoptr(AblakYdoc) writer = new_doc(before);
  ablak_ydoc_begin(writer);
  g_assert_true(ablak_ytext_insert(ablak_ydoc_root(writer, "text"), 0, "x", NULL));
  g_autoptr(GBytes) update = ablak_ydoc_commit(writer);
  apply(doc, update);
  g_assert_cmpuint(ablak_ydoc_client_id(doc), !=, before);
}

/* What was typed letter by letter does not stay in pieces. */
static void test_letters(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(7);
  g_autoptr(GPtrArray) updates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (guint i = 0; i < 2000; i++) {
    ablak_ydoc_begin(doc);
    g_assert_true(ablak_ytext_insert(ablak_ydoc_root(doc, "text"), i, "x", NULL));
    g_ptr_array_add(updates, ablak_ydoc_commit(doc));
  }
  g_autoptr(GBytes) merged =
      ablak_yupdate_merge((GBytes *const *)updates->pdata, updates->len, NULL);
  g_autoptr(AblakYdoc) loaded = new_doc(50);
  apply(loaded, merged);
  assert_equal(loaded, doc);
  g_assert_true(goes_at_once(merged));
  g_assert_cmpuint(ablak_ydoc_bytes(loaded), <, 4000);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/loading/histories", test_histories);
  g_test_add_func("/coedit/loading/cut", test_cut);
  g_test_add_func("/coedit/loading/cases", test_cases);
  g_test_add_func("/coedit/loading/empty-structs", test_empty_structs);
  g_test_add_func("/coedit/loading/own-name", test_own_name);
  g_test_add_func("/coedit/loading/letters", test_letters);
  return g_test_run();
}
