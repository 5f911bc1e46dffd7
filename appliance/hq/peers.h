/* hq/peers.h: the boxes' replication links: sync/receiver.h over http's WebSockets. Main thread. */
#pragma once
#include "hq/hq.h"
#include <sync/receiver.h>

AblakPeers *ablak_peers_new(AblakHq *hq, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_peers_free(AblakPeers *peers);
/* Something was appended to the down journal. */
void ablak_peers_poll(AblakPeers *peers);
AblakReceiver *ablak_peers_receiver(AblakPeers *peers);
