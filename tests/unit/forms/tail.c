/* Many drafts whose newest updates share one table: people type in all of them by turns, leave,
 * come back and pause; the bound is so small that logs are merged all the time; the store fails,
 * the box is closed in order, and copies of the database are taken at any moment, as a crash would
 * leave them. What was acknowledged is in every copy, once and in its place, and the table stays
 * short.
 *
 * ABLAK_SEED replays one history, ABLAK_HISTORIES says how many. */
#include "world.h"

#define DRAFTS 9
#define STEPS 400
#define TAIL_MAX 24

typedef struct {
  char *id;
  Client *client; /* NULL: nobody is there */
  AblakYdoc *doc; /* while nobody is there */
  guint64 typed;  /* words, each of them one update */
  guint64 base;   /* words that were durable before this connection */
  guint64 known;  /* that were called durable at all */
} Draft;

typedef struct {
  char *folder;
  AblakStore *store;
  AblakDrafts *drafts;
  Draft all[DRAFTS];
  GRand *rand;
  guint32 seed;
  unsigned copies, sleeps;
} Many;

static guint32 below(Many *many, guint32 limit)
{
  return (guint32)g_rand_int_range(many->rand, 0, (gint32)limit);
}

static AblakDrafts *drafts_of(AblakStore *store)
{
  const AblakDraftsOptions options = {.checks_ms = 1,
                                      .quiet_ms = 2,
                                      .idle_ms = 2,
                                      .log_rows_max = 15,
                                      .tail_rows_max = TAIL_MAX,
                                      .messages_burst = 100000};
  return ablak_drafts_new(store, &options);
}

static gint64 figure(AblakStore *store, const char *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  g_autoptr(AblakRows) rows = ablak_txn_query_one(txn, &error, sql, "");
  g_assert_no_error(error);
  return ablak_rows_int(rows, 0);
}

#define ROWS "SELECT count(*) FROM draft_tail"
/* Rows that count and that nobody would look for. */
#define STRAYS                                                                                     \
  "SELECT count(*) FROM draft_tail t WHERE serial > (SELECT coalesce(max(serial), 0)"              \
  " FROM draft_update u WHERE u.draft_id = t.draft_id AND u.audience = t.audience)"                \
  " AND NOT EXISTS (SELECT 1 FROM draft_in_tail i WHERE i.draft_id = t.draft_id"                   \
  " AND i.audience = t.audience AND i.first_seq <= t.seq)"

/* --- what must be so --- */

/* The words "0 1 2 …" up to one of those typed: none is missing, none is there twice. */
static void expect_words(Many *many, AblakStore *store, const Draft *draft)
{
  g_autoptr(json_t) content = stored_content(store, draft->id);
  const char *text = ablak_json_get_string(content, "remarks");
  g_auto(GStrv) words = g_strsplit(text != NULL ? text : "", " ", -1);
  guint64 count = text != NULL ? g_strv_length(words) : 0;
  if (count < draft->known || count > draft->typed)
    g_error("seed %u: %" G_GUINT64_FORMAT " words are durable, %" G_GUINT64_FORMAT
            " were typed, stored is: %s",
            many->seed, draft->known, draft->typed, text);
  for (guint64 i = 0; i < count; i++)
    if (g_ascii_strtoull(words[i], NULL, 10) != i)
      g_error("seed %u: stored is: %s", many->seed, text);
}

static void expect_all(Many *many, AblakStore *store)
{
  for (int i = 0; i < DRAFTS; i++)
    expect_words(many, store, &many->all[i]);
}

/* What a crash at this moment would leave, and what the box that starts on it makes of it. */
static void crash_copy(Many *many)
{
  g_autofree char *folder = g_dir_make_tmp("ablak-forms-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "test.db", NULL);
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_backup(many->store, path, &error));
  AblakStore *copy = open_store(folder);
  expect_all(many, copy);
  g_assert_cmpint(figure(copy, STRAYS), ==, 0);
  AblakDrafts *drafts = drafts_of(copy);
  expect_all(many, copy);
  g_assert_cmpint(figure(copy, "SELECT count(*) FROM draft_in_tail"), ==, 0);
  g_assert_cmpint(figure(copy, ROWS), ==, 0);
  ablak_drafts_free(drafts);
  ablak_store_close(copy);
  remove_folder(folder);
  many->copies++;
}

