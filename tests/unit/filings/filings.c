/* The register over a real store, receipts, and print read back with poppler. */
#include "filings/filings.h"
#include "core/error.h"
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  char *folder;
  AblakStore *store;
  AblakSigner *signer;
  AblakZone *zone;
  gint64 now_ms;
} World;

static gint64 world_clock(gpointer data)
{
  return ((World *)data)->now_ms;
}

static void world_open(World *world)
{
  static const AblakStorePart *const parts[] = {&ablak_filings_store_part, NULL};
  g_autoptr(GError) error = NULL;
  world->folder = g_dir_make_tmp("ablak-filings-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(world->folder, "test.db", NULL);
  g_autofree char *key = g_build_filename(world->folder, "key.pem", NULL);
  world->now_ms = G_GINT64_CONSTANT(1767221999000); /* 2025-12-31T22:59:59Z: 23:59:59 in Budapest */
  AblakStoreOptions options = {
      .path = path, .parts = parts, .clock = world_clock, .clock_data = world};
  world->store = ablak_store_open(&options, &error);
  g_assert_no_error(error);
  world->signer = ablak_signer_open(key, &error);
  g_assert_no_error(error);
  world->zone = ablak_zone_new("Europe/Budapest", &error);
  g_assert_no_error(error);
}

static void world_close(World *world)
{
  ablak_store_close(world->store);
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

static json_t *parse(const char *text)
{
  g_autoptr(GError) error = NULL;
  json_t *json = ablak_json_parse(text, strlen(text), &error);
  g_assert_no_error(error);
  return json;
}

typedef struct {
  World *world;
  const char *submission;
  gint64 epoch;
  json_t *gaps, *name;
  bool fail;
  const AblakFilingCompletes *completes;
  AblakFiling *filing;
} Registration;

static bool register_job(AblakTxn *txn, gpointer data, GError **error)
{
  Registration *r = data;
  g_clear_pointer(&r->filing, ablak_filing_free);
  AblakFilingNew filing = {.submission_id = r->submission,
                           .visit_id = "visit-1",
                           .office = "minta",
                           .epoch = r->epoch,
                           .service = "hu.id-card",
                           .service_name = r->name,
                           .form_id = "hu.id-card-form",
                           .form_version = 3,
                           .content_sha256 = "44136fa355b3678a1146ad16f7e8649e"
                                             "94fb4fc21fe77e8310c060f61caaff8a",
                           .gaps = r->gaps,
                           .sample = true,
                           .actor = "citizen",
                           .zone = r->world->zone,
                           .signer = r->world->signer,
                           .completes = r->completes};
  if (!ablak_filing_register(txn, &filing, &r->filing, error))
    return false;
  if (r->fail)
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "filings/unknown", "on purpose");
  return !r->fail;
}

static AblakFiling *register_one(World *world, const char *submission, gint64 epoch)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) gaps =
      parse("[{\"path\":\"/familyName\",\"keyword\":\"required\",\"detail\":\"familyName\"},"
            "{\"path\":\"/children/1/name\",\"keyword\":\"required\",\"detail\":\"name\"},"
            "{\"path\":\"/verdict\",\"keyword\":\"required\",\"detail\":\"verdict\"}]");
  g_autoptr(json_t) name =
      parse("{\"hu\":\"Személyazonosító igazolvány igénylése\",\"en\":\"Identity card\"}");
  Registration r = {
      .world = world, .submission = submission, .epoch = epoch, .gaps = gaps, .name = name};
  g_assert_true(ablak_store_write_sync(world->store, register_job, &r, &error));
  g_assert_no_error(error);
  return r.filing;
}

