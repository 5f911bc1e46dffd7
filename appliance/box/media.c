#include "box/media.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/log.h"
#include "http/metrics.h"
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <video/control.h>

/* Longer than a page needs to connect again, shorter than a citizen waits before leaving. */
#define ADOPTION_S 30
#define LEGS_PER_PEER_MAX 2
/* Three devices of one side that try their lines at once, or pages of before whose line broke. */
#define CHECK_LEGS_PER_PARTY_MAX 6

typedef struct {
  char *id;
  char *visit;
  char *session;       /* the visit's id, or that of a page's own check of its line */
  char *party;         /* whose it is; NULL for one that outlived an earlier ablakd */
  AblakLivePeer *peer; /* NULL while the page is away */
  AblakMediaLegState state;
  char *cipher;
  guint away_timer;
  AblakPerson *person; /* who joined; NULL of a leg that outlived an earlier ablakd */
  AblakMediaLink *link;
} Leg;

struct AblakMediaLink {
  char *path;
  GSocketService *service;
  AblakMediaChannel *channel; /* NULL: the media process is not there */
  GHashTable *legs;           /* id -> Leg */
  const AblakIceServers *ice_servers;
  AblakMetric *up;
  AblakMediaJoined joined;
  gpointer joined_data;
};

static void leg_free(gpointer data)
{
  Leg *leg = data;
  if (leg->away_timer)
    g_source_remove(leg->away_timer);
  g_free(leg->id);
  g_free(leg->visit);
  g_free(leg->session);
  g_free(leg->party);
  g_free(leg->cipher);
  ablak_person_unref(leg->person);
  g_free(leg);
}

static char *visit_topic(const char *visit)
{
  return g_strconcat("visit:", visit, NULL);
}

static void tell(const Leg *leg, const char *kind, json_t *data)
{
  if (leg->peer) {
    g_autofree char *topic = visit_topic(leg->visit);
    ablak_live_peer_message(leg->peer, topic, kind, data);
  }
  json_decref(data);
}

static void tell_error(AblakLivePeer *peer, const char *visit, const char *leg, const char *slug)
{
  g_autofree char *topic = visit_topic(visit);
  g_autoptr(json_t) data = json_pack("{s:s*, s:s}", "leg", leg, "slug", slug);
  ablak_live_peer_message(peer, topic, "media.error", data);
}

/* --- towards ablak-media -------------------------------------------------------------------- */

static void send_simple(AblakMediaLink *link, AblakMediaType type, const char *session,
                        const char *leg)
{
  if (!link->channel)
    return;
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(type, session, leg);
  ablak_media_channel_send(link->channel, message);
}

static void drop_leg(AblakMediaLink *link, Leg *leg)
{
  send_simple(link, ABLAK_MEDIA_LEAVE, leg->session, leg->id);
  g_hash_table_remove(link->legs, leg->id);
}

static gboolean stayed_away(gpointer data)
{
  Leg *leg = data;
  leg->away_timer = 0;
  drop_leg(leg->link, leg);
  return G_SOURCE_REMOVE;
}

static Leg *add_leg(AblakMediaLink *link, const char *id, const char *visit, const char *session)
{
  Leg *leg = g_new0(Leg, 1);
  leg->id = g_strdup(id);
  leg->visit = g_strdup(visit);
  leg->session = g_strdup(session);
  leg->link = link;
  g_hash_table_insert(link->legs, leg->id, leg);
  return leg;
}

static unsigned legs_of(AblakMediaLink *link, AblakLivePeer *peer)
{
  unsigned count = 0;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, link->legs);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    count += ((Leg *)value)->peer == peer;
  return count;
}

static void tell_state(const Leg *leg)
{
  tell(leg, "media.state",
       json_pack("{s:s, s:s, s:s*}", "leg", leg->id, "state",
                 ablak_media_leg_state_name(leg->state), "cipher", leg->cipher));
}

static bool is_check(const Leg *leg)
{
  return strcmp(leg->session, leg->visit) != 0;
}

static bool runs(const Leg *leg)
{
  return leg->state == ABLAK_MEDIA_LEG_CONNECTED || leg->state == ABLAK_MEDIA_LEG_DISCONNECTED;
}

