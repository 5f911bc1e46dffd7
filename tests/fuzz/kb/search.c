/* Search text from outside: never an error, never anything but well-formed hits. The first byte
 * chooses office and language. */
#include "core/error.h"
#include "kb/kb.h"
#include <glib/gstdio.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static AblakKbEdition *build_edition(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("ablak-fuzz-XXXXXX", &error);
  g_assert_no_error(error);
  g_autofree char *path = g_build_filename(folder, "edition.sqlite", NULL);
  const char *const directories[] = {KB_SAMPLES "/hu", KB_SAMPLES "/cs", NULL};
  AblakKbEdition *edition = NULL;
  if (ablak_kb_build(directories, 1, 0, path, &error))
    edition = ablak_kb_edition_open(path, &error);
  g_assert_no_error(error);
  /* The open file stays readable without its name. */
  g_unlink(path);
  g_rmdir(folder);
  return edition;
}

static void check_hits(const json_t *hits)
{
  gsize i, n;
  json_t *hit, *part;
  json_array_foreach((json_t *)hits, i, hit)
  {
    if (ablak_json_get_string(hit, "name") == NULL)
      abort();
    json_array_foreach(json_object_get(hit, "snippet"), n, part)
    {
      const char *text = ablak_json_get_string(part, "text");
      if (text == NULL || strpbrk(text, "\001\002") != NULL)
        abort();
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const languages[] = {"hu", "cs", "en", "x'"};
  static AblakKbEdition *edition;
  if (edition == NULL)
    edition = build_edition();
  if (size == 0)
    return 0;
  g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
  const char *office = (data[0] & 4) != 0 ? "hu-minta" : "cs-ukazka";
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) hits =
      ablak_kb_search(edition, office, text, languages[data[0] & 3], 20, &error);
  g_assert_no_error(error);
  check_hits(hits);
  return 0;
}
