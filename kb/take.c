/* Taking in an edition: the file first, then the row, then the readers. */
#include "core/error.h"
#include "kb/private.h"
#include <gio/gio.h>

/* Drafts pin a form version for weeks, releases come weekly: this many stay readable. */
#define EDITIONS_KEPT 20

bool ablak_kb_older_error(GError **error, gint64 number)
{
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "kb/older",
                  "edition %" G_GINT64_FORMAT " is not newer than what is here", number);
  return false;
}

/* --- the file -------------------------------------------------------------------------------- */

AblakKbIncoming *ablak_kb_incoming_new(AblakKb *kb, const json_t *signed_manifest, GError **error)
{
  if (!ablak_kb_manifest_verify(signed_manifest, kb->public_key, error))
    return NULL;
  gint64 number = ablak_kb_manifest_number(signed_manifest);
  if (number <= ablak_kb_number(kb)) {
    ablak_kb_older_error(error, number);
    return NULL;
  }
  return ablak_kb_incoming_begin(kb->folder, signed_manifest, error);
}

bool ablak_kb_prepare_file(const char *folder, const char *public_key,
                           const json_t *signed_manifest, const char *path, GError **error)
{
  if (!ablak_kb_manifest_verify(signed_manifest, public_key, error))
    return false;
  if (g_mkdir_with_parents(folder, 0750) != 0)
    return ablak_kb_file_error(error, "create", folder);
  g_autoptr(AblakKbIncoming) incoming = ablak_kb_incoming_begin(folder, signed_manifest, error);
  return incoming != NULL && ablak_kb_incoming_append_file(incoming, path, error) &&
         ablak_kb_incoming_finish(incoming, error);
}

/* --- the row --------------------------------------------------------------------------------- */

/* A number belongs to one file for ever. `ret_fresh` is false when there is nothing to do. */
static bool look_up(AblakTxn *txn, gint64 number, const char *sha256, bool *ret_fresh,
                    GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error,
                          "SELECT count(*) FILTER (WHERE number = ? AND sha256 <> ?), count(*) "
                          "FILTER (WHERE number > ? "
                          "OR (number = ? AND state = 'active')) FROM kb_edition",
                          "itii", number, sha256, number, number);
  if (rows == NULL)
    return false;
  if (ablak_rows_int(rows, 0) > 0)
    return ablak_kb_older_error(error, number);
  *ret_fresh = ablak_rows_int(rows, 1) == 0;
  return true;
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

bool ablak_kb_apply(AblakTxn *txn, const json_t *signed_manifest, GError **error)
{
  const json_t *manifest = json_object_get(signed_manifest, "manifest");
  const char *sha256 = ablak_json_get_string(manifest, "sha256");
  gint64 number = ablak_kb_manifest_number(signed_manifest);
  bool fresh = false;
  if (!look_up(txn, number, sha256, &fresh, error))
    return false;
  if (!fresh)
    return true;
  if (!write_rows(txn, number, sha256, signed_manifest, error))
    return false;
  g_autofree char *subject = g_strdup_printf("%" G_GINT64_FORMAT, number);
  return ablak_event_append(txn, "kb", "edition.activated", subject, "system", NULL, error);
}

/* --- the readers ----------------------------------------------------------------------------- */

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
  ablak_kb_release(activation->kb);
  g_free(activation);
}

static bool activate_job(AblakTxn *txn, gpointer data, GError **error)
{
  const Activation *activation = data;
  return ablak_kb_apply(txn, ablak_kb_incoming_manifest(activation->incoming), error);
}

/* Who holds the old edition keeps it until they let go. Of two that arrive at once the older one
 * may be done last: it changes nothing. */
static bool switch_current(AblakKb *kb, const json_t *signed_manifest, GError **error)
{
  if (kb->store == NULL || ablak_kb_manifest_number(signed_manifest) <= ablak_kb_number(kb))
    return true;
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
  if (error == NULL &&
      !switch_current(activation->kb, ablak_kb_incoming_manifest(activation->incoming), &fault))
    error = fault;
  if (activation->done != NULL)
    activation->done(error, activation->data);
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
  ablak_kb_release(receipt->kb);
  g_free(receipt->path);
  g_free(receipt);
}

static void receive_in_worker(GTask *task, gpointer source, gpointer data, GCancellable *cancel)
{
  Receipt *receipt = data;
  GError *error = NULL;
  if (ablak_kb_incoming_append_file(receipt->incoming, receipt->path, &error) &&
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
