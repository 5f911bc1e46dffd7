/* "ablak backup" and "ablak restore": a state folder as a folder of plain files with a manifest.
 *
 * OUT/manifest.json: {"kind","createdAt","files":[{"path","size","sha256"},…]}; the files lie in
 * the state's own layout. The database is copied by the store, so the daemon may be at work; keys
 * and certificates only ever change by whole-file replacement. A backup is whole when its folder
 * has its final name: it is written beside it and renamed last. It holds private keys: the folder
 * is 0700. */
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "hq/publish.h"
#include "provisioning/cli/cli.h"
#include "provisioning/layout.h"
#include "sync/down.h"
#include "sync/journal.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST "manifest.json"
static const char *const folders[] = {"ca", "id", "keys", "editions", NULL};

static bool fail_errno(GError **error, const char *what, const char *path)
{
  ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/state-unwritable", "%s %s: %s", what,
                  path, g_strerror(errno));
  return false;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
  return remove(path);
}

static void remove_folder(const char *path)
{
  nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool sync_folder(const char *path, GError **error)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool done = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0)
    close(fd);
  return done || fail_errno(error, "cannot sync", path);
}

/* --- files --- */

static bool copy_file(const char *from, const char *to, GError **error)
{
  g_autofree char *data = NULL;
  gsize size = 0;
  g_autoptr(GError) cause = NULL;
  if (g_file_get_contents(from, &data, &size, &cause))
    return ablak_layout_write(to, data, size, 0600, error);
  ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/bad-backup", "%s", cause->message);
  return false;
}

static json_t *describe(const char *root, const char *relative, GError **error)
{
  g_autofree char *path = g_build_filename(root, relative, NULL);
  GStatBuf status;
  g_autofree char *sha256 = ablak_sha256_file_hex(path, error);
  if (sha256 == NULL)
    return NULL;
  if (g_stat(path, &status) != 0) {
    fail_errno(error, "cannot read", path);
    return NULL;
  }
  return json_pack("{s:s, s:I, s:s}", "path", relative, "size", (json_int_t)status.st_size,
                   "sha256", sha256);
}

static bool add_file(const char *out, const char *relative, json_t *files, GError **error)
{
  json_t *file = describe(out, relative, error);
  if (file == NULL)
    return false;
  json_array_append_new(files, file);
  return true;
}

static bool copy_folder(const char *state, const char *out, const char *folder, json_t *files,
                        GError **error)
{
  g_autofree char *from = g_build_filename(state, folder, NULL);
  g_autofree char *to = g_build_filename(out, folder, NULL);
  g_autoptr(GDir) dir = g_dir_open(from, 0, NULL);
  if (dir == NULL)
    return true;
  if (g_mkdir_with_parents(to, 0700) != 0)
    return fail_errno(error, "cannot make", to);
  for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
    g_autofree char *source = g_build_filename(from, name, NULL);
    g_autofree char *target = g_build_filename(to, name, NULL);
    g_autofree char *relative = g_build_filename(folder, name, NULL);
    if (!g_file_test(source, G_FILE_TEST_IS_REGULAR) || g_str_has_prefix(name, "building-"))
      continue;
    if (!copy_file(source, target, error) || !add_file(out, relative, files, error))
      return false;
  }
  return sync_folder(to, error);
}

/* --- backup --- */

static const char *database_of(AblakStateKind kind)
{
  return kind == ABLAK_STATE_HQ ? ABLAK_LAYOUT_HQ_DATABASE : ABLAK_LAYOUT_BOX_DATABASE;
}

/* No folder's part is needed to copy a database whole. */
static AblakStore *open_any(const char *path, AblakStateKind kind, GError **error)
{
  static const AblakStorePart *const box_parts[] = {&ablak_sync_box_store_part, NULL};
  AblakStoreOptions options = {.path = path,
                               .parts = kind == ABLAK_STATE_HQ ? ablak_hq_store_parts : box_parts};
  return ablak_store_open(&options, error);
}

