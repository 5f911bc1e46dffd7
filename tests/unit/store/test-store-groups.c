/* store: group commit equals serial execution, events have no gaps, the journal replays. */
#include "fixture.h"
#include <string.h>

/* --- a random job: transfers, inserts, deletes; some fail half way ---------------------------- */

typedef struct {
  guint32 seed;
  bool fails;
  int events;
} Plan;

static bool random_step(AblakTxn *txn, GRand *random, GError **error)
{
  g_autofree char *id = g_strdup_printf("a%d", g_rand_int_range(random, 0, 40));
  gint64 amount = g_rand_int_range(random, 1, 100);
  switch (g_rand_int_range(random, 0, 6)) {
  case 0:
    return ablak_txn_exec(txn, NULL, error,
                          "INSERT OR IGNORE INTO account (id, balance) VALUES (?, ?)", "ti", id,
                          amount);
  case 1:
    return ablak_txn_exec(txn, NULL, error,
                          "UPDATE account SET balance = balance + ?, rate = balance / 7.0, extra = "
                          "id || x'00' || balance WHERE id = ?",
                          "it", amount, id);
  case 2:
    return ablak_txn_exec(
        txn, NULL, error,
        "DELETE FROM account WHERE id = ? AND id NOT IN (SELECT account FROM pair)", "t", id);
  case 3:
    return ablak_txn_exec(
        txn, NULL, error,
        "REPLACE INTO pair (a, b, account) SELECT ?, 'x', id FROM account WHERE id = ?", "it",
        amount % 7, id);
  case 4:
    return ablak_txn_exec(txn, NULL, error, "DELETE FROM pair WHERE a = ?", "i", amount % 7);
  default:
    return ablak_txn_exec(txn, NULL, error, "UPDATE account SET note = ? WHERE id = ?", "bt",
                          "n\0te", (gsize)4, id);
  }
}

static bool run_plan(AblakTxn *txn, gpointer data, GError **error)
{
  Plan *plan = data;
  GRand *random = g_rand_new_with_seed(plan->seed);
  bool done = true;
  for (int i = 0; done && i < 4; i++)
    done = random_step(txn, random, error);
  g_rand_free(random);
  for (int i = 0; done && i < plan->events; i++) {
    g_autoptr(json_t) value = json_pack("{s:i}", "seed", (int)(plan->seed & 0xffff));
    done = ablak_event_append(txn, "test", "planned", "x", "system", value, error);
  }
  if (done && plan->fails)
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "test/planned", "half way");
  return done && !plan->fails;
}

/* --- state as text ------------------------------------------------------------------------------
 */

static void dump_query(AblakTxn *txn, const char *sql, int columns, GString *out)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query(txn, &error, sql, "");
  g_assert_no_error(error);
  while (ablak_rows_next(rows, &error)) {
    for (int i = 0; i < columns; i++)
      g_string_append_printf(out, "%s|",
                             ablak_rows_is_null(rows, i) ? "NULL" : ablak_rows_text(rows, i));
    g_string_append_c(out, '\n');
  }
  g_assert_no_error(error);
}

static char *dump(AblakStore *store)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  GString *out = g_string_new(NULL);
  dump_query(txn, "SELECT id, balance, hex(note), extra, rate FROM account ORDER BY id", 5, out);
  dump_query(txn, "SELECT a, b, account FROM pair ORDER BY a, b", 3, out);
  dump_query(txn, "SELECT seq, at, topic, kind, subject, actor, data FROM event ORDER BY seq", 7,
             out);
  return g_string_free(out, FALSE);
}

/* --- group commit against serial ----------------------------------------------------------------
 */

typedef struct {
  guint done;
  guint failed;
} Count;

typedef struct {
  Plan plan;
  Count *count;
} Queued;

static bool run_queued(AblakTxn *txn, gpointer data, GError **error)
{
  return run_plan(txn, &((Queued *)data)->plan, error);
}

static void count_done(const GError *error, gpointer data)
{
  Queued *queued = data;
  queued->count->done++;
  if (error == NULL) {
    g_assert_false(queued->plan.fails);
  } else {
    g_assert_true(queued->plan.fails);
    g_assert_cmpstr(ablak_error_slug(error), ==, "test/planned");
    queued->count->failed++;
  }
}

typedef struct {
  gint64 last_seq;
  guint commits;
} Watched;

static void watch_commits(const AblakEvent *const *events, gsize count, gpointer data)
{
  Watched *watched = data;
  g_assert_cmpuint(count, >, 0);
  for (gsize i = 0; i < count; i++) {
    g_assert_cmpint(events[i]->seq, ==, ++watched->last_seq);
    g_assert_cmpstr(events[i]->kind, ==, "planned");
    g_assert_true(json_is_integer(json_object_get(events[i]->data, "seed")));
  }
  watched->commits++;
}

#define PLANS 1500

static void draw_plans(GRand *random, Plan *ret_plans)
{
  for (int i = 0; i < PLANS; i++)
    ret_plans[i] = (Plan){g_rand_int(random), g_rand_int_range(random, 0, 4) == 0,
                          g_rand_int_range(random, 0, 3)};
}

