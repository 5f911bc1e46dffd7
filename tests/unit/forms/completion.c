/* A draft is open, filed, open for completion, filed again: the moves, what is pinned, what has
 * changed, and whoever has it open meanwhile. */
#include "world.h"

typedef struct {
  const char *draft_id, *visit_id, *reason, *due;
  bool take_up;
  AblakSubmission *submission;
} Step;

static bool reopen_job(AblakTxn *txn, gpointer data, GError **error)
{
  const Step *step = data;
  const AblakReopening reopening = {step->visit_id, step->reason, step->due, "2026-11-22"};
  return step->take_up ? ablak_draft_take_up(txn, step->draft_id, step->visit_id, "clerk-2", error)
                       : ablak_draft_reopen(txn, step->draft_id, &reopening, "clerk-2", error);
}

static bool file_job(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  g_clear_pointer(&step->submission, ablak_submission_free);
  return ablak_submission_create(txn, step->draft_id, "clerk", "clerk-2", true, &step->submission,
                                 error);
}

static void expect(World *world, AblakJob job, Step *step, const char *slug)
{
  g_autoptr(GError) error = NULL;
  bool done = ablak_store_write_sync(world->store, job, step, &error);
  g_assert_cmpstr(error != NULL ? ablak_error_slug(error) : NULL, ==, slug);
  g_assert_true(done == (slug == NULL));
}

static void expect_state(World *world, bool filed, const char *visit_id, const char *reason)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(world->store, &error);
  g_autoptr(AblakDraft) draft = ablak_draft_get(txn, world->id, &error);
  g_autoptr(AblakCompletion) completion = ablak_completion_of_draft(txn, world->id, &error);
  g_assert_no_error(error);
  g_assert_true(draft->filed == filed);
  g_assert_true((draft->filed_at != 0) == filed);
  g_assert_cmpstr(draft->visit_id, ==, visit_id);
  g_assert_cmpstr(completion != NULL ? completion->reason : NULL, ==, reason);
}

static gint64 events(World *world, const char *kind, const char *topic)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(world->store, NULL);
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, NULL, "SELECT count(*) FROM event WHERE kind = ? AND topic = ?", "tt", kind, topic);
  return ablak_rows_int(rows, 0);
}

static void test_moves(void)
{
  World world;
  world_open(&world, NULL);
  Step step = {.draft_id = world.id, .visit_id = "visit-1", .reason = " The kind. "};
  expect(&world, reopen_job, &step, "forms/already-open");
  expect(&world, file_job, &step, NULL);
  g_assert_cmpint(step.submission->ordinal, ==, 1);
  g_assert_null(step.submission->changes);
  expect_state(&world, true, "visit-1", NULL);
  expect(&world, file_job, &step, "forms/frozen");

  step.take_up = true; /* only what is open for completion can be taken up */
  expect(&world, reopen_job, &step, "forms/frozen");
  step.take_up = false;
  expect(&world, reopen_job, &step, NULL);
  expect_state(&world, false, "visit-1", "The kind.");
  expect(&world, reopen_job, &step, "forms/already-open");
  g_assert_cmpint(events(&world, "draft.reopened", "visit:visit-1"), ==, 1);

  step.visit_id = "visit-2";
  step.take_up = true;
  expect(&world, reopen_job, &step, NULL);
  expect_state(&world, false, "visit-2", "The kind.");
  g_assert_cmpint(events(&world, "draft.moved", "visit:visit-1"), ==, 1);
  g_assert_cmpint(events(&world, "draft.reopened", "visit:visit-2"), ==, 1);

  expect(&world, file_job, &step, NULL);
  g_assert_cmpint(step.submission->ordinal, ==, 2);
  g_assert_cmpstr(step.submission->visit_id, ==, "visit-2");
  g_assert_cmpuint(json_array_size(step.submission->changes), ==, 0);
  expect_state(&world, true, "visit-2", NULL);

  step.take_up = false; /* and once more, into a third visit at once */
  step.visit_id = "visit-3";
  step.reason = "Again";
  expect(&world, reopen_job, &step, NULL);
  expect(&world, file_job, &step, NULL);
  g_assert_cmpint(step.submission->ordinal, ==, 3);
  expect_state(&world, true, "visit-3", NULL);
  ablak_submission_free(step.submission);
  world_close(&world);
}

