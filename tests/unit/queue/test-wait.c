/* queue: the formula of a wait. Whatever is measured, nobody reads a negative wait, nobody further
 * back reads less than who stands before, and a range has its ends in order. */
#include "queue/waiting.h"

#define MINUTE_MS G_GINT64_CONSTANT(60000)
#define ROUNDS 2000
#define LINE_MOST 60

static void check(AblakWait wait, gint64 low_min, gint64 likely_min, gint64 high_min)
{
  g_assert_cmpint(wait.low_ms, ==, low_min * MINUTE_MS);
  g_assert_cmpint(wait.likely_ms, ==, likely_min * MINUTE_MS);
  g_assert_cmpint(wait.high_ms, ==, high_min * MINUTE_MS);
}

static void test_handling(void)
{
  const gint64 times[] = {8, 9, 10, 11, 12};
  gint64 measured[7];
  for (int i = 0; i < 5; i++)
    measured[i] = times[i] * MINUTE_MS;
  g_assert_false(ablak_handling_of(NULL, 0).known);
  g_assert_false(ablak_handling_of(measured, 4).known);
  AblakHandling handling = ablak_handling_of(measured, 5);
  g_assert_true(handling.known);
  g_assert_cmpfloat_with_epsilon(handling.mean_ms, 10 * MINUTE_MS, 1e-3);
  /* (4 + 1 + 0 + 1 + 4) / 4 = 2.5 min² */
  g_assert_cmpfloat_with_epsilon(handling.variance / (MINUTE_MS * MINUTE_MS), 2.5, 1e-9);
  /* A finish that was forgotten over lunch, and a clock that was set back, say nothing. */
  measured[5] = 150 * MINUTE_MS;
  measured[6] = -MINUTE_MS;
  AblakHandling same = ablak_handling_of(measured, 7);
  g_assert_cmpfloat(same.mean_ms, ==, handling.mean_ms);
  g_assert_cmpfloat(same.variance, ==, handling.variance);
  g_assert_false(ablak_handling_of(measured + 2, 5).known);
}

static void test_by_hand(void)
{
  const AblakHandling ten = {true, 10.0 * MINUTE_MS, 0};
  /* Four times the variance, twice the spread: 1.28 * 2.5 min = 3.2 min for one, 6.4 for four. */
  const AblakHandling spread = {true, 10.0 * MINUTE_MS, 6.25 * MINUTE_MS * MINUTE_MS};
  const AblakHandling line[] = {ten, ten, ten, ten}, wide[] = {spread, spread, spread, spread};
  AblakCounterFree counters[2] = {0};
  check(ablak_wait_play(counters, 2, line, 0), 0, 0, 0);
  check(ablak_wait_play(counters, 2, line, 1), 0, 0, 0); /* the other one is free */
  counters[0] = counters[1] = (AblakCounterFree){0};
  check(ablak_wait_play(counters, 2, line, 4), 20, 20, 20);
  counters[0] =
      (AblakCounterFree){.mean_ms = 6 * MINUTE_MS}; /* has somebody for six more minutes */
  check(ablak_wait_play(counters, 1, line, 2), 26, 26, 26);
  counters[0] = (AblakCounterFree){0};
  AblakWait wait = ablak_wait_play(counters, 1, wide, 4);
  g_assert_cmpint(wait.likely_ms, ==, 40 * MINUTE_MS);
  g_assert_cmpint(wait.low_ms, ==, 33.6 * MINUTE_MS);
  g_assert_cmpint(wait.high_ms, ==, 46.4 * MINUTE_MS);
}

static void test_unknown(void)
{
  const AblakHandling known = {true, MINUTE_MS, 0}, line[] = {known, {0}};
  AblakCounterFree counter = {0};
  AblakWait closed = ablak_wait_play(NULL, 0, line, 1);
  g_assert_cmpint(closed.ahead, ==, 1);
  g_assert_cmpint(closed.low_ms, ==, -1);
  g_assert_cmpint(closed.high_ms, ==, -1);
  AblakWait unknown = ablak_wait_play(&counter, 1, line, 2);
  g_assert_cmpint(unknown.ahead, ==, 2);
  g_assert_cmpint(unknown.likely_ms, ==, -1);
  gint64 low = 7, high = 7;
  g_assert_false(ablak_wait_minutes(&unknown, &low, &high));
  g_assert_cmpint(low, ==, 7); /* untouched */
}

static void test_minutes(void)
{
  const struct {
    double low_min, high_min;
    gint64 low, high;
  } cases[] = {{0, 0, 0, 5},  {0, 5, 0, 5},     {4.9, 5.1, 0, 10},
               {5, 5, 5, 10}, {7.5, 12, 5, 15}, {60, 60.01, 60, 65}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    const AblakWait wait = {.low_ms = (gint64)(cases[i].low_min * MINUTE_MS),
                            .high_ms = (gint64)(cases[i].high_min * MINUTE_MS)};
    gint64 low, high;
    g_assert_true(ablak_wait_minutes(&wait, &low, &high));
    g_assert_cmpint(low, ==, cases[i].low);
    g_assert_cmpint(high, ==, cases[i].high);
  }
}

static AblakHandling any_handling(void)
{
  gint64 times[30];
  gsize count = (gsize)g_test_rand_int_range(ABLAK_HANDLING_NEEDED, 30);
  gint64 most_ms = g_test_rand_bit() ? 2 * 60 * MINUTE_MS : 5000; /* also as if nobody had come */
  for (gsize i = 0; i < count; i++)
    times[i] = g_test_rand_int_range(0, (gint32)most_ms);
  return ablak_handling_of(times, count);
}

static void test_properties(void)
{
  for (int round = 0; round < ROUNDS; round++) {
    AblakCounterFree counters[6], now[6];
    AblakHandling line[LINE_MOST];
    gsize open = (gsize)g_test_rand_int_range(1, 7);
    for (gsize i = 0; i < open; i++) {
      AblakHandling busy = any_handling();
      now[i] = g_test_rand_bit() ? (AblakCounterFree){0}
                                 : (AblakCounterFree){busy.mean_ms, busy.variance};
    }
    for (gsize i = 0; i < LINE_MOST; i++)
      line[i] = any_handling();
    AblakWait before = {0};
    gint64 low_before = 0, high_before = 0;
    for (gsize ahead = 0; ahead <= LINE_MOST; ahead++) {
      memcpy(counters, now, sizeof counters);
      AblakWait wait = ablak_wait_play(counters, open, line, ahead);
      gint64 low, high;
      g_assert_cmpint(wait.ahead, ==, (gint64)ahead);
      g_assert_cmpint(wait.low_ms, >=, before.low_ms); /* of which the first is 0 */
      g_assert_cmpint(wait.likely_ms, >=, before.likely_ms);
      g_assert_cmpint(wait.high_ms, >=, before.high_ms);
      g_assert_cmpint(wait.low_ms, <=, wait.likely_ms);
      g_assert_cmpint(wait.likely_ms, <=, wait.high_ms);
      g_assert_true(ablak_wait_minutes(&wait, &low, &high));
      g_assert_cmpint(low, >=, low_before);
      g_assert_cmpint(high, >=, high_before);
      g_assert_cmpint(low, <, high);
      before = wait;
      low_before = low;
      high_before = high;
    }
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/queue/wait/handling", test_handling);
  g_test_add_func("/queue/wait/by-hand", test_by_hand);
  g_test_add_func("/queue/wait/unknown", test_unknown);
  g_test_add_func("/queue/wait/minutes", test_minutes);
  g_test_add_func("/queue/wait/properties", test_properties);
  return g_test_run();
}
