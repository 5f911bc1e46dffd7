/* The editions of this machine: files named by digest, rows that say which one is active. */
#include "core/error.h"
#include "core/log.h"
#include "kb/private.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

/* Drafts pin a form version for weeks, releases come weekly: this many stay readable. */
#define EDITIONS_KEPT 20
#define COPY_BYTES (256 * 1024)

struct AblakKb {
  char *folder, *public_key;
  AblakStore *store;
  AblakKbEdition *current; /* NULL when there is none */
};

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
      ablak_log_gerror(ABLAK_LOG_WARNING, "kb-edition-unreadable", fault, "number", number, NULL);
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

/* An activation under way keeps the memory, not the store, until its `done`. */
void ablak_kb_close(AblakKb *kb)
{
  kb->store = NULL;
  g_clear_pointer(&kb->current, ablak_kb_edition_unref);
  g_atomic_rc_box_release_full(kb, clear_kb);
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

/* --- activation ------------------------------------------------------------------------------ */

typedef struct {
  AblakKb *kb;
  AblakKbIncoming *incoming;
  AblakKbDone done;
  gpointer data;
} Activation;

static void activation_free(gpointer data)
{
  Activation *activation = data;
  ablak_kb_incoming_free(activation->incoming);
  g_atomic_rc_box_release_full(activation->kb, clear_kb);
  g_free(activation);
}

static bool older_error(GError **error, gint64 number)
{
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "kb/older",
                  "edition %" G_GINT64_FORMAT " is not newer than what is here", number);
  return false;
}

/* A number belongs to one file for ever; the same file may come again after its copy was lost. */
static bool check_newest(AblakTxn *txn, gint64 number, const char *sha256, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error,
                          "SELECT count(*) FROM kb_edition WHERE number > ? OR (number = ? AND "
                          "sha256 <> ?)",
                          "iit", number, number, sha256);
  if (rows == NULL)
    return false;
  return ablak_rows_int(rows, 0) == 0 || older_error(error, number);
}

static bool write_rows(AblakTxn *txn, gint64 number, const char *sha256, const json_t *manifest,
                       GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE kb_edition SET state = 'retired' WHERE state = 'active'", "") &&
         ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO kb_edition (number, sha256, manifest, state, activated_at) "
                        "VALUES (?, ?, ?, 'active', ?) ON CONFLICT (number) DO UPDATE SET state = "
                        "'active', activated_at = excluded.activated_at",
                        "itji", number, sha256, manifest, ablak_txn_now_ms(txn)) &&
         ablak_txn_exec(txn, NULL, error,
                        "DELETE FROM kb_edition WHERE number NOT IN (SELECT number FROM "
                        "kb_edition ORDER BY number DESC LIMIT ?)",
                        "i", (gint64)EDITIONS_KEPT);
}

static bool activate_job(AblakTxn *txn, gpointer data, GError **error)
{
  const Activation *activation = data;
  const json_t *signed_manifest = ablak_kb_incoming_manifest(activation->incoming);
  const json_t *manifest = json_object_get(signed_manifest, "manifest");
  const char *sha256 = ablak_json_get_string(manifest, "sha256");
  gint64 number = ablak_kb_manifest_number(signed_manifest);
  if (!check_newest(txn, number, sha256, error) ||
      !write_rows(txn, number, sha256, signed_manifest, error))
    return false;
  g_autofree char *subject = g_strdup_printf("%" G_GINT64_FORMAT, number);
  return ablak_event_append(txn, "kb", "edition-activated", subject, "system", NULL, error);
}

/* Readers that hold the old edition keep it until they let go. */
static bool switch_current(AblakKb *kb, const json_t *signed_manifest, GError **error)
{
  const json_t *manifest = json_object_get(signed_manifest, "manifest");
  g_autofree char *path =
      ablak_kb_edition_path(kb->folder, ablak_json_get_string(manifest, "sha256"));
  AblakKbEdition *edition = ablak_kb_edition_open(path, error);
  if (edition == NULL)
    return false;
  g_clear_pointer(&kb->current, ablak_kb_edition_unref);
  kb->current = edition;
  return true;
}

