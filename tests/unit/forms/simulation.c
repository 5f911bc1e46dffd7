/* Seeded histories with everything that goes wrong: people are cut off and come back, the live
 * layer loses what it had not stored, drafts are unloaded, changes break the rules, and in the end
 * the draft is filed in the middle of it. Then: everybody holds the same, what was acknowledged is
 * there, what was refused is not, the office's content never left the office, and every field names
 * exactly those who wrote in it, rows having moved or not.
 *
 * ABLAK_SEED replays one history, ABLAK_HISTORIES says how many. */
#include "world.h"

#define PEOPLE 5
#define STEPS 250

typedef struct {
  const char *kind, *audience;
  bool restricted; /* may not write /name */
  Client *client;  /* NULL: cut off */
  AblakYdoc *doc;  /* while cut off */
  GArray *flying;  /* of Token, sent on this connection and not acknowledged */
  unsigned typed;
} Person;

typedef struct {
  guint64 number; /* of the update message that carried it */
  char *text;
} Token;

typedef struct {
  World world;
  Person people[PEOPLE];
  GPtrArray *typed, *promised; /* tokens, all and those that were acknowledged */
  GRand *rand;
  bool broken; /* the store refuses */
  unsigned answers;
} Simulation;

static guint32 below(Simulation *simulation, guint32 limit)
{
  return (guint32)g_rand_int_range(simulation->rand, 0, (gint32)limit);
}

static void token_clear(gpointer data)
{
  g_free(((Token *)data)->text);
}

static bool is_office(const Person *person)
{
  return g_str_equal(person->audience, "office");
}

static AblakYdoc *doc_of(const Person *person)
{
  return person->client != NULL ? person->client->doc : person->doc;
}

static AblakYtype *form_of(const Person *person)
{
  return ablak_ydoc_root(doc_of(person), "form");
}

/* --- coming, going and being told --- */

static void collect_promises(Simulation *simulation)
{
  for (int i = 0; i < PEOPLE; i++) {
    Person *person = &simulation->people[i];
    while (person->client != NULL && person->flying->len > 0 &&
           g_array_index(person->flying, Token, 0).number <= person->client->durable) {
      g_ptr_array_add(simulation->promised, g_strdup(g_array_index(person->flying, Token, 0).text));
      g_array_remove_index(person->flying, 0);
    }
  }
}

/* What was on the line is lost; the document stays with the person. */
static void cut(Simulation *simulation, Person *person)
{
  if (person->client == NULL)
    return;
  collect_promises(simulation);
  if (!is_office(person))
    g_assert_false(person->client->heard_office);
  person->doc = g_steal_pointer(&person->client->doc);
  person->client->doc = ablak_ydoc_new(NULL);
  g_clear_pointer(&person->client, client_free);
  g_array_set_size(person->flying, 0);
}

static void come_back(Simulation *simulation, Person *person)
{
  if (person->client == NULL && !simulation->broken)
    person->client = client_with(simulation->world.drafts, simulation->world.id, person->audience,
                                 person->kind, g_steal_pointer(&person->doc), person->restricted);
}

static void pump(Simulation *simulation)
{
  for (int i = 0; i < PEOPLE; i++) {
    Person *person = &simulation->people[i];
    if (person->client != NULL && person->client->close_code != 0) {
      g_assert_cmpuint(person->client->close_code, ==, 1013);
      cut(simulation, person);
    } else if (person->client != NULL) {
      client_pump(person->client);
    }
  }
}

static void turn(Simulation *simulation, bool wait)
{
  g_main_context_iteration(NULL, wait);
  collect_promises(simulation);
}

/* --- what people do --- */

static void commit(Person *person)
{
  g_autoptr(GBytes) update = ablak_ydoc_commit(doc_of(person));
  if (update != NULL && person->client != NULL)
    client_queue(person->client, ABLAK_YSYNC_UPDATE, update);
}

