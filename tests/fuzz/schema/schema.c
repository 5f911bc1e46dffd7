/* A schema and an instance from outside, separated by the first newline: compiling and validating
 * must end in bounded time with a verdict, and both ways of validating must agree. */
#include "schema/schema.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
  const char *text = (const char *)data;
  const char *newline = memchr(text, '\n', size);
  if (newline == NULL)
    return 0;
  gsize length = (gsize)(newline - text);
  g_autoptr(json_t) json = ablak_json_parse(text, length, NULL);
  g_autoptr(json_t) instance = ablak_json_parse(newline + 1, size - length - 1, NULL);
  if (json == NULL || instance == NULL)
    return 0;
  AblakSchemaOptions options = {.assert_format = true};
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakSchema) schema = ablak_schema_compile(json, &options, &error);
  if (schema == NULL) {
    g_assert_nonnull(error);
    return 0;
  }
  g_autoptr(GPtrArray) issues = NULL;
  bool quick = ablak_schema_validate(schema, instance, 0, NULL);
  bool full = ablak_schema_validate(schema, instance, 20, &issues);
  g_assert_true(full == (issues == NULL));
  g_assert_true(quick == full);
  g_assert_true(full || issues->len > 0);
  return 0;
}
