#include "accounts/private.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include <string.h>

/* Writing at every request would cost a commit each; once a minute is near enough to "idle". */
#define TOUCH_EVERY_MS 60000

char *ablak_visitor_hash(const char *secret)
{
  return ablak_sha256_hex(secret, strlen(secret));
}

bool ablak_sign_in_create(AblakTxn *txn, const char *staff_id, char **ret_secret, GError **error)
{
  g_autofree char *secret = ablak_secret_new(32);
  g_autofree char *id = ablak_visitor_hash(secret);
  if (!ablak_txn_exec(
          txn, NULL, error,
          "INSERT INTO sign_in (id, staff_id, created_at, last_seen_at) VALUES (?, ?, ?, ?)",
          "ttii", id, staff_id, ablak_txn_now_ms(txn), ablak_txn_now_ms(txn)) ||
      !ablak_event_append(txn, "accounts", "sign-in.created", staff_id, staff_id, NULL, error))
    return false;
  *ret_secret = g_steal_pointer(&secret);
  return true;
}

AblakStaff *ablak_sign_in_find(AblakTxn *txn, const char *secret, bool *ret_stale, GError **error)
{
  g_autofree char *id = ablak_visitor_hash(secret);
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error, "SELECT staff_id, created_at, last_seen_at FROM sign_in WHERE id = ?", "t", id);
  if (!rows || !ablak_rows_next(rows, error))
    return NULL;
  gint64 now_ms = ablak_txn_now_ms(txn), seen_ms = ablak_rows_int(rows, 2);
  if (now_ms > seen_ms + ABLAK_SIGN_IN_IDLE_MS ||
      now_ms > ablak_rows_int(rows, 1) + ABLAK_SIGN_IN_LIFE_MS)
    return NULL;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakStaff) staff = ablak_staff_load(txn, ablak_rows_text(rows, 0), &failure);
  if (failure && !g_error_matches(failure, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
    g_propagate_error(error, g_steal_pointer(&failure));
  if (!staff || staff->disabled)
    return NULL;
  *ret_stale = now_ms > seen_ms + TOUCH_EVERY_MS;
  return g_steal_pointer(&staff);
}

bool ablak_sign_in_touch(AblakTxn *txn, const char *secret, GError **error)
{
  g_autofree char *id = ablak_visitor_hash(secret);
  return ablak_txn_exec(txn, NULL, error, "UPDATE sign_in SET last_seen_at = ? WHERE id = ?", "it",
                        ablak_txn_now_ms(txn), id);
}

bool ablak_sign_in_end(AblakTxn *txn, const char *secret, GError **error)
{
  g_autofree char *id = ablak_visitor_hash(secret);
  return ablak_txn_exec(txn, NULL, error, "DELETE FROM sign_in WHERE id = ?", "t", id);
}

/* --- citizens
 * -------------------------------------------------------------------------------------- */

void ablak_joined_free(AblakJoined *joined)
{
  if (!joined)
    return;
  g_free(joined->visit_id);
  g_free(joined->secret);
  g_free(joined->resume_token);
  g_free(joined);
}

/* `began_ms` bounds the session's life; coming back does not lengthen it. */
static AblakJoined *start_session(AblakTxn *txn, const char *visit_id, const char *device,
                                  gint64 began_ms, GError **error)
{
  g_autoptr(AblakJoined) joined = g_new0(AblakJoined, 1);
  joined->visit_id = g_strdup(visit_id);
  joined->secret = ablak_secret_new(32);
  joined->resume_token = ablak_secret_new(32);
  g_autofree char *id = ablak_visitor_hash(joined->secret),
                  *resume = ablak_visitor_hash(joined->resume_token);
  if (!ablak_txn_exec(
          txn, NULL, error,
          "INSERT INTO citizen_session (id, visit_id, resume_sha256, created_at, last_seen_at,"
          " device) VALUES (?, ?, ?, ?, ?, ?)",
          "tttiit", id, visit_id, resume, began_ms, ablak_txn_now_ms(txn), device))
    return NULL;
  return g_steal_pointer(&joined);
}

static bool visit_event(AblakTxn *txn, const char *visit_id, const char *kind, GError **error)
{
  g_autofree char *topic = g_strconcat("visit:", visit_id, NULL);
  return ablak_event_append(txn, topic, kind, visit_id, "citizen", NULL, error);
}

/* Two open invitations with one code would lead somebody into another's visit. */
static char *free_code(AblakTxn *txn, GError **error)
{
  for (;;) {
    g_autofree char *code = ablak_digits_new(8), *hash = ablak_visitor_hash(code);
    g_autoptr(AblakRows) rows = ablak_txn_query_one(
        txn, error,
        "SELECT count(*) FROM invitation WHERE code_sha256 = ? AND used_at = 0 AND revoked_at = 0"
        " AND expires_at > ?",
        "ti", hash, ablak_txn_now_ms(txn));
    if (!rows)
      return NULL;
    if (ablak_rows_int(rows, 0) == 0)
      return g_steal_pointer(&code);
  }
}

bool ablak_invitation_insert(AblakTxn *txn, const char *visit_id, const char *guest_role,
                             const char *code, gint64 life_ms, char **ret_secret,
                             gint64 *ret_expires_ms, GError **error)
{
  gint64 now_ms = ablak_txn_now_ms(txn);
  g_autofree char *id = ablak_id_new(), *secret = ablak_secret_new(32);
  g_autofree char *secret_hash = ablak_visitor_hash(secret),
                  *code_hash = code ? ablak_visitor_hash(code) : NULL;
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO invitation (id, visit_id, secret_sha256, code_sha256, "
                      "created_at, expires_at, guest_role)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?)",
                      "ttttiit", id, visit_id, secret_hash, code_hash, now_ms, now_ms + life_ms,
                      guest_role) ||
      !visit_event(txn, visit_id, "invitation.created", error))
    return false;
  *ret_secret = g_steal_pointer(&secret);
  *ret_expires_ms = now_ms + life_ms;
  return true;
}

