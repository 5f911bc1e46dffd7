/* Live drafts: real store, real documents, clients that speak y-websocket's protocol. */
#include "forms/coedit/awareness.h"
#include "world.h"

/* Two people in one text at the same time: both see the same, and it is in the store. */
static void test_together(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  g_assert_cmpuint(ablak_drafts_connections(world.drafts, world.id, "shared"), ==, 2);
  for (int i = 0; i < 20; i++) {
    client_type(citizen, "name", (guint64)i, "a");
    client_type(clerk, "name", 1000, "é");
    if (i % 5 == 0)
      WAIT_UNTIL(ALL(citizen, clerk), true);
  }
  client_choose(clerk, "kind", json_string("b"));
  WAIT_UNTIL(ALL(citizen, clerk), citizen->durable == 20 && clerk->durable == 21);
  g_autofree char *one = client_text(citizen, "name"), *two = client_text(clerk, "name");
  g_assert_cmpstr(one, ==, two);
  g_assert_cmpuint(g_utf8_strlen(one, -1), ==, 40);
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_assert_cmpstr(ablak_json_get_string(content, "name"), ==, one);
  g_assert_cmpstr(ablak_json_get_string(content, "kind"), ==, "b");
  WAIT_UNTIL(ALL(citizen, clerk), ablak_json_get_bool(citizen->checks, "complete", false));
  g_autoptr(AblakTxn) txn = ablak_store_read(world.store, NULL);
  g_autoptr(json_t) authors = ablak_draft_authors(txn, world.id, false, "clerk", "clerk", NULL);
  const json_t *kind = author_at(authors, "/kind");
  g_assert_cmpstr(ablak_json_get_string(kind, "kind"), ==, "clerk");
  g_assert_true(ablak_json_get_bool(kind, "you", false));
  g_clear_pointer(&txn, ablak_txn_end);
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

/* What arrives in one turn is one commit, and nothing is told before it. */
static void test_batches(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  unsigned before = clerk->updates;
  for (int i = 0; i < 50; i++)
    client_type(citizen, "remarks", 0, "x");
  client_pump(citizen);
  g_assert_cmpuint(clerk->updates, ==, before);
  g_assert_cmpuint(citizen->durable, ==, 0);
  WAIT_UNTIL(ALL(citizen, clerk), citizen->durable == 50);
  g_assert_cmpuint(clerk->updates, ==, before + 50);
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_assert_cmpuint(strlen(ablak_json_get_string(content, "remarks")), ==, 50);
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

static const char *reason_for(const json_t *message, const char *path)
{
  json_t *refused = json_object_get(message, "refused");
  for (gsize i = 0; i < json_array_size(refused); i++) {
    json_t *one = json_array_get(refused, i);
    if (g_strcmp0(ablak_json_get_string(one, "path"), path) == 0)
      return ablak_json_get_string(one, "reason");
  }
  return NULL;
}

static void expect_refusal(Client *client, Client *other, const char *path, const char *reason)
{
  WAIT_UNTIL(ALL(client, other), client->refused != NULL && client->durable == client->sent);
  g_assert_cmpstr(reason_for(client->refused, path), ==, reason);
  g_clear_pointer(&client->refused, json_decref);
}

/* What may not be changed is undone, everybody ends up equal, and later edits go through. */
static void test_rules(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  client_type(clerk, "name", 0, "Minta");
  WAIT_UNTIL(ALL(citizen, clerk), clerk->durable == 1);
  citizen->may_not_write = true;
  client_type(citizen, "name", 5, "XX");
  expect_refusal(citizen, clerk, "/name", "forbidden");
  client_choose(citizen, "nonsense", json_string("x"));
  expect_refusal(citizen, clerk, "/nonsense", "unknown");
  client_choose(citizen, "verdict", json_string("yes"));
  expect_refusal(citizen, clerk, "/verdict", "unknown");
  client_choose(citizen, "remarks", json_string("no text any more"));
  expect_refusal(citizen, clerk, "/remarks", "structure");
  client_choose(citizen, "agree", json_string("yes"));
  expect_refusal(citizen, clerk, "/agree", "value");
  client_choose(citizen, "kind", json_pack("{s:s}", "a", "b"));
  expect_refusal(citizen, clerk, "/kind", "value");
  client_type(citizen, "remarks", 0, "later");
  client_choose(citizen, "agree", json_true());
  WAIT_UNTIL(ALL(citizen, clerk), citizen->durable == citizen->sent);
  g_autoptr(json_t) mine = ablak_ydoc_json(citizen->doc);
  g_autoptr(json_t) theirs = ablak_ydoc_json(clerk->doc);
  g_assert_true(json_equal(mine, theirs));
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_autoptr(json_t) wanted =
      parse_json("{\"name\":\"Minta\",\"remarks\":\"later\",\"agree\":true}");
  g_autofree char *text = ablak_json_text(content);
  g_test_message("%s", text);
  g_assert_true(json_equal(content, wanted));
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

/* A forbidden row in front of a good one does not hide what is wrong in the good one. */
static void test_value_behind_a_refused_row(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client **all = ALL(citizen);
  WAIT_UNTIL(all, synced(citizen));
  Answer answer = {.finished = false};
  ablak_drafts_add_row(world.drafts, world.id, "citizen", "v", "/children", answered, &answer);
  EXPECT_ANSWER(&answer, all, NULL);
  WAIT_UNTIL(all, citizen->updates > 1);
  g_autoptr(json_t) wrong = json_pack("{s:i}", "not", 1);
  ablak_ydoc_begin(citizen->doc);
  AblakYtype *rows = ablak_ymap_get_type(ablak_ydoc_root(citizen->doc, "form"), "children");
  g_assert_true(ablak_ymap_set(ablak_yarray_get_type(rows, 0), "born", wrong, NULL));
  g_assert_nonnull(ablak_yarray_insert_type(rows, 0, ABLAK_YTYPE_MAP, NULL));
  client_edited(citizen);
  WAIT_UNTIL(all, citizen->durable == 1 && citizen->refused != NULL);
  g_assert_cmpstr(reason_for(citizen->refused, "/children/0/born"), ==, "value");
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_autofree char *text = ablak_json_text(content);
  g_assert_cmpstr(text, ==, "{\"children\":[{}]}");
  client_free(citizen);
  g_free(answer.slug);
  world_close(&world);
}

static void test_rows_and_prefill(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen), synced(citizen));
  Answer answer = {.finished = false};
  Client **all = ALL(citizen);
  ablak_drafts_add_row(world.drafts, world.id, "citizen", "v", "/children", answered, &answer);
  EXPECT_ANSWER(&answer, all, NULL);
  ablak_drafts_add_row(world.drafts, world.id, "citizen", "v", "/children", answered, &answer);
  EXPECT_ANSWER(&answer, all, NULL);
  ablak_drafts_add_row(world.drafts, world.id, "citizen", "v", "/children", answered, &answer);
  EXPECT_ANSWER(&answer, all, "forms/too-many-rows");
  ablak_drafts_add_row(world.drafts, world.id, "citizen", "v", "/name", answered, &answer);
  EXPECT_ANSWER(&answer, all, "forms/unknown-field");
  ablak_drafts_add_row(world.drafts, "nothing", "citizen", "v", "/name", answered, &answer);
  EXPECT_ANSWER(&answer, all, "forms/unknown-draft");

  g_autoptr(json_t) values = parse_json(
      "{\"/name\":\"Minta Éva\",\"/kind\":\"a\",\"/count\":3,\"/children/1/name\":\"Kis\","
      "\"/verdict\":\"ok\"}");
  ablak_drafts_prefill(world.drafts, world.id, "clerk", "c", values, answered, &answer);
  EXPECT_ANSWER(&answer, all, NULL);
  g_autoptr(json_t) seen = ablak_ydoc_json(citizen->doc);
  g_assert_null(json_object_get(json_object_get(seen, "form"), "verdict"));
  g_assert_cmpstr(ablak_json_get_string(json_object_get(seen, "form"), "name"), ==, "Minta Éva");
  static const char *const bad[][2] = {{"{\"/name\":\"x\",\"/nome\":\"y\"}", "forms/unknown-field"},
                                       {"{\"/name\":\"x\",\"/agree\":\"y\"}", "forms/value"},
                                       {"{\"/children/2/name\":\"x\"}", "forms/unknown-field"}};
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(json_t) wrong = parse_json(bad[i][0]);
    ablak_drafts_prefill(world.drafts, world.id, "clerk", "c", wrong, answered, &answer);
    EXPECT_ANSWER(&answer, all, bad[i][1]);
  }
  g_autoptr(json_t) content = stored_content(world.store, world.id);
  g_autoptr(json_t) wanted = parse_json("{\"name\":\"Minta Éva\",\"kind\":\"a\",\"count\":3,"
                                        "\"children\":[{},{\"name\":\"Kis\"}],\"verdict\":\"ok\"}");
  g_assert_true(json_equal(content, wanted));

  /* a citizen takes a row away, but makes none */
  g_autoptr(GError) error = NULL;
  ablak_ydoc_begin(citizen->doc);
  AblakYtype *rows = ablak_ymap_get_type(ablak_ydoc_root(citizen->doc, "form"), "children");
  g_assert_true(ablak_yarray_delete(rows, 0, 1, &error));
  client_edited(citizen);
  WAIT_UNTIL(all, citizen->durable == 1);
  g_assert_null(citizen->refused);
  ablak_ydoc_begin(citizen->doc);
  rows = ablak_ymap_get_type(ablak_ydoc_root(citizen->doc, "form"), "children");
  g_assert_nonnull(ablak_yarray_insert_type(rows, 1, ABLAK_YTYPE_MAP, &error));
  client_edited(citizen);
  WAIT_UNTIL(all, citizen->durable == 2 && citizen->refused != NULL);
  g_assert_cmpstr(reason_for(citizen->refused, "/children"), ==, "structure");
  g_autoptr(json_t) after = stored_content(world.store, world.id);
  g_assert_cmpuint(json_array_size(json_object_get(after, "children")), ==, 1);
  client_free(citizen);
  g_free(answer.slug);
  world_close(&world);
}

