#include "provisioning/boxes.h"
#include "core/error.h"
#include "core/id.h"
#include "provisioning/claim-code.h"

void ablak_box_free(AblakBox *box)
{
  if (box == NULL)
    return;
  g_free(box->id);
  g_free(box->name);
  g_free(box->office);
  g_free(box->state);
  g_free(box->serial);
  g_free(box);
}

#define BOX_SELECT                                                                                 \
  "SELECT b.id, b.name, b.office, b.epoch, b.state, b.created_at, b.enrolled_at,"                  \
  " (SELECT c.serial FROM box_certificate c WHERE c.box = b.id"                                    \
  "  ORDER BY c.issued_at DESC, c.sha256 LIMIT 1) FROM box b "

static AblakBox *box_of_row(AblakRows *rows)
{
  AblakBox *box = g_new0(AblakBox, 1);
  box->id = g_strdup(ablak_rows_text(rows, 0));
  box->name = g_strdup(ablak_rows_text(rows, 1));
  box->office = g_strdup(ablak_rows_text(rows, 2));
  box->epoch = ablak_rows_int(rows, 3);
  box->state = g_strdup(ablak_rows_text(rows, 4));
  box->created_ms = ablak_rows_int(rows, 5);
  box->enrolled_ms = ablak_rows_int(rows, 6);
  box->serial = g_strdup(ablak_rows_text(rows, 7));
  return box;
}

AblakBox *ablak_box_get(AblakTxn *txn, const char *id, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, &cause, BOX_SELECT "WHERE b.id = ?", "t", id);
  if (rows != NULL)
    return box_of_row(rows);
  if (g_error_matches(cause, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "provisioning/box-unknown",
                    "there is no box of this id");
  else
    g_propagate_error(error, g_steal_pointer(&cause));
  return NULL;
}

GPtrArray *ablak_box_list(AblakTxn *txn, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(txn, error, BOX_SELECT "ORDER BY b.name, b.id", "");
  if (rows == NULL)
    return NULL;
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_box_free);
  g_autoptr(GError) cause = NULL;
  while (ablak_rows_next(rows, &cause))
    g_ptr_array_add(list, box_of_row(rows));
  if (cause != NULL) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return NULL;
  }
  return g_steal_pointer(&list);
}

AblakBox *ablak_box_identify(AblakTxn *txn, const char *certificate_sha256, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      txn, &cause, "SELECT box, epoch, revoked_at FROM box_certificate WHERE sha256 = ?", "t",
      certificate_sha256);
  if (rows == NULL && !g_error_matches(cause, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND)) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return NULL;
  }
  if (rows == NULL) {
    ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "provisioning/box-revoked",
                    "the certificate is not one of headquarters' register");
    return NULL;
  }
  gint64 epoch = ablak_rows_int(rows, 1);
  bool revoked = !ablak_rows_is_null(rows, 2);
  g_autoptr(AblakBox) box = ablak_box_get(txn, ablak_rows_text(rows, 0), error);
  if (box == NULL)
    return NULL;
  if (revoked || epoch != box->epoch || strcmp(box->state, "enrolled") != 0) {
    ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "provisioning/box-revoked",
                    "the certificate belongs to a machine that was replaced or revoked");
    return NULL;
  }
  return g_steal_pointer(&box);
}

GPtrArray *ablak_box_revoked(AblakTxn *txn, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT serial, revoked_at FROM box_certificate"
                      " WHERE revoked_at IS NOT NULL AND not_after_at > ? ORDER BY serial",
                      "i", ablak_txn_now_ms(txn));
  if (rows == NULL)
    return NULL;
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_revoked_free);
  g_autoptr(GError) cause = NULL;
  while (ablak_rows_next(rows, &cause)) {
    AblakRevoked *revoked = g_new0(AblakRevoked, 1);
    revoked->serial = g_strdup(ablak_rows_text(rows, 0));
    revoked->revoked_ms = ablak_rows_int(rows, 1);
    g_ptr_array_add(list, revoked);
  }
  if (cause != NULL) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return NULL;
  }
  return g_steal_pointer(&list);
}

json_t *ablak_box_document(const AblakBox *box, const char *edition_key)
{
  return json_pack("{s:s, s:s, s:s, s:I, s:s}", "box", box->id, "name", box->name, "office",
                   box->office, "epoch", (json_int_t)box->epoch, "editionKey", edition_key);
}

/* --- changes ------------------------------------------------------------------------------------
 */

static bool event(AblakTxn *txn, const char *kind, const char *box, const char *actor,
                  GError **error)
{
  return ablak_event_append(txn, "fleet", kind, box, actor, NULL, error);
}

