/* core: configuration from the table, the file, the environment and the command line. */
#include "core/config.h"
#include "core/error.h"
#include <glib/gstdio.h>
#include <string.h>

static const AblakConfigKey keys[] = {
    {"office-zone", ABLAK_CONFIG_STRING, "Europe/Budapest", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "The zone."},
    {"test-port", ABLAK_CONFIG_INT, "8080", 0, 65535, NULL, ABLAK_CONFIG_RESTART, "The port."},
    {"idle-time", ABLAK_CONFIG_INT, "500", 1, 10000, "ms", ABLAK_CONFIG_RELOAD, "Idle time."},
    {"demo", ABLAK_CONFIG_BOOL, "false", 0, 0, NULL, ABLAK_CONFIG_RESTART, "Demo data."},
    {NULL}};

typedef struct {
  char *folder, *file;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp("ablak-XXXXXX", NULL);
  fixture->file = g_build_filename(fixture->folder, "ablak.conf", NULL);
  g_unsetenv("ABLAK_TEST_PORT");
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
  g_unsetenv("ABLAK_TEST_PORT");
  g_unlink(fixture->file);
  g_rmdir(fixture->folder);
  g_free(fixture->file);
  g_free(fixture->folder);
}

static void put_file(Fixture *fixture, const char *text)
{
  g_assert_true(g_file_set_contents(fixture->file, text, -1, NULL));
}

static void test_precedence(Fixture *fixture, gconstpointer data)
{
  g_autoptr(AblakConfig) config = ablak_config_new(keys);
  g_autoptr(GError) error = NULL;
  char *none[] = {(char *)"x", NULL};
  g_assert_true(ablak_config_load(config, NULL, 1, none, &error));
  g_assert_cmpint(ablak_config_int(config, "test-port"), ==, 8080);
  put_file(fixture, "[ablak]\ntest-port=1\ndemo=true\n");
  g_assert_true(ablak_config_load(config, fixture->file, 1, none, &error));
  g_assert_cmpint(ablak_config_int(config, "test-port"), ==, 1);
  g_assert_true(ablak_config_bool(config, "demo"));
  g_setenv("ABLAK_TEST_PORT", "2", TRUE);
  g_assert_true(ablak_config_load(config, fixture->file, 1, none, &error));
  g_assert_cmpint(ablak_config_int(config, "test-port"), ==, 2);
  char *arguments[] = {(char *)"x",      (char *)"--test-port",       (char *)"3",
                       (char *)"--demo", (char *)"--office-zone=UTC", NULL};
  g_assert_true(ablak_config_load(config, fixture->file, 5, arguments, &error));
  g_assert_no_error(error);
  g_assert_cmpint(ablak_config_int(config, "test-port"), ==, 3);
  g_assert_cmpstr(ablak_config_string(config, "office-zone"), ==, "UTC");
}

static void test_reload(Fixture *fixture, gconstpointer data)
{
  g_autoptr(AblakConfig) config = ablak_config_new(keys);
  g_autoptr(GError) error = NULL;
  char *none[] = {(char *)"x", NULL};
  put_file(fixture, "[ablak]\ntest-port=1\nidle-time=7\n");
  g_assert_true(ablak_config_load(config, fixture->file, 1, none, &error));
  put_file(fixture, "[ablak]\ntest-port=2\nidle-time=8\n");
  g_assert_true(ablak_config_reload(config, &error));
  g_assert_cmpint(ablak_config_int(config, "idle-time"), ==, 8);
  g_assert_cmpint(ablak_config_int(config, "test-port"), ==, 1);
  put_file(fixture, "[ablak]\nidle-time=0\n");
  g_assert_false(ablak_config_reload(config, &error));
  g_assert_cmpint(ablak_config_int(config, "idle-time"), ==, 8);
}

static void test_refused(Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *file, *argument, *named;
  } samples[] = {
      {"[ablak]\nport=1\n", NULL, "port"},
      {"[ablak]\ntest-port=x\n", NULL, "test-port"},
      {"[ablak]\ntest-port=65536\n", NULL, "test-port"},
      {"[ablak]\ndemo=yes\n", NULL, "demo"},
      {"[other]\n", NULL, "other"},
      {"[ablak]\n", "--nothing=1", "nothing"},
      {"[ablak]\n", "--test-port", "test-port"},
      {"[ablak]\n", "word", "word"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
    g_autoptr(AblakConfig) config = ablak_config_new(keys);
    g_autoptr(GError) error = NULL;
    char *arguments[] = {(char *)"x", (char *)samples[i].argument, NULL};
    put_file(fixture, samples[i].file);
    g_assert_false(ablak_config_load(config, fixture->file, samples[i].argument != NULL ? 2 : 1,
                                     arguments, &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, "core/config");
    g_assert_nonnull(strstr(error->message, samples[i].named));
  }
}

static void test_required(Fixture *fixture, gconstpointer data)
{
  static const AblakConfigKey required[] = {
      {"name", ABLAK_CONFIG_STRING, NULL, 0, 0, NULL, ABLAK_CONFIG_RESTART, "Name."}, {NULL}};
  g_autoptr(AblakConfig) config = ablak_config_new(required);
  g_autoptr(GError) error = NULL;
  char *none[] = {(char *)"x", NULL};
  g_assert_false(ablak_config_load(config, NULL, 1, none, &error));
  g_assert_nonnull(strstr(error->message, "name"));
}

static void test_texts(void)
{
  g_autofree char *help = ablak_config_help(keys), *table = ablak_config_markdown(keys);
  for (const AblakConfigKey *key = keys; key->key != NULL; key++) {
    g_assert_nonnull(strstr(help, key->key));
    g_assert_nonnull(strstr(table, key->key));
  }
  g_assert_nonnull(strstr(table, "`ABLAK_TEST_PORT`"));
  g_assert_nonnull(strstr(table, "| 500 | ms | reload |"));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add("/core/config/precedence", Fixture, NULL, set_up, test_precedence, tear_down);
  g_test_add("/core/config/reload", Fixture, NULL, set_up, test_reload, tear_down);
  g_test_add("/core/config/refused", Fixture, NULL, set_up, test_refused, tear_down);
  g_test_add("/core/config/required", Fixture, NULL, set_up, test_required, tear_down);
  g_test_add_func("/core/config/texts", test_texts);
  return g_test_run();
}
