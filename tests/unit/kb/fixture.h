/* Shared by the knowledge base's tests: a folder of its own, a signer, sample editions. */
#pragma once
#include "kb/kb.h"

typedef struct {
  char *folder;
  AblakSigner *signer;
} Fixture;

void fixture_set_up(Fixture *fixture, gconstpointer data);
void fixture_tear_down(Fixture *fixture, gconstpointer data);

/* kb/samples/<office> of the sources; g_free. */
char *sample_folder(const char *office);
/* A path in the fixture's folder; g_free. */
char *fixture_path(const Fixture *fixture, const char *name);
/* Builds an edition of both sample offices; g_free the path. */
char *build_samples(const Fixture *fixture, gint64 number);
/* A copy of one sample office's sources in the fixture's folder, to be changed; g_free. */
char *copy_sample(const Fixture *fixture, const char *office);
json_t *read_json(const char *path);
void write_json(const char *path, const json_t *value);
/* Removes a folder and everything in it. */
void remove_tree(const char *path);

#define ABLAK_TEST(path, function)                                                                 \
  g_test_add(path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
#define assert_slug(error, slug)                                                                   \
  do {                                                                                             \
    g_assert_error(error, ABLAK_ERROR, (error)->code);                                             \
    g_assert_cmpstr(ablak_error_slug(error), ==, slug);                                            \
  } while (0)
