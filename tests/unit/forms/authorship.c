/* Who wrote what: the last author, the others of a text, and whose value gave way. */
#include "world.h"

static const char *text_at(const Client *client, const char *path, const char *key)
{
  return ablak_json_get_string(json_object_get(client->authors, path), key);
}

static bool you_at(const Client *client, const char *path)
{
  return ablak_json_get_bool(json_object_get(client->authors, path), "you", false);
}

static const json_t *previous_at(const Client *client, const char *path)
{
  return json_object_get(json_object_get(client->authors, path), "previous");
}

static void assert_others(const Client *client, const char *path, const char *wanted)
{
  g_autofree char *text =
      ablak_json_text(json_object_get(json_object_get(client->authors, path), "others"));
  g_assert_cmpstr(text, ==, wanted);
}

typedef struct {
  World world;
  gint64 now_ms;
  Client *citizen, *device, *clerk, *other;
} Office;

static void office_open(Office *office)
{
  office->now_ms = 1795000000123;
  AblakDraftsOptions options = {.checks_ms = 5,
                                .quiet_ms = 4,
                                .wall_ms = fake_ms,
                                .clock_data = &office->now_ms,
                                .idle_ms = 10};
  World *world = &office->world;
  world_open(world, &options);
  office->citizen = client_new(world->drafts, world->id, "shared", "citizen-1");
  office->device = client_new(world->drafts, world->id, "shared", "citizen-2");
  office->clerk = client_new(world->drafts, world->id, "shared", "clerk-1");
  office->other = client_new(world->drafts, world->id, "shared", "clerk-2");
}

#define EVERYBODY(office) ALL((office)->citizen, (office)->device, (office)->clerk, (office)->other)

static bool all_saved(const Office *office)
{
  return office->citizen->durable == office->citizen->sent &&
         office->device->durable == office->device->sent &&
         office->clerk->durable == office->clerk->sent &&
         office->other->durable == office->other->sent;
}

#define SETTLE(office) WAIT_UNTIL(EVERYBODY(office), all_saved(office))

static void office_start(Office *office)
{
  office_open(office);
  WAIT_UNTIL(EVERYBODY(office), synced(office->citizen) && synced(office->device) &&
                                    synced(office->clerk) && synced(office->other));
}

static void office_close(Office *office)
{
  client_free(office->citizen);
  client_free(office->device);
  client_free(office->clerk);
  client_free(office->other);
  world_close(&office->world);
}

/* Each sees itself as "you"; a citizen does not learn which clerk it was. */
static void test_text(void)
{
  Office office;
  office_start(&office);
  client_type(office.citizen, "name", 0, "Minta");
  SETTLE(&office);
  g_assert_cmpstr(text_at(office.clerk, "/name", "at"), ==, "2026-11-18T11:06:40.123Z");
  g_assert_cmpstr(text_at(office.clerk, "/name", "id"), ==, "citizen-1");
  g_assert_true(you_at(office.citizen, "/name"));
  g_assert_false(you_at(office.device, "/name"));
  assert_others(office.clerk, "/name", "[]");
  client_type(office.clerk, "name", 5, " Éva");
  SETTLE(&office);
  client_type(office.other, "name", 0, "dr. ");
  SETTLE(&office);
  g_assert_cmpstr(text_at(office.clerk, "/name", "id"), ==, "clerk-2");
  assert_others(office.clerk, "/name",
                "[{\"kind\":\"clerk\",\"id\":\"clerk-1\",\"you\":true},"
                "{\"kind\":\"citizen\",\"id\":\"citizen-1\",\"you\":false}]");
  g_assert_cmpstr(text_at(office.citizen, "/name", "id"), ==, "clerk");
  assert_others(office.citizen, "/name",
                "[{\"kind\":\"citizen\",\"id\":\"citizen-1\",\"you\":true}]");
  /* emptied: whoever writes then wrote it alone */
  ablak_ydoc_begin(office.clerk->doc);
  AblakYtype *name = ablak_ymap_get_type(ablak_ydoc_root(office.clerk->doc, "form"), "name");
  g_assert_true(ablak_ytext_delete(name, 0, ablak_ytype_length(name), NULL));
  client_edited(office.clerk);
  SETTLE(&office);
  assert_others(office.citizen, "/name", "[]");
  client_type(office.device, "name", 0, "új");
  SETTLE(&office);
  g_assert_cmpstr(text_at(office.citizen, "/name", "id"), ==, "citizen-2");
  assert_others(office.citizen, "/name", "[]");
  office_close(&office);
}

