/* Live pages: who may hear what, what they tell each other in passing, and signalling. */
#include "box/routes.h"
#include "box/visits.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/events.h"
#include "daemon/handler.h"
#include <string.h>

/* Bytes of a line that is being typed (2,000 characters), and of a page's word on its camera. */
#define TYPING_BYTES_MOST 8000
#define PAGE_ID_BYTES_MOST 64

/* The visit id of a topic "visit:<id>", or NULL. Borrowed. */
static const char *visit_of_topic(const char *topic)
{
  return g_str_has_prefix(topic, "visit:") ? topic + strlen("visit:") : NULL;
}

/* The same of "place:<id>", where who waits for that visit listens. */
static const char *place_of_topic(const char *topic)
{
  return g_str_has_prefix(topic, "place:") ? topic + strlen("place:") : NULL;
}

static bool may_subscribe(gpointer identity, const char *topic, gpointer app)
{
  AblakPerson *person = identity;
  const char *visit = visit_of_topic(topic), *place = place_of_topic(topic);
  if (visit)
    return ablak_box_may_see_visit(app, person, visit);
  if (place)
    return person->kind == ABLAK_PERSON_CITIZEN && strcmp(person->visit, place) == 0;
  if (strcmp(topic, "queue") == 0)
    return person->kind != ABLAK_PERSON_GUEST;
  return strcmp(topic, "desk") == 0 && person->kind == ABLAK_PERSON_STAFF;
}

/* Guests are in the call and the chat, and learn of nothing else that goes on in the visit. */
static bool may_hear(gpointer identity, const char *kind, gpointer app)
{
  static const char *const open[] = {"visit.message", "visit.ended", "typing",
                                     "call.part",     "presence",    NULL};
  const AblakPerson *person = identity;
  return person->kind != ABLAK_PERSON_GUEST || g_strv_contains(open, kind) ||
         g_str_has_prefix(kind, "guest.") || g_str_has_prefix(kind, "recording.");
}

static void subscribed(AblakLivePeer *peer, const char *topic, gpointer app)
{
  AblakBranch *box = app;
  const char *visit = visit_of_topic(topic), *place = place_of_topic(topic);
  if (visit) {
    g_autofree char *party = ablak_box_party_of(box, ablak_live_peer_identity(peer), visit);
    ablak_presence_add(box->presence, box->live, peer, visit, party);
  } else if (place)
    ablak_lobby_add(box->lobby, peer, place);
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

static const char *side_of(const AblakPerson *person)
{
  if (person->kind == ABLAK_PERSON_GUEST)
    return "guest";
  return person->kind == ABLAK_PERSON_CITIZEN ? "citizen" : "clerk";
}

/* A page of one side, as it names itself: a side may have several. */
static json_t *from_page(const AblakPerson *person, json_t *data)
{
  const char *page = ablak_json_get_string(data, "page");
  if (!page || strlen(page) > PAGE_ID_BYTES_MOST)
    return NULL;
  if (person->kind != ABLAK_PERSON_GUEST)
    return json_pack("{s:s, s:s}", "from", side_of(person), "page", page);
  return json_pack("{s:s, s:s, s:s, s:s, s:s}", "from", side_of(person), "page", page, "guest",
                   person->id, "role", person->part, "name", person->name);
}

/* Real-time text: the whole unsent line at each change, so that a lost one heals with the next and
 * erasing needs no word of its own. Never kept. */
static json_t *typing_of(const AblakPerson *person, json_t *data)
{
  const char *text = ablak_json_get_string(data, "text");
  json_t *message = text && strlen(text) <= TYPING_BYTES_MOST ? from_page(person, data) : NULL;
  if (message)
    json_object_set_new(message, "text", json_string(text));
  return message;
}

/* What a page says of its part in the call: its devices, and what its line can take. The label is
 * the one that offers give its pictures. */
static json_t *part_of(AblakBranch *box, const AblakPerson *person, const char *visit, json_t *data)
{
  static const char *const words[] = {"camera", "microphone", "wants", "screen"};
  json_t *message = from_page(person, data);
  for (gsize i = 0; message && i < G_N_ELEMENTS(words); i++) {
    const char *word = ablak_json_get_string(data, words[i]);
    if (word && strlen(word) <= PAGE_ID_BYTES_MOST)
      json_object_set_new(message, words[i], json_string(word));
  }
  if (!message)
    return NULL;
  json_object_set_new(message, "inCall", json_boolean(ablak_json_get_bool(data, "inCall", false)));
  g_autofree char *party = ablak_box_party_of(box, person, visit);
  json_object_set_new(message, "label", json_string(party));
  return message;
}

static void pass_on(AblakBranch *box, AblakLivePeer *peer, const char *topic, const char *kind,
                    json_t *data)
{
  const AblakPerson *person = ablak_live_peer_identity(peer);
  g_autofree char *key = g_strdup_printf("%p", (void *)peer);
  if (!ablak_allowance_take(box->passing, key, ablak_clock_monotonic_ms(), NULL))
    return;
  g_autoptr(json_t) message = strcmp(kind, "typing") == 0
                                  ? typing_of(person, data)
                                  : part_of(box, person, visit_of_topic(topic), data);
  if (message)
    ablak_live_message(box->live, topic, kind, message, peer);
}

static void tell_ended(AblakLivePeer *peer, const char *topic)
{
  g_autoptr(json_t) data = json_pack("{s:s}", "slug", "queue/visit-ended");
  ablak_live_peer_message(peer, topic, "media.error", data);
}

static void receive_media(AblakBranch *box, AblakLivePeer *peer, const char *visit,
                          const char *kind, json_t *data)
{
  const AblakPerson *person = ablak_live_peer_identity(peer);
  g_autofree char *party = ablak_box_party_of(box, person, visit);
  ablak_media_link_receive(box->media, peer, visit, party, kind, data);
}

/* Who waits may try the line, which is a session apart from the call's. */
static bool is_early_check(AblakBranch *box, const char *visit, const char *kind, json_t *data)
{
  return strcmp(kind, "media.join") == 0 && ablak_json_get_bool(data, "check", false) &&
         ablak_box_visit_is_awaited(box, visit);
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
  bool passes = strcmp(kind, "typing") == 0 || strcmp(kind, "call.part") == 0;
  if ((passes || strcmp(kind, "media.join") == 0) && !ablak_box_visit_goes_on(box, visit) &&
      !is_early_check(box, visit, kind, data)) {
    if (!passes)
      tell_ended(peer, topic);
    return;
  }
  if (passes)
    pass_on(box, peer, topic, kind, data);
  else if (g_str_has_prefix(kind, "media."))
    receive_media(box, peer, visit, kind, data);
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
  ablak_lobby_remove(box->lobby, peer);
}

AblakLive *ablak_box_live_new(AblakBranch *box)
{
  static const AblakLiveCallbacks callbacks = {
      .may_subscribe = may_subscribe,
      .may_hear = may_hear,
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