/* Numbers follow the office's year, the epoch's range, and leave no holes when a job fails. */
static void test_numbers(void)
{
  World world;
  world_open(&world);
  g_autoptr(AblakFiling) one = register_one(&world, "s1", 1);
  g_assert_cmpstr(one->number, ==, "MINTA/2025/000001");
  g_autoptr(GError) error = NULL;
  Registration failing = {.world = &world, .submission = "s2", .epoch = 1, .fail = true};
  g_assert_false(ablak_store_write_sync(world.store, register_job, &failing, &error));
  g_clear_error(&error);
  ablak_filing_free(failing.filing);
  g_autoptr(AblakFiling) two = register_one(&world, "s2", 1);
  g_assert_cmpstr(two->number, ==, "MINTA/2025/000002");
  g_autoptr(AblakFiling) replaced = register_one(&world, "s3", 2);
  g_assert_cmpstr(replaced->number, ==, "MINTA/2025/100001");
  world.now_ms += 1000; /* midnight in Budapest, not yet in UTC */
  g_autoptr(AblakFiling) year = register_one(&world, "s4", 1);
  g_assert_cmpstr(year->number, ==, "MINTA/2026/000001");
  Registration again = {.world = &world, .submission = "s4", .epoch = 1};
  g_assert_false(ablak_store_write_sync(world.store, register_job, &again, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/constraint");
  g_clear_error(&error);
  ablak_filing_free(again.filing);
  world_close(&world);
}

static bool exhaust_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_txn_exec(txn, NULL, error, "UPDATE register_range SET used = 99999", "");
}

static void test_exhausted(void)
{
  World world;
  world_open(&world);
  g_autoptr(AblakFiling) one = register_one(&world, "s1", 1);
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(world.store, exhaust_job, NULL, &error));
  g_autoptr(AblakFiling) last = register_one(&world, "s2", 1);
  g_assert_cmpstr(last->number, ==, "MINTA/2025/100000");
  Registration beyond = {.world = &world, .submission = "s3", .epoch = 1};
  g_assert_false(ablak_store_write_sync(world.store, register_job, &beyond, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "filings/range-exhausted");
  world_close(&world);
}

static void test_receipt(void)
{
  World world;
  world_open(&world);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakFiling) made = register_one(&world, "s1", 1);
  g_autoptr(AblakTxn) txn = ablak_store_read(world.store, &error);
  g_autoptr(AblakFiling) found = ablak_filing_get(txn, made->id, &error);
  g_assert_no_error(error);
  g_assert_true(json_equal(found->receipt, made->receipt));
  g_assert_cmpstr(ablak_json_get_string(found->receipt, "arrivedAt"), ==,
                  "2025-12-31T22:59:59.000Z");
  const char *key = ablak_signer_public_key(world.signer);
  g_assert_true(ablak_receipt_verify(found->receipt, found->signature, key, &error));
  g_assert_true(ablak_receipt_verify(found->receipt, found->signature, NULL, &error));
  g_assert_false(ablak_receipt_verify(found->receipt, found->signature, "other", &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "filings/signature");
  g_clear_error(&error);
  json_object_set_new(found->receipt, "arrivedAt", json_string("2025-12-31T22:59:58.000Z"));
  g_assert_false(ablak_receipt_verify(found->receipt, found->signature, key, NULL));
  g_autoptr(AblakFiling) by_submission = ablak_filing_of_submission(txn, "s1", &error);
  g_autoptr(AblakFiling) by_visit = ablak_filing_of_visit(txn, "visit-1", &error);
  g_assert_cmpstr(by_submission->number, ==, by_visit->number);
  g_assert_null(ablak_filing_of_submission(txn, "s9", &error));
  g_assert_no_error(error);
  g_assert_null(ablak_filing_get(txn, "nothing", &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "filings/unknown");
  g_clear_pointer(&txn, ablak_txn_end);
  world_close(&world);
}

/* Completes a filing with what the tests' form has; an hour later. */
static AblakFiling *complete_one(World *world, const AblakFiling *before, const char *submission,
                                 const char *due)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) changes = parse("[\"/familyName\",\"/children/1\",\"/verdict\"]");
  const AblakFilingCompletes completes = {before, "Kérjük, pótolja a családi nevet.", due, changes};
  Registration r = {.world = world, .submission = submission, .epoch = 2, .completes = &completes};
  world->now_ms += 3600 * 1000;
  g_assert_true(ablak_store_write_sync(world->store, register_job, &r, &error));
  g_assert_no_error(error);
  return r.filing;
}