static void test_bad_requests(void)
{
  World world;
  world_open(&world, NULL);
  Step file = {.draft_id = world.id};
  expect(&world, file_job, &file, NULL);
  ablak_submission_free(file.submission);
  g_autofree char *longest = g_strnfill(ABLAK_REASON_MAX, 'x');
  g_autofree char *longer = g_strnfill(ABLAK_REASON_MAX + 1, 'x');
  const struct {
    const char *draft_id, *reason, *due, *slug;
  } cases[] = {
      {world.id, "", NULL, "forms/reason"},          {world.id, " \n", NULL, "forms/reason"},
      {world.id, longer, NULL, "forms/reason"},      {world.id, "x", "2026-11-21", "forms/due"},
      {world.id, "x", "2026-02-30", "forms/due"},    {world.id, "x", "2026-12-1", "forms/due"},
      {world.id, "x", "2026-12-01 ", "forms/due"},   {world.id, "x", "+026-12-01", "forms/due"},
      {world.id, "x", "2027- 2-01", "forms/due"},    {world.id, "x", "", "forms/due"},
      {"nothing", "x", NULL, "forms/unknown-draft"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Step step = {cases[i].draft_id, "visit-2", cases[i].reason, cases[i].due, false, NULL};
    expect(&world, reopen_job, &step, cases[i].slug);
  }
  expect_state(&world, true, "visit-1", NULL);
  Step step = {world.id, "visit-2", longest, "2026-11-22", false, NULL}; /* today will do */
  expect(&world, reopen_job, &step, NULL);
  expect_state(&world, false, "visit-2", longest);
  world_close(&world);
}

static bool forget_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "DELETE FROM draft_update", "");
}

/* A box that was replaced has headquarters' copy of the draft's row, and not its documents. */
static void test_documents_gone(void)
{
  World world;
  world_open(&world, NULL);
  Step step = {.draft_id = world.id, .visit_id = "visit-1", .reason = "x"};
  expect(&world, file_job, &step, NULL);
  expect(&world, forget_job, NULL, NULL);
  expect(&world, reopen_job, &step, "forms/document-gone");
  expect_state(&world, true, "visit-1", NULL);
  ablak_submission_free(step.submission);
  world_close(&world);
}

