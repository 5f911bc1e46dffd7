/* Random histories: three people and the box change one draft at once, obeying the rules or not,
 * going away and coming back. In the end all hold the same, the store holds it too, the containers
 * are whole, and nothing that broke a rule is left. */
#include "fixture.h"

#define CLIENTS 3
#define STEPS 220

typedef struct {
  AblakDrafts *drafts;
  char *draft_id;
  Client *clients[CLIENTS + 1];
  GRand *rand;
} World;

static guint32 below(World *world, guint32 limit)
{
  return (guint32)g_rand_int_range(world->rand, 0, (gint32)limit);
}

static AblakYtype *root_of(Client *client)
{
  return ablak_ydoc_root(client->doc, "form");
}

static void finish(Client *client)
{
  g_autoptr(GBytes) update = ablak_ydoc_commit(client->doc);
  if (update != NULL)
    client_queue(client, ABLAK_YSYNC_UPDATE, update);
}

static void edit_text(World *world, AblakYtype *text)
{
  static const char *const pieces[] = {"a", "őű", "😀", "hosszabb szöveg ", "x\ny"};
  guint64 length = text != NULL ? ablak_ytype_length(text) : 0;
  if (text == NULL || ablak_ytype_kind(text) != ABLAK_YTYPE_TEXT)
    return;
  if (length > 0 && below(world, 3) == 0) {
    guint64 at = below(world, (guint32)length);
    g_assert_true(ablak_ytext_delete(text, at, 1 + below(world, (guint32)(length - at)), NULL));
  } else {
    g_assert_true(ablak_ytext_insert(text, below(world, (guint32)length + 1),
                                     pieces[below(world, G_N_ELEMENTS(pieces))], NULL));
  }
}

static void edit_rows(World *world, Client *client)
{
  AblakYtype *rows = ablak_ymap_get_type(root_of(client), "children");
  if (rows == NULL || ablak_ytype_kind(rows) != ABLAK_YTYPE_ARRAY)
    return;
  guint64 count = ablak_ytype_length(rows);
  guint32 what = below(world, 6);
  if (what == 0) /* rows are the box's */
    g_assert_nonnull(ablak_yarray_insert_type(rows, count, ABLAK_YTYPE_MAP, NULL));
  else if (what == 1 && count > 0)
    g_assert_true(ablak_yarray_delete(rows, below(world, (guint32)count), 1, NULL));
  else if (count > 0) {
    AblakYtype *row = ablak_yarray_get_type(rows, below(world, (guint32)count));
    if (row != NULL && ablak_ytype_kind(row) == ABLAK_YTYPE_MAP)
      edit_text(world, ablak_ymap_get_type(row, "name"));
  }
}

/* Half of these may not stand where they are put. */
static void choose(World *world, Client *client)
{
  static const char *const keys[] = {"kind", "born", "agree", "count", "name", "verdict", "else"};
  static const char *const values[] = {"\"a\"", "\"2001-02-03\"", "true",
                                       "7",     "{\"x\":[1]}",    "null"};
  g_autoptr(json_t) value = parse_json(values[below(world, G_N_ELEMENTS(values))]);
  const char *key = keys[below(world, G_N_ELEMENTS(keys))];
  if (below(world, 5) == 0)
    ablak_ymap_delete(root_of(client), key);
  else
    g_assert_true(ablak_ymap_set(root_of(client), key, value, NULL));
}

static void edit(World *world, Client *client)
{
  ablak_ydoc_begin(client->doc);
  switch (below(world, 6)) {
  case 0:
    choose(world, client);
    break;
  case 1:
    edit_rows(world, client);
    break;
  case 2: /* out of bounds: the first client may not write it */
    edit_text(world, ablak_ymap_get_type(root_of(client), "name"));
    break;
  default:
    edit_text(world, ablak_ymap_get_type(root_of(client), "remarks"));
  }
  finish(client);
}

/* The socket breaks; what was on it is lost; the same document comes back on a new one. */
static void reconnect(World *world, unsigned index)
{
  Client *gone = world->clients[index];
  Client *back =
      client_new(world->drafts, world->draft_id, "shared", index > 0 ? "clerk" : "citizen");
  back->may_not_write = gone->may_not_write;
  ablak_ydoc_free(back->doc);
  back->doc = g_steal_pointer(&gone->doc);
  gone->doc = ablak_ydoc_new(NULL);
  client_free(gone);
  g_queue_clear_full(&back->outgoing, (GDestroyNotify)g_bytes_unref);
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(back->doc);
  client_queue(back, ABLAK_YSYNC_STEP1, vector);
  g_autoptr(GBytes) all = ablak_ydoc_encode(back->doc, NULL, 0, NULL);
  client_queue(back, ABLAK_YSYNC_UPDATE, all);
  world->clients[index] = back;
}

