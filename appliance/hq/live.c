/* Live pages of headquarters: one topic, "fleet", for everyone who is signed in. */
#include "daemon/events.h"
#include "daemon/handler.h"
#include "hq/routes.h"
#include <string.h>

static bool may_subscribe(gpointer identity, const char *topic, gpointer app)
{
  const AblakPerson *person = identity;
  return strcmp(topic, "fleet") == 0 && person->kind == ABLAK_PERSON_STAFF;
}

static bool replay(gint64 since, const char *const *topics,
                   void (*emit)(json_t *event, gpointer to), gpointer to, gpointer app)
{
  return ablak_events_replay(((AblakHq *)app)->store, since, topics, emit, to);
}

static gint64 last_seq(gpointer app)
{
  return ablak_events_newest(((AblakHq *)app)->store);
}

static void end_page(gpointer peer, unsigned code, const char *reason)
{
  ablak_live_peer_close(peer, code, reason);
}

static void opened(AblakLivePeer *peer, gpointer app)
{
  ablak_open_pages_add(((AblakHq *)app)->pages, ablak_live_peer_identity(peer), NULL, end_page,
                       peer);
}

static void closed(AblakLivePeer *peer, gpointer app)
{
  ablak_open_pages_remove(((AblakHq *)app)->pages, peer);
}

AblakLive *ablak_hq_live_new(AblakHq *hq)
{
  static const AblakLiveCallbacks callbacks = {.may_subscribe = may_subscribe,
                                               .replay = replay,
                                               .last_seq = last_seq,
                                               .opened = opened,
                                               .closed = closed};
  return ablak_live_new(&callbacks, hq);
}

void ablak_hq_open_live(AblakRequest *request, gpointer app)
{
  AblakPerson *person = ablak_person_ref(ablak_request_person(request));
  ablak_live_accept(((AblakHq *)app)->live, request, person, (GDestroyNotify)ablak_person_unref);
}

void ablak_hq_stream_events(AblakRequest *request, gpointer app)
{
  AblakPerson *person = ablak_person_ref(ablak_request_person(request));
  ablak_live_stream(((AblakHq *)app)->live, request, person, (GDestroyNotify)ablak_person_unref);
}
