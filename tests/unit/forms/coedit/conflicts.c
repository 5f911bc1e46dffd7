/* Values of one map entry that were written without knowledge of each other. */
#include "forms/coedit/awareness.h"
#include "support.h"

enum { ONE = 1, OTHER = 2 };

static GBytes *set_value(AblakYdoc *doc, const char *value)
{
  g_autoptr(json_t) json = json_string(value);
  ablak_ydoc_begin(doc);
  g_assert_true(ablak_ymap_set(ablak_ydoc_root(doc, "form"), "kind", json, NULL));
  return ablak_ydoc_commit(doc);
}

static AblakYdocReport *take(AblakYdoc *doc, GBytes *update, guint64 origin)
{
  AblakYdocReport *report = NULL;
  g_autoptr(GError) error = NULL;
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  g_assert_true(ablak_ydoc_apply(doc, data, size, origin,
                                 ABLAK_YDOC_UPDATE | ABLAK_YDOC_BEFORE | ABLAK_YDOC_CONFLICTS,
                                 &report, &error));
  return report;
}

static const AblakYdocChange *only(const GPtrArray *changes)
{
  g_assert_cmpuint(changes->len, ==, 1);
  return g_ptr_array_index(changes, 0);
}

/* Who saw the value corrects it; that is no conflict. */
static void test_correction(void)
{
  g_autoptr(AblakYdoc) box = new_doc(1), one = new_doc(30), other = new_doc(20);
  g_autoptr(GBytes) first = set_value(one, "a");
  g_autoptr(AblakYdocReport) fresh = take(box, first, ONE);
  g_assert_false(only(fresh->changes)->concurrent);
  apply(other, first);
  g_autoptr(GBytes) second = set_value(other, "b");
  g_autoptr(AblakYdocReport) corrected = take(box, second, OTHER);
  const AblakYdocChange *change = only(corrected->changes);
  g_assert_false(change->concurrent);
  g_assert_cmpstr(json_string_value(change->before), ==, "a");
  g_assert_cmpuint(corrected->lost->len, ==, 0);
}

/* The higher client id wins, whichever comes first: one of the two is told either way. */
static void test_concurrent(void)
{
  for (int late_wins = 0; late_wins < 2; late_wins++) {
    g_autoptr(AblakYdoc) box = new_doc(1), early = new_doc(late_wins ? 20 : 30),
                         late = new_doc(late_wins ? 30 : 20);
    g_autoptr(GBytes) first = set_value(early, "early"), draft = set_value(late, "not yet");
    g_autoptr(GBytes) last = set_value(late, "late"); /* the later of the two counts */
    g_autoptr(GBytes) both = ablak_ydoc_encode(late, NULL, 0, NULL);
    ablak_ydoc_report_free(take(box, first, ONE));
    g_autoptr(AblakYdocReport) report = take(box, both, OTHER);
    if (late_wins) {
      const AblakYdocChange *change = only(report->changes);
      g_assert_true(change->concurrent);
      g_assert_cmpstr(json_string_value(change->before), ==, "early");
      g_assert_cmpuint(report->lost->len, ==, 0);
    } else {
      g_assert_cmpuint(report->changes->len, ==, 0);
      const AblakYdocChange *lost = only(report->lost);
      g_assert_cmpstr(json_string_value(lost->before), ==, "late");
      g_assert_cmpuint(lost->client, ==, 20);
      g_assert_cmpuint(lost->origin, ==, OTHER);
      g_autofree char *path = json_dumps(lost->path, JSON_COMPACT);
      g_assert_cmpstr(path, ==, "[\"form\",\"kind\"]");
    }
    apply(early, both);
    apply(late, first);
    assert_equal(early, box);
    assert_equal(late, box);
  }
}