/* A word of its own, before or behind what is there, so that nothing splits another word. */
static void type_token(Simulation *simulation, Person *person)
{
  char *token = g_strdup_printf("%s<%s.%u>", is_office(person) ? "office" : "", person->kind,
                                person->typed++);
  AblakYtype *text =
      ablak_ymap_get_type(form_of(person), is_office(person) ? "verdict" : "remarks");
  g_ptr_array_add(simulation->typed, token);
  if (text == NULL) { /* cut off before the first answer: nothing to type in */
    g_ptr_array_remove(simulation->typed, token);
    return;
  }
  ablak_ydoc_begin(doc_of(person));
  guint64 at = below(simulation, 2) == 0 ? 0 : ablak_ytype_length(text);
  g_assert_true(ablak_ytext_insert(text, at, token, NULL));
  commit(person);
  if (person->client != NULL) {
    guint64 waiting = 0; /* updates in front of this one that were not sent yet */
    for (GList *one = person->client->outgoing.head; one != NULL; one = one->next) {
      gsize size = 0;
      const guint8 *bytes = g_bytes_get_data(one->data, &size);
      waiting += size > 1 && bytes[0] == 0 && bytes[1] == 2;
    }
    Token flying = {person->client->sent + waiting, g_strdup(token)};
    g_array_append_val(person->flying, flying);
  }
}

static void break_rules(Simulation *simulation, Person *person)
{
  g_autoptr(json_t) bad = json_string("BAD");
  AblakYtype *form = form_of(person), *name = ablak_ymap_get_type(form, "name");
  AblakYtype *rows = ablak_ymap_get_type(form, "children");
  ablak_ydoc_begin(doc_of(person));
  switch (below(simulation, 5)) {
  case 0:
    if (person->restricted && name != NULL)
      g_assert_true(ablak_ytext_insert(name, 0, "BAD", NULL));
    break;
  case 1:
    g_assert_true(ablak_ymap_set(form, "else", bad, NULL));
    break;
  case 2:
    g_assert_true(ablak_ymap_set(form, is_office(person) ? "name" : "verdict", bad, NULL));
    break;
  case 3:
    g_assert_true(ablak_ymap_set(form, "agree", bad, NULL));
    break;
  default:
    if (rows != NULL) {
      AblakYtype *row = ablak_yarray_insert_type(rows, 0, ABLAK_YTYPE_MAP, NULL);
      g_assert_true(ablak_ymap_set(row, "born", bad, NULL));
    }
  }
  commit(person);
}

static void use_rows(Simulation *simulation, Person *person)
{
  AblakYtype *rows = ablak_ymap_get_type(form_of(person), "children");
  guint64 count = rows != NULL ? ablak_ytype_length(rows) : 0;
  if (below(simulation, 3) == 0 && !simulation->broken) {
    ablak_drafts_add_row(simulation->world.drafts, simulation->world.id, "clerk", "clerk-9",
                         "/children", NULL, NULL);
  } else if (count > 0) {
    guint64 index = below(simulation, (guint32)count);
    ablak_ydoc_begin(doc_of(person));
    AblakYtype *row = ablak_yarray_get_type(rows, index);
    AblakYtype *name = row != NULL ? ablak_ymap_get_type(row, "name") : NULL;
    g_autofree char *mark = g_strdup_printf("<%s>", person->kind);
    if (below(simulation, 4) == 0)
      g_assert_true(ablak_yarray_delete(rows, index, 1, NULL));
    else if (name != NULL)
      g_assert_true(ablak_ytext_insert(name, 0, mark, NULL));
    commit(person);
  }
}

static bool break_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "ALTER TABLE draft_tail RENAME TO away", "");
}

static bool mend_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "ALTER TABLE away RENAME TO draft_tail", "");
}

static void expect_tokens(const json_t *content, const GPtrArray *tokens, guint32 seed)
{
  g_autofree char *text = ablak_json_text(content);
  for (guint i = 0; i < tokens->len; i++)
    if (strstr(text, g_ptr_array_index(tokens, i)) == NULL)
      g_error("seed %u: %s is lost in %s", seed, (char *)g_ptr_array_index(tokens, i), text);
}

/* The live layer loses all it has not stored, and everybody begins again from the store. */
static void lose_memory(Simulation *simulation, guint32 seed)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(simulation->world.store, break_job, NULL, &error));
  simulation->broken = true;
  for (int i = 0; i < 3; i++) {
    type_token(simulation, &simulation->people[below(simulation, PEOPLE)]);
    pump(simulation);
  }
  for (int i = 0; i < 30; i++) {
    turn(simulation, false);
    pump(simulation);
  }
  g_assert_true(ablak_store_write_sync(simulation->world.store, mend_job, NULL, &error));
  simulation->broken = false;
  for (int i = 0; i < PEOPLE; i++)
    cut(simulation, &simulation->people[i]);
  g_autoptr(json_t) content = stored_content(simulation->world.store, simulation->world.id);
  expect_tokens(content, simulation->promised, seed);
  wait_until_unloaded(&simulation->world);
}