/* The office's document and its gaps are the office's. */
static void test_audiences(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "office", "clerk");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  client_type(clerk, "verdict", 0, "much too long");
  WAIT_UNTIL(ALL(citizen, clerk),
             clerk->durable == 1 && json_array_size(json_object_get(clerk->checks, "gaps")) == 1);
  g_autofree char *own = ablak_json_text(clerk->checks), *others = ablak_json_text(citizen->checks);
  g_assert_nonnull(strstr(own, "/verdict"));
  g_assert_null(strstr(others, "/verdict"));
  g_assert_cmpuint(json_array_size(json_object_get(citizen->checks, "gaps")), ==, 2);
  g_autoptr(json_t) seen = ablak_ydoc_json(citizen->doc);
  g_autofree char *text = ablak_json_text(seen);
  g_assert_null(strstr(text, "long"));
  client_free(citizen);
  client_free(clerk);
  world_close(&world);
}

static void test_malformed(void)
{
  static const struct {
    const char *bytes;
    gsize size;
    unsigned code;
  } cases[] = {{"", 0, 4400},
               {"\x00", 1, 4400},
               {"\x00\x02\x05\x01", 4, 4400},
               {"\x00\x02\x03\xff\xff\xff", 6, 4400},
               {"\x00\x00\x02\xff\xff", 5, 4400},
               {"\x01\x03\x01\x01\x01", 5, 4400},
               {"\x00\x07\x00", 3, 4400}};
  World world;
  AblakDraftsOptions options = {.checks_ms = 5, .message_max = 2000, .document_max = 60000};
  world_open(&world, &options);
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
    ablak_draft_connection_receive(citizen->connection, cases[i].bytes, cases[i].size);
    g_test_message("case %zu", i);
    g_assert_cmpuint(citizen->close_code, ==, cases[i].code);
    client_free(citizen);
  }
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  g_autofree char *large = g_strnfill(2001, 'x');
  ablak_draft_connection_receive(citizen->connection, large, 2001);
  g_assert_cmpuint(citizen->close_code, ==, 4413);
  client_free(citizen);

  citizen = client_new(world.drafts, world.id, "shared", "citizen");
  WAIT_UNTIL(ALL(citizen, clerk), synced(citizen) && synced(clerk));
  g_autofree char *piece = g_strnfill(1500, 'y');
  for (int i = 0; i < 100 && citizen->close_code == 0; i++) {
    client_type(citizen, "remarks", 0, piece);
    client_pump(citizen);
  }
  g_assert_cmpuint(citizen->close_code, ==, 4413);
  client_free(citizen);
  client_type(clerk, "name", 0, "still here");
  WAIT_UNTIL(ALL(clerk), clerk->durable == 1);
  g_assert_cmpuint(clerk->close_code, ==, 0);
  client_free(clerk);
  world_close(&world);
}

