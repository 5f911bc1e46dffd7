/* store: SQL, jobs, snapshots, migrations, backup. */
#include "fixture.h"
#include <glib/gstdio.h>
#include <string.h>

#define INSERT_ACCOUNT "INSERT INTO account (id, balance) VALUES (?, ?)"

typedef struct {
  const char *id;
  gint64 balance;
} Account;

static bool add_account(AblakTxn *txn, gpointer data, GError **error)
{
  const Account *account = data;
  return ablak_txn_exec(txn, NULL, error, INSERT_ACCOUNT, "ti", account->id, account->balance);
}

static bool exercise_values(AblakTxn *txn, gpointer data, GError **error)
{
  g_autoptr(json_t) object = json_pack("{s:i}", "a", 1);
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error, "SELECT ?, ?, ?, ?, ?, ?, ?", "tidbjtb", "szöveg", (gint64)-5,
                          0.5, "\0\1", (gsize)2, object, NULL, "", (gsize)0);
  g_assert_nonnull(rows);
  gsize size;
  g_assert_cmpstr(ablak_rows_text(rows, 0), ==, "szöveg");
  g_assert_cmpint(ablak_rows_int(rows, 1), ==, -5);
  g_assert_cmpfloat(ablak_rows_double(rows, 2), ==, 0.5);
  g_assert_cmpmem(ablak_rows_blob(rows, 3, &size), 2, "\0\1", 2);
  g_assert_cmpuint(size, ==, 2);
  g_autoptr(json_t) back = ablak_rows_json(rows, 4);
  g_assert_true(json_equal(back, object));
  g_assert_true(ablak_rows_is_null(rows, 5));
  g_assert_null(ablak_rows_text(rows, 5));
  g_assert_false(ablak_rows_is_null(rows, 6));
  g_assert_nonnull(ablak_rows_blob(rows, 6, &size));
  g_assert_cmpuint(size, ==, 0);
  return true;
}

/* Whatever a column holds comes out and goes in unchanged, also bytes after a NUL. */
static bool exercise_run_time_values(AblakTxn *txn, gpointer data, GError **error)
{
  static const AblakValue values[] = {{.type = ABLAK_VALUE_INT, .integer = G_MININT64},
                                      {.type = ABLAK_VALUE_REAL, .real = 0.1},
                                      {.type = ABLAK_VALUE_TEXT, .bytes = "a\0b", .size = 3},
                                      {.type = ABLAK_VALUE_BLOB, .bytes = "\0\xff", .size = 2},
                                      {.type = ABLAK_VALUE_BLOB, .size = 0},
                                      {.type = ABLAK_VALUE_NULL}};
  g_assert_true(ablak_txn_exec(txn, NULL, error, "CREATE TEMP TABLE v (a, b, c, d, e, f)", ""));
  g_assert_true(ablak_txn_exec_values(txn, NULL, error, "INSERT INTO v VALUES (?, ?, ?, ?, ?, ?)",
                                      values, 6));
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, error, "SELECT * FROM v", "");
  g_assert_cmpint(ablak_rows_columns(rows), ==, 6);
  for (int i = 0; i < 6; i++) {
    AblakValue value = ablak_rows_value(rows, i);
    g_assert_cmpint(value.type, ==, values[i].type);
    g_assert_cmpint(value.integer, ==, values[i].integer);
    g_assert_cmpfloat(value.real, ==, values[i].real);
    g_assert_cmpuint(value.size, ==, values[i].size);
    g_assert_true(value.size == 0 || memcmp(value.bytes, values[i].bytes, value.size) == 0);
  }
  const AblakValue unchanged = {.type = ABLAK_VALUE_UNCHANGED};
  g_assert_false(ablak_txn_exec_values(txn, NULL, NULL, "SELECT ?", &unchanged, 1));
  g_assert_false(ablak_txn_exec_values(txn, NULL, NULL, "SELECT ?", values, 2));
  return true;
}

static void test_run_time_values(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, exercise_run_time_values, NULL, &error));
  g_assert_no_error(error);
}

static void test_values(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, exercise_values, NULL, &error));
  g_assert_no_error(error);
}

