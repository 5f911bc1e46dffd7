/* daemon/loop.h: the main loop of a daemon: runs until SIGTERM or SIGINT; SIGHUP calls `reload`. */
#pragma once
#include "store/store.h"
#include <glib.h>

void ablak_loop_run(void (*reload)(gpointer data), gpointer data);

/* Work on other threads whose end the main loop still has to hear of. Zero-initialised; begin and
 * end on the main thread, is_stopping on any. */
typedef struct {
  guint running;
  gint stopping;
} AblakWork;
void ablak_work_begin(AblakWork *work);
void ablak_work_end(AblakWork *work);
/* Whether what takes long should rather be given up. */
bool ablak_work_is_stopping(AblakWork *work);

/* Before the parts of a daemon are freed, when no requests can come any more: every job and every
 * piece of work ends and is heard of, while all that their callbacks touch is still there. `store`
 * may be NULL. */
void ablak_loop_settle(AblakStore *store, AblakWork *work);
