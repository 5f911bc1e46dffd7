/* Commands at headquarters. */
#include "accounts/accounts.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "hq/publish.h"
#include "provisioning/boxes.h"
#include "provisioning/cli/cli.h"
#include "provisioning/layout.h"
#include "sync/receiver.h"
#include <string.h>

#define ACTOR "system"

static AblakStore *open_store(const char *state, GError **error)
{
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_HQ_DATABASE);
  AblakStoreOptions options = {.path = path, .parts = ablak_hq_store_parts};
  return ablak_store_open(&options, error);
}

AblakStore *cli_open_hq(const CliCall *call, GError **error)
{
  const char *state = cli_option(call, "state");
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_HQ_DATABASE);
  if (g_file_test(path, G_FILE_TEST_EXISTS))
    return open_store(state, error);
  ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "provisioning/wrong-state",
                  "%s is not headquarters' state; \"ablak init hq --state %s\" makes one", state,
                  state);
  return NULL;
}

static AblakCa *open_authority(const char *state, GError **error)
{
  g_autofree char *dir = ablak_layout_path(state, ABLAK_LAYOUT_CA);
  return ablak_ca_open(dir, error);
}

static AblakSigner *open_edition_key(const char *state, GError **error)
{
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_EDITION_KEY);
  return ablak_signer_open(path, error);
}

bool cli_init_hq(const CliCall *call, GError **error)
{
  static const char *const names[] = {"localhost", "127.0.0.1", "::1", NULL};
  const char *state = cli_option(call, "state");
  if (!ablak_layout_make(state, ABLAK_STATE_HQ, error))
    return false;
  g_autoptr(AblakCa) ca = open_authority(state, error);
  g_autoptr(AblakSigner) key = ca != NULL ? open_edition_key(state, error) : NULL;
  if (key == NULL || !ablak_ca_ensure_server(ca, names, ablak_clock_wall_ms(), error))
    return false;
  g_autoptr(AblakStore) store = open_store(state, error);
  if (store == NULL)
    return false;
  g_print("%s\n", ablak_ca_fingerprint(ca));
  return true;
}

/* --- boxes ---------------------------------------------------------------------------------------
 */

typedef struct {
  const CliCall *call;
  char *id, *code;
} BoxChange;

static void box_change_clear(BoxChange *change)
{
  g_free(change->id);
  g_free(change->code);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BoxChange, box_change_clear)

static bool job_add(AblakTxn *txn, gpointer data, GError **error)
{
  BoxChange *change = data;
  g_clear_pointer(&change->id, g_free);
  g_clear_pointer(&change->code, g_free);
  return ablak_box_create(txn, cli_option(change->call, "id"), cli_option(change->call, "name"),
                          cli_option(change->call, "office"), ACTOR, &change->id, &change->code,
                          error);
}

static bool job_claim(AblakTxn *txn, gpointer data, GError **error)
{
  BoxChange *change = data;
  g_clear_pointer(&change->code, g_free);
  return ablak_box_claim(txn, cli_option(change->call, "id"), ACTOR, &change->code, error);
}

static bool job_replace(AblakTxn *txn, gpointer data, GError **error)
{
  BoxChange *change = data;
  g_clear_pointer(&change->code, g_free);
  return ablak_box_replace(txn, cli_option(change->call, "id"), ACTOR, &change->code, error);
}

static bool job_revoke(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_box_revoke(txn, cli_option(((BoxChange *)data)->call, "id"), ACTOR, error);
}

static bool job_release(AblakTxn *txn, gpointer data, GError **error)
{
  const char *id = cli_option(((BoxChange *)data)->call, "id");
  g_autoptr(AblakBox) box = ablak_box_get(txn, id, error);
  return box != NULL && ablak_peer_release(txn, id, ACTOR, error);
}

static bool change_box(const CliCall *call, AblakJob job, BoxChange *change, GError **error)
{
  change->call = call;
  g_autoptr(AblakStore) store = cli_open_hq(call, error);
  return store != NULL && ablak_store_write_sync(store, job, change, error);
}

/* The daemon asks its own register at each connection; the list is for everything else that looks
 * at certificates. */
