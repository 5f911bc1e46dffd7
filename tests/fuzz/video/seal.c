/* A sealed file with something done to it: it opens to exactly what was written, or not at all. The
 * input says what: pairs of a place and a new octet, and where to cut; or it is the file. */
#include "video/recorder/seal.h"
#include <glib/gstdio.h>
#include <stdint.h>
#include <string.h>

#define CONTENT (2 * ABLAK_SEAL_CHUNK + 300)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const guint8 key[ABLAK_SEAL_KEY_SIZE] = "the fuzzer's";
static char *path;
static char *whole;
static gsize whole_size;
static guint8 content[CONTENT];

static void prepare(void)
{
  int fd = g_file_open_tmp("ablak-seal-XXXXXX", &path, NULL);
  g_assert_true(fd >= 0 && g_close(fd, NULL));
  for (gsize i = 0; i < CONTENT; i++)
    content[i] = (guint8)(i / 3);
  g_unlink(path);
  AblakSealWriter *writer = ablak_seal_writer_new(path, key, NULL);
  g_assert_true(ablak_seal_writer_write(writer, content, CONTENT, NULL));
  g_assert_true(ablak_seal_writer_finish(writer, NULL));
  ablak_seal_writer_free(writer);
  g_assert_true(g_file_get_contents(path, &whole, &whole_size, NULL));
}

static void put(const void *bytes, gsize size)
{
  FILE *file = g_fopen(path, "wb");
  g_assert_true(file != NULL && fwrite(bytes, 1, size, file) == size);
  fclose(file);
}

static void check(bool salvaged)
{
  g_autoptr(AblakSealReader) reader = ablak_seal_reader_new(path, key, NULL);
  if (reader == NULL)
    return;
  guint64 size = ablak_seal_reader_size(reader);
  g_assert_true(size <= CONTENT && (salvaged || size == CONTENT));
  for (guint64 at = 0; at < size; at += 5000) {
    g_autoptr(GBytes) bytes = ablak_seal_reader_read(reader, at, 5000, NULL);
    if (bytes != NULL)
      g_assert_cmpint(memcmp(g_bytes_get_data(bytes, NULL), content + at, g_bytes_get_size(bytes)),
                      ==, 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (path == NULL)
    prepare();
  if (size > 0 && data[0] == 'f') {
    put(data + 1, size - 1);
    g_autoptr(AblakSealReader) reader = ablak_seal_reader_new(path, key, NULL);
    g_assert_null(reader);
    return 0;
  }
  g_autofree char *changed = g_memdup2(whole, whole_size);
  gsize kept = whole_size;
  for (; size >= 4; data += 4, size -= 4) {
    gsize at = ((gsize)data[0] << 16 | (gsize)data[1] << 8 | data[2]) % whole_size;
    if (data[2] == 0)
      kept = MIN(kept, at);
    else
      changed[at] = (char)data[3];
  }
  put(changed, kept);
  check(false);
  if (ablak_seal_salvage(path, key, NULL))
    check(true);
  return 0;
}
