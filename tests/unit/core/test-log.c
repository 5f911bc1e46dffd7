/* core: the log's lines, read back from a child's standard error. */
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include <string.h>

static void write_log(void)
{
  ablak_log_init("test", ABLAK_LOG_INFO);
  ablak_log(ABLAK_LOG_DEBUG, "hidden", NULL);
  ablak_log(ABLAK_LOG_INFO, "started", "port", "8080", "absent", NULL, "odd", "a\"\n\xff", NULL);
  g_autoptr(GError) error = NULL;
  ablak_error_set(&error, ABLAK_ERROR_FAILED, "core/file", "no space");
  ablak_log_gerror(ABLAK_LOG_ERROR, "failed", error, "id", "7", NULL);
  g_log_structured("Demo", G_LOG_LEVEL_WARNING, "MESSAGE", "from glib");
}

static json_t *parse_line(const char *line)
{
  g_autoptr(GError) error = NULL;
  json_t *value = ablak_json_parse(line, strlen(line), &error);
  g_assert_no_error(error);
  g_assert_true(json_is_object(value));
  g_assert_cmpuint(strlen(ablak_json_get_string(value, "at")), ==, 24);
  g_assert_cmpstr(ablak_json_get_string(value, "program"), ==, "test");
  return value;
}

static void test_lines(void)
{
  g_autofree char *output = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
  char *arguments[] = {self, (char *)"write", NULL};
  g_assert_true(g_spawn_sync(NULL, arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &output,
                             NULL, &error));
  g_auto(GStrv) lines = g_strsplit(g_strchomp(output), "\n", -1);
  g_assert_cmpuint(g_strv_length(lines), ==, 3);
  g_autoptr(json_t) started = parse_line(lines[0]);
  g_assert_cmpstr(ablak_json_get_string(started, "event"), ==, "started");
  g_assert_cmpstr(ablak_json_get_string(started, "level"), ==, "info");
  g_assert_cmpstr(ablak_json_get_string(started, "port"), ==, "8080");
  g_assert_null(json_object_get(started, "absent"));
  g_assert_true(g_str_has_prefix(ablak_json_get_string(started, "odd"), "a\"\n"));
  g_autoptr(json_t) failed = parse_line(lines[1]);
  g_assert_cmpstr(ablak_json_get_string(failed, "problem"), ==, "core/file");
  g_assert_cmpstr(ablak_json_get_string(failed, "message"), ==, "no space");
  g_autoptr(json_t) glib = parse_line(lines[2]);
  g_assert_cmpstr(ablak_json_get_string(glib, "level"), ==, "warning");
  g_assert_cmpstr(ablak_json_get_string(glib, "message"), ==, "from glib");
}

int main(int argc, char **argv)
{
  if (argc == 2 && strcmp(argv[1], "write") == 0) {
    write_log();
    return 0;
  }
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/core/log/lines", test_lines);
  return g_test_run();
}
