/* The token bucket, and what it does to a connection; time stands still unless the test moves it.
 */
#include "forms/rate.h"
#include "world.h"

static void test_bucket(void)
{
  AblakRate rate = ablak_rate(10, 5, 1000);
  for (int i = 0; i < 5; i++)
    g_assert_cmpint(ablak_rate_take(&rate, 1, 1000), ==, 0);
  g_assert_cmpint(ablak_rate_take(&rate, 1, 1000), ==, 100);
  g_assert_cmpint(ablak_rate_take(&rate, 0, 1099), ==, 1);
  g_assert_cmpint(ablak_rate_take(&rate, 0, 1100), ==, 0);
  g_assert_cmpint(ablak_rate_take(&rate, 1, 1200), ==, 0);
  /* never more than full, however long it rests, and time does not run backwards */
  g_assert_cmpint(ablak_rate_take(&rate, 5, G_MAXINT64 / 2), ==, 0);
  g_assert_cmpint(ablak_rate_take(&rate, 1, 0), ==, 100);
  g_assert_cmpint(ablak_rate_take(&rate, 30, G_MAXINT64 / 2), ==, 3100);
}

/* Over any span no more goes through than the burst and the span's share: seeded random spans. */
static void test_bound(void)
{
  for (guint32 seed = 1; seed <= 50; seed++) {
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    gint64 per_second = g_rand_int_range(rand, 1, 5000), burst = g_rand_int_range(rand, 1, 5000);
    gint64 now_ms = 0, through = 0;
    AblakRate rate = ablak_rate(per_second, burst, 0);
    for (int i = 0; i < 2000; i++) {
      gint64 tokens = g_rand_int_range(rand, 0, 50);
      now_ms += g_rand_int_range(rand, 0, 20);
      gint64 wait_ms = ablak_rate_take(&rate, tokens, now_ms);
      through += tokens;
      now_ms += wait_ms;
      g_assert_cmpint(ablak_rate_take(&rate, 0, now_ms), ==, 0);
      if (through * 1000 > burst * 1000 + now_ms * per_second)
        g_error("seed %u: %" G_GINT64_FORMAT " tokens in %" G_GINT64_FORMAT " ms", seed, through,
                now_ms);
    }
  }
}

typedef struct {
  Client *client;
  unsigned paused, resumed;
} Reader;

static Reader reader;

static void pause_reader(bool pause, gpointer data)
{
  if (pause)
    reader.paused++;
  else
    reader.resumed++;
}

/* As client_new, with a transport that can wait. */
static Client *pausable(World *world)
{
  Client *client = g_new0(Client, 1);
  client->doc = ablak_ydoc_new(NULL);
  AblakDraftPeer peer = {.actor_kind = "citizen",
                         .actor_id = "citizen",
                         .send = client_send,
                         .close = client_close,
                         .data = client,
                         .pause = pause_reader};
  g_autoptr(GError) error = NULL;
  client->connection = ablak_drafts_connect(world->drafts, world->id, "shared", &peer, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(client->doc);
  client_queue(client, ABLAK_YSYNC_STEP1, vector);
  reader = (Reader){.client = client};
  return client;
}

static AblakDraftsOptions slow_options(gint64 *now_ms)
{
  return (AblakDraftsOptions){.checks_ms = 5,
                              .messages_per_s = 100,
                              .messages_burst = 20,
                              .monotonic_ms = fake_ms,
                              .wall_ms = fake_ms,
                              .clock_data = now_ms};
}

/* Too fast: it is read more slowly, and nothing is lost. */
static void test_slowed_down(void)
{
  World world;
  gint64 now_ms = 1;
  AblakDraftsOptions options = slow_options(&now_ms);
  world_open(&world, &options);
  Client *client = pausable(&world);
  WAIT_UNTIL(ALL(client), synced(client));
  for (int i = 0; i < 40; i++) /* with the two of the beginning 22 too many */
    client_type(client, "remarks", 0, "x");
  client_pump(client);
  g_assert_cmpuint(reader.paused, ==, 1);
  g_assert_cmpuint(reader.resumed, ==, 0);
  WAIT_UNTIL(ALL(client), client->durable == 40);
  now_ms += 200;
  for (gint64 until = g_get_monotonic_time() + 300000; g_get_monotonic_time() < until;)
    g_main_context_iteration(NULL, FALSE); /* the timer looks, and it is too early still */
  g_assert_cmpuint(reader.resumed, ==, 0);
  now_ms += 20;
  WAIT_UNTIL(ALL(client), reader.resumed == 1);
  g_assert_cmpuint(reader.paused, ==, 1);
  g_assert_cmpuint(client->close_code, ==, 0);
  client_free(client);
  world_close(&world);
}

/* What a transport that cannot wait does not get: it is closed, and may come back. */
static void test_closed(void)
{
  World world;
  gint64 now_ms = 1;
  AblakDraftsOptions options = slow_options(&now_ms);
  world_open(&world, &options);
  Client *client = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(client), synced(client));
  for (int i = 0; i < 40; i++)
    client_type(client, "remarks", 0, "x");
  client_pump(client);
  g_assert_cmpuint(client->close_code, ==, 1013);
  client_free(client);
  /* and who is ahead by half a minute waits for no one either */
  client = pausable(&world);
  WAIT_UNTIL(ALL(client), synced(client));
  for (int i = 0; i < 3100; i++)
    ablak_draft_connection_receive(client->connection, "\x03", 1);
  g_assert_cmpuint(client->close_code, ==, 1013);
  client_free(client);
  world_close(&world);
}

/* Bytes count as well as messages: a message of 1 MiB more than the burst of 2 MiB. */
static void test_bytes(void)
{
  World world;
  gint64 now_ms = 1;
  AblakDraftsOptions options = {.checks_ms = 5, .monotonic_ms = fake_ms, .clock_data = &now_ms};
  world_open(&world, &options);
  Client *client = pausable(&world);
  WAIT_UNTIL(ALL(client), synced(client));
  g_autofree char *large = g_strnfill(1024 * 1024, '\x37'); /* a kind that means nothing */
  for (int i = 0; i < 2; i++)
    ablak_draft_connection_receive(client->connection, large, 1024 * 1024 - 1000);
  g_assert_cmpuint(reader.paused, ==, 0);
  ablak_draft_connection_receive(client->connection, large, 1024 * 1024);
  g_assert_cmpuint(reader.paused, ==, 1);
  client_free(client);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/rate/bucket", test_bucket);
  g_test_add_func("/forms/rate/bound", test_bound);
  g_test_add_func("/forms/rate/slowed-down", test_slowed_down);
  g_test_add_func("/forms/rate/closed", test_closed);
  g_test_add_func("/forms/rate/bytes", test_bytes);
  return g_test_run();
}
