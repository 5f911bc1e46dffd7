/* An edition on its way in. Bytes go to a file with a name of its own; only when all of them are
 * there, durable and what the manifest says, the file gets the name under which it is ever opened.
 */
#include "core/error.h"
#include "kb/private.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES (256 * 1024)

struct AblakKbIncoming {
  char *folder;
  json_t *signed_manifest;
  gint64 number, size, written;
  const char *sha256; /* in signed_manifest */
  char *path;         /* of the unfinished file; NULL once it has its final name */
  int fd;
};

char *ablak_kb_edition_path(const char *folder, const char *sha256)
{
  g_autofree char *name = g_strconcat(sha256, ".sqlite", NULL);
  return g_build_filename(folder, name, NULL);
}

bool ablak_kb_folder_sync(const char *folder, GError **error)
{
  int fd = g_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  bool synced = fd >= 0 && fsync(fd) == 0;
  if (!synced)
    ablak_kb_file_error(error, "fsync", folder);
  if (fd >= 0)
    close(fd);
  return synced;
}

AblakKbIncoming *ablak_kb_incoming_begin(const char *folder, const json_t *signed_manifest,
                                         GError **error)
{
  g_autoptr(AblakKbIncoming) incoming = g_new0(AblakKbIncoming, 1);
  incoming->folder = g_strdup(folder);
  incoming->signed_manifest = json_deep_copy(signed_manifest);
  const json_t *manifest = json_object_get(incoming->signed_manifest, "manifest");
  incoming->number = ablak_json_get_int(manifest, "number", 0);
  incoming->size = ablak_json_get_int(manifest, "size", 0);
  incoming->sha256 = ablak_json_get_string(manifest, "sha256");
  incoming->path = g_build_filename(folder, "incoming-XXXXXX", NULL);
  incoming->fd = g_mkstemp_full(incoming->path, O_WRONLY | O_CLOEXEC, 0640);
  if (incoming->fd < 0) {
    ablak_kb_file_error(error, "create", incoming->path);
    g_clear_pointer(&incoming->path, g_free);
    return NULL;
  }
  return g_steal_pointer(&incoming);
}

const json_t *ablak_kb_incoming_manifest(const AblakKbIncoming *incoming)
{
  return incoming->signed_manifest;
}

bool ablak_kb_incoming_is_finished(const AblakKbIncoming *incoming)
{
  return incoming->path == NULL;
}

static bool wrong_edition(GError **error, const char *message)
{
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "kb/edition", "%s", message);
  return false;
}

bool ablak_kb_incoming_append(AblakKbIncoming *incoming, const void *bytes, gsize size,
                              GError **error)
{
  if (incoming->path == NULL || size > (gsize)(incoming->size - incoming->written))
    return wrong_edition(error, "more bytes than the manifest says");
  const char *at = bytes;
  while (size > 0) {
    gssize count = write(incoming->fd, at, size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return ablak_kb_file_error(error, "write", incoming->path);
    at += count;
    size -= (gsize)count;
    incoming->written += count;
  }
  return true;
}

bool ablak_kb_incoming_append_file(AblakKbIncoming *incoming, const char *path, GError **error)
{
  FILE *file = g_fopen(path, "re");
  if (file == NULL)
    return ablak_kb_file_error(error, "open", path);
  g_autofree char *buffer = g_malloc(COPY_BYTES);
  bool copied = true;
  for (gsize size; copied && (size = fread(buffer, 1, COPY_BYTES, file)) > 0;)
    copied = ablak_kb_incoming_append(incoming, buffer, size, error);
  if (copied && ferror(file) != 0)
    copied = ablak_kb_file_error(error, "read", path);
  fclose(file);
  return copied;
}

/* Reads back what is on the disk, so the digest is of what will be opened. */
static bool check_file(const AblakKbIncoming *incoming, GError **error)
{
  g_autofree char *digest = ablak_sha256_file_hex(incoming->path, error);
  if (digest == NULL)
    return false;
  if (strcmp(digest, incoming->sha256) != 0)
    return wrong_edition(error, "the file is not the one that was signed");
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(incoming->path, error);
  if (edition == NULL)
    return false;
  return ablak_kb_edition_number(edition) == incoming->number ||
         wrong_edition(error, "the file has another number than its manifest");
}

bool ablak_kb_incoming_finish(AblakKbIncoming *incoming, GError **error)
{
  if (incoming->path == NULL || incoming->written != incoming->size)
    return wrong_edition(error, "fewer bytes than the manifest says");
  if (fsync(incoming->fd) != 0)
    return ablak_kb_file_error(error, "fsync", incoming->path);
  if (!check_file(incoming, error))
    return false;
  g_autofree char *path = ablak_kb_edition_path(incoming->folder, incoming->sha256);
  if (g_rename(incoming->path, path) != 0)
    return ablak_kb_file_error(error, "rename", incoming->path);
  g_clear_pointer(&incoming->path, g_free);
  return ablak_kb_folder_sync(incoming->folder, error);
}

void ablak_kb_incoming_free(AblakKbIncoming *incoming)
{
  if (incoming == NULL)
    return;
  if (incoming->fd >= 0)
    close(incoming->fd);
  if (incoming->path != NULL)
    g_unlink(incoming->path);
  g_free(incoming->path);
  g_free(incoming->folder);
  json_decref(incoming->signed_manifest);
  g_free(incoming);
}
