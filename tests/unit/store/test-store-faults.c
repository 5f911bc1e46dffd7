/* store: kill -9 in mid-writing, a full disk, failing writes. */
#include "fixture.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the child: writes numbered rows and reports each one that it was told is durable ------------
 */

typedef struct {
  gint64 number;
} Numbered;

static bool add_numbered(AblakTxn *txn, gpointer data, GError **error)
{
  const Numbered *numbered = data;
  g_autofree char *id = g_strdup_printf("%08" G_GINT64_FORMAT, numbered->number);
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO account (id, balance, note) VALUES (?, ?, randomblob(300))",
                        "ti", id, numbered->number) &&
         ablak_event_append(txn, "test", "numbered", "x", "system", NULL, error);
}

static void report(const GError *error, gpointer data)
{
  const Numbered *numbered = data;
  char line[32];
  int length = g_snprintf(line, sizeof line, "%" G_GINT64_FORMAT "\n", numbered->number);
  if (error != NULL || write(STDOUT_FILENO, line, (gsize)length) != length)
    _exit(3);
}

static G_NORETURN void run_child(const char *path, gint64 first)
{
  static const AblakStorePart *const parts[] = {&ablak_sample_store_part, NULL};
  Fixture fixture = {.path = g_strdup(path), .now_ms = 1, .parts = parts};
  fixture_open(&fixture);
  for (gint64 i = first;; i++) {
    Numbered *numbered = g_new0(Numbered, 1);
    numbered->number = i;
    ablak_store_write(fixture.store, add_numbered, report, numbered, g_free);
    if (i % 7 == 0)
      g_main_context_iteration(NULL, TRUE);
    while (g_main_context_iteration(NULL, FALSE))
      continue;
  }
}

static pid_t spawn_child(const char *path, gint64 first, int *ret_output)
{
  int ends[2];
  g_assert_cmpint(pipe(ends), ==, 0);
  g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, first);
  pid_t pid = fork();
  g_assert_cmpint(pid, >=, 0);
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl("/proc/self/exe", "child", "write", path, number, NULL);
    _exit(127);
  }
  close(ends[1]);
  *ret_output = ends[0];
  return pid;
}

/* Reads reports until `count` have come, kills, and reads what was in the pipe already. */
static gint64 kill_after(pid_t pid, int output, int count)
{
  g_autofree char *line = NULL;
  size_t capacity = 0;
  FILE *reports = fdopen(output, "r");
  gint64 last = -1;
  for (int i = 0; getline(&line, &capacity, reports) > 0; i++) {
    if (strchr(line, '\n') != NULL)
      last = g_ascii_strtoll(line, NULL, 10);
    if (i == count)
      kill(pid, SIGKILL);
  }
  fclose(reports);
  int status;
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return last;
}

static void test_kill(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GRand) random = fixture_random();
  fixture_close(fixture);
  gint64 next = 0;
  for (int round = 0; round < 6; round++) {
    int output;
    pid_t pid = spawn_child(fixture->path, next, &output);
    gint64 last = kill_after(pid, output, g_rand_int_range(random, 0, 400));
    g_assert_cmpint(last, >=, next);
    fixture_open(fixture);
    /* All that were reported are there, and nothing is there out of order. */
    gint64 count = fixture_int(fixture->store, "SELECT count(*) FROM account");
    g_assert_cmpint(count, >, last);
    g_assert_cmpint(fixture_int(fixture->store, "SELECT max(balance) FROM account"), ==, count - 1);
    g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM event"), ==, count);
    g_assert_cmpint(fixture_int(fixture->store, "SELECT max(seq) FROM event"), ==, count);
    next = count;
    fixture_close(fixture);
  }
  fixture_open(fixture);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, &error, "PRAGMA integrity_check", "");
  g_assert_cmpstr(ablak_rows_text(rows, 0), ==, "ok");
}

/* --- a full disk
 * ----------------------------------------------------------------------------------- */

typedef struct {
  const char *id;
  gint64 bytes;
  char *slug;
} Big;

