/* box/presence.h: who is on the pages of a visit at this moment. Told to the visit's topic as the
 * passing message "presence" {citizen, clerk, guests, supervisors}: how many pages each side has
 * open, and which guests and supervisors have one. Main thread. */
#pragma once
#include "daemon/person.h"
#include "http/live.h"

/* Whose a page is within a visit: one of the first two, or what tells guests and supervisors apart
 * behind one of the others. All pages of one person are one party. */
#define ABLAK_PARTY_CITIZEN "citizen"
#define ABLAK_PARTY_CLERK "clerk"
#define ABLAK_PARTY_GUEST "guest-"
#define ABLAK_PARTY_SUPERVISOR "supervisor-"

typedef struct AblakPresence AblakPresence;
AblakPresence *ablak_presence_new(void);
void ablak_presence_free(AblakPresence *presence);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakPresence, ablak_presence_free)

/* A page has subscribed to a visit's topic. */
void ablak_presence_add(AblakPresence *presence, AblakLive *live, AblakLivePeer *peer,
                        const char *visit, const char *party);
/* A page has gone, whatever it was subscribed to. */
void ablak_presence_remove(AblakPresence *presence, AblakLive *live, AblakLivePeer *peer);
bool ablak_presence_has(const AblakPresence *presence, const char *visit, const char *party);
