#include "store/blobs.h"
#include "core/error.h"
#include "store/private.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMING_S (24 * 60 * 60)

struct AblakBlobs {
  char *dir, *coming;
};

static bool fail(const char *what, const char *path, GError **error)
{
  int code = errno;
  bool full = code == ENOSPC || code == EDQUOT;
  ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, full ? "store/full" : "store/io", "%s %s: %s",
                  what, path, g_strerror(code));
  return false;
}

/* --- life ------------------------------------------------------------------------------------- */

/* An upload that nobody has taken up again within a day. */
static void forget_old(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  for (const char *name; dir && (name = g_dir_read_name(dir));) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat info;
    if (stat(path, &info) == 0 && now - info.st_mtime > COMING_S)
      g_unlink(path);
  }
}

AblakBlobs *ablak_blobs_open(const char *dir, GError **error)
{
  g_autoptr(AblakBlobs) blobs = g_new0(AblakBlobs, 1);
  blobs->dir = g_strdup(dir);
  blobs->coming = g_build_filename(dir, "coming", NULL);
  if (g_mkdir_with_parents(blobs->coming, 0700) != 0) {
    fail("cannot make", blobs->coming, error);
    return NULL;
  }
  forget_old(blobs->coming);
  return g_steal_pointer(&blobs);
}

void ablak_blobs_free(AblakBlobs *blobs)
{
  if (!blobs)
    return;
  g_free(blobs->dir);
  g_free(blobs->coming);
  g_free(blobs);
}

static char *coming_path(const AblakBlobs *blobs, const char *id)
{
  return g_build_filename(blobs->coming, id, NULL);
}

/* The first two digits make a folder, so that none grows without end. */
static char *folder_of(const AblakBlobs *blobs, const char *sha256)
{
  const char first[] = {sha256[0], sha256[1], '\0'};
  return g_build_filename(blobs->dir, first, NULL);
}

/* --- coming in -------------------------------------------------------------------------------- */

gint64 ablak_blobs_coming(const AblakBlobs *blobs, const char *id)
{
  g_autofree char *path = coming_path(blobs, id);
  struct stat info;
  return stat(path, &info) == 0 ? info.st_size : 0;
}

static bool write_all(int fd, gint64 offset, GBytes *piece)
{
  gsize left;
  const char *at = g_bytes_get_data(piece, &left);
  while (left > 0) {
    ssize_t written = pwrite(fd, at, left, offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    at += written;
    offset += written;
    left -= (gsize)written;
  }
  return true;
}

bool ablak_blobs_append(const AblakBlobs *blobs, const char *id, gint64 offset, GBytes *piece,
                        GError **error)
{
  gint64 there = ablak_blobs_coming(blobs, id);
  if (offset != there) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "store/blob-offset",
                    "%" G_GINT64_FORMAT " bytes are here, not %" G_GINT64_FORMAT, there, offset);
    return false;
  }
  g_autofree char *path = coming_path(blobs, id);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail("cannot open", path, error);
  bool good = write_all(fd, offset, piece) || fail("cannot write", path, error);
  /* Half a piece would be no harm, but a full disk is better off without it. */
  if (!good && ftruncate(fd, offset) != 0)
    g_unlink(path);
  close(fd);
  return good;
}

static GBytes *map(const char *path, GError **error)
{
  g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, error);
  return file ? g_mapped_file_get_bytes(file) : NULL;
}

static void unreadable(const GError *failure, GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "store/io", "%s", failure->message);
}

GBytes *ablak_blobs_look(const AblakBlobs *blobs, const char *id, GError **error)
{
  g_autofree char *path = coming_path(blobs, id);
  g_autoptr(GError) failure = NULL;
  GBytes *bytes = map(path, &failure);
  if (!bytes)
    unreadable(failure, error);
  return bytes;
}

void ablak_blobs_forget(const AblakBlobs *blobs, const char *id)
{
  g_autofree char *path = coming_path(blobs, id);
  g_unlink(path);
}

/* --- kept ------------------------------------------------------------------------------------- */

bool ablak_blobs_keep(const AblakBlobs *blobs, const char *id, const char *sha256, GError **error)
{
  g_autofree char *from = coming_path(blobs, id);
  g_autofree char *folder = folder_of(blobs, sha256);
  g_autofree char *to = g_build_filename(folder, sha256, NULL);
  if (g_mkdir(folder, 0700) != 0 && errno != EEXIST)
    return fail("cannot make", folder, error);
  if (!sync_file(from, error))
    return false;
  if (g_rename(from, to) != 0)
    return fail("cannot move to", to, error);
  return sync_folder_of(to, error) && sync_folder_of(folder, error);
}

GBytes *ablak_blobs_read(const AblakBlobs *blobs, const char *sha256, GError **error)
{
  g_autofree char *folder = folder_of(blobs, sha256);
  g_autofree char *path = g_build_filename(folder, sha256, NULL);
  g_autoptr(GError) failure = NULL;
  GBytes *bytes = map(path, &failure);
  if (bytes)
    return bytes;
  /* Only what does not exist is not there: a reader without descriptors must not believe so. */
  if (g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "store/no-such-blob", "%s is not here", sha256);
  else
    unreadable(failure, error);
  return NULL;
}

void ablak_blobs_remove(const AblakBlobs *blobs, const char *sha256)
{
  g_autofree char *folder = folder_of(blobs, sha256);
  g_autofree char *path = g_build_filename(folder, sha256, NULL);
  g_unlink(path);
}