/* The same number with the next ordinal, from whatever box, in whatever year; late or not. */
static void test_completions(void)
{
  World world;
  world_open(&world);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakFiling) first = register_one(&world, "s1", 1);
  g_autofree char *receipt = ablak_json_canonical(first->receipt);
  g_autoptr(AblakFiling) late = complete_one(&world, first, "s2", "2025-12-31");
  g_autoptr(AblakFiling) timely = complete_one(&world, late, "s3", "2026-01-01");
  g_autoptr(AblakFiling) undated = complete_one(&world, timely, "s4", NULL);
  const AblakFiling *const made[] = {first, late, timely, undated};
  g_autoptr(AblakTxn) txn = ablak_store_read(world.store, &error);
  g_autoptr(GPtrArray) all = ablak_filings_of_number(txn, first->number, &error);
  g_assert_cmpuint(all->len, ==, G_N_ELEMENTS(made));
  for (guint i = 0; i < all->len; i++) {
    const AblakFiling *filing = g_ptr_array_index(all, i);
    g_assert_cmpstr(filing->id, ==, made[i]->id);
    g_assert_cmpstr(filing->number, ==, "MINTA/2025/000001");
    g_assert_cmpint(filing->ordinal, ==, i + 1);
    g_assert_cmpint(ablak_json_get_int(filing->receipt, "ordinal", 0), ==, i + 1);
    g_assert_true(ablak_receipt_verify(filing->receipt, filing->signature, NULL, &error));
    const json_t *completes = json_object_get(filing->receipt, "completes");
    g_assert_cmpstr(i > 0 ? ablak_json_get_string(completes, "filingId") : NULL, ==,
                    i > 0 ? made[i - 1]->id : NULL);
  }
  g_autofree char *after =
      ablak_json_canonical(((AblakFiling *)g_ptr_array_index(all, 0))->receipt);
  g_assert_cmpstr(after, ==, receipt);
  g_assert_true(json_is_true(json_object_get(late->receipt, "late")));
  g_assert_true(json_is_false(json_object_get(timely->receipt, "late")));
  g_assert_true(json_is_false(json_object_get(undated->receipt, "late")));
  g_assert_null(json_object_get(undated->receipt, "due"));
  g_autoptr(AblakFiling) found = ablak_filing_find(txn, " minta/2025/000001\n", &error);
  g_assert_cmpstr(found->id, ==, undated->id);
  g_assert_null(ablak_filing_find(txn, "MINTA/2025/00000", &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "filings/unknown");
  g_clear_error(&error);
  g_clear_pointer(&txn, ablak_txn_end);

  /* Of one filing there are no two second ones. */
  const AblakFilingCompletes completes = {first, "x", NULL, NULL};
  Registration twice = {.world = &world, .submission = "s5", .epoch = 1, .completes = &completes};
  g_assert_false(ablak_store_write_sync(world.store, register_job, &twice, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "store/constraint");
  ablak_filing_free(twice.filing);
  world_close(&world);
}

static const char definition_text[] =
    "{\"title\":{\"hu\":\"Személyazonosító igazolvány iránti kérelem\",\"en\":\"Application for an "
    "identity card\"},\"layout\":["
    "{\"type\":\"section\",\"title\":{\"hu\":\"Kérelmező\",\"en\":\"Applicant\"},\"elements\":["
    "{\"type\":\"field\",\"field\":\"/familyName\",\"label\":{\"hu\":\"Családi "
    "név\",\"en\":\"Family "
    "name\"},\"widget\":\"text\"},"
    "{\"type\":\"field\",\"field\":\"/givenName\",\"label\":{\"hu\":\"Utónév\",\"en\":\"Given "
    "name\"},\"widget\":\"text\"},"
    "{\"type\":\"field\",\"field\":\"/born\",\"label\":{\"hu\":\"Születési idő\",\"en\":\"Date of "
    "birth\"},\"widget\":\"date\"},"
    "{\"type\":\"field\",\"field\":\"/reason\",\"label\":{\"hu\":\"Az igénylés "
    "oka\",\"en\":\"Reason\"},\"widget\":\"radio\",\"options\":[{\"value\":\"lost\",\"label\":{"
    "\"hu\":"
    "\"Elvesztés\",\"en\":\"Lost\"}}]},"
    "{\"type\":\"field\",\"field\":\"/fee\",\"label\":{\"hu\":\"A díjat megfizettem\",\"en\":\"I "
    "have "
    "paid the fee\"},\"widget\":\"checkbox\"}]},"
    "{\"type\":\"section\",\"title\":{\"hu\":\"Gyermekek\",\"en\":\"Children\"},\"elements\":["
    "{\"type\":\"repeat\",\"field\":\"/children\",\"title\":{\"hu\":\"Gyermek\",\"en\":\"Child\"},"
    "\"elements\":[{\"type\":\"field\",\"field\":\"name\",\"label\":{\"hu\":\"Név\",\"en\":"
    "\"Name\"},"
    "\"widget\":\"text\"},{\"type\":\"field\",\"field\":\"count\",\"label\":{\"hu\":\"Életkor\","
    "\"en\":\"Age\"},\"widget\":\"number\"}]}]},"
    "{\"type\":\"section\",\"title\":{\"hu\":\"Egyéb\",\"en\":\"Other\"},\"elements\":["
    "{\"type\":\"field\",\"field\":\"/"
    "remarks\",\"label\":{\"hu\":\"Megjegyzés\",\"en\":\"Remarks\"},"
    "\"widget\":\"textarea\"}]},"
    "{\"type\":\"section\",\"title\":{\"hu\":\"Hivatali rész\",\"en\":\"For the "
    "office\"},\"elements\":["
    "{\"type\":\"field\",\"field\":\"/verdict\",\"office\":true,\"label\":{\"hu\":\"Döntési "
    "javaslat\",\"en\":\"Proposal\"},\"widget\":\"text\"}]}]}";

static char *run(const char *const *argv)
{
  char *output = NULL;
  int status = 0;
  g_autoptr(GError) error = NULL;
  g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
                             NULL, &status, &error));
  g_assert_cmpint(status, ==, 0);
  return output;
}

