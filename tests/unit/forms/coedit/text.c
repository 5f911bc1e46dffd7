/* Measuring UTF-8, which looks at eight bytes at once, beside GLib's way of looking at each. */
#include "forms/coedit/bytes.h"

#define LENGTH_MAX 40

/* Units by GLib; -1 when it is not valid. No text of these tests has a NUL. */
static gint64 units_of(const char *text, gsize size, bool *ret_pairs)
{
  *ret_pairs = false;
  if (!g_utf8_validate(text, (gssize)size, NULL))
    return -1;
  gint64 units = 0;
  for (const char *at = text; at < text + size; at = g_utf8_next_char(at)) {
    bool pair = g_utf8_get_char(at) > 0xffff;
    units += pair ? 2 : 1;
    *ret_pairs |= pair;
  }
  return units;
}

static void check(const char *text, gsize size)
{
  bool pairs, expected_pairs;
  g_autofree char *copy = g_memdup2(text, size); /* exact, so that ASan sees a byte too far */
  gint64 expected = units_of(text, size, &expected_pairs);
  g_assert_cmpint(utf8_measure(copy, size, &pairs), ==, expected);
  if (expected < 0)
    return;
  g_assert_cmpint(pairs, ==, expected_pairs);
  g_assert_cmpuint(utf8_valid_units(copy, size), ==, expected);
}

/* The bytes behind so many letters and before so many. */
static void check_at(const char *bytes, gsize size, gsize before, gsize after)
{
  char text[LENGTH_MAX];
  memset(text, 'x', sizeof text);
  memcpy(text + before, bytes, size);
  check(text, before + size + after);
}

static void test_pairs_of_bytes(void)
{
  for (guint first = 1; first < 256; first++) {
    for (guint second = 1; second < 256; second++) {
      const char bytes[] = {(char)first, (char)second};
      for (gsize before = 0; before < 9; before++)
        check_at(bytes, 2, before, (first + second + before) % 9);
    }
  }
}

static void test_characters(void)
{
  for (gunichar character = 1; character < 0x110000; character += character < 0x900 ? 1 : 61) {
    char bytes[6];
    if (character >= 0xd800 && character < 0xe000)
      continue;
    gsize size = (gsize)g_unichar_to_utf8(character, bytes);
    for (gsize before = 0; before < 9; before++) {
      check_at(bytes, size, before, character % 9);
      check_at(bytes, size - 1, before, 0); /* and cut off at the end */
    }
  }
}

/* Mostly valid: characters of all lengths in a row, and now and then a byte that is wrong. */
static void test_random(void)
{
  static const char *const some[] = {"a", "b", "é", "ő", "€", "„", "😀", "\xc0", "\xed\xa0\x80"};
  g_autoptr(GRand) random = g_rand_new_with_seed(1);
  for (guint round = 0; round < 100000; round++) {
    g_autoptr(GString) text = g_string_new(NULL);
    gint32 kinds = round % 4 == 0 ? G_N_ELEMENTS(some) : round % 4 == 1 ? 4 : 7;
    while (text->len < LENGTH_MAX && g_rand_int_range(random, 0, 12) > 0)
      g_string_append(text, some[g_rand_int_range(random, 0, kinds)]);
    check(text->str, text->len);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coedit/text/pairs-of-bytes", test_pairs_of_bytes);
  g_test_add_func("/coedit/text/characters", test_characters);
  g_test_add_func("/coedit/text/random", test_random);
  return g_test_run();
}
