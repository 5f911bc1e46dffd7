/* Consent: nothing begins without both, each answer is kept with its terms, and a withdrawal ends
 * it; what was recorded is kept as long as the terms say. */
#include "recordings/recordings.h"
#include "../store/fixture.h"
#include <string.h>

#define DAY_MS G_GINT64_CONSTANT(86400000)
static const AblakStorePart *const parts[] = {&ablak_recordings_store_part, NULL};
static const AblakRecordingVisit visit = {"v1", "hu.request", "clerk-1"};

typedef struct {
  const char *what;
  bool off, yes, keep, whole, kept;
  char *id;
} Step;

static bool step(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step_ = data;
  g_autoptr(json_t) basis =
      json_pack("{s:{s:s}, s:s}", "title", "en", "An act", "reference", "§ 1");
  const AblakRecordingTerms terms = {basis, 30};
  if (strcmp(step_->what, "ask") == 0)
    return ablak_recording_ask(txn, &visit, step_->off ? NULL : &terms, error);
  if (strcmp(step_->what, "answer") == 0)
    return ablak_recording_answer(txn, &visit, step_->yes, error);
  if (strcmp(step_->what, "delete") == 0)
    return ablak_recording_delete(txn, step_->id, "due", "system", error);
  if (strcmp(step_->what, "finish") == 0) {
    g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(AblakRecordingFile));
    const AblakRecordingFile file = {0, 100, "ab12"};
    g_array_append_val(files, file);
    return ablak_recording_finish(txn, step_->id, files, step_->whole, &step_->kept, error);
  }
  return ablak_recording_withdraw(txn, &visit, step_->what, step_->keep, error);
}

static void good(Fixture *fixture, Step given)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, step, &given, &error));
}

static void refused(Fixture *fixture, Step given, const char *slug)
{
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_store_write_sync(fixture->store, step, &given, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, slug);
}

/* The last recording's id; NULL when there is none. */
static char *state_is(Fixture *fixture, const char *expected)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, NULL);
  g_autoptr(AblakRecording) recording = NULL;
  g_autofree char *state = ablak_recording_state(txn, "v1", &recording, NULL);
  g_assert_cmpstr(state, ==, expected);
  return recording ? g_strdup(recording->id) : NULL;
}

static gint64 recordings(Fixture *fixture)
{
  return fixture_int(fixture->store, "SELECT count(*) FROM recording");
}

static void test_consent(Fixture *fixture, gconstpointer data)
{
  g_assert_null(state_is(fixture, "off"));
  refused(fixture, (Step){.what = "ask", .off = true}, "recordings/off");
  refused(fixture, (Step){.what = "answer", .yes = true}, "recordings/not-asked");
  refused(fixture, (Step){.what = "citizen"}, "recordings/not-running");
  good(fixture, (Step){.what = "ask"});
  g_assert_null(state_is(fixture, "asked"));
  good(fixture, (Step){.what = "answer", .yes = false});
  g_assert_null(state_is(fixture, "refused"));
  refused(fixture, (Step){.what = "answer", .yes = true}, "recordings/not-asked");
  g_assert_cmpint(recordings(fixture), ==, 0);
  good(fixture, (Step){.what = "ask"});
  good(fixture, (Step){.what = "answer", .yes = true});
  g_autofree char *id = state_is(fixture, "recording");
  g_assert_nonnull(id);
  good(fixture, (Step){.what = "ask"}); /* it runs already */
  g_autofree char *same = state_is(fixture, "recording");
  g_assert_cmpstr(same, ==, id);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM recording_consent"
                                              " WHERE retention_days = 30"),
                  ==, 4);
}

static char *begun(Fixture *fixture)
{
  good(fixture, (Step){.what = "ask"});
  good(fixture, (Step){.what = "answer", .yes = true});
  return state_is(fixture, "recording");
}

