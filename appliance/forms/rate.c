/* forms/rate.c: a token bucket in whole numbers: thousandths of a token, so that one millisecond
 * brings `per_second` of them. */
#include "forms/rate.h"

AblakRate ablak_rate(gint64 per_second, gint64 burst, gint64 now_ms)
{
  return (AblakRate){per_second, burst, burst * 1000, now_ms};
}

gint64 ablak_rate_take(AblakRate *rate, gint64 tokens, gint64 now_ms)
{
  gint64 full = rate->burst * 1000;
  gint64 elapsed = MAX(now_ms - rate->at_ms, 0);
  /* so long that it is full anyway: the product could overflow */
  if (elapsed > (full - rate->level) / rate->per_second)
    rate->level = full;
  else
    rate->level += elapsed * rate->per_second;
  rate->at_ms = MAX(rate->at_ms, now_ms);
  rate->level -= tokens * 1000;
  return rate->level >= 0 ? 0 : (-rate->level + rate->per_second - 1) / rate->per_second;
}
