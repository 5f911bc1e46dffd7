/* Replication case by case. */
#include "core/error.h"
#include "house.h"
#include "sync/replica.h"
#include <string.h>

static void write_some(House *house)
{
  house_sql(house->box, "INSERT INTO note VALUES ('a', 'árvíztűrő', 1.5, x'0001', 1),"
                        " ('b', NULL, 2.0, x'', 2)");
  house_sql(house->box, "INSERT INTO pair VALUES (1, 'x', 5), (1, 'y', 'five'), (2, 'x', 0.1)");
  house_sql(house->box, "UPDATE note SET count = 3 WHERE id = 'b'");
  house_sql(house->box, "DELETE FROM pair WHERE b = 'y'");
}

static void test_catches_up(void)
{
  g_autoptr(House) house = house_new();
  write_some(house);
  g_assert_true(house_settle(house));
  house_assert_equal(house);
  /* While connected, a commit goes up by itself. */
  house_sql(house->box, "UPDATE note SET body = 'új', weight = NULL WHERE id = 'a'");
  g_assert_true(house_settle(house));
  house_assert_equal(house);
  g_assert_cmpint(house->acked_seq, ==, house_number(house->box, "SELECT max(seq) FROM outbox"));
  g_assert_cmpint(house_number(house->box, "SELECT acked_seq FROM journal_state"), ==,
                  house->acked_seq);
}

/* Rows from before the journal began are its first entries. */
static void test_begins_with_rows(void)
{
  g_autoptr(House) house = house_new();
  ablak_store_set_journal(house->box, NULL, NULL);
  write_some(house);
  house_sql(house->box, "DELETE FROM journal_state");
  house_close_box(house);
  house_open_box(house);
  g_assert_true(house_settle(house));
  house_assert_equal(house);
  g_assert_cmpint(house->applied_seq, ==, 1);
}

/* Two rows swap a unique value in one commit. */
static void test_swaps_unique(void)
{
  g_autoptr(House) house = house_new();
  write_some(house);
  house_sql(house->box, "UPDATE note SET count = -count");
  house_sql(house->box, "UPDATE note SET count = CASE id WHEN 'a' THEN 3 ELSE 1 END");
  g_assert_true(house_settle(house));
  house_assert_equal(house);
}

static void test_large_entry(void)
{
  g_autoptr(House) house = house_new();
  house_sql(house->box, "INSERT INTO note VALUES ('big', NULL, NULL, randomblob(3000000), NULL)");
  house_sql(house->box, "UPDATE note SET body = 'after' WHERE id = 'big'");
  g_assert_true(house_settle(house));
  house_assert_equal(house);
}

static void flip_payload(GBytes **message, gpointer data)
{
  AblakFrame frame;
  bool *done = data;
  if (*done ||
      !ablak_frame_decode(g_bytes_get_data(*message, NULL), g_bytes_get_size(*message), &frame,
                          NULL) ||
      frame.type != ABLAK_FRAME_DATA)
    return;
  gsize size = 0;
  guint8 *bytes = g_bytes_unref_to_data(g_steal_pointer(message), &size);
  bytes[size - 1] ^= 1;
  *message = g_bytes_new_take(bytes, size);
  *done = true;
}

static void test_refuses_flipped_bit(void)
{
  g_autoptr(House) house = house_new();
  bool flipped = false;
  house->tamper = flip_payload;
  house->tamper_data = &flipped;
  write_some(house);
  g_assert_false(house_settle(house));
  g_assert_true(flipped);
  g_assert_cmpstr(house->hq_slug, ==, "sync/corrupt");
  g_assert_cmpstr(house->box_slug, ==, "sync/corrupt");
  g_assert_cmpint(house->applied_seq, ==, 0);
  house_cut(house);
  g_assert_true(house_settle(house));
  house_assert_equal(house);
}

