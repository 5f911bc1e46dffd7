/* Guests of a visit: they come by an invitation of their own kind and have no way to anything else.
 */
#include "accounts/private.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include <string.h>

#define GUEST_COLUMNS "id, visit_id, role, name"

void ablak_guest_free(AblakGuest *guest)
{
  if (!guest)
    return;
  g_free(guest->id);
  g_free(guest->visit_id);
  g_free(guest->role);
  g_free(guest->name);
  g_free(guest);
}

static AblakGuest *from_row(AblakRows *rows)
{
  AblakGuest *guest = g_new0(AblakGuest, 1);
  guest->id = g_strdup(ablak_rows_text(rows, 0));
  guest->visit_id = g_strdup(ablak_rows_text(rows, 1));
  guest->role = g_strdup(ablak_rows_text(rows, 2));
  guest->name = g_strdup(ablak_rows_text(rows, 3));
  return guest;
}

static bool tell(AblakTxn *txn, const char *visit_id, const char *kind, const char *guest_id,
                 const char *actor, GError **error)
{
  g_autofree char *topic = g_strconcat("visit:", visit_id, NULL);
  return ablak_event_append(txn, topic, kind, guest_id, actor, NULL, error);
}

GPtrArray *ablak_guests_of_visit(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT " GUEST_COLUMNS " FROM guest WHERE visit_id = ? AND left_at = 0"
                      " AND joined_at > ? ORDER BY joined_at, id",
                      "ti", visit_id, ablak_txn_now_ms(txn) - ABLAK_VISITOR_LIFE_MS);
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) guests = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_guest_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure))
    g_ptr_array_add(guests, from_row(rows));
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&guests);
}

/* --- links
 * -------------------------------------------------------------------------------------------- */

void ablak_guest_link_free(AblakGuestLink *link)
{
  if (!link)
    return;
  g_free(link->id);
  g_free(link->role);
  g_free(link);
}

GPtrArray *ablak_guest_links(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error,
                      "SELECT id, guest_role, expires_at FROM invitation WHERE visit_id = ?"
                      " AND guest_role <> '' AND used_at = 0 AND revoked_at = 0 AND expires_at > ?"
                      " ORDER BY created_at, id",
                      "ti", visit_id, ablak_txn_now_ms(txn));
  if (!rows)
    return NULL;
  g_autoptr(GPtrArray) links =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_guest_link_free);
  g_autoptr(GError) failure = NULL;
  while (ablak_rows_next(rows, &failure)) {
    AblakGuestLink *link = g_new0(AblakGuestLink, 1);
    link->id = g_strdup(ablak_rows_text(rows, 0));
    link->role = g_strdup(ablak_rows_text(rows, 1));
    link->expires_ms = ablak_rows_int(rows, 2);
    g_ptr_array_add(links, link);
  }
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_steal_pointer(&links);
}

/* `promised`: links that are not used yet count as well. */
static bool has_room(AblakTxn *txn, const char *visit_id, bool promised, GError **error)
{
  g_autoptr(GPtrArray) guests = ablak_guests_of_visit(txn, visit_id, error);
  g_autoptr(GPtrArray) links = guests && promised ? ablak_guest_links(txn, visit_id, error) : NULL;
  if (!guests || (promised && !links))
    return false;
  if (guests->len + (links ? links->len : 0) < ABLAK_GUESTS_MAX)
    return true;
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "accounts/too-many-guests",
                  "visit %s has %d guests or links for them", visit_id, ABLAK_GUESTS_MAX);
  return false;
}

bool ablak_guest_invite(AblakTxn *txn, const char *visit_id, const char *role, gint64 life_ms,
                        char **ret_secret, gint64 *ret_expires_ms, GError **error)
{
  return has_room(txn, visit_id, true, error) &&
         ablak_invitation_insert(txn, visit_id, role, NULL, life_ms, ret_secret, ret_expires_ms,
                                 error);
}

