/* accounts/private.h: what citizens' and guests' sessions share. */
#pragma once
#include "accounts/accounts.h"

/* Longer than any visit; the end of the visit ends it earlier. */
#define ABLAK_VISITOR_LIFE_MS (8 * 60 * 60 * 1000)

/* Free with g_free. */
char *ablak_visitor_hash(const char *secret);
/* `guest_role`: "" for the citizen's. `code`: NULL for none. Event "invitation.created". */
bool ablak_invitation_insert(AblakTxn *txn, const char *visit_id, const char *guest_role,
                             const char *code, gint64 life_ms, char **ret_secret,
                             gint64 *ret_expires_ms, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One of secret and code, which is used up. The visit; *ret_guest_role is "" for the citizen's.
 * Errors as of ablak_invitation_redeem(), also for one of the other kind. */
char *ablak_invitation_take(AblakTxn *txn, const char *secret, const char *code, bool guest,
                            char **ret_guest_role, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The visit has ended. */
bool ablak_guests_end(AblakTxn *txn, const char *visit_id,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
