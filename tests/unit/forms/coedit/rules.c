/* Reports of changes, their origins, and repairs. */
#include "support.h"

enum { CITIZEN = 1, CLERK = 2 };

/* The box's document with its containers, and a copy for the citizen. */
typedef struct {
  AblakYdoc *box, *citizen;
} Pair;

static void pair_begin(Pair *pair)
{
  pair->box = new_doc(100);
  pair->citizen = new_doc(200);
  ablak_ydoc_begin(pair->box);
  AblakYtype *form = ablak_ydoc_root(pair->box, "form");
  AblakYtype *name = ablak_ymap_set_type(form, "name", ABLAK_YTYPE_TEXT, NULL);
  g_assert_true(ablak_ytext_insert(name, 0, "Anna", NULL));
  AblakYtype *rows = ablak_ymap_set_type(form, "rows", ABLAK_YTYPE_ARRAY, NULL);
  AblakYtype *row = ablak_yarray_insert_type(rows, 0, ABLAK_YTYPE_MAP, NULL);
  g_autoptr(json_t) value = json_string("old");
  g_assert_true(ablak_ymap_set(row, "note", value, NULL));
  g_assert_true(ablak_ymap_set(form, "fee", value, NULL));
  g_autoptr(GBytes) update = ablak_ydoc_commit(pair->box);
  apply(pair->citizen, update);
}

static void pair_end(Pair *pair)
{
  assert_equal(pair->box, pair->citizen);
  ablak_ydoc_free(pair->box);
  ablak_ydoc_free(pair->citizen);
}

static bool refuse_origin(const AblakYdocChange *change, gpointer user_data)
{
  return change->origin != GPOINTER_TO_UINT(user_data);
}

/* To the box, refusing what CITIZEN did; the answer goes back. */
static AblakYdocReport *submit(Pair *pair, GBytes *update, guint64 origin)
{
  AblakYdocReport *report = NULL;
  g_autoptr(GError) error = NULL;
  gsize size;
  const void *data = g_bytes_get_data(update, &size);
  g_assert_true(ablak_ydoc_apply_checked(pair->box, data, size, origin, ABLAK_YDOC_BEFORE,
                                         refuse_origin, GUINT_TO_POINTER(CITIZEN), &report,
                                         &error));
  g_assert_no_error(error);
  if (report->update != NULL)
    apply(pair->citizen, report->update);
  return report;
}

static AblakYtype *text_of(AblakYdoc *doc)
{
  return ablak_ymap_get_type(ablak_ydoc_root(doc, "form"), "name");
}

#define BEFORE "{\"form\":{\"fee\":\"old\",\"name\":\"Anna\",\"rows\":[{\"note\":\"old\"}]}}"

static const AblakYdocChange *only_change(const AblakYdocReport *report)
{
  g_assert_cmpuint(report->changes->len, ==, 1);
  return g_ptr_array_index(report->changes, 0);
}

static void test_refused_text(void)
{
  Pair pair;
  pair_begin(&pair);
  ablak_ydoc_begin(pair.citizen);
  g_assert_true(ablak_ytext_insert(text_of(pair.citizen), 2, "XX", NULL));
  g_assert_true(ablak_ytext_delete(text_of(pair.citizen), 0, 1, NULL));
  g_autoptr(GBytes) update = ablak_ydoc_commit(pair.citizen);
  g_autoptr(AblakYdocReport) report = submit(&pair, update, CITIZEN);
  const AblakYdocChange *change = only_change(report);
  g_assert_cmpint(change->kind, ==, ABLAK_YDOC_TEXT);
  g_assert_cmpuint(change->inserted, ==, 2);
  g_assert_cmpuint(change->deleted, ==, 1);
  g_assert_true(change->refused);
  assert_json(json_incref(change->path), "[\"form\",\"name\"]");
  assert_json(json_incref(change->before), "\"Anna\"");
  assert_doc(pair.box, BEFORE);
  pair_end(&pair);
}

