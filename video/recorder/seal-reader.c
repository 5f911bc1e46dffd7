/* video/recorder/seal-reader.c: reading a sealed file, and what a crash left of one. */
#include "core/error.h"
#include "video/recorder/seal-private.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct AblakSealReader {
  int fd;
  EVP_CIPHER_CTX *cipher;
  guint64 sealed_size; /* of the file without its header */
  guint64 size;        /* of the content */
  guint64 chunks;
};

static bool read_all(int fd, guint8 *ret_data, gsize size, guint64 offset, GError **error)
{
  while (size > 0) {
    gssize got = pread(fd, ret_data, size, (off_t)offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return ablak_seal_disk_error(error, "a recording cannot be read");
    if (got == 0)
      return ablak_seal_damaged(error, "the file ends too early");
    ret_data += got;
    size -= (gsize)got;
    offset += (guint64)got;
  }
  return true;
}

static gsize sealed_chunk_size(const AblakSealReader *reader, guint64 number)
{
  return (gsize)MIN((guint64)SEAL_CHUNK_SEALED, reader->sealed_size - number * SEAL_CHUNK_SEALED);
}

/* One chunk's content; its size, or -1. */
static gssize open_chunk(AblakSealReader *reader, guint64 number, bool last, guint8 *ret_content,
                         GError **error)
{
  guint8 sealed[SEAL_CHUNK_SEALED], nonce[SEAL_NONCE];
  gsize sealed_size = sealed_chunk_size(reader, number);
  int size = 0, rest = 0;
  if (sealed_size < ABLAK_SEAL_TAG) {
    ablak_seal_damaged(error, "a chunk is shorter than its seal");
    return -1;
  }
  if (!read_all(reader->fd, sealed, sealed_size, ABLAK_SEAL_HEADER + number * SEAL_CHUNK_SEALED,
                error))
    return -1;
  int content = (int)(sealed_size - ABLAK_SEAL_TAG);
  ablak_seal_nonce(number, last, nonce);
  if (EVP_DecryptInit_ex(reader->cipher, NULL, NULL, NULL, nonce) == 1 &&
      EVP_CIPHER_CTX_ctrl(reader->cipher, EVP_CTRL_GCM_SET_TAG, ABLAK_SEAL_TAG, sealed + content) ==
          1 &&
      EVP_DecryptUpdate(reader->cipher, ret_content, &size, sealed, content) == 1 &&
      EVP_DecryptFinal_ex(reader->cipher, ret_content + size, &rest) == 1)
    return content;
  ablak_seal_damaged(error, "a chunk was changed, moved or cut");
  return -1;
}

static bool read_header(AblakSealReader *reader, const guint8 *key, GError **error)
{
  guint8 header[ABLAK_SEAL_HEADER], file_key[ABLAK_SEAL_KEY_SIZE];
  struct stat about;
  if (fstat(reader->fd, &about) != 0)
    return ablak_seal_disk_error(error, "a recording cannot be read");
  if (about.st_size < ABLAK_SEAL_HEADER)
    return ablak_seal_damaged(error, "the file is shorter than its header");
  if (!read_all(reader->fd, header, sizeof header, 0, error))
    return false;
  if (memcmp(header, SEAL_MAGIC, strlen(SEAL_MAGIC)) != 0)
    return ablak_seal_damaged(error, "this is not a recording's file");
  reader->cipher = EVP_CIPHER_CTX_new();
  bool good = ablak_seal_file_key(key, header + strlen(SEAL_MAGIC), file_key) &&
              EVP_DecryptInit_ex(reader->cipher, EVP_aes_256_gcm(), NULL, file_key, NULL) == 1;
  OPENSSL_cleanse(file_key, sizeof file_key);
  reader->sealed_size = (guint64)about.st_size - ABLAK_SEAL_HEADER;
  reader->chunks = (reader->sealed_size + SEAL_CHUNK_SEALED - 1) / SEAL_CHUNK_SEALED;
  reader->size = reader->sealed_size - MIN(reader->sealed_size, reader->chunks * ABLAK_SEAL_TAG);
  return good || ablak_seal_damaged(error, "no key for the file");
}

/* Not yet known whether the file is whole. */
static AblakSealReader *reader_open(const char *path, const guint8 *key, GError **error)
{
  g_autoptr(AblakSealReader) reader = g_new0(AblakSealReader, 1);
  reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (reader->fd < 0 && errno == ENOENT) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "recordings/file-missing",
                    "the recording's file is not there");
    return NULL;
  }
  if (reader->fd < 0) {
    ablak_seal_disk_error(error, "a recording cannot be opened");
    return NULL;
  }
  return read_header(reader, key, error) ? g_steal_pointer(&reader) : NULL;
}

