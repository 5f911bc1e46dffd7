#include "daemon/loop.h"
#include "core/clock.h"
#include "core/log.h"
#include <glib-unix.h>
#include <signal.h>

/* A line that never falls silent must not keep a daemon from stopping. */
#define SETTLE_MOST_MS 3000

typedef struct {
  GMainLoop *loop;
  void (*reload)(gpointer data);
  gpointer data;
} Run;

static gboolean stop(gpointer data)
{
  Run *run = data;
  ablak_log(ABLAK_LOG_INFO, "daemon.stopping", NULL);
  g_main_loop_quit(run->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean hang_up(gpointer data)
{
  Run *run = data;
  if (run->reload)
    run->reload(run->data);
  return G_SOURCE_CONTINUE;
}

void ablak_loop_run(void (*reload)(gpointer data), gpointer data)
{
  Run run = {.loop = g_main_loop_new(NULL, FALSE), .reload = reload, .data = data};
  /* A peer that goes away in mid-write is an error of that write, not the end of the daemon. */
  signal(SIGPIPE, SIG_IGN);
  guint sources[] = {g_unix_signal_add(SIGTERM, stop, &run), g_unix_signal_add(SIGINT, stop, &run),
                     g_unix_signal_add(SIGHUP, hang_up, &run)};
  g_main_loop_run(run.loop);
  for (gsize i = 0; i < G_N_ELEMENTS(sources); i++)
    g_source_remove(sources[i]);
  g_main_loop_unref(run.loop);
}

void ablak_work_begin(AblakWork *work)
{
  work->running++;
}

void ablak_work_end(AblakWork *work)
{
  work->running--;
}

bool ablak_work_is_stopping(AblakWork *work)
{
  return g_atomic_int_get(&work->stopping);
}

static bool nothing(AblakTxn *txn, gpointer data, GError **error)
{
  return true;
}

/* True when something was called that may have queued further jobs. */
static bool hear(AblakStore *store, gint64 until_ms)
{
  g_autoptr(GError) error = NULL;
  if (store && !ablak_store_write_sync(store, nothing, NULL, &error))
    ablak_log_gerror(ABLAK_LOG_WARNING, "daemon.not-settled", error, NULL);
  bool heard = false;
  while (ablak_clock_monotonic_ms() < until_ms && g_main_context_iteration(NULL, FALSE))
    heard = true;
  return heard && ablak_clock_monotonic_ms() < until_ms;
}

void ablak_loop_settle(AblakStore *store, AblakWork *work)
{
  g_atomic_int_set(&work->stopping, 1);
  while (work->running > 0)
    g_main_context_iteration(NULL, TRUE);
  gint64 until_ms = ablak_clock_monotonic_ms() + SETTLE_MOST_MS; /* work may have taken longer */
  while (hear(store, until_ms))
    ;
}
