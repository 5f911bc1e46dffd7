/* Definitions, gaps, drafts and submissions over a real store. */
#include "core/crypto.h"
#include "fixture.h"

static void test_parse(void)
{
  g_autoptr(AblakForm) form = parse_form();
  g_assert_cmpstr(ablak_form_id(form), ==, "test.form");
  g_assert_cmpint(ablak_form_version(form), ==, 3);
  g_assert_true(ablak_form_is_sample(form));
  g_assert_cmpuint(ablak_form_fields(form)->len, ==, 8);
  const AblakFormField *field = ablak_form_field_at(form, "/children/11/born");
  g_assert_cmpint(field->widget, ==, ABLAK_WIDGET_DATE);
  g_assert_cmpstr(field->group->name, ==, "children");
  g_assert_true(ablak_form_field_at(form, "/verdict")->office);
  static const char *const none[] = {"",
                                     "/",
                                     "name",
                                     "/nome",
                                     "/name/0",
                                     "/children/x/born",
                                     "/children/-1/born",
                                     "/children/0",
                                     "/children/0/born/x"};
  for (gsize i = 0; i < G_N_ELEMENTS(none); i++)
    g_assert_null(ablak_form_field_at(form, none[i]));
}

static void set_at(json_t *root, const char *path, json_t *value)
{
  g_auto(GStrv) tokens = g_strsplit(path, "/", -1);
  json_t *at = root;
  gsize i = 0;
  for (; tokens[i + 1] != NULL; i++)
    at = json_is_array(at) ? json_array_get(at, g_ascii_strtoull(tokens[i], NULL, 10))
                           : json_object_get(at, tokens[i]);
  if (value == NULL)
    json_object_del(at, tokens[i]);
  else
    json_object_set_new(at, tokens[i], value);
}

static void test_refused(void)
{
  static const char *const languages[] = {"hu", "en", NULL};
  struct {
    const char *path;
    json_t *value;
  } cases[] = {{"id", NULL},
               {"version", json_integer(0)},
               {"title/hu", NULL},
               {"schema", json_true()},
               {"schema/type", json_string("thing")},
               {"schema/properties/name", NULL},
               {"layout/0/elements", json_array()},
               {"layout/0/title/en", NULL},
               {"layout/0/elements/0/field", json_string("name")},
               {"layout/0/elements/0/field", json_string("/na me")},
               {"layout/0/elements/0/widget", json_string("colour")},
               {"layout/0/elements/0/widget", json_string("select")},
               {"layout/0/elements/0/label", NULL},
               {"layout/0/elements/1/field", json_string("/name")},
               {"layout/0/elements/2/options/0/value", json_string("c")},
               {"layout/0/elements/6/elements", json_array()},
               {"layout/0/elements/6/elements/0/field", json_string("nobody")}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(json_t) definition = parse_json(form_text);
    set_at(definition, cases[i].path, cases[i].value);
    g_autoptr(GError) error = NULL;
    g_test_message("%s", cases[i].path);
    g_assert_null(ablak_form_parse(definition, languages, &error));
    g_assert_cmpuint(ablak_error_status(error), ==, 422);
  }
}

