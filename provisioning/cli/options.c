#include "provisioning/cli/options.h"
#include "core/error.h"
#include <string.h>

void ablak_options_free(AblakOptions *options)
{
  if (!options)
    return;
  g_hash_table_unref(options->options);
  g_ptr_array_unref(options->words);
  g_free(options);
}

static bool is_known(const char *names, const char *name)
{
  g_auto(GStrv) known = g_strsplit(names, " ", -1);
  return g_strv_contains((const char *const *)known, name);
}

static const char *problem_with(const AblakOptions *options, const char *names, const char *name,
                                bool has_value)
{
  if (!is_known(names, name))
    return "is not known";
  if (g_hash_table_contains(options->options, name))
    return "is given twice";
  return has_value ? NULL : "needs a value";
}

AblakOptions *ablak_options_parse(const char *names, int argc, char **argv, GError **error)
{
  g_autoptr(AblakOptions) options = g_new0(AblakOptions, 1);
  options->options = g_hash_table_new(g_str_hash, g_str_equal);
  options->words = g_ptr_array_new();
  for (int i = 0; i < argc; i++) {
    if (!g_str_has_prefix(argv[i], "--")) {
      g_ptr_array_add(options->words, argv[i]);
      continue;
    }
    const char *name = argv[i] + 2;
    const char *problem = problem_with(options, names, name, i + 1 < argc);
    if (problem) {
      ablak_error_set(error, ABLAK_ERROR_INVALID, "cli/usage", "--%s %s", name, problem);
      return NULL;
    }
    g_hash_table_insert(options->options, (gpointer)name, argv[++i]);
  }
  return g_steal_pointer(&options);
}

const char *ablak_options_get(const AblakOptions *options, const char *name)
{
  return g_hash_table_lookup(options->options, name);
}

const char *ablak_options_need(const AblakOptions *options, const char *name, GError **error)
{
  const char *value = ablak_options_get(options, name);
  if (!value)
    ablak_error_set(error, ABLAK_ERROR_INVALID, "cli/usage", "--%s is needed", name);
  return value;
}