static bool write_crl(const CliCall *call, GError **error)
{
  g_autoptr(AblakCa) ca = open_authority(cli_option(call, "state"), error);
  g_autoptr(AblakStore) store = ca != NULL ? cli_open_hq(call, error) : NULL;
  g_autoptr(AblakTxn) txn = store != NULL ? ablak_store_read(store, error) : NULL;
  g_autoptr(GPtrArray) revoked = txn != NULL ? ablak_box_revoked(txn, error) : NULL;
  g_clear_pointer(&txn, ablak_txn_end);
  return revoked != NULL && ablak_ca_write_crl(ca, revoked, ablak_clock_wall_ms(), error);
}

bool cli_box_add(const CliCall *call, GError **error)
{
  g_auto(BoxChange) change = {0};
  if (!change_box(call, job_add, &change, error))
    return false;
  if (cli_flag(call, "json"))
    g_print("{\"box\":\"%s\",\"code\":\"%s\"}\n", change.id, change.code);
  else
    g_print("box:   %s\ncode:  %s (good for 24 hours, for one machine)\n", change.id, change.code);
  return true;
}

bool cli_box_claim(const CliCall *call, GError **error)
{
  g_auto(BoxChange) change = {0};
  if (!change_box(call, job_claim, &change, error))
    return false;
  g_print("%s\n", change.code);
  return true;
}

bool cli_box_replace(const CliCall *call, GError **error)
{
  g_auto(BoxChange) change = {0};
  if (!change_box(call, job_replace, &change, error) || !write_crl(call, error))
    return false;
  g_print("%s\n", change.code);
  return true;
}

bool cli_box_revoke(const CliCall *call, GError **error)
{
  g_auto(BoxChange) change = {0};
  return change_box(call, job_revoke, &change, error) && write_crl(call, error);
}

bool cli_box_release(const CliCall *call, GError **error)
{
  g_auto(BoxChange) change = {0};
  return change_box(call, job_release, &change, error);
}

/* --- staff and editions --- */

typedef struct {
  GPtrArray *people;
  gsize added, changed;
} Import;

static bool job_import(AblakTxn *txn, gpointer data, GError **error)
{
  Import *job = data;
  return ablak_publish_staff(txn, job->people, &job->added, &job->changed, error);
}

bool cli_user_import(const CliCall *call, GError **error)
{
  g_autofree char *text = NULL;
  gsize size = 0;
  g_autoptr(GError) cause = NULL;
  if (!g_file_get_contents(call->arguments[0], &text, &size, &cause)) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "not-found", "%s", cause->message);
    return false;
  }
  g_autoptr(AblakStore) store = cli_open_hq(call, error);
  if (store == NULL)
    return false;
  g_autoptr(GPtrArray) people = ablak_staff_from_csv(text, size, error);
  Import job = {.people = people};
  if (people == NULL || !ablak_store_write_sync(store, job_import, &job, error))
    return false;
  g_print("%" G_GSIZE_FORMAT " added, %" G_GSIZE_FORMAT " changed\n", job.added, job.changed);
  return true;
}

typedef struct {
  const char *login;
  bool disabled;
} Disable;

static bool job_disable(AblakTxn *txn, gpointer data, GError **error)
{
  const Disable *job = data;
  return ablak_publish_disabled(txn, job->login, job->disabled, "system", error);
}

static bool set_disabled(const CliCall *call, bool disabled, GError **error)
{
  g_autoptr(AblakStore) store = cli_open_hq(call, error);
  Disable job = {.login = call->arguments[0], .disabled = disabled};
  return store != NULL && ablak_store_write_sync(store, job_disable, &job, error);
}

bool cli_user_disable(const CliCall *call, GError **error)
{
  return set_disabled(call, true, error);
}

bool cli_user_enable(const CliCall *call, GError **error)
{
  return set_disabled(call, false, error);
}

static bool write_publication(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_publication_write(txn, data, error);
}

static gint64 next_number(AblakStore *store, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(store, error);
  return txn != NULL ? ablak_publication_next(txn, error) : 0;
}

bool cli_kb_publish(const CliCall *call, GError **error)
{
  const char *state = cli_option(call, "state");
  g_autoptr(AblakStore) store = cli_open_hq(call, error);
  g_autoptr(AblakSigner) key = store != NULL ? open_edition_key(state, error) : NULL;
  gint64 number = key != NULL ? next_number(store, error) : 0;
  if (number == 0)
    return false;
  g_autoptr(AblakPublication) publication =
      ablak_publication_new(state, (const char *const *)call->arguments, number, key, error);
  if (publication == NULL || !ablak_store_write_sync(store, write_publication, publication, error))
    return false;
  g_print("edition %" G_GINT64_FORMAT "\n", number);
  return true;
}
