#include "box/shown.h"
#include "core/error.h"
#include <qrencode.h>
#include <string.h>

/* ISO/IEC 18004 §6.3.8: four light modules on each side. */
#define QUIET_ZONE 4

/* One rectangle for each run of dark modules in a row. */
static void append_row(GString *path, const QRcode *code, int y)
{
  const unsigned char *row = code->data + y * code->width;
  for (int x = 0; x < code->width;) {
    int run = 0;
    while (x + run < code->width && (row[x + run] & 1))
      run++;
    if (run)
      g_string_append_printf(path, "M%d %dh%dv1h-%dz", x + QUIET_ZONE, y + QUIET_ZONE, run, run);
    x += run ? run : 1;
  }
}

json_t *ablak_shown_qr(const char *text, GError **error)
{
  QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
  if (!code) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "internal", "no QR code for a text of %zu bytes",
                    strlen(text));
    return NULL;
  }
  g_autoptr(GString) path = g_string_new(NULL);
  for (int y = 0; y < code->width; y++)
    append_row(path, code, y);
  int size = code->width + 2 * QUIET_ZONE;
  QRcode_free(code);
  return json_pack("{s:i, s:s}", "size", size, "path", path->str);
}

char *ablak_shown_code(const char *code)
{
  return code ? g_strdup_printf("%.4s %s", code, code + 4) : g_strdup("");
}