/* The same text in two loops inside each other, and more texts than the cache holds. */
static bool nest_queries(AblakTxn *txn, gpointer data, GError **error)
{
  static const char *const numbers = "SELECT value FROM json_each('[1,2,3]')";
  gint64 sum = 0;
  g_autoptr(AblakRows) outer = ablak_txn_query(txn, error, numbers, "");
  while (ablak_rows_next(outer, error)) {
    g_autoptr(AblakRows) inner = ablak_txn_query(txn, error, numbers, "");
    while (ablak_rows_next(inner, error))
      sum += ablak_rows_int(outer, 0) * ablak_rows_int(inner, 0);
  }
  g_assert_cmpint(sum, ==, 36);
  for (int i = 0; i < 500; i++) {
    g_autofree char *sql = g_strdup_printf("SELECT %d", i % 400);
    g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, error, sql, "");
    g_assert_cmpint(ablak_rows_int(rows, 0), ==, i % 400);
  }
  return true;
}

static void test_statements(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, nest_queries, NULL, &error));
}

static bool expect_errors(AblakTxn *txn, gpointer data, GError **error)
{
  static const struct {
    const char *sql, *slug;
  } samples[] = {
      {"INSERT INTO account (id, balance) VALUES ('a', 1)", "store/constraint"},
      {"INSERT INTO account (id, balance) VALUES ('b', NULL)", "store/constraint"},
      {"INSERT INTO account (id, balance) VALUES ('b', 'x')", "store/constraint"},
      {"SELECT nothing", "internal"},
      {"SELECT 1; SELECT 2", "internal"},
      {"", "internal"},
      {"SELECT ?", "internal"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
    g_autoptr(GError) fault = NULL;
    g_assert_false(ablak_txn_exec(txn, NULL, &fault, samples[i].sql, ""));
    g_assert_cmpstr(ablak_error_slug(fault), ==, samples[i].slug);
  }
  g_autoptr(GError) none = NULL;
  g_assert_null(ablak_txn_query_one(txn, &none, "SELECT 1 WHERE 0", ""));
  g_assert_error(none, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND);
  gint64 changes = 7;
  g_assert_true(
      ablak_txn_exec(txn, &changes, error, "UPDATE account SET balance = 2 WHERE id = 'none'", ""));
  g_assert_cmpint(changes, ==, 0);
  g_assert_true(ablak_txn_exec(txn, &changes, error, "UPDATE account SET balance = 2", ""));
  g_assert_cmpint(changes, ==, 1);
  return true;
}

static void test_errors(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  Account account = {"a", 1};
  g_assert_true(ablak_store_write_sync(fixture->store, add_account, &account, &error));
  g_assert_true(ablak_store_write_sync(fixture->store, expect_errors, NULL, &error));
  g_assert_false(ablak_store_write_sync(fixture->store, add_account, &account, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/constraint");
  g_assert_cmpuint(ablak_error_status(error), ==, 409);
}

static bool dangle(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "INSERT INTO pair VALUES (1, 'x', 'nobody')", "");
}

static void keep_slug(const GError *error, gpointer data)
{
  char **slug = data;
  g_assert_null(*slug);
  *slug = g_strdup(error != NULL ? ablak_error_slug(error) : "ok");
}

static bool hold_writer(AblakTxn *txn, gpointer data, GError **error)
{
  GMutex *gate = data;
  g_mutex_lock(gate);
  g_mutex_unlock(gate);
  return true;
}

/* A deferred foreign key breach is the fault of its job, not of the group's others. */
static void test_deferred_key(Fixture *fixture, gconstpointer data)
{
  GMutex gate;
  g_mutex_init(&gate);
  g_mutex_lock(&gate);
  Account account = {"a", 1};
  char *slugs[2] = {NULL, NULL};
  ablak_store_write(fixture->store, hold_writer, NULL, &gate, NULL);
  struct {
    Account account;
    char *slug;
  } first = {account, NULL};
  ablak_store_write(fixture->store, add_account, NULL, &first, NULL);
  ablak_store_write(fixture->store, dangle, keep_slug, &slugs[1], NULL);
  g_mutex_unlock(&gate);
  while (slugs[1] == NULL)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpstr(slugs[1], ==, "store/constraint");
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM account"), ==, 1);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM pair"), ==, 0);
  g_free(slugs[1]);
  g_mutex_clear(&gate);
}

