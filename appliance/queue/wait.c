/* How long a wait may be: the formula alone, without a database (waiting.h says where it is from).
 */
#include "queue/waiting.h"
#include <math.h>

#define FORGOTTEN_MS (2 * 60 * 60 * 1000)
/* Four of five of a normal distribution lie within this many standard deviations. */
#define DEVIATIONS 1.28
#define STEP_MIN 5

AblakHandling ablak_handling_of(const gint64 *times_ms, gsize count)
{
  /* Welford's one pass: no sum of squares that would lose what matters. */
  double mean = 0, squares = 0;
  gsize used = 0;
  for (gsize i = 0; i < count; i++) {
    if (times_ms[i] < 0 || times_ms[i] > FORGOTTEN_MS)
      continue;
    double before = (double)times_ms[i] - mean;
    mean += before / (double)++used;
    squares += before * ((double)times_ms[i] - mean);
  }
  if (used < ABLAK_HANDLING_NEEDED)
    return (AblakHandling){0};
  return (AblakHandling){.known = true, .mean_ms = mean, .variance = squares / (double)(used - 1)};
}

static AblakCounterFree *earliest(AblakCounterFree *counters, gsize count)
{
  AblakCounterFree *best = counters;
  for (gsize i = 1; i < count; i++)
    if (counters[i].mean_ms < best->mean_ms)
      best = &counters[i];
  return best;
}

/* What somebody would read who is next now. A later one is never told less, although a counter that
 * is free later may be more certain to be. */
static void widen(AblakWait *wait, const AblakCounterFree *free)
{
  double spread = DEVIATIONS * sqrt(free->variance);
  wait->low_ms = MAX(wait->low_ms, (gint64)MAX(0, free->mean_ms - spread));
  wait->likely_ms = MAX(wait->likely_ms, (gint64)free->mean_ms);
  wait->high_ms = MAX(wait->high_ms, (gint64)(free->mean_ms + spread));
}

AblakWait ablak_wait_play(AblakCounterFree *counters, gsize counter_count,
                          const AblakHandling *ahead, gsize ahead_count)
{
  const AblakWait unknown = {(gint64)ahead_count, -1, -1, -1};
  if (counter_count == 0)
    return unknown;
  AblakWait wait = {.ahead = (gint64)ahead_count};
  widen(&wait, earliest(counters, counter_count));
  for (gsize i = 0; i < ahead_count; i++) {
    if (!ahead[i].known)
      return unknown;
    AblakCounterFree *next = earliest(counters, counter_count);
    next->mean_ms += ahead[i].mean_ms;
    next->variance += ahead[i].variance;
    widen(&wait, earliest(counters, counter_count));
  }
  return wait;
}

bool ablak_wait_minutes(const AblakWait *wait, gint64 *ret_low, gint64 *ret_high)
{
  const gint64 step_ms = STEP_MIN * 60000;
  if (wait->low_ms < 0)
    return false;
  gint64 low = wait->low_ms / step_ms, high = (wait->high_ms + step_ms - 1) / step_ms;
  *ret_low = low * STEP_MIN;
  *ret_high = MAX(high, low + 1) * STEP_MIN;
  return true;
}
