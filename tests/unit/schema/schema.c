/* What the official suite does not cover: issues, limits, numbers, errors at compilation. */
#include "schema/schema.h"
#include "core/error.h"
#include <string.h>

static json_t *parse(const char *text)
{
  g_autoptr(GError) error = NULL;
  json_t *json = ablak_json_parse(text, strlen(text), &error);
  g_assert_no_error(error);
  return json;
}

static AblakSchema *compile(const char *text)
{
  g_autoptr(json_t) json = parse(text);
  g_autoptr(GError) error = NULL;
  AblakSchemaOptions options = {.assert_format = true};
  AblakSchema *schema = ablak_schema_compile(json, &options, &error);
  g_assert_no_error(error);
  return schema;
}

static bool valid(const char *schema_text, const char *instance_text)
{
  g_autoptr(AblakSchema) schema = compile(schema_text);
  g_autoptr(json_t) instance = parse(instance_text);
  g_autoptr(GPtrArray) issues = NULL;
  bool quick = ablak_schema_validate(schema, instance, 0, NULL);
  bool full = ablak_schema_validate(schema, instance, 100, &issues);
  g_assert_cmpint(quick, ==, full);
  g_assert_true(full == (issues == NULL));
  return full;
}

/* Issues as lines "keyword instance schema detail". */
static char *issues_of(const char *schema_text, const char *instance_text, gsize most)
{
  g_autoptr(AblakSchema) schema = compile(schema_text);
  g_autoptr(json_t) instance = parse(instance_text);
  g_autoptr(GPtrArray) issues = NULL;
  g_assert_false(ablak_schema_validate(schema, instance, most, &issues));
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < issues->len; i++) {
    const AblakSchemaIssue *issue = g_ptr_array_index(issues, i);
    g_string_append_printf(text, "%s [%s] [%s] %s\n", issue->keyword, issue->instance_path,
                           issue->schema_path, issue->detail != NULL ? issue->detail : "-");
  }
  return g_string_free(text, FALSE);
}

static void test_issues(void)
{
  static const char schema[] =
      "{\"$defs\":{\"n\":{\"maxLength\":3}},\"required\":[\"a\",\"b\"],\"properties\":{"
      "\"a\":{\"$ref\":\"#/$defs/n\"},\"x/y~\":{\"items\":{\"minimum\":2}}},"
      "\"additionalProperties\":false}";
  g_autofree char *text = issues_of(schema, "{\"x/y~\":[2,1],\"a\":\"árvíz\",\"z\":1}", 100);
  g_assert_cmpstr(text, ==,
                  "required [] [/required] b\n"
                  "maxLength [/a] [/properties/a/$ref/maxLength] 3\n"
                  "additionalProperties [/z] [/additionalProperties] z\n"
                  "minimum [/x~1y~0/1] [/properties/x~1y~0/items/minimum] 2\n");
  g_autofree char *capped = issues_of(schema, "{\"x/y~\":[2,1],\"a\":\"árvíz\"}", 1);
  g_assert_cmpstr(capped, ==, "required [] [/required] b\n");
}

static void test_nearest_branch(void)
{
  g_autofree char *text = issues_of("{\"oneOf\":[{\"type\":\"object\",\"required\":[\"a\",\"b\"]},"
                                    "{\"type\":\"object\",\"required\":[\"c\"]}]}",
                                    "{}", 100);
  g_assert_cmpstr(text, ==, "oneOf [] [/oneOf] -\nrequired [] [/oneOf/1/required] c\n");
  g_autofree char *two = issues_of("{\"oneOf\":[true,true]}", "1", 100);
  g_assert_cmpstr(two, ==, "oneOf [] [/oneOf] more than one\n");
}

static void test_conditional(void)
{
  static const char schema[] = "{\"if\":{\"properties\":{\"kind\":{\"const\":\"child\"}},"
                               "\"required\":[\"kind\"]},\"then\":{\"required\":[\"guardian\"]}}";
  g_assert_true(valid(schema, "{}"));
  g_autofree char *text = issues_of(schema, "{\"kind\":\"child\"}", 100);
  g_assert_cmpstr(text, ==, "required [] [/then/required] guardian\n");
}

