/* Editions arriving at a machine: what is taken, what is refused, what survives. */
#include "core/error.h"
#include "fixture.h"
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  AblakStore *store;
  AblakKb *kb;
} Box;

static void box_open(const Fixture *fixture, Box *box)
{
  g_autofree char *database = fixture_path(fixture, "box.sqlite");
  g_autofree char *folder = fixture_path(fixture, "editions");
  static const AblakStorePart *const parts[] = {&ablak_kb_store_part, NULL};
  AblakStoreOptions options = {.path = database, .parts = parts};
  GError *error = NULL;
  box->store = ablak_store_open(&options, &error);
  g_assert_no_error(error);
  box->kb = ablak_kb_open(folder, box->store, ablak_signer_public_key(fixture->signer), &error);
  g_assert_no_error(error);
}

static void box_close(Box *box)
{
  g_clear_pointer(&box->kb, ablak_kb_close);
  g_clear_pointer(&box->store, ablak_store_close);
}

typedef struct {
  bool called;
  GError *error;
} Outcome;

static void on_done(const GError *error, gpointer data)
{
  Outcome *outcome = data;
  g_assert_false(outcome->called);
  outcome->called = true;
  outcome->error = error == NULL ? NULL : g_error_copy(error);
}

static GError *receive(Box *box, const char *path, const json_t *manifest)
{
  Outcome outcome = {0};
  ablak_kb_receive(box->kb, path, manifest, on_done, &outcome);
  while (!outcome.called)
    g_main_context_iteration(NULL, TRUE);
  return outcome.error;
}

static json_t *sign(const Fixture *fixture, const char *path)
{
  GError *error = NULL;
  json_t *manifest = ablak_kb_manifest_sign(path, fixture->signer, &error);
  g_assert_no_error(error);
  return manifest;
}

static void deliver(const Fixture *fixture, Box *box, gint64 number)
{
  g_autofree char *path = build_samples(fixture, number);
  g_autoptr(json_t) manifest = sign(fixture, path);
  g_autoptr(GError) error = receive(box, path, manifest);
  g_assert_no_error(error);
  g_assert_cmpint(ablak_kb_number(box->kb), ==, number);
}

static unsigned count_files(const Fixture *fixture, const char *prefix)
{
  g_autofree char *folder = fixture_path(fixture, "editions");
  g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
  unsigned count = 0;
  for (const char *name; (name = g_dir_read_name(directory)) != NULL;)
    count += g_str_has_prefix(name, prefix) ? 1 : 0;
  return count;
}

static void test_receive(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  g_autoptr(GError) error = NULL;
  g_assert_null(ablak_kb_current(box.kb, &error));
  assert_slug(error, "kb/no-edition");
  deliver(fixture, &box, 1);
  deliver(fixture, &box, 2);
  box_close(&box);
  box_open(fixture, &box);
  g_assert_cmpint(ablak_kb_number(box.kb), ==, 2);
  g_autoptr(AblakTxn) txn = ablak_store_read(box.store, NULL);
  g_autoptr(json_t) list = ablak_kb_editions(txn, NULL);
  g_assert_cmpuint(json_array_size(list), ==, 2);
  g_assert_cmpstr(ablak_json_get_string(json_array_get(list, 0), "state"), ==, "active");
  g_assert_cmpstr(ablak_json_get_string(json_array_get(list, 1), "state"), ==, "retired");
  g_autoptr(GPtrArray) events = ablak_events_since(txn, 0, 10, NULL);
  g_assert_cmpuint(events->len, ==, 2);
  const AblakEvent *event = g_ptr_array_index(events, 1);
  g_assert_cmpstr(event->kind, ==, "edition.activated");
  g_assert_cmpstr(event->subject, ==, "2");
  g_clear_pointer(&txn, ablak_txn_end);
  box_close(&box);
}

static void test_wrong_signature(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  deliver(fixture, &box, 1);
  g_autofree char *path = build_samples(fixture, 2), *key = fixture_path(fixture, "other.pem");
  g_autoptr(AblakSigner) stranger = ablak_signer_open(key, NULL);
  g_autoptr(json_t) manifest = ablak_kb_manifest_sign(path, stranger, NULL);
  g_autoptr(GError) error = receive(&box, path, manifest);
  assert_slug(error, "kb/signature");
  g_assert_cmpint(ablak_kb_number(box.kb), ==, 1);
  g_assert_cmpuint(count_files(fixture, ""), ==, 1);
  box_close(&box);
}

