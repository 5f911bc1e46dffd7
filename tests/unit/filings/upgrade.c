/* A database of the release before completions, with a draft filed in it: nothing of it changes,
 * the draft goes on, and headquarters applies the entries of both schemas to an equal copy. */
#include "core/error.h"
#include "filings/filings.h"
#include "forms/forms.h"
#include "sync/digest.h"
#include "sync/journal.h"
#include "sync/receiver.h"
#include "sync/replica.h"
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

#define BOX "hu-000001"
#define DRAFT "01a200ee-17e0-72a2-b2be-9b24e148dee6"
#define FILING "01a200ee-17e8-7222-b74a-699378bec59f"

typedef struct {
  char *folder;
  AblakStore *box, *hq;
  AblakJournal *journal;
  AblakSigner *signer;
  AblakZone *zone;
  AblakFiling *filing; /* made by the last job */
} World;

static void restore_fixture(const char *path)
{
  g_autofree char *file =
      g_test_build_filename(G_TEST_DIST, "fixtures", "before-completions.sql", NULL);
  g_autofree char *sql = NULL;
  g_assert_true(g_file_get_contents(file, &sql, NULL, NULL));
  sqlite3 *db = NULL;
  g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
}

static AblakStore *open_store(const char *path, const AblakStorePart *const *parts)
{
  g_autoptr(GError) error = NULL;
  AblakStore *store = ablak_store_open(&(AblakStoreOptions){.path = path, .parts = parts}, &error);
  g_assert_no_error(error);
  return store;
}

static void world_open(World *world)
{
  static const AblakStorePart *const box_parts[] = {
      &ablak_forms_store_part, &ablak_filings_store_part, &ablak_sync_box_store_part, NULL};
  static const AblakStorePart *const hq_parts[] = {&ablak_sync_hq_store_part, NULL};
  g_autoptr(GError) error = NULL;
  world->folder = g_dir_make_tmp("ablak-upgrade-XXXXXX", NULL);
  g_autofree char *box = g_build_filename(world->folder, "box.db", NULL);
  g_autofree char *hq = g_build_filename(world->folder, "hq.db", NULL);
  g_autofree char *key = g_build_filename(world->folder, "key.pem", NULL);
  restore_fixture(box);
  world->box = open_store(box, box_parts);
  world->hq = open_store(hq, hq_parts);
  world->journal = ablak_journal_open(world->box, &error);
  g_assert_no_error(error);
  world->signer = ablak_signer_open(key, &error);
  world->zone = ablak_zone_new("Europe/Budapest", &error);
  g_assert_no_error(error);
}

static void world_close(World *world)
{
  ablak_filing_free(world->filing);
  ablak_journal_free(world->journal);
  ablak_store_close(world->box);
  ablak_store_close(world->hq);
  ablak_signer_free(world->signer);
  ablak_zone_free(world->zone);
  g_autoptr(GDir) dir = g_dir_open(world->folder, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(dir)) != NULL) {
    g_autofree char *path = g_build_filename(world->folder, name, NULL);
    g_unlink(path);
  }
  g_rmdir(world->folder);
  g_free(world->folder);
}

/* --- headquarters --- */

typedef struct {
  AblakShape *shape;
  GBytes *changes;
} Entry;

static bool apply_job(AblakTxn *txn, gpointer data, GError **error)
{
  const Entry *entry = data;
  return ablak_replica_prepare(txn, entry->shape, error) &&
         ablak_replica_apply(txn, BOX, entry->shape, entry->changes, NULL, error);
}

/* Gives the journal from `seq` on to headquarters; how many entries that were. */
static gint64 send_up(World *world, gint64 seq)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(world->box, &error);
  AblakJournalState state;
  g_assert_true(ablak_journal_read_state(txn, &state, &error));
  for (gint64 at = seq; at <= state.last_seq; at++) {
    AblakJournalEntry entry;
    g_assert_true(ablak_journal_read(txn, at, &entry, &error));
    g_autofree char *json = ablak_journal_read_schema(txn, entry.schema, &error);
    g_autoptr(AblakShape) shape = ablak_shape_parse(json, strlen(json), &error);
    g_autoptr(GBytes) changes = entry.payload;
    g_assert_no_error(error);
    g_assert_true(ablak_store_write_sync(world->hq, apply_job, &(Entry){shape, changes}, &error));
    g_assert_no_error(error);
  }
  return state.last_seq - seq + 1;
}

