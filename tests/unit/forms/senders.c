/* Who sent what: updates that unlock another's, and updates in another's name. */
#include "world.h"

/* `from`'s next message, taken out of its queue and known to `to` without the box. */
static GBytes *take_around_the_box(Client *from, Client *to)
{
  g_autoptr(GError) error = NULL;
  GBytes *message = g_queue_pop_head(&from->outgoing);
  AblakYsyncMessage decoded;
  gsize size = 0;
  const void *data = g_bytes_get_data(message, &size);
  g_assert_true(ablak_ysync_decode(data, size, &decoded, &error));
  g_assert_true(ablak_ydoc_apply(to->doc, decoded.body, decoded.size, 1, 0, NULL, &error));
  return message;
}

/* The clerk's letter waits in the box for the citizen's: whose arrival sets it free sees it too. */
static void test_unlocking(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  client_type(citizen, "name", 0, "a");
  GBytes *first = take_around_the_box(citizen, clerk);
  client_type(clerk, "name", 1, "b");
  client_pump(clerk);
  g_queue_push_tail(&citizen->outgoing, first);
  WAIT_UNTIL(ALL(citizen, clerk), citizen->durable == 1 && clerk->durable == 1);
  g_autofree char *seen = client_text(citizen, "name");
  g_assert_cmpstr(seen, ==, "ab");
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/senders/unlocking", test_unlocking);
  return g_test_run();
}
