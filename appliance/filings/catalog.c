/* filings/catalog.c: what cairo 1.16 leaves out of a tagged PDF.
 *
 * Assistive technology wants the catalog to say that the document is tagged, in which language, and
 * that its title is to be shown (ISO 14289-1 §7.1, §7.2). An incremental update (ISO 32000-1
 * §7.5.6) appends the catalog once more with these entries. */
#include "core/error.h"
#include "filings/sheet.h"
#include <stdlib.h>
#include <string.h>

static const char *find_last(const char *data, gsize size, const char *needle)
{
  gsize length = strlen(needle);
  for (gsize at = size >= length ? size - length + 1 : 0; at-- > 0;)
    if (memcmp(data + at, needle, length) == 0)
      return data + at;
  return NULL;
}

static bool read_number(const char *at, const char *name, guint64 *ret)
{
  const char *found = at != NULL ? strstr(at, name) : NULL;
  if (found == NULL)
    return false;
  *ret = g_ascii_strtoull(found + strlen(name), NULL, 10);
  return true;
}

/* The inside of "N 0 obj << ... >>"; cairo writes the catalog uncompressed. */
static char *catalog_entries(const char *data, gsize size, guint64 number)
{
  g_autofree char *head =
      g_strdup_printf("\n%" G_GUINT64_FORMAT " 0 obj\n<< /Type /Catalog", number);
  const char *begin = find_last(data, size, head);
  const char *end = begin != NULL ? strstr(begin, ">>\nendobj") : NULL;
  if (end == NULL)
    return NULL;
  begin += strlen(head);
  return g_strndup(begin, (gsize)(end - begin));
}

GBytes *ablak_sheet_complete_catalog(GByteArray *pdf, const char *language, GError **error)
{
  guint64 root = 0, info = 0, size = 0, previous = 0;
  g_byte_array_append(pdf, (const guint8 *)"", 1); /* text functions below want an end */
  g_byte_array_set_size(pdf, pdf->len - 1);
  const char *data = (const char *)pdf->data;
  const char *trailer = find_last(data, pdf->len, "\ntrailer\n");
  bool found = read_number(trailer, "/Root ", &root) && read_number(trailer, "/Info ", &info) &&
               read_number(trailer, "/Size ", &size) &&
               read_number(trailer, "startxref\n", &previous);
  g_autofree char *entries = found ? catalog_entries(data, pdf->len, root) : NULL;
  if (entries == NULL) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "filings/print", "the PDF has another shape");
    return NULL;
  }
  gsize object = pdf->len;
  g_autoptr(GString) tail = g_string_new(NULL);
  g_string_append_printf(tail,
                         "%" G_GUINT64_FORMAT " 0 obj\n<< /Type /Catalog%s"
                         "   /MarkInfo << /Marked true >>\n   /Lang (%s)\n"
                         "   /ViewerPreferences << /DisplayDocTitle true >>\n>>\nendobj\n",
                         root, entries, language);
  gsize table = object + tail->len;
  g_string_append_printf(tail, "xref\n%" G_GUINT64_FORMAT " 1\n%010zu 00000 n \n", root, object);
  g_string_append_printf(tail,
                         "trailer\n<< /Size %" G_GUINT64_FORMAT "\n   /Root %" G_GUINT64_FORMAT
                         " 0 R\n   /Info %" G_GUINT64_FORMAT " 0 R\n   /Prev %" G_GUINT64_FORMAT
                         "\n>>\nstartxref\n%zu\n%%%%EOF\n",
                         size, root, info, previous, table);
  g_byte_array_append(pdf, (const guint8 *)tail->str, (guint)tail->len);
  return g_bytes_new(pdf->data, pdf->len);
}
