#include "daemon/loop.h"
#include "core/log.h"
#include <glib-unix.h>
#include <signal.h>

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