static void step(Simulation *simulation, guint32 seed)
{
  Person *person = &simulation->people[below(simulation, PEOPLE)];
  guint32 what = below(simulation, 100);
  if (what < 6)
    cut(simulation, person);
  else if (what < 20)
    come_back(simulation, person);
  else if (what == 20)
    lose_memory(simulation, seed);
  else if (what < 30)
    break_rules(simulation, person);
  else if (what < 50)
    use_rows(simulation, person);
  else
    type_token(simulation, person);
  if (below(simulation, 2) == 0)
    pump(simulation);
  if (below(simulation, 2) == 0)
    turn(simulation, false);
}

/* --- what must be so --- */

static bool is_settled(const Simulation *simulation)
{
  for (int i = 0; i < PEOPLE; i++) {
    const Client *client = simulation->people[i].client;
    if (client == NULL || !synced((Client *)client) ||
        !g_queue_is_empty((GQueue *)&client->outgoing) || client->durable != client->sent)
      return false;
  }
  return true;
}

static void wait_until_settled(Simulation *simulation)
{
  do {
    for (int i = 0; i < PEOPLE; i++)
      come_back(simulation, &simulation->people[i]);
    pump(simulation);
    turn(simulation, false);
  } while (!is_settled(simulation));
}

/* The answer to a first message is not acknowledged. So everybody says all they know once more:
 * when that is acknowledged, so is what they said before, and twice, so has everybody heard it. */
static void settle(Simulation *simulation)
{
  guint waiting = g_timeout_add_seconds(PATIENCE_S, timed_out, NULL);
  wait_until_settled(simulation);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < PEOPLE; i++) {
      g_autoptr(GBytes) all = ablak_ydoc_encode(doc_of(&simulation->people[i]), NULL, 0, NULL);
      client_queue(simulation->people[i].client, ABLAK_YSYNC_UPDATE, all);
    }
    wait_until_settled(simulation);
  }
  g_source_remove(waiting);
}

/* A text made of marks "<id…>" names its writers: exactly those are told. */
static void expect_writers(const Client *reader, const char *path, const char *text, guint32 seed)
{
  static const char *const ids[] = {"citizen-1", "citizen-2", "clerk-1", "clerk-2"};
  const json_t *author = json_object_get(reader->authors, path);
  for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
    g_autofree char *mark = g_strconcat("<", ids[i], NULL);
    bool wrote = strstr(text, mark) != NULL, told = false;
    told |= g_strcmp0(ablak_json_get_string(author, "id"), ids[i]) == 0;
    const json_t *others = json_object_get(author, "others");
    for (gsize k = 0; k < json_array_size(others); k++)
      told |= g_strcmp0(ablak_json_get_string(json_array_get(others, k), "id"), ids[i]) == 0;
    if (wrote != told) {
      g_autofree char *json = author != NULL ? ablak_json_text(author) : g_strdup("nothing");
      g_error("seed %u: %s holds %s, told is %s", seed, path, text, json);
    }
  }
}

static void expect_authors(const Simulation *simulation, guint32 seed)
{
  const Client *clerk = simulation->people[2].client;
  g_autoptr(json_t) all = ablak_ydoc_json(clerk->doc);
  const json_t *form = json_object_get(all, "form"), *rows = json_object_get(form, "children");
  expect_writers(clerk, "/remarks", ablak_json_get_string(form, "remarks"), seed);
  for (gsize i = 0; i < 2; i++) { /* also where there is no row any more */
    g_autofree char *path = g_strdup_printf("/children/%zu/name", i);
    const char *name = ablak_json_get_string(json_array_get(rows, i), "name");
    expect_writers(clerk, path, name != NULL ? name : "", seed);
  }
}

static void expect_equal(const Simulation *simulation, guint32 seed)
{
  g_autoptr(json_t) first = ablak_ydoc_json(simulation->people[0].client->doc);
  g_autofree char *text = ablak_json_text(first);
  for (int i = 1; i < PEOPLE - 1; i++) {
    g_autoptr(json_t) other = ablak_ydoc_json(simulation->people[i].client->doc);
    g_autofree char *other_text = ablak_json_text(other);
    if (!json_equal(first, other))
      g_error("seed %u: %s\nand %s", seed, text, other_text);
  }
  g_autoptr(json_t) office = ablak_ydoc_json(simulation->people[PEOPLE - 1].client->doc);
  g_autofree char *office_text = ablak_json_text(office);
  if (strstr(text, "BAD") != NULL || strstr(office_text, "BAD") != NULL ||
      strstr(text, "office<") != NULL)
    g_error("seed %u: what is not allowed stayed: %s %s", seed, text, office_text);
  g_autoptr(json_t) content = stored_content(simulation->world.store, simulation->world.id);
  expect_tokens(content, simulation->typed, seed);
}

