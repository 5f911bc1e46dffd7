/* hq/routes.h: the handlers of openapi.json's operations (generated prototypes) and what they
 * share. */
#pragma once
#include "hq-routes.h"
#include "hq/hq.h"

/* hq/authorise.c: as AblakHttpOptions.authorise. */
bool ablak_hq_authorise(AblakRequest *request, const AblakRoute *route, gpointer app,
                        GError **error);
/* hq/live.c */
AblakLive *ablak_hq_live_new(AblakHq *hq);
/* hq/routes-accounts.c: as AblakPersonView. */
json_t *ablak_hq_me_view(AblakTxn *txn, const AblakPerson *person, gpointer app, GError **error);
/* hq/routes-fleet.c: writes the revocation list anew, after boxes were revoked or replaced. */
void ablak_hq_write_crl(AblakHq *hq);
