/* Differences for peers while the document changes: the delete set that is kept between two of them
 * is never an old one, and counts within the document's bound. */
#include "../../../fuzz/coedit/invariants.h"
#include "support.h"

static void type(AblakYdoc *doc, guint64 at, const char *text)
{
  ablak_ydoc_begin(doc);
  g_assert_true(ablak_ytext_insert(ablak_ydoc_root(doc, "text"), at, text, NULL));
  g_bytes_unref(ablak_ydoc_commit(doc));
}

/* In pieces: as many structs as letters. */
static void fill(AblakYdoc *doc, guint letters)
{
  for (guint i = 0; i < letters; i++)
    type(doc, 0, "x");
}

static void delete_at(AblakYdoc *doc, guint64 at)
{
  ablak_ydoc_begin(doc);
  g_assert_true(ablak_ytext_delete(ablak_ydoc_root(doc, "text"), at, 1, NULL));
  g_bytes_unref(ablak_ydoc_commit(doc));
}

static void send(const AblakYdoc *from, AblakYdoc *to)
{
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(to);
  gsize size;
  const void *data = g_bytes_get_data(vector, &size);
  g_autoptr(GBytes) difference = ablak_ydoc_encode(from, data, size, NULL);
  apply(to, difference);
}

/* A map in a list, gone as a whole: it leaves garbage. */
static void add_and_drop_row(AblakYdoc *doc)
{
  AblakYtype *rows = ablak_ydoc_root(doc, "rows");
  g_autoptr(json_t) value = json_string("v");
  ablak_ydoc_begin(doc);
  AblakYtype *row = ablak_yarray_insert_type(rows, 0, ABLAK_YTYPE_MAP, NULL);
  g_assert_true(ablak_ymap_set(row, "k", value, NULL));
  g_bytes_unref(ablak_ydoc_commit(doc));
  ablak_ydoc_begin(doc);
  g_assert_true(ablak_yarray_delete(rows, 0, 1, NULL));
  g_bytes_unref(ablak_ydoc_commit(doc));
}

/* So many at once that what is kept is given up. */
static void thin_out(AblakYdoc *doc)
{
  AblakYtype *text = ablak_ydoc_root(doc, "text");
  ablak_ydoc_begin(doc);
  for (guint64 at = 0; at < 100 && at < ablak_ytype_length(text); at++)
    g_assert_true(ablak_ytext_delete(text, at, 1, NULL));
  g_bytes_unref(ablak_ydoc_commit(doc));
}

static void edit(AblakYdoc *doc, GRand *random)
{
  guint64 length = ablak_ytype_length(ablak_ydoc_root(doc, "text"));
  guint64 at = (guint64)g_rand_int_range(random, 0, (gint32)length);
  switch (g_rand_int_range(random, 0, 5)) {
  case 0:
    delete_at(doc, at);
    break;
  case 1:
    add_and_drop_row(doc);
    break;
  default:
    type(doc, at, "word");
  }
}

static void test_changing(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(7), other = new_doc(8), mirror = new_doc(9);
  g_autoptr(GRand) random = g_rand_new_with_seed(1);
  fill(doc, 400);
  send(doc, other);
  for (guint step = 0; step < 400; step++) {
    if (step % 100 == 99)
      thin_out(doc);
    edit(step % 3 == 0 ? other : doc, random);
    if (step % 3 == 0)
      send(other, doc);
    send(doc, mirror);
    check_document(doc);
    assert_equal(doc, mirror);
    send(doc, other);
    assert_equal(doc, other);
  }
}

/* Garbage comes alone when what it belonged to came before. */
static void test_garbage(void)
{
  static const guint8 garbage[] = "\x01\x01\x0b\x00\x00\x02";
  g_autoptr(AblakYdoc) doc = new_doc(7), mirror = new_doc(9);
  fill(doc, 400);
  send(doc, mirror);
  g_autoptr(GBytes) update = g_bytes_new_static(garbage, sizeof garbage);
  apply(doc, update);
  check_document(doc);
  send(doc, mirror);
  g_autoptr(GBytes) one = ablak_ydoc_snapshot(doc), other = ablak_ydoc_snapshot(mirror);
  g_assert_true(g_bytes_equal(one, other));
}

/* One who is asked for differences all the time takes in as much as one who is never asked. */
static void test_bound(void)
{
  AblakYdocOptions options = {.client_id = 7, .max_bytes = 60000};
  g_autoptr(AblakYdoc) asked = ablak_ydoc_new(&options), quiet = ablak_ydoc_new(&options);
  g_autoptr(AblakYdoc) writer = new_doc(8);
  bool taken = true, kept = false;
  while (taken) {
    type(writer, 0, "xyz");
    delete_at(writer, 1);
    g_autoptr(GBytes) vector = ablak_ydoc_state_vector(quiet);
    gsize vector_size, size, before = ablak_ydoc_bytes(asked);
    const void *states = g_bytes_get_data(vector, &vector_size);
    g_autoptr(GBytes) update = ablak_ydoc_encode(writer, states, vector_size, NULL);
    const void *data = g_bytes_get_data(update, &size);
    taken = ablak_ydoc_apply(quiet, data, size, 0, 0, NULL, NULL);
    g_assert_cmpint(ablak_ydoc_apply(asked, data, size, 0, 0, NULL, NULL), ==, taken);
    if (!taken)
      g_assert_cmpuint(ablak_ydoc_bytes(asked), ==, before);
    GBytes *difference = ablak_ydoc_encode(asked, states, vector_size, NULL);
    g_bytes_unref(difference);
    kept = ablak_ydoc_bytes(asked) > ablak_ydoc_bytes(quiet);
    g_assert_cmpuint(ablak_ydoc_bytes(asked), <=, options.max_bytes);
  }
  g_assert_true(kept); /* else nothing was tried */
  assert_equal(asked, quiet);
}

/* A small document keeps nothing for it. */
static void test_small(void)
{
  g_autoptr(AblakYdoc) doc = new_doc(7);
  fill(doc, 100);
  delete_at(doc, 3);
  gsize before = ablak_ydoc_bytes(doc);
  g_autoptr(GBytes) state = ablak_ydoc_encode(doc, NULL, 0, NULL);
  g_assert_cmpuint(ablak_ydoc_bytes(doc), ==, before);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/differences/changing", test_changing);
  g_test_add_func("/coedit/differences/garbage", test_garbage);
  g_test_add_func("/coedit/differences/bound", test_bound);
  g_test_add_func("/coedit/differences/small", test_small);
  return g_test_run();
}