/* Update by update: what the same writer had before is no second loss. */
static void test_lost_one_by_one(void)
{
  g_autoptr(AblakYdoc) box = new_doc(1), early = new_doc(30), late = new_doc(20);
  g_autoptr(GBytes) first = set_value(early, "early"), one = set_value(late, "one");
  g_autoptr(GBytes) two = set_value(late, "two"), known = NULL;
  ablak_ydoc_report_free(take(box, first, ONE));
  g_autoptr(AblakYdocReport) lost_one = take(box, one, OTHER), lost_two = take(box, two, OTHER);
  g_assert_cmpstr(json_string_value(only(lost_one->lost)->before), ==, "one");
  g_assert_cmpstr(json_string_value(only(lost_two->lost)->before), ==, "two");
  apply(late, first);
  known = set_value(late, "three"); /* now it has seen what stands */
  g_autoptr(AblakYdocReport) corrected = take(box, known, OTHER);
  g_assert_false(only(corrected->changes)->concurrent);
  g_assert_cmpuint(corrected->lost->len, ==, 0);
}

/* A row keeps its id when rows before it go, and in a document that was read back. */
static void test_ids(void)
{
  g_autoptr(AblakYdoc) box = new_doc(7), copy = new_doc(8);
  guint64 client[2] = {0}, clock[2] = {0};
  ablak_ydoc_begin(box);
  AblakYtype *rows = ablak_ydoc_root(box, "rows");
  g_assert_false(ablak_ytype_id(rows, &client[0], &clock[0]));
  for (guint64 i = 0; i < 3; i++)
    g_assert_nonnull(ablak_yarray_insert_type(rows, i, ABLAK_YTYPE_MAP, NULL));
  g_assert_true(ablak_ytype_id(ablak_yarray_get_type(rows, 2), &client[0], &clock[0]));
  g_assert_true(ablak_yarray_delete(rows, 0, 1, NULL));
  g_autoptr(GBytes) update = ablak_ydoc_commit(box);
  apply(copy, update);
  AblakYtype *copied = ablak_ydoc_root(copy, "rows");
  g_assert_true(ablak_ytype_id(ablak_yarray_get_type(copied, 1), &client[1], &clock[1]));
  g_assert_cmpuint(client[0], ==, 7);
  g_assert_cmpuint(client[0], ==, client[1]);
  g_assert_cmpuint(clock[0], ==, clock[1]);
}

static bool only_five(guint64 client, bool leaves, gpointer user_data)
{
  *(guint *)user_data += leaves;
  return client == 5;
}

/* What others would say for somebody is passed over, the rest is taken. */
static void test_awareness_of_others(void)
{
  g_autoptr(AblakYawareness) sender = ablak_yawareness_new(0, 0), box = ablak_yawareness_new(0, 0);
  g_autoptr(json_t) state = json_pack("{s:s}", "field", "/name");
  ablak_yawareness_set(sender, 5, state, 0);
  ablak_yawareness_set(sender, 6, state, 0);
  ablak_yawareness_set(sender, 6, NULL, 0);
  guint64 both[] = {5, 6};
  g_autoptr(GBytes) update = ablak_yawareness_encode(sender, both, 2);
  gsize size = 0;
  const void *data = g_bytes_get_data(update, &size);
  g_autoptr(GError) error = NULL;
  g_autoptr(GArray) taken = NULL;
  guint leaving = 0;
  ablak_yawareness_set(box, 6, state, 0);
  g_assert_true(
      ablak_yawareness_apply_checked(box, data, size, 0, only_five, &leaving, &taken, &error));
  g_assert_cmpuint(taken->len, ==, 1);
  g_assert_cmpuint(leaving, ==, 1);
  g_assert_nonnull(ablak_yawareness_get(box, 5));
  g_assert_nonnull(ablak_yawareness_get(box, 6));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/conflicts/correction", test_correction);
  g_test_add_func("/coedit/conflicts/concurrent", test_concurrent);
  g_test_add_func("/coedit/conflicts/lost-one-by-one", test_lost_one_by_one);
  g_test_add_func("/coedit/conflicts/ids", test_ids);
  g_test_add_func("/coedit/conflicts/awareness-of-others", test_awareness_of_others);
  return g_test_run();
}
