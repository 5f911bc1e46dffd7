/* Live drafts and the log: merging, reloading, what is missing, a store that fails. */
#include "forms/log.h"
#include "world.h"

static gint64 count_rows(World *world, const char *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(world->store, &error);
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, &error, sql, "t", world->id);
  g_assert_no_error(error);
  return ablak_rows_int(rows, 0);
}

/* Of the rows of the shared document's log that count. */
static gint64 log_figure(World *world, const char *what)
{
  g_autofree char *sql = g_strdup_printf(
      "WITH home AS (SELECT * FROM draft_update WHERE draft_id = ?1 AND audience = 'shared'),"
      " log AS (SELECT data FROM home UNION ALL SELECT data FROM draft_tail WHERE draft_id = ?1"
      " AND audience = 'shared' AND serial > (SELECT coalesce(max(serial), 0) FROM home))"
      " SELECT %s FROM log",
      what);
  return count_rows(world, sql);
}

/* The log stays short, and a fresh start reads the same from it. */
static void test_compaction_and_reload(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .quiet_ms = 4, .log_rows_max = 20};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  for (int i = 1; i <= 300; i++) {
    client_type(citizen, "remarks", (guint64)(i * 7 % 50), i % 3 == 0 ? "😀" : "á");
    if (i % 10 == 0)
      WAIT_UNTIL(ALL(citizen), citizen->durable == (guint64)i);
  }
  g_assert_cmpint(log_figure(&world, "count(*)"), <=, 21);
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

/* A log with three updates, the second missing: a row was lost. */
typedef struct {
  const char *draft_id;
  GBytes *updates[3];
} Gap;

static bool gap_job(AblakTxn *txn, gpointer data, GError **error)
{
  const Gap *gap = data;
  gint64 seq = 0;
  return ablak_draft_log_append(txn, gap->draft_id, "shared", 2, gap->updates[0], "clerk", &seq,
                                error) &&
         ablak_draft_log_append(txn, gap->draft_id, "shared", 3, gap->updates[2], "clerk", &seq,
                                error);
}

/* What waits for a row that is not there stays a row of its own, until the missing one comes. */
static void test_gap_in_the_log(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .quiet_ms = 4, .log_rows_max = 2, .idle_ms = 10};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  Gap gap = {.draft_id = world.id};
  for (guint64 i = 0; i < 3; i++) {
    client_type(citizen, "remarks", i, "x");
    GBytes *message = g_queue_pop_head(&citizen->outgoing);
    AblakYsyncMessage decoded;
    gsize size = 0;
    const void *data = g_bytes_get_data(message, &size);
    g_assert_true(ablak_ysync_decode(data, size, &decoded, NULL));
    gap.updates[i] = g_bytes_new(decoded.body, decoded.size);
    g_bytes_unref(message);
  }
  AblakYdoc *doc = g_steal_pointer(&citizen->doc);
  citizen->doc = ablak_ydoc_new(NULL);
  client_free(citizen);
  wait_until_unloaded(&world);
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(world.store, gap_job, &gap, &error));
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(clerk), synced(clerk));
  client_type(clerk, "name", 0, "more");
  WAIT_UNTIL(ALL(clerk), clerk->durable == 1);
  g_assert_cmpint(log_figure(&world, "count(*)"), ==, 4);
  citizen = client_new(world.drafts, world.id, "shared", "citizen");
  ablak_ydoc_free(citizen->doc);
  citizen->doc = doc;
  g_autoptr(GBytes) whole = ablak_ydoc_encode(doc, NULL, 0, &error);
  client_queue(citizen, ABLAK_YSYNC_UPDATE, whole);
  WAIT_UNTIL(ALL(clerk, citizen), citizen->durable == 1);
  client_free(citizen);
  client_free(clerk);
  wait_until_unloaded(&world);
  g_assert_cmpint(log_figure(&world, "count(*)"), ==, 1);
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_assert_cmpstr(ablak_json_get_string(content, "remarks"), ==, "xxx");
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
  return ablak_txn_exec(txn, NULL, error, "ALTER TABLE draft_tail RENAME TO away", "");
}

