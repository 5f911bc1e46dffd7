/* Finding a service: by name and by everyday words, without accents, in three languages; and text
 * that is not meant well. */
#include "core/error.h"
#include "fixture.h"
#include <string.h>

static json_t *search(AblakKbEdition *edition, const char *office, const char *text,
                      const char *language)
{
  GError *error = NULL;
  json_t *hits = ablak_kb_search(edition, office, text, language, 10, &error);
  g_assert_no_error(error);
  g_assert_true(json_is_array(hits));
  return hits;
}

typedef struct {
  const char *office, *language, *text;
  const char *first; /* the id that must come first */
} Case;

static const Case cases[] = {
    /* By name, whole and unfinished, any case, with and without accents. */
    {"hu-minta", "hu", "Személyazonosító igazolvány", "hu.id-card"},
    {"hu-minta", "hu", "szemelyazonosito", "hu.id-card"},
    {"hu-minta", "hu", "SZEMÉLY", "hu.id-card"},
    {"hu-minta", "hu", "lakcí", "hu.address"},
    {"hu-minta", "hu", "vezetői eng", "hu.driving-licence"},
    {"hu-minta", "hu", "családi pótlék", "hu.family-allowance"},
    {"hu-minta", "hu", "parkolasi igazolvany", "hu.parking-card"},
    /* What the name does not say. */
    {"hu-minta", "hu", "személyi", "hu.id-card"},
    {"hu-minta", "hu", "jogsi", "hu.driving-licence"},
    {"hu-minta", "hu", "költözés", "hu.address"},
    {"hu-minta", "hu", "urlap", "hu.request"},
    {"hu-minta", "hu", "űrlap", "hu.request"},
    {"hu-minta", "hu", "autó", "hu.vehicle-transfer"},
    {"hu-minta", "hu", "rokkantkártya", "hu.parking-card"},
    /* Endings, through the looser second search. */
    {"hu-minta", "hu", "anyakönyvet", "hu.birth-certificate"},
    {"hu-minta", "hu", "jogosítványomat elvesztettem", "hu.driving-licence"},
    /* By law. */
    {"hu-minta", "hu", "414/2015", "hu.id-card"},
    {"hu-minta", "hu", "panasz 2023. évi XXV.", "hu.request"},
    /* English words, and Hungarian ones on the English page. */
    {"hu-minta", "en", "driving licence", "hu.driving-licence"},
    {"hu-minta", "en", "lost id", "hu.id-card"},
    {"hu-minta", "en", "moving", "hu.address"},
    {"hu-minta", "en", "lakcímkártya", "hu.address"},
    /* A language the office does not have: its binding one. */
    {"hu-minta", "cs", "jogsi", "hu.driving-licence"},
    {"hu-minta", NULL, "jogsi", "hu.driving-licence"},
    {"cs-ukazka", "cs", "občanský průkaz", "cs.id-card"},
    {"cs-ukazka", "cs", "obcansky pru", "cs.id-card"},
    {"cs-ukazka", "cs", "občanka", "cs.id-card"},
    {"cs-ukazka", "cs", "obcanka", "cs.id-card"},
    {"cs-ukazka", "cs", "řidičák", "cs.driving-licence"},
    {"cs-ukazka", "cs", "RIDICAK", "cs.driving-licence"},
    {"cs-ukazka", "cs", "stěhování", "cs.residence"},
    {"cs-ukazka", "cs", "trvalý pobyt", "cs.residence"},
    {"cs-ukazka", "cs", "rodňák", "cs.birth-certificate"},
    {"cs-ukazka", "cs", "pes", "cs.dog-fee"},
    {"cs-ukazka", "cs", "přepis auta", "cs.vehicle-transfer"},
    {"cs-ukazka", "cs", "ztp/p", "cs.parking-card"},
    {"cs-ukazka", "cs", "stížnost", "cs.request"},
    {"cs-ukazka", "cs", "269/2021", "cs.id-card"},
    {"cs-ukazka", "en", "dog", "cs.dog-fee"},
    {"cs-ukazka", "en", "občanka", "cs.id-card"},
};

static void test_cases(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 1);
  GError *error = NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, &error);
  g_assert_no_error(error);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Case *c = &cases[i];
    g_autoptr(json_t) hits = search(edition, c->office, c->text, c->language);
    const char *first = ablak_json_get_string(json_array_get(hits, 0), "id");
    if (g_strcmp0(first, c->first) != 0)
      g_error("\"%s\" in %s: %s instead of %s", c->text, c->language, first, c->first);
  }
}

