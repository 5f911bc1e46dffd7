#include "box/recording-files.h"
#include "core/crypto.h"
#include "core/error.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <video/recorder/seal.h>

#define WRITER_WAIT_US (30 * G_USEC_PER_SEC)
#define WRITER_ASK_US (100 * 1000)

static char *part_path(const char *folder, const char *recording, gint64 part)
{
  return g_strdup_printf("%s/%s.%" G_GINT64_FORMAT ".part", folder, recording, part);
}

static bool is_being_written(const char *path)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
  close(fd);
  return locked;
}

static void await_writer(const char *path)
{
  for (gint64 waited_us = 0; waited_us < WRITER_WAIT_US && is_being_written(path);
       waited_us += WRITER_ASK_US)
    g_usleep(WRITER_ASK_US);
}

static bool adopt_part(const char *path, const guint8 *key, AblakRecordingFile *file,
                       GError **error)
{
  struct stat about;
  if (!ablak_seal_salvage(path, key, error))
    return false;
  g_autofree char *digest = ablak_sha256_file_hex(path, error);
  if (!digest || stat(path, &about) != 0)
    return false;
  g_strlcpy(file->sha256, digest, sizeof file->sha256);
  file->size = about.st_size;
  return true;
}

GArray *ablak_recording_files_adopt(const char *folder, const char *recording, const guint8 *key,
                                    GError **error)
{
  g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(AblakRecordingFile));
  for (gint64 part = 0;; part++) {
    g_autofree char *path = part_path(folder, recording, part);
    AblakRecordingFile file = {.part = part};
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
      return g_steal_pointer(&files);
    if (part == 0)
      await_writer(path);
    if (!adopt_part(path, key, &file, error))
      return NULL;
    g_array_append_val(files, file);
  }
}

static bool sync_folder(const char *folder, GError **error)
{
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool good = fd >= 0 && fsync(fd) == 0;
  if (!good)
    ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/disk", "%s: %s", folder,
                    g_strerror(errno));
  if (fd >= 0)
    close(fd);
  return good;
}

bool ablak_recording_files_name(const char *folder, const char *recording, const GArray *files,
                                GError **error)
{
  for (guint i = 0; i < files->len; i++) {
    const AblakRecordingFile *file = &g_array_index(files, AblakRecordingFile, i);
    g_autofree char *from = part_path(folder, recording, file->part);
    g_autofree char *to = g_build_filename(folder, file->sha256, NULL);
    if (g_rename(from, to) != 0 && errno != ENOENT) {
      ablak_error_set(error, ABLAK_ERROR_FAILED, "recordings/disk", "%s: %s", to,
                      g_strerror(errno));
      return false;
    }
  }
  return sync_folder(folder, error);
}

/* Its overwriting is worth little on flash, and costs nothing. */
static void destroy_key(const char *path)
{
  static const guint8 nothing[ABLAK_SEAL_WRAPPED_SIZE];
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0 && write(fd, nothing, sizeof nothing) == (gssize)sizeof nothing)
    fsync(fd);
  if (fd >= 0)
    close(fd);
  g_unlink(path);
}

void ablak_recording_files_erase(const char *folder, const char *recording, const GArray *files)
{
  g_autofree char *key = g_strdup_printf("%s/%s.key", folder, recording);
  g_autofree char *prefix = g_strconcat(recording, ".", NULL);
  destroy_key(key);
  sync_folder(folder, NULL);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name(dir)) != NULL;) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (g_str_has_prefix(name, prefix))
      g_unlink(path);
  }
  for (guint i = 0; files && i < files->len; i++) {
    g_autofree char *path =
        g_build_filename(folder, g_array_index(files, AblakRecordingFile, i).sha256, NULL);
    g_unlink(path);
  }
  sync_folder(folder, NULL);
}
