/* daemon/events.h: the stored event log as live events: what http/live.h asks for, from the store.
 */
#pragma once
#include "http/live.h"
#include "store/store.h"

/* Gives every committed event to the hub; call once. */
void ablak_events_publish_to(AblakStore *store, AblakLive *live);

/* As AblakLiveCallbacks.replay and .last_seq. More than 1,000 missed events ask for a fresh load.
 */
bool ablak_events_replay(AblakStore *store, gint64 since, const char *const *topics,
                         void (*emit)(json_t *event, gpointer to), gpointer to);
gint64 ablak_events_newest(AblakStore *store);
