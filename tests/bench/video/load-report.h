/* tests/bench/video/load-report.h: what one window of time showed. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <sys/types.h>

#define LOAD_DELAY_STEP_NS 10000
#define LOAD_DELAY_STEPS 50000 /* half a second; the last one holds all longer ones */

typedef struct {
  /* Media packets of the window: by when they were due, so each is either received or lost. */
  guint64 sent, received, duplicates;
  guint32 delays[LOAD_DELAY_STEPS];
  guint64 late_max_ns; /* how far the generator itself was behind its schedule */
  /* Whatever came between the two readings of the clocks. */
  guint64 wall_received, control_received;
  /* Of transport-wide feedback: packets that senders were told have arrived, told of packets that
   * the sender never sent, and numbers that did not follow the one before. */
  guint64 told, strays, gaps;
  guint64 opened, forged; /* a sample is decrypted and looked at */
  guint64 drops_before, drops;
  gint64 wall_ns, own_ns, relay_ns;
} LoadReport;

void load_report_clear(LoadReport *report);
void load_report_delay(LoadReport *report, gint64 delay_ns);
/* Reads the clocks: at the window's begin and, `end`, at its end. The relay's processor time is
 * that of all its threads, in nanoseconds. */
void load_report_clocks(LoadReport *report, pid_t relay, gboolean end);
json_t *load_report_json(const LoadReport *report);
