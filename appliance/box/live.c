/* Live pages: who may hear what, chat, and signalling. */
#include "box/routes.h"
#include "box/visits.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/events.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include <string.h>

#define CHAT_BYTES_MOST 4000

/* The visit id of a topic "visit:<id>", or NULL. Borrowed. */
static const char *visit_of_topic(const char *topic)
{
  return g_str_has_prefix(topic, "visit:") ? topic + strlen("visit:") : NULL;
}

static bool may_subscribe(gpointer identity, const char *topic, gpointer app)
{
  AblakPerson *person = identity;
  const char *visit = visit_of_topic(topic);
  if (visit)
    return ablak_box_may_see_visit(app, person, visit);
  if (strcmp(topic, "queue") == 0)
    return true;
  return strcmp(topic, "desk") == 0 && person->kind == ABLAK_PERSON_STAFF;
}

static void subscribed(AblakLivePeer *peer, const char *topic, gpointer app)
{
  AblakBranch *box = app;
  const char *visit = visit_of_topic(topic);
  if (visit)
    ablak_presence_add(box->presence, box->live, peer, visit);
}

static bool replay(gint64 since, const char *const *topics,
                   void (*emit)(json_t *event, gpointer to), gpointer to, gpointer app)
{
  return ablak_events_replay(((AblakBranch *)app)->store, since, topics, emit, to);
}

static gint64 last_seq(gpointer app)
{
  return ablak_events_newest(((AblakBranch *)app)->store);
}

static void chat(AblakBranch *box, AblakLivePeer *peer, const char *topic, json_t *data)
{
  const AblakPerson *person = ablak_live_peer_identity(peer);
  const char *text = ablak_json_get_string(data, "text");
  if (!text || !*text || strlen(text) > CHAT_BYTES_MOST)
    return;
  g_autoptr(json_t) message = json_pack("{s:s, s:s, s:o}", "text", text, "from",
                                        person->kind == ABLAK_PERSON_CITIZEN ? "citizen" : "clerk",
                                        "at", ablak_json_time(ablak_clock_wall_ms()));
  ablak_live_message(box->live, topic, "chat", message, NULL);
}

static void tell_ended(AblakLivePeer *peer, const char *topic)
{
  g_autoptr(json_t) data = json_pack("{s:s}", "slug", "queue/visit-ended");
  ablak_live_peer_message(peer, topic, "media.error", data);
}

static void receive(AblakLivePeer *peer, const char *topic, const char *kind, json_t *data,
                    gpointer app)
{
  AblakBranch *box = app;
  const char *visit = visit_of_topic(topic);
  ablak_open_pages_used(box->pages, peer);
  /* Subscribing was checked; who is not subscribed has no say either. */
  if (!visit || !ablak_live_peer_subscribed(peer, topic)) {
    ablak_log(ABLAK_LOG_WARNING, "live.not-subscribed", "kind", kind, NULL);
    return;
  }
  bool begins = strcmp(kind, "chat") == 0 || strcmp(kind, "media.join") == 0;
  if (begins && !ablak_box_visit_goes_on(box, visit)) {
    tell_ended(peer, topic);
    return;
  }
  if (strcmp(kind, "chat") == 0)
    chat(box, peer, topic, data);
  else if (g_str_has_prefix(kind, "media."))
    ablak_media_link_receive(box->media, peer, visit, kind, data);
  else
    ablak_log(ABLAK_LOG_WARNING, "live.unknown-kind", NULL);
}

static void end_page(gpointer peer, unsigned code, const char *reason)
{
  ablak_live_peer_close(peer, code, reason);
}

static void opened(AblakLivePeer *peer, gpointer app)
{
  AblakBranch *box = app;
  ablak_open_pages_add(box->pages, ablak_live_peer_identity(peer), NULL, end_page, peer);
}

static void closed(AblakLivePeer *peer, gpointer app)
{
  AblakBranch *box = app;
  ablak_open_pages_remove(box->pages, peer);
  ablak_media_link_peer_closed(box->media, peer);
  ablak_presence_remove(box->presence, box->live, peer);
}

AblakLive *ablak_box_live_new(AblakBranch *box)
{
  static const AblakLiveCallbacks callbacks = {
      .may_subscribe = may_subscribe,
      .subscribed = subscribed,
      .replay = replay,
      .last_seq = last_seq,
      .receive = receive,
      .opened = opened,
      .closed = closed,
  };
  return ablak_live_new(&callbacks, box);
}

void ablak_box_open_live(AblakRequest *request, gpointer app)
{
  AblakPerson *person = ablak_person_ref(ablak_request_person(request));
  ablak_live_accept(((AblakBranch *)app)->live, request, person,
                    (GDestroyNotify)ablak_person_unref);
}

void ablak_box_stream_events(AblakRequest *request, gpointer app)
{
  AblakPerson *person = ablak_person_ref(ablak_request_person(request));
  ablak_live_stream(((AblakBranch *)app)->live, request, person,
                    (GDestroyNotify)ablak_person_unref);
}