static void test_endless_schema(void)
{
  g_autofree char *text = issues_of("{\"$ref\":\"#\"}", "1", 100);
  g_assert_true(g_str_has_prefix(text, "limit "));
  /* nothing around the limit may turn it into a success */
  g_assert_false(
      valid("{\"$defs\":{\"e\":{\"$ref\":\"#/$defs/e\"}},\"not\":{\"$ref\":\"#/$defs/e\"}}", "1"));
  g_assert_false(valid(
      "{\"$defs\":{\"e\":{\"$ref\":\"#/$defs/e\"}},\"anyOf\":[{\"$ref\":\"#/$defs/e\"},true]}",
      "1"));
}

static void test_exploding_schema(void)
{
  GString *text = g_string_new("{\"$defs\":{\"d0\":{\"type\":\"string\"}");
  for (int i = 1; i <= 40; i++)
    g_string_append_printf(
        text, ",\"d%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":\"#/$defs/d%d\"}]}", i,
        i - 1, i - 1);
  g_string_append(text, "},\"$ref\":\"#/$defs/d40\"}");
  g_autofree char *schema = g_string_free(text, FALSE);
  gint64 began = g_get_monotonic_time();
  g_assert_false(valid(schema, "1"));
  g_assert_cmpint(g_get_monotonic_time() - began, <, 30 * G_USEC_PER_SEC);
}

static void test_hostile_pattern(void)
{
  g_autofree char *as = g_strnfill(5000, 'a');
  g_autofree char *instance = g_strdup_printf("\"%s!\"", as);
  gint64 began = g_get_monotonic_time();
  g_assert_false(valid("{\"pattern\":\"^(a+)+$\"}", instance));
  g_assert_false(valid("{\"not\":{\"pattern\":\"^(a|a)*$\"}}", instance));
  g_assert_cmpint(g_get_monotonic_time() - began, <, 10 * G_USEC_PER_SEC);
}

static void test_patterns(void)
{
  static const struct {
    const char *pattern, *text;
    bool matches;
  } cases[] = {{"^[\\\\d-x]$", "\"-\"", true},
               {"^[^\\\\S]$", "\"\\u00a0\"", true},
               {"^.$", "\"\\u2028\"", false},
               {"^\\\\bő", "\"ő\"", false}, /* ő is no word character in ECMA-262 */
               {"^\\\\p{Lu}\\\\p{Ll}+$", "\"Éva\"", true},
               {"^\\\\p{Script=Greek}+$", "\"πρ\"", true},
               {"^[\\\\p{L}\\\\-' ]{2,}$", "\"Nagy-Kovács\"", true},
               {"^\\\\u{1F600}$", "\"😀\"", true},
               {"^\\\\uD83D\\\\uDE00$", "\"😀\"", true},
               {"^a{,2}$", "\"a{,2}\"", true},
               {"^(?<y>\\\\d)\\\\k<y>$", "\"77\"", true},
               {"(?<!x)y", "\"xy\"", false},
               {"^[^]$", "\"\\n\"", true},
               {"[]", "\"\"", false},
               {"^a$", "\"a\\n\"", false}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *schema = g_strdup_printf("{\"pattern\":\"%s\"}", cases[i].pattern);
    g_test_message("%s on %s", cases[i].pattern, cases[i].text);
    g_assert_cmpint(valid(schema, cases[i].text), ==, cases[i].matches);
  }
}