static void test_full_queue_and_close(Fixture *fixture, gconstpointer data)
{
  fixture_close(fixture);
  static const AblakStorePart *const parts[] = {&ablak_sample_store_part, NULL};
  AblakStoreOptions options = {.path = fixture->path, .parts = parts, .max_queued_jobs = 4};
  g_autoptr(GError) error = NULL;
  fixture->store = ablak_store_open(&options, &error);
  g_assert_no_error(error);
  GMutex gate;
  g_mutex_init(&gate);
  g_mutex_lock(&gate);
  char *slugs[12] = {NULL};
  for (gsize i = 0; i < G_N_ELEMENTS(slugs); i++)
    ablak_store_write(fixture->store, hold_writer, keep_slug, &slugs[i], NULL);
  g_mutex_unlock(&gate);
  Account account = {"last", 1};
  ablak_store_write(fixture->store, add_account, NULL, &account, NULL);
  fixture_close(fixture);
  gsize done = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(slugs); i++) {
    g_assert_nonnull(slugs[i]);
    done += strcmp(slugs[i], "ok") == 0;
    if (strcmp(slugs[i], "ok") != 0)
      g_assert_cmpstr(slugs[i], ==, "store/busy");
    g_free(slugs[i]);
  }
  g_assert_true(done >= 4 && done <= 8);
  g_mutex_clear(&gate);
  fixture_open(fixture);
}

static void test_snapshot(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) before = ablak_store_read(fixture->store, &error);
  Account account = {"a", 1};
  g_assert_true(ablak_store_write_sync(fixture->store, add_account, &account, &error));
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(before, &error, "SELECT count(*) FROM account", "");
  g_assert_cmpint(ablak_rows_int(rows, 0), ==, 0);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM account"), ==, 1);
  g_assert_false(ablak_txn_exec(before, NULL, &error, INSERT_ACCOUNT, "ti", "b", (gint64)1));
  g_assert_nonnull(error);
  g_clear_error(&error);
  g_assert_false(ablak_event_append(before, "t", "k", "s", "a", NULL, &error));
  g_assert_nonnull(error);
}

static bool check_durability(AblakTxn *txn, gpointer data, GError **error)
{
  static const char *const settings[][2] = {{"SELECT journal_mode FROM pragma_journal_mode", "wal"},
                                            {"SELECT synchronous FROM pragma_synchronous", "2"},
                                            {"SELECT foreign_keys FROM pragma_foreign_keys", "1"}};
  for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
    g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, error, settings[i][0], "");
    g_assert_nonnull(rows);
    g_assert_cmpstr(ablak_rows_text(rows, 0), ==, settings[i][1]);
  }
  g_assert_cmpint(ablak_txn_now_ms(txn), ==, G_GINT64_CONSTANT(1795248000000));
  return true;
}

static void test_settings(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, check_durability, NULL, &error));
  g_assert_no_error(error);
  GStatBuf status;
  g_assert_cmpint(g_stat(fixture->path, &status), ==, 0);
  g_assert_cmpint(status.st_mode & 0777, ==, 0600);
}

static void test_tables(Fixture *fixture, gconstpointer data)
{
  const AblakTable *table = ablak_store_table(fixture->store, "outbox");
  g_assert_cmpint(table->owner, ==, ABLAK_OWNER_LOCAL);
  g_assert_cmpstr(ablak_store_table(fixture->store, "event")->retention, ==, "audit");
  g_assert_null(ablak_store_table(fixture->store, "nothing"));
  g_autofree const char **up = ablak_store_tables(fixture->store, ABLAK_OWNER_UP);
  g_autofree char *names = g_strjoinv(" ", (char **)up);
  g_assert_cmpstr(names, ==, "event account pair");
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(json_t) shape = ablak_txn_table_shape(txn, "pair", &error);
  g_autofree char *text = ablak_json_canonical(shape);
  g_assert_cmpstr(text, ==,
                  "{\"columns\":[\"a\",\"b\",\"account\"],\"pk\":[1,1,0],\"table\":\"pair\"}");
  g_assert_null(ablak_txn_table_shape(txn, "nothing", &error));
  g_assert_error(error, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND);
}

/* A database of the release before is brought up; one of the release after is accepted; a broken
 * migration leaves everything as it was. */
