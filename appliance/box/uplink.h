/* box/uplink.h: the box's line to headquarters: sync/sender.h over a WebSocket with mutual TLS.
 *
 * The branch never waits for it. A cut line is tried again with jittered back-off from 0.5 s to
 * 30 s. What comes down (staff, editions) is taken in as the sender says. Main thread. */
#pragma once
#include "box/box.h"

AblakUplink *ablak_uplink_new(AblakBranch *box, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_uplink_free(AblakUplink *uplink);

/* A filing has just been committed: the visit's pages hear "filing.stored" {filingId} when
 * headquarters has it. */
void ablak_uplink_await(AblakUplink *uplink, const char *filing_id, const char *visit_id);
/* Whether headquarters has acknowledged that filing. */
bool ablak_uplink_has_stored(AblakUplink *uplink, const char *filing_id);

typedef struct {
  bool connected;
  gint64 last_seq, acked_seq;
  gint64 last_ack_ms; /* UTC; 0: none since the start */
} AblakUplinkStatus;
void ablak_uplink_status(AblakUplink *uplink, AblakUplinkStatus *ret_status);
