/* box/presence.h: who is on the pages of a visit at this moment. Told to the visit's topic as the
 * passing message "presence" {citizen, clerk}: how many pages each side has open. Main thread. */
#pragma once
#include "daemon/person.h"
#include "http/live.h"

typedef struct AblakPresence AblakPresence;
AblakPresence *ablak_presence_new(void);
void ablak_presence_free(AblakPresence *presence);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakPresence, ablak_presence_free)

/* A page has subscribed to a visit's topic. */
void ablak_presence_add(AblakPresence *presence, AblakLive *live, AblakLivePeer *peer,
                        const char *visit);
/* A page has gone, whatever it was subscribed to. */
void ablak_presence_remove(AblakPresence *presence, AblakLive *live, AblakLivePeer *peer);
bool ablak_presence_has(const AblakPresence *presence, const char *visit, AblakPersonKind kind);
