/* Whose request it is, and whether the route lets them in. */
#include "accounts/accounts.h"
#include "box/routes.h"
#include "core/error.h"
#include "daemon/handler.h"
#include <queue/queue.h>
#include <string.h>

static AblakPerson *citizen_of(AblakTxn *txn, AblakRequest *request, GError **error)
{
  const char *secret = ablak_request_cookie(request, ABLAK_CITIZEN_COOKIE);
  g_autofree char *device = NULL;
  char *visit = secret && *secret ? ablak_citizen_find(txn, secret, &device, error) : NULL;
  if (!visit)
    return NULL;
  AblakPerson *person = ablak_person_new(ABLAK_PERSON_CITIZEN);
  person->visit = visit;
  person->id = g_strdup(*device ? device : "citizen");
  person->session = g_strdup(secret);
  return person;
}

static AblakPerson *guest_of(AblakTxn *txn, AblakRequest *request, GError **error)
{
  const char *cookie = ablak_request_cookie(request, ABLAK_GUEST_COOKIE);
  g_autoptr(AblakGuest) guest = cookie && *cookie ? ablak_guest_find(txn, cookie, error) : NULL;
  if (!guest)
    return NULL;
  AblakPerson *person = ablak_person_new(ABLAK_PERSON_GUEST);
  person->id = g_strdup(guest->id);
  person->session = g_strdup(guest->id);
  person->visit = g_strdup(guest->visit_id);
  person->part = g_strdup(guest->role);
  person->name = g_strdup(guest->name);
  return person;
}

/* One browser may hold several cookies, as in a demonstration: citizens' and guests' pages say
 * which they mean. */
static bool asks_as(AblakRequest *request, const char *role)
{
  const char *as = ablak_request_header(request, "ablak-as");
  if (!as)
    as = ablak_request_query(request, "as");
  return g_strcmp0(as, role) == 0;
}

/* A guest's page never acts for anybody else that its browser may have been. */
static AblakPerson *find_guest(AblakTxn *txn, AblakRequest *request, GError **error)
{
  g_autoptr(GError) failure = NULL;
  AblakPerson *guest = guest_of(txn, request, &failure);
  if (failure)
    g_propagate_error(error, g_steal_pointer(&failure));
  else if (!guest)
    guest = ablak_person_new(ABLAK_PERSON_NOBODY);
  return guest;
}

static AblakPerson *find_person(AblakBranch *box, AblakTxn *txn, AblakRequest *request,
                                const char *access, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakPerson) staff = NULL;
  if (asks_as(request, "guest"))
    return find_guest(txn, request, error);
  if (!asks_as(request, "citizen"))
    staff = ablak_sign_ins_person(box->sign_ins, txn, request, &failure);
  if (!failure && staff && ablak_person_may(staff, access))
    return g_steal_pointer(&staff);
  g_autoptr(AblakPerson) citizen = failure ? NULL : citizen_of(txn, request, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  if (citizen && (!staff || ablak_person_may(citizen, access)))
    return g_steal_pointer(&citizen);
  return staff ? g_steal_pointer(&staff) : ablak_person_new(ABLAK_PERSON_NOBODY);
}

bool ablak_box_authorise(AblakRequest *request, const AblakRoute *route, gpointer app,
                         GError **error)
{
  AblakBranch *box = app;
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, error);
  AblakPerson *person = txn ? find_person(box, txn, request, route->access, error) : NULL;
  if (!person)
    return false;
  ablak_request_set_identity(request, person, (GDestroyNotify)ablak_person_unref);
  if (ablak_person_may(person, route->access))
    return true;
  if (person->kind == ABLAK_PERSON_NOBODY)
    ablak_error_set(error, ABLAK_ERROR_UNAUTHENTICATED, "request/unauthenticated",
                    "nobody is signed in");
  else
    ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "request/forbidden", "not for this role");
  return false;
}

/* In a meeting people talk for long without touching the page; that is not being idle. */
static bool is_meeting(const AblakBranch *box, AblakTxn *txn, const AblakPerson *person)
{
  g_autoptr(AblakVisit) visit = ablak_visit_of_clerk(txn, person->id, NULL);
  return visit && ablak_presence_has(box->presence, visit->id, ABLAK_PARTY_CITIZEN);
}

bool ablak_box_check_page(AblakTxn *txn, const AblakPerson *person, bool active, gpointer app,
                          bool *ret_valid, GError **error)
{
  AblakBranch *box = app;
  if (person->kind == ABLAK_PERSON_STAFF)
    return ablak_sign_ins_check(box->sign_ins, txn, person, active || is_meeting(box, txn, person),
                                ret_valid, error);
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakGuest) guest = NULL;
  g_autofree char *visit = NULL;
  if (person->kind == ABLAK_PERSON_GUEST)
    guest = ablak_guest_load(txn, person->id, &failure);
  else
    visit = ablak_citizen_find(txn, person->session, NULL, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  *ret_valid = visit || guest;
  return true;
}
