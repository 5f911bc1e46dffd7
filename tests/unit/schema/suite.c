/* Runs the official JSON Schema test suite for 2020-12, as Debian's
 * libtest-json-schema-acceptance-perl ships it (JSON_SCHEMA_SUITE): every
 * required case, the optional ones on references, regular expressions and numbers, and those of the
 * formats that schema/schema.h lists. No case is excepted. */
#include "schema/schema.h"
#include <string.h>

typedef struct {
  const char *file;
  json_t *documents;
  bool assert_format;
  unsigned passed;
} Suite;

static json_t *load(const char *path)
{
  json_error_t error;
  json_t *json = json_load_file(path, JSON_DECODE_ANY, &error);
  if (json == NULL)
    g_error("%s:%d: %s", path, error.line, error.text);
  return json;
}

static void run_group(Suite *suite, json_t *group)
{
  const char *name = ablak_json_get_string(group, "description");
  AblakSchemaOptions options = {suite->assert_format, suite->documents};
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakSchema) schema =
      ablak_schema_compile(json_object_get(group, "schema"), &options, &error);
  if (schema == NULL) {
    g_test_message("%s: %s: %s", suite->file, name, error->message);
    g_test_fail();
    return;
  }
  json_t *tests = json_object_get(group, "tests");
  for (gsize i = 0; i < json_array_size(tests); i++) {
    json_t *test = json_array_get(tests, i);
    const char *title = ablak_json_get_string(test, "description");
    bool wanted = json_is_true(json_object_get(test, "valid"));
    g_autoptr(GPtrArray) issues = NULL;
    bool quick = ablak_schema_validate(schema, json_object_get(test, "data"), 0, NULL);
    bool full = ablak_schema_validate(schema, json_object_get(test, "data"), 10, &issues);
    bool right = quick == wanted && full == wanted && (full || issues->len > 0);
    if (!right) {
      g_test_message("%s: %s: %s: wanted %d, got %d and %d", suite->file, name, title, wanted,
                     quick, full);
      g_test_fail();
    }
    suite->passed += right;
  }
}

static void load_remotes(json_t *documents, const char *folder, const char *below)
{
  g_autofree char *path = g_build_filename(folder, below, NULL);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(dir)) != NULL) {
    g_autofree char *inner = *below == '\0' ? g_strdup(name) : g_strconcat(below, "/", name, NULL);
    g_autofree char *full = g_build_filename(folder, inner, NULL);
    g_autofree char *uri = g_strconcat("http://localhost:1234/", inner, NULL);
    if (g_file_test(full, G_FILE_TEST_IS_DIR))
      load_remotes(documents, folder, inner);
    else
      json_object_set_new(documents, uri, load(full));
  }
}

/* Integers beyond 64 bits are refused by the parser (core/json.h), so bignum.json is read with
 * them as reals, which is what its cases need. */
static unsigned run_file(const char *folder, const char *name, bool assert_format)
{
  g_autofree char *root = g_strdup(JSON_SCHEMA_SUITE);
  g_autofree char *remotes = g_build_filename(root, "remotes", NULL);
  g_autofree char *path = g_build_filename(root, "tests", "draft2020-12", folder, name, NULL);
  g_autoptr(json_t) documents = json_object();
  load_remotes(documents, remotes, "");
  json_error_t problem;
  size_t flags = JSON_ALLOW_NUL | (g_str_equal(name, "bignum.json") ? JSON_DECODE_INT_AS_REAL : 0);
  g_autoptr(json_t) groups = json_load_file(path, flags, &problem);
  if (groups == NULL)
    g_error("%s: %s", path, problem.text);
  Suite suite = {name, documents, assert_format, 0};
  for (gsize i = 0; i < json_array_size(groups); i++)
    run_group(&suite, json_array_get(groups, i));
  return suite.passed;
}

/* Other drafts than 2020-12, and formats beyond those schema.h lists, which are annotations here.
 */
static bool is_out_of_scope(const char *name)
{
  static const char *const files[] = {"cross-draft.json",
                                      "dependencies-compatibility.json",
                                      "duration.json",
                                      "hostname.json",
                                      "idn-email.json",
                                      "idn-hostname.json",
                                      "iri-reference.json",
                                      "iri.json",
                                      "json-pointer.json",
                                      "uri-template.json",
                                      "relative-json-pointer.json",
                                      "uri-reference.json",
                                      NULL};
  return g_strv_contains(files, name);
}

static void run_folder(const char *folder, bool assert_format, unsigned least)
{
  g_autofree char *path =
      g_build_filename(JSON_SCHEMA_SUITE, "tests", "draft2020-12", folder, NULL);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  unsigned passed = 0;
  const char *name;
  while ((name = g_dir_read_name(dir)) != NULL) {
    if (!g_str_has_suffix(name, ".json") || is_out_of_scope(name))
      continue;
    /* One of its cases is about the format "regex". */
    bool asserts = assert_format || g_str_equal(name, "ecmascript-regex.json");
    passed += run_file(folder, name, asserts);
  }
  g_test_message("%u cases", passed);
  g_assert_cmpuint(passed, >=, least);
}

static void test_required(void)
{
  run_folder(".", false, 1150);
}

static void test_optional(void)
{
  run_folder("optional", false, 100);
}

static void test_format(void)
{
  run_folder("optional/format", true, 250);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/schema/suite/required", test_required);
  g_test_add_func("/schema/suite/optional", test_optional);
  g_test_add_func("/schema/suite/format", test_format);
  return g_test_run();
}