static bool copy_database(const char *state, const char *out, AblakStateKind kind, json_t *files,
                          GError **error)
{
  g_autofree char *from = ablak_layout_path(state, database_of(kind));
  g_autofree char *to = ablak_layout_path(out, database_of(kind));
  if (!g_file_test(from, G_FILE_TEST_EXISTS))
    return true;
  g_autoptr(AblakStore) store = open_any(from, kind, error);
  return store != NULL && ablak_store_backup(store, to, error) &&
         add_file(out, database_of(kind), files, error);
}

static bool fill(const char *state, const char *out, AblakStateKind kind, GError **error)
{
  g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(ablak_clock_wall_ms() / 1000);
  g_autofree char *at = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
  g_autoptr(json_t) manifest =
      json_pack("{s:s, s:s, s:[]}", "kind", kind == ABLAK_STATE_HQ ? "headquarters" : "box",
                "createdAt", at, "files");
  json_t *files = json_object_get(manifest, "files");
  /* The database first: what it refers to by then is in the folders that follow. */
  if (!copy_database(state, out, kind, files, error))
    return false;
  for (gsize i = 0; folders[i] != NULL; i++)
    if (!copy_folder(state, out, folders[i], files, error))
      return false;
  g_autofree char *text = ablak_json_text(manifest);
  g_autofree char *path = g_build_filename(out, MANIFEST, NULL);
  return ablak_layout_write(path, text, strlen(text), 0600, error) && sync_folder(out, error);
}

static bool put_in_place(const char *partial, const char *final, GError **error)
{
  g_autofree char *parent = g_path_get_dirname(final);
  if (g_rename(partial, final) != 0)
    return fail_errno(error, "cannot make", final);
  return sync_folder(parent, error);
}

bool cli_backup_make(const char *state, const char *out, GError **error)
{
  AblakStateKind kind = ablak_layout_kind(state);
  if (kind == ABLAK_STATE_NONE || g_file_test(out, G_FILE_TEST_EXISTS)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT,
                    kind == ABLAK_STATE_NONE ? "provisioning/wrong-state"
                                             : "provisioning/state-exists",
                    kind == ABLAK_STATE_NONE ? "%s holds no state" : "%s exists; give a new name",
                    kind == ABLAK_STATE_NONE ? state : out);
    return false;
  }
  g_autofree char *partial = g_strconcat(out, ".partial", NULL);
  remove_folder(partial);
  if (g_mkdir_with_parents(partial, 0700) != 0)
    return fail_errno(error, "cannot make", partial);
  bool done = fill(state, partial, kind, error) && put_in_place(partial, out, error);
  if (!done)
    remove_folder(partial);
  return done;
}

bool cli_backup(const CliCall *call, GError **error)
{
  return cli_backup_make(cli_option(call, "state"), call->arguments[0], error);
}

/* --- restore --- */

static bool bad_backup(GError **error, const char *what, const char *path)
{
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "provisioning/bad-backup", "%s: %s", path,
                  what);
  return false;
}

/* "hq.db" or "folder/name" of the layout: a manifest must not lead out of the state. */
static bool is_layout_path(const char *path)
{
  if (strcmp(path, ABLAK_LAYOUT_HQ_DATABASE) == 0 || strcmp(path, ABLAK_LAYOUT_BOX_DATABASE) == 0)
    return true;
  g_auto(GStrv) parts = g_strsplit(path, "/", -1);
  return g_strv_length(parts) == 2 && g_strv_contains(folders, parts[0]) && parts[1][0] != '.' &&
         parts[1][0] != '\0';
}

static bool check_file(const char *backup, json_t *file, GError **error)
{
  const char *path = ablak_json_get_string(file, "path");
  if (path == NULL || !is_layout_path(path))
    return bad_backup(error, "the manifest names a file that has no place in a state", backup);
  g_autoptr(json_t) found = describe(backup, path, NULL);
  if (found == NULL || !json_equal(found, file))
    return bad_backup(error, "missing, or not as it was when the backup was made", path);
  return true;
}

