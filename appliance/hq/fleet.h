/* hq/fleet.h: what headquarters shows of its boxes, read from the register, the links' states and
 * the replicas of the boxes' tables. New references. */
#pragma once
#include "store/store.h"
#include <provisioning/boxes.h>

/* Component Box; `states`: elements AblakPeerState. */
json_t *ablak_fleet_box(AblakTxn *txn, const AblakBox *box, const GPtrArray *states,
                        GError **error);
/* Array of component Filing: the newest 200, newest first. */
json_t *ablak_fleet_filings(AblakTxn *txn, GError **error);