static bool mend_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "ALTER TABLE away RENAME TO draft_tail", "");
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
  AblakDraftsOptions options = {.checks_ms = 5, .quiet_ms = 4, .idle_ms = 10};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  client_free(citizen);
  wait_until_unloaded(&world);
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

/* 10,000 keys over a hundred connections, with a text of 200 letters at the end: what the log holds
 * on the way and what is left when nobody is there. */
static void test_slow_typing(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .quiet_ms = 4, .idle_ms = 1};
  world_open(&world, &options);
  AblakYdoc *doc = ablak_ydoc_new(NULL);
  gint64 most_rows = 0, most_bytes = 0;
  for (int visit = 0; visit < 100; visit++) {
    Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
    ablak_ydoc_free(citizen->doc);
    citizen->doc = doc;
    WAIT_UNTIL(ALL(citizen), synced(citizen));
    for (int key = 0; key < 50; key++) {
      client_type(citizen, "remarks", 1000, "xy");
      AblakYtype *text = ablak_ymap_get_type(ablak_ydoc_root(doc, "form"), "remarks");
      ablak_ydoc_begin(doc);
      if (ablak_ytype_length(text) > 200 &&
          ablak_ytext_delete(text, (guint64)(key * 3 % 150), 2, NULL))
        client_edited(citizen);
      else
        ablak_ydoc_commit(doc);
      client_pump(citizen);
    }
    WAIT_UNTIL(ALL(citizen), citizen->durable == citizen->sent);
    most_rows = MAX(most_rows, log_figure(&world, "count(*)"));
    most_bytes = MAX(most_bytes, log_figure(&world, "sum(length(data))"));
    doc = g_steal_pointer(&citizen->doc);
    citizen->doc = ablak_ydoc_new(NULL);
    client_free(citizen);
    wait_until_unloaded(&world);
    g_assert_cmpint(log_figure(&world, "count(*)"), ==, 1);
  }
  g_autoptr(GBytes) whole = ablak_ydoc_encode(doc, NULL, 0, NULL);
  gint64 left = log_figure(&world, "sum(length(data))");
  g_test_message(
      "on the way at most %d rows, %d bytes; left one row of %d bytes, the document's %d",
      (int)most_rows, (int)most_bytes, (int)left, (int)g_bytes_get_size(whole));
  g_assert_cmpint(most_rows, <=, 202);
  g_assert_cmpint(left, <=, (gint64)g_bytes_get_size(whole) + 16);
  g_assert_cmpint(most_bytes, <=, 2 * left + 202 * 100);
  ablak_ydoc_free(doc);
  world_close(&world);
}

/* When the open drafts fill their memory one more is refused; unused ones make room first. */
static void test_memory(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .quiet_ms = 4, .memory_max = 100000};
  world_open(&world, &options);
  g_autofree char *second = create_draft(world.store);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  g_autofree char *piece = g_strnfill(20000, 'y');
  while (citizen->close_code == 0) {
    client_type(citizen, "remarks", 0, piece);
    WAIT_UNTIL(ALL(citizen), citizen->durable == citizen->sent || citizen->close_code != 0);
  }
  g_assert_cmpuint(citizen->close_code, ==, 1013);
  unsigned open = 0;
  gsize bytes = 0;
  ablak_drafts_usage(world.drafts, &open, &bytes);
  g_assert_cmpuint(open, ==, 1);
  g_assert_cmpuint(bytes, >, 80000);
  g_assert_cmpuint(bytes, <, 200000);
  /* enough is kept free of the sum for nobody else to come in */
  options.memory_max = bytes + 1000;
  AblakDrafts *small = ablak_drafts_new(world.store, &options);
  Client *first = client_new(small, world.id, "shared", "clerk");
  g_autoptr(GError) error = NULL;
  AblakDraftPeer peer = {
      .actor_kind = "clerk", .actor_id = "c", .send = client_send, .close = client_close};
  g_assert_null(ablak_drafts_connect(small, second, "shared", &peer, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "forms/full");
  client_free(first);
  first = client_new(small, second, "shared", "clerk");
  WAIT_UNTIL(ALL(first), synced(first));
  client_free(first);
  ablak_drafts_free(small);
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
  g_test_add_func("/forms/recovery/slow-typing", test_slow_typing);
  g_test_add_func("/forms/recovery/memory", test_memory);
  return g_test_run();
}
