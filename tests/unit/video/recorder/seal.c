/* Sealed files: what was written is read; what was tampered with, moved, repeated or cut is not. */
#include "video/recorder/seal.h"
#include "core/error.h"
#include <glib/gstdio.h>
#include <string.h>

#define SEALED (ABLAK_SEAL_CHUNK + ABLAK_SEAL_TAG)

static const guint8 key[ABLAK_SEAL_KEY_SIZE] = "a key that only this test uses.";

typedef struct {
  char *folder, *path;
} Place;

static void place_make(Place *place, gconstpointer unused)
{
  place->folder = g_dir_make_tmp("ablak-seal-XXXXXX", NULL);
  place->path = g_build_filename(place->folder, "0.part", NULL);
}

static void place_clear(Place *place, gconstpointer unused)
{
  g_unlink(place->path);
  g_assert_cmpint(g_rmdir(place->folder), ==, 0);
  g_free(place->path);
  g_free(place->folder);
}

static guint8 *content_new(gsize size)
{
  guint8 *content = g_malloc(size + 1);
  for (gsize i = 0; i < size; i++)
    content[i] = (guint8)(i * 7 + i / 251);
  return content;
}

static void write_file(const Place *place, gsize size, bool finish)
{
  g_autoptr(GError) error = NULL;
  g_autofree guint8 *content = content_new(size);
  g_autoptr(AblakSealWriter) writer = ablak_seal_writer_new(place->path, key, &error);
  g_assert_no_error(error);
  /* In pieces that fit no chunk. */
  for (gsize at = 0; at < size; at += 1000)
    g_assert_true(ablak_seal_writer_write(writer, content + at, MIN((gsize)1000, size - at), NULL));
  g_assert_cmpuint(ablak_seal_writer_offset(writer), ==, size);
  if (finish)
    g_assert_true(ablak_seal_writer_finish(writer, NULL));
}

static void read_back(const Place *place, gsize size)
{
  g_autoptr(GError) error = NULL;
  g_autofree guint8 *content = content_new(size);
  g_autoptr(AblakSealReader) reader = ablak_seal_reader_new(place->path, key, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ablak_seal_reader_size(reader), ==, size);
  static const gsize starts[] = {0, 1, ABLAK_SEAL_CHUNK - 1, ABLAK_SEAL_CHUNK, 40000};
  for (gsize i = 0; i < G_N_ELEMENTS(starts); i++) {
    gsize from = MIN(starts[i], size);
    g_autoptr(GBytes) bytes = ablak_seal_reader_read(reader, from, size, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), (int)g_bytes_get_size(bytes), content + from,
                    (int)(size - from));
  }
}

static void test_sizes(Place *place, gconstpointer unused)
{
  static const gsize sizes[] = {
      0,     1, ABLAK_SEAL_CHUNK - 1, ABLAK_SEAL_CHUNK, ABLAK_SEAL_CHUNK + 1, 3 * ABLAK_SEAL_CHUNK,
      100000};
  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    write_file(place, sizes[i], true);
    read_back(place, sizes[i]);
    g_unlink(place->path);
  }
}

static void refused(const Place *place, const guint8 *with)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakSealReader) reader = ablak_seal_reader_new(place->path, with, &error);
  g_autoptr(GBytes) bytes =
      reader != NULL ? ablak_seal_reader_read(reader, 0, G_MAXINT, &error) : NULL;
  g_assert_null(bytes);
  g_assert_cmpstr(ablak_error_slug(error), ==, "recordings/damaged");
}