static void test_old_epoch_is_fenced(void)
{
  g_autoptr(House) house = house_new();
  write_some(house);
  g_assert_true(house_settle(house));
  g_autofree char *before = house_dump_hq(house, HOUSE_BOX);
  house_close_box(house);
  g_autofree char *old_path = house_path(house, "box.db"), *aside = house_path(house, "old.db");
  g_assert_cmpint(rename(old_path, aside), ==, 0);
  /* The replacement: a blank machine of the next epoch. */
  house->epoch = house->certificate_epoch = 2;
  house_open_box(house);
  house_sql(house->box, "INSERT INTO note VALUES ('a', 'new', NULL, NULL, 1)");
  g_assert_true(house_settle(house));
  house_assert_equal(house);
  g_autofree char *kept = house_dump_hq(house, HOUSE_BOX "#1");
  g_assert_cmpstr(before, ==, kept);
  /* The dead machine comes back, with its old certificate, then claiming the new epoch. */
  house_close_box(house);
  g_assert_cmpint(rename(aside, old_path), ==, 0);
  house->epoch = house->certificate_epoch = 1;
  house_open_box(house);
  house_sql(house->box, "INSERT INTO note VALUES ('z', 'ghost', NULL, NULL, 9)");
  g_assert_false(house_settle(house));
  g_assert_cmpstr(house->box_slug, ==, "sync/old-epoch");
  house_close_box(house);
  house->epoch = 2;
  house_open_box(house);
  g_assert_false(house_settle(house));
  g_assert_cmpstr(house->box_slug, ==, "sync/old-epoch");
  g_assert_cmpint(house_number(house->hq, "SELECT count(*) FROM replica_note WHERE id = 'z'"), ==,
                  0);
}

static void backup(House *house, AblakStore *store, const char *name)
{
  GError *error = NULL;
  g_autofree char *path = house_path(house, name);
  g_assert_true(ablak_store_backup(store, path, &error));
  g_assert_no_error(error);
}

static void restore(House *house, const char *name, const char *to)
{
  GError *error = NULL;
  g_autofree char *from = house_path(house, name), *path = house_path(house, to);
  g_assert_true(ablak_store_restore(from, path, &error));
  g_assert_no_error(error);
}

static void test_hq_restored(gconstpointer pruned)
{
  g_autoptr(House) house = house_new();
  if (pruned != NULL) {
    house_close_box(house);
    house->tail_ms = 1;
    house_open_box(house);
  }
  write_some(house);
  g_assert_true(house_settle(house));
  backup(house, house->hq, "hq.bak");
  for (unsigned i = 0; i < 5; i++) {
    house->now_ms += 1000;
    house_sql(house->box, "UPDATE pair SET v = random() WHERE a = 1");
    house_sql(house->box, "INSERT INTO note (id) VALUES (hex(randomblob(8)))");
    g_assert_true(house_settle(house));
  }
  gint64 oldest = house_number(house->box, "SELECT min(seq) FROM outbox");
  g_assert_true((oldest > 5) == (pruned != NULL));
  house_close_hq(house);
  restore(house, "hq.bak", "hq.db");
  house_open_hq(house);
  g_assert_true(house_settle(house));
  house_assert_equal(house);
  g_assert_cmpint(house_number(house->hq, "SELECT count(*) FROM event WHERE kind='box.snapshot'"),
                  ==, pruned != NULL);
  house_sql(house->box, "DELETE FROM note WHERE id = 'a'");
  g_assert_true(house_settle(house));
  house_assert_equal(house);
}

static void test_box_rolled_back(void)
{
  g_autoptr(House) house = house_new();
  write_some(house);
  backup(house, house->box, "box.bak");
  house_sql(house->box, "DELETE FROM note WHERE id = 'b'");
  g_assert_true(house_settle(house));
  g_autofree char *before = house_dump_hq(house, HOUSE_BOX);
  house_close_box(house);
  restore(house, "box.bak", "box.db");
  house_open_box(house);
  g_assert_false(house_settle(house));
  g_assert_cmpstr(house->box_slug, ==, "sync/rolled-back");
  g_autofree char *after = house_dump_hq(house, HOUSE_BOX);
  g_assert_cmpstr(before, ==, after);
  /* Another history of the same length or longer: kept aside, and the box's own taken whole. */
  house_cut(house);
  for (unsigned i = 0; i < 3; i++)
    house_sql(house->box, "INSERT INTO note (id) VALUES (hex(randomblob(8)))");
  g_assert_true(house_settle(house));
  house_assert_equal(house);
  g_autofree char *kept = house_dump_hq(house, HOUSE_BOX "#1.5");
  g_assert_cmpstr(before, ==, kept);
}

