/* Seeded histories: random commits at the box and at headquarters, cuts in the middle of anything,
 * either side closed and opened again, headquarters restored from an older backup, damaged
 * payloads. At the end the copy equals the box, and what came down was applied once, in order. */
#include "core/error.h"
#include "house.h"
#include <glib/gstdio.h>
#include <string.h>

#define SEEDS 12
#define STEPS 220

typedef struct {
  House *house;
  GRand *rand;
  gint64 next_config;
  bool has_backup;
  gint64 backup_config;
  bool restored;
  gint64 watched_seq; /* acknowledged numbers never go back but for a restore */
  unsigned flips;
} Run;

static unsigned pick(Run *run, unsigned below)
{
  return (unsigned)g_rand_int_range(run->rand, 0, (gint32)below);
}

/* --- writing -------------------------------------------------------------------------------------
 */

typedef struct {
  Run *run;
  unsigned count;
} Writes;

static bool write_note(AblakTxn *txn, Run *run, GError **error)
{
  static const char text[] = "árvíztűrő tükörfúrógép, příliš žluťoučký kůň";
  g_autofree char *id = g_strdup_printf("n%u", pick(run, 40));
  gsize size = pick(run, 30) == 0 ? 150000 : pick(run, 64);
  g_autofree guint8 *blob = g_malloc0(size + 1);
  for (gsize i = 0; i < size; i += 97)
    blob[i] = (guint8)pick(run, 256);
  switch (pick(run, 4)) {
  case 0:
    return ablak_txn_exec(txn, NULL, error, "DELETE FROM note WHERE id = ?", "t", id);
  case 1:
    return ablak_txn_exec(txn, NULL, error, "UPDATE note SET weight = ? WHERE id = ?", "dt",
                          g_rand_double(run->rand), id);
  default:
    return ablak_txn_exec(txn, NULL, error,
                          "INSERT INTO note (id, body, weight, picture) VALUES (?, ?, ?, ?)"
                          " ON CONFLICT (id) DO UPDATE SET body = excluded.body,"
                          " picture = excluded.picture",
                          "ttdb", id, pick(run, 5) == 0 ? NULL : text, 0.1 * pick(run, 100),
                          pick(run, 3) == 0 ? NULL : blob, size);
  }
}

static bool write_pair(AblakTxn *txn, Run *run, GError **error)
{
  gint64 a = pick(run, 6);
  g_autofree char *b = g_strdup_printf("b%u", pick(run, 6));
  switch (pick(run, 4)) {
  case 0:
    return ablak_txn_exec(txn, NULL, error, "DELETE FROM pair WHERE a = ? AND b = ?", "it", a, b);
  case 1: /* the key itself changes */
    return ablak_txn_exec(txn, NULL, error, "UPDATE OR REPLACE pair SET a = a + 1 WHERE a = ?", "i",
                          a);
  case 2:
    return ablak_txn_exec(txn, NULL, error, "REPLACE INTO pair (a, b, v) VALUES (?, ?, ?)", "itd",
                          a, b, g_rand_double(run->rand));
  default:
    return ablak_txn_exec(txn, NULL, error, "REPLACE INTO pair (a, b, v) VALUES (?, ?, ?)", "itt",
                          a, b, pick(run, 2) == 0 ? NULL : "text");
  }
}

static bool write_job(AblakTxn *txn, gpointer data, GError **error)
{
  Writes *writes = data;
  for (unsigned i = 0; i < writes->count; i++)
    if (!(pick(writes->run, 2) == 0 ? write_note : write_pair)(txn, writes->run, error))
      return false;
  if (pick(writes->run, 10) > 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "test/rollback", "this job changes its mind");
  return false;
}

static void write_box(Run *run)
{
  /* Synchronous: the generator must not be used by two threads at once. */
  g_autoptr(GError) error = NULL;
  Writes writes = {run, 1 + pick(run, 5)};
  if (!ablak_store_write_sync(run->house->box, write_job, &writes, &error))
    g_assert_cmpstr(ablak_error_slug(error), ==, "test/rollback");
}

static bool append_config(AblakTxn *txn, gpointer data, GError **error)
{
  Run *run = data;
  /* Some are large enough for several parts. */
  g_autofree char *padding = g_strnfill(pick(run, 4) == 0 ? 150000 : 10, 'x');
  g_autoptr(json_t) config =
      json_pack("{s:I, s:s}", "n", (json_int_t)run->next_config, "padding", padding);
  return ablak_down_append_json(txn, pick(run, 2) == 0 ? NULL : HOUSE_BOX, ABLAK_DOWN_CONFIG,
                                config, NULL, error);
}

static void write_hq(Run *run)
{
  GError *error = NULL;
  g_assert_true(ablak_store_write_sync(run->house->hq, append_config, run, &error));
  g_assert_no_error(error);
  run->next_config++;
  ablak_receiver_poll(run->house->receiver);
}

/* --- faults --- */