/* A leg nobody has claimed since ablakd began anew is for whoever knows its name. */
static bool is_of_party(const Leg *leg, const char *visit, const char *party)
{
  return strcmp(leg->visit, visit) == 0 && !is_check(leg) &&
         (!leg->party || strcmp(leg->party, party) == 0);
}

/* True when the page's leg of before still runs and is now this page's again. A connection that
 * broke without a word, as when its address changed, still counts as the leg's page here; the new
 * one is the page that lives. */
static bool take_over(Leg *leg, AblakLivePeer *peer, const char *party, json_t *data)
{
  if (leg->peer == peer || !runs(leg) || !ablak_json_get_bool(data, "alive", false))
    return false;
  g_clear_handle_id(&leg->away_timer, g_source_remove);
  leg->peer = peer;
  g_free(leg->party);
  leg->party = g_strdup(party);
  ablak_person_unref(leg->person);
  leg->person = ablak_person_ref(ablak_live_peer_identity(peer));
  tell_state(leg);
  if (ablak_json_get_bool(data, "restart", false))
    send_simple(leg->link, ABLAK_MEDIA_RESTART, leg->session, leg->id);
  return true;
}

static Leg *leg_of_party(AblakMediaLink *link, const char *visit, const char *party)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, link->legs);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Leg *leg = value;
    if (leg->party && is_of_party(leg, visit, party))
      return leg;
  }
  return NULL;
}

/* False when the call stays with another page. */
static bool take_place(AblakMediaLink *link, AblakLivePeer *peer, const char *visit,
                       const char *party, bool again)
{
  g_autofree char *topic = visit_topic(visit);
  g_autoptr(json_t) nothing = json_object();
  for (Leg *other; (other = leg_of_party(link, visit, party)); drop_leg(link, other)) {
    /* This page's own of before: one that it left before the offer reached it, for instance. */
    if (other->peer == peer)
      continue;
    if (other->peer && again) {
      ablak_live_peer_message(peer, topic, "media.taken", nothing);
      return false;
    }
    tell(other, "media.taken", json_object());
  }
  return true;
}

/* Whose the leg is, and what they may send, beside what the page itself says. */
static void fill_join(AblakMediaMessage *message, const AblakPerson *person, const char *party,
                      json_t *data)
{
  bool guest = person->kind == ABLAK_PERSON_GUEST;
  message->audio = ablak_json_get_bool(data, "audio", true);
  message->video = ablak_json_get_bool(data, "video", true);
  message->screens = ablak_json_get_bool(data, "screens", false);
  message->screen = message->screens && !guest;
  /* signing goes both ways */
  message->first = guest ? strcmp(person->part, "sign") == 0 : person->kind == ABLAK_PERSON_CITIZEN;
  message->label = g_strdup(party);
}

static void begin_leg(AblakMediaLink *link, AblakLivePeer *peer, const char *visit,
                      const char *session, const char *party, json_t *data)
{
  if (legs_of(link, peer) >= LEGS_PER_PEER_MAX) {
    tell_error(peer, visit, NULL, "media/too-many-legs");
    return;
  }
  g_autofree char *id = ablak_id_new();
  Leg *leg = add_leg(link, id, visit, session);
  leg->peer = peer;
  leg->party = g_strdup(party);
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(ABLAK_MEDIA_JOIN, session, id);
  leg->person = ablak_person_ref(ablak_live_peer_identity(peer));
  fill_join(message, leg->person, party, data);
  ablak_media_channel_send(link->channel, message);
  if (link->joined)
    link->joined(visit, id, leg->person, link->joined_data);
}

/* The session in which this page tries its line: that of its first leg there, or a new one. */
static char *check_session(AblakMediaLink *link, const AblakLivePeer *peer)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, link->legs);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Leg *leg = value;
    if (leg->peer == peer && is_check(leg))
      return g_strdup(leg->session);
  }
  g_autofree char *id = ablak_id_new();
  return g_strconcat("check:", id, NULL);
}