static bool file_job(AblakTxn *txn, gpointer data, GError **error)
{
  g_autoptr(AblakSubmission) submission = NULL;
  return ablak_submission_create(txn, ((Answer *)data)->draft_id, "clerk", "clerk-1", true,
                                 &submission, error);
}

/* Filed while everybody types: what was acknowledged, then or ever, is in the filing. */
static void file_in_the_middle(Simulation *simulation, guint32 seed)
{
  Answer answer = {.draft_id = simulation->world.id};
  for (int i = 0; i < 20; i++) {
    type_token(simulation, &simulation->people[below(simulation, PEOPLE)]);
    if (i % 3 == 0) {
      pump(simulation);
      turn(simulation, false);
    }
    if (i == 10)
      ablak_drafts_submit(simulation->world.drafts, simulation->world.id, file_job, answered,
                          &answer, NULL);
    for (int k = 0; k < PEOPLE; k++) /* a closed one sends nothing more */
      if (simulation->people[k].client != NULL && simulation->people[k].client->close_code != 0) {
        g_assert_cmpuint(simulation->people[k].client->close_code, ==, 4409);
        cut(simulation, &simulation->people[k]);
      }
  }
  while (!answer.finished)
    turn(simulation, true);
  g_assert_null(answer.slug);
  collect_promises(simulation);
  g_autoptr(AblakTxn) txn = ablak_store_read(simulation->world.store, NULL);
  g_autoptr(AblakSubmission) filed = ablak_submission_of_draft(txn, simulation->world.id, NULL);
  g_autoptr(json_t) content = parse_json(filed->content);
  expect_tokens(content, simulation->promised, seed);
}

static void start(Simulation *simulation, guint32 seed)
{
  static const Person people[PEOPLE] = {
      {.kind = "citizen-1", .audience = "shared", .restricted = true},
      {.kind = "citizen-2", .audience = "shared"},
      {.kind = "clerk-1", .audience = "shared"},
      {.kind = "clerk-2", .audience = "shared"},
      {.kind = "clerk-1", .audience = "office"}};
  AblakDraftsOptions options = {.checks_ms = 1,
                                .quiet_ms = 1,
                                .idle_ms = 1,
                                .log_rows_max = 30,
                                .tail_rows_max = seed % 2 ? 6 : 0, /* by turns with log_rows_max */
                                .messages_burst = 100000};
  simulation->rand = g_rand_new_with_seed(seed);
  world_open(&simulation->world, &options);
  simulation->typed = g_ptr_array_new_with_free_func(g_free);
  simulation->promised = g_ptr_array_new_with_free_func(g_free);
  for (int i = 0; i < PEOPLE; i++) {
    Person *person = &simulation->people[i];
    *person = people[i];
    person->doc = ablak_ydoc_new(NULL);
    person->flying = g_array_new(FALSE, FALSE, sizeof(Token));
    g_array_set_clear_func(person->flying, token_clear);
  }
  settle(simulation);
}

static void finish(Simulation *simulation)
{
  for (int i = 0; i < PEOPLE; i++) {
    cut(simulation, &simulation->people[i]);
    ablak_ydoc_free(simulation->people[i].doc);
    g_array_unref(simulation->people[i].flying);
  }
  wait_until_unloaded(&simulation->world);
  world_close(&simulation->world);
  g_ptr_array_unref(simulation->typed);
  g_ptr_array_unref(simulation->promised);
  g_rand_free(simulation->rand);
}

static void run(guint32 seed)
{
  Simulation simulation = {0};
  g_test_message("seed %u", seed);
  start(&simulation, seed);
  for (unsigned i = 0; i < STEPS; i++)
    step(&simulation, seed);
  settle(&simulation);
  expect_equal(&simulation, seed);
  expect_authors(&simulation, seed);
  file_in_the_middle(&simulation, seed);
  finish(&simulation);
}

static void test_simulation(void)
{
  const char *one = g_getenv("ABLAK_SEED"), *many = g_getenv("ABLAK_HISTORIES");
  if (one != NULL) {
    run((guint32)g_ascii_strtoull(one, NULL, 10));
    return;
  }
  guint32 count = many != NULL ? (guint32)g_ascii_strtoull(many, NULL, 10) : 25;
  for (guint32 seed = 1; seed <= count; seed++)
    run(seed);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/simulation", test_simulation);
  return g_test_run();
}