static void test_older(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  deliver(fixture, &box, 2);
  g_autofree char *older = build_samples(fixture, 1),
                  *same = fixture_path(fixture, "edition-2.sqlite");
  g_autoptr(json_t) older_manifest = sign(fixture, older), same_manifest = sign(fixture, same);
  g_autoptr(GError) first = receive(&box, older, older_manifest);
  assert_slug(first, "kb/older");
  g_autoptr(GError) second = receive(&box, same, same_manifest);
  assert_slug(second, "kb/older");
  g_assert_cmpint(ablak_kb_number(box.kb), ==, 2);
  box_close(&box);
}

/* Another file than the signed one: shorter, longer, changed in one byte. */
static void test_wrong_file(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  g_autofree char *path = build_samples(fixture, 1), *text = NULL;
  g_autoptr(json_t) manifest = sign(fixture, path);
  gsize size;
  g_assert_true(g_file_get_contents(path, &text, &size, NULL));
  g_autofree char *longer = g_malloc0(size + 1);
  memcpy(longer, text, size);
  for (int round = 0; round < 3; round++) {
    gssize length = (gssize)size + (round == 0 ? -1 : round == 1 ? 1 : 0);
    longer[size / 2] = (char)(text[size / 2] ^ (round == 2 ? 1 : 0));
    g_assert_true(g_file_set_contents(path, longer, length, NULL));
    g_autoptr(GError) error = receive(&box, path, manifest);
    assert_slug(error, "kb/edition");
    g_assert_cmpint(ablak_kb_number(box.kb), ==, 0);
    g_assert_cmpuint(count_files(fixture, ""), ==, 0);
  }
  box_close(&box);
}

/* A signed manifest whose number is not the file's. */
static void test_wrong_number(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  g_autofree char *path = build_samples(fixture, 1);
  g_autoptr(json_t) signed_manifest = sign(fixture, path);
  json_t *manifest = json_object_get(signed_manifest, "manifest");
  json_object_set_new(manifest, "number", json_integer(9));
  g_autofree char *canonical = ablak_json_canonical(manifest);
  g_autofree char *bytes = g_strconcat("ablak edition 1\n", canonical, NULL);
  g_autofree char *signature = ablak_signer_sign(fixture->signer, bytes, strlen(bytes));
  json_object_set_new(signed_manifest, "signature", json_string(signature));
  g_autoptr(GError) error = receive(&box, path, signed_manifest);
  assert_slug(error, "kb/edition");
  box_close(&box);
}

/* The power goes in the middle of a transfer: the half file is never opened, and it goes. */
static void test_half_written(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  deliver(fixture, &box, 1);
  g_autofree char *path = build_samples(fixture, 2), *text = NULL;
  gsize size;
  g_assert_true(g_file_get_contents(path, &text, &size, NULL));
  box_close(&box);
  g_autofree char *half = fixture_path(fixture, "editions/incoming-abc123");
  g_assert_true(g_file_set_contents(half, text, (gssize)size / 2, NULL));
  /* Whole, but its activation was never committed. */
  g_autofree char *digest = ablak_sha256_hex(text, size);
  g_autofree char *name = g_strdup_printf("editions/%s.sqlite", digest);
  g_autofree char *orphan = fixture_path(fixture, name);
  g_assert_true(g_file_set_contents(orphan, text, (gssize)size, NULL));
  box_open(fixture, &box);
  g_assert_cmpint(ablak_kb_number(box.kb), ==, 1);
  g_assert_cmpuint(count_files(fixture, ""), ==, 1);
  box_close(&box);
}

/* A damaged active file: the one before serves until the same edition comes again. */
static void test_damaged(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  deliver(fixture, &box, 1);
  deliver(fixture, &box, 2);
  g_autofree char *source = fixture_path(fixture, "edition-2.sqlite");
  g_autofree char *digest = ablak_sha256_file_hex(source, NULL);
  g_autofree char *kept = ablak_kb_path(box.kb, digest);
  box_close(&box);
  g_assert_true(g_file_set_contents(kept, "damaged", -1, NULL));
  box_open(fixture, &box);
  g_assert_cmpint(ablak_kb_number(box.kb), ==, 1);
  g_autoptr(json_t) manifest = sign(fixture, source);
  g_autoptr(GError) error = receive(&box, source, manifest);
  g_assert_no_error(error);
  g_assert_cmpint(ablak_kb_number(box.kb), ==, 2);
  box_close(&box);
}

