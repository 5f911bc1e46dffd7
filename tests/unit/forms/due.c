/* When the documents of an open draft leave the memory; time stands still unless the test moves it.
 */
#include "world.h"

#define QUIET_MS 600

static gboolean enough(gpointer passed)
{
  *(bool *)passed = true;
  return G_SOURCE_REMOVE;
}

/* A while by the real clock, in which what is due happens. */
static void let_things_happen(void)
{
  bool passed = false;
  g_timeout_add(60, enough, &passed);
  while (!passed)
    g_main_context_iteration(NULL, TRUE);
}

static bool is_awake(const World *world)
{
  unsigned open = 0;
  gsize bytes = 0;
  ablak_drafts_usage(world->drafts, &open, &bytes);
  return bytes > 0;
}

static void type_one(Client *client)
{
  client_type(client, "remarks", 0, "x");
  WAIT_UNTIL(ALL(client), client->durable == client->sent);
  let_things_happen(); /* the checks */
}

static Client *open_world(World *world, gint64 *now_ms)
{
  AblakDraftsOptions options = {
      .checks_ms = 5, .quiet_ms = QUIET_MS, .monotonic_ms = fake_ms, .clock_data = now_ms};
  world_open(world, &options);
  Client *citizen = client_new(world->drafts, world->id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  let_things_happen();
  return citizen;
}

/* Who opened it, or changed it once, may be done with it. */
static void test_short_nap(void)
{
  gint64 now_ms = 100000;
  World world;
  Client *citizen = open_world(&world, &now_ms);
  for (int i = 0; i < 2; i++) {
    g_assert_true(is_awake(&world));
    now_ms += QUIET_MS / 4 - 1;
    let_things_happen();
    g_assert_true(is_awake(&world));
    now_ms += 1;
    wait_until_asleep(&world);
    now_ms += QUIET_MS;
    if (i == 0)
      type_one(citizen);
  }
  client_free(citizen);
  world_close(&world);
}

/* Who types goes on after a pause; also when the first key found it awake no more. */
static void test_typing(void)
{
  gint64 now_ms = 100000;
  World world;
  Client *citizen = open_world(&world, &now_ms);
  type_one(citizen);
  now_ms += QUIET_MS / 3;
  wait_until_asleep(&world);
  type_one(citizen);
  for (int i = 0; i < 3; i++) {
    now_ms += QUIET_MS - 1;
    let_things_happen();
    g_assert_true(is_awake(&world));
    type_one(citizen);
  }
  now_ms += QUIET_MS;
  wait_until_asleep(&world);
  client_free(citizen);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/due/short-nap", test_short_nap);
  g_test_add_func("/forms/due/typing", test_typing);
  return g_test_run();
}
