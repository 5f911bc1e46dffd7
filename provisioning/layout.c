#include "provisioning/layout.h"
#include "core/error.h"
#include <errno.h>
#include <gio/gio.h>
#include <sys/stat.h>

char *ablak_layout_path(const char *state, const char *relative)
{
  return g_build_filename(state, relative, NULL);
}

char *ablak_layout_edition(const char *state, const char *sha256)
{
  if (strlen(sha256) != 64 || strspn(sha256, "0123456789abcdef") != 64)
    return NULL;
  g_autofree char *name = g_strconcat(sha256, ".sqlite", NULL);
  return g_build_filename(state, ABLAK_LAYOUT_EDITIONS, name, NULL);
}

static bool exists(const char *state, const char *relative)
{
  g_autofree char *path = ablak_layout_path(state, relative);
  return g_file_test(path, G_FILE_TEST_EXISTS);
}

AblakStateKind ablak_layout_kind(const char *state)
{
  if (exists(state, ABLAK_LAYOUT_HQ_DATABASE) || exists(state, ABLAK_LAYOUT_CA))
    return ABLAK_STATE_HQ;
  if (exists(state, ABLAK_LAYOUT_BOX_DATABASE) || exists(state, ABLAK_LAYOUT_ID))
    return ABLAK_STATE_BOX;
  return ABLAK_STATE_NONE;
}

static bool make_folder(const char *state, const char *relative, GError **error)
{
  g_autofree char *path = ablak_layout_path(state, relative);
  if (g_mkdir_with_parents(path, 0700) == 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/state-unwritable",
                  "cannot make the folder %s: %s", path, g_strerror(errno));
  return false;
}

bool ablak_layout_make(const char *state, AblakStateKind kind, GError **error)
{
  AblakStateKind there = ablak_layout_kind(state);
  if (there != ABLAK_STATE_NONE && there != kind) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "provisioning/wrong-state",
                    "%s holds the state of a %s; choose another folder", state,
                    there == ABLAK_STATE_HQ ? "headquarters" : "box");
    return false;
  }
  const char *own = kind == ABLAK_STATE_HQ ? ABLAK_LAYOUT_CA : ABLAK_LAYOUT_ID;
  return make_folder(state, own, error) && make_folder(state, "keys", error) &&
         make_folder(state, ABLAK_LAYOUT_EDITIONS, error);
}

bool ablak_layout_write(const char *path, const void *data, gsize size, int mode, GError **error)
{
  g_autoptr(GError) cause = NULL;
  if (g_file_set_contents_full(path, data, (gssize)size,
                               G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, mode,
                               &cause) &&
      chmod(path, (mode_t)mode) == 0) /* an existing file keeps its old mode otherwise */
    return true;
  ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/state-unwritable", "cannot write %s: %s",
                  path, cause != NULL ? cause->message : g_strerror(errno));
  return false;
}
