/* daemon/loop.h: the main loop of a daemon: runs until SIGTERM or SIGINT; SIGHUP calls `reload`. */
#pragma once
#include <glib.h>

void ablak_loop_run(void (*reload)(gpointer data), gpointer data);
