#include "hq/publish.h"
#include "accounts/accounts.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "daemon/times.h"
#include <glib/gstdio.h>
#include <kb/kb.h>
#include <provisioning/boxes.h>
#include <provisioning/layout.h>
#include <sync/down.h>
#include <sync/receiver.h>

const AblakStorePart *const ablak_hq_store_parts[] = {
    &ablak_accounts_store_part,
    &ablak_provisioning_store_part,
    &ablak_sync_hq_store_part,
    &ablak_hq_store_part,
    NULL,
};

/* --- staff ----------------------------------------------------------------------------------- */

static bool send_staff(AblakTxn *txn, GError **error)
{
  g_autoptr(json_t) rows = json_array();
  if (!ablak_down_collect(txn, "staff", rows, error))
    return false;
  g_autoptr(json_t) payload = json_pack("{s:O}", "rows", rows);
  return ablak_down_append_json(txn, NULL, ABLAK_DOWN_STAFF, payload, NULL, error);
}

bool ablak_publish_staff(AblakTxn *txn, GPtrArray *people, gsize *ret_added, gsize *ret_changed,
                         GError **error)
{
  gsize added = 0, changed = 0;
  if (!ablak_staff_import(txn, people, &added, &changed, NULL, error) || !send_staff(txn, error))
    return false;
  *ret_added = added;
  *ret_changed = changed;
  return true;
}

bool ablak_publish_disabled(AblakTxn *txn, const char *login, bool disabled, const char *actor,
                            GError **error)
{
  g_autoptr(AblakStaff) staff = ablak_staff_by_login(txn, login, error);
  return staff && ablak_staff_set_disabled(txn, staff->id, disabled, actor, error) &&
         send_staff(txn, error);
}

/* --- editions -------------------------------------------------------------------------------- */

struct AblakPublication {
  gint64 number, issued_ms;
  json_t *manifest; /* signed */
  GMappedFile *file;
};

void ablak_publication_free(AblakPublication *publication)
{
  if (!publication)
    return;
  json_decref(publication->manifest);
  g_clear_pointer(&publication->file, g_mapped_file_unref);
  g_free(publication);
}

/* The built file under its digest's name. */
static bool keep(const char *state, const char *built, AblakPublication *publication,
                 GError **error)
{
  const char *sha256 =
      ablak_json_get_string(json_object_get(publication->manifest, "manifest"), "sha256");
  g_autofree char *path = ablak_layout_edition(state, sha256);
  if (!path || g_rename(built, path) != 0) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "kb/file", "%s cannot be put in place", built);
    return false;
  }
  publication->file = g_mapped_file_new(path, FALSE, error);
  return publication->file != NULL;
}

AblakPublication *ablak_publication_new(const char *state, const char *const *directories,
                                        gint64 number, AblakSigner *signer, GError **error)
{
  g_autofree char *id = ablak_id_new();
  g_autofree char *name = g_strconcat("building-", id, NULL);
  g_autofree char *built = g_build_filename(state, ABLAK_LAYOUT_EDITIONS, name, NULL);
  g_autoptr(AblakPublication) publication = g_new0(AblakPublication, 1);
  publication->number = number;
  publication->issued_ms = ablak_clock_wall_ms();
  bool kept = ablak_kb_build(directories, number, publication->issued_ms, built, error) &&
              (publication->manifest = ablak_kb_manifest_sign(built, signer, error)) &&
              keep(state, built, publication, error);
  if (!kept)
    g_unlink(built);
  return kept ? g_steal_pointer(&publication) : NULL;
}

static bool insert(AblakTxn *txn, const AblakPublication *publication, GError **error)
{
  const json_t *manifest = json_object_get(publication->manifest, "manifest");
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO publication (number, sha256, size, sample, manifest, "
                        "issued_at) VALUES (?, ?, ?, ?, ?, ?)",
                        "itiiji", publication->number, ablak_json_get_string(manifest, "sha256"),
                        ablak_json_get_int(manifest, "size", 0),
                        (gint64)ablak_json_get_bool(manifest, "sample", false),
                        publication->manifest, publication->issued_ms);
}

bool ablak_publication_write(AblakTxn *txn, AblakPublication *publication, GError **error)
{
  if (publication->number != ablak_publication_next(txn, NULL)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "kb/older",
                    "another edition was published meanwhile");
    return false;
  }
  g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, publication->number);
  return insert(txn, publication, error) &&
         ablak_down_append_edition(txn, NULL, publication->manifest,
                                   g_mapped_file_get_contents(publication->file),
                                   g_mapped_file_get_length(publication->file), NULL, error) &&
         ablak_event_append(txn, "fleet", "edition.published", number, "system", NULL, error);
}

gint64 ablak_publication_next(AblakTxn *txn, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, error, "SELECT COALESCE(MAX(number), 0) + 1 FROM publication", "");
  return rows ? ablak_rows_int(rows, 0) : 0;
}

json_t *ablak_publications(AblakTxn *txn, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      "SELECT number, issued_at, sha256, size, sample FROM publication ORDER BY number DESC", "");
  if (!rows)
    return NULL;
  g_autoptr(json_t) all = json_array();
  GError *failure = NULL;
  while (ablak_rows_next(rows, &failure))
    json_array_append_new(
        all, json_pack("{s:I, s:o, s:s, s:I, s:b}", "number", (json_int_t)ablak_rows_int(rows, 0),
                       "issuedAt", ablak_json_time(ablak_rows_int(rows, 1)), "sha256",
                       ablak_rows_text(rows, 2), "size", (json_int_t)ablak_rows_int(rows, 3),
                       "sample", (int)ablak_rows_int(rows, 4)));
  if (failure) {
    g_propagate_error(error, failure);
    return NULL;
  }
  return g_steal_pointer(&all);
}
