/* The editions of this machine: files named by digest, rows that say which one is active. */
#include "core/error.h"
#include "core/log.h"
#include "kb/private.h"
#include <glib/gstdio.h>
#include <string.h>

/* --- opening --------------------------------------------------------------------------------- */

typedef struct {
  gint64 number;
  char *sha256;
} Known;

static void known_free(gpointer data)
{
  Known *known = data;
  g_free(known->sha256);
  g_free(known);
}

/* The active one first, then the newest. */
static GPtrArray *list_known(AblakStore *store, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(store, error);
  if (txn == NULL)
    return NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      "SELECT number, sha256 FROM kb_edition ORDER BY state = 'active' DESC, number DESC", "");
  if (rows == NULL)
    return NULL;
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(known_free);
  g_autoptr(GError) fault = NULL;
  while (ablak_rows_next(rows, &fault)) {
    Known *known = g_new0(Known, 1);
    known->number = ablak_rows_int(rows, 0);
    known->sha256 = g_strdup(ablak_rows_text(rows, 1));
    g_ptr_array_add(list, known);
  }
  if (fault != NULL) {
    g_propagate_error(error, g_steal_pointer(&fault));
    return NULL;
  }
  return g_steal_pointer(&list);
}

static AblakKbEdition *open_whole(const char *folder, const Known *known, GError **error)
{
  g_autofree char *path = ablak_kb_edition_path(folder, known->sha256);
  g_autofree char *digest = ablak_sha256_file_hex(path, error);
  if (digest == NULL)
    return NULL;
  if (strcmp(digest, known->sha256) != 0) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "kb/edition", "the file is damaged");
    return NULL;
  }
  return ablak_kb_edition_open(path, error);
}

bool ablak_kb_reopen(AblakKb *kb, GError **error)
{
  g_autoptr(GPtrArray) list = list_known(kb->store, error);
  if (list == NULL)
    return false;
  g_clear_pointer(&kb->current, ablak_kb_edition_unref);
  for (guint i = 0; i < list->len && kb->current == NULL; i++) {
    const Known *known = g_ptr_array_index(list, i);
    g_autoptr(GError) fault = NULL;
    kb->current = open_whole(kb->folder, known, &fault);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, known->number);
    if (kb->current == NULL)
      ablak_log_gerror(ABLAK_LOG_WARNING, "edition.unreadable", fault, "number", number, NULL);
  }
  return true;
}

/* What an interrupted transfer or an old edition left; nothing is on its way in yet. */
static bool tidy_folder(AblakKb *kb, GError **error)
{
  g_autoptr(GPtrArray) list = list_known(kb->store, error);
  g_autoptr(GDir) directory = list == NULL ? NULL : g_dir_open(kb->folder, 0, NULL);
  if (list == NULL)
    return false;
  g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < list->len; i++) {
    const Known *known = g_ptr_array_index(list, i);
    g_hash_table_add(names, g_strconcat(known->sha256, ".sqlite", NULL));
  }
  for (const char *name; directory != NULL && (name = g_dir_read_name(directory)) != NULL;) {
    bool ours = g_str_has_prefix(name, "incoming-") || g_str_has_suffix(name, ".sqlite");
    g_autofree char *path = g_build_filename(kb->folder, name, NULL);
    if (ours && !g_hash_table_contains(names, name))
      g_unlink(path);
  }
  return true;
}

static void clear_kb(gpointer data)
{
  AblakKb *kb = data;
  g_clear_pointer(&kb->current, ablak_kb_edition_unref);
  g_free(kb->folder);
  g_free(kb->public_key);
}

void ablak_kb_release(AblakKb *kb)
{
  g_atomic_rc_box_release_full(kb, clear_kb);
}

AblakKb *ablak_kb_open(const char *folder, AblakStore *store, const char *public_key,
                       GError **error)
{
  if (g_mkdir_with_parents(folder, 0750) != 0) {
    ablak_kb_file_error(error, "create", folder);
    return NULL;
  }
  g_autoptr(AblakKb) kb = g_atomic_rc_box_new0(AblakKb);
  kb->folder = g_strdup(folder);
  kb->public_key = g_strdup(public_key);
  kb->store = store;
  return tidy_folder(kb, error) && ablak_kb_reopen(kb, error) ? g_steal_pointer(&kb) : NULL;
}

/* What is under way keeps the memory, not the store, until its `done`. */
void ablak_kb_close(AblakKb *kb)
{
  if (kb == NULL)
    return;
  kb->store = NULL;
  g_clear_pointer(&kb->current, ablak_kb_edition_unref);
  ablak_kb_release(kb);
}

/* --- what is there --------------------------------------------------------------------------- */

AblakKbEdition *ablak_kb_current(AblakKb *kb, GError **error)
{
  if (kb->current == NULL) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "kb/no-edition", "no edition has arrived yet");
    return NULL;
  }
  return ablak_kb_edition_ref(kb->current);
}

gint64 ablak_kb_number(const AblakKb *kb)
{
  return kb->current == NULL ? 0 : ablak_kb_edition_number(kb->current);
}

char *ablak_kb_path(const AblakKb *kb, const char *sha256)
{
  return ablak_kb_edition_path(kb->folder, sha256);
}

/* NULL without an error of its own kind: the form is not in that edition. */
static json_t *form_in(const char *folder, const Known *known, const char *id, gint64 version)
{
  g_autofree char *path = ablak_kb_edition_path(folder, known->sha256);
  g_autoptr(GError) fault = NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_edition_open(path, &fault);
  return edition == NULL ? NULL : ablak_kb_form(edition, id, version, NULL);
}

json_t *ablak_kb_find_form(AblakKb *kb, const char *id, gint64 version, GError **error)
{
  g_autoptr(AblakKbEdition) current = ablak_kb_current(kb, error);
  if (current == NULL)
    return NULL;
  g_autoptr(GError) fault = NULL;
  g_autoptr(json_t) form = ablak_kb_form(current, id, version, &fault);
  if (form != NULL || !g_error_matches(fault, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND)) {
    if (fault != NULL)
      g_propagate_error(error, g_steal_pointer(&fault));
    return g_steal_pointer(&form);
  }
  g_autoptr(GPtrArray) list = list_known(kb->store, error);
  if (list == NULL)
    return NULL;
  for (guint i = 0; i < list->len && form == NULL; i++)
    form = form_in(kb->folder, g_ptr_array_index(list, i), id, version);
  if (form == NULL)
    g_propagate_error(error, g_steal_pointer(&fault));
  return g_steal_pointer(&form);
}

json_t *ablak_kb_editions(AblakTxn *txn, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      "SELECT number, sha256, state, activated_at, manifest FROM kb_edition ORDER BY number DESC",
      "");
  if (rows == NULL)
    return NULL;
  g_autoptr(json_t) list = json_array();
  g_autoptr(GError) fault = NULL;
  while (ablak_rows_next(rows, &fault))
    json_array_append_new(
        list, json_pack("{s:I, s:s, s:s, s:I, s:o}", "number", (json_int_t)ablak_rows_int(rows, 0),
                        "sha256", ablak_rows_text(rows, 1), "state", ablak_rows_text(rows, 2),
                        "activatedAt", (json_int_t)ablak_rows_int(rows, 3), "manifest",
                        ablak_rows_json(rows, 4)));
  if (fault != NULL) {
    g_propagate_error(error, g_steal_pointer(&fault));
    return NULL;
  }
  return g_steal_pointer(&list);
}