/* One who goes on typing is told every 30 s, not with every key. */
static void test_not_every_key(void)
{
  Office office;
  office_start(&office);
  client_type(office.citizen, "name", 0, "a");
  SETTLE(&office);
  unsigned told = office.clerk->authors_told;
  for (int i = 0; i < 59; i++) {
    office.now_ms += 500;
    client_type(office.citizen, "name", 0, "a");
    SETTLE(&office);
  }
  g_assert_cmpuint(office.clerk->authors_told, ==, told);
  office.now_ms += 500;
  client_type(office.citizen, "name", 0, "a");
  SETTLE(&office);
  g_assert_cmpuint(office.clerk->authors_told, ==, told + 1);
  g_assert_cmpstr(text_at(office.clerk, "/name", "at"), ==, "2026-11-18T11:07:10.123Z");
  office_close(&office);
}

static void assert_previous(const Client *client, const char *id, bool you, const char *value,
                            bool concurrent)
{
  const json_t *previous = previous_at(client, "/kind");
  g_assert_nonnull(previous);
  g_assert_cmpstr(ablak_json_get_string(previous, "id"), ==, id);
  g_assert_cmpint(ablak_json_get_bool(previous, "you", false), ==, you);
  g_assert_cmpstr(ablak_json_get_string(previous, "value"), ==, value);
  g_assert_cmpint(ablak_json_get_bool(previous, "concurrent", false), ==, concurrent);
}

/* A correction: both authors, and the value that gave way, until the field begins anew. */
static void test_correction(void)
{
  Office office;
  office_start(&office);
  client_choose(office.citizen, "kind", json_string("a"));
  SETTLE(&office);
  client_choose(office.citizen, "kind", json_string("b")); /* one's own mind may change */
  SETTLE(&office);
  g_assert_null(previous_at(office.clerk, "/kind"));
  client_choose(office.clerk, "kind", json_string("b")); /* and agreeing changes nothing */
  SETTLE(&office);
  g_assert_null(previous_at(office.clerk, "/kind"));
  g_assert_cmpstr(text_at(office.clerk, "/kind", "id"), ==, "citizen-1");
  client_choose(office.clerk, "kind", json_string("a"));
  SETTLE(&office);
  assert_previous(office.citizen, "citizen-1", true, "b", false);
  assert_previous(office.clerk, "citizen-1", false, "b", false);
  g_assert_true(you_at(office.clerk, "/kind"));
  ablak_ydoc_begin(office.clerk->doc);
  g_assert_true(ablak_ymap_delete(ablak_ydoc_root(office.clerk->doc, "form"), "kind"));
  client_edited(office.clerk);
  SETTLE(&office);
  assert_previous(office.clerk, "citizen-1", false, "b", false);
  client_choose(office.clerk, "kind", json_string("b"));
  SETTLE(&office);
  g_assert_null(previous_at(office.clerk, "/kind"));
  office_close(&office);
}

