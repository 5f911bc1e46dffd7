/* tests/bench/video/load-run.c: the phases of a measurement. */
#include "load-run.h"

#define MS_NS G_GINT64_CONSTANT(1000000)
#define TAIL_MS 50
#define DRAIN_MS 400

typedef enum { PREPARING, LEADING, MEASURING, DRAINING } Phase;

struct LoadRun {
  Load *load;
  LoadMedia *media;
  pid_t relay;
  Phase phase;
  gint64 start_ns;
  gint64 window_ns, window_end_ns, end_ns; /* after the start */
};

LoadRun *load_run_new(Load *load, guint legs, pid_t relay, gint64 lead_ms, gint64 window_ms)
{
  LoadRun *run = g_new0(LoadRun, 1);
  run->load = load;
  run->relay = relay;
  run->window_ns = lead_ms * MS_NS;
  run->window_end_ns = run->window_ns + window_ms * MS_NS;
  run->end_ns = run->window_end_ns + DRAIN_MS * MS_NS;
  run->media = load_media_new(load, legs, run->window_end_ns + TAIL_MS * MS_NS, run->window_ns,
                              run->window_end_ns);
  return run;
}

void load_run_free(LoadRun *run)
{
  load_media_free(run->media);
  g_free(run);
}

LoadRunStep load_run_tick(LoadRun *run, gint64 now_ns)
{
  LoadReport *report = &run->load->report;
  if (run->phase == PREPARING) {
    if (load_media_prepare(run->media))
      return LOAD_RUN_GOES_ON;
    run->phase = LEADING;
    run->start_ns = now_ns + MS_NS;
    load_report_clear(report);
  }
  gint64 at_ns = now_ns - run->start_ns;
  load_media_send(run->media, at_ns);
  if (run->phase == LEADING && at_ns >= run->window_ns) {
    run->phase = MEASURING;
    run->load->measuring = true;
    load_report_clocks(report, run->relay, FALSE);
    return LOAD_RUN_BEGAN;
  }
  if (run->phase == MEASURING && at_ns >= run->window_end_ns) {
    run->phase = DRAINING;
    load_report_clocks(report, run->relay, TRUE);
    run->load->measuring = false;
  }
  return run->phase == DRAINING && at_ns >= run->end_ns ? LOAD_RUN_ENDED : LOAD_RUN_GOES_ON;
}