static bool file_job(AblakTxn *txn, gpointer data, GError **error)
{
  AblakSubmission *submission = NULL;
  bool done = ablak_submission_create(txn, ((Answer *)data)->draft_id, "citizen", "v", true,
                                      &submission, error);
  ablak_submission_free(submission);
  return done;
}

static bool failing_job(AblakTxn *txn, gpointer data, GError **error)
{
  if (file_job(txn, data, error))
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "forms/unavailable", "on purpose");
  return false;
}

/* All that was acknowledged before is in the submission; what comes later is told so. */
static void test_freeze(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  Client **all = ALL(citizen, clerk);
  WAIT_UNTIL(all, synced(citizen) && synced(clerk));
  Answer answer = {.draft_id = world.id};
  client_type(citizen, "name", 0, "one ");
  client_pump(citizen);
  ablak_drafts_submit(world.drafts, world.id, failing_job, answered, &answer, NULL);
  client_type(citizen, "name", 100, "two ");
  client_pump(citizen);
  EXPECT_ANSWER(&answer, all, "forms/unavailable");
  WAIT_UNTIL(all, citizen->durable == 2);
  client_type(citizen, "name", 100, "three");
  client_pump(citizen);
  ablak_drafts_submit(world.drafts, world.id, file_job, answered, &answer, NULL);
  client_type(clerk, "name", 100, " too late");
  client_pump(clerk);
  EXPECT_ANSWER(&answer, all, NULL);
  g_assert_cmpuint(citizen->durable, ==, 3);
  g_assert_cmpuint(clerk->close_code, ==, 4409);
  g_assert_cmpuint(citizen->close_code, ==, 0);
  g_autoptr(AblakTxn) txn = ablak_store_read(world.store, NULL);
  g_autoptr(AblakSubmission) filed = ablak_submission_of_draft(txn, world.id, NULL);
  g_assert_cmpstr(filed->content, ==, "{\"name\":\"one two three\"}");
  g_clear_pointer(&txn, ablak_txn_end);
  ablak_drafts_submit(world.drafts, world.id, file_job, answered, &answer, NULL);
  EXPECT_ANSWER(&answer, all, "forms/frozen");
  /* who repeats what is known may stay and read */
  Client *reader = client_new(world.drafts, world.id, "shared", "clerk");
  WAIT_UNTIL(ALL(reader), synced(reader));
  g_autoptr(GBytes) whole = ablak_ydoc_encode(citizen->doc, NULL, 0, NULL);
  client_queue(reader, ABLAK_YSYNC_UPDATE, whole);
  WAIT_UNTIL(ALL(reader), reader->durable == 1);
  client_type(reader, "name", 0, "x");
  WAIT_UNTIL(ALL(reader), reader->close_code == 4409);
  client_free(reader);
  client_free(citizen);
  client_free(clerk);
  g_free(answer.slug);
  world_close(&world);
}