static void test_group_equals_serial(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GRand) random = fixture_random();
  g_autofree Plan *plans = g_new0(Plan, PLANS);
  draw_plans(random, plans);
  Count count = {0};
  Watched watched = {0};
  ablak_store_watch_commits(fixture->store, watch_commits, &watched);
  for (int i = 0; i < PLANS; i++) {
    Queued *queued = g_new0(Queued, 1);
    *queued = (Queued){plans[i], &count};
    ablak_store_write(fixture->store, run_queued, count_done, queued, g_free);
  }
  while (count.done < PLANS)
    g_main_context_iteration(NULL, TRUE);
  fixture_settle();
  g_assert_cmpuint(count.failed, >, 0);
  g_assert_cmpuint(watched.commits, <, PLANS / 4); /* several jobs a commit */
  g_assert_cmpint(watched.last_seq, ==, fixture_int(fixture->store, "SELECT max(seq) FROM event"));
  g_assert_cmpint(watched.last_seq, ==, fixture_int(fixture->store, "SELECT count(*) FROM event"));
  g_autofree char *grouped = dump(fixture->store);

  Fixture serial = {0};
  fixture_set_up(&serial, NULL);
  for (int i = 0; i < PLANS; i++)
    g_assert_true(ablak_store_write_sync(serial.store, run_plan, &plans[i], NULL) ==
                  !plans[i].fails);
  g_autofree char *one_by_one = dump(serial.store);
  g_assert_cmpstr(grouped, ==, one_by_one);
  fixture_tear_down(&serial, NULL);
}

static void test_events_since(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  for (guint32 i = 0; i < 5; i++) {
    Plan plan = {i, i == 2, 1};
    g_assert_true(ablak_store_write_sync(fixture->store, run_plan, &plan, NULL) == (i != 2));
  }
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_assert_cmpint(ablak_events_last_seq(txn, &error), ==, 4);
  g_autoptr(GPtrArray) events = ablak_events_since(txn, 1, 2, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(events->len, ==, 2);
  const AblakEvent *event = events->pdata[1];
  g_assert_cmpint(event->seq, ==, 3);
  g_assert_cmpint(event->at_ms, ==, fixture->now_ms);
  g_assert_cmpstr(event->topic, ==, "test");
  g_assert_cmpint(ablak_json_get_int(event->data, "seed", -1), ==, 3);
}

/* --- the journal ---------------------------------------------------------------------------------
 */

static bool keep_changes(AblakTxn *txn, const void *changeset, gsize size, gpointer data,
                         GError **error)
{
  g_assert_cmpuint(size, >, 0);
  return ablak_txn_exec(txn, NULL, error, "INSERT INTO outbox (changes) VALUES (?)", "b", changeset,
                        size);
}

/* Applies a change by its primary key, through SQL text made from the shape. */
typedef struct {
  AblakTxn *txn;
  GHashTable *shapes;
} Replay;

static const char *column_name(Replay *replay, const AblakChange *change, int column)
{
  json_t *shape = g_hash_table_lookup(replay->shapes, change->table);
  if (shape == NULL) {
    shape = ablak_txn_table_shape(replay->txn, change->table, NULL);
    g_assert_nonnull(shape);
    g_hash_table_insert(replay->shapes, g_strdup(change->table), shape);
  }
  json_t *key = json_array_get(json_object_get(shape, "pk"), (gsize)column);
  g_assert_true((json_integer_value(key) == 1) == (change->primary_key[column] != 0));
  return json_string_value(json_array_get(json_object_get(shape, "columns"), (gsize)column));
}

/* "a = ? AND b = ?" for the columns that have values; keys only, or all. */
static void append_pairs(Replay *replay, const AblakChange *change, const AblakValue *values,
                         bool keys, const char *between, GString *sql, GArray *bound)
{
  bool first = true;
  for (int i = 0; i < change->columns; i++) {
    if (values[i].type == ABLAK_VALUE_UNCHANGED || (keys && !change->primary_key[i]))
      continue;
    g_string_append_printf(sql, "%s%s = ?", first ? "" : between, column_name(replay, change, i));
    g_array_append_val(bound, values[i]);
    first = false;
  }
}

static void write_statement(Replay *replay, const AblakChange *change, GString *sql, GArray *bound)
{
  if (change->op == ABLAK_CHANGE_INSERT) {
    g_string_append_printf(sql, "INSERT INTO %s VALUES (", change->table);
    for (int i = 0; i < change->columns; i++) {
      g_string_append(sql, i > 0 ? ", ?" : "?");
      g_array_append_val(bound, change->new_values[i]);
    }
    g_string_append_c(sql, ')');
    return;
  }
  if (change->op == ABLAK_CHANGE_UPDATE) {
    g_string_append_printf(sql, "UPDATE %s SET ", change->table);
    append_pairs(replay, change, change->new_values, false, ", ", sql, bound);
  } else {
    g_string_append_printf(sql, "DELETE FROM %s", change->table);
  }
  g_string_append(sql, " WHERE ");
  append_pairs(replay, change, change->old_values, true, " AND ", sql, bound);
}

static bool replay_change(const AblakChange *change, gpointer data, GError **error)
{
  Replay *replay = data;
  g_autoptr(GString) sql = g_string_new(NULL);
  g_autoptr(GArray) bound = g_array_new(FALSE, FALSE, sizeof(AblakValue));
  write_statement(replay, change, sql, bound);
  gint64 changes;
  if (!ablak_txn_exec_values(replay->txn, &changes, error, sql->str,
                             (const AblakValue *)(gpointer)bound->data, bound->len))
    return false;
  g_assert_cmpint(changes, ==, 1);
  return true;
}

static bool replay_all(AblakTxn *txn, gpointer data, GError **error)
{
  g_autoptr(GHashTable) shapes =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)json_decref);
  Replay replay = {txn, shapes};
  GPtrArray *changesets = data;
  for (guint i = 0; i < changesets->len; i++) {
    gsize size;
    const void *bytes = g_bytes_get_data(changesets->pdata[i], &size);
    if (!ablak_changeset_foreach(bytes, size, replay_change, &replay, error))
      return false;
  }
  return true;
}