/* The file with one thing done to it does not open. */
static void test_tampering(Place *place, gconstpointer unused)
{
  g_autofree char *whole = NULL;
  gsize size = 0;
  write_file(place, 3 * ABLAK_SEAL_CHUNK + 100, true);
  g_file_get_contents(place->path, &whole, &size, NULL);
  for (gsize at = 0; at < size; at += 997) {
    g_autofree char *changed = g_memdup2(whole, size);
    changed[at] ^= 1;
    g_file_set_contents(place->path, changed, (gssize)size, NULL);
    refused(place, key);
  }
  for (gsize cut = 0; cut < size; cut += 1009) {
    g_file_set_contents(place->path, whole, (gssize)cut, NULL);
    refused(place, key);
  }
  /* At a chunk's border, where nothing but the last chunk's mark tells. */
  for (gsize chunks = 0; chunks <= 3; chunks++) {
    g_file_set_contents(place->path, whole, (gssize)(ABLAK_SEAL_HEADER + chunks * SEALED), NULL);
    refused(place, key);
  }
  g_autofree char *swapped = g_memdup2(whole, size);
  memcpy(swapped + ABLAK_SEAL_HEADER, whole + ABLAK_SEAL_HEADER + SEALED, SEALED);
  memcpy(swapped + ABLAK_SEAL_HEADER + SEALED, whole + ABLAK_SEAL_HEADER, SEALED);
  g_file_set_contents(place->path, swapped, (gssize)size, NULL);
  refused(place, key);
  g_autofree char *longer = g_malloc0(size + SEALED);
  memcpy(longer, whole, size);
  g_file_set_contents(place->path, longer, (gssize)(size + SEALED), NULL);
  refused(place, key);
  g_file_set_contents(place->path, whole, (gssize)size, NULL);
  guint8 other[ABLAK_SEAL_KEY_SIZE] = {1};
  refused(place, other);
  read_back(place, 3 * ABLAK_SEAL_CHUNK + 100);
}

/* Two files under one key share nothing: neither their bytes nor their chunks. */
static void test_files_differ(Place *place, gconstpointer unused)
{
  g_autofree char *first = NULL, *second = NULL;
  gsize size = 0;
  write_file(place, 1000, true);
  g_file_get_contents(place->path, &first, &size, NULL);
  g_unlink(place->path);
  write_file(place, 1000, true);
  g_file_get_contents(place->path, &second, &size, NULL);
  g_assert_cmpint(memcmp(first + ABLAK_SEAL_HEADER, second + ABLAK_SEAL_HEADER, 64), !=, 0);
  /* One's content under the other's header. */
  memcpy(first, second, ABLAK_SEAL_HEADER);
  g_file_set_contents(place->path, first, (gssize)size, NULL);
  refused(place, key);
}

static void test_salvage(Place *place, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *whole = NULL;
  gsize size = 0;
  write_file(place, 3 * ABLAK_SEAL_CHUNK + 5000, false);
  refused(place, key);
  g_assert_true(ablak_seal_salvage(place->path, key, &error));
  g_assert_no_error(error);
  read_back(place, 3 * ABLAK_SEAL_CHUNK);
  /* A whole file stays as it is. */
  g_file_get_contents(place->path, &whole, &size, NULL);
  g_autofree char *digest = ablak_sha256_hex(whole, size);
  g_assert_true(ablak_seal_salvage(place->path, key, &error));
  g_autofree char *after = ablak_sha256_file_hex(place->path, NULL);
  g_assert_cmpstr(digest, ==, after);
  /* A cut in the middle of a chunk. */
  g_file_set_contents(place->path, whole, (gssize)(ABLAK_SEAL_HEADER + SEALED + 77), NULL);
  g_assert_true(ablak_seal_salvage(place->path, key, &error));
  read_back(place, ABLAK_SEAL_CHUNK);
  /* Before the header was written. */
  g_file_set_contents(place->path, "", 0, NULL);
  g_assert_true(ablak_seal_salvage(place->path, key, &error));
  read_back(place, 0);
}

static void test_keys(void)
{
  guint8 box[ABLAK_SEAL_KEY_SIZE], other[ABLAK_SEAL_KEY_SIZE], data[ABLAK_SEAL_KEY_SIZE];
  guint8 wrapped[ABLAK_SEAL_WRAPPED_SIZE], opened[ABLAK_SEAL_KEY_SIZE];
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_seal_key_new(box, NULL) && ablak_seal_key_new(other, NULL) &&
                ablak_seal_key_new(data, NULL));
  g_assert_true(ablak_seal_key_wrap(box, data, wrapped, NULL));
  g_assert_true(ablak_seal_key_unwrap(box, wrapped, opened, NULL));
  g_assert_cmpmem(data, sizeof data, opened, sizeof opened);
  g_assert_false(ablak_seal_key_unwrap(other, wrapped, opened, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "recordings/damaged");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add("/video/recorder/seal/sizes", Place, NULL, place_make, test_sizes, place_clear);
  g_test_add("/video/recorder/seal/tampering", Place, NULL, place_make, test_tampering,
             place_clear);
  g_test_add("/video/recorder/seal/files-differ", Place, NULL, place_make, test_files_differ,
             place_clear);
  g_test_add("/video/recorder/seal/salvage", Place, NULL, place_make, test_salvage, place_clear);
  g_test_add_func("/video/recorder/seal/keys", test_keys);
  return g_test_run();
}
