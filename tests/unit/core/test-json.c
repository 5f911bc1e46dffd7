/* core: JSON parsing limits and RFC 8785 canonical text. */
#include "core/error.h"
#include "core/json.h"
#include <string.h>

static void check_canonical(const char *input, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) value = ablak_json_parse(input, strlen(input), &error);
  g_assert_no_error(error);
  g_autofree char *text = ablak_json_canonical(value);
  g_assert_cmpstr(text, ==, expected);
}

static void test_canonical(void)
{
  /* RFC 8785 §3.2.2 and §3.2.3 */
  check_canonical(
      "{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"
      "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
      "\"literals\":[null,true,false]}",
      "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
      "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
  check_canonical(
      "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew\","
      "\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji\",\"\\u0080\":\"Control\",\"\\u00f6\":\"o\"}",
      "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"o\","
      "\"€\":\"Euro Sign\",\"😀\":\"Emoji\",\"\xef\xac\xb3\":\"Hebrew\"}");
  check_canonical("{\"ab\":1,\"a\":2,\"\":3,\"é\":4,\"e\":5,\"è\":6}",
                  "{\"\":3,\"a\":2,\"ab\":1,\"e\":5,\"è\":6,\"é\":4}");
  check_canonical(" [ ] ", "[]");
  check_canonical("{}", "{}");
  check_canonical("\"a\x7f\"", "\"a\x7f\"");
  check_canonical("9007199254740993", "9007199254740992");
  check_canonical("-9007199254740991", "-9007199254740991");
}

static void test_numbers(void)
{
  /* RFC 8785 appendix B, and values where the shortest digits are hard to find. */
  static const struct {
    guint64 bits;
    const char *text;
  } samples[] = {
#include "numbers.inc"
  };
  for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
    double number;
    memcpy(&number, &samples[i].bits, sizeof number);
    g_autoptr(json_t) value = json_real(number);
    g_autofree char *text = ablak_json_canonical(value);
    g_assert_cmpstr(text, ==, samples[i].text);
  }
}

static void test_refused(void)
{
  static const char *const refused[] = {"",
                                        "{",
                                        "[1,]",
                                        "{\"a\":1,\"a\":2}",
                                        "\"\\u0000\"",
                                        "\"\xff\"",
                                        "\"\\ud800\"",
                                        "1 2",
                                        "nul",
                                        "NaN",
                                        "1e999",
                                        "123456789012345678901234567890",
                                        "'a'"};
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ablak_json_parse(refused[i], strlen(refused[i]), &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, "request/json");
    g_assert_cmpuint(ablak_error_status(error), ==, 400);
  }
  g_autoptr(GError) error = NULL;
  g_assert_null(ablak_json_parse("\"a\0b\"", 5, &error));
  g_assert_nonnull(error);
}

static void test_depth(void)
{
  for (gsize depth = 63; depth <= 66; depth++) {
    g_autofree char *open = g_strnfill(depth, '['), *close = g_strnfill(depth, ']');
    g_autofree char *text = g_strconcat(open, close, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) value = ablak_json_parse(text, strlen(text), &error);
    g_assert_true((value != NULL) == (depth <= 64));
  }
  g_autofree char *brackets = g_strnfill(1000, '[');
  g_autofree char *quoted = g_strconcat("\"\\\"", brackets, "\"", NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) value = ablak_json_parse(quoted, strlen(quoted), &error);
  g_assert_no_error(error);
}

static void test_members(void)
{
  g_autoptr(json_t) object = json_pack("{s:s, s:i, s:b}", "s", "text", "i", 7, "b", 1);
  g_assert_cmpstr(ablak_json_get_string(object, "s"), ==, "text");
  g_assert_null(ablak_json_get_string(object, "i"));
  g_assert_cmpint(ablak_json_get_int(object, "i", -1), ==, 7);
  g_assert_cmpint(ablak_json_get_int(object, "s", -1), ==, -1);
  g_assert_true(ablak_json_get_bool(object, "b", false));
  g_assert_true(ablak_json_get_bool(object, "none", true));
  g_assert_null(ablak_json_get_string(NULL, "s"));
  g_autofree char *text = ablak_json_text(json_object_get(object, "i"));
  g_assert_cmpstr(text, ==, "7");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/core/json/canonical", test_canonical);
  g_test_add_func("/core/json/numbers", test_numbers);
  g_test_add_func("/core/json/refused", test_refused);
  g_test_add_func("/core/json/depth", test_depth);
  g_test_add_func("/core/json/members", test_members);
  return g_test_run();
}
