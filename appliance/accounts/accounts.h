/* accounts/accounts.h: staff, sign-in sessions, invitations and citizens' sessions.
 *
 * Secrets leave a function once and are stored only as SHA-256; passwords as scrypt. Plain
 * synchronous functions over a transaction; hashing passwords is separate, because it takes about
 * 100 ms and must run neither on the main loop nor on the writer.
 * Units: UTC ms. Ownership: results are the caller's. Threads: the transaction's; the throttle
 * belongs to the main thread. Durability: the job's commit. */
#pragma once
#include "store/store.h"
#include <glib.h>
#include <stdbool.h>

extern const AblakStorePart ablak_accounts_store_part;

/* --- staff
 * ---------------------------------------------------------------------------------------- */

typedef struct {
  char *id, *login, *name, *language, *password_hash;
  char **roles; /* of "clerk", "supervisor", "editor", "it"; NULL-terminated */
  bool disabled;
} AblakStaff;
void ablak_staff_free(AblakStaff *staff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakStaff, ablak_staff_free)

/* RFC 4180 with a header line; columns login, name, roles (separated by spaces), language,
 * password; lines that begin with # are comments. The whole file or nothing: INVALID "accounts/csv"
 * names the line. Passwords are hashed here. Elements: AblakStaff without ids. */
