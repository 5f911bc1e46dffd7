/* provisioning/cli/options.h: a command's words: options "--name value" and the rest, in order. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct {
  GHashTable *options; /* name -> value */
  GPtrArray *words;
} AblakOptions;

/* `names`: the options the command knows, separated by spaces. INVALID "cli/usage" for an unknown
 * option, one given twice or one without its value. Borrows argv. */
AblakOptions *ablak_options_parse(const char *names, int argc, char **argv,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_options_free(AblakOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakOptions, ablak_options_free)

/* NULL and "cli/usage" when it is missing. */
const char *ablak_options_need(const AblakOptions *options, const char *name, GError **error);
const char *ablak_options_get(const AblakOptions *options, const char *name);
