/* store: the power is cut at random moments; what was acknowledged before must be there, whole and
 * in order. The cuts are simulated: see crash-vfs.h. */
#include "crash-vfs.h"
#include "fixture.h"
#include <glib/gstdio.h>
#include <string.h>

#define CUTS 20
#define JOBS 900

typedef struct {
  char *folder;
  gint64 acknowledged; /* jobs that were reported as durable before the cut */
} Image;

typedef struct {
  Fixture *fixture;
  GRand *random;
  GArray *images;
  gint64 acknowledged;
} Run;

typedef struct {
  Run *run;
  gint64 number;
} Numbered;

static bool add_numbered(AblakTxn *txn, gpointer data, GError **error)
{
  const Numbered *numbered = data;
  g_autofree char *id = g_strdup_printf("%08" G_GINT64_FORMAT, numbered->number);
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO account (id, balance, note) VALUES (?, ?, randomblob(2000))",
                        "ti", id, numbered->number) &&
         ablak_event_append(txn, "test", "numbered", "x", "system", NULL, error);
}

static void cut(Run *run)
{
  Image image = {g_dir_make_tmp("ablak-store-XXXXXX", NULL), run->acknowledged};
  crash_vfs_cut(run->random, image.folder);
  g_array_append_val(run->images, image);
}

static void acknowledged(const GError *error, gpointer data)
{
  const Numbered *numbered = data;
  Run *run = numbered->run;
  g_assert_no_error(error);
  g_assert_cmpint(numbered->number, ==, run->acknowledged);
  run->acknowledged++;
  /* The writer is at work on the next jobs meanwhile. */
  if (g_rand_int_range(run->random, 0, JOBS / CUTS) == 0)
    cut(run);
}

/* Often, so that cuts fall into checkpoints too. */
static bool checkpoint_often(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "PRAGMA wal_autocheckpoint = 60", "");
}

static void write_all(Run *run)
{
  for (gint64 i = 0; i < JOBS; i++) {
    Numbered *numbered = g_new0(Numbered, 1);
    *numbered = (Numbered){run, i};
    ablak_store_write(run->fixture->store, add_numbered, acknowledged, numbered, g_free);
    while (i - run->acknowledged > 40)
      g_main_context_iteration(NULL, TRUE);
  }
  while (run->acknowledged < JOBS)
    g_main_context_iteration(NULL, TRUE);
}

/* -1 when the database is damaged. */
static gint64 read_int(AblakStore *store, const char *sql)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(store, NULL);
  g_autoptr(AblakRows) rows = txn != NULL ? ablak_txn_query_one(txn, NULL, sql, "") : NULL;
  return rows != NULL ? ablak_rows_int(rows, 0) : -1;
}

/* How many jobs an image holds; -1 when it cannot be opened or is not whole. */
static gint64 count_in(const Fixture *fixture, const Image *image)
{
  g_autofree char *name = g_path_get_basename(fixture->path);
  g_autofree char *path = g_build_filename(image->folder, name, NULL);
  AblakStoreOptions options = {.path = path, .parts = fixture->parts};
  g_autoptr(AblakStore) store = ablak_store_open(&options, NULL);
  if (store == NULL ||
      read_int(store, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") !=
          1)
    return -1;
  gint64 count = read_int(store, "SELECT count(*) FROM account");
  bool in_order = read_int(store, "SELECT coalesce(max(balance), -1) FROM account") == count - 1 &&
                  read_int(store, "SELECT count(*) FROM event") == count &&
                  read_int(store, "SELECT coalesce(max(seq), 0) FROM event") == count;
  return in_order ? count : -1;
}

/* Returns how many of the images have lost something. */
static guint count_losses(Run *run)
{
  guint losses = 0;
  for (guint i = 0; i < run->images->len; i++) {
    Image *image = &g_array_index(run->images, Image, i);
    losses += count_in(run->fixture, image) < image->acknowledged;
    remove_folder(image->folder);
    g_free(image->folder);
  }
  return losses;
}

static guint run_and_cut(bool lying, bool long_log, guint *ret_images)
{
  Fixture fixture = {0};
  Run run = {.fixture = &fixture,
             .random = fixture_random(),
             .images = g_array_new(FALSE, FALSE, sizeof(Image))};
  crash_vfs_install(lying);
  fixture_set_up(&fixture, NULL);
  if (!long_log)
    g_assert_true(ablak_store_write_sync(fixture.store, checkpoint_often, NULL, NULL));
  write_all(&run);
  cut(&run);
  fixture_close(&fixture);
  crash_vfs_remove();
  *ret_images = run.images->len;
  guint losses = count_losses(&run);
  fixture_tear_down(&fixture, NULL);
  g_array_unref(run.images);
  g_rand_free(run.random);
  return losses;
}

static void test_power_cut(void)
{
  guint images;
  g_assert_cmpuint(run_and_cut(false, false, &images), ==, 0);
  g_assert_cmpuint(images, >, CUTS / 4);
}

/* A log that blocks are written ahead of. */
static void test_long_log(void)
{
  guint images;
  g_assert_cmpuint(run_and_cut(false, true, &images), ==, 0);
  g_assert_cmpuint(images, >, CUTS / 4);
}

/* The simulation finds writes that are acknowledged without having been synced. */
static void test_lying_disk(void)
{
  guint images;
  g_assert_cmpuint(run_and_cut(true, false, &images), >, 0);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/store/power/cut", test_power_cut);
  g_test_add_func("/store/power/long-log", test_long_log);
  g_test_add_func("/store/power/lying-disk", test_lying_disk);
  return g_test_run();
}