/* Ends the open codes of a box and makes a new one for its present epoch. */
static bool new_claim(AblakTxn *txn, const AblakBox *box, char **ret_code, GError **error)
{
  gint64 now_ms = ablak_txn_now_ms(txn);
  g_autofree char *id = ablak_id_new();
  g_autofree char *code = ablak_claim_code_new();
  g_autofree char *hash = ablak_claim_code_hash(code);
  if (!ablak_txn_exec(txn, NULL, error,
                      "UPDATE claim SET expires_at = ? WHERE box = ? AND used_at IS NULL"
                      " AND expires_at > ?",
                      "iti", now_ms, box->id, now_ms) ||
      !ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO claim (id, box, epoch, code_sha256, created_at, expires_at)"
                      " VALUES (?, ?, ?, ?, ?, ?)",
                      "ttitii", id, box->id, box->epoch, hash, now_ms,
                      now_ms + ABLAK_CLAIM_LIFE_MS))
    return false;
  *ret_code = g_steal_pointer(&code);
  return true;
}

static bool valid_new_box(const char *id, const char *name, const char *office, GError **error)
{
  const char *wrong = NULL;
  if (id != NULL && !ablak_box_id_is_valid(id))
    wrong = "a box id has lower-case letters, digits and inner hyphens, at most 63";
  else if (!ablak_box_id_is_valid(office) || strlen(office) > 32)
    wrong = "an office code has lower-case letters, digits and inner hyphens, at most 32";
  else if (*name == '\0' || strlen(name) > 200 || !g_utf8_validate(name, -1, NULL))
    wrong = "a box's name has 1 to 200 bytes of UTF-8";
  if (wrong != NULL)
    ablak_error_set(error, ABLAK_ERROR_INVALID, "provisioning/bad-name", "%s", wrong);
  return wrong == NULL;
}

bool ablak_box_create(AblakTxn *txn, const char *id, const char *name, const char *office,
                      const char *actor, char **ret_id, char **ret_code, GError **error)
{
  if (!valid_new_box(id, name, office, error))
    return false;
  g_autofree char *digits = ablak_digits_new(6);
  g_autofree char *own_id = id != NULL ? g_strdup(id) : g_strdup_printf("%s-%s", office, digits);
  gint64 changes = 0;
  if (!ablak_txn_exec(txn, &changes, error,
                      "INSERT INTO box (id, name, office, epoch, state, created_at)"
                      " VALUES (?, ?, ?, 1, 'new', ?) ON CONFLICT (id) DO NOTHING",
                      "ttti", own_id, name, office, ablak_txn_now_ms(txn)))
    return false;
  if (changes == 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "provisioning/box-exists",
                    "a box of this id exists already");
    return false;
  }
  AblakBox box = {.id = own_id, .epoch = 1};
  g_autofree char *code = NULL;
  if (!new_claim(txn, &box, &code, error) || !event(txn, "box.created", own_id, actor, error))
    return false;
  *ret_code = g_steal_pointer(&code);
  *ret_id = g_steal_pointer(&own_id);
  return true;
}

bool ablak_box_claim(AblakTxn *txn, const char *id, const char *actor, char **ret_code,
                     GError **error)
{
  g_autoptr(AblakBox) box = ablak_box_get(txn, id, error);
  if (box == NULL)
    return false;
  if (strcmp(box->state, "new") != 0) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "provisioning/box-state",
                    "the box is enrolled already; replace it to enrol another machine");
    return false;
  }
  g_autofree char *code = NULL;
  if (!new_claim(txn, box, &code, error) || !event(txn, "box.claim-made", id, actor, error))
    return false;
  *ret_code = g_steal_pointer(&code);
  return true;
}

static bool revoke_certificates(AblakTxn *txn, const char *id, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE box_certificate SET revoked_at = ?"
                        " WHERE box = ? AND revoked_at IS NULL",
                        "it", ablak_txn_now_ms(txn), id);
}

bool ablak_box_replace(AblakTxn *txn, const char *id, const char *actor, char **ret_code,
                       GError **error)
{
  g_autoptr(AblakBox) box = ablak_box_get(txn, id, error);
  if (box == NULL)
    return false;
  box->epoch++;
  g_autofree char *code = NULL;
  if (!revoke_certificates(txn, id, error) ||
      !ablak_txn_exec(txn, NULL, error, "UPDATE box SET epoch = ?, state = 'new' WHERE id = ?",
                      "it", box->epoch, id) ||
      !new_claim(txn, box, &code, error) || !event(txn, "box.replaced", id, actor, error))
    return false;
  *ret_code = g_steal_pointer(&code);
  return true;
}

bool ablak_box_revoke(AblakTxn *txn, const char *id, const char *actor, GError **error)
{
  g_autoptr(AblakBox) box = ablak_box_get(txn, id, error);
  if (box == NULL)
    return false;
  gint64 now_ms = ablak_txn_now_ms(txn);
  return revoke_certificates(txn, id, error) &&
         ablak_txn_exec(txn, NULL, error, "UPDATE box SET state = 'revoked' WHERE id = ?", "t",
                        id) &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE claim SET expires_at = ? WHERE box = ? AND used_at IS NULL"
                        " AND expires_at > ?",
                        "iti", now_ms, id, now_ms) &&
         event(txn, "box.revoked", id, actor, error);
}
