/* Live drafts and the log: merging, reloading, what is missing, a store that fails. */
#include "forms/private.h"
#include "world.h"

static gint64 count_rows(World *world, const char *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(world->store, &error);
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, &error, sql, "t", world->id);
  g_assert_no_error(error);
  return ablak_rows_int(rows, 0);
}

/* The log stays short, and a fresh start reads the same from it. */
static void test_compaction_and_reload(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .log_rows_max = 20};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  for (int i = 1; i <= 300; i++) {
    client_type(citizen, "remarks", (guint64)(i * 7 % 50), i % 3 == 0 ? "😀" : "á");
    if (i % 10 == 0)
      WAIT_UNTIL(ALL(citizen), citizen->durable == (guint64)i);
  }
  g_assert_cmpint(count_rows(&world, "SELECT count(*) FROM draft_update WHERE draft_id = ?"), <=,
                  21);
  g_autofree char *before = client_text(citizen, "remarks");
  client_free(citizen);
  ablak_drafts_free(world.drafts);
  ablak_store_close(world.store);
  world.store = open_store(world.folder);
  world.drafts = ablak_drafts_new(world.store, &options);
  citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  g_autofree char *after = client_text(citizen, "remarks");
  g_assert_cmpstr(after, ==, before);
  client_type(citizen, "remarks", 0, "more");
  WAIT_UNTIL(ALL(citizen), citizen->durable == 1);
  client_free(citizen);
  world_close(&world);
}

/* A log with three updates, the middle one last. */
typedef struct {
  const char *draft_id;
  GBytes *updates[3];
  gint64 counts[2]; /* rows after merging, first with the gap */
} Gap;

static bool compact(AblakTxn *txn, const Gap *gap, gint64 *ret_count, GError **error)
{
  if (!ablak_draft_log_compact(txn, gap->draft_id, "shared", 1, 1, error))
    return false;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, error, "SELECT count(*) FROM draft_update WHERE draft_id = ? AND audience = 'shared'",
      "t", gap->draft_id);
  *ret_count = rows != NULL ? ablak_rows_int(rows, 0) : -1;
  return rows != NULL;
}

static bool gap_job(AblakTxn *txn, gpointer data, GError **error)
{
  Gap *gap = data;
  const char *id = gap->draft_id;
  return ablak_draft_log_append(txn, id, "shared", 2, gap->updates[0], "clerk", error) &&
         ablak_draft_log_append(txn, id, "shared", 3, gap->updates[2], "clerk", error) &&
         compact(txn, gap, &gap->counts[0], error) &&
         ablak_draft_log_append(txn, id, "shared", 4, gap->updates[1], "clerk", error) &&
         compact(txn, gap, &gap->counts[1], error);
}

/* What waits for a row that is not there yet stays a row of its own. */
static void test_gap_in_the_log(void)
{
  World world;
  world_open(&world, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(NULL);
  Gap gap = {.draft_id = world.id};
  for (int i = 0; i < 3; i++) {
    ablak_ydoc_begin(doc);
    g_assert_true(ablak_ytext_insert(ablak_ydoc_root(doc, "notes"), (guint64)i, "x", &error));
    gap.updates[i] = ablak_ydoc_commit(doc);
  }
  g_assert_true(ablak_store_write_sync(world.store, gap_job, &gap, &error));
  g_assert_cmpint(gap.counts[0], ==, 3);
  g_assert_cmpint(gap.counts[1], ==, 1);
  for (int i = 0; i < 3; i++)
    g_bytes_unref(gap.updates[i]);
  world_close(&world);
}

/* An update that needs a missing one is not said to be saved until it fits. */
static void test_missing_update(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  client_type(citizen, "name", 0, "a");
  GBytes *first = g_queue_pop_head(&citizen->outgoing);
  client_type(citizen, "name", 1, "b");
  client_type(clerk, "remarks", 0, "c");
  WAIT_UNTIL(ALL(citizen, clerk), clerk->durable == 1);
  g_assert_cmpuint(citizen->sent, ==, 1);
  g_assert_cmpuint(citizen->durable, ==, 0);
  g_queue_push_tail(&citizen->outgoing, first);
  WAIT_UNTIL(ALL(citizen, clerk), citizen->durable == 2);
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_assert_cmpstr(ablak_json_get_string(content, "name"), ==, "ab");
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

static bool break_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "ALTER TABLE draft_update RENAME TO away", "");
}

static bool mend_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "ALTER TABLE away RENAME TO draft_update", "");
}

/* When the store fails, nobody is told "saved", and everybody begins again from the store. */
static void test_store_failure(void)
{
  World world;
  world_open(&world, NULL);
  g_autoptr(GError) error = NULL;
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  client_type(citizen, "name", 0, "kept");
  WAIT_UNTIL(ALL(citizen, clerk), citizen->durable == 1);
  g_assert_true(ablak_store_write_sync(world.store, break_job, NULL, &error));
  client_type(citizen, "name", 4, " lost");
  WAIT_UNTIL(ALL(citizen, clerk), citizen->close_code != 0 && clerk->close_code != 0);
  g_assert_cmpuint(citizen->close_code, ==, 1013);
  g_assert_cmpuint(clerk->close_code, ==, 1013);
  g_assert_cmpuint(citizen->durable, ==, 1);
  g_assert_true(ablak_store_write_sync(world.store, mend_job, NULL, &error));
  AblakYdoc *owed = g_steal_pointer(&citizen->doc);
  citizen->doc = ablak_ydoc_new(NULL);
  client_free(citizen);
  client_free(clerk);
  while (g_main_context_iteration(NULL, FALSE))
    ;
  /* the client comes back with what it was never told to be saved */
  citizen = client_new(world.drafts, world.id, "shared", "citizen");
  ablak_ydoc_free(citizen->doc);
  citizen->doc = owed;
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  g_autoptr(GBytes) whole = ablak_ydoc_encode(owed, NULL, 0, &error);
  client_queue(citizen, ABLAK_YSYNC_UPDATE, whole);
  WAIT_UNTIL(ALL(citizen), citizen->durable == 1);
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_assert_cmpstr(ablak_json_get_string(content, "name"), ==, "kept lost");
  client_free(citizen);
  world_close(&world);
}

/* Unused, the memory copy goes; what another hand wrote meanwhile is there at the next visit. */
static void test_idle(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .idle_ms = 10};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  client_free(citizen);
  gint64 until = g_get_monotonic_time() + 100000;
  while (g_get_monotonic_time() < until)
    g_main_context_iteration(NULL, FALSE);
  AblakDrafts *others = ablak_drafts_new(world.store, &options);
  Client **nobody = (Client *[]){NULL};
  Answer answer = {.finished = false};
  g_autoptr(json_t) values = parse_json("{\"/name\":\"other\"}");
  ablak_drafts_prefill(others, world.id, "clerk", "c", values, answered, &answer);
  EXPECT_ANSWER(&answer, nobody, NULL);
  ablak_drafts_free(others);
  citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  g_autofree char *text = client_text(citizen, "name");
  g_assert_cmpstr(text, ==, "other");
  client_free(citizen);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/recovery/compaction-and-reload", test_compaction_and_reload);
  g_test_add_func("/forms/recovery/gap-in-the-log", test_gap_in_the_log);
  g_test_add_func("/forms/recovery/missing-update", test_missing_update);
  g_test_add_func("/forms/recovery/store-failure", test_store_failure);
  g_test_add_func("/forms/recovery/idle", test_idle);
  return g_test_run();
}
