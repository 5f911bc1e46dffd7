/* video/recorder/seal-writer.c: writing a sealed file. */
#include "core/error.h"
#include "video/recorder/seal-private.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct AblakSealWriter {
  int fd;
  EVP_CIPHER_CTX *cipher;
  guint64 number; /* of the next chunk */
  guint8 chunk[ABLAK_SEAL_CHUNK];
  gsize filled;
};

static bool write_all(int fd, const guint8 *data, gsize size, GError **error)
{
  while (size > 0) {
    gssize written = write(fd, data, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return ablak_seal_disk_error(error, "a recording cannot be written");
    data += written;
    size -= (gsize)written;
  }
  return true;
}

static bool begin(AblakSealWriter *writer, const guint8 *key, GError **error)
{
  guint8 header[ABLAK_SEAL_HEADER], file_key[ABLAK_SEAL_KEY_SIZE];
  guint8 *salt = header + strlen(SEAL_MAGIC);
  memcpy(header, SEAL_MAGIC, strlen(SEAL_MAGIC));
  writer->cipher = EVP_CIPHER_CTX_new();
  bool good = RAND_bytes(salt, SEAL_SALT) == 1 && ablak_seal_file_key(key, salt, file_key) &&
              EVP_EncryptInit_ex(writer->cipher, EVP_aes_256_gcm(), NULL, file_key, NULL) == 1;
  OPENSSL_cleanse(file_key, sizeof file_key);
  if (!good) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/key", "no key for a recording's file");
    return false;
  }
  return write_all(writer->fd, header, sizeof header, error);
}

AblakSealWriter *ablak_seal_writer_new(const char *path, const guint8 key[ABLAK_SEAL_KEY_SIZE],
                                       GError **error)
{
  g_autoptr(AblakSealWriter) writer = g_new0(AblakSealWriter, 1);
  /* In no other way: the recorder's sandbox knows this one. */
  writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (writer->fd < 0) {
    ablak_seal_disk_error(error, "a recording's file cannot be made");
    return NULL;
  }
  /* Who finds the file later can tell that it is still being written. */
  flock(writer->fd, LOCK_EX | LOCK_NB);
  return begin(writer, key, error) ? g_steal_pointer(&writer) : NULL;
}

static bool seal_chunk(AblakSealWriter *writer, bool last, GError **error)
{
  guint8 sealed[SEAL_CHUNK_SEALED], nonce[SEAL_NONCE];
  int size = 0, rest = 0;
  ablak_seal_nonce(writer->number, last, nonce);
  bool good =
      EVP_EncryptInit_ex(writer->cipher, NULL, NULL, NULL, nonce) == 1 &&
      EVP_EncryptUpdate(writer->cipher, sealed, &size, writer->chunk, (int)writer->filled) == 1 &&
      EVP_EncryptFinal_ex(writer->cipher, sealed + size, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(writer->cipher, EVP_CTRL_GCM_GET_TAG, ABLAK_SEAL_TAG,
                          sealed + writer->filled) == 1;
  if (!good) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/key", "a chunk cannot be sealed");
    return false;
  }
  gsize filled = writer->filled;
  writer->number++;
  writer->filled = 0;
  return write_all(writer->fd, sealed, filled + ABLAK_SEAL_TAG, error);
}

bool ablak_seal_writer_write(AblakSealWriter *writer, const void *data, gsize size, GError **error)
{
  const guint8 *from = data;
  while (size > 0) {
    /* A full chunk waits until something follows: only then is it not the last. */
    if (writer->filled == ABLAK_SEAL_CHUNK && !seal_chunk(writer, false, error))
      return false;
    gsize taken = MIN(size, ABLAK_SEAL_CHUNK - writer->filled);
    memcpy(writer->chunk + writer->filled, from, taken);
    writer->filled += taken;
    from += taken;
    size -= taken;
  }
  return true;
}

guint64 ablak_seal_writer_offset(const AblakSealWriter *writer)
{
  return writer->number * ABLAK_SEAL_CHUNK + writer->filled;
}

bool ablak_seal_writer_finish(AblakSealWriter *writer, GError **error)
{
  if (!seal_chunk(writer, true, error))
    return false;
  return fsync(writer->fd) == 0 || ablak_seal_disk_error(error, "a recording cannot be synced");
}

void ablak_seal_writer_free(AblakSealWriter *writer)
{
  if (writer == NULL)
    return;
  if (writer->fd >= 0)
    close(writer->fd);
  EVP_CIPHER_CTX_free(writer->cipher);
  OPENSSL_cleanse(writer->chunk, sizeof writer->chunk);
  g_free(writer);
}