/* Two at once: whoever wins, both see both, and that neither had seen the other's. */
static void test_concurrent(void)
{
  for (int clerk_first = 0; clerk_first < 2; clerk_first++) {
    Office office;
    office_start(&office);
    client_choose(office.citizen, "kind", json_string("a"));
    client_choose(office.clerk, "kind", json_string("b"));
    Client **order =
        clerk_first ? ALL(office.clerk, office.citizen) : ALL(office.citizen, office.clerk);
    client_pump(order[0]);
    client_pump(order[1]);
    SETTLE(&office);
    bool clerk_won =
        ablak_ydoc_client_id(office.clerk->doc) > ablak_ydoc_client_id(office.citizen->doc);
    const char *winner = clerk_won ? "clerk-1" : "citizen-1";
    const char *loser = clerk_won ? "citizen-1" : "clerk-1";
    g_assert_cmpstr(text_at(office.other, "/kind", "id"), ==, winner);
    assert_previous(office.other, loser, false, clerk_won ? "a" : "b", true);
    assert_previous(clerk_won ? office.citizen : office.clerk, loser, true, clerk_won ? "a" : "b",
                    true);
    office_close(&office);
  }
}

/* A value that its writer might not have written, or that fits no field, is nobody's past. */
static void test_lost_and_wrong(void)
{
  Office office;
  office_start(&office);
  client_choose(office.citizen, "agree", json_string("not a tick"));
  client_choose(office.clerk, "agree", json_true());
  client_pump(office.clerk);
  client_pump(office.citizen);
  SETTLE(&office);
  const json_t *agree = json_object_get(office.citizen->authors, "/agree");
  g_assert_cmpstr(ablak_json_get_string(agree, "id"), ==, "clerk");
  g_assert_null(json_object_get(agree, "previous"));
  g_autoptr(json_t) content = stored_content(office.world.store, office.world.id);
  g_assert_true(json_is_true(json_object_get(content, "agree")));
  office_close(&office);
}

/* All that was told is there after unloading and reading back. */
static void test_reload(void)
{
  Office office;
  office_start(&office);
  World *world = &office.world;
  client_choose(office.citizen, "kind", json_string("a"));
  SETTLE(&office);
  client_choose(office.clerk, "kind", json_string("b"));
  client_type(office.citizen, "name", 0, "x");
  SETTLE(&office);
  client_type(office.clerk, "name", 0, "y");
  SETTLE(&office);
  g_autoptr(json_t) before = json_deep_copy(office.other->authors);
  client_free(office.citizen);
  client_free(office.device);
  client_free(office.clerk);
  client_free(office.other);
  wait_until_unloaded(world);
  office.other = client_new(world->drafts, world->id, "shared", "clerk-2");
  WAIT_UNTIL(ALL(office.other), synced(office.other));
  g_assert_true(json_equal(office.other->authors, before));
  g_autoptr(AblakTxn) txn = ablak_store_read(world->store, NULL);
  g_autoptr(json_t) list = ablak_draft_authors(txn, world->id, false, "clerk", "clerk-2", NULL);
  g_assert_cmpuint(json_array_size(list), ==, json_object_size(before));
  g_assert_true(json_equal(author_at(list, "/kind"), json_object_get(before, "/kind")));
  g_clear_pointer(&txn, ablak_txn_end);
  client_free(office.other);
  world_close(world);
}

/* Authors of the office's fields stay in the office. */
static void test_audiences(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen-1");
  Client *clerk = client_new(world.drafts, world.id, "office", "clerk-1");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  client_type(clerk, "verdict", 0, "fine");
  client_type(citizen, "name", 0, "x");
  WAIT_UNTIL(ALL(citizen, clerk), clerk->durable == 1 && citizen->durable == 1);
  g_assert_nonnull(json_object_get(clerk->authors, "/verdict"));
  g_assert_null(json_object_get(citizen->authors, "/verdict"));
  g_assert_null(json_object_get(clerk->authors, "/name"));
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/authorship/text", test_text);
  g_test_add_func("/forms/authorship/not-every-key", test_not_every_key);
  g_test_add_func("/forms/authorship/correction", test_correction);
  g_test_add_func("/forms/authorship/concurrent", test_concurrent);
  g_test_add_func("/forms/authorship/lost-and-wrong", test_lost_and_wrong);
  g_test_add_func("/forms/authorship/reload", test_reload);
  g_test_add_func("/forms/authorship/audiences", test_audiences);
  return g_test_run();
}