/* --- what happens --- */

static void hear(Many *many)
{
  for (int i = 0; i < DRAFTS; i++) {
    Draft *draft = &many->all[i];
    if (draft->client != NULL)
      draft->known = MAX(draft->known, draft->base + draft->client->durable);
  }
}

static void leave(Many *many, Draft *draft)
{
  hear(many);
  draft->doc = g_steal_pointer(&draft->client->doc);
  draft->client->doc = ablak_ydoc_new(NULL);
  g_clear_pointer(&draft->client, client_free);
}

/* Everything that is owed is said first, in one update: then each word is counted for itself. */
static void come(Many *many, Draft *draft)
{
  AblakYdoc *doc = g_steal_pointer(&draft->doc);
  draft->client = client_with(many->drafts, draft->id, "shared", "citizen", doc, false);
  Client *all[] = {draft->client, NULL};
  g_autoptr(GBytes) whole = ablak_ydoc_encode(doc, NULL, 0, NULL);
  client_queue(draft->client, ABLAK_YSYNC_UPDATE, whole);
  WAIT_UNTIL(all, draft->client->durable == 1 && draft->client->updates > 0);
  draft->base = draft->typed - 1;
  hear(many);
}

static void type(Draft *draft)
{
  g_autofree char *word = g_strdup_printf(
      draft->typed > 0 ? " %" G_GUINT64_FORMAT : "%" G_GUINT64_FORMAT, draft->typed);
  draft->typed++;
  client_type(draft->client, "remarks", G_MAXINT32, word);
}

static void turn(Many *many)
{
  for (int i = 0; i < DRAFTS; i++) {
    Draft *draft = &many->all[i];
    if (draft->client != NULL && draft->client->close_code == 0)
      client_pump(draft->client);
  }
  g_main_context_iteration(NULL, FALSE);
  hear(many);
}

/* Long enough for documents to leave the memory, places in the table being remembered. */
static void rest(Many *many)
{
  unsigned open = 0;
  gsize bytes = 0;
  for (int i = 0; i < 12; i++) {
    turn(many);
    g_usleep(1000);
  }
  ablak_drafts_usage(many->drafts, &open, &bytes);
  many->sleeps += open > 0 && bytes == 0;
}

static bool break_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "ALTER TABLE draft_tail RENAME TO away", "");
}

static bool mend_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "ALTER TABLE away RENAME TO draft_tail", "");
}

static void leave_all(Many *many)
{
  for (int i = 0; i < DRAFTS; i++)
    if (many->all[i].client != NULL)
      leave(many, &many->all[i]);
}

/* Some drafts fail and go without having been merged. */
static void fail(Many *many)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(many->store, break_job, NULL, &error));
  for (int i = 0; i < DRAFTS; i++)
    if (many->all[i].client != NULL && below(many, 2) == 0)
      type(&many->all[i]);
  for (int i = 0; i < 20; i++)
    turn(many);
  g_assert_true(ablak_store_write_sync(many->store, mend_job, NULL, &error));
  leave_all(many);
  World world = {.store = many->store, .drafts = many->drafts};
  wait_until_unloaded(&world);
}

static void restart(Many *many)
{
  leave_all(many);
  ablak_drafts_free(many->drafts);
  if (below(many, 2) == 0) {
    ablak_store_close(many->store);
    many->store = open_store(many->folder);
    g_assert_cmpint(figure(many->store, "SELECT count(*) FROM draft_in_tail"), ==, 0);
    expect_all(many, many->store);
  }
  many->drafts = drafts_of(many->store);
}

static void step(Many *many)
{
  Draft *draft = &many->all[below(many, DRAFTS)];
  guint32 what = below(many, 200);
  if (what == 0)
    fail(many);
  else if (what == 1)
    restart(many);
  else if (what < 6)
    crash_copy(many);
  else if (what < 12)
    rest(many);
  else if (draft->client == NULL)
    come(many, draft);
  else if (what < 24)
    leave(many, draft);
  else /* now one goes on for a while, now all by turns */
    for (guint32 i = 1 + below(many, what % 7 == 0 ? 12 : 2); i > 0; i--)
      type(draft);
  if (below(many, 2) == 0)
    turn(many);
}