/* In pieces, as they come over the line; freed unfinished it leaves nothing. */
static void test_pieces(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  g_autofree char *path = build_samples(fixture, 1), *text = NULL;
  g_autoptr(json_t) manifest = sign(fixture, path);
  gsize size;
  GError *error = NULL;
  g_assert_true(g_file_get_contents(path, &text, &size, NULL));
  AblakKbIncoming *broken = ablak_kb_incoming_new(box.kb, manifest, &error);
  g_assert_no_error(error);
  g_assert_true(ablak_kb_incoming_append(broken, text, 1000, &error));
  g_assert_false(ablak_kb_incoming_finish(broken, &error));
  assert_slug(error, "kb/edition");
  g_clear_error(&error);
  ablak_kb_incoming_free(broken);
  g_assert_cmpuint(count_files(fixture, ""), ==, 0);
  AblakKbIncoming *incoming = ablak_kb_incoming_new(box.kb, manifest, &error);
  for (gsize at = 0; at < size; at += 4096)
    g_assert_true(ablak_kb_incoming_append(incoming, text + at, MIN(4096, size - at), &error));
  g_assert_true(ablak_kb_incoming_finish(incoming, &error));
  g_assert_no_error(error);
  Outcome outcome = {0};
  ablak_kb_activate(box.kb, incoming, on_done, &outcome);
  while (!outcome.called)
    g_main_context_iteration(NULL, TRUE);
  g_assert_no_error(outcome.error);
  g_assert_cmpint(ablak_kb_number(box.kb), ==, 1);
  box_close(&box);
}

static bool apply(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_kb_apply(txn, data, error);
}

/* As the command line publishes: file, then row, in a process of its own; the daemon looks again.
 * Every step may be repeated. */
static void test_steps(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  deliver(fixture, &box, 1);
  g_autofree char *path = build_samples(fixture, 2), *folder = fixture_path(fixture, "editions");
  g_autoptr(json_t) manifest = sign(fixture, path);
  const char *key = ablak_signer_public_key(fixture->signer);
  GError *error = NULL;
  for (int round = 0; round < 2; round++) {
    g_assert_true(ablak_kb_prepare_file(folder, key, manifest, path, &error));
    g_assert_true(ablak_store_write_sync(box.store, apply, manifest, &error));
    g_assert_true(ablak_kb_reopen(box.kb, &error));
    g_assert_no_error(error);
    g_assert_cmpint(ablak_kb_number(box.kb), ==, 2);
  }
  g_autofree char *older = fixture_path(fixture, "edition-1.sqlite");
  g_autoptr(json_t) older_manifest = sign(fixture, older);
  g_assert_true(ablak_store_write_sync(box.store, apply, older_manifest, &error));
  g_assert_true(ablak_kb_reopen(box.kb, &error));
  g_assert_cmpint(ablak_kb_number(box.kb), ==, 2);
  g_autoptr(AblakTxn) txn = ablak_store_read(box.store, NULL);
  g_autoptr(GPtrArray) events = ablak_events_since(txn, 0, 10, NULL);
  g_assert_cmpuint(events->len, ==, 2);
  g_clear_pointer(&txn, ablak_txn_end);
  box_close(&box);
}

/* One number with two contents, both signed: the second is refused in the job. */
static void test_number_reused(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  deliver(fixture, &box, 1);
  g_autofree char *hu = sample_folder("hu"), *path = fixture_path(fixture, "other.sqlite");
  const char *const directories[] = {hu, NULL};
  GError *error = NULL;
  g_assert_true(ablak_kb_build(directories, 1, 0, path, &error));
  g_autoptr(json_t) manifest = sign(fixture, path);
  g_assert_false(ablak_store_write_sync(box.store, apply, manifest, &error));
  assert_slug(error, "kb/older");
  g_clear_error(&error);
  box_close(&box);
}