static void test_refused_entry(void)
{
  Pair pair;
  pair_begin(&pair);
  ablak_ydoc_begin(pair.citizen);
  AblakYtype *form = ablak_ydoc_root(pair.citizen, "form");
  g_autoptr(json_t) value = json_string("none");
  g_assert_true(ablak_ymap_set(form, "fee", value, NULL));
  g_assert_true(ablak_ymap_set(form, "extra", value, NULL));
  g_assert_true(ablak_ymap_delete(form, "name"));
  g_autoptr(GBytes) update = ablak_ydoc_commit(pair.citizen);
  g_autoptr(AblakYdocReport) report = submit(&pair, update, CITIZEN);
  g_assert_cmpuint(report->refused, ==, 3);
  assert_doc(pair.box, BEFORE);
  pair_end(&pair);
}

static void test_refused_container(void)
{
  Pair pair;
  pair_begin(&pair);
  ablak_ydoc_begin(pair.citizen);
  AblakYtype *rows = ablak_ymap_get_type(ablak_ydoc_root(pair.citizen, "form"), "rows");
  g_assert_true(ablak_yarray_delete(rows, 0, 1, NULL));
  AblakYtype *row = ablak_yarray_insert_type(rows, 0, ABLAK_YTYPE_MAP, NULL);
  g_assert_nonnull(ablak_ymap_set_type(row, "note", ABLAK_YTYPE_TEXT, NULL));
  g_autoptr(GBytes) update = ablak_ydoc_commit(pair.citizen);
  g_autoptr(AblakYdocReport) report = submit(&pair, update, CITIZEN);
  const AblakYdocChange *change = only_change(report);
  g_assert_cmpint(change->kind, ==, ABLAK_YDOC_LIST);
  assert_json(json_incref(change->before), "[{\"note\":\"old\"}]");
  assert_doc(pair.box, BEFORE);
  pair_end(&pair);
}

static void test_path_in_a_list(void)
{
  Pair pair;
  pair_begin(&pair);
  ablak_ydoc_begin(pair.citizen);
  AblakYtype *rows = ablak_ymap_get_type(ablak_ydoc_root(pair.citizen, "form"), "rows");
  g_autoptr(json_t) value = json_string("new");
  g_assert_true(ablak_ymap_set(ablak_yarray_get_type(rows, 0), "note", value, NULL));
  g_autoptr(GBytes) update = ablak_ydoc_commit(pair.citizen);
  g_autoptr(AblakYdocReport) report = submit(&pair, update, CLERK);
  const AblakYdocChange *change = only_change(report);
  g_assert_cmpint(change->kind, ==, ABLAK_YDOC_MAP_SET);
  g_assert_cmpuint(change->client, ==, 200);
  g_assert_false(change->refused);
  assert_json(json_incref(change->path), "[\"form\",\"rows\",0,\"note\"]");
  assert_json(json_incref(change->before), "\"old\"");
  pair_end(&pair);
}

/* What waited keeps the cookie of who sent it, whoever sends what it waited for. */
static void test_origin_of_pending(void)
{
  Pair pair;
  pair_begin(&pair);
  g_autoptr(json_t) value = json_string("mine");
  ablak_ydoc_begin(pair.citizen);
  g_assert_true(ablak_ymap_set(ablak_ydoc_root(pair.citizen, "form"), "a", value, NULL));
  g_autoptr(GBytes) first = ablak_ydoc_commit(pair.citizen);
  ablak_ydoc_begin(pair.citizen);
  g_assert_true(ablak_ymap_set(ablak_ydoc_root(pair.citizen, "form"), "b", value, NULL));
  g_autoptr(GBytes) second = ablak_ydoc_commit(pair.citizen);
  g_autoptr(AblakYdocReport) waiting = submit(&pair, second, CITIZEN);
  g_assert_cmpuint(waiting->changes->len, ==, 0);
  g_assert_null(waiting->update);
  g_assert_true(ablak_ydoc_has_pending(pair.box));
  g_autoptr(AblakYdocReport) report = submit(&pair, first, CLERK);
  g_assert_false(ablak_ydoc_has_pending(pair.box));
  g_assert_cmpuint(report->changes->len, ==, 2);
  g_assert_cmpuint(report->refused, ==, 1);
  assert_doc(pair.box, "{\"form\":{\"a\":\"mine\",\"fee\":\"old\",\"name\":\"Anna\","
                       "\"rows\":[{\"note\":\"old\"}]}}");
  pair_end(&pair);
}

