/* daemon/loop.h: the main loop of a daemon: runs until SIGTERM or SIGINT; SIGHUP calls `reload`. */
#pragma once
#include "core/config.h"
#include <glib.h>

void ablak_loop_run(void (*reload)(gpointer data), gpointer data);

/* "--help" prints the settings, "--help-markdown" the README's table of them; true when either was
 * the only argument. */
bool ablak_help_asked(const char *title, const AblakConfigKey *keys, int argc, char **argv);
