/* Packets that were said at known moments and delayed at will come to their moments again. */
#include "video/recorder/timeline.h"

#define S G_USEC_PER_SEC
#define ORIGIN_US ((gint64)1000 * S)
/* The party's clock, in the NTP epoch, at the timeline's zero. */
#define PARTY_US ((gint64)3900000000 * S)

typedef struct {
  AblakPartyClock party;
  AblakStreamClock audio, video;
  double drift; /* of the party's clock */
} Fixture;

static void begin(Fixture *fixture, double drift)
{
  ablak_party_clock_init(&fixture->party, ORIGIN_US);
  ablak_stream_clock_init(&fixture->audio, &fixture->party, 48000);
  ablak_stream_clock_init(&fixture->video, &fixture->party, 90000);
  fixture->drift = drift;
}

/* The party's clock when the box's is at_us. */
static gint64 party_us(const Fixture *fixture, gint64 at_us)
{
  return PARTY_US + (gint64)((double)(at_us - ORIGIN_US) * (1 + fixture->drift));
}

static guint32 stamp(const Fixture *fixture, guint32 rate, gint64 at_us)
{
  gint64 since_us = party_us(fixture, at_us) - PARTY_US;
  return (guint32)(since_us * rate / S + 0xfffffff0);
}

static guint64 ntp(gint64 us)
{
  return (guint64)(us / S) << 32 | (guint64)(us % S << 32) / S;
}

static void report(const Fixture *fixture, AblakStreamClock *clock, gint64 at_us)
{
  ablak_stream_clock_report(clock, ntp(party_us(fixture, at_us)),
                            stamp(fixture, clock->rate, at_us), at_us + 30000);
}

/* How far from its true moment the packet is placed, in us. */
static gint64 fault_us(const Fixture *fixture, AblakStreamClock *clock, gint64 said_us,
                       gint64 delay_us)
{
  guint32 timestamp = stamp(fixture, clock->rate, said_us);
  ablak_stream_clock_arrived(clock, timestamp, said_us + delay_us);
  return ablak_stream_clock_place(clock, timestamp) / 1000 - (said_us - ORIGIN_US);
}

/* Video takes 100 ms more than audio; by their reports they are placed alike. */
static void test_lips(void)
{
  Fixture fixture;
  begin(&fixture, 0);
  for (int i = 0; i < 500; i++) {
    gint64 said_us = ORIGIN_US + i * 20000;
    gint64 audio_us = fault_us(&fixture, &fixture.audio, said_us, 30000 + i % 7 * 3000);
    gint64 video_us = fault_us(&fixture, &fixture.video, said_us, 130000 + i % 5 * 9000);
    if (i == 50) {
      report(&fixture, &fixture.audio, said_us);
      report(&fixture, &fixture.video, said_us);
    }
    if (i == 20) /* no reports yet */
      g_assert_cmpint(ABS(video_us - audio_us), >, 80000);
    if (i > 60)
      g_assert_cmpint(ABS(video_us - audio_us), <, 1000);
  }
}

/* A clock that is 200 ppm fast for an hour: 720 ms, were it not followed. */
static void test_drift(void)
{
  Fixture fixture;
  begin(&fixture, 200e-6);
  gint64 fault = 0;
  for (int i = 0; i < 3600 * 10; i++) {
    gint64 said_us = ORIGIN_US + (gint64)i * 100000;
    fault = fault_us(&fixture, &fixture.audio, said_us, 30000 + i % 7 * 3000);
    if (i % 50 == 25)
      report(&fixture, &fixture.audio, said_us);
    g_assert_cmpint(ABS(fault - 30000), <, 6000);
  }
}

/* Reports that cannot be true change nothing. */
static void test_false_reports(void)
{
  Fixture fixture;
  begin(&fixture, 0);
  for (int i = 0; i < 100; i++) {
    gint64 said_us = ORIGIN_US + i * 20000;
    if (i == 50)
      report(&fixture, &fixture.audio, said_us);
    if (i == 60)
      ablak_stream_clock_report(&fixture.audio, G_MAXUINT64, stamp(&fixture, 48000, said_us),
                                said_us);
    if (i == 70)
      ablak_stream_clock_report(&fixture.audio, ntp(party_us(&fixture, said_us)),
                                stamp(&fixture, 48000, said_us) + 0x7fffffff, said_us);
    g_assert_cmpint(ABS(fault_us(&fixture, &fixture.audio, said_us, 30000) - 30000), <, 1000);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/video/recorder/timeline/lips", test_lips);
  g_test_add_func("/video/recorder/timeline/drift", test_drift);
  g_test_add_func("/video/recorder/timeline/false-reports", test_false_reports);
  return g_test_run();
}
