/* Index estimation and the replay window against a plain model. */
#include "video/replay.h"

static void receive(AblakReplay *replay, guint64 index)
{
  guint64 guessed = 0;
  g_assert_true(ablak_replay_estimate(replay, (guint16)index, &guessed));
  g_assert_cmpuint(guessed, ==, index);
  g_assert_true(ablak_replay_is_fresh(replay, index));
  ablak_replay_mark(replay, index);
  g_assert_false(ablak_replay_is_fresh(replay, index));
}

static void test_wrap(void)
{
  AblakReplay replay = {0};
  receive(&replay, 65534);
  receive(&replay, 65536 + 2);
  receive(&replay, 65535);
  receive(&replay, 65536);
  receive(&replay, 65536 + 30000);
  receive(&replay, 65536 + 60000);
  receive(&replay, 2 * 65536 - 3);
  receive(&replay, 2 * 65536 + 5);
  receive(&replay, 2 * 65536 - 1);
}

static void test_before_beginning(void)
{
  AblakReplay replay = {0};
  guint64 index = 0;
  receive(&replay, 3);
  g_assert_false(ablak_replay_estimate(&replay, 65530, &index));
  receive(&replay, 2);
}

static void test_window_edges(void)
{
  AblakReplay replay = {0};
  receive(&replay, 5000);
  g_assert_true(ablak_replay_is_fresh(&replay, 5000 - ABLAK_REPLAY_BITS + 1));
  g_assert_false(ablak_replay_is_fresh(&replay, 5000 - ABLAK_REPLAY_BITS));
  receive(&replay, 5000 - ABLAK_REPLAY_BITS + 1);
  receive(&replay, 5001);
  g_assert_false(ablak_replay_is_fresh(&replay, 5001 - ABLAK_REPLAY_BITS));
}

/* A set of every index ever seen says what the ring of bits must say. */
static void test_model(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(3711);
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
  AblakReplay replay = {0};
  guint64 highest = 70000;
  ablak_replay_mark(&replay, highest);
  g_hash_table_add(seen, GUINT_TO_POINTER(highest));
  for (int i = 0; i < 200000; i++) {
    guint64 index = highest + (guint64)g_rand_int_range(rand, 0, 40);
    index -= (guint64)g_rand_int_range(rand, 0, 1300);
    if (g_rand_int_range(rand, 0, 1000) == 0)
      index += 3000;
    bool fresh = index + ABLAK_REPLAY_BITS > highest &&
                 !g_hash_table_contains(seen, GUINT_TO_POINTER(index));
    g_assert_cmpint(ablak_replay_is_fresh(&replay, index), ==, fresh);
    if (!fresh)
      continue;
    ablak_replay_mark(&replay, index);
    g_hash_table_add(seen, GUINT_TO_POINTER(index));
    highest = MAX(highest, index);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/replay/wrap", test_wrap);
  g_test_add_func("/replay/before-beginning", test_before_beginning);
  g_test_add_func("/replay/window-edges", test_window_edges);
  g_test_add_func("/replay/model", test_model);
  return g_test_run();
}