static bool add_big(AblakTxn *txn, gpointer data, GError **error)
{
  const Big *big = data;
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO account (id, balance, note) VALUES (?, 1, zeroblob(?))", "ti",
                        big->id, big->bytes);
}

/* A careless job that hides its failure: the group must fail all the same. */
static bool add_big_carelessly(AblakTxn *txn, gpointer data, GError **error)
{
  add_big(txn, data, NULL);
  return true;
}

static void keep_slug(const GError *error, gpointer data)
{
  Big *big = data;
  big->slug = g_strdup(error != NULL ? ablak_error_slug(error) : "ok");
}

static bool limit_pages(AblakTxn *txn, gpointer data, GError **error)
{
  g_autofree char *sql = g_strdup_printf("PRAGMA max_page_count = %d", *(int *)data);
  return ablak_txn_exec(txn, NULL, error, sql, "");
}

typedef struct {
  GMutex gate;
} Gate;

static bool hold_writer(AblakTxn *txn, gpointer data, GError **error)
{
  Gate *gate = data;
  g_mutex_lock(&gate->gate);
  g_mutex_unlock(&gate->gate);
  return true;
}

/* Three jobs of one commit; the second fills the disk and SQLite rolls everything back. */
static void write_three(Fixture *fixture, AblakJob second, Big *bigs)
{
  Gate gate;
  g_mutex_init(&gate.gate);
  g_mutex_lock(&gate.gate);
  ablak_store_write(fixture->store, hold_writer, NULL, &gate, NULL);
  /* The holder must be running, so that the three come into one group after it. */
  g_usleep(20000);
  ablak_store_write(fixture->store, add_big, keep_slug, &bigs[0], NULL);
  ablak_store_write(fixture->store, second, keep_slug, &bigs[1], NULL);
  ablak_store_write(fixture->store, add_big, keep_slug, &bigs[2], NULL);
  g_mutex_unlock(&gate.gate);
  while (bigs[2].slug == NULL)
    g_main_context_iteration(NULL, TRUE);
  g_mutex_clear(&gate.gate);
}

static void check_full(Fixture *fixture, AblakJob second, const char *second_slug)
{
  Big bigs[3] = {{"a", 10, NULL}, {"b", 8 << 20, NULL}, {"c", 10, NULL}};
  write_three(fixture, second, bigs);
  for (int i = 0; i < 3; i++) {
    g_assert_cmpstr(bigs[i].slug, ==, second_slug);
    g_free(bigs[i].slug);
  }
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM account"), ==, 0);
}

static void test_full(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  int pages = 200;
  g_assert_true(ablak_store_write_sync(fixture->store, limit_pages, &pages, &error));
  check_full(fixture, add_big, "store/full");
  check_full(fixture, add_big_carelessly, "store/io");
  /* With room again, the same store goes on. */
  pages = 100000;
  g_assert_true(ablak_store_write_sync(fixture->store, limit_pages, &pages, &error));
  Big big = {"b", 8 << 20, NULL};
  g_assert_true(ablak_store_write_sync(fixture->store, add_big, &big, &error));
  g_assert_no_error(error);
}

/* A limit on the size of files makes write(2) itself fail, at COMMIT. */
static void test_failing_writes(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit old, small = {1 << 20, 1 << 20};
  g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
  small.rlim_max = old.rlim_max;
  g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
  Big big = {"b", 8 << 20, NULL}, little = {"l", 10, NULL};
  bool done = ablak_store_write_sync(fixture->store, add_big, &big, &error);
  g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
  g_assert_false(done);
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/io");
  g_clear_error(&error);
  g_assert_true(ablak_store_write_sync(fixture->store, add_big, &little, &error));
  g_assert_no_error(error);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM account"), ==, 1);
}

#define ADD(name, function)                                                                        \
  g_test_add("/store/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  if (argc == 4 && strcmp(argv[1], "write") == 0)
    run_child(argv[2], g_ascii_strtoll(argv[3], NULL, 10));
  g_test_init(&argc, &argv, NULL);
  ADD("kill", test_kill);
  ADD("full", test_full);
  ADD("failing-writes", test_failing_writes);
  return g_test_run();
}
