#include "fixture.h"
#include <glib/gstdio.h>

static gint64 fixture_clock(gpointer data)
{
  return ((Fixture *)data)->now_ms;
}

AblakStore *fixture_open(Fixture *fixture)
{
  AblakStoreOptions options = {.path = fixture->path,
                               .parts = fixture->parts,
                               .clock = fixture_clock,
                               .clock_data = fixture};
  g_autoptr(GError) error = NULL;
  fixture->store = ablak_store_open(&options, &error);
  g_assert_no_error(error);
  return fixture->store;
}

void fixture_close(Fixture *fixture)
{
  g_clear_pointer(&fixture->store, ablak_store_close);
}

void fixture_set_up(Fixture *fixture, gconstpointer data)
{
  static const AblakStorePart *const sample[] = {&ablak_sample_store_part, NULL};
  fixture->parts = data != NULL ? data : sample;
  g_autoptr(GError) error = NULL;
  fixture->folder = g_dir_make_tmp("ablak-store-XXXXXX", &error);
  g_assert_no_error(error);
  fixture->path = g_build_filename(fixture->folder, "a b%?#.db", NULL);
  fixture->now_ms = G_GINT64_CONSTANT(1795248000000);
  fixture_open(fixture);
}

void remove_folder(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_unlink(path);
  }
  g_rmdir(folder);
}

void fixture_tear_down(Fixture *fixture, gconstpointer data)
{
  fixture_close(fixture);
  remove_folder(fixture->folder);
  g_free(fixture->folder);
  g_free(fixture->path);
}

void fixture_settle(void)
{
  while (g_main_context_iteration(NULL, FALSE))
    continue;
}

gint64 fixture_int(AblakStore *store, const char *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  g_assert_no_error(error);
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, &error, sql, "");
  g_assert_no_error(error);
  return ablak_rows_int(rows, 0);
}

GRand *fixture_random(void)
{
  const char *given = g_getenv("ABLAK_TEST_SEED");
  guint32 seed = given != NULL ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();
  g_test_message("ABLAK_TEST_SEED=%u", seed);
  return g_rand_new_with_seed(seed);
}
