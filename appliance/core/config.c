#include "core/config.h"
#include "core/error.h"
#include <stdio.h>
#include <string.h>

#define GROUP "ablak"

struct AblakConfig {
  const AblakConfigKey *keys;
  char *file;
  GHashTable *arguments; /* key -> text of the command line */
  GHashTable *values;    /* key -> text, checked */
};

static const AblakConfigKey *find_key(const AblakConfigKey *keys, const char *name)
{
  for (; keys->key != NULL; keys++)
    if (strcmp(keys->key, name) == 0)
      return keys;
  return NULL;
}

static GHashTable *texts_new(void)
{
  return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

AblakConfig *ablak_config_new(const AblakConfigKey *keys)
{
  AblakConfig *config = g_new0(AblakConfig, 1);
  config->keys = keys;
  config->arguments = texts_new();
  config->values = texts_new();
  return config;
}

void ablak_config_free(AblakConfig *config)
{
  if (config == NULL)
    return;
  g_hash_table_unref(config->arguments);
  g_hash_table_unref(config->values);
  g_free(config->file);
  g_free(config);
}

static bool set_problem(GError **error, const char *key, const char *what)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "core/config", "%s: %s", key, what);
  return false;
}

static bool parse_bool(const char *text, bool *ret_value)
{
  bool yes = strcmp(text, "true") == 0, no = strcmp(text, "false") == 0;
  if (yes || no)
    *ret_value = yes;
  return yes || no;
}