static void test_numbers(void)
{
  static const struct {
    const char *schema, *instance;
    bool valid;
  } cases[] = {{"{\"multipleOf\":0.01}", "19.99", true},
               {"{\"multipleOf\":0.01}", "4.35", true},
               {"{\"multipleOf\":0.01}", "4.351", false},
               {"{\"multipleOf\":0.1}", "1e300", true},
               {"{\"multipleOf\":3}", "9007199254740993", true},
               {"{\"multipleOf\":3}", "9007199254740992", false},
               {"{\"multipleOf\":1e-300}", "1e-301", false},
               {"{\"maximum\":9007199254740992.0}", "9007199254740993", false},
               {"{\"const\":9007199254740992.0}", "9007199254740993", false},
               {"{\"const\":1}", "1.0", true},
               {"{\"type\":\"integer\"}", "1.5", false},
               {"{\"type\":\"integer\"}", "1e3", true},
               {"{\"uniqueItems\":true}", "[1,{\"a\":[1]},1.0]", false},
               {"{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0}]", false},
               {"{\"uniqueItems\":true}", "[[],{},0,false,null,\"\"]", true}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_test_message("%s on %s", cases[i].schema, cases[i].instance);
    g_assert_cmpint(valid(cases[i].schema, cases[i].instance), ==, cases[i].valid);
  }
}

static void test_refused(void)
{
  static const struct {
    const char *schema, *slug;
  } cases[] = {{"[]", "schema/invalid"},
               {"{\"type\":\"text\"}", "schema/invalid"},
               {"{\"properties\":{\"a\":1}}", "schema/invalid"},
               {"{\"minLength\":-1}", "schema/invalid"},
               {"{\"multipleOf\":0}", "schema/invalid"},
               {"{\"required\":[1]}", "schema/invalid"},
               {"{\"pattern\":\"(\"}", "schema/pattern"},
               {"{\"pattern\":\"(?i)a\"}", "schema/pattern"},
               {"{\"pattern\":\"(*ACCEPT)\"}", "schema/pattern"},
               {"{\"pattern\":\"a++\"}", "schema/pattern"},
               {"{\"pattern\":\"(?R)\"}", "schema/pattern"},
               {"{\"patternProperties\":{\"\\\\Aa\":true}}", "schema/pattern"},
               {"{\"$ref\":\"#/$defs/none\"}", "schema/reference"},
               {"{\"$ref\":\"#none\"}", "schema/reference"},
               {"{\"$ref\":\"https://example.com/else\"}", "schema/reference"},
               {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "schema/reference"}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(json_t) json = parse(cases[i].schema);
    g_autoptr(GError) error = NULL;
    g_test_message("%s", cases[i].schema);
    g_assert_null(ablak_schema_compile(json, NULL, &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, cases[i].slug);
    g_assert_cmpuint(ablak_error_status(error), ==, 422);
  }
}

static void test_metaschema(void)
{
  static const char meta[] = "{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}";
  g_assert_true(valid(meta, "{\"type\":[\"string\",\"null\"],\"$defs\":{\"a\":{\"minimum\":1}}}"));
  g_assert_false(valid(meta, "{\"$defs\":{\"a\":{\"minimum\":\"1\"}}}"));
}

/* The caller may change or free the schema after compiling it. */
static void test_private_copy(void)
{
  g_autoptr(json_t) json = parse("{\"properties\":{\"a\":{\"type\":\"string\"}}}");
  g_autoptr(AblakSchema) schema = ablak_schema_compile(json, NULL, NULL);
  json_object_clear(json);
  g_autoptr(json_t) instance = parse("{\"a\":1}");
  g_assert_false(ablak_schema_validate(schema, instance, 0, NULL));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/schema/issues", test_issues);
  g_test_add_func("/schema/nearest-branch", test_nearest_branch);
  g_test_add_func("/schema/conditional", test_conditional);
  g_test_add_func("/schema/endless", test_endless_schema);
  g_test_add_func("/schema/exploding", test_exploding_schema);
  g_test_add_func("/schema/hostile-pattern", test_hostile_pattern);
  g_test_add_func("/schema/patterns", test_patterns);
  g_test_add_func("/schema/numbers", test_numbers);
  g_test_add_func("/schema/refused", test_refused);
  g_test_add_func("/schema/metaschema", test_metaschema);
  g_test_add_func("/schema/private-copy", test_private_copy);
  return g_test_run();
}