/* In whose name an update brings something new: a box compares that with who sent it. */
static void test_new_writers(void)
{
  Pair pair;
  pair_begin(&pair);
  g_autoptr(GBytes) known = ablak_ydoc_encode(pair.citizen, NULL, 0, NULL);
  gsize size;
  const void *data = g_bytes_get_data(known, &size);
  g_autoptr(GArray) none = ablak_ydoc_new_writers(pair.box, data, size, NULL);
  g_assert_cmpuint(none->len, ==, 0);
  g_autoptr(AblakYdoc) forger = new_doc(100); /* the box's own client id */
  apply(forger, known);
  ablak_ydoc_begin(forger);
  g_assert_true(ablak_ytext_insert(text_of(forger), 0, "x", NULL));
  g_autoptr(GBytes) forged = ablak_ydoc_commit(forger);
  data = g_bytes_get_data(forged, &size);
  g_autoptr(GArray) writers = ablak_ydoc_new_writers(pair.box, data, size, NULL);
  g_assert_cmpuint(writers->len, ==, 1);
  g_assert_cmpuint(g_array_index(writers, guint64, 0), ==, 100);
  g_assert_null(ablak_ydoc_new_writers(pair.box, "x", 1, NULL));
  pair_end(&pair);
}

/* What waited for an update is told with it: also to who sent the update. */
static void test_report_holds_what_waited(void)
{
  Pair pair;
  pair_begin(&pair);
  g_autoptr(AblakYdoc) other = new_doc(300);
  g_autoptr(GBytes) state = ablak_ydoc_encode(pair.box, NULL, 0, NULL);
  apply(other, state);
  ablak_ydoc_begin(pair.citizen);
  g_assert_true(ablak_ytext_insert(text_of(pair.citizen), 4, " Mária", NULL));
  g_autoptr(GBytes) first = ablak_ydoc_commit(pair.citizen);
  apply(other, first);
  ablak_ydoc_begin(other); /* on top of what the box does not have yet */
  g_assert_true(ablak_ytext_insert(text_of(other), 10, "!", NULL));
  g_autoptr(GBytes) second = ablak_ydoc_commit(other);
  g_autoptr(AblakYdocReport) waiting = submit(&pair, second, CLERK);
  g_assert_null(waiting->update);
  g_autoptr(AblakYdocReport) report = submit(&pair, first, CLERK);
  g_assert_cmpuint(report->refused, ==, 0);
  g_autofree char *text = ablak_ytext_string(text_of(pair.citizen));
  g_assert_cmpstr(text, ==, "Anna Mária!");
  pair_end(&pair);
}

/* Pending updates are part of the state that is stored. */
static void test_pending_is_stored(void)
{
  g_autoptr(AblakYdoc) writer = new_doc(3);
  g_autoptr(AblakYdoc) box = new_doc(1);
  GBytes *updates[3];
  for (int i = 0; i < 3; i++) {
    ablak_ydoc_begin(writer);
    AblakYtype *text = ablak_ydoc_root(writer, "text");
    g_assert_true(ablak_ytext_insert(text, ablak_ytype_length(text), "ab", NULL));
    if (i == 2)
      g_assert_true(ablak_ytext_delete(text, 0, 1, NULL));
    updates[i] = ablak_ydoc_commit(writer);
  }
  apply(box, updates[0]);
  apply(box, updates[2]);
  g_assert_true(ablak_ydoc_has_pending(box));
  g_autoptr(GBytes) state = ablak_ydoc_encode(box, NULL, 0, NULL);
  g_autoptr(AblakYdoc) again = new_doc(2);
  apply(again, state);
  apply(again, updates[1]);
  g_assert_false(ablak_ydoc_has_pending(again));
  assert_equal(again, writer);
  for (int i = 0; i < 3; i++)
    g_bytes_unref(updates[i]);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/rules/text", test_refused_text);
  g_test_add_func("/coedit/rules/entry", test_refused_entry);
  g_test_add_func("/coedit/rules/container", test_refused_container);
  g_test_add_func("/coedit/rules/path", test_path_in_a_list);
  g_test_add_func("/coedit/rules/origin-of-pending", test_origin_of_pending);
  g_test_add_func("/coedit/rules/new-writers", test_new_writers);
  g_test_add_func("/coedit/rules/what-waited", test_report_holds_what_waited);
  g_test_add_func("/coedit/rules/pending-is-stored", test_pending_is_stored);
  return g_test_run();
}