bool ablak_invitation_create(AblakTxn *txn, const char *visit_id, gint64 life_ms, bool replace,
                             char **ret_secret, char **ret_code, gint64 *ret_expires_ms,
                             GError **error)
{
  if (replace && !ablak_txn_exec(txn, NULL, error,
                                 "UPDATE invitation SET revoked_at = ? WHERE visit_id = ? AND "
                                 "used_at = 0 AND revoked_at = 0 AND guest_role = ''",
                                 "it", ablak_txn_now_ms(txn), visit_id))
    return false;
  g_autofree char *code = NULL;
  if ((ret_code && !(code = free_code(txn, error))) ||
      !ablak_invitation_insert(txn, visit_id, "", code, life_ms, ret_secret, ret_expires_ms, error))
    return false;
  if (ret_code)
    *ret_code = g_steal_pointer(&code);
  return true;
}

/* The newest invitation with that hash; codes are short, so an old one may have had the same. */
static AblakRows *find_invitation(AblakTxn *txn, const char *secret, const char *code,
                                  GError **error)
{
  g_autofree char *hash = ablak_visitor_hash(secret ? secret : code);
  return secret ? ablak_txn_query_one(txn, error,
                                      "SELECT id, visit_id, expires_at, used_at, revoked_at, "
                                      "guest_role FROM invitation"
                                      " WHERE secret_sha256 = ?",
                                      "t", hash)
                : ablak_txn_query_one(txn, error,
                                      "SELECT id, visit_id, expires_at, used_at, revoked_at, "
                                      "guest_role FROM invitation"
                                      " WHERE code_sha256 = ? ORDER BY created_at DESC",
                                      "t", hash);
}

static bool is_usable(AblakTxn *txn, AblakRows *rows, bool guest, GError **error)
{
  if (!rows || ablak_rows_int(rows, 4) > 0 || (*ablak_rows_text(rows, 5) != '\0') != guest)
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "accounts/invitation-unknown",
                    "no such invitation");
  else if (ablak_rows_int(rows, 3) > 0)
    ablak_error_set(error, ABLAK_ERROR_GONE, "accounts/invitation-used",
                    "the invitation has been used");
  else if (ablak_rows_int(rows, 2) <= ablak_txn_now_ms(txn))
    ablak_error_set(error, ABLAK_ERROR_GONE, "accounts/invitation-expired",
                    "the invitation has expired");
  else
    return true;
  return false;
}

