/* Who sent what: updates that unlock another's, and in another's name. */
#include "forms/coedit/awareness.h"
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

static Client *client_back(World *world, const char *kind, AblakYdoc *doc)
{
  Client *client = client_new(world->drafts, world->id, "shared", kind);
  ablak_ydoc_free(client->doc);
  client->doc = doc;
  return client;
}

/* The client goes, its document stays. */
static AblakYdoc *client_gone(Client *client)
{
  AblakYdoc *doc = g_steal_pointer(&client->doc);
  client->doc = ablak_ydoc_new(NULL);
  client_free(client);
  return doc;
}

/* What `id` would type into the remarks next, after all that `client` knows. */
static void client_forge(Client *client, guint64 id)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(&(AblakYdocOptions){.client_id = id});
  g_autoptr(GBytes) state = ablak_ydoc_encode(client->doc, NULL, 0, &error);
  gsize size = 0;
  const void *data = g_bytes_get_data(state, &size);
  g_assert_true(ablak_ydoc_apply(doc, data, size, 0, 0, NULL, &error));
  ablak_ydoc_begin(doc);
  AblakYtype *text = ablak_ymap_get_type(ablak_ydoc_root(doc, "form"), "remarks");
  g_assert_true(ablak_ytext_insert(text, 0, "forged", &error));
  g_autoptr(GBytes) update = ablak_ydoc_commit(doc);
  client_queue(client, ABLAK_YSYNC_UPDATE, update);
}

static void expect_forged(World *world, Client *citizen, guint64 id)
{
  Client *forger = client_new(world->drafts, world->id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, forger), synced(forger));
  client_forge(forger, id);
  client_pump(forger);
  g_assert_cmpuint(forger->close_code, ==, 4400);
  client_free(forger);
  guint64 before = citizen->durable;
  client_type(citizen, "remarks", 1000, "x");
  WAIT_UNTIL(ALL(citizen), citizen->durable == before + 1);
}

static void reopen(World *world)
{
  ablak_drafts_free(world->drafts);
  ablak_store_close(world->store);
  world->store = open_store(world->folder);
  world->drafts = ablak_drafts_new(
      world->store, &(AblakDraftsOptions){.checks_ms = 5, .quiet_ms = 4, .log_rows_max = 2});
}

/* Nobody writes in another's name, nor in the box's: not after a new start and a merged log. */
static void test_forged(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .quiet_ms = 4, .log_rows_max = 2};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  Answer answer = {.finished = false};
  g_autoptr(json_t) values = parse_json("{\"/count\":3}");
  ablak_drafts_prefill(world.drafts, world.id, "clerk", "c", values, answered, &answer);
  Client **all = ALL(citizen);
  EXPECT_ANSWER(&answer, all, NULL);
  client_type(citizen, "remarks", 0, "mine");
  WAIT_UNTIL(ALL(citizen), citizen->durable == 1);
  guint64 id = ablak_ydoc_client_id(citizen->doc);
  guint64 box = ablak_ymap_get_client(ablak_ydoc_root(citizen->doc, "form"), "count");
  expect_forged(&world, citizen, id);
  expect_forged(&world, citizen, box);
  AblakYdoc *doc = client_gone(citizen);
  reopen(&world);
  citizen = client_back(&world, "citizen", doc);
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  expect_forged(&world, citizen, id);
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_assert_cmpstr(ablak_json_get_string(content, "remarks"), ==, "minexxx");
  client_free(citizen);
  world_close(&world);
}

/* Two pages of one person, who come back and say all they know: their own and the others'. */
static void test_coming_back(void)
{
  World world;
  world_open(&world, NULL);
  Client *one = client_new(world.drafts, world.id, "shared", "citizen");
  Client *two = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(one, two, clerk), synced(one) && synced(two) && synced(clerk));
  client_type(one, "remarks", 0, "1");
  WAIT_UNTIL(ALL(one, two, clerk), one->durable == 1);
  client_type(two, "remarks", 1, "2");
  WAIT_UNTIL(ALL(one, two, clerk), two->durable == 1);
  client_type(clerk, "remarks", 2, "3");
  WAIT_UNTIL(ALL(one, two, clerk), clerk->durable == 1);
  AblakYdoc *docs[] = {client_gone(one), client_gone(two), client_gone(clerk)};
  reopen(&world);
  one = client_back(&world, "citizen", docs[0]);
  two = client_back(&world, "citizen", docs[1]);
  clerk = client_back(&world, "clerk", docs[2]);
  WAIT_UNTIL(ALL(one, two, clerk), synced(one) && synced(two) && synced(clerk));
  for (Client **page = ALL(one, two, clerk); *page != NULL; page++) {
    client_type(*page, "remarks", 1000, "!"); /* goes with everything else the page knows */
    g_bytes_unref(g_queue_pop_tail(&(*page)->outgoing));
    g_autoptr(GBytes) whole = ablak_ydoc_encode((*page)->doc, NULL, 0, NULL);
    client_queue(*page, ABLAK_YSYNC_UPDATE, whole);
    WAIT_UNTIL(ALL(one, two, clerk), (*page)->durable == 1);
  }
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_assert_cmpstr(ablak_json_get_string(content, "remarks"), ==, "123!!!");
  client_free(one);
  client_free(two);
  client_free(clerk);
  world_close(&world);
}