static bool check(const AblakConfigKey *key, const char *text, GError **error)
{
  bool flag;
  g_autofree char *range = NULL;
  switch (key->type) {
  case ABLAK_CONFIG_BOOL:
    return parse_bool(text, &flag) || set_problem(error, key->key, "must be true or false");
  case ABLAK_CONFIG_INT:
    if (g_ascii_string_to_signed(text, 10, key->min, key->max, NULL, NULL))
      return true;
    range = g_strdup_printf("must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                            key->min, key->max);
    return set_problem(error, key->key, range);
  case ABLAK_CONFIG_STRING:
    return g_utf8_validate(text, -1, NULL) || set_problem(error, key->key, "must be UTF-8");
  }
  return false;
}

static bool put(AblakConfig *config, GHashTable *values, const char *name, const char *text,
                GError **error)
{
  const AblakConfigKey *key = find_key(config->keys, name);
  if (key == NULL)
    return set_problem(error, name, "is not a setting");
  if (!check(key, text, error))
    return false;
  g_hash_table_insert(values, g_strdup(name), g_strdup(text));
  return true;
}

static bool put_file(AblakConfig *config, GHashTable *values, GError **error)
{
  if (config->file == NULL)
    return true;
  g_autoptr(GKeyFile) file = g_key_file_new();
  g_autoptr(GError) fault = NULL;
  if (!g_key_file_load_from_file(file, config->file, G_KEY_FILE_NONE, &fault))
    return set_problem(error, config->file, fault->message);
  g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
  for (char **group = groups; *group != NULL; group++)
    if (strcmp(*group, GROUP) != 0)
      return set_problem(error, *group, "is not a group; settings stand in [" GROUP "]");
  g_auto(GStrv) names = g_key_file_get_keys(file, GROUP, NULL, NULL);
  for (char **name = names; name != NULL && *name != NULL; name++) {
    g_autofree char *text = g_key_file_get_string(file, GROUP, *name, &fault);
    if (text == NULL)
      return set_problem(error, *name, fault->message);
    if (!put(config, values, *name, text, error))
      return false;
  }
  return true;
}

static char *environment_name(const char *key)
{
  g_autofree char *upper = g_ascii_strup(key, -1);
  g_strdelimit(upper, "-", '_');
  return g_strconcat("ABLAK_", upper, NULL);
}

static bool put_environment(AblakConfig *config, GHashTable *values, GError **error)
{
  for (const AblakConfigKey *key = config->keys; key->key != NULL; key++) {
    g_autofree char *name = environment_name(key->key);
    const char *text = g_getenv(name);
    if (text != NULL && !put(config, values, key->key, text, error))
      return false;
  }
  return true;
}

static bool put_arguments(AblakConfig *config, GHashTable *values, GError **error)
{
  GHashTableIter iter;
  gpointer name, text;
  g_hash_table_iter_init(&iter, config->arguments);
  while (g_hash_table_iter_next(&iter, &name, &text))
    if (!put(config, values, name, text, error))
      return false;
  return true;
}

/* --key=value, --key value, and --key alone for a bool. */
static bool read_arguments(AblakConfig *config, int argc, char **argv, GError **error)
{
  bool flag;
  for (int i = 1; i < argc; i++) {
    if (!g_str_has_prefix(argv[i], "--"))
      return set_problem(error, argv[i], "is not an option");
    g_autofree char *name = g_strdup(argv[i] + 2);
    char *value = strchr(name, '=');
    if (value != NULL)
      *value++ = '\0';
    const AblakConfigKey *key = find_key(config->keys, name);
    if (key == NULL)
      return set_problem(error, argv[i], "is not a setting");
    bool next = i + 1 < argc && (key->type != ABLAK_CONFIG_BOOL || parse_bool(argv[i + 1], &flag));
    if (value == NULL && next)
      value = argv[++i];
    else if (value == NULL && key->type == ABLAK_CONFIG_BOOL)
      value = (char *)"true";
    if (value == NULL)
      return set_problem(error, argv[i], "needs a value");
    g_hash_table_insert(config->arguments, g_strdup(key->key), g_strdup(value));
  }
  return true;
}

static GHashTable *gather(AblakConfig *config, GError **error)
{
  g_autoptr(GHashTable) values = texts_new();
  for (const AblakConfigKey *key = config->keys; key->key != NULL; key++)
    if (key->fallback != NULL && !put(config, values, key->key, key->fallback, error))
      return NULL;
  if (!put_file(config, values, error) || !put_environment(config, values, error) ||
      !put_arguments(config, values, error))
    return NULL;
  for (const AblakConfigKey *key = config->keys; key->key != NULL; key++)
    if (!g_hash_table_contains(values, key->key)) {
      set_problem(error, key->key, "is required");
      return NULL;
    }
  return g_steal_pointer(&values);
}

bool ablak_config_load(AblakConfig *config, const char *file, int argc, char **argv, GError **error)
{
  g_free(config->file);
  config->file = g_strdup(file);
  g_hash_table_remove_all(config->arguments);
  if (!read_arguments(config, argc, argv, error))
    return false;
  GHashTable *values = gather(config, error);
  if (values == NULL)
    return false;
  g_hash_table_unref(config->values);
  config->values = values;
  return true;
}

bool ablak_config_reload(AblakConfig *config, GError **error)
{
  g_autoptr(GHashTable) values = gather(config, error);
  if (values == NULL)
    return false;
  for (const AblakConfigKey *key = config->keys; key->key != NULL; key++)
    if (key->reload == ABLAK_CONFIG_RELOAD)
      g_hash_table_insert(config->values, g_strdup(key->key),
                          g_strdup(g_hash_table_lookup(values, key->key)));
  return true;
}

static const char *text_of(const AblakConfig *config, const char *name, AblakConfigType type)
{
  const AblakConfigKey *key = find_key(config->keys, name);
  const char *text = g_hash_table_lookup(config->values, name);
  if (key == NULL || key->type != type || text == NULL)
    g_error("setting \"%s\" is not in the table, of another type or not loaded", name);
  return text;
}

const char *ablak_config_string(const AblakConfig *config, const char *key)
{
  return text_of(config, key, ABLAK_CONFIG_STRING);
}

gint64 ablak_config_int(const AblakConfig *config, const char *key)
{
  return g_ascii_strtoll(text_of(config, key, ABLAK_CONFIG_INT), NULL, 10);
}

bool ablak_config_bool(const AblakConfig *config, const char *key)
{
  return strcmp(text_of(config, key, ABLAK_CONFIG_BOOL), "true") == 0;
}

static const char *default_of(const AblakConfigKey *key)
{
  if (key->fallback == NULL)
    return "required";
  return key->fallback[0] != '\0' ? key->fallback : "empty";
}

char *ablak_config_help(const AblakConfigKey *keys)
{
  static const char *const placeholders[] = {"TEXT", "N", "BOOL"};
  GString *out = g_string_new(NULL);
  for (; keys->key != NULL; keys++) {
    g_autofree char *option = g_strdup_printf("--%s %s", keys->key, placeholders[keys->type]);
    g_string_append_printf(out, "  %-34s %s [%s%s%s]\n", option, keys->help, default_of(keys),
                           keys->unit != NULL ? " " : "", keys->unit != NULL ? keys->unit : "");
  }
  return g_string_free(out, FALSE);
}

char *ablak_config_markdown(const AblakConfigKey *keys)
{
  GString *out = g_string_new("| setting | environment | default | unit | taken over | meaning |\n"
                              "|---|---|---|---|---|---|\n");
  for (; keys->key != NULL; keys++) {
    g_autofree char *environment = environment_name(keys->key);
    g_string_append_printf(out, "| `%s` | `%s` | %s | %s | %s | %s |\n", keys->key, environment,
                           default_of(keys), keys->unit != NULL ? keys->unit : "",
                           keys->reload == ABLAK_CONFIG_RELOAD ? "reload" : "restart", keys->help);
  }
  return g_string_free(out, FALSE);
}

bool ablak_config_help_asked(const char *title, const AblakConfigKey *keys, int argc, char **argv)
{
  if (argc != 2)
    return false;
  g_autofree char *text = NULL;
  if (strcmp(argv[1], "--help") == 0) {
    g_autofree char *help = ablak_config_help(keys);
    text = g_strdup_printf("%s\n\n%s", title, help);
  } else if (strcmp(argv[1], "--help-markdown") == 0) {
    text = ablak_config_markdown(keys);
  }
  if (text != NULL)
    fputs(text, stdout);
  return text != NULL;
}