static void test_differences(void)
{
  g_autoptr(AblakForm) form = parse_form();
  const struct {
    const char *before, *after, *paths;
  } cases[] = {
      {"{}", "{}", "[]"},
      {"{\"name\":\"a\"}", "{\"name\":\"a\"}", "[]"},
      {"{\"name\":\"a\",\"count\":1}", "{\"name\":\"b\",\"agree\":true}",
       "[\"/name\",\"/agree\",\"/count\"]"},
      {"{\"verdict\":\"a\"}", "{}", "[\"/verdict\"]"},
      {"{}", "{\"children\":[{\"name\":\"x\"}]}", "[\"/children/0\"]"},
      {"{\"children\":[{\"name\":\"x\",\"born\":\"2020-01-01\"},{}]}",
       "{\"children\":[{\"name\":\"y\",\"born\":\"2020-01-01\"}]}",
       "[\"/children/0/name\",\"/children/1\"]"},
      {"{\"children\":[{\"name\":\"x\"}]}", "{\"children\":[{}]}", "[\"/children/0/name\"]"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(json_t) before = parse_json(cases[i].before);
    g_autoptr(json_t) after = parse_json(cases[i].after);
    g_autoptr(json_t) paths = ablak_form_differences(form, before, after);
    g_autofree char *text = ablak_json_text(paths);
    g_assert_cmpstr(text, ==, cases[i].paths);
  }
}

/* --- with people connected --- */

typedef struct {
  Step *step;
  bool finished;
} Filing;

static bool filing_job(AblakTxn *txn, gpointer data, GError **error)
{
  return file_job(txn, ((Filing *)data)->step, error);
}

static void filed(const GError *error, gpointer data)
{
  g_assert_no_error(error);
  ((Filing *)data)->finished = true;
}

/* The live draft files itself through ablak_drafts_submit, as the box does. */
static void submit(World *world, Step *step, Client **all)
{
  Filing filing = {step, false};
  ablak_drafts_submit(world->drafts, world->id, filing_job, filed, &filing, NULL);
  WAIT_UNTIL(all, filing.finished);
}

static void reopen(World *world, Step *step, bool moved)
{
  expect(world, reopen_job, step, NULL);
  ablak_drafts_reopened(world->drafts, world->id, moved);
}

/* Both stay connected from the first key to the second submission: the same documents go on. */
static void test_goes_on(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  Client **all = ALL(citizen, clerk);
  WAIT_UNTIL(all, synced(citizen) && synced(clerk));
  client_type(citizen, "name", 0, "one");
  WAIT_UNTIL(all, citizen->durable == 1);
  Step step = {.draft_id = world.id, .visit_id = "visit-1", .reason = "The kind"};
  submit(&world, &step, all);
  g_autofree char *first = g_strdup(step.submission->content);
  g_autofree char *first_id = g_strdup(step.submission->id);
  g_assert_cmpstr(step.submission->edition, ==, "edition-1");

  unsigned updates = citizen->updates;
  reopen(&world, &step, false);
  client_type(citizen, "name", 3, " two");
  WAIT_UNTIL(all, citizen->durable == 2);
  client_type(clerk, "remarks", 0, "mine");
  WAIT_UNTIL(all, clerk->durable == 1);
  g_assert_cmpuint(citizen->close_code + clerk->close_code, ==, 0);
  g_assert_cmpuint(citizen->updates - updates, ==, 1); /* the clerk's; nothing was sent again */

  g_clear_pointer(&step.submission, ablak_submission_free);
  submit(&world, &step, all);
  g_assert_cmpstr(step.submission->content, ==, "{\"name\":\"one two\",\"remarks\":\"mine\"}");
  g_autofree char *changes = ablak_json_text(step.submission->changes);
  g_assert_cmpstr(changes, ==, "[\"/name\",\"/remarks\"]");
  g_assert_cmpint(step.submission->form_version, ==, 3);
  g_assert_cmpstr(step.submission->edition, ==, "edition-1");
  g_autoptr(AblakTxn) txn = ablak_store_read(world.store, NULL);
  g_autoptr(AblakSubmission) before = ablak_submission_get(txn, first_id, NULL);
  g_assert_cmpstr(before->content, ==, first);
  g_clear_pointer(&txn, ablak_txn_end);
  client_type(citizen, "name", 0, "late");
  WAIT_UNTIL(all, citizen->close_code == 4409);
  ablak_submission_free(step.submission);
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

/* Another visit goes on with it: who had it open before neither writes nor reads any more. */
static void test_moved(void)
{
  World world;
  world_open(&world, NULL);
  Client *former = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(former), synced(former));
  Step step = {.draft_id = world.id, .visit_id = "visit-2", .reason = "x"};
  submit(&world, &step, ALL(former));
  reopen(&world, &step, true);
  g_assert_cmpuint(former->close_code, ==, 4409);
  unsigned updates = former->updates;
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen, former), synced(citizen));
  client_type(citizen, "name", 0, "new");
  WAIT_UNTIL(ALL(citizen, former), citizen->durable == 1);
  g_assert_cmpuint(former->updates, ==, updates);
  ablak_submission_free(step.submission);
  client_free(former);
  client_free(citizen);
  world_close(&world);
}

/* The pages are open still, but nobody touched them for so long that the documents left the memory:
 * the gaps are told again all the same. */
static void test_asleep(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  Step step = {.draft_id = world.id, .visit_id = "visit-1", .reason = "x"};
  submit(&world, &step, ALL(citizen));
  wait_until_asleep(&world);
  reopen(&world, &step, false);
  for (gint64 until = g_get_monotonic_time() + 50000; g_get_monotonic_time() < until;)
    g_main_context_iteration(NULL, FALSE); /* the checks run meanwhile */
  client_type(citizen, "name", 0, "x");
  WAIT_UNTIL(ALL(citizen), citizen->durable == 1);
  ablak_submission_free(step.submission);
  client_free(citizen);
  world_close(&world);
}

/* Nobody has it open, and it is not in memory: the next one to come finds it open. */
static void test_at_rest(void)
{
  World world;
  world_open(&world, NULL);
  Step step = {.draft_id = world.id, .visit_id = "visit-1", .reason = "x"};
  expect(&world, file_job, &step, NULL);
  reopen(&world, &step, false);
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(clerk), synced(clerk));
  client_type(clerk, "name", 0, "x");
  WAIT_UNTIL(ALL(clerk), clerk->durable == 1);
  ablak_submission_free(step.submission);
  client_free(clerk);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/completion/moves", test_moves);
  g_test_add_func("/forms/completion/bad-requests", test_bad_requests);
  g_test_add_func("/forms/completion/documents-gone", test_documents_gone);
  g_test_add_func("/forms/completion/differences", test_differences);
  g_test_add_func("/forms/completion/goes-on", test_goes_on);
  g_test_add_func("/forms/completion/moved", test_moved);
  g_test_add_func("/forms/completion/asleep", test_asleep);
  g_test_add_func("/forms/completion/at-rest", test_at_rest);
  return g_test_run();
}