static void test_withdrawal(Fixture *fixture, gconstpointer data)
{
  g_autofree char *first = begun(fixture);
  good(fixture, (Step){.what = "citizen"});
  g_autofree char *deleted = state_is(fixture, "deleted");
  g_assert_cmpstr(deleted, ==, first);
  /* Its recorder ends after that: nothing is kept. */
  Step finish = {.what = "finish", .id = first, .whole = true, .kept = true};
  g_assert_true(ablak_store_write_sync(fixture->store, step, &finish, NULL));
  g_assert_false(finish.kept);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM recording_file"), ==, 0);
  g_autofree char *second = begun(fixture);
  good(fixture, (Step){.what = "citizen", .keep = true});
  g_autofree char *stopping = state_is(fixture, "recording");
  good(fixture, (Step){.what = "finish", .id = second, .whole = true});
  g_autofree char *kept = state_is(fixture, "kept");
  g_assert_cmpstr(kept, ==, second);
  /* The citizen may still think otherwise, the clerk may not. */
  refused(fixture, (Step){.what = "clerk"}, "recordings/not-running");
  good(fixture, (Step){.what = "citizen"});
  g_autofree char *gone = state_is(fixture, "deleted");
  g_autofree char *third = begun(fixture);
  good(fixture, (Step){.what = "clerk"});
  g_autofree char *clerks = state_is(fixture, "recording"); /* until its files are there */
  good(fixture, (Step){.what = "finish", .id = third, .whole = false});
  g_autofree char *interrupted = state_is(fixture, "interrupted");
}

static guint due(Fixture *fixture)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, NULL);
  g_autoptr(GPtrArray) list = ablak_recordings_list(txn, NULL, fixture->now_ms, NULL, NULL);
  return list->len;
}

static void test_retention(Fixture *fixture, gconstpointer data)
{
  g_autofree char *id = begun(fixture);
  fixture->now_ms += 40 * DAY_MS;
  g_assert_cmpuint(due(fixture), ==, 0); /* it runs */
  good(fixture, (Step){.what = "finish", .id = id, .whole = true});
  fixture->now_ms += 30 * DAY_MS - 1;
  g_assert_cmpuint(due(fixture), ==, 0);
  fixture->now_ms += 1;
  g_assert_cmpuint(due(fixture), ==, 1);
  good(fixture, (Step){.what = "delete", .id = id});
  g_assert_cmpuint(due(fixture), ==, 0);
}

static bool replay(AblakTxn *txn, gpointer data, GError **error)
{
  Step *given = data;
  g_autofree char *recording = g_steal_pointer(&given->id);
  return ablak_recording_replay(txn, recording, "clerk-1", given->what, &given->id, error);
}

static void test_replays(Fixture *fixture, gconstpointer data)
{
  g_autofree char *id = begun(fixture);
  Step given = {.what = "a complaint", .id = g_strdup(id)};
  Step later = {.what = "quality", .id = g_strdup(id)};
  g_assert_true(ablak_store_write_sync(fixture->store, replay, &given, NULL));
  g_autofree char *replay_id = given.id;
  fixture->now_ms += 1000;
  g_assert_true(ablak_store_write_sync(fixture->store, replay, &later, NULL));
  g_free(later.id);
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, NULL);
  g_autofree char *own = ablak_recording_of_replay(txn, replay_id, "clerk-1", 0, NULL);
  g_assert_cmpstr(own, ==, id);
  g_autoptr(GError) error = NULL;
  g_assert_null(ablak_recording_of_replay(txn, replay_id, "clerk-2", 0, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "recordings/unknown");
  g_assert_null(ablak_recording_of_replay(txn, replay_id, "clerk-1", fixture->now_ms + 1, NULL));
  g_autoptr(GPtrArray) all = ablak_recording_replays(txn, id, NULL);
  g_assert_cmpuint(all->len, ==, 2);
  const AblakReplay *newest = all->pdata[0], *oldest = all->pdata[1];
  g_assert_cmpstr(newest->reason, ==, "quality");
  g_assert_cmpstr(oldest->reason, ==, "a complaint");
  g_assert_cmpstr(oldest->staff_id, ==, "clerk-1");
  g_assert_cmpint(newest->at_ms - oldest->at_ms, ==, 1000);
}

/* Nothing is left to watch, and so nobody is noted to have watched it. */
static void test_no_replay_of_deleted(Fixture *fixture, gconstpointer data)
{
  g_autofree char *id = begun(fixture);
  good(fixture, (Step){.what = "delete", .id = id});
  Step given = {.what = "late", .id = g_strdup(id)};
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_store_write_sync(fixture->store, replay, &given, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "recordings/deleted");
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM recording_replay"), ==, 0);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(path, test)                                                                            \
  g_test_add("/recordings/" path, Fixture, parts, fixture_set_up, test, fixture_tear_down)
  ADD("consent", test_consent);
  ADD("withdrawal", test_withdrawal);
  ADD("retention", test_retention);
  ADD("replays", test_replays);
  ADD("no-replay-of-deleted", test_no_replay_of_deleted);
#undef ADD
  return g_test_run();
}
