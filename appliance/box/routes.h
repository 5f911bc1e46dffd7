/* box/routes.h: the handlers of openapi.json's operations (generated prototypes) and what they
 * share. */
#pragma once
#include "box-routes.h"
#include "box/box.h"

/* box/authorise.c: as AblakHttpOptions.authorise. */
bool ablak_box_authorise(AblakRequest *request, const AblakRoute *route, gpointer app,
                         GError **error);
/* box/live.c: the hub of live events of a box. */
AblakLive *ablak_box_live_new(AblakBranch *box);