static void activate_done(const GError *error, gpointer data)
{
  Activation *activation = data;
  g_autoptr(GError) fault = NULL;
  bool closed = activation->kb->store == NULL;
  if (error == NULL && !closed)
    switch_current(activation->kb, ablak_kb_incoming_manifest(activation->incoming), &fault);
  if (activation->done != NULL)
    activation->done(error != NULL ? error : fault, activation->data);
}

void ablak_kb_activate(AblakKb *kb, AblakKbIncoming *incoming, AblakKbDone done, gpointer data)
{
  g_assert(ablak_kb_incoming_is_finished(incoming));
  Activation *activation = g_new0(Activation, 1);
  activation->kb = g_atomic_rc_box_acquire(kb);
  activation->incoming = incoming;
  activation->done = done;
  activation->data = data;
  ablak_store_write(kb->store, activate_job, activate_done, activation, activation_free);
}

AblakKbIncoming *ablak_kb_incoming_new(AblakKb *kb, const json_t *signed_manifest, GError **error)
{
  if (!ablak_kb_manifest_verify(signed_manifest, kb->public_key, error))
    return NULL;
  gint64 number = ablak_kb_manifest_number(signed_manifest);
  if (number <= ablak_kb_number(kb)) {
    older_error(error, number);
    return NULL;
  }
  return ablak_kb_incoming_begin(kb->folder, signed_manifest, error);
}

/* --- receiving a file ------------------------------------------------------------------------ */

typedef struct {
  AblakKb *kb;
  char *path;
  AblakKbIncoming *incoming;
  AblakKbDone done;
  gpointer data;
} Receipt;

static void receipt_free(gpointer data)
{
  Receipt *receipt = data;
  g_clear_pointer(&receipt->incoming, ablak_kb_incoming_free);
  g_atomic_rc_box_release_full(receipt->kb, clear_kb);
  g_free(receipt->path);
  g_free(receipt);
}

static bool copy_file(const char *path, AblakKbIncoming *incoming, GError **error)
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

static void receive_in_worker(GTask *task, gpointer source, gpointer data, GCancellable *cancel)
{
  Receipt *receipt = data;
  GError *error = NULL;
  if (copy_file(receipt->path, receipt->incoming, &error) &&
      ablak_kb_incoming_finish(receipt->incoming, &error))
    g_task_return_boolean(task, TRUE);
  else
    g_task_return_error(task, error);
}

static void received(GObject *source, GAsyncResult *result, gpointer data)
{
  Receipt *receipt = g_task_get_task_data(G_TASK(result));
  g_autoptr(GError) error = NULL;
  bool whole = g_task_propagate_boolean(G_TASK(result), &error);
  if (whole && receipt->kb->store == NULL) {
    whole = false;
    ablak_error_set(&error, ABLAK_ERROR_UNAVAILABLE, "store/closed", "closed meanwhile");
  }
  if (whole) {
    ablak_kb_activate(receipt->kb, g_steal_pointer(&receipt->incoming), receipt->done,
                      receipt->data);
    return;
  }
  /* What was refused is off the disk before anyone hears of it. */
  g_clear_pointer(&receipt->incoming, ablak_kb_incoming_free);
  if (receipt->done != NULL)
    receipt->done(error, receipt->data);
}

void ablak_kb_receive(AblakKb *kb, const char *path, const json_t *signed_manifest,
                      AblakKbDone done, gpointer data)
{
  Receipt *receipt = g_new0(Receipt, 1);
  receipt->kb = g_atomic_rc_box_acquire(kb);
  receipt->path = g_strdup(path);
  receipt->done = done;
  receipt->data = data;
  g_autoptr(GTask) task = g_task_new(NULL, NULL, received, NULL);
  g_task_set_task_data(task, receipt, receipt_free);
  GError *error = NULL;
  receipt->incoming = ablak_kb_incoming_new(kb, signed_manifest, &error);
  if (receipt->incoming == NULL)
    g_task_return_error(task, error);
  else
    g_task_run_in_thread(task, receive_in_worker);
}
