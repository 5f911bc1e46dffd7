/* How an invitation is shown: the path of its QR code paints exactly the code's modules, and the
 * digits stand in two groups. */
#include "box/shown.h"
#include "core/json.h"
#include <qrencode.h>
#include <stdio.h>
#include <string.h>

#define QUIET_ZONE 4

/* Paints "Mx yhNv1h-Nz" runs; every module at most once. */
static guint8 *paint(const char *path, int size)
{
  guint8 *modules = g_new0(guint8, size * size);
  int x, y, run, back, length;
  while (*path) {
    length = 0;
    g_assert_cmpint(sscanf(path, "M%d %dh%dv1h-%dz%n", &x, &y, &run, &back, &length), ==, 4);
    g_assert_cmpint(length, >, 0);
    g_assert_cmpint(run, ==, back);
    g_assert_true(x >= 0 && y >= 0 && run > 0 && x + run <= size && y < size);
    for (int i = 0; i < run; i++) {
      g_assert_cmpint(modules[y * size + x + i], ==, 0);
      modules[y * size + x + i] = 1;
    }
    path += length;
  }
  return modules;
}

static void assert_shows(const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) shown = ablak_shown_qr(text, &error);
  g_assert_no_error(error);
  QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
  int size = (int)ablak_json_get_int(shown, "size", 0);
  g_assert_cmpint(size, ==, code->width + 2 * QUIET_ZONE);
  g_autofree guint8 *modules = paint(ablak_json_get_string(shown, "path"), size);
  for (int y = 0; y < size; y++)
    for (int x = 0; x < size; x++) {
      int inner_x = x - QUIET_ZONE, inner_y = y - QUIET_ZONE;
      bool inside = inner_x >= 0 && inner_y >= 0 && inner_x < code->width && inner_y < code->width;
      int dark = inside ? code->data[inner_y * code->width + inner_x] & 1 : 0;
      g_assert_cmpint(modules[y * size + x], ==, dark);
    }
  QRcode_free(code);
}

static void test_qr(void)
{
  assert_shows("https://ablak.example/join#0123456789012345678901234567890123456789012");
  assert_shows("http://localhost:8080/join#x");
  assert_shows("é");
  g_autofree char *long_text = g_strnfill(2000, 'a');
  assert_shows(long_text);
}

static void test_too_long(void)
{
  g_autofree char *text = g_strnfill(5000, 'a');
  g_autoptr(GError) error = NULL;
  g_assert_null(ablak_shown_qr(text, &error));
  g_assert_nonnull(error);
}

static void test_code(void)
{
  g_autofree char *code = ablak_shown_code("01234567"), *none = ablak_shown_code(NULL);
  g_assert_cmpstr(code, ==, "0123 4567");
  g_assert_cmpstr(none, ==, "");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/shown/qr", test_qr);
  g_test_add_func("/shown/too-long", test_too_long);
  g_test_add_func("/shown/code", test_code);
  return g_test_run();
}