static bool is_whole(AblakSealReader *reader, GError **error)
{
  guint8 content[ABLAK_SEAL_CHUNK];
  if (reader->chunks == 0)
    return ablak_seal_damaged(error, "the last chunk is missing");
  gssize size = open_chunk(reader, reader->chunks - 1, true, content, error);
  OPENSSL_cleanse(content, sizeof content);
  if (size == 0 && reader->chunks > 1)
    return ablak_seal_damaged(error, "an empty chunk follows others");
  return size >= 0;
}

AblakSealReader *ablak_seal_reader_new(const char *path, const guint8 key[ABLAK_SEAL_KEY_SIZE],
                                       GError **error)
{
  g_autoptr(AblakSealReader) reader = reader_open(path, key, error);
  return reader != NULL && is_whole(reader, error) ? g_steal_pointer(&reader) : NULL;
}

void ablak_seal_reader_free(AblakSealReader *reader)
{
  if (reader == NULL)
    return;
  if (reader->fd >= 0)
    close(reader->fd);
  EVP_CIPHER_CTX_free(reader->cipher);
  g_free(reader);
}

guint64 ablak_seal_reader_size(const AblakSealReader *reader)
{
  return reader->size;
}

GBytes *ablak_seal_reader_read(AblakSealReader *reader, guint64 offset, gsize length,
                               GError **error)
{
  guint8 content[ABLAK_SEAL_CHUNK];
  if (offset >= reader->size)
    return g_bytes_new(NULL, 0);
  guint64 end = offset + MIN((guint64)length, reader->size - offset);
  g_autoptr(GByteArray) all = g_byte_array_sized_new((guint)(end - offset));
  while (offset < end) {
    guint64 number = offset / ABLAK_SEAL_CHUNK;
    gsize within = (gsize)(offset % ABLAK_SEAL_CHUNK);
    gssize size = open_chunk(reader, number, number == reader->chunks - 1, content, error);
    if (size < 0)
      return NULL;
    gsize taken = (gsize)MIN((guint64)((gsize)size - within), end - offset);
    g_byte_array_append(all, content + within, (guint)taken);
    offset += taken;
  }
  OPENSSL_cleanse(content, sizeof content);
  return g_byte_array_free_to_bytes(g_steal_pointer(&all));
}

/* Chunks that open as such that are not the last, up to the first that does not. */
static bool copy_chunks(AblakSealReader *from, AblakSealWriter *to, GError **error)
{
  guint8 content[ABLAK_SEAL_CHUNK];
  bool good = true;
  for (guint64 i = 0; good && i < from->chunks; i++) {
    gssize size = open_chunk(from, i, false, content, NULL);
    if (size != ABLAK_SEAL_CHUNK)
      break;
    good = ablak_seal_writer_write(to, content, (gsize)size, error);
  }
  OPENSSL_cleanse(content, sizeof content);
  return good && ablak_seal_writer_finish(to, error);
}

/* A crash may have come before the header was there: then there is nothing to read. */
static AblakSealReader *reader_of_rest(const char *path, const guint8 *key, bool *ret_empty,
                                       GError **error)
{
  struct stat about;
  *ret_empty = stat(path, &about) == 0 && about.st_size < ABLAK_SEAL_HEADER;
  return *ret_empty ? NULL : reader_open(path, key, error);
}

bool ablak_seal_salvage(const char *path, const guint8 key[ABLAK_SEAL_KEY_SIZE], GError **error)
{
  bool empty = false;
  g_autoptr(AblakSealReader) reader = reader_of_rest(path, key, &empty, error);
  if (reader == NULL && !empty)
    return false;
  if (reader != NULL && is_whole(reader, NULL))
    return true;
  g_autofree char *again = g_strconcat(path, ".salvage", NULL);
  g_unlink(again); /* of an attempt that a crash cut short */
  g_autoptr(AblakSealWriter) writer = ablak_seal_writer_new(again, key, error);
  bool good = writer != NULL && (reader != NULL ? copy_chunks(reader, writer, error)
                                                : ablak_seal_writer_finish(writer, error));
  if (good && g_rename(again, path) != 0)
    good = ablak_seal_disk_error(error, "a recording cannot be renamed");
  if (!good)
    g_unlink(again);
  return good;
}
