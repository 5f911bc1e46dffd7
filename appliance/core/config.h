/* core/config.h: one table describes every setting of a daemon; the file, the environment,
 * --help, the README's table and the reload class all come from it.
 *
 * File format: GKeyFile, one group [ablak], key = value. Precedence: command line, environment,
 * file, default. An unknown key, a wrong type or a value out of range is an error that names the
 * key. Ownership: the table outlives the configuration. Threads: read from any thread once
 * loaded; load and reload on the main thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum { ABLAK_CONFIG_STRING, ABLAK_CONFIG_INT, ABLAK_CONFIG_BOOL } AblakConfigType;
typedef enum {
  ABLAK_CONFIG_RESTART, /* read once at start */
  ABLAK_CONFIG_RELOAD,  /* taken over at SIGHUP */
} AblakConfigReload;

typedef struct {
  const char *key; /* "people-port": file key, --people-port, ABLAK_PEOPLE_PORT */
  AblakConfigType type;
  const char *fallback; /* as text; NULL means required for strings */
  gint64 min, max;      /* for ints */
  const char *unit;     /* "ms", "bytes", NULL */
  AblakConfigReload reload;
  const char *help; /* one English sentence */
} AblakConfigKey;

typedef struct AblakConfig AblakConfig;

/* `keys` ends with a key of NULL. */
AblakConfig *ablak_config_new(const AblakConfigKey *keys);
void ablak_config_free(AblakConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakConfig, ablak_config_free)

/* Reads the file (NULL: none), the environment, then argv (--key=value or --key value). */
bool ablak_config_load(AblakConfig *config, const char *file, int argc, char **argv,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Reads the file again and takes over the keys of class RELOAD. */
bool ablak_config_reload(AblakConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The key must be of that type in the table. The string lives until the next reload. */
const char *ablak_config_string(const AblakConfig *config, const char *key);
gint64 ablak_config_int(const AblakConfig *config, const char *key);
bool ablak_config_bool(const AblakConfig *config, const char *key);

/* Text for --help, and a Markdown table for the README. Free with g_free. */
char *ablak_config_help(const AblakConfigKey *keys);
char *ablak_config_markdown(const AblakConfigKey *keys);

/* "--help" prints the settings under `title`, "--help-markdown" the README's table of them; true
 * when either was the only argument. */
bool ablak_config_help_asked(const char *title, const AblakConfigKey *keys, int argc, char **argv);
