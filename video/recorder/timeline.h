/* video/recorder/timeline.h: where on the recording's timeline a packet belongs.
 *
 * A party's sender reports say which moment of its clock each stream's timestamps mean (RFC 3550
 * §6.4.1): so its sound and picture keep together however they travelled. Its clock is laid on the
 * box's by the packets that took least time to come, over the last 10 to 20 s; it follows a
 * drifting clock by at most 5 ms in a second. A stream without reports yet, or with reports that
 * cannot be true, is placed by its own least delayed packets. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Follows the least of what it is shown. */
typedef struct {
  bool known;
  gint64 value_us;
  gint64 least_us, former_us; /* of this window and the one before */
  gint64 since_us, moved_us, first_us;
} AblakLeast;

typedef struct {
  gint64 origin_us;
  AblakLeast offset; /* the box's clock minus the party's */
} AblakPartyClock;

typedef struct {
  AblakPartyClock *party;
  guint32 rate;
  bool begun;
  gint64 extended; /* the newest timestamp, unwrapped */
  AblakLeast offset;
  bool reported;
  gint64 report_us; /* the party's clock… */
  gint64 report;    /* …at this timestamp */
} AblakStreamClock;

void ablak_party_clock_init(AblakPartyClock *clock, gint64 origin_us);
void ablak_stream_clock_init(AblakStreamClock *clock, AblakPartyClock *party, guint32 rate);
/* A sender report of the stream; before the first packet it says nothing. */
void ablak_stream_clock_report(AblakStreamClock *clock, guint64 ntp, guint32 timestamp,
                               gint64 at_us);
void ablak_stream_clock_arrived(AblakStreamClock *clock, guint32 timestamp, gint64 at_us);
/* Nanoseconds on the timeline; below 0 for what was said before it began. */
gint64 ablak_stream_clock_place(const AblakStreamClock *clock, guint32 timestamp);