static void test_conflict_sets_apart(void)
{
  g_autoptr(House) house = house_new();
  write_some(house);
  g_assert_true(house_settle(house));
  gint64 applied = house->applied_seq;
  house_sql(house->hq, "UPDATE replica_note SET body = 'tampered' WHERE id = 'a'");
  house_cut(house);
  house_sql(house->box, "INSERT INTO note (id) VALUES ('fine')");
  house_sql(house->box, "UPDATE note SET body = 'next' WHERE id = 'a'");
  house_sql(house->box, "INSERT INTO note (id) VALUES ('later')");
  g_assert_false(house_settle(house));
  g_assert_cmpstr(house->box_slug, ==, "sync/quarantined");
  /* What came before the conflict is applied, nothing after it. */
  g_assert_cmpint(house_number(house->hq, "SELECT applied_seq FROM sync_peer"), ==, applied + 1);
  g_assert_cmpint(house_number(house->hq, "SELECT count(*) FROM sync_peer"
                                          " WHERE quarantine = 'sync/conflict'"),
                  ==, 1);
  g_assert_cmpint(
      house_number(house->hq, "SELECT count(*) FROM event WHERE kind = 'box.quarantined'"), ==, 1);
  house_cut(house);
  g_assert_false(house_settle(house));
  g_assert_cmpstr(house->hq_slug, ==, "sync/quarantined");
  /* A person mends the copy and lets the box in again. */
  house_cut(house);
  house_sql(house->hq, "UPDATE replica_note SET body = 'árvíztűrő' WHERE id = 'a'");
  house_sql(house->hq, "UPDATE sync_peer SET quarantine = NULL");
  g_assert_true(house_settle(house));
  house_assert_equal(house);
}

static void wait_for_proofs(House *house, unsigned count)
{
  gint64 until_us = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
  while (house->proofs + house->disproofs < count) {
    g_assert_cmpint(g_get_monotonic_time(), <, until_us);
    house_spin();
    house_deliver(house, true);
    house_deliver(house, false);
    g_usleep(200);
  }
}

static void test_proof(void)
{
  g_autoptr(House) house = house_new();
  write_some(house);
  g_assert_true(house_settle(house));
  ablak_sender_prove(house->sender);
  wait_for_proofs(house, 1);
  g_assert_cmpuint(house->proofs, ==, 1);
  ablak_sender_prove(house->sender); /* with a commit racing it */
  house_sql(house->box, "INSERT INTO note (id) VALUES ('racing')");
  g_assert_true(house_settle(house));
  wait_for_proofs(house, 2);
  g_assert_cmpuint(house->proofs, ==, 2);
  house_sql(house->hq, "UPDATE replica_pair SET v = 6 WHERE v = 5");
  ablak_sender_prove(house->sender);
  wait_for_proofs(house, 3);
  g_assert_cmpuint(house->disproofs, ==, 1);
  house_spin();
  g_assert_false(house_settle(house));
  house_cut(house);
  g_assert_false(house_settle(house));
  g_assert_cmpstr(house->hq_slug, ==, "sync/quarantined");
}

static bool append_down(AblakTxn *txn, gpointer data, GError **error)
{
  g_autoptr(json_t) rows =
      json_pack("{s:[{s:s, s:{s:s, s:s, s:i}}, {s:s, s:{s:s, s:s, s:b}}]}", "rows", "table",
                "staff", "row", "id", "u1", "name", "Minta Mária", "rights", 3, "table", "staff",
                "row", "id", "u2", "name", "Vzorová Věra", "rights", 1);
  g_autoptr(json_t) again =
      json_pack("{s:[{s:s, s:{s:s, s:n}}, {s:s, s:{s:s}}]}", "rows", "table", "staff", "row", "id",
                "u1", "name", "table", "staff", "delete", "id", "u2");
  g_autoptr(json_t) other = json_pack("{s:i}", "n", 99);
  g_autoptr(json_t) mine = json_pack("{s:i}", "n", 7);
  return ablak_down_append_json(txn, NULL, ABLAK_DOWN_STAFF, rows, NULL, error) &&
         ablak_down_append_json(txn, "cs-1", ABLAK_DOWN_CONFIG, other, NULL, error) &&
         ablak_down_append_json(txn, HOUSE_BOX, ABLAK_DOWN_CONFIG, mine, NULL, error) &&
         ablak_down_append_json(txn, NULL, ABLAK_DOWN_STAFF, again, NULL, error);
}

