/* The samples fit their formats; a mistake in a source is named with its place. */
#include "core/error.h"
#include "fixture.h"
#include <string.h>

static unsigned parse_folder(AblakKbKind kind, const char *office, const char *name)
{
  g_autofree char *base = sample_folder(office);
  g_autofree char *folder = g_build_filename(base, name, NULL);
  g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
  g_assert_nonnull(directory);
  unsigned count = 0;
  for (const char *file; (file = g_dir_read_name(directory)) != NULL; count++) {
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *text = NULL;
    gsize length;
    GError *error = NULL;
    g_assert_true(g_file_get_contents(path, &text, &length, NULL));
    g_autoptr(json_t) value = ablak_kb_source_parse(kind, file, text, length, &error);
    g_assert_no_error(error);
    g_assert_true(ablak_json_get_bool(value, "sample", false));
  }
  return count;
}

static void test_samples(void)
{
  static const char *const offices[] = {"hu", "cs"};
  for (gsize i = 0; i < G_N_ELEMENTS(offices); i++) {
    g_assert_cmpuint(parse_folder(ABLAK_KB_SERVICE, offices[i], "services"), ==, 8);
    g_assert_cmpuint(parse_folder(ABLAK_KB_FORM, offices[i], "forms"), ==, 8);
  }
}

/* One change to one source file of a copied office, and where the build must point to. */
typedef struct {
  const char *file;
  const char *path; /* members down to the place, separated by '/' */
  const char *json; /* the new value; NULL removes the member */
  const char *place;
} Mistake;

static const Mistake mistakes[] = {
    {"services/id-card.json", "fee/amount", "\"much\"", "id-card.json#/fee/amount: type"},
    {"services/id-card.json", "fee/amount", "-1", "id-card.json#/fee/amount: minimum"},
    {"services/id-card.json", "updated", "\"2026-02-30\"", "id-card.json#/updated: format"},
    {"services/id-card.json", "channels", "[\"fax\"]", "id-card.json#/channels/0: enum"},
    {"services/id-card.json", "surprise", "1", "id-card.json#/surprise: "},
    {"services/id-card.json", "name", NULL, "id-card.json#: required name"},
    {"services/id-card.json", "form", "\"hu.nothing\"", "hu.id-card#/form: there is no form"},
    {"services/id-card.json", "prefix", "\"B\"", "#/prefix: another service has it"},
    {"services/id-card.json", "id", "\"hu.address\"", "hu.address#/id: another file has it"},
    {"services/id-card.json", "name", "{\"hu\":\"x\"}", "#/name: the text is missing in \"en\""},
    {"services/id-card.json", "fee/text/de", "\"x\"", "#/fee/text: the office has no language"},
    {"services/id-card.json", "language/binding", "\"cs\"", "#/language/binding: the office has"},
    {"forms/id-card-form.json", "version", "0", "id-card-form.json#/version: minimum"},
    {"forms/id-card-form.json", "schema/properties/extra", "{\"type\":\"string\"}",
     "\"extra\" is nowhere in the layout"},
    {"forms/id-card-form.json", "schema/properties/familyName", NULL,
     "#/layout/0/elements/0: the schema has no property \"familyName\""},
    {"forms/id-card-form.json", "schema/properties/familyName", "{\"type\":\"array\"}",
     "has another type"},
    {"forms/id-card-form.json", "schema/properties/fingerprint", "{\"type\":\"string\"}",
     "has another type"},
    {"forms/id-card-form.json", "schema/required", "[\"nothing\"]", "\"nothing\" is required"},
    {"forms/id-card-form.json", "schema/properties/reason/enum", "[\"first\"]",
     "the options are not the schema's enum"},
    {"forms/id-card-form.json", "schema/properties/familyName", "{\"type\":\"strange\"}",
     "id-card-form.json#/schema/properties/familyName/type: "},
    {"forms/id-card-form.json", "schema/properties/email/pattern", "\"(\"", "#/schema"},
    {"office.json", "languages", "[]", "office.json#/languages: minItems"},
    {"office.json", "id", "\"../x\"", "office.json#/id: pattern"},
};

static void change(json_t *value, const Mistake *mistake)
{
  g_auto(GStrv) members = g_strsplit(mistake->path, "/", -1);
  guint last = g_strv_length(members) - 1;
  for (guint i = 0; i < last; i++)
    value = json_object_get(value, members[i]);
  g_assert_true(json_is_object(value));
  if (mistake->json == NULL)
    g_assert_cmpint(json_object_del(value, members[last]), ==, 0);
  else
    json_object_set_new(value, members[last], json_loads(mistake->json, JSON_DECODE_ANY, NULL));
}

static void test_mistakes(Fixture *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS(mistakes); i++) {
    const Mistake *mistake = &mistakes[i];
    g_autofree char *office = copy_sample(fixture, "hu");
    g_autofree char *path = g_build_filename(office, mistake->file, NULL);
    g_autoptr(json_t) value = read_json(path);
    change(value, mistake);
    write_json(path, value);
    g_autofree char *edition = fixture_path(fixture, "edition.sqlite");
    const char *const directories[] = {office, NULL};
    g_autoptr(GError) error = NULL;
    g_assert_false(ablak_kb_build(directories, 1, 0, edition, &error));
    assert_slug(error, "kb/source");
    g_test_message("%s", error->message);
    if (strstr(error->message, mistake->place) == NULL)
      g_error("expected \"%s\" in \"%s\"", mistake->place, error->message);
    g_assert_false(g_file_test(edition, G_FILE_TEST_EXISTS));
    remove_tree(office);
  }
}

static void test_texts(void)
{
  static const char *const texts[] = {"",
                                      "{",
                                      "[]",
                                      "null",
                                      "\"x\"",
                                      "{\"id\":1}",
                                      "{\"id\":\"x\",\"id\":\"y\"}",
                                      "\xff\xfe",
                                      "{\"a\":\"\\u0000\"}"};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    for (int kind = ABLAK_KB_OFFICE; kind <= ABLAK_KB_FORM; kind++) {
      g_autoptr(GError) error = NULL;
      g_assert_null(
          ablak_kb_source_parse((AblakKbKind)kind, "name", texts[i], strlen(texts[i]), &error));
      assert_slug(error, "kb/source");
      g_assert_true(g_str_has_prefix(error->message, "name#"));
    }
}

static void test_same_office_twice(Fixture *fixture, gconstpointer data)
{
  g_autofree char *hu = sample_folder("hu"), *path = fixture_path(fixture, "edition.sqlite");
  const char *const directories[] = {hu, hu, NULL};
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_kb_build(directories, 1, 0, path, &error));
  assert_slug(error, "kb/source");
}

static void test_missing_folder(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_path(fixture, "edition.sqlite");
  const char *const directories[] = {fixture->folder, NULL};
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_kb_build(directories, 1, 0, path, &error));
  assert_slug(error, "kb/file");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/kb/sources/samples", test_samples);
  g_test_add_func("/kb/sources/texts", test_texts);
  ABLAK_TEST("/kb/sources/mistakes", test_mistakes);
  ABLAK_TEST("/kb/sources/same-office-twice", test_same_office_twice);
  ABLAK_TEST("/kb/sources/missing-folder", test_missing_folder);
  return g_test_run();
}