/* None of these may fail, and what is not a word of the catalogue finds nothing. */
static const char *const hostile[] = {
    "\"",
    "\"\"\"",
    "*",
    "'; DROP TABLE service; --",
    "name:kutyafül",
    "-- ^ ( ) { } : + - ~ !",
    "(((((((((",
    "xqzzy AND",
    "NOT xqzzy",
    "xqzzy NEAR/0 qqq",
    "{name summary} : xqzzy",
    "\xff\xfe\xfd",
    "\xc3",
    "\x01\x02\x03",
    "𐍈𐍈𐍈 🪪🪪",
    "\xcc\x81\xcc\x81\xcc\x81",
    "   ",
    "",
};

static void test_hostile(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 1);
  GError *error = NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, &error);
  g_assert_no_error(error);
  for (gsize i = 0; i < G_N_ELEMENTS(hostile); i++) {
    g_autoptr(json_t) hits = search(edition, "hu-minta", hostile[i], "hu");
    g_test_message("%s: %zu", hostile[i], json_array_size(hits));
    if (json_array_size(hits) > 0)
      g_error("\"%s\" found something", hostile[i]);
  }
  g_autofree char *long_text = g_strnfill(100000, 'a');
  g_autoptr(json_t) none = search(edition, "hu-minta", long_text, "hu");
  g_assert_cmpuint(json_array_size(none), ==, 0);
  g_autoptr(json_t) one = search(edition, "hu-minta", "AND jogsi", "hu");
  g_assert_cmpstr(ablak_json_get_string(json_array_get(one, 0), "id"), ==, "hu.driving-licence");
  g_autoptr(json_t) language = search(edition, "hu-minta", "jogsi", "hu; DROP TABLE service");
  g_assert_cmpuint(json_array_size(language), ==, 1);
}

static char *matched_text(const json_t *hit)
{
  GString *text = g_string_new(NULL);
  gsize i;
  json_t *part;
  json_array_foreach(json_object_get(hit, "snippet"), i, part)
  {
    g_assert_cmpuint(json_object_size(part), ==, 2);
    const char *piece = ablak_json_get_string(part, "text");
    g_assert_true(g_utf8_validate(piece, -1, NULL));
    g_assert_null(strpbrk(piece, "\001\002"));
    if (ablak_json_get_bool(part, "match", false))
      g_string_append(text, piece);
  }
  return g_string_free(text, FALSE);
}

static void test_snippet(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 1);
  GError *error = NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, &error);
  g_assert_no_error(error);
  g_autoptr(json_t) hits = search(edition, "hu-minta", "fenykepezeshez", "hu");
  g_assert_cmpuint(json_array_size(hits), >, 0);
  const json_t *hit = json_array_get(hits, 0);
  g_assert_cmpstr(ablak_json_get_string(hit, "id"), ==, "hu.id-card");
  g_assert_cmpstr(ablak_json_get_string(hit, "name"), ==, "Személyazonosító igazolvány igénylése");
  g_autofree char *matched = matched_text(hit);
  g_assert_cmpstr(matched, ==, "fényképezéshez");
  g_autoptr(json_t) by_keyword = search(edition, "hu-minta", "jogsi", "hu");
  g_autofree char *keyword = matched_text(json_array_get(by_keyword, 0));
  g_assert_cmpstr(keyword, ==, "jogsi");
}

static void test_limits(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 1);
  GError *error = NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, &error);
  g_assert_no_error(error);
  g_autoptr(json_t) all = search(edition, "hu-minta", "a", "hu");
  g_assert_cmpuint(json_array_size(all), ==, 8);
  g_autoptr(json_t) two = ablak_kb_search(edition, "hu-minta", "a", "hu", 2, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(json_array_size(two), ==, 2);
  gsize i;
  json_t *hit;
  json_array_foreach(all, i, hit)
      g_assert_true(g_str_has_prefix(ablak_json_get_string(hit, "id"), "hu."));
  g_assert_null(ablak_kb_search(edition, "nowhere", "a", "hu", 2, &error));
  assert_slug(error, "kb/no-office");
  g_clear_error(&error);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ABLAK_TEST("/kb/search/cases", test_cases);
  ABLAK_TEST("/kb/search/hostile", test_hostile);
  ABLAK_TEST("/kb/search/snippet", test_snippet);
  ABLAK_TEST("/kb/search/limits", test_limits);
  return g_test_run();
}
