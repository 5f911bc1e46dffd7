/* What the video bench compares the product with does what it says (tests/bench/video/pairwise):
 * numbers, clocks, losses, and who is told what of two receivers' reports. */
#include "tests/bench/video/pairwise/ledger.h"
#include "tests/bench/video/pairwise/report.h"
#include <string.h>

#define MS ((gint64)1000)

/* What reports said of each number; the time is since the last report's reference time. */
typedef struct {
  guint told;
  guint arrived[65536], lost[65536];
  gint64 at_us[65536];
  gint64 reference_us;
} Told;

static void note(guint16 number, bool arrived, gint64 at_us, gpointer data)
{
  Told *told = data;
  told->told++;
  (arrived ? told->arrived : told->lost)[number]++;
  told->at_us[number] = told->reference_us + at_us;
}

static void read_report(const guint8 *data, gsize size, Told *told)
{
  AblakRtcpPacket packet;
  PairwiseReport head;
  gsize offset = 0;
  g_assert_true(ablak_rtcp_next(data, size, &offset, &packet));
  g_assert_true(pairwise_report_head(&packet, &head));
  told->reference_us = head.reference * 64 * MS;
  pairwise_report_each(&packet, note, told);
}

/* As browsers write it: two lost, three that came, a vector of one bit and one of two. */
static void test_report(void)
{
  static const guint8 report[] = {0x8f, 205,  0,    8,    0, 0, 0,  1,  0,  0,  0,    2,
                                  0xff, 0xfe, 0,    26,   0, 0, 2,  0,  0,  2,  0x20, 3,
                                  0xa0, 0x01, 0xd8, 0x00, 4, 8, 12, 16, 20, 24, 0xff, 0xf0};
  g_autofree Told *told = g_new0(Told, 1);
  read_report(report, sizeof report, told);
  g_assert_cmpuint(told->told, ==, 26);
  g_assert_true(told->lost[65534] == 1 && told->lost[65535] == 1);
  g_assert_cmpint(told->at_us[0], ==, 128 * MS + 1000);
  g_assert_cmpint(told->at_us[2], ==, 128 * MS + 6000);
  /* 0xa001: the first and the last of fourteen. 0xd800: one in step, one before it. */
  g_assert_true(told->arrived[3] == 1 && told->lost[4] == 1 && told->arrived[16] == 1);
  g_assert_cmpint(told->at_us[16], ==, 128 * MS + 15000);
  g_assert_cmpint(told->at_us[17], ==, 128 * MS + 21000);
  g_assert_cmpint(told->at_us[18], ==, 128 * MS + 21000 - 4000);
  g_assert_cmpuint(told->lost[23], ==, 1);
  for (gsize size = 20; size < sizeof report; size += 4) {
    g_autofree guint8 *cut = g_memdup2(report, size);
    AblakRtcpPacket packet = {15, 205, cut, size};
    pairwise_report_each(&packet, note, told);
  }
}

/* The longest run there is. */
static void test_report_run(void)
{
  static const guint8 report[] = {0x8f, 205, 0,    5,    0, 0, 0, 1, 0,    0,    0, 2,
                                  0,    0,   0x1f, 0xff, 0, 0, 0, 0, 0x1f, 0xff, 0, 0};
  g_autofree Told *told = g_new0(Told, 1);
  read_report(report, sizeof report, told);
  g_assert_true(told->told == 0x1fff && told->lost[0x1ffe] == 1);
}

/* --- a room ------------------------------------------------------------------------------------
 */

typedef struct {
  PairwiseLedger *ledger;
  AblakArrivals heard[PAIRWISE_PLACES]; /* by receivers */
  Told told[PAIRWISE_PLACES];           /* to senders */
} Room;

static Room *room_new(PairwiseRule rule, guint people)
{
  Room *room = g_new0(Room, 1);
  guint place = 0;
  room->ledger = pairwise_ledger_new(rule);
  for (guint i = 0; i < people; i++) {
    g_assert_true(pairwise_ledger_enter(room->ledger, &place));
    g_assert_cmpuint(place, ==, i);
  }
  return room;
}

static void room_free(Room *room)
{
  pairwise_ledger_unref(room->ledger);
  g_free(room);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Room, room_free)

enum { LOST = -1 };

/* `at_us` by the receiver's clock, or LOST. */
static guint16 send(Room *room, guint sender, guint16 number, guint receiver, gint64 now_us,
                    gint64 at_us)
{
  guint16 copy = pairwise_ledger_next(room->ledger, receiver);
  pairwise_ledger_sent(room->ledger, sender, number, receiver, now_us);
  if (at_us != LOST)
    ablak_arrivals_note(&room->heard[receiver], copy, at_us);
  return copy;
}

/* The receiver's own report, which may be lost on its way. */
static void report(Room *room, guint receiver, bool comes)
{
  guint8 data[ABLAK_RTCP_ARRIVALS_SIZE];
  for (gsize size; (size = ablak_rtcp_write_arrivals(data, &room->heard[receiver], 1, 2)) > 0;) {
    AblakRtcpPacket packet;
    gsize offset = 0;
    g_assert_true(ablak_rtcp_next(data, size, &offset, &packet));
    if (comes)
      pairwise_ledger_report(room->ledger, receiver, &packet);
  }
}

