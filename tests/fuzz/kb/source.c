/* Catalogue sources and manifests from outside. The first byte chooses: office, service, form or
 * signed manifest. What is accepted once must be accepted again in its canonical text. */
#include "core/error.h"
#include "kb/kb.h"
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_manifest(const char *text, gsize length)
{
  /* No one has this key's other half, so nothing may pass. */
  static const char key[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
  g_autoptr(json_t) value = ablak_json_parse(text, length, NULL);
  if (value != NULL && ablak_kb_manifest_verify(value, key, NULL))
    abort();
}

static void try_source(AblakKbKind kind, const char *text, gsize length)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) value = ablak_kb_source_parse(kind, "source", text, length, &error);
  if (value == NULL) {
    if (!g_error_matches(error, ABLAK_ERROR, ABLAK_ERROR_UNPROCESSABLE))
      abort();
    return;
  }
  g_autofree char *canonical = ablak_json_canonical(value);
  g_autoptr(json_t) again =
      ablak_kb_source_parse(kind, "canonical", canonical, strlen(canonical), NULL);
  if (again == NULL || !json_equal(value, again))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  const char *text = (const char *)data + 1;
  if (data[0] % 4 == 3)
    try_manifest(text, size - 1);
  else
    try_source((AblakKbKind)(data[0] % 4), text, size - 1);
  return 0;
}