static void say_where(Client *client, guint64 id, const char *field)
{
  g_autoptr(AblakYawareness) mine = ablak_yawareness_new(0, 0);
  g_autoptr(json_t) state = json_pack("{s:s}", "field", field);
  ablak_yawareness_set(mine, id, state, 0);
  g_autoptr(GBytes) update = ablak_yawareness_encode(mine, NULL, 0);
  client_queue(client, ABLAK_YSYNC_AWARENESS, update);
  client_pump(client);
}

/* A page that only said where it is has its client id: nobody else types under it or moves its
 * cursor, not after a new start either. */
static void test_claimed_by_presence(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen-1");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk-1");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  guint64 id = ablak_ydoc_client_id(citizen->doc);
  say_where(citizen, id, "/name");
  g_assert_cmpuint(clerk->awareness, ==, 1);
  say_where(clerk, id, "/kind"); /* as a stock client repeats it: passed over, no offence */
  g_assert_cmpuint(clerk->close_code, ==, 0);
  g_assert_cmpuint(citizen->awareness, ==, 1); /* its own */
  client_free(clerk);
  g_assert_cmpuint(citizen->awareness, ==, 1); /* and it did not take the citizen with it */
  WAIT_UNTIL(ALL(citizen), true);
  expect_forged(&world, citizen, id);
  AblakYdoc *doc = client_gone(citizen);
  reopen(&world);
  Client *other = client_new(world.drafts, world.id, "shared", "citizen-2");
  WAIT_UNTIL(ALL(other), synced(other));
  client_forge(other, id);
  client_pump(other);
  g_assert_cmpuint(other->close_code, ==, 4400);
  client_free(other);
  ablak_ydoc_free(doc);
  world_close(&world);
}

/* The box's own client id is nobody's to speak for, and one actor has only so many. */
static void test_claims_are_bounded(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .quiet_ms = 4, .messages_burst = 10000};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  Answer answer = {.finished = false};
  g_autoptr(json_t) values = parse_json("{\"/count\":3}");
  ablak_drafts_prefill(world.drafts, world.id, "clerk", "c", values, answered, &answer);
  Client **all = ALL(citizen, clerk);
  EXPECT_ANSWER(&answer, all, NULL);
  WAIT_UNTIL(all, ablak_ymap_get_client(ablak_ydoc_root(citizen->doc, "form"), "count") != 0);
  guint64 box = ablak_ymap_get_client(ablak_ydoc_root(citizen->doc, "form"), "count");
  say_where(citizen, box, "/name");
  g_assert_cmpuint(clerk->awareness, ==, 0);
  for (guint64 id = 1; id <= 100; id++)
    say_where(citizen, id, "/name");
  g_assert_cmpuint(clerk->awareness, ==, 64);
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

static void put_number(GByteArray *bytes, guint64 number)
{
  do {
    guint8 byte = (guint8)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
    g_byte_array_append(bytes, &byte, 1);
    number >>= 7;
  } while (number > 0);
}

/* An update of `count` client ids from `first` on, one dead struct each. */
static GBytes *many_writers(guint64 first, guint count)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  put_number(bytes, count);
  for (guint i = 0; i < count; i++) {
    static const guint8 dead[] = {0 /* clock */, 0 /* GC */, 1 /* long */};
    put_number(bytes, 1);
    put_number(bytes, first + i);
    g_byte_array_append(bytes, dead, sizeof dead);
  }
  put_number(bytes, 0);
  return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

static void test_too_many(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .document_max = 64 * 1024 * 1024};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  g_autoptr(GBytes) full = many_writers(1, 1000);
  client_queue(citizen, ABLAK_YSYNC_UPDATE, full);
  WAIT_UNTIL(ALL(citizen), citizen->durable == 1);
  g_autoptr(GBytes) one_more = many_writers(1001, 1);
  client_queue(citizen, ABLAK_YSYNC_UPDATE, one_more);
  client_pump(citizen);
  g_assert_cmpuint(citizen->close_code, ==, 4413);
  client_free(citizen);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/senders/unlocking", test_unlocking);
  g_test_add_func("/forms/senders/forged", test_forged);
  g_test_add_func("/forms/senders/coming-back", test_coming_back);
  g_test_add_func("/forms/senders/claimed-by-presence", test_claimed_by_presence);
  g_test_add_func("/forms/senders/claims-are-bounded", test_claims_are_bounded);
  g_test_add_func("/forms/senders/too-many", test_too_many);
  return g_test_run();
}