static void flip_one(GBytes **message, gpointer data)
{
  Run *run = data;
  AblakFrame frame;
  gsize size = g_bytes_get_size(*message);
  if (run->flips == 0 ||
      !ablak_frame_decode(g_bytes_get_data(*message, NULL), size, &frame, NULL) ||
      frame.type != ABLAK_FRAME_DATA)
    return;
  run->flips--;
  gsize at = size - 1 - pick(run, (unsigned)frame.body_size);
  guint8 *bytes = g_bytes_unref_to_data(g_steal_pointer(message), &size);
  bytes[at] ^= (guint8)(1 << pick(run, 8));
  *message = g_bytes_new_take(bytes, size);
}

static void check_reason(const char *slug)
{
  static const char *const expected[] = {"sync/corrupt", "sync/protocol", NULL};
  g_assert_true(g_strv_contains(expected, slug));
}

static void reopen_hq(Run *run, bool from_backup)
{
  GError *error = NULL;
  House *house = run->house;
  house_close_hq(house);
  if (from_backup) {
    g_autofree char *from = house_path(house, "hq.bak"), *to = house_path(house, "hq.db");
    g_assert_true(ablak_store_restore(from, to, &error));
    g_assert_no_error(error);
    run->watched_seq = house->applied_seq = 0;
  }
  house_open_hq(house);
}

static void take_backup(Run *run)
{
  GError *error = NULL;
  g_autofree char *path = house_path(run->house, "hq.bak");
  g_unlink(path);
  g_assert_true(ablak_store_backup(run->house->hq, path, &error));
  g_assert_no_error(error);
  run->has_backup = true;
  run->backup_config = run->next_config;
}

static void step(Run *run)
{
  House *house = run->house;
  unsigned action = pick(run, 100);
  house->now_ms += pick(run, 5000);
  if (action < 35)
    write_box(run);
  else if (action < 40)
    write_hq(run);
  else if (action < 46)
    house_connect(house);
  else if (action < 50)
    house_cut(house);
  else if (action < 51)
    run->flips = 1;
  else if (action < 52)
    take_backup(run);
  else if (action < 53 && run->has_backup && run->backup_config == run->next_config)
    reopen_hq(run, true); /* entries for below that the backup lacks would be lost: not today */
  else if (action < 54)
    reopen_hq(run, false);
  else if (action < 55)
    (house_close_box(house), house_open_box(house));
  else if (action < 57)
    ablak_sender_prove(house->sender);
  for (unsigned i = pick(run, 6); i > 0 && house->open; i--)
    house_deliver(house, pick(run, 2) == 0);
  house_spin();
  if (house->box_failed || house->hq_failed) {
    check_reason(house->box_failed ? house->box_slug : house->hq_slug);
    house_cut(house);
  }
  if (house->open) {
    g_assert_cmpint(house->applied_seq, >=, run->watched_seq);
    run->watched_seq = house->applied_seq;
  }
}

/* Each once (the key would refuse a second time), in order. */
static void check_configs(Run *run)
{
  AblakStore *box = run->house->box;
  g_assert_cmpint(house_number(box, "SELECT count(*) FROM seen"), ==, run->next_config);
  g_assert_cmpint(house_number(box, "SELECT count(*) FROM seen WHERE id <> nr"), ==, 0);
}

static void run_seed(guint32 seed, gint64 tail_ms)
{
  Run run = {.house = house_new(), .rand = g_rand_new_with_seed(seed)};
  House *house = run.house;
  house_close_box(house);
  house->tail_ms = tail_ms;
  house->tamper = flip_one;
  house->tamper_data = &run;
  house_open_box(house);
  for (unsigned i = 0; i < STEPS; i++)
    step(&run);
  run.flips = 0;
  house_cut(house);
  write_box(&run);
  if (!house_settle(house))
    g_error("the box was refused: %s, %s", house->box_slug, house->hq_slug);
  house_assert_equal(house);
  check_configs(&run);
  g_assert_cmpuint(house->disproofs, ==, 0);
  g_assert_cmpint(house_number(house->hq, "SELECT count(*) FROM sync_peer"
                                          " WHERE quarantine IS NOT NULL"),
                  ==, 0);
  g_rand_free(run.rand);
  house_free(house);
}

static void test_histories(gconstpointer tail_ms)
{
  const char *given = g_getenv("ABLAK_SIMULATION_SEED");
  const char *count = g_getenv("ABLAK_SIMULATION_COUNT");
  guint64 first = given != NULL ? g_ascii_strtoull(given, NULL, 10) : 1;
  guint64 seeds = given != NULL ? 1 : count != NULL ? g_ascii_strtoull(count, NULL, 10) : SEEDS;
  for (guint64 seed = first; seed < first + seeds; seed++) {
    /* The last of these names the seed that failed. */
    g_test_message("seed %" G_GUINT64_FORMAT, seed);
    run_seed((guint32)seed, GPOINTER_TO_INT(tail_ms));
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/sync/simulation/tail", GINT_TO_POINTER(0), test_histories);
  g_test_add_data_func("/sync/simulation/pruned", GINT_TO_POINTER(1), test_histories);
  return g_test_run();
}