char *ablak_invitation_take(AblakTxn *txn, const char *secret, const char *code, bool guest,
                            char **ret_guest_role, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakRows) rows = find_invitation(txn, secret, code, &failure);
  if (!rows && !g_error_matches(failure, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  if (!is_usable(txn, rows, guest, error))
    return NULL;
  g_autofree char *visit_id = g_strdup(ablak_rows_text(rows, 1));
  g_autofree char *role = g_strdup(ablak_rows_text(rows, 5));
  if (!ablak_txn_exec(txn, NULL, error, "UPDATE invitation SET used_at = ? WHERE id = ?", "it",
                      ablak_txn_now_ms(txn), ablak_rows_text(rows, 0)))
    return NULL;
  *ret_guest_role = g_steal_pointer(&role);
  return g_steal_pointer(&visit_id);
}

AblakJoined *ablak_invitation_redeem(AblakTxn *txn, const char *secret, const char *code,
                                     GError **error)
{
  g_autofree char *role = NULL;
  g_autofree char *visit_id = ablak_invitation_take(txn, secret, code, false, &role, error);
  if (!visit_id || !visit_event(txn, visit_id, "citizen.joined", error))
    return NULL;
  g_autofree char *device = ablak_id_new();
  return start_session(txn, visit_id, device, ablak_txn_now_ms(txn), error);
}

AblakJoined *ablak_citizen_resume(AblakTxn *txn, const char *resume_token, GError **error)
{
  g_autofree char *hash = ablak_visitor_hash(resume_token);
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      "SELECT id, visit_id, created_at, device FROM citizen_session WHERE resume_sha256 = ?", "t",
      hash);
  if (!rows)
    return NULL;
  g_autoptr(GError) failure = NULL;
  bool found = ablak_rows_next(rows, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  if (!found || ablak_rows_int(rows, 2) + ABLAK_VISITOR_LIFE_MS <= ablak_txn_now_ms(txn)) {
    ablak_error_set(error, ABLAK_ERROR_GONE, "accounts/resume-unknown",
                    "the resume token is unknown or used");
    return NULL;
  }
  g_autofree char *visit_id = g_strdup(ablak_rows_text(rows, 1));
  g_autofree char *device = g_strdup(ablak_rows_text(rows, 3));
  gint64 began_ms = ablak_rows_int(rows, 2);
  if (!ablak_txn_exec(txn, NULL, error, "DELETE FROM citizen_session WHERE id = ?", "t",
                      ablak_rows_text(rows, 0)))
    return NULL;
  return start_session(txn, visit_id, device, began_ms, error);
}

char *ablak_citizen_find(AblakTxn *txn, const char *secret, char **ret_device, GError **error)
{
  g_autofree char *id = ablak_visitor_hash(secret);
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error, "SELECT visit_id, created_at, device FROM citizen_session WHERE id = ?", "t", id);
  if (!rows || !ablak_rows_next(rows, error) ||
      ablak_rows_int(rows, 1) + ABLAK_VISITOR_LIFE_MS <= ablak_txn_now_ms(txn))
    return NULL;
  if (ret_device)
    *ret_device = g_strdup(ablak_rows_text(rows, 2));
  return g_strdup(ablak_rows_text(rows, 0));
}

bool ablak_citizen_leave(AblakTxn *txn, const char *secret, GError **error)
{
  g_autofree char *id = ablak_visitor_hash(secret);
  return ablak_txn_exec(txn, NULL, error, "DELETE FROM citizen_session WHERE id = ?", "t", id);
}

bool ablak_citizen_end_visit(AblakTxn *txn, const char *visit_id, gint64 grace_ms, GError **error)
{
  gint64 now_ms = ablak_txn_now_ms(txn);
  /* A session that would outlive the grace is made to have begun earlier. */
  return ablak_txn_exec(
             txn, NULL, error,
             "UPDATE citizen_session SET created_at = MIN(created_at, ?) WHERE visit_id = ?", "it",
             now_ms + grace_ms - ABLAK_VISITOR_LIFE_MS, visit_id) &&
         ablak_txn_exec(txn, NULL, error,
                        "UPDATE invitation SET revoked_at = ? WHERE visit_id = ? AND used_at = 0 "
                        "AND revoked_at = 0",
                        "it", now_ms, visit_id) &&
         ablak_guests_end(txn, visit_id, error);
}

bool ablak_accounts_prune(AblakTxn *txn, GError **error)
{
  gint64 now_ms = ablak_txn_now_ms(txn);
  return ablak_txn_exec(txn, NULL, error,
                        "DELETE FROM sign_in WHERE last_seen_at < ? OR created_at < ?", "ii",
                        now_ms - ABLAK_SIGN_IN_IDLE_MS, now_ms - ABLAK_SIGN_IN_LIFE_MS) &&
         ablak_txn_exec(txn, NULL, error, "DELETE FROM citizen_session WHERE created_at < ?", "i",
                        now_ms - ABLAK_VISITOR_LIFE_MS) &&
         ablak_txn_exec(txn, NULL, error, "DELETE FROM guest WHERE joined_at < ?", "i",
                        now_ms - ABLAK_VISITOR_LIFE_MS) &&
         ablak_txn_exec(txn, NULL, error, "DELETE FROM invitation WHERE expires_at < ?", "i",
                        now_ms - ABLAK_VISITOR_LIFE_MS);
}
