#include "fixture.h"
#include <glib/gstdio.h>
#include <string.h>

#define ISSUED_AT_MS G_GINT64_CONSTANT(1790000000123)

void fixture_set_up(Fixture *fixture, gconstpointer data)
{
  GError *error = NULL;
  fixture->folder = g_dir_make_tmp("ablak-kb-XXXXXX", &error);
  g_assert_no_error(error);
  g_autofree char *key = fixture_path(fixture, "signer.pem");
  fixture->signer = ablak_signer_open(key, &error);
  g_assert_no_error(error);
}

void fixture_tear_down(Fixture *fixture, gconstpointer data)
{
  g_clear_pointer(&fixture->signer, ablak_signer_free);
  remove_tree(fixture->folder);
  g_clear_pointer(&fixture->folder, g_free);
}

void remove_tree(const char *path)
{
  GDir *directory = g_dir_open(path, 0, NULL);
  for (const char *name; directory != NULL && (name = g_dir_read_name(directory)) != NULL;) {
    g_autofree char *below = g_build_filename(path, name, NULL);
    remove_tree(below);
  }
  g_clear_pointer(&directory, g_dir_close);
  g_remove(path);
}

char *sample_folder(const char *office)
{
  return g_test_build_filename(G_TEST_DIST, "..", "..", "..", "kb", "samples", office, NULL);
}

char *fixture_path(const Fixture *fixture, const char *name)
{
  return g_build_filename(fixture->folder, name, NULL);
}

char *build_samples(const Fixture *fixture, gint64 number)
{
  g_autofree char *hu = sample_folder("hu"), *cs = sample_folder("cs");
  g_autofree char *name = g_strdup_printf("edition-%" G_GINT64_FORMAT ".sqlite", number);
  char *path = fixture_path(fixture, name);
  const char *const directories[] = {hu, cs, NULL};
  GError *error = NULL;
  g_assert_true(ablak_kb_build(directories, number, ISSUED_AT_MS, path, &error));
  g_assert_no_error(error);
  return path;
}

static void copy_folder(const char *from, const char *to)
{
  g_assert_cmpint(g_mkdir_with_parents(to, 0700), ==, 0);
  g_autoptr(GDir) directory = g_dir_open(from, 0, NULL);
  g_assert_nonnull(directory);
  for (const char *name; (name = g_dir_read_name(directory)) != NULL;) {
    g_autofree char *source = g_build_filename(from, name, NULL);
    g_autofree char *target = g_build_filename(to, name, NULL);
    g_autofree char *text = NULL;
    gsize length;
    if (g_file_test(source, G_FILE_TEST_IS_DIR)) {
      copy_folder(source, target);
    } else {
      g_assert_true(g_file_get_contents(source, &text, &length, NULL));
      g_assert_true(g_file_set_contents(target, text, (gssize)length, NULL));
    }
  }
}

char *copy_sample(const Fixture *fixture, const char *office)
{
  g_autofree char *from = sample_folder(office);
  char *to = fixture_path(fixture, office);
  copy_folder(from, to);
  return to;
}

json_t *read_json(const char *path)
{
  g_autofree char *text = NULL;
  gsize length;
  GError *error = NULL;
  g_file_get_contents(path, &text, &length, &error);
  g_assert_no_error(error);
  json_t *value = ablak_json_parse(text, length, &error);
  g_assert_no_error(error);
  return value;
}

void write_json(const char *path, const json_t *value)
{
  g_autofree char *text = ablak_json_text(value);
  GError *error = NULL;
  g_file_set_contents(path, text, -1, &error);
  g_assert_no_error(error);
}