/* One goes on, and the others hold what they have typed before. */
static void expect_short(Many *many)
{
  Draft *draft = &many->all[0];
  if (draft->client == NULL)
    come(many, draft);
  for (int i = 0; i < 4 * TAIL_MAX; i++) {
    type(draft);
    while (draft->known < draft->typed) {
      client_pump(draft->client);
      g_main_context_iteration(NULL, TRUE);
      hear(many);
    }
  }
  g_assert_cmpint(figure(many->store, ROWS), <=, TAIL_MAX + DRAFTS);
}

static bool is_settled(const Many *many)
{
  for (int i = 0; i < DRAFTS; i++)
    if (many->all[i].client != NULL && many->all[i].known < many->all[i].typed)
      return false;
  return true;
}

static void run(guint32 seed)
{
  Many many = {.seed = seed, .rand = g_rand_new_with_seed(seed)};
  g_test_message("seed %u", seed);
  many.folder = g_dir_make_tmp("ablak-forms-XXXXXX", NULL);
  many.store = open_store(many.folder);
  many.drafts = drafts_of(many.store);
  for (int i = 0; i < DRAFTS; i++) {
    many.all[i].id = create_draft(many.store);
    many.all[i].doc = ablak_ydoc_new(NULL);
    many.all[i].client = client_with(many.drafts, many.all[i].id, "shared", "citizen",
                                     g_steal_pointer(&many.all[i].doc), false);
    WAIT_UNTIL(((Client *[]){many.all[i].client, NULL}), many.all[i].client->updates > 0);
    type(&many.all[i]);
  }
  for (unsigned i = 0; i < STEPS; i++)
    step(&many);
  while (!is_settled(&many))
    turn(&many);
  expect_short(&many);
  expect_all(&many, many.store);
  leave_all(&many);
  World world = {.store = many.store, .drafts = many.drafts};
  wait_until_unloaded(&world);
  expect_all(&many, many.store);
  ablak_drafts_free(many.drafts);
  ablak_store_close(many.store);
  g_test_message("%u copies, %u times all asleep", many.copies, many.sleeps);
  for (int i = 0; i < DRAFTS; i++) {
    ablak_ydoc_free(many.all[i].doc);
    g_free(many.all[i].id);
  }
  remove_folder(many.folder);
  g_free(many.folder);
  g_rand_free(many.rand);
}

static void test_histories(void)
{
  const char *one = g_getenv("ABLAK_SEED"), *many = g_getenv("ABLAK_HISTORIES");
  if (one != NULL) {
    run((guint32)g_ascii_strtoull(one, NULL, 10));
    return;
  }
  guint32 count = many != NULL ? (guint32)g_ascii_strtoull(many, NULL, 10) : 5;
  for (guint32 seed = 1; seed <= count; seed++)
    run(seed);
}

/* What somebody remembers of places in the table may be wrong: it is only a help. */
static void test_remembered_places(void)
{
  World world;
  AblakDraftsOptions options = {.checks_ms = 1, .quiet_ms = 2};
  world_open(&world, &options);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  client_type(citizen, "remarks", 0, "one ");
  client_type(citizen, "remarks", 4, "two ");
  WAIT_UNTIL(ALL(citizen), citizen->durable == 2);
  wait_until_asleep(&world);
  g_assert_cmpint(figure(world.store, ROWS), ==, 2);
  ablak_drafts_free(drafts_of(world.store)); /* another brings everything home */
  g_assert_cmpint(figure(world.store, "SELECT count(*) FROM draft_in_tail"), ==, 0);
  client_type(citizen, "remarks", 8, "three");
  WAIT_UNTIL(ALL(citizen), citizen->durable == 3);
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(clerk));
  g_autofree char *text = client_text(clerk, "remarks");
  g_assert_cmpstr(text, ==, "one two three");
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_assert_cmpstr(ablak_json_get_string(content, "remarks"), ==, "one two three");
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/tail/remembered-places", test_remembered_places);
  g_test_add_func("/forms/tail/histories", test_histories);
  return g_test_run();
}
