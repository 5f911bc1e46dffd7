/* box/lobby.h: whose page is open in the waiting room. A place in the line is passed over when its
 * page is gone for longer than a short cut takes (queue/waiting.h), so coming and going is written
 * down; desks are told by the passing message "waiting" on their topic. Main thread. */
#pragma once
#include "http/live.h"
#include "store/store.h"

typedef struct AblakLobby AblakLobby;
/* Nobody's page is open yet, whatever was written down before. */
AblakLobby *ablak_lobby_new(AblakStore *store, AblakLive *live);
/* Tells nobody any more: the live hub is about to go. */
void ablak_lobby_stop(AblakLobby *lobby);
/* After the store has been closed, which still runs what was written. */
void ablak_lobby_free(AblakLobby *lobby);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakLobby, ablak_lobby_free)

/* A page has subscribed to its place. */
void ablak_lobby_add(AblakLobby *lobby, AblakLivePeer *peer, const char *visit);
/* A page has gone, whatever it was. */
void ablak_lobby_remove(AblakLobby *lobby, AblakLivePeer *peer);