/* Who reads when the switch comes goes on reading what they had. */
static void test_switch_while_reading(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  deliver(fixture, &box, 1);
  GError *error = NULL;
  g_autoptr(AblakKbEdition) held = ablak_kb_current(box.kb, &error);
  g_assert_no_error(error);
  g_autoptr(json_t) before = ablak_kb_search(held, "hu-minta", "jogsi", "hu", 5, &error);
  deliver(fixture, &box, 2);
  g_autoptr(AblakKbEdition) now = ablak_kb_current(box.kb, &error);
  g_assert_cmpint(ablak_kb_edition_number(now), ==, 2);
  g_assert_cmpint(ablak_kb_edition_number(held), ==, 1);
  g_autoptr(json_t) after = ablak_kb_search(held, "hu-minta", "jogsi", "hu", 5, &error);
  g_assert_no_error(error);
  g_assert_true(json_equal(before, after));
  box_close(&box);
  g_autoptr(json_t) closed = ablak_kb_services(held, "hu-minta", &error);
  g_assert_cmpuint(json_array_size(closed), ==, 8);
}

/* A draft pins version 1 of a form; the next edition has only version 2. */
static void test_pinned_form(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  deliver(fixture, &box, 1);
  g_autofree char *office = copy_sample(fixture, "hu");
  g_autofree char *source = g_build_filename(office, "forms", "request-form.json", NULL);
  g_autoptr(json_t) form = read_json(source);
  json_object_set_new(form, "version", json_integer(2));
  write_json(source, form);
  g_autofree char *path = fixture_path(fixture, "second.sqlite");
  const char *const directories[] = {office, NULL};
  GError *error = NULL;
  g_assert_true(ablak_kb_build(directories, 2, 0, path, &error));
  g_autoptr(json_t) manifest = sign(fixture, path);
  g_autoptr(GError) fault = receive(&box, path, manifest);
  g_assert_no_error(fault);
  g_autoptr(json_t) newest = ablak_kb_find_form(box.kb, "hu.request-form", 0, &error);
  g_autoptr(json_t) pinned = ablak_kb_find_form(box.kb, "hu.request-form", 1, &error);
  g_assert_no_error(error);
  g_assert_cmpint(ablak_json_get_int(newest, "version", 0), ==, 2);
  g_assert_cmpint(ablak_json_get_int(pinned, "version", 0), ==, 1);
  g_assert_null(ablak_kb_find_form(box.kb, "hu.request-form", 3, &error));
  assert_slug(error, "kb/no-form");
  g_clear_error(&error);
  box_close(&box);
}

/* Closing while an edition is on its way: told once, nothing touched afterwards. */
static void test_close_meanwhile(Fixture *fixture, gconstpointer data)
{
  Box box;
  box_open(fixture, &box);
  g_autofree char *path = build_samples(fixture, 1);
  g_autoptr(json_t) manifest = sign(fixture, path);
  Outcome outcome = {0};
  ablak_kb_receive(box.kb, path, manifest, on_done, &outcome);
  box_close(&box);
  while (!outcome.called)
    g_main_context_iteration(NULL, TRUE);
  assert_slug(outcome.error, "store/closed");
  g_clear_error(&outcome.error);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ABLAK_TEST("/kb/keep/receive", test_receive);
  ABLAK_TEST("/kb/keep/wrong-signature", test_wrong_signature);
  ABLAK_TEST("/kb/keep/older", test_older);
  ABLAK_TEST("/kb/keep/wrong-file", test_wrong_file);
  ABLAK_TEST("/kb/keep/wrong-number", test_wrong_number);
  ABLAK_TEST("/kb/keep/half-written", test_half_written);
  ABLAK_TEST("/kb/keep/damaged", test_damaged);
  ABLAK_TEST("/kb/keep/pieces", test_pieces);
  ABLAK_TEST("/kb/keep/steps", test_steps);
  ABLAK_TEST("/kb/keep/number-reused", test_number_reused);
  ABLAK_TEST("/kb/keep/switch-while-reading", test_switch_while_reading);
  ABLAK_TEST("/kb/keep/pinned-form", test_pinned_form);
  ABLAK_TEST("/kb/keep/close-meanwhile", test_close_meanwhile);
  return g_test_run();
}
