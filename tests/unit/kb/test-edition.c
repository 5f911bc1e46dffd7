/* Building an edition, reading it, signing its manifest. */
#include "core/error.h"
#include "fixture.h"
#include <glib/gstdio.h>
#include <string.h>

static void test_read(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 7);
  GError *error = NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, &error);
  g_assert_no_error(error);
  g_assert_cmpint(ablak_kb_edition_number(edition), ==, 7);
  g_autoptr(json_t) offices = ablak_kb_offices(edition, &error);
  g_assert_cmpuint(json_array_size(offices), ==, 2);
  g_autoptr(json_t) office = ablak_kb_office(edition, "cs-ukazka", &error);
  g_assert_cmpstr(ablak_json_get_string(office, "timeZone"), ==, "Europe/Prague");
  g_autoptr(json_t) services = ablak_kb_services(edition, "hu-minta", &error);
  g_assert_cmpuint(json_array_size(services), ==, 8);
  g_assert_cmpstr(ablak_json_get_string(json_array_get(services, 0), "prefix"), ==, "A");
  g_autoptr(json_t) service = ablak_kb_service(edition, "hu.id-card", &error);
  g_autofree char *source = sample_folder("hu/services/id-card.json");
  g_autoptr(json_t) written = read_json(source);
  g_assert_true(json_equal(service, written));
  g_autoptr(json_t) form =
      ablak_kb_form(edition, ablak_json_get_string(service, "form"), 0, &error);
  g_assert_cmpint(ablak_json_get_int(form, "version", 0), ==, 1);
  g_autoptr(json_t) pinned = ablak_kb_form(edition, "hu.id-card-form", 1, &error);
  g_assert_true(json_equal(form, pinned));
}

static void test_not_there(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 7);
  GError *error = NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, &error);
  g_assert_no_error(error);
  g_assert_null(ablak_kb_service(edition, "hu.nothing", &error));
  assert_slug(error, "kb/no-service");
  g_clear_error(&error);
  g_assert_null(ablak_kb_form(edition, "hu.id-card-form", 99, &error));
  assert_slug(error, "kb/no-form");
  g_clear_error(&error);
  g_assert_null(ablak_kb_office(edition, "", &error));
  assert_slug(error, "kb/no-office");
  g_clear_error(&error);
  g_autoptr(json_t) none = ablak_kb_services(edition, "nowhere", &error);
  g_assert_cmpuint(json_array_size(none), ==, 0);
}

static const char *name_in(AblakKbEdition *edition, const char *language, json_t **ret_list)
{
  GError *error = NULL;
  *ret_list = ablak_kb_services_in(edition, "cs-ukazka", language, &error);
  g_assert_no_error(error);
  return ablak_json_get_string(json_array_get(*ret_list, 0), "name");
}

static void test_languages(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 7);
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, NULL);
  g_autoptr(json_t) cs = NULL, en = NULL, hu = NULL;
  g_assert_cmpstr(name_in(edition, "cs", &cs), ==, "Vydání občanského průkazu");
  g_assert_cmpstr(name_in(edition, "en", &en), ==, "Identity card");
  g_assert_cmpstr(name_in(edition, "hu", &hu), ==, "Vydání občanského průkazu");
  g_autoptr(json_t) text = json_pack("{s:s}", "de", "Fenster");
  g_assert_cmpstr(ablak_kb_text(text, "hu", "cs"), ==, "Fenster");
  g_assert_null(ablak_kb_text(NULL, "hu", "cs"));
}

/* The same sources give the same bytes, in one file without a log beside it. */
static void test_deterministic(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 3);
  GError *error = NULL;
  g_autofree char *first = ablak_sha256_file_hex(path, &error);
  g_assert_cmpint(g_unlink(path), ==, 0);
  g_autofree char *again = build_samples(fixture, 3);
  g_autofree char *second = ablak_sha256_file_hex(again, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(first, ==, second);
  g_autoptr(GDir) directory = g_dir_open(fixture->folder, 0, &error);
  unsigned files = 0;
  while (g_dir_read_name(directory) != NULL)
    files++;
  g_assert_cmpuint(files, ==, 2); /* the edition and the signer's key */
}

static void test_never_overwrites(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 3), *hu = sample_folder("hu");
  const char *const directories[] = {hu, NULL};
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_kb_build(directories, 4, 0, path, &error));
  g_assert_nonnull(error);
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, NULL);
  g_assert_cmpint(ablak_kb_edition_number(edition), ==, 3);
}

