/* tests/bench/video/load-report.c: sums and quantiles. */
#include "load-report.h"
#include "load-net.h"
#include <string.h>
#include <time.h>

void load_report_clear(LoadReport *report)
{
  guint64 drops = report->drops;
  memset(report, 0, sizeof *report);
  report->drops = report->drops_before = drops;
}

void load_report_delay(LoadReport *report, gint64 delay_ns)
{
  gint64 step = MAX(delay_ns, 0) / LOAD_DELAY_STEP_NS;
  report->delays[MIN(step, LOAD_DELAY_STEPS - 1)]++;
}

static gint64 clock_ns(clockid_t clock)
{
  struct timespec now = {0};
  clock_gettime(clock, &now);
  return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static gint64 relay_ns(pid_t relay)
{
  clockid_t clock;
  return relay > 0 && clock_getcpuclockid(relay, &clock) == 0 ? clock_ns(clock) : 0;
}

void load_report_clocks(LoadReport *report, pid_t relay, gboolean end)
{
  gint64 sign = end ? 1 : -1;
  report->wall_ns += sign * clock_ns(CLOCK_MONOTONIC);
  report->own_ns += sign * clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  report->relay_ns += sign * relay_ns(relay);
}

static double quantile_us(const LoadReport *report, double part)
{
  guint64 passed = 0;
  for (gsize i = 0; i < LOAD_DELAY_STEPS; i++) {
    passed += report->delays[i];
    if (passed > 0 && (double)passed >= part * (double)report->received)
      return (double)(i + 1) * LOAD_DELAY_STEP_NS / 1000.0;
  }
  return 0;
}

json_t *load_report_json(const LoadReport *report)
{
  return json_pack(
      "{s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
      "sent", (json_int_t)report->sent, "received", (json_int_t)report->received, "duplicates",
      (json_int_t)report->duplicates, "p50_us", quantile_us(report, 0.5), "p99_us",
      quantile_us(report, 0.99), "late_max_us", (double)report->late_max_ns / 1000.0,
      "wall_received", (json_int_t)report->wall_received, "control_received",
      (json_int_t)report->control_received, "told", (json_int_t)report->told, "strays",
      (json_int_t)report->strays, "gaps", (json_int_t)report->gaps, "opened",
      (json_int_t)report->opened, "forged", (json_int_t)report->forged, "drops",
      (json_int_t)(report->drops - report->drops_before), "wall_ns", (json_int_t)report->wall_ns,
      "own_ns", (json_int_t)report->own_ns, "relay_ns", (json_int_t)report->relay_ns);
}