static json_t *read_manifest(const char *backup, AblakStateKind *ret_kind, GError **error)
{
  g_autofree char *path = g_build_filename(backup, MANIFEST, NULL);
  g_autofree char *text = NULL;
  gsize size = 0;
  g_autoptr(json_t) manifest =
      g_file_get_contents(path, &text, &size, NULL) ? ablak_json_parse(text, size, NULL) : NULL;
  const char *kind = manifest != NULL ? ablak_json_get_string(manifest, "kind") : NULL;
  json_t *files = json_object_get(manifest, "files");
  if (kind == NULL || !json_is_array(files)) {
    bad_backup(error, "this is not a whole backup", backup);
    return NULL;
  }
  for (gsize i = 0; i < json_array_size(files); i++)
    if (!check_file(backup, json_array_get(files, i), error))
      return NULL;
  *ret_kind = strcmp(kind, "box") == 0 ? ABLAK_STATE_BOX : ABLAK_STATE_HQ;
  return g_steal_pointer(&manifest);
}

static bool restore_file(const char *backup, const char *state, const char *path, GError **error)
{
  g_autofree char *from = g_build_filename(backup, path, NULL);
  g_autofree char *to = g_build_filename(state, path, NULL);
  g_autofree char *folder = g_path_get_dirname(to);
  if (g_mkdir_with_parents(folder, 0700) != 0)
    return fail_errno(error, "cannot make", folder);
  return strchr(path, '/') == NULL ? ablak_store_restore(from, to, error)
                                   : copy_file(from, to, error);
}

static bool new_generation(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_down_new_generation(txn, error);
}

/* What the other side has seen of the lost days must not be taken for what comes now: headquarters
 * begins a new generation, a box asks for a new epoch. */
static bool begin_anew(const char *state, AblakStateKind kind, GError **error)
{
  if (kind == ABLAK_STATE_HQ) {
    g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_HQ_DATABASE);
    g_autoptr(AblakStore) store = open_any(path, kind, error);
    return store != NULL && ablak_store_write_sync(store, new_generation, NULL, error);
  }
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_EPOCH_REQUEST);
  g_autofree char *text =
      g_strdup_printf("{\"restoredAt\":%" G_GINT64_FORMAT "}", ablak_clock_wall_ms());
  return ablak_layout_write(path, text, strlen(text), 0600, error);
}

static bool is_free(const char *state)
{
  g_autoptr(GDir) dir = g_dir_open(state, 0, NULL);
  return dir == NULL || g_dir_read_name(dir) == NULL;
}

static bool move_aside(const char *state, GError **error)
{
  g_autofree char *aside =
      g_strdup_printf("%s.before-restore-%" G_GINT64_FORMAT, state, ablak_clock_wall_ms());
  if (g_rename(state, aside) != 0)
    return fail_errno(error, "cannot move aside", state);
  g_printerr("the former state is in %s\n", aside);
  return true;
}

static bool build(const char *backup, const char *partial, json_t *manifest, AblakStateKind kind,
                  GError **error)
{
  json_t *files = json_object_get(manifest, "files");
  if (!ablak_layout_make(partial, kind, error))
    return false;
  for (gsize i = 0; i < json_array_size(files); i++)
    if (!restore_file(backup, partial, ablak_json_get_string(json_array_get(files, i), "path"),
                      error))
      return false;
  return begin_anew(partial, kind, error) && sync_folder(partial, error);
}

bool cli_backup_restore(const char *backup, const char *state, bool replace, GError **error)
{
  AblakStateKind kind = ABLAK_STATE_NONE;
  g_autoptr(json_t) manifest = read_manifest(backup, &kind, error);
  if (manifest == NULL)
    return false;
  if (!is_free(state) && !replace) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "provisioning/state-exists",
                    "%s is not empty; --replace moves what is there aside", state);
    return false;
  }
  g_autofree char *partial = g_strconcat(state, ".restoring", NULL);
  remove_folder(partial);
  bool done = build(backup, partial, manifest, kind, error);
  if (done && is_free(state))
    g_rmdir(state);
  else if (done)
    done = move_aside(state, error);
  done = done && put_in_place(partial, state, error);
  if (!done)
    remove_folder(partial);
  return done;
}

bool cli_restore(const CliCall *call, GError **error)
{
  g_autofree char *state = g_strdup(cli_option(call, "state"));
  while (strlen(state) > 1 && g_str_has_suffix(state, "/"))
    state[strlen(state) - 1] = '\0'; /* names are made from it */
  return cli_backup_restore(call->arguments[0], state, cli_flag(call, "replace"), error);
}
