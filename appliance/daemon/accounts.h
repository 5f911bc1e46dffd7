/* daemon/accounts.h: staff signing in and out of a daemon, and whose cookie a request carries.
 *
 * Cookies ignore ports, so each daemon has a name of its own. They are __Host- cookies: Secure,
 * path "/", no domain; HttpOnly and SameSite=Strict. Main thread. */
#pragma once
#include "accounts/accounts.h"
#include "daemon/loop.h"
#include "daemon/person.h"
#include "http/http.h"
#include "store/store.h"

typedef struct AblakSignIns AblakSignIns;

/* `view` makes the reply of sign-in and of "who am I" from a person. */
typedef json_t *(*AblakPersonView)(AblakTxn *txn, const AblakPerson *person, gpointer app,
                                   GError **error);

AblakSignIns *ablak_sign_ins_new(AblakStore *store, const char *cookie_name, AblakPersonView view,
                                 AblakWork *work, gpointer app);
void ablak_sign_ins_free(AblakSignIns *sign_ins);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSignIns, ablak_sign_ins_free)

/* The person of the request's staff cookie; NULL without an error when there is none. */
AblakPerson *ablak_sign_ins_person(AblakSignIns *sign_ins, AblakTxn *txn, AblakRequest *request,
                                   GError **error);

/* For open pages: whether the sign-in still stands, with the same roles. `active` keeps it from
 * being idle. False: an error. */
bool ablak_sign_ins_check(AblakSignIns *sign_ins, AblakTxn *txn, const AblakPerson *person,
                          bool active, bool *ret_valid, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The three handlers. Wrong name and wrong password take the same time and give the same answer. */
void ablak_sign_ins_sign_in(AblakSignIns *sign_ins, AblakRequest *request);
void ablak_sign_ins_me(AblakSignIns *sign_ins, AblakRequest *request);
void ablak_sign_ins_sign_out(AblakSignIns *sign_ins, AblakRequest *request);

/* Set-Cookie's value; an empty secret deletes the cookie. Free with g_free. */
char *ablak_cookie(const char *name, const char *secret, gint64 life_s);