static void test_way_down(void)
{
  g_autoptr(House) house = house_new();
  GError *error = NULL;
  g_assert_true(ablak_store_write_sync(house->hq, append_down, NULL, &error));
  g_assert_true(house_settle(house));
  g_assert_cmpint(house_number(house->box, "SELECT count(*) FROM staff"), ==, 1);
  g_assert_cmpint(house_number(house->box, "SELECT rights FROM staff WHERE name IS NULL"), ==, 3);
  g_assert_cmpstr(house->configs->str, ==, "7,");
  g_assert_cmpint(house_number(house->hq, "SELECT down_seq FROM sync_peer"), ==, 4);
  house_cut(house);
  g_assert_true(house_settle(house));
  g_assert_cmpstr(house->configs->str, ==, "7,");
  g_assert_cmpuint(house->applies, ==, 3);
}

static void test_rows_down_are_checked(void)
{
  g_autoptr(House) house = house_new();
  static const char *const wrong[] = {
      "{}",
      "{\"rows\":[{}]}",
      "{\"rows\":[{\"table\":\"note\",\"row\":{\"id\":\"a\"}}]}",
      "{\"rows\":[{\"table\":\"seen\",\"row\":{\"id\":1}}]}",
      "{\"rows\":[{\"table\":\"staff\",\"row\":{\"name\":\"x\"}}]}",
      "{\"rows\":[{\"table\":\"staff\",\"row\":{\"id\":\"x\",\"nope\":1}}]}",
      "{\"rows\":[{\"table\":\"staff\",\"row\":{\"id\":\"x\",\"a\\\" = 1; --\":1}}]}",
      "{\"rows\":[{\"table\":\"staff\",\"delete\":{}}]}",
      "not json",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    GError *error = NULL;
    g_autoptr(GBytes) payload = g_bytes_new_static(wrong[i], strlen(wrong[i]));
    g_autoptr(AblakTxn) txn = ablak_store_read(house->box, NULL);
    g_assert_false(ablak_down_apply_rows(house->box, txn, payload, &error));
    g_assert_cmpuint(ablak_error_status(error), ==, 400);
    g_clear_error(&error);
  }
}

static bool append_edition(AblakTxn *txn, gpointer data, GError **error)
{
  g_autoptr(json_t) manifest = json_pack("{s:i}", "number", 4);
  return ablak_down_append_edition(txn, NULL, manifest, "old", 3, NULL, error) &&
         ablak_down_append_edition(txn, NULL, manifest, "file", 4, NULL, error);
}

static void test_edition(void)
{
  g_autoptr(House) house = house_new();
  GError *error = NULL;
  g_assert_true(ablak_store_write_sync(house->hq, append_edition, NULL, &error));
  g_autoptr(AblakTxn) txn = ablak_store_read(house->hq, &error);
  AblakDownEntry entry = {0};
  bool found = false;
  g_assert_true(ablak_down_next(txn, HOUSE_BOX, 0, &found, &entry, &error));
  g_assert_true(found);
  g_assert_cmpint(entry.seq, ==, 2); /* the older one is gone */
  g_autoptr(json_t) manifest = NULL;
  g_autoptr(GBytes) file = NULL;
  g_assert_true(ablak_down_edition_split(entry.payload, &manifest, &file, &error));
  g_assert_cmpint(ablak_json_get_int(manifest, "number", 0), ==, 4);
  g_autoptr(GBytes) expected = g_bytes_new_static("file", 4);
  g_assert_true(g_bytes_equal(file, expected));
  ablak_down_entry_clear(&entry);
  static const char *const wrong[] = {"", "\0\0\0\0x", "\0\0\0\2{}", "\xff\xff\xff\xff{}x"};
  static const gsize sizes[] = {0, 5, 6, 7};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GBytes) payload = g_bytes_new_static(wrong[i], sizes[i]);
    json_t *none = NULL;
    GBytes *nothing = NULL;
    g_assert_false(ablak_down_edition_split(payload, &none, &nothing, NULL));
  }
}