static void ignore(const GError *error, gpointer data)
{
  ++*(unsigned *)data;
}

static void step(World *world, unsigned *answers)
{
  unsigned index = below(world, CLIENTS);
  guint32 what = below(world, 40);
  if (what == 0) {
    reconnect(world, index);
  } else if (what == 1) {
    ablak_drafts_add_row(world->drafts, world->draft_id, "clerk", "c", "/children", ignore,
                         answers);
  } else if (what == 2) {
    g_autoptr(json_t) values = parse_json("{\"/remarks\":\"prefilled\",\"/count\":5}");
    ablak_drafts_prefill(world->drafts, world->draft_id, "clerk", "c", values, ignore, answers);
  } else {
    edit(world, world->clients[index]);
  }
  if (below(world, 3) == 0)
    client_pump(world->clients[below(world, CLIENTS)]);
  if (below(world, 4) == 0)
    g_main_context_iteration(NULL, FALSE);
}

static bool settled(World *world)
{
  for (unsigned i = 0; i < CLIENTS; i++) {
    Client *client = world->clients[i];
    if (!g_queue_is_empty(&client->outgoing) || client->durable != client->sent)
      return false;
  }
  return true;
}

static void check_equal(World *world, AblakStore *store)
{
  g_autoptr(json_t) first = ablak_ydoc_json(world->clients[0]->doc);
  g_autofree char *text = ablak_json_text(first);
  for (unsigned i = 1; i < CLIENTS; i++) {
    g_autoptr(json_t) other = ablak_ydoc_json(world->clients[i]->doc);
    g_autofree char *other_text = ablak_json_text(other);
    if (!json_equal(first, other))
      g_error("client 0: %s\nclient %u: %s", text, i, other_text);
  }
  json_t *form = json_object_get(first, "form");
  g_assert_true(json_is_string(json_object_get(form, "name")));
  g_assert_true(json_is_string(json_object_get(form, "remarks")));
  g_assert_true(json_is_array(json_object_get(form, "children")));
  g_assert_null(json_object_get(form, "verdict"));
  g_assert_null(json_object_get(form, "else"));
  g_assert_cmpuint(json_array_size(json_object_get(form, "children")), <=, 2);
  json_t *agree = json_object_get(form, "agree"), *kind = json_object_get(form, "kind");
  g_assert_true(agree == NULL || json_is_boolean(agree) || json_is_null(agree));
  g_assert_true(kind == NULL || json_is_string(kind) || json_is_null(kind));

  g_autoptr(json_t) content = stored_content(store, world->draft_id);
  const char *stored = ablak_json_get_string(content, "remarks");
  g_autofree char *wanted = g_strstrip(g_strdup(ablak_json_get_string(form, "remarks")));
  g_assert_cmpstr(stored != NULL ? stored : "", ==, wanted);
}

static void run_history(guint32 seed)
{
  g_autofree char *folder = g_dir_make_tmp("ablak-forms-XXXXXX", NULL);
  AblakStore *store = open_store(folder);
  AblakDraftsOptions options = {
      .checks_ms = 5, .quiet_ms = 4, .log_rows_max = 40, .tail_rows_max = seed % 2 ? 10 : 0};
  World world = {.drafts = ablak_drafts_new(store, &options), .draft_id = create_draft(store)};
  world.rand = g_rand_new_with_seed(seed);
  for (unsigned i = 0; i < CLIENTS; i++) {
    world.clients[i] =
        client_new(world.drafts, world.draft_id, "shared", i > 0 ? "clerk" : "citizen");
    world.clients[i]->may_not_write = i == 0;
  }
  WAIT_UNTIL(world.clients, world.clients[0]->updates > 0 && world.clients[1]->updates > 0 &&
                                world.clients[2]->updates > 0);
  unsigned answers = 0;
  for (unsigned i = 0; i < STEPS; i++)
    step(&world, &answers);
  WAIT_UNTIL(world.clients, settled(&world));
  check_equal(&world, store);
  for (unsigned i = 0; i < CLIENTS; i++) {
    g_assert_cmpuint(world.clients[i]->close_code, ==, 0);
    client_free(world.clients[i]);
  }
  while (g_main_context_iteration(NULL, FALSE))
    ;
  ablak_drafts_free(world.drafts);
  ablak_store_close(store);
  g_rand_free(world.rand);
  g_free(world.draft_id);
  remove_folder(folder);
}

static void test_histories(void)
{
  const char *seeds = g_getenv("ABLAK_HISTORIES");
  guint32 count = seeds != NULL ? (guint32)g_ascii_strtoull(seeds, NULL, 10) : 25;
  for (guint32 seed = 1; seed <= count; seed++) {
    g_test_message("seed %u", seed);
    run_history(seed);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/histories", test_histories);
  return g_test_run();
}
