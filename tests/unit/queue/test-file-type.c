/* What a file is, by its bytes: whole ones of each kind, and beginnings, rests and disguises. */
#include "queue/file-type.h"
#include <string.h>

/* A grey pixel each. */
static const guint8 jpeg[] = {0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 'J',  'F',  'I',  'F',  0x00,
                              0x01, 0x01, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0xff, 0xdb,
                              0x00, 0x03, 0x00, 0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 0x01, 0x00,
                              0x01, 0x01, 0x01, 0x11, 0x00, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01,
                              0x00, 0x00, 0x3f, 0x00, 0x7f, 0xff, 0xd9};
static const guint8 png[] = {0x89, 'P',  'N',  'G',  0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
                             'I',  'H',  'D',  'R',  0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01,
                             0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00,
                             0x02, 'I',  'D',  'A',  'T',  0x78, 0x9c, 0x00, 0x00, 0x00, 0x00, 0x00,
                             0x00, 0x00, 0x00, 'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82};
static const char pdf[] =
    "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n";

typedef struct {
  const char *type;
  const void *bytes;
  gsize size;
} Sample;
static const Sample samples[] = {
    {"image/jpeg", jpeg, sizeof jpeg},
    {"image/png", png, sizeof png},
    {"application/pdf", pdf, sizeof pdf - 1},
};

/* A copy of that size exactly, so that the sanitizer sees a read beyond it. */
static const char *type_of(const void *bytes, gsize size)
{
  g_autofree guint8 *copy = g_memdup2(bytes, size);
  return ablak_file_type(copy, size);
}

static void test_whole(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(samples); i++)
    g_assert_cmpstr(type_of(samples[i].bytes, samples[i].size), ==, samples[i].type);
}

static void test_beginnings_and_rests(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
    const guint8 *bytes = samples[i].bytes;
    gsize size = samples[i].size;
    for (gsize length = 0; length + 2 < size; length++)
      g_assert_null(type_of(bytes, length));
    for (gsize from = 1; from < size; from++)
      g_assert_null(type_of(bytes + from, size - from));
  }
}

static void test_disguises(void)
{
  const char *const others[] = {
      "",
      "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
      "GIF89a%PDF-1.7 startxref %%EOF",
      "PK\x03\x04 startxref %%EOF",
      "\xff\xd8\xff\xe0 not really \xff\xd9",
      "\n%PDF-1.7\nstartxref\n9\n%%EOF\n",
      "%PDF-1.7\nnothing that would end it",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
    g_assert_null(type_of(others[i], strlen(others[i])));
}

/* What a camera or a signer puts behind the end does no harm. */
static void test_after_the_end(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
    g_autoptr(GByteArray) longer = g_byte_array_new();
    g_byte_array_append(longer, samples[i].bytes, (guint)samples[i].size);
    g_byte_array_append(longer, (const guint8 *)"\0\0\0\0", 4);
    g_assert_cmpstr(type_of(longer->data, longer->len), ==, samples[i].type);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/file-type/whole", test_whole);
  g_test_add_func("/file-type/beginnings-and-rests", test_beginnings_and_rests);
  g_test_add_func("/file-type/disguises", test_disguises);
  g_test_add_func("/file-type/after-the-end", test_after_the_end);
  return g_test_run();
}