static bool is_open_link(const GPtrArray *links, const char *link_id)
{
  for (guint i = 0; i < links->len; i++)
    if (strcmp(((const AblakGuestLink *)links->pdata[i])->id, link_id) == 0)
      return true;
  return false;
}

bool ablak_guest_link_withdraw(AblakTxn *txn, const char *visit_id, const char *link_id,
                               const char *actor, GError **error)
{
  g_autoptr(GPtrArray) links = ablak_guest_links(txn, visit_id, error);
  if (!links)
    return false;
  if (!is_open_link(links, link_id)) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "accounts/no-such-link",
                    "the visit has no such link that is still good");
    return false;
  }
  return ablak_txn_exec(txn, NULL, error, "UPDATE invitation SET revoked_at = ? WHERE id = ?", "it",
                        ablak_txn_now_ms(txn), link_id) &&
         tell(txn, visit_id, "guest-link.withdrawn", link_id, actor, error);
}

/* --- in and out
 * --------------------------------------------------------------------------------------- */

AblakGuest *ablak_guest_join(AblakTxn *txn, const char *secret, const char *name, char **ret_cookie,
                             GError **error)
{
  g_autoptr(AblakGuest) guest = g_new0(AblakGuest, 1);
  guest->visit_id = ablak_invitation_take(txn, secret, NULL, true, &guest->role, error);
  if (!guest->visit_id || !has_room(txn, guest->visit_id, false, error))
    return NULL;
  g_autofree char *cookie = ablak_secret_new(32), *hash = ablak_visitor_hash(cookie);
  guest->id = ablak_id_new();
  guest->name = g_strdup(name);
  if (!ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO guest (id, visit_id, secret_sha256, role, name, joined_at)"
                      " VALUES (?, ?, ?, ?, ?, ?)",
                      "ttttti", guest->id, guest->visit_id, hash, guest->role, guest->name,
                      ablak_txn_now_ms(txn)) ||
      !tell(txn, guest->visit_id, "guest.joined", guest->id, "guest", error))
    return NULL;
  *ret_cookie = g_steal_pointer(&cookie);
  return g_steal_pointer(&guest);
}

/* One of those who are still in. */
static AblakGuest *find(AblakTxn *txn, const char *column, const char *value, GError **error)
{
  g_autofree char *sql = g_strdup_printf(
      "SELECT " GUEST_COLUMNS " FROM guest WHERE %s = ? AND left_at = 0 AND joined_at > ?", column);
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, sql, "ti", value, ablak_txn_now_ms(txn) - ABLAK_VISITOR_LIFE_MS);
  return rows && ablak_rows_next(rows, error) ? from_row(rows) : NULL;
}

AblakGuest *ablak_guest_find(AblakTxn *txn, const char *cookie, GError **error)
{
  g_autofree char *hash = ablak_visitor_hash(cookie);
  return find(txn, "secret_sha256", hash, error);
}

AblakGuest *ablak_guest_load(AblakTxn *txn, const char *guest_id, GError **error)
{
  return find(txn, "id", guest_id, error);
}

bool ablak_guest_leave(AblakTxn *txn, const char *visit_id, const char *guest_id, const char *actor,
                       GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakGuest) guest = ablak_guest_load(txn, guest_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!guest || g_strcmp0(guest->visit_id, visit_id) != 0) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "accounts/no-such-guest",
                    "nobody of that id is in the visit");
    return false;
  }
  return ablak_txn_exec(txn, NULL, error, "UPDATE guest SET left_at = ? WHERE id = ?", "it",
                        ablak_txn_now_ms(txn), guest_id) &&
         tell(txn, visit_id, "guest.left", guest_id, actor, error);
}

bool ablak_guests_end(AblakTxn *txn, const char *visit_id, GError **error)
{
  return ablak_txn_exec(txn, NULL, error,
                        "UPDATE guest SET left_at = ? WHERE visit_id = ? AND left_at = 0", "it",
                        ablak_txn_now_ms(txn), visit_id);
}