static bool is_check_of(const Leg *leg, const char *visit, const char *party)
{
  return is_check(leg) && strcmp(leg->visit, visit) == 0 && g_strcmp0(leg->party, party) == 0;
}

/* Nobody's tries take the relay's room from the others' calls: the oldest gives way. */
static void make_room_for_check(AblakMediaLink *link, const char *visit, const char *party)
{
  unsigned count = 0;
  Leg *oldest = NULL;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, link->legs);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Leg *leg = value;
    if (!is_check_of(leg, visit, party))
      continue;
    count++;
    /* Ids are UUIDv7 and sort by their time. */
    if (!oldest || strcmp(leg->id, oldest->id) < 0)
      oldest = leg;
  }
  if (count < CHECK_LEGS_PER_PARTY_MAX)
    return;
  tell(oldest, "media.error",
       json_pack("{s:s, s:s}", "leg", oldest->id, "slug", "media/too-many-legs"));
  drop_leg(link, oldest);
}

static void join_check(AblakMediaLink *link, AblakLivePeer *peer, const char *visit,
                       const char *party, json_t *data)
{
  make_room_for_check(link, visit, party);
  g_autofree char *session = check_session(link, peer);
  begin_leg(link, peer, visit, session, party, data);
}

static void join_call(AblakMediaLink *link, AblakLivePeer *peer, const char *visit,
                      const char *party, json_t *data)
{
  const char *former = ablak_json_get_string(data, "leg");
  Leg *own = former ? g_hash_table_lookup(link->legs, former) : NULL;
  if (own && is_of_party(own, visit, party)) {
    if (take_over(own, peer, party, data))
      return;
    drop_leg(link, own);
  }
  if (take_place(link, peer, visit, party, ablak_json_get_bool(data, "again", false)))
    begin_leg(link, peer, visit, visit, party, data);
}

static void join(AblakMediaLink *link, AblakLivePeer *peer, const char *visit, const char *party,
                 json_t *data)
{
  if (!link->channel)
    tell_error(peer, visit, NULL, "media/unavailable");
  else if (ablak_json_get_bool(data, "check", false))
    join_check(link, peer, visit, party, data);
  else
    join_call(link, peer, visit, party, data);
}

/* The page leaves before it has heard of its leg. */
static void leave_call(AblakMediaLink *link, const AblakLivePeer *peer, const char *visit,
                       const char *party)
{
  Leg *leg = leg_of_party(link, visit, party);
  if (leg && leg->peer == peer)
    drop_leg(link, leg);
}

static void pass_on(AblakMediaLink *link, AblakMediaType type, const Leg *leg, json_t *data)
{
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(type, leg->session, leg->id);
  message->generation = ablak_json_get_int(data, "generation", 0);
  message->sdp = g_strdup(ablak_json_get_string(data, "sdp"));
  message->candidate = g_strdup(ablak_json_get_string(data, "candidate"));
  message->mid = g_strdup(ablak_json_get_string(data, "mid"));
  if (link->channel)
    ablak_media_channel_send(link->channel, message);
}

void ablak_media_link_receive(AblakMediaLink *link, AblakLivePeer *peer, const char *visit,
                              const char *party, const char *kind, json_t *data)
{
  if (strcmp(kind, "media.join") == 0) {
    join(link, peer, visit, party, data);
    return;
  }
  const char *id = ablak_json_get_string(data, "leg");
  if (!id && strcmp(kind, "media.leave") == 0) {
    leave_call(link, peer, visit, party);
    return;
  }
  Leg *leg = id ? g_hash_table_lookup(link->legs, id) : NULL;
  if (!leg || leg->peer != peer || strcmp(leg->visit, visit) != 0) {
    tell_error(peer, visit, id, "media/no-such-leg");
    return;
  }
  if (strcmp(kind, "media.answer") == 0 && ablak_json_get_string(data, "sdp"))
    pass_on(link, ABLAK_MEDIA_ANSWER, leg, data);
  else if (strcmp(kind, "media.candidate") == 0 && ablak_json_get_string(data, "candidate"))
    pass_on(link, ABLAK_MEDIA_CANDIDATE, leg, data);
  else if (strcmp(kind, "media.restart") == 0)
    send_simple(link, ABLAK_MEDIA_RESTART, leg->session, id);
  else if (strcmp(kind, "media.leave") == 0)
    drop_leg(link, leg);
  else
    tell_error(peer, visit, id, "media/malformed");
}