static Told *tell(Room *room, guint sender, gint64 now_us)
{
  guint8 data[ABLAK_RTCP_ARRIVALS_SIZE];
  for (gsize size; (size = pairwise_ledger_tell(room->ledger, sender, data, 1, 2, now_us)) > 0;) {
    g_assert_true(ablak_rtcp_is_valid(data, size));
    read_report(data, size, &room->told[sender]);
  }
  return &room->told[sender];
}

/* One receiver of two: a numbering of its own, and each sender's numbers back, with what was
 * between the arrivals. */
static void test_numbers(gconstpointer rule)
{
  g_autoptr(Room) room = room_new(GPOINTER_TO_UINT(rule), 3);
  for (guint16 i = 0; i < 10; i++) {
    gint64 now_us = (1000 + i) * MS;
    g_assert_cmpuint(send(room, 0, (guint16)(65530 + i), 2, now_us, i == 4 ? LOST : now_us), ==,
                     2u * i);
    g_assert_cmpuint(send(room, 1, (guint16)(700 + i), 2, now_us, now_us + i * MS), ==, 2u * i + 1);
  }
  report(room, 2, true);
  const Told *first = tell(room, 0, 1010 * MS), *second = tell(room, 1, 1010 * MS);
  g_assert_true(first->told == 10 && second->told == 10);
  g_assert_true(first->lost[65534] == 1 && first->arrived[65535] == 1 && first->arrived[3] == 1);
  g_assert_cmpint(first->at_us[3] - first->at_us[65530], ==, 9 * MS);
  g_assert_cmpint(second->at_us[709] - second->at_us[700], ==, 18 * MS);
}

/* Two receivers, their clocks hours apart, the second's line filling: twice, each as it is, or
 * once, the later and only what came to both. */
static void test_two(gconstpointer rule)
{
  bool each = GPOINTER_TO_UINT(rule) == PAIRWISE_EACH;
  g_autoptr(Room) room = room_new(GPOINTER_TO_UINT(rule), 3);
  const Told *told = &room->told[0];
  gint64 hours_us = (gint64)5 * 3600 * 1000 * MS;
  for (guint16 i = 0; i < 10; i++) {
    gint64 now_us = (1000 + i) * MS;
    send(room, 0, i, 1, now_us, i == 3 ? LOST : now_us + 20 * MS);
    send(room, 0, i, 2, now_us, i == 6 ? LOST : now_us + hours_us + 2 * i * MS);
  }
  report(room, 1, true);
  tell(room, 0, 1030 * MS);
  g_assert_cmpuint(told->told, ==, each ? 10 : 0);
  g_assert_true(!each || (told->lost[3] == 1 && told->at_us[9] - told->at_us[0] == 9 * MS));
  report(room, 2, true);
  tell(room, 0, 1030 * MS);
  g_assert_cmpuint(told->told, ==, each ? 20 : 10);
  g_assert_true(told->lost[3] == 1 && told->lost[6] == 1);
  g_assert_true(each == (told->arrived[3] == 1) && each == (told->arrived[6] == 1));
  g_assert_cmpuint(told->arrived[9], ==, each ? 2 : 1);
  /* To a tick: clocks may drift. */
  g_assert_cmpint(ABS(told->at_us[9] - told->at_us[0] - 27 * MS), <=, 250);
  g_assert_cmpint(ABS(told->at_us[0] - 1000 * MS), <=, 250);
}

/* It is as late as to the last, whoever reports first. */
static void test_latest(void)
{
  g_autoptr(Room) room = room_new(PAIRWISE_WORST, 3);
  for (guint16 i = 0; i < 2; i++)
    for (guint receiver = 1; receiver < 3; receiver++)
      send(room, 0, i, receiver, 1000 * MS, (1000 + (receiver == 1 ? 30 * i : 0)) * MS);
  report(room, 1, true);
  report(room, 2, true);
  const Told *told = tell(room, 0, 1030 * MS);
  g_assert_cmpint(told->at_us[1] - told->at_us[0], ==, 30 * MS);
}

/* A report that is lost is no loss of packets. */
static void test_lost_report(gconstpointer rule)
{
  g_autoptr(Room) room = room_new(GPOINTER_TO_UINT(rule), 2);
  for (guint16 i = 0; i < 30; i++) {
    send(room, 0, i, 1, (1000 + i) * MS, (1000 + i) * MS);
    if (i % 10 == 9)
      report(room, 1, i != 19);
    tell(room, 0, (1000 + i) * MS);
  }
  const Told *told = &room->told[0];
  g_assert_cmpuint(told->told, ==, 20);
  g_assert_true(told->arrived[9] == 1 && told->arrived[20] == 1);
  g_assert_true(told->lost[10] + told->lost[19] + told->arrived[10] + told->arrived[19] == 0);
}