static void assert_copies_equal(World *world)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) box = ablak_store_read(world->box, &error);
  g_autoptr(AblakTxn) hq = ablak_store_read(world->hq, &error);
  const AblakShape *shape = ablak_journal_shape(world->journal);
  g_autoptr(GBytes) ours = ablak_digest_compute(box, shape, NULL, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) theirs = ablak_digest_compute(hq, shape, BOX, &error);
  g_assert_no_error(error);
  g_assert_true(g_bytes_equal(ours, theirs));
}

/* --- the box --- */

static bool reopen_job(AblakTxn *txn, gpointer data, GError **error)
{
  const AblakReopening reopening = {"visit-2", "The kind is missing", NULL, "2026-11-22"};
  return ablak_draft_reopen(txn, DRAFT, &reopening, "clerk-2", error);
}

static bool file_job(AblakTxn *txn, gpointer data, GError **error)
{
  World *world = data;
  g_clear_pointer(&world->filing, ablak_filing_free);
  g_autoptr(AblakCompletion) completion = ablak_completion_of_draft(txn, DRAFT, error);
  g_autoptr(AblakFiling) before = ablak_filing_get(txn, FILING, error);
  g_autoptr(AblakSubmission) submission = NULL;
  if (!ablak_submission_create(txn, DRAFT, "clerk", "clerk-2", true, &submission, error))
    return false;
  g_assert_cmpint(submission->ordinal, ==, 2);
  const AblakFilingCompletes completes = {before, completion->reason, completion->due,
                                          submission->changes};
  const AblakFilingNew filing = {.submission_id = submission->id,
                                 .visit_id = submission->visit_id,
                                 .office = "elsewhere",
                                 .epoch = 1,
                                 .service = "another",
                                 .form_id = submission->form_id,
                                 .form_version = submission->form_version,
                                 .content_sha256 = submission->content_sha256,
                                 .gaps = submission->gaps,
                                 .sample = true,
                                 .actor = "clerk-2",
                                 .zone = world->zone,
                                 .signer = world->signer,
                                 .completes = &completes};
  return ablak_filing_register(txn, &filing, &world->filing, error);
}

static bool erase_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "DELETE FROM filing WHERE id = ?", "t", FILING) &&
         ablak_txn_exec(txn, NULL, error, "DELETE FROM submission WHERE ordinal IS NULL", "");
}

static void run(World *world, AblakJob job)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(world->box, job, world, &error));
  g_assert_no_error(error);
}

static void assert_first_filing_stands(World *world)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(world->box, &error);
  g_autoptr(AblakFiling) filing = ablak_filing_get(txn, FILING, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(filing->number, ==, "MINTA/2026/000001");
  g_assert_cmpint(filing->ordinal, ==, 1);
  g_assert_true(ablak_receipt_verify(filing->receipt, filing->signature, NULL, &error));
  g_assert_no_error(error);
  g_autoptr(AblakSubmission) first = ablak_submission_get(txn, filing->submission_id, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(first->content, ==, "{\"name\":\"Minta\",\"verdict\":\"ok\"}");
  g_assert_cmpint(first->ordinal, ==, 1);
  g_autofree char *digest = ablak_sha256_hex(first->content, strlen(first->content));
  g_assert_cmpstr(digest, ==, first->content_sha256);
}

static void test_upgrade(void)
{
  World world = {0};
  world_open(&world);
  assert_first_filing_stands(&world);
  gint64 sent = send_up(&world, 1); /* in the old schema */
  g_assert_cmpint(sent, ==, 3);

  run(&world, reopen_job);
  run(&world, file_job);
  g_assert_cmpstr(world.filing->number, ==, "MINTA/2026/000001");
  g_assert_cmpint(world.filing->ordinal, ==, 2);
  g_assert_cmpstr(ablak_json_get_string(world.filing->receipt, "service"), ==, "test.service");
  g_assert_cmpstr(ablak_json_get_string(world.filing->receipt, "office"), ==, "minta");
  assert_first_filing_stands(&world);
  sent += send_up(&world, sent + 1); /* in the new one */
  assert_copies_equal(&world);

  /* Erasing a row of before is a delete with all its old values: they must be what was sent. */
  run(&world, erase_job);
  send_up(&world, sent + 1);
  assert_copies_equal(&world);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/filings/upgrade", test_upgrade);
  return g_test_run();
}