void ablak_media_link_peer_closed(AblakMediaLink *link, AblakLivePeer *peer)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, link->legs);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Leg *leg = value;
    if (leg->peer != peer)
      continue;
    if (is_check(leg)) {
      send_simple(link, ABLAK_MEDIA_LEAVE, leg->session, leg->id);
      g_hash_table_iter_remove(&iter);
      continue;
    }
    leg->peer = NULL;
    leg->away_timer = g_timeout_add_seconds(ADOPTION_S, stayed_away, leg);
  }
}

void ablak_media_link_drop_party(AblakMediaLink *link, const char *visit, const char *party)
{
  for (Leg *leg; (leg = leg_of_party(link, visit, party));)
    drop_leg(link, leg);
}

static gboolean end_with_visit(gpointer key, gpointer value, gpointer visit)
{
  const Leg *leg = value;
  if (strcmp(leg->visit, visit) != 0)
    return FALSE;
  if (is_check(leg))
    send_simple(leg->link, ABLAK_MEDIA_LEAVE, leg->session, leg->id);
  return TRUE;
}

void ablak_media_link_close_visit(AblakMediaLink *link, const char *visit)
{
  send_simple(link, ABLAK_MEDIA_CLOSE, visit, NULL);
  g_hash_table_foreach_remove(link->legs, end_with_visit, (gpointer)visit);
}

/* --- recording ----------------------------------------------------------------------------------
 */

void ablak_media_link_watch_joined(AblakMediaLink *link, AblakMediaJoined joined, gpointer data)
{
  link->joined = joined;
  link->joined_data = data;
}

void ablak_media_link_each_leg(AblakMediaLink *link, const char *visit, AblakMediaJoined each,
                               gpointer data)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, link->legs);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Leg *leg = value;
    if (strcmp(leg->visit, visit) == 0 && leg->person)
      each(visit, leg->id, leg->person, data);
  }
}

void ablak_media_link_record(AblakMediaLink *link, const char *visit, const char *leg, int party,
                             int socket)
{
  if (!link->channel)
    return;
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(ABLAK_MEDIA_RECORD, visit, leg);
  message->party = party + 1;
  message->fd = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  ablak_media_channel_send(link->channel, message);
}

void ablak_media_link_unrecord(AblakMediaLink *link, const char *visit)
{
  send_simple(link, ABLAK_MEDIA_UNRECORD, visit, NULL);
}

/* --- from ablak-media ------------------------------------------------------------------------- */

/* Legs that outlived an earlier ablakd wait for their pages to take them over. */
static void adopt(AblakMediaLink *link, json_t *legs)
{
  size_t index;
  json_t *entry;
  json_array_foreach(legs, index, entry)
  {
    const char *id = ablak_json_get_string(entry, "leg"),
               *visit = ablak_json_get_string(entry, "session");
    const char *state = ablak_json_get_string(entry, "state");
    if (!id || !visit || !state || g_hash_table_contains(link->legs, id))
      continue;
    Leg *leg = add_leg(link, id, visit, visit);
    leg->state = strcmp(state, "connected") == 0 ? ABLAK_MEDIA_LEG_CONNECTED : ABLAK_MEDIA_LEG_NEW;
    leg->away_timer = g_timeout_add_seconds(ADOPTION_S, stayed_away, leg);
  }
}

static void received_state(AblakMediaLink *link, Leg *leg, const AblakMediaMessage *message)
{
  leg->state = message->state;
  g_free(leg->cipher);
  leg->cipher = g_strdup(message->cipher);
  tell_state(leg);
  if (message->state == ABLAK_MEDIA_LEG_CLOSED)
    g_hash_table_remove(link->legs, leg->id);
}