static void test_migrations(Fixture *fixture, gconstpointer data)
{
  Account account = {"a", 1};
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, add_account, &account, &error));
  fixture_close(fixture);
  const AblakMigration *all = ablak_sample_store_part.migrations;
  const AblakMigration broken[] = {
      all[0], all[1], {3, "broken", "CREATE TABLE half (a); SELECT nothing;"}, {0}};
  const AblakMigration first_only[] = {all[0], {0}};
  const AblakStorePart ahead = {"sample", broken, ablak_sample_store_part.tables};
  const AblakStorePart behind = {"sample", first_only, ablak_sample_store_part.tables};
  const AblakStorePart *parts[] = {&ahead, NULL};
  AblakStoreOptions options = {.path = fixture->path, .parts = parts};
  g_assert_null(ablak_store_open(&options, &error));
  g_assert_nonnull(strstr(error->message, "0003 of sample"));
  g_clear_error(&error);
  parts[0] = &behind;
  fixture->store = ablak_store_open(&options, &error);
  g_assert_no_error(error);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM account"), ==, 1);
  g_assert_cmpint(
      fixture_int(fixture->store, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), ==, 0);
  g_assert_cmpint(
      fixture_int(fixture->store, "SELECT number FROM schema_version WHERE part = 'sample'"), ==,
      2);
}

static void test_backup(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *copy = g_build_filename(fixture->folder, "copy.db", NULL);
  Account a = {"a", 1}, b = {"b", 2};
  g_assert_true(ablak_store_write_sync(fixture->store, add_account, &a, &error));
  g_assert_true(ablak_store_backup(fixture->store, copy, &error));
  g_assert_no_error(error);
  g_assert_false(ablak_store_backup(fixture->store, copy, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/exists");
  g_clear_error(&error);
  g_assert_true(ablak_store_write_sync(fixture->store, add_account, &b, &error));
  g_autoptr(AblakReader) reader = ablak_reader_open(copy, &error);
  g_assert_no_error(error);
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(ablak_reader_txn(reader), &error, "SELECT id FROM account", "");
  g_assert_cmpstr(ablak_rows_text(rows, 0), ==, "a");
  g_assert_false(ablak_store_restore(copy, fixture->path, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/in-use");
  g_clear_error(&error);
  fixture_close(fixture);
  g_assert_true(ablak_store_restore(copy, fixture->path, &error));
  g_assert_no_error(error);
  fixture_open(fixture);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM account"), ==, 1);
}

static void test_damaged_backup(Fixture *fixture, gconstpointer data)
{
  g_autofree char *copy = g_build_filename(fixture->folder, "copy.db", NULL);
  g_autoptr(GError) error = NULL;
  Account a = {"a", 1};
  g_assert_true(ablak_store_write_sync(fixture->store, add_account, &a, &error));
  g_assert_true(ablak_store_backup(fixture->store, copy, &error));
  fixture_close(fixture);
  g_autofree char *content = NULL;
  gsize size;
  g_assert_true(g_file_get_contents(copy, &content, &size, NULL));
  memset(content + size - 4096, 0x55, 4096);
  g_assert_true(g_file_set_contents(copy, content, (gssize)size, NULL));
  g_assert_false(ablak_store_restore(copy, fixture->path, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/corrupt");
  g_clear_error(&error);
  g_assert_true(g_file_set_contents(copy, "no database, only some text", -1, NULL));
  g_assert_false(ablak_store_restore(copy, fixture->path, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/corrupt");
  g_clear_error(&error);
  g_assert_false(ablak_store_restore("/nonexistent/x.db", fixture->path, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/io");
  fixture_open(fixture);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM account"), ==, 1);
}

#define ADD(name, function)                                                                        \
  g_test_add("/store/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("values", test_values);
  ADD("run-time-values", test_run_time_values);
  ADD("statements", test_statements);
  ADD("errors", test_errors);
  ADD("deferred-key", test_deferred_key);
  ADD("full-queue", test_full_queue_and_close);
  ADD("snapshot", test_snapshot);
  ADD("settings", test_settings);
  ADD("tables", test_tables);
  ADD("migrations", test_migrations);
  ADD("backup", test_backup);
  ADD("damaged-backup", test_damaged_backup);
  return g_test_run();
}