static void test_manifest(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 5);
  GError *error = NULL;
  g_autoptr(json_t) manifest = ablak_kb_manifest_sign(path, fixture->signer, &error);
  g_assert_no_error(error);
  const json_t *inner = json_object_get(manifest, "manifest");
  g_autofree char *digest = ablak_sha256_file_hex(path, &error);
  g_assert_cmpstr(ablak_json_get_string(inner, "sha256"), ==, digest);
  g_assert_cmpstr(ablak_json_get_string(inner, "issuedAt"), ==, "2026-09-21T14:13:20.123Z");
  g_assert_true(ablak_json_get_bool(inner, "sample", false));
  g_assert_cmpuint(json_array_size(json_object_get(inner, "offices")), ==, 2);
  g_assert_cmpint(ablak_kb_manifest_number(manifest), ==, 5);
  const char *key = ablak_signer_public_key(fixture->signer);
  g_assert_true(ablak_kb_manifest_verify(manifest, key, &error));
  g_assert_no_error(error);
}

static void test_forged_manifest(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = build_samples(fixture, 5), *other = fixture_path(fixture, "other.pem");
  GError *error = NULL;
  g_autoptr(json_t) manifest = ablak_kb_manifest_sign(path, fixture->signer, &error);
  g_autoptr(AblakSigner) stranger = ablak_signer_open(other, &error);
  g_assert_no_error(error);
  g_assert_false(ablak_kb_manifest_verify(manifest, ablak_signer_public_key(stranger), &error));
  assert_slug(error, "kb/signature");
  g_clear_error(&error);
  static const char *const members[] = {"number", "size",   "issuedAt",
                                        "sha256", "sample", "offices"};
  const char *key = ablak_signer_public_key(fixture->signer);
  for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
    g_autoptr(json_t) forged = json_deep_copy(manifest);
    json_object_set_new(json_object_get(forged, "manifest"), members[i], json_integer(6));
    g_assert_false(ablak_kb_manifest_verify(forged, key, &error));
    assert_slug(error, "kb/signature");
    g_clear_error(&error);
  }
}

/* Signed, but not a manifest: a digest that is a path must never become one. */
static void test_signed_nonsense(Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = {
      "{}",
      "{\"number\":1}",
      "{\"issuedAt\":\"x\",\"number\":1,\"offices\":[],\"sample\":true,\"sha256\":\"../../etc\","
      "\"size\":10}",
      "{\"number\":-1,\"size\":1}",
  };
  const char *key = ablak_signer_public_key(fixture->signer);
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(json_t) manifest = json_loads(texts[i], 0, NULL);
    g_autofree char *canonical = ablak_json_canonical(manifest);
    g_autofree char *bytes = g_strconcat("ablak edition 1\n", canonical, NULL);
    g_autofree char *signature = ablak_signer_sign(fixture->signer, bytes, strlen(bytes));
    g_autoptr(json_t) whole = json_pack("{s:O, s:s}", "manifest", manifest, "signature", signature);
    g_autoptr(GError) error = NULL;
    g_assert_false(ablak_kb_manifest_verify(whole, key, &error));
    assert_slug(error, "kb/manifest");
  }
  static const char *const shapes[] = {"[]", "{}", "{\"manifest\":[],\"signature\":\"\"}",
                                       "{\"manifest\":{},\"signature\":1}"};
  for (gsize i = 0; i < G_N_ELEMENTS(shapes); i++) {
    g_autoptr(json_t) whole = json_loads(shapes[i], 0, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_false(ablak_kb_manifest_verify(whole, key, &error));
    assert_slug(error, "kb/manifest");
  }
}

static void test_not_an_edition(Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_path(fixture, "junk.sqlite");
  g_assert_true(
      g_file_set_contents(path, "not a database, only some text of some length", -1, NULL));
  g_autoptr(GError) error = NULL;
  g_assert_null(ablak_kb_edition_open(path, &error));
  g_assert_nonnull(error);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ABLAK_TEST("/kb/edition/read", test_read);
  ABLAK_TEST("/kb/edition/not-there", test_not_there);
  ABLAK_TEST("/kb/edition/languages", test_languages);
  ABLAK_TEST("/kb/edition/deterministic", test_deterministic);
  ABLAK_TEST("/kb/edition/never-overwrites", test_never_overwrites);
  ABLAK_TEST("/kb/edition/manifest", test_manifest);
  ABLAK_TEST("/kb/edition/forged-manifest", test_forged_manifest);
  ABLAK_TEST("/kb/edition/signed-nonsense", test_signed_nonsense);
  ABLAK_TEST("/kb/edition/not-an-edition", test_not_an_edition);
  return g_test_run();
}