static void awareness_of(Client *client, guint64 id, const char *state)
{
  g_autoptr(AblakYawareness) mine = ablak_yawareness_new(0, 0);
  g_autoptr(json_t) json = parse_json(state);
  ablak_yawareness_set(mine, id, json, 0);
  g_autoptr(GBytes) update = ablak_yawareness_encode(mine, NULL, 0);
  client_queue(client, ABLAK_YSYNC_AWARENESS, update);
}

/* Where the other is goes through at once, and ends with the connection. */
static void test_awareness(void)
{
  World world;
  world_open(&world, NULL);
  Client *citizen = client_new(world.drafts, world.id, "shared", "citizen");
  Client *clerk = client_new(world.drafts, world.id, "shared", "clerk");
  awareness_of(citizen, 42, "{\"field\":\"/name\"}");
  client_pump(citizen);
  g_assert_cmpuint(clerk->awareness, ==, 1);
  g_assert_cmpuint(citizen->awareness, ==, 1); /* a page that is alone hears its line is alive */
  Client *late = client_new(world.drafts, world.id, "shared", "clerk");
  g_assert_cmpuint(late->awareness, ==, 1);
  client_free(citizen);
  g_assert_cmpuint(clerk->awareness, ==, 2);
  client_free(late);
  client_free(clerk);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/session/together", test_together);
  g_test_add_func("/forms/session/batches", test_batches);
  g_test_add_func("/forms/session/rules", test_rules);
  g_test_add_func("/forms/session/value-behind-a-refused-row", test_value_behind_a_refused_row);
  g_test_add_func("/forms/session/rows-and-prefill", test_rows_and_prefill);
  g_test_add_func("/forms/session/audiences", test_audiences);
  g_test_add_func("/forms/session/malformed", test_malformed);
  g_test_add_func("/forms/session/freeze", test_freeze);
  g_test_add_func("/forms/session/awareness", test_awareness);
  return g_test_run();
}