/* The PDF's text and information; ABLAK_KEEP_PRINTS names a folder to look at them later. */
static char *read_back(World *world, GBytes *pdf, const char *name)
{
  const char *keep = g_getenv("ABLAK_KEEP_PRINTS");
  g_autofree char *path = g_build_filename(keep != NULL ? keep : world->folder, name, NULL);
  gsize size = 0;
  const char *data = g_bytes_get_data(pdf, &size);
  g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
  g_autofree char *text = run((const char *[]){"pdftotext", "-layout", path, "-", NULL});
  g_autofree char *info = run((const char *[]){"pdfinfo", path, NULL});
  return g_strconcat(info, "\f", text, NULL);
}

static void expect(const char *text, const char *wanted)
{
  if (strstr(text, wanted) == NULL)
    g_error("\"%s\" is not in:\n%s", wanted, text);
}

static AblakPrint print_of(World *world, const AblakFiling *filing, json_t *definition,
                           json_t *content, const char *language)
{
  return (AblakPrint){.language = language,
                      .binding_language = "hu",
                      .receipt = filing->receipt,
                      .signature = filing->signature,
                      .definition = definition,
                      .content = content,
                      .zone = world->zone};
}

static void test_print_receipt(void)
{
  World world;
  world_open(&world);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakFiling) filing = register_one(&world, "s1", 1);
  g_autoptr(json_t) definition = parse(definition_text);
  g_autoptr(json_t) office = parse("{\"hu\":\"Minta Kormányablak\",\"en\":\"Sample Office\"}");
  AblakPrint print = print_of(&world, filing, definition, NULL, "hu");
  print.office_name = office;
  g_autoptr(GBytes) pdf = ablak_print_receipt(&print, &error);
  g_assert_no_error(error);
  g_autofree char *text = read_back(&world, pdf, "receipt-hu.pdf");
  expect(text, "Tagged:          yes");
  expect(text, "Pages:           1");
  expect(text, "A4");
  expect(text, "Átvételi elismervény");
  expect(text, "MINTA/2025/000001");
  expect(text, "2025. 12. 31. 23:59:59");
  expect(text, "Minta Kormányablak");
  expect(text, "Minta – nem hivatalos irat");
  expect(text, "Családi név");
  expect(text, "Gyermek 2: Név");
  expect(text, "44136fa355b3678a");
  g_assert_null(strstr(text, "Döntési javaslat"));
  g_assert_null(strstr(text, "tájékoztató fordítás"));
  g_assert_null(strstr(text, "print."));
  print.language = "en";
  g_autoptr(GBytes) english = ablak_print_receipt(&print, &error);
  g_autofree char *translated = read_back(&world, english, "receipt-en.pdf");
  expect(translated, "Acknowledgement of receipt");
  expect(translated, "The Hungarian text is binding");
  expect(translated, "Identity card");
  world_close(&world);
}

static void test_print_completion(void)
{
  World world;
  world_open(&world);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakFiling) first = register_one(&world, "s1", 1);
  g_autoptr(AblakFiling) filing = complete_one(&world, first, "s2", "2025-12-31");
  g_autoptr(json_t) definition = parse(definition_text);
  g_autoptr(json_t) office = parse("{\"hu\":\"Minta Kormányablak\",\"en\":\"Sample Office\"}");
  AblakPrint print = print_of(&world, filing, definition, NULL, "hu");
  print.office_name = office;
  g_autoptr(GBytes) pdf = ablak_print_receipt(&print, &error);
  g_assert_no_error(error);
  g_autofree char *text = read_back(&world, pdf, "completion-hu.pdf");
  static const char *const wanted[] = {"Pages:           1",
                                       "MINTA/2025/000001, 1. hiánypótlás",
                                       "2025. 12. 31. 23:59:59", /* what it completes */
                                       "2026. 01. 01. 00:59:59",
                                       "Kérjük, pótolja a családi nevet.",
                                       "2025. 12. 31.",
                                       "a hivatal így is átvette",
                                       "Családi név",
                                       "Gyermek 2"};
  for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
    expect(text, wanted[i]);
  g_assert_null(strstr(text, "Döntési javaslat"));
  g_assert_null(strstr(text, "print."));
  print.language = "en";
  g_autoptr(GBytes) english = ablak_print_receipt(&print, &error);
  g_autofree char *translated = read_back(&world, english, "completion-en.pdf");
  expect(translated, "MINTA/2025/000001, completion 1");
  expect(translated, "Entries changed");
  world_close(&world);
}