static void received(AblakMediaChannel *channel, const AblakMediaMessage *message, gpointer data)
{
  AblakMediaLink *link = data;
  if (message->type == ABLAK_MEDIA_HELLO) {
    adopt(link, message->legs);
    return;
  }
  Leg *leg = message->leg ? g_hash_table_lookup(link->legs, message->leg) : NULL;
  if (message->type == ABLAK_MEDIA_ERROR)
    ablak_log(ABLAK_LOG_WARNING, "media.refused", "leg", message->leg, "slug", message->slug, NULL);
  if (!leg)
    return;
  switch (message->type) {
  case ABLAK_MEDIA_OFFER:
    tell(leg, "media.offer",
         json_pack("{s:s, s:I, s:s, s:o}", "leg", leg->id, "generation",
                   (json_int_t)message->generation, "sdp", message->sdp, "iceServers",
                   ablak_ice_servers_for(link->ice_servers, leg->visit, ablak_clock_wall_ms())));
    break;
  case ABLAK_MEDIA_CANDIDATE:
    tell(leg, "media.candidate",
         json_pack("{s:s, s:I, s:s, s:s?}", "leg", leg->id, "generation",
                   (json_int_t)message->generation, "candidate", message->candidate, "mid",
                   message->mid));
    break;
  case ABLAK_MEDIA_STATE:
    received_state(link, leg, message);
    break;
  case ABLAK_MEDIA_ERROR:
    tell(leg, "media.error", json_pack("{s:s, s:s}", "leg", leg->id, "slug", message->slug));
    break;
  default:
    break;
  }
}

static void malformed(AblakMediaChannel *channel, const GError *error, gpointer data)
{
  ablak_log_gerror(ABLAK_LOG_ERROR, "media.control-malformed", error, NULL);
}

static void closed(AblakMediaChannel *channel, const GError *error, gpointer data)
{
  AblakMediaLink *link = data;
  ablak_log_gerror(ABLAK_LOG_WARNING, "media.gone", error, NULL);
  g_clear_pointer(&link->channel, ablak_media_channel_free);
  ablak_metric_set(link->up, 0);
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, link->legs);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    tell(value, "media.gone", json_object());
    g_hash_table_iter_remove(&iter);
  }
}

static const AblakMediaChannelHandler channel_handler = {received, malformed, closed};

static gboolean incoming(GSocketService *service, GSocketConnection *connection, GObject *source,
                         gpointer data)
{
  AblakMediaLink *link = data;
  /* A new process means that the old one is gone, whether or not its connection knows it yet. */
  if (link->channel)
    closed(link->channel, NULL, link);
  link->channel = ablak_media_channel_new(G_IO_STREAM(connection), &channel_handler, link);
  ablak_metric_set(link->up, 1);
  ablak_log(ABLAK_LOG_INFO, "media.connected", NULL);
  return TRUE;
}

/* --- life ---------------------------------------------------------------------------------------
 */

AblakMediaLink *ablak_media_link_new(const char *path, const AblakIceServers *ice_servers,
                                     GError **error)
{
  g_autoptr(GSocketService) service = g_socket_service_new();
  g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
  g_unlink(path);
  if (!g_socket_listener_add_address(G_SOCKET_LISTENER(service), address, G_SOCKET_TYPE_STREAM,
                                     G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error))
    return NULL;
  g_chmod(path, 0660);
  AblakMediaLink *link = g_new0(AblakMediaLink, 1);
  link->path = g_strdup(path);
  link->ice_servers = ice_servers;
  link->service = g_steal_pointer(&service);
  link->legs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, leg_free);
  link->up = ablak_metric_gauge("ablak_media_up", NULL, "1 while the media process is connected");
  g_signal_connect(link->service, "incoming", G_CALLBACK(incoming), link);
  g_socket_service_start(link->service);
  return link;
}

void ablak_media_link_free(AblakMediaLink *link)
{
  if (!link)
    return;
  g_socket_service_stop(link->service);
  g_socket_listener_close(G_SOCKET_LISTENER(link->service));
  g_object_unref(link->service);
  g_clear_pointer(&link->channel, ablak_media_channel_free);
  g_hash_table_unref(link->legs);
  g_unlink(link->path);
  g_free(link->path);
  g_free(link);
}

bool ablak_media_link_is_up(const AblakMediaLink *link)
{
  return link->channel != NULL;
}
