/* Whose request it is: a person by cookie, a box by its certificate. */
#include "core/error.h"
#include "daemon/handler.h"
#include "hq/routes.h"
#include <provisioning/boxes.h>

static AblakPerson *box_of(AblakTxn *txn, AblakRequest *request, GError **error)
{
  const char *fingerprint = ablak_request_peer_cert_sha256(request);
  if (!fingerprint)
    return NULL;
  /* Revoked and replaced machines are refused here, whatever the revocation list says. */
  g_autoptr(AblakBox) box = ablak_box_identify(txn, fingerprint, error);
  if (!box)
    return NULL;
  AblakPerson *person = ablak_person_new(ABLAK_PERSON_BOX);
  person->id = g_strdup(box->id);
  return person;
}

bool ablak_hq_authorise(AblakRequest *request, const AblakRoute *route, gpointer app,
                        GError **error)
{
  AblakHq *hq = app;
  g_autoptr(AblakTxn) txn = ablak_store_read(hq->store, error);
  if (!txn)
    return false;
  g_autoptr(GError) failure = NULL;
  AblakPerson *person = box_of(txn, request, &failure);
  if (!person && !failure)
    person = ablak_sign_ins_person(hq->sign_ins, txn, request, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!person)
    person = ablak_person_new(ABLAK_PERSON_NOBODY);
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
