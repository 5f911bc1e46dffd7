/* tests/bench/video/load-run.h: one measurement: packets are prepared, sent for a while until all
 * is steady, then for the window that counts, and what is on its way may still arrive. */
#pragma once
#include "load-media.h"
#include <sys/types.h>

typedef struct LoadRun LoadRun;
LoadRun *load_run_new(Load *load, guint legs, pid_t relay, gint64 lead_ms, gint64 window_ms);
void load_run_free(LoadRun *run);

typedef enum { LOAD_RUN_GOES_ON, LOAD_RUN_BEGAN, LOAD_RUN_ENDED } LoadRunStep;
/* BEGAN once, when the window begins, and ENDED once, when the report stands. */
LoadRunStep load_run_tick(LoadRun *run, gint64 now_ns);
