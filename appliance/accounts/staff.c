#include "accounts/accounts.h"
#include "core/error.h"
#include "core/id.h"
#include <string.h>

#define STAFF_COLUMNS "id, login, name, roles, language, password_hash, disabled"

void ablak_staff_free(AblakStaff *staff)
{
  if (!staff)
    return;
  g_free(staff->id);
  g_free(staff->login);
  g_free(staff->name);
  g_free(staff->language);
  g_free(staff->password_hash);
  g_strfreev(staff->roles);
  g_free(staff);
}

static AblakStaff *staff_from_row(AblakRows *rows)
{
  AblakStaff *staff = g_new0(AblakStaff, 1);
  staff->id = g_strdup(ablak_rows_text(rows, 0));
  staff->login = g_strdup(ablak_rows_text(rows, 1));
  staff->name = g_strdup(ablak_rows_text(rows, 2));
  staff->roles = g_strsplit(ablak_rows_text(rows, 3), " ", -1);
  staff->language = g_strdup(ablak_rows_text(rows, 4));
  staff->password_hash = g_strdup(ablak_rows_text(rows, 5));
  staff->disabled = ablak_rows_int(rows, 6);
  return staff;
}

/* Consumes the rows; NOT_FOUND gets this folder's slug. */
static AblakStaff *one(AblakRows *taken, GError *failure, GError **error)
{
  g_autoptr(AblakRows) rows = taken;
  if (rows)
    return staff_from_row(rows);
  if (g_error_matches(failure, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND)) {
    g_error_free(failure);
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "accounts/no-such-person", "no such person");
  } else {
    g_propagate_error(error, failure);
  }
  return NULL;
}

AblakStaff *ablak_staff_load(AblakTxn *txn, const char *id, GError **error)
{
  GError *failure = NULL;
  AblakRows *rows = ablak_txn_query_one(
      txn, &failure, "SELECT " STAFF_COLUMNS " FROM staff WHERE id = ?", "t", id);
  return one(rows, failure, error);
}

AblakStaff *ablak_staff_by_login(AblakTxn *txn, const char *login, GError **error)
{
  GError *failure = NULL;
  AblakRows *rows = ablak_txn_query_one(
      txn, &failure, "SELECT " STAFF_COLUMNS " FROM staff WHERE login = ?", "t", login);
  return one(rows, failure, error);
}

GPtrArray *ablak_staff_all(AblakTxn *txn, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, "SELECT " STAFF_COLUMNS " FROM staff ORDER BY login", "");
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) people = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_staff_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure))
    g_ptr_array_add(people, staff_from_row(rows));
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&people);
}

/* --- writing
 * -------------------------------------------------------------------------------------- */

static bool upsert(AblakTxn *txn, const AblakStaff *staff, GError **error)
{
  g_autofree char *roles = g_strjoinv(" ", staff->roles);
  return ablak_txn_exec(
      txn, NULL, error,
      "INSERT INTO staff (id, login, name, roles, language, password_hash, disabled, updated_at)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET login = excluded.login,"
      " name = excluded.name, roles = excluded.roles, language = excluded.language,"
      " password_hash = excluded.password_hash, disabled = excluded.disabled,"
      " updated_at = excluded.updated_at",
      "ttttttii", staff->id, staff->login, staff->name, roles, staff->language,
      staff->password_hash, (gint64)staff->disabled, ablak_txn_now_ms(txn));
}

/* The id of that login, or NULL without an error. */
static char *id_of(AblakTxn *txn, const char *login, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, "SELECT id FROM staff WHERE login = ?", "t", login);
  return rows && ablak_rows_next(rows, error) ? g_strdup(ablak_rows_text(rows, 0)) : NULL;
}

bool ablak_staff_import(AblakTxn *txn, GPtrArray *people, gsize *ret_added, gsize *ret_changed,
                        GPtrArray **ret_ids, GError **error)
{
  gsize added = 0, changed = 0;
  g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < people->len; i++) {
    AblakStaff person = *(AblakStaff *)people->pdata[i];
    g_autoptr(GError) failure = NULL;
    g_autofree char *known = id_of(txn, person.login, &failure);
    if (failure) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return false;
    }
    *(known ? &changed : &added) += 1;
    g_autofree char *id = known ? g_steal_pointer(&known) : ablak_id_new();
    person.id = id;
    if (!upsert(txn, &person, error) ||
        !ablak_event_append(txn, "fleet", "staff.changed", id, "system", NULL, error))
      return false;
    g_ptr_array_add(ids, g_steal_pointer(&id));
  }
  *ret_added = added;
  *ret_changed = changed;
  if (ret_ids)
    *ret_ids = g_steal_pointer(&ids);
  return true;
}

bool ablak_staff_set_disabled(AblakTxn *txn, const char *id, bool disabled, const char *actor,
                              GError **error)
{
  gint64 changes;
  if (!ablak_txn_exec(txn, &changes, error,
                      "UPDATE staff SET disabled = ?, updated_at = ? WHERE id = ?", "iit",
                      (gint64)disabled, ablak_txn_now_ms(txn), id))
    return false;
  if (changes == 0) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "accounts/no-such-person", "no such person");
    return false;
  }
  return ablak_txn_exec(txn, NULL, error, "DELETE FROM sign_in WHERE staff_id = ?", "t", id) &&
         ablak_event_append(txn, "fleet", disabled ? "staff.disabled" : "staff.enabled", id, actor,
                            NULL, error);
}
