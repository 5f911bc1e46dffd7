/* forms/rate.h: a token bucket. No clock of its own: time is the caller's monotonic milliseconds.
 * Ownership: a plain value. Threads: one at a time. */
#pragma once
#include <glib.h>

typedef struct {
  gint64 per_second, burst;
  gint64 level; /* thousandths of a token; below 0: owed */
  gint64 at_ms; /* when the level was right */
} AblakRate;

/* A full bucket. */
AblakRate ablak_rate(gint64 per_second, gint64 burst, gint64 now_ms);
/* Takes tokens whether there are any or not. Returns after how many ms none would be owed; 0: there
 * were enough. */
gint64 ablak_rate_take(AblakRate *rate, gint64 tokens, gint64 now_ms);