/* What the relay repeats comes later, under the number that it had; for the sender it is lost. */
static void test_repeated(gconstpointer rule)
{
  g_autoptr(Room) room = room_new(GPOINTER_TO_UINT(rule), 2);
  send(room, 0, 10, 1, 1000 * MS, 1000 * MS);
  guint16 again = send(room, 0, 11, 1, 1001 * MS, LOST);
  send(room, 0, 12, 1, 1002 * MS, 1002 * MS);
  pairwise_ledger_repeated(room->ledger, 1, again);
  ablak_arrivals_note(&room->heard[1], again, 1300 * MS);
  report(room, 1, true);
  const Told *told = tell(room, 0, 1301 * MS);
  g_assert_true(told->arrived[10] == 1 && told->lost[11] == 1 && told->arrived[12] == 1);
  g_assert_cmpuint(told->arrived[11], ==, 0);
}

/* Who says nothing is waited for, but not for ever; who has left not at all. */
static void test_silence(void)
{
  g_autoptr(Room) room = room_new(PAIRWISE_WORST, 4);
  for (guint receiver = 1; receiver < 4; receiver++)
    send(room, 0, 10, receiver, 1000 * MS, 1000 * MS);
  report(room, 1, true);
  g_assert_cmpuint(tell(room, 0, 1000 * MS + PAIRWISE_PATIENCE_US - 1)->told, ==, 0);
  g_assert_cmpuint(tell(room, 0, 1000 * MS + PAIRWISE_PATIENCE_US)->arrived[10], ==, 1);
  for (guint receiver = 1; receiver < 4; receiver++)
    send(room, 0, 11, receiver, 5000 * MS, 5000 * MS);
  report(room, 1, true);
  pairwise_ledger_leave(room->ledger, 2);
  g_assert_cmpuint(tell(room, 0, 5000 * MS)->arrived[11], ==, 0);
  report(room, 3, true);
  g_assert_cmpuint(tell(room, 0, 5000 * MS)->arrived[11], ==, 1);
  guint place = 0;
  g_assert_true(pairwise_ledger_enter(room->ledger, &place) && place == 2);
  g_assert_false(pairwise_ledger_enter(room->ledger, &place));
}

/* Around the end of the numbers and of the rings: all that came to everyone is told of once, and
 * all the rest as lost. What never came to the relay is lost as well. */
static void test_long(void)
{
  enum { PACKETS = 20000, FIRST = 60000 };
  g_autoptr(Room) room = room_new(PAIRWISE_WORST, 4);
  g_autoptr(GRand) rand = g_rand_new_with_seed(11);
  g_autofree bool *came = g_new0(bool, 65536);
  gint64 now_us = 0;
  for (guint i = 0; i < PACKETS; i++) {
    guint16 number = (guint16)(FIRST + i);
    now_us = (1000 + i) * MS;
    bool sure = i == 0 || i + 1 == PACKETS, here = sure || g_rand_int_range(rand, 0, 50) > 0;
    came[number] = here;
    for (guint receiver = 1; here && receiver < 4; receiver++) {
      bool lost = !sure && g_rand_int_range(rand, 0, 20) == 0;
      send(room, 0, number, receiver, now_us,
           lost ? LOST : now_us + g_rand_int_range(rand, 0, 900));
      send(room, receiver, number, receiver % 3 + 1, now_us, now_us);
      came[number] = came[number] && !lost;
    }
    for (guint receiver = 1; receiver < 4; receiver++)
      if (i % (50 * receiver) == 0 || i + 1 == PACKETS)
        report(room, receiver, true);
    if (i % 20 == 0)
      tell(room, 0, now_us);
  }
  const Told *told = tell(room, 0, now_us);
  g_assert_cmpuint(told->told, ==, PACKETS);
  for (guint i = 0; i < PACKETS; i++) {
    guint16 number = (guint16)(FIRST + i);
    g_assert_cmpuint(told->arrived[number], ==, came[number] ? 1 : 0);
    g_assert_cmpuint(told->lost[number], ==, came[number] ? 0 : 1);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/pairwise/report", test_report);
  g_test_add_func("/pairwise/report-run", test_report_run);
  gconstpointer rules[] = {GUINT_TO_POINTER(PAIRWISE_EACH), GUINT_TO_POINTER(PAIRWISE_WORST)};
  static const char *const names[] = {"each", "worst"};
  for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
    g_autofree char *numbers = g_strdup_printf("/pairwise/%s/numbers", names[i]);
    g_autofree char *two = g_strdup_printf("/pairwise/%s/two", names[i]);
    g_autofree char *lost_report = g_strdup_printf("/pairwise/%s/lost-report", names[i]);
    g_autofree char *repeated = g_strdup_printf("/pairwise/%s/repeated", names[i]);
    g_test_add_data_func(numbers, rules[i], test_numbers);
    g_test_add_data_func(two, rules[i], test_two);
    g_test_add_data_func(lost_report, rules[i], test_lost_report);
    g_test_add_data_func(repeated, rules[i], test_repeated);
  }
  g_test_add_func("/pairwise/worst/latest", test_latest);
  g_test_add_func("/pairwise/silence", test_silence);
  g_test_add_func("/pairwise/long", test_long);
  return g_test_run();
}