/* A table gets a column: entries of both schemas are applied under their own. */
static void test_schema_change(void)
{
  g_autoptr(House) house = house_new();
  write_some(house);
  house_close_box(house);
  house_open_box(house);
  house_sql(house->box, "ALTER TABLE note ADD COLUMN colour TEXT");
  house_close_box(house);
  house_open_box(house);
  house_sql(house->box, "UPDATE note SET colour = 'zöld' WHERE id = 'a'");
  g_assert_true(house_settle(house));
  house_assert_equal(house);
  g_assert_cmpint(house_number(house->hq, "SELECT count(*) FROM replica_note"
                                          " WHERE colour = 'zöld' AND id = 'a'"),
                  ==, 1);
  g_assert_cmpint(house_number(house->hq, "SELECT count(*) FROM sync_schema"), ==, 2);
}

static void test_bad_schemas(void)
{
  static const char *const wrong[] = {
      "",
      "[]",
      "{\"tables\":[{}]}",
      "{\"tables\":[{\"table\":\"a b\",\"columns\":[\"id\"],\"pk\":[1]}]}",
      "{\"tables\":[{\"table\":\"a\",\"columns\":[\"id\\\"\"],\"pk\":[1]}]}",
      "{\"tables\":[{\"table\":\"a\",\"columns\":[\"ID\"],\"pk\":[1]}]}",
      "{\"tables\":[{\"table\":\"a\",\"columns\":[\"box\"],\"pk\":[1]}]}",
      "{\"tables\":[{\"table\":\"a\",\"columns\":[\"id\"],\"pk\":[0]}]}",
      "{\"tables\":[{\"table\":\"a\",\"columns\":[\"id\"],\"pk\":[]}]}",
      "{\"tables\":[{\"table\":\"a\",\"columns\":[\"id\",\"id\"],\"pk\":[1,0]}]}",
      "{\"tables\":[{\"table\":\"a\",\"columns\":[\"i\"],\"pk\":[1]},"
      "{\"table\":\"a\",\"columns\":[\"i\"],\"pk\":[1]}]}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    GError *error = NULL;
    g_assert_null(ablak_shape_parse(wrong[i], strlen(wrong[i]), &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, "sync/schema");
    g_clear_error(&error);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sync/catches-up", test_catches_up);
  g_test_add_func("/sync/begins-with-rows", test_begins_with_rows);
  g_test_add_func("/sync/swaps-unique", test_swaps_unique);
  g_test_add_func("/sync/large-entry", test_large_entry);
  g_test_add_func("/sync/refuses-flipped-bit", test_refuses_flipped_bit);
  g_test_add_func("/sync/old-epoch-is-fenced", test_old_epoch_is_fenced);
  g_test_add_data_func("/sync/hq-restored/tail", NULL, test_hq_restored);
  g_test_add_data_func("/sync/hq-restored/snapshot", "pruned", test_hq_restored);
  g_test_add_func("/sync/box-rolled-back", test_box_rolled_back);
  g_test_add_func("/sync/conflict-sets-apart", test_conflict_sets_apart);
  g_test_add_func("/sync/proof", test_proof);
  g_test_add_func("/sync/way-down", test_way_down);
  g_test_add_func("/sync/rows-down-are-checked", test_rows_down_are_checked);
  g_test_add_func("/sync/edition", test_edition);
  g_test_add_func("/sync/schema-change", test_schema_change);
  g_test_add_func("/sync/bad-schemas", test_bad_schemas);
  return g_test_run();
}
