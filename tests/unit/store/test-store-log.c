/* store: what is held is one commit; the write-ahead log is moved, and begun anew. */
#include "fixture.h"
#include <glib/gstdio.h>
#include <string.h>

/* --- one commit ---------------------------------------------------------------------------------
 */

typedef struct {
  Fixture *fixture;
  int number, seen; /* accounts that others could see while it ran */
  int *done;
} Insert;

static bool insert(AblakTxn *txn, gpointer data, GError **error)
{
  Insert *insert = data;
  g_autofree char *id = g_strdup_printf("a%d", insert->number);
  insert->seen = (int)fixture_int(insert->fixture->store, "SELECT count(*) FROM account");
  return ablak_txn_exec(txn, NULL, error, "INSERT INTO account (id, balance) VALUES (?, 0)", "t",
                        id);
}

static void inserted(const GError *error, gpointer data)
{
  g_assert_no_error(error);
  ++*((Insert *)data)->done;
}

static void test_hold(Fixture *fixture, gconstpointer data)
{
  enum { JOBS = 20 };
  Insert jobs[JOBS];
  int done = 0;
  ablak_store_hold(fixture->store);
  ablak_store_hold(fixture->store);
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = (Insert){fixture, i, -1, &done};
    ablak_store_write(fixture->store, insert, inserted, &jobs[i], NULL);
    g_usleep(1000);
  }
  ablak_store_release(fixture->store);
  g_usleep(20000);
  g_assert_cmpint(jobs[0].seen, ==, -1);
  ablak_store_release(fixture->store);
  while (done < JOBS)
    g_main_context_iteration(NULL, TRUE);
  for (int i = 0; i < JOBS; i++)
    g_assert_cmpint(jobs[i].seen, ==, 0);
}

/* Whoever stands still until the commit is not held. */
static void test_hold_and_wait(Fixture *fixture, gconstpointer data)
{
  int done = 0;
  Insert jobs[2] = {{fixture, 0, -1, &done}, {fixture, 1, -1, &done}};
  ablak_store_hold(fixture->store);
  ablak_store_write(fixture->store, insert, inserted, &jobs[0], NULL);
  g_assert_true(ablak_store_write_sync(fixture->store, insert, &jobs[1], NULL));
  ablak_store_release(fixture->store);
  while (done < 1)
    g_main_context_iteration(NULL, TRUE);
}

/* --- the log ------------------------------------------------------------------------------------
 */

#define LARGE (4096 * 1024)
#define LARGE_COMMITS 10 /* more pages than the log is to have */
#define WAIT_US (60 * G_USEC_PER_SEC)

static bool write_note(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "REPLACE INTO account (id, balance, note) VALUES ('n', 0, zeroblob(?))",
                        "i", (gint64)GPOINTER_TO_INT(data));
}

static void commit(Fixture *fixture, int size)
{
  g_autoptr(GError) error = NULL;
  bool done = ablak_store_write_sync(fixture->store, write_note, GINT_TO_POINTER(size), &error);
  g_assert_no_error(error);
  g_assert_true(done);
}

/* The number in the log's head grows each time that it is begun anew (SQLite, "WAL-mode File
 * Format", §2.1). */
static guint32 log_number(Fixture *fixture)
{
  g_autofree char *path = g_strconcat(fixture->path, "-wal", NULL);
  g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);
  g_assert_cmpuint(g_mapped_file_get_length(file), >, 32);
  guint32 number;
  memcpy(&number, g_mapped_file_get_contents(file) + 12, sizeof number);
  return GUINT32_FROM_BE(number);
}

static void test_log_begins_anew(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  commit(fixture, 1);
  AblakTxn *reader = ablak_store_read(fixture->store, &error);
  g_assert_no_error(error);
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(reader, &error, "SELECT length(note) FROM account", "");
  g_assert_cmpint(ablak_rows_int(rows, 0), ==, 1);
  g_clear_pointer(&rows, ablak_rows_free);
  guint32 before = log_number(fixture);
  for (int i = 0; i < LARGE_COMMITS; i++)
    commit(fixture, LARGE);
  for (int i = 0; i < 50; i++)
    commit(fixture, 2);
  /* Whoever reads sees what there was, so the log has to stay. */
  g_assert_cmpuint(log_number(fixture), ==, before);
  rows = ablak_txn_query_one(reader, &error, "SELECT length(note) FROM account", "");
  g_assert_cmpint(ablak_rows_int(rows, 0), ==, 1);
  g_clear_pointer(&rows, ablak_rows_free);
  ablak_txn_end(reader);
  gint64 end_us = g_get_monotonic_time() + WAIT_US;
  while (log_number(fixture) == before) {
    g_assert_cmpint(g_get_monotonic_time(), <, end_us);
    commit(fixture, 3);
  }
  g_assert_cmpint(fixture_int(fixture->store, "SELECT length(note) FROM account"), ==, 3);
}

static gint64 log_size(Fixture *fixture)
{
  g_autofree char *path = g_strconcat(fixture->path, "-wal", NULL);
  GStatBuf found;
  g_assert_cmpint(g_stat(path, &found), ==, 0);
  return found.st_size;
}

/* Of whoever writes much, blocks are there before they are needed; nobody else's file grows. */
static void test_blocks_lead(Fixture *fixture, gconstpointer data)
{
  enum { MANY = 300000 };
  commit(fixture, 1);
  commit(fixture, 1);
  g_assert_cmpint(log_size(fixture), <, MANY);
  commit(fixture, MANY);
  commit(fixture, 1); /* what follows a commit has been done when the next one is */
  gint64 size = log_size(fixture);
  g_assert_cmpint(size, >, MANY + 500000);
  for (int i = 0; i < 20; i++)
    commit(fixture, 1);
  g_assert_cmpint(log_size(fixture), ==, size);
  for (int i = 0; i < 10; i++)
    commit(fixture, MANY);
  commit(fixture, 1);
  g_assert_cmpint(log_size(fixture), >, size + 9 * MANY);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT length(note) FROM account"), ==, 1);
}

/* --- an end in the middle ----------------------------------------------------------------------
 */

static bool write_other(AblakTxn *txn, gpointer data, GError **error)
{
  g_autofree char *id = g_strdup_printf("n%d", GPOINTER_TO_INT(data));
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO account (id, balance, note) VALUES (?, 0, zeroblob(?))", "ti",
                        id, (gint64)LARGE);
}

/* So many different pages take seconds to move, piece by piece: closing does not wait for them. */
static void test_closed_while_moving(Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < LARGE_COMMITS; i++) {
    g_autoptr(GError) error = NULL;
    bool done = ablak_store_write_sync(fixture->store, write_other, GINT_TO_POINTER(i), &error);
    g_assert_no_error(error);
    g_assert_true(done);
  }
  commit(fixture, 1);
  fixture_close(fixture);
  fixture_open(fixture);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT sum(length(note)) FROM account"), ==,
                  (gint64)LARGE_COMMITS * LARGE + 1);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM pragma_integrity_check"
                                              " WHERE integrity_check <> 'ok'"),
                  ==, 0);
}

#define ADD(name, function)                                                                        \
  g_test_add("/store/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("hold", test_hold);
  ADD("hold-and-wait", test_hold_and_wait);
  ADD("log-begins-anew", test_log_begins_anew);
  ADD("blocks-lead", test_blocks_lead);
  ADD("closed-while-moving", test_closed_while_moving);
  return g_test_run();
}
