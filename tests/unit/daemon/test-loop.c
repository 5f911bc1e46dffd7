/* Before the parts of a daemon go, all that was begun is heard of. */
#include "daemon/loop.h"
#include <glib/gstdio.h>

typedef struct {
  AblakStore *store;
  AblakWork work;
  bool heard;
} Daemon;

static bool job(AblakTxn *txn, gpointer data, GError **error)
{
  return true;
}

static void heard(const GError *error, gpointer data)
{
  g_assert_no_error(error);
  ((Daemon *)data)->heard = true;
}

/* What publishing an edition does: a thread builds, and what it built is then written. */
static gboolean built(gpointer data)
{
  Daemon *daemon = data;
  ablak_work_end(&daemon->work);
  ablak_store_write(daemon->store, job, heard, daemon, NULL);
  return G_SOURCE_REMOVE;
}

static gpointer build(gpointer data)
{
  g_usleep(3200 * 1000); /* longer than a line that never falls silent is listened to */
  g_idle_add(built, data);
  return NULL;
}

static void test_long_work(void)
{
  static const AblakStorePart *const parts[] = {NULL};
  g_autofree char *folder = g_dir_make_tmp("ablak-loop-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "test.db", NULL);
  g_autoptr(GError) error = NULL;
  Daemon daemon = {0};
  daemon.store = ablak_store_open(&(AblakStoreOptions){.path = path, .parts = parts}, &error);
  g_assert_no_error(error);
  ablak_work_begin(&daemon.work);
  g_autoptr(GThread) thread = g_thread_new("build", build, &daemon);
  ablak_loop_settle(daemon.store, &daemon.work);
  g_assert_true(daemon.heard);
  g_assert_true(ablak_work_is_stopping(&daemon.work));
  g_thread_join(g_steal_pointer(&thread));
  ablak_store_close(daemon.store);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(dir)) != NULL) {
    g_autofree char *file = g_build_filename(folder, name, NULL);
    g_unlink(file);
  }
  g_rmdir(folder);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/loop/long-work", test_long_work);
  return g_test_run();
}
