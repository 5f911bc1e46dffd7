#include "hex.h"

GByteArray *hex(const char *text)
{
  GByteArray *bytes = g_byte_array_new();
  int high = -1;
  for (; *text != '\0'; text++) {
    if (*text == ' ')
      continue;
    int digit = g_ascii_xdigit_value(*text);
    g_assert_cmpint(digit, >=, 0);
    if (high < 0) {
      high = digit;
      continue;
    }
    guint8 byte = (guint8)(high << 4 | digit);
    g_byte_array_append(bytes, &byte, 1);
    high = -1;
  }
  g_assert_cmpint(high, <, 0);
  return bytes;
}

char *to_hex(const guint8 *data, gsize size)
{
  GString *text = g_string_new(NULL);
  for (gsize i = 0; i < size; i++)
    g_string_append_printf(text, "%02x", data[i]);
  return g_string_free(text, FALSE);
}
