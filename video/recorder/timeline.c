#include "video/recorder/timeline.h"

#define WINDOW_US (10 * G_USEC_PER_SEC)
/* At first it jumps, as the first packets are not the least delayed ones. */
#define SETTLING_US (2 * G_USEC_PER_SEC)
#define STEP_US_PER_S 5000
/* A report that places a packet this far from its arrival is not true. */
#define REPORT_DOUBT_US (5 * G_USEC_PER_SEC)

static void least_show(AblakLeast *least, gint64 value_us, gint64 now_us)
{
  if (!least->known) {
    *least = (AblakLeast){true, value_us, value_us, value_us, now_us, now_us, now_us};
    return;
  }
  if (now_us - least->since_us >= WINDOW_US) {
    least->former_us = least->least_us;
    least->least_us = value_us;
    least->since_us = now_us;
  }
  least->least_us = MIN(least->least_us, value_us);
  gint64 target_us = MIN(least->least_us, least->former_us);
  if (now_us - least->first_us < SETTLING_US) {
    least->value_us = target_us;
    least->moved_us = now_us;
    return;
  }
  gint64 step_us = (now_us - least->moved_us) * STEP_US_PER_S / G_USEC_PER_SEC;
  if (step_us <= 0)
    return;
  least->value_us += CLAMP(target_us - least->value_us, -step_us, step_us);
  least->moved_us = now_us;
}

void ablak_party_clock_init(AblakPartyClock *clock, gint64 origin_us)
{
  *clock = (AblakPartyClock){.origin_us = origin_us};
}

void ablak_stream_clock_init(AblakStreamClock *clock, AblakPartyClock *party, guint32 rate)
{
  *clock = (AblakStreamClock){.party = party, .rate = rate};
}

static gint64 unwrap(const AblakStreamClock *clock, guint32 timestamp)
{
  return clock->extended + (gint32)(timestamp - (guint32)clock->extended);
}

static gint64 ticks_us(const AblakStreamClock *clock, gint64 ticks)
{
  return ticks / clock->rate * G_USEC_PER_SEC + ticks % clock->rate * G_USEC_PER_SEC / clock->rate;
}

/* On the party's clock, when a report says it. */
static gint64 reported_us(const AblakStreamClock *clock, gint64 extended)
{
  return clock->report_us + ticks_us(clock, extended - clock->report);
}

static gint64 ntp_us(guint64 ntp)
{
  return (gint64)(ntp >> 32) * G_USEC_PER_SEC +
         (gint64)(((ntp & 0xffffffff) * G_USEC_PER_SEC) >> 32);
}

void ablak_stream_clock_report(AblakStreamClock *clock, guint64 ntp, guint32 timestamp,
                               gint64 at_us)
{
  if (!clock->begun || ntp == 0)
    return;
  gint64 of_party_us = ntp_us(ntp), extended = unwrap(clock, timestamp);
  gint64 by_arrival_us = ticks_us(clock, extended) + clock->offset.value_us;
  const AblakLeast *party = &clock->party->offset;
  gint64 by_report_us = party->known ? of_party_us + party->value_us : at_us;
  if (ABS(by_report_us - by_arrival_us) > REPORT_DOUBT_US)
    return;
  /* The party's first report: what its stream's packets have shown so far holds on. */
  if (!party->known)
    least_show(&clock->party->offset, by_arrival_us - of_party_us, at_us);
  clock->reported = true;
  clock->report_us = of_party_us;
  clock->report = extended;
}

void ablak_stream_clock_arrived(AblakStreamClock *clock, guint32 timestamp, gint64 at_us)
{
  gint64 extended = clock->begun ? unwrap(clock, timestamp) : timestamp;
  clock->extended = clock->begun ? MAX(clock->extended, extended) : extended;
  clock->begun = true;
  least_show(&clock->offset, at_us - ticks_us(clock, extended), at_us);
  if (clock->reported)
    least_show(&clock->party->offset, at_us - reported_us(clock, extended), at_us);
}

gint64 ablak_stream_clock_place(const AblakStreamClock *clock, guint32 timestamp)
{
  gint64 extended = unwrap(clock, timestamp);
  bool by_report = clock->reported && clock->party->offset.known;
  gint64 us = by_report ? reported_us(clock, extended) + clock->party->offset.value_us
                        : ticks_us(clock, extended) + clock->offset.value_us;
  return (us - clock->party->origin_us) * 1000;
}