static GPtrArray *read_outbox(AblakStore *store)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, &error, "SELECT changes FROM outbox ORDER BY seq", "");
  GPtrArray *changesets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  while (ablak_rows_next(rows, &error)) {
    gsize size;
    const void *bytes = ablak_rows_blob(rows, 0, &size);
    g_ptr_array_add(changesets, g_bytes_new(bytes, size));
  }
  g_assert_no_error(error);
  return changesets;
}

static void test_journal_replays(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GRand) random = fixture_random();
  g_autofree Plan *plans = g_new0(Plan, PLANS);
  draw_plans(random, plans);
  Count count = {0};
  ablak_store_set_journal(fixture->store, keep_changes, NULL);
  for (int i = 0; i < PLANS; i++) {
    Queued *queued = g_new0(Queued, 1);
    *queued = (Queued){plans[i], &count};
    ablak_store_write(fixture->store, run_queued, count_done, queued, g_free);
    if (g_rand_int_range(random, 0, 20) == 0)
      while (count.done <= (guint)i)
        g_main_context_iteration(NULL, TRUE);
  }
  while (count.done < PLANS)
    g_main_context_iteration(NULL, TRUE);
  g_autoptr(GPtrArray) changesets = read_outbox(fixture->store);
  g_assert_cmpuint(changesets->len, >, 10);
  g_autofree char *original = dump(fixture->store);
  Fixture replica = {0};
  fixture_set_up(&replica, NULL);
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(replica.store, replay_all, changesets, &error));
  g_assert_no_error(error);
  g_autofree char *replayed = dump(replica.store);
  g_assert_cmpstr(original, ==, replayed);
  fixture_tear_down(&replica, NULL);
}

static bool refuse_changes(AblakTxn *txn, const void *changeset, gsize size, gpointer data,
                           GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "test/journal", "no");
  return false;
}

static bool write_local(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "INSERT INTO outbox (changes) VALUES (x'00')", "");
}

/* What cannot be journaled does not happen; what touches no `up` table needs no journal. */
static void test_journal_refuses(Fixture *fixture, gconstpointer data)
{
  ablak_store_set_journal(fixture->store, refuse_changes, NULL);
  g_autoptr(GError) error = NULL;
  Plan plan = {1, false, 2};
  g_assert_false(ablak_store_write_sync(fixture->store, run_plan, &plan, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "test/journal");
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM event"), ==, 0);
  g_clear_error(&error);
  g_assert_true(ablak_store_write_sync(fixture->store, write_local, NULL, &error));
  g_assert_no_error(error);
}

static bool count_change(const AblakChange *change, gpointer data, GError **error)
{
  (*(int *)data)++;
  return true;
}

static void test_malformed_changesets(Fixture *fixture, gconstpointer data)
{
  ablak_store_set_journal(fixture->store, keep_changes, NULL);
  Plan plan = {7, false, 2};
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, run_plan, &plan, &error));
  g_autoptr(GPtrArray) changesets = read_outbox(fixture->store);
  gsize size;
  const char *bytes = g_bytes_get_data(changesets->pdata[0], &size);
  int changes = 0;
  g_assert_true(ablak_changeset_foreach(bytes, size, count_change, &changes, &error));
  g_assert_cmpint(changes, >, 1);
  /* Cut inside the last change. */
  g_autofree char *cut = g_memdup2(bytes, size - 1);
  g_assert_false(ablak_changeset_foreach(cut, size - 1, count_change, &changes, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/changeset");
  g_clear_error(&error);
  g_assert_false(ablak_changeset_foreach("garbage", 7, count_change, &changes, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/changeset");
}

#define ADD(name, function)                                                                        \
  g_test_add("/store/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("group-equals-serial", test_group_equals_serial);
  ADD("events-since", test_events_since);
  ADD("journal/replays", test_journal_replays);
  ADD("journal/refuses", test_journal_refuses);
  ADD("journal/malformed", test_malformed_changesets);
  return g_test_run();
}
