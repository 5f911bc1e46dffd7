/* Commands on headquarters' state. */
#include "accounts/accounts.h"
#include "core/clock.h"
#include "core/error.h"
#include "hq/publish.h"
#include "provisioning/boxes.h"
#include "provisioning/ca.h"
#include "provisioning/cli/commands.h"
#include "provisioning/layout.h"
#include <stdio.h>

/* The store of --state; `make`: also when there is none yet. */
static AblakStore *open_store(const char *state, bool make, GError **error)
{
  if (!make && ablak_layout_kind(state) != ABLAK_STATE_HQ) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "provisioning/wrong-state",
                    "%s is not headquarters' state; make it with: ablak init hq --state %s", state,
                    state);
    return NULL;
  }
  g_autofree char *database = ablak_layout_path(state, ABLAK_LAYOUT_HQ_DATABASE);
  const AblakStoreOptions options = {.path = database, .parts = ablak_hq_store_parts};
  return ablak_store_open(&options, error);
}

static AblakCa *open_ca(const char *state, GError **error)
{
  g_autofree char *folder = ablak_layout_path(state, ABLAK_LAYOUT_CA);
  return ablak_ca_open(folder, error);
}

static AblakSigner *open_edition_key(const char *state, GError **error)
{
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_EDITION_KEY);
  return ablak_signer_open(path, error);
}

bool ablak_command_init_hq(const AblakOptions *options, GError **error)
{
  const char *state = ablak_options_need(options, "state", error);
  if (!state || !ablak_layout_make(state, ABLAK_STATE_HQ, error))
    return false;
  g_autoptr(AblakCa) ca = open_ca(state, error);
  g_autoptr(AblakSigner) key = ca ? open_edition_key(state, error) : NULL;
  g_autoptr(AblakStore) store = key ? open_store(state, true, error) : NULL;
  if (!store)
    return false;
  printf("state: %s\nca-sha256: %s\nedition-key: %s\n", state, ablak_ca_fingerprint(ca),
         ablak_signer_public_key(key));
  return true;
}

/* --- staff ----------------------------------------------------------------------------------- */

typedef struct {
  GPtrArray *people;
  gsize added, changed;
} Import;

static bool import_people(AblakTxn *txn, gpointer data, GError **error)
{
  Import *import = data;
  return ablak_publish_staff(txn, import->people, &import->added, &import->changed, error);
}

static const char *only_word(const AblakOptions *options, const char *what, GError **error)
{
  if (options->words->len == 1)
    return options->words->pdata[0];
  ablak_error_set(error, ABLAK_ERROR_INVALID, "cli/usage", "one %s is needed", what);
  return NULL;
}

bool ablak_command_user_import(const AblakOptions *options, GError **error)
{
  const char *state = ablak_options_need(options, "state", error);
  const char *file = state ? only_word(options, "file", error) : NULL;
  g_autofree char *csv = NULL;
  gsize size = 0;
  if (!file || !g_file_get_contents(file, &csv, &size, error))
    return false;
  g_autoptr(GPtrArray) people = ablak_staff_from_csv(csv, size, error);
  g_autoptr(AblakStore) store = people ? open_store(state, false, error) : NULL;
  Import import = {.people = people};
  if (!store || !ablak_store_write_sync(store, import_people, &import, error))
    return false;
  printf("added: %zu\nchanged: %zu\n", import.added, import.changed);
  return true;
}

/* --- catalogue ------------------------------------------------------------------------------- */

static bool write_publication(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_publication_write(txn, data, error);
}

static gint64 next_number(AblakStore *store, GError **error)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(store, error);
  return txn ? ablak_publication_next(txn, error) : 0;
}

bool ablak_command_kb_publish(const AblakOptions *options, GError **error)
{
  const char *state = ablak_options_need(options, "state", error);
  if (!state)
    return false;
  if (options->words->len == 0) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "cli/usage", "at least one folder is needed");
    return false;
  }
  g_autoptr(GPtrArray) folders = g_ptr_array_copy(options->words, NULL, NULL);
  g_ptr_array_add(folders, NULL);
  g_autoptr(AblakStore) store = open_store(state, false, error);
  g_autoptr(AblakSigner) key = store ? open_edition_key(state, error) : NULL;
  gint64 number = key ? next_number(store, error) : 0;
  g_autoptr(AblakPublication) publication =
      number ? ablak_publication_new(state, (const char *const *)folders->pdata, number, key, error)
             : NULL;
  if (!publication || !ablak_store_write_sync(store, write_publication, publication, error))
    return false;
  printf("edition: %" G_GINT64_FORMAT "\n", number);
  return true;
}

/* --- boxes ----------------------------------------------------------------------------------- */

typedef struct {
  const char *name, *office;
  char *id, *code;
} Add;

static bool add_box(AblakTxn *txn, gpointer data, GError **error)
{
  Add *add = data;
  g_clear_pointer(&add->id, g_free);
  g_clear_pointer(&add->code, g_free);
  return ablak_box_create(txn, NULL, add->name, add->office, "system", &add->id, &add->code, error);
}

bool ablak_command_box_add(const AblakOptions *options, GError **error)
{
  const char *state = ablak_options_need(options, "state", error);
  Add add = {0};
  if (!state || !(add.name = ablak_options_need(options, "name", error)) ||
      !(add.office = ablak_options_need(options, "office", error)))
    return false;
  g_autoptr(AblakStore) store = open_store(state, false, error);
  g_autoptr(AblakCa) ca = store ? open_ca(state, error) : NULL;
  bool added = ca && ablak_store_write_sync(store, add_box, &add, error);
  if (added)
    printf("box: %s\ncode: %s\nca-sha256: %s\n", add.id, add.code, ablak_ca_fingerprint(ca));
  g_free(add.id);
  g_free(add.code);
  return added;
}
