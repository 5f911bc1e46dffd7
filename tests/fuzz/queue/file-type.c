/* What is taken for a picture or a document begins as one, and what follows a picture's end changes
 * nothing: so nothing before the end was read as if it were behind it. */
#include "queue/file-type.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool begins(const uint8_t *data, size_t size, const char *text)
{
  return size >= strlen(text) && memcmp(data, text, strlen(text)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const char *type = ablak_file_type(data, size);
  if (type == NULL)
    return 0;
  const char *magic = strcmp(type, "image/jpeg") == 0  ? "\xff\xd8"
                      : strcmp(type, "image/png") == 0 ? "\x89PNG"
                                                       : "%PDF-";
  g_assert_true(begins(data, size, magic));
  g_autofree guint8 *longer = g_malloc0(size + 64);
  memcpy(longer, data, size);
  const char *again = ablak_file_type(longer, size + 64);
  /* A PDF's end must be near the file's. */
  if (strcmp(type, "application/pdf") != 0)
    g_assert_cmpstr(again, ==, type);
  return 0;
}