static void test_print_content(void)
{
  World world;
  world_open(&world);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakFiling) filing = register_one(&world, "s1", 1);
  g_autoptr(json_t) definition = parse(definition_text);
  g_autoptr(GString) remarks = g_string_new(NULL);
  for (int i = 1; i <= 90; i++)
    g_string_append_printf(remarks, "%d. sor: árvíztűrő tükörfúrógép, příliš žluťoučký kůň 😀\n", i);
  g_autoptr(json_t) content =
      json_pack("{s:s, s:s, s:s, s:b, s:s, s:[{s:s, s:i}, {s:i}], s:s}", "givenName", "Éva", "born",
                "1990-02-01", "reason", "lost", "fee", 1, "remarks", remarks->str, "children",
                "name", "Minta Ágnes", "count", 7, "count", 3, "verdict", "titok");
  AblakPrint print = print_of(&world, filing, definition, content, "hu");
  g_autoptr(GBytes) pdf = ablak_print_content(&print, &error);
  g_assert_no_error(error);
  g_autofree char *text = read_back(&world, pdf, "content-hu.pdf");
  static const char *const wanted[] = {"Tagged:          yes",
                                       "Személyazonosító igazolvány iránti kérelem",
                                       "A beadvány másolata",
                                       "1990. 02. 01.",
                                       "Elvesztés",
                                       "Igen",
                                       "Gyermek 1",
                                       "Minta Ágnes",
                                       "Gyermek 2",
                                       "90. sor",
                                       "Nincs megadva",
                                       "Hiányzik",
                                       "MINTA/2025/000001",
                                       "1. oldal, összesen"};
  for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
    expect(text, wanted[i]);
  g_assert_null(strstr(text, "titok"));
  g_assert_null(strstr(text, "Hivatali rész"));
  g_assert_null(strstr(text, "Pages:           1\n"));
  print.with_office = true;
  g_autoptr(GBytes) office = ablak_print_content(&print, &error);
  g_autofree char *inside = read_back(&world, office, "content-office.pdf");
  expect(inside, "titok");
  expect(inside, "Hivatali rész");
  world_close(&world);
}

/* Every published sample form prints, filled or not, in its office's languages. */
static void test_print_samples(void)
{
  static const char *const offices[][2] = {{"hu", "en"}, {"cs", "en"}};
  World world;
  world_open(&world);
  g_autoptr(AblakFiling) filing = register_one(&world, "s1", 1);
  unsigned count = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(offices); i++) {
    g_autofree char *folder = g_test_build_filename(G_TEST_DIST, "..", "..", "..", "kb", "samples",
                                                    offices[i][0], "forms", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
      g_autofree char *path = g_build_filename(folder, name, NULL), *source = NULL;
      g_assert_true(g_file_get_contents(path, &source, NULL, NULL));
      g_autoptr(json_t) definition = parse(source);
      g_autoptr(json_t) content = json_object();
      g_autoptr(GError) error = NULL;
      AblakPrint print = print_of(&world, filing, definition, content, offices[i][count % 2]);
      g_autoptr(GBytes) pdf = ablak_print_content(&print, &error);
      g_assert_no_error(error);
      g_autofree char *pdf_name = g_strdup_printf("%s.pdf", name);
      g_autofree char *text = read_back(&world, pdf, pdf_name);
      expect(text, "MINTA/2025/000001");
      g_assert_null(strstr(text, "print."));
      count++;
    }
  }
  g_assert_cmpuint(count, ==, 16);
  world_close(&world);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/filings/numbers", test_numbers);
  g_test_add_func("/filings/exhausted", test_exhausted);
  g_test_add_func("/filings/receipt", test_receipt);
  g_test_add_func("/filings/completions", test_completions);
  g_test_add_func("/filings/print-completion", test_print_completion);
  g_test_add_func("/filings/print-receipt", test_print_receipt);
  g_test_add_func("/filings/print-content", test_print_content);
  g_test_add_func("/filings/print-samples", test_print_samples);
  return g_test_run();
}