/* Every published sample can be read in its office's languages. */
static void test_samples(void)
{
  static const char *const offices[][3] = {{"hu", "en", NULL}, {"cs", "en", NULL}};
  for (gsize i = 0; i < G_N_ELEMENTS(offices); i++) {
    g_autofree char *folder = g_test_build_filename(G_TEST_DIST, "..", "..", "..", "kb", "samples",
                                                    offices[i][0], "forms", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    unsigned count = 0;
    while ((name = g_dir_read_name(dir)) != NULL) {
      g_autofree char *path = g_build_filename(folder, name, NULL), *text = NULL;
      g_autoptr(GError) error = NULL;
      g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
      g_autoptr(json_t) definition = parse_json(text);
      g_autoptr(AblakForm) form = ablak_form_parse(definition, offices[i], &error);
      g_assert_no_error(error);
      g_autoptr(json_t) nothing = json_object();
      g_autoptr(json_t) gaps = ablak_form_gaps(form, nothing);
      g_assert_cmpuint(json_array_size(gaps), >, 0);
      count++;
    }
    g_assert_cmpuint(count, ==, 8);
  }
}

static void test_gaps(void)
{
  g_autoptr(AblakForm) form = parse_form();
  g_autoptr(json_t) content = parse_json("{\"name\":\"x\",\"born\":\"2024-02-30\",\"count\":-1,"
                                         "\"children\":[{\"name\":\"a\"},{\"born\":\"x\"}]}");
  g_autoptr(json_t) gaps = ablak_form_gaps(form, content);
  g_autoptr(json_t) wanted =
      parse_json("[{\"path\":\"/name\",\"keyword\":\"minLength\",\"detail\":\"2\"},"
                 "{\"path\":\"/kind\",\"keyword\":\"required\",\"detail\":\"kind\"},"
                 "{\"path\":\"/born\",\"keyword\":\"format\",\"detail\":\"date\"},"
                 "{\"path\":\"/count\",\"keyword\":\"minimum\",\"detail\":\"0\"},"
                 "{\"path\":\"/children/1/name\",\"keyword\":\"required\",\"detail\":\"name\"},"
                 "{\"path\":\"/children/1/born\",\"keyword\":\"format\",\"detail\":\"date\"}]");
  g_autofree char *text = ablak_json_text(gaps);
  g_test_message("%s", text);
  g_assert_true(json_equal(gaps, wanted));
  g_autoptr(json_t) full = parse_json("{\"name\":\"xy\",\"kind\":\"a\"}");
  g_autoptr(json_t) none = ablak_form_gaps(form, full);
  g_assert_cmpuint(json_array_size(none), ==, 0);
}

typedef struct {
  const char *draft_id;
  bool accept;
  AblakSubmission *submission;
} Filing;

static bool submit_job(AblakTxn *txn, gpointer data, GError **error)
{
  Filing *filing = data;
  g_clear_pointer(&filing->submission, ablak_submission_free);
  return ablak_submission_create(txn, filing->draft_id, "citizen", "visit-1", filing->accept,
                                 &filing->submission, error);
}

static void test_submission(void)
{
  g_autofree char *folder = g_dir_make_tmp("ablak-forms-XXXXXX", NULL);
  g_autoptr(AblakStore) store = open_store(folder);
  g_autofree char *id = create_draft(store);
  g_autoptr(GError) error = NULL;
  Filing filing = {id, false, NULL};
  g_assert_false(ablak_store_write_sync(store, submit_job, &filing, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "forms/gaps");
  g_clear_error(&error);
  filing.accept = true;
  g_assert_true(ablak_store_write_sync(store, submit_job, &filing, &error));
  g_assert_no_error(error);
  g_assert_cmpstr(filing.submission->content, ==, "{}");
  g_autofree char *digest = ablak_sha256_hex("{}", 2);
  g_assert_cmpstr(filing.submission->content_sha256, ==, digest);
  g_assert_cmpuint(json_array_size(filing.submission->gaps), ==, 2);
  g_assert_cmpint(filing.submission->form_version, ==, 3);
  g_clear_pointer(&filing.submission, ablak_submission_free);
  g_assert_false(ablak_store_write_sync(store, submit_job, &filing, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "forms/frozen");
  g_clear_error(&error);
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  g_autoptr(AblakDraft) draft = ablak_draft_of_visit(txn, "visit-1", &error);
  g_assert_true(draft->filed);
  g_assert_cmpint(draft->filed_at, >, 0);
  g_autoptr(AblakSubmission) found = ablak_submission_of_draft(txn, id, &error);
  g_assert_cmpstr(found->content_sha256, ==, digest);
  g_assert_null(ablak_draft_get(txn, "nothing", &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "forms/unknown-draft");
  g_clear_pointer(&txn, ablak_txn_end);
  g_clear_pointer(&store, ablak_store_close);
  remove_folder(folder);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/forms/parse", test_parse);
  g_test_add_func("/forms/refused", test_refused);
  g_test_add_func("/forms/samples", test_samples);
  g_test_add_func("/forms/gaps", test_gaps);
  g_test_add_func("/forms/submission", test_submission);
  return g_test_run();
}