GPtrArray *ablak_staff_from_csv(const char *text, gsize length,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Adds or changes people by login. `ret_ids` (may be NULL) gets the ids in the array's order. */
bool ablak_staff_import(AblakTxn *txn, GPtrArray *people, gsize *ret_added, gsize *ret_changed,
                        GPtrArray **ret_ids, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A disabled person's sessions end at once, and no new one begins. NOT_FOUND
 * "accounts/no-such-person". */
bool ablak_staff_set_disabled(AblakTxn *txn, const char *id, bool disabled, const char *actor,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* NOT_FOUND "accounts/no-such-person". */
AblakStaff *ablak_staff_load(AblakTxn *txn, const char *id,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakStaff *ablak_staff_by_login(AblakTxn *txn, const char *login,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *ablak_staff_all(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- signing in
 * ------------------------------------------------------------------------------------- */

#define ABLAK_SIGN_IN_IDLE_MS (30 * 60 * 1000)
#define ABLAK_SIGN_IN_LIFE_MS (12 * 60 * 60 * 1000)

/* The password has been verified. *ret_secret goes into the cookie. */
bool ablak_sign_in_create(AblakTxn *txn, const char *staff_id, char **ret_secret,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The person whose session it is; NULL without an error for an unknown or expired one, or one whose
 * person is disabled. *ret_stale: it is time to call touch. */
AblakStaff *ablak_sign_in_find(AblakTxn *txn, const char *secret, bool *ret_stale, GError **error);
bool ablak_sign_in_touch(AblakTxn *txn, const char *secret,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_sign_in_end(AblakTxn *txn, const char *secret, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- invitations
 * --------------------------------------------------------------------------------------- */

/* Former invitations of the visit end when `replace` is set. Secret: 256 bits; code: eight digits,
 * or none when `ret_code` is NULL (hand-over to a second device). */
bool ablak_invitation_create(AblakTxn *txn, const char *visit_id, gint64 life_ms, bool replace,
                             char **ret_secret, char **ret_code, gint64 *ret_expires_ms,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  char *visit_id;
  char *secret;       /* for the cookie */
  char *resume_token; /* to come back with when the cookie is lost; good once */
} AblakJoined;
void ablak_joined_free(AblakJoined *joined);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakJoined, ablak_joined_free)

/* One of secret and code. Errors: NOT_FOUND "accounts/invitation-unknown"; GONE
 * "accounts/invitation-used", "accounts/invitation-expired". */
AblakJoined *ablak_invitation_redeem(AblakTxn *txn, const char *secret, const char *code,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Comes back with a resume token, which is replaced by a new one: the cookie's former secret ends.
 */
AblakJoined *ablak_citizen_resume(AblakTxn *txn, const char *resume_token,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The visit of a citizen's session; NULL without an error when unknown or expired. `ret_device`
 * (may be NULL): an id that tells the devices of a visit apart and stays when the session is
 * resumed. */
char *ablak_citizen_find(AblakTxn *txn, const char *secret, char **ret_device, GError **error);
bool ablak_citizen_leave(AblakTxn *txn, const char *secret,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The visit is over: every session and invitation of it ends, guests' at once. Receipts stay
 * readable until then + `grace_ms`. */
bool ablak_citizen_end_visit(AblakTxn *txn, const char *visit_id, gint64 grace_ms,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- guests
 * -------------------------------------------------------------------------------------------- */

/* Somebody beside citizen and clerk in the call of a visit, with no right to anything else. */
#define ABLAK_GUESTS_MAX 2
typedef struct {
  char *id, *visit_id;
  char *role; /* "sign", "interpreter" or "colleague" */
  char *name; /* as they call themselves; "" when they do not */
} AblakGuest;
void ablak_guest_free(AblakGuest *guest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakGuest, ablak_guest_free)

/* A link is a promise of room: CONFLICT "accounts/too-many-guests" while so many are in or have a
 * link that is still good. */
bool ablak_guest_invite(AblakTxn *txn, const char *visit_id, const char *role, gint64 life_ms,
                        char **ret_secret, gint64 *ret_expires_ms,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Errors as of ablak_invitation_redeem(), which takes no such invitation, and
 * "accounts/too-many-guests". Event "guest.joined". */
AblakGuest *ablak_guest_join(AblakTxn *txn, const char *secret, const char *name, char **ret_cookie,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A link that nobody has used yet, and that may still be. */
typedef struct {
  char *id, *role;
  gint64 expires_ms;
} AblakGuestLink;
void ablak_guest_link_free(AblakGuestLink *link);
/* In the order they were made: an array of AblakGuestLink that frees them. */
GPtrArray *ablak_guest_links(AblakTxn *txn, const char *visit_id,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Nobody comes in by it any more. NOT_FOUND "accounts/no-such-link" when it is none of these. Event
 * "guest-link.withdrawn". */
bool ablak_guest_link_withdraw(AblakTxn *txn, const char *visit_id, const char *link_id,
                               const char *actor, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Who is in by that cookie, or that id; NULL without an error when nobody is. */
AblakGuest *ablak_guest_find(AblakTxn *txn, const char *cookie, GError **error);
AblakGuest *ablak_guest_load(AblakTxn *txn, const char *guest_id, GError **error);
/* Those who are in, in the order they came: an array of AblakGuest that frees them. */
GPtrArray *ablak_guests_of_visit(AblakTxn *txn, const char *visit_id,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of their own will or sent away. Event "guest.left". NOT_FOUND "accounts/no-such-guest". */
bool ablak_guest_leave(AblakTxn *txn, const char *visit_id, const char *guest_id, const char *actor,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Deletes what has expired; call now and then. */
bool ablak_accounts_prune(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- throttle
 * ---------------------------------------------------------------------------------------------- */

/* Counts failures by key (an address, a login, a purpose before them) and makes who fails wait:
 * free up to `free_failures`, then 1 s doubled at each further failure up to `most_ms`. Forgets a
 * key `most_ms` after its last failure. Bounded: 10,000 keys, the oldest make room. Monotonic ms.
 */
typedef struct AblakThrottle AblakThrottle;
AblakThrottle *ablak_throttle_new(unsigned free_failures, gint64 most_ms);
void ablak_throttle_free(AblakThrottle *throttle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakThrottle, ablak_throttle_free)
/* RATE_LIMITED "request/rate-limited" while the key has to wait. */
bool ablak_throttle_check(AblakThrottle *throttle, const char *key, gint64 now_ms,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_throttle_failed(AblakThrottle *throttle, const char *key, gint64 now_ms);
void ablak_throttle_succeeded(AblakThrottle *throttle, const char *key);
/* Takes one failure back: a try that was counted before it turned out right. Former ones stay, so
 * that one's own success does not buy further guesses. */
void ablak_throttle_forgive(AblakThrottle *throttle, const char *key);

/* --- allowance
 * --------------------------------------------------------------------------------------------- */

/* How often something may be done by one key: `burst` times at once, then once in `refill_ms`.
 * Bounded: 10,000 keys. Monotonic ms. */
typedef struct AblakAllowance AblakAllowance;
AblakAllowance *ablak_allowance_new(unsigned burst, gint64 refill_ms);
void ablak_allowance_free(AblakAllowance *allowance);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakAllowance, ablak_allowance_free)
void ablak_allowance_set(AblakAllowance *allowance, unsigned burst, gint64 refill_ms);
/* RATE_LIMITED "request/rate-limited" when there is nothing left. */
bool ablak_allowance_take(AblakAllowance *allowance, const char *key, gint64 now_ms,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
