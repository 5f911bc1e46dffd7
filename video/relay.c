/* video/relay.c: sessions, and the box's messages to them. */
#include "video/relay.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "video/leg.h"
#include "video/tap.h"
#include <fcntl.h>
#include <unistd.h>

#define TICK_MS 500

static void session_free(AblakSession *session)
{
  /* One by one: a leg that goes looks at those that are left. */
  while (session->legs->len > 0)
    g_ptr_array_remove_index(session->legs, session->legs->len - 1);
  g_ptr_array_unref(session->legs);
  ablak_room_free(session->room);
  g_hash_table_unref(session->generations);
  g_free(session->id);
  g_free(session);
}

static AblakSession *session_new(AblakRelay *relay, const char *id)
{
  AblakSession *session = g_new0(AblakSession, 1);
  session->relay = relay;
  session->id = g_strdup(id);
  session->legs = g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))ablak_leg_free);
  session->room = ablak_room_new(relay->loops);
  session->generations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return session;
}

typedef void (*EachLeg)(AblakLeg *leg, gpointer data);

static void each_leg(const AblakRelay *relay, EachLeg call, gpointer data)
{
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, relay->sessions);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    AblakSession *session = value;
    for (guint i = 0; i < session->legs->len; i++)
      call(session->legs->pdata[i], data);
  }
}

static void tick_leg(AblakLeg *leg, gpointer now_ms)
{
  ablak_leg_tick(leg, *(gint64 *)now_ms);
}

static gboolean on_tick(gpointer data)
{
  AblakRelay *relay = data;
  gint64 now_ms = ablak_clock_monotonic_ms();
  GHashTableIter iter;
  gpointer session = NULL;
  each_leg(relay, tick_leg, &now_ms);
  /* Of several legs that may be one person's, silence shows which one is. */
  g_hash_table_iter_init(&iter, relay->sessions);
  while (g_hash_table_iter_next(&iter, NULL, &session))
    if (((AblakSession *)session)->legs->len > 2)
      ablak_session_refresh(session, NULL);
  return G_SOURCE_CONTINUE;
}

static void leave(AblakSession *session, AblakLeg *leg);

static gboolean session_sweep(gpointer id, gpointer value, gpointer unused)
{
  AblakSession *session = value;
  for (guint i = session->legs->len; i > 0; i--) {
    AblakLeg *leg = session->legs->pdata[i - 1];
    if (leg->spent)
      leave(session, leg);
  }
  return session->legs->len == 0;
}

static gboolean on_sweep(gpointer data)
{
  AblakRelay *relay = data;
  g_clear_pointer(&relay->sweep, g_source_unref);
  g_hash_table_foreach_remove(relay->sessions, session_sweep, NULL);
  return G_SOURCE_REMOVE;
}

static GSource *attach(AblakRelay *relay, GSource *source, GSourceFunc call)
{
  g_source_set_callback(source, call, relay, NULL);
  g_source_attach(source, relay->ice->main_context);
  return source;
}

void ablak_relay_sweep_later(AblakRelay *relay)
{
  if (relay->sweep == NULL)
    relay->sweep = attach(relay, g_idle_source_new(), on_sweep);
}

AblakRelay *ablak_relay_new(const AblakRelaySettings *settings, AblakRelayEmit emit, gpointer data,
                            GError **error)
{
  g_autoptr(AblakDtlsContext) dtls = ablak_dtls_context_new(settings->srtp_profiles, error);
  if (dtls == NULL)
    return NULL;
  AblakLoops *loops = ablak_loops_new(settings->ice->main_context, settings->loops, error);
  if (loops == NULL)
    return NULL;
  AblakRelay *relay = g_new0(AblakRelay, 1);
  relay->ice = settings->ice;
  relay->dtls = g_steal_pointer(&dtls);
  relay->loops = loops;
  relay->through_ice = settings->through_ice;
  relay->sessions_max = settings->sessions_max;
  relay->emit = emit;
  relay->data = data;
  relay->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                          (GDestroyNotify)(void (*)(void))session_free);
  relay->tick = attach(relay, g_timeout_source_new(TICK_MS), on_tick);
  return relay;
}

static void source_end(GSource *source)
{
  g_source_destroy(source);
  g_source_unref(source);
}

void ablak_relay_free(AblakRelay *relay)
{
  if (relay == NULL)
    return;
  g_clear_pointer(&relay->tick, source_end);
  g_clear_pointer(&relay->sweep, source_end);
  g_hash_table_unref(relay->sessions);
  ablak_loops_free(relay->loops);
  ablak_dtls_context_free(relay->dtls);
  g_free(relay);
}

void ablak_session_tell_state(AblakSession *session, const AblakLeg *leg, const char *reason)
{
  AblakRelay *relay = session->relay;
  g_autoptr(AblakMediaMessage) message =
      ablak_media_message_new(ABLAK_MEDIA_STATE, session->id, leg->id);
  message->state = leg->state;
  message->reason = g_strdup(reason);
  if (leg->keyed)
    message->cipher = g_strdup(ablak_srtp_profile_name(leg->profile));
  ablak_log(ABLAK_LOG_INFO, "media.leg", "session", session->id, "leg", leg->id, "state",
            ablak_media_leg_state_name(leg->state), "cipher", message->cipher, "reason", reason,
            NULL);
  relay->emit(message, relay->data);
}

static void tell_error(AblakRelay *relay, const char *session, const char *leg, const GError *error)
{
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(ABLAK_MEDIA_ERROR, session, leg);
  message->slug = g_strdup(ablak_error_slug(error));
  message->detail = g_strdup(error->message);
  ablak_log_gerror(ABLAK_LOG_WARNING, "media.refused", error, "session", session, "leg", leg, NULL);
  relay->emit(message, relay->data);
}

void ablak_session_tell_error(AblakSession *session, const AblakLeg *leg, const GError *error)
{
  tell_error(session->relay, session->id, leg->id, error);
}

void ablak_session_refresh(AblakSession *session, AblakLeg *arrived)
{
  for (guint i = 0; i < session->legs->len; i++)
    if (session->legs->pdata[i] != arrived)
      ablak_leg_refresh(session->legs->pdata[i], arrived);
}

static AblakLeg *session_leg(AblakSession *session, const char *id)
{
  for (guint i = 0; i < session->legs->len; i++) {
    AblakLeg *leg = session->legs->pdata[i];
    if (g_str_equal(leg->id, id))
      return leg;
  }
  return NULL;
}

static bool not_found(GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "media/leg-unknown",
                  "there is no such session or leg");
  return false;
}

/* One that nothing has been heard of lately: a newcomer may have its place. */
static AblakLeg *session_quiet_leg(AblakSession *session)
{
  for (guint i = 0; i < session->legs->len; i++) {
    AblakLeg *leg = session->legs->pdata[i];
    if (leg->spent || leg->state == ABLAK_MEDIA_LEG_DISCONNECTED)
      return leg;
  }
  return NULL;
}

static bool may_join(AblakRelay *relay, AblakSession *session, const AblakMediaMessage *message,
                     GError **error)
{
  if (session == NULL && g_hash_table_size(relay->sessions) >= relay->sessions_max) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "media/busy", "%u sessions are running",
                    relay->sessions_max);
    return false;
  }
  if (session != NULL && session->legs->len == ABLAK_RELAY_LEGS_MAX &&
      session_leg(session, message->leg) == NULL && !session_quiet_leg(session)) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "media/session-full",
                    "the session has %d legs already", ABLAK_RELAY_LEGS_MAX);
    return false;
  }
  return true;
}

static bool join(AblakRelay *relay, AblakSession *known, const AblakMediaMessage *message,
                 GError **error)
{
  if (!may_join(relay, known, message, error))
    return false;
  AblakSession *session = known != NULL ? known : session_new(relay, message->session);
  gint64 generation = GPOINTER_TO_INT(g_hash_table_lookup(session->generations, message->leg));
  AblakLeg *leg = ablak_leg_new(session, message, generation, error);
  if (leg == NULL) {
    if (known == NULL)
      session_free(session);
    return false;
  }
  AblakLeg *former = session_leg(session, message->leg);
  if (former != NULL)
    g_ptr_array_remove(session->legs, former);
  else if (session->legs->len == ABLAK_RELAY_LEGS_MAX)
    leave(session, session_quiet_leg(session));
  /* Whose place it takes has left the room. */
  ablak_leg_enter(leg, message->first);
  g_ptr_array_add(session->legs, leg);
  if (known == NULL)
    g_hash_table_insert(relay->sessions, session->id, session);
  ablak_session_tell_state(session, leg, NULL);
  return true;
}

static void leave(AblakSession *session, AblakLeg *leg)
{
  leg->state = ABLAK_MEDIA_LEG_CLOSED;
  ablak_session_tell_state(session, leg, NULL);
  g_ptr_array_remove(session->legs, leg);
  ablak_session_refresh(session, NULL);
}

static void close_session(AblakRelay *relay, AblakSession *session)
{
  /* Nobody is told of the others' going. */
  for (guint i = 0; i < session->legs->len; i++)
    ((AblakLeg *)session->legs->pdata[i])->spent = true;
  while (session->legs->len > 0)
    leave(session, session->legs->pdata[0]);
  g_hash_table_remove(relay->sessions, session->id);
}

static void leg_entry(AblakLeg *leg, gpointer legs)
{
  json_array_append_new(legs, json_pack("{s:s, s:s, s:s}", "session", leg->session->id, "leg",
                                        leg->id, "state", ablak_media_leg_state_name(leg->state)));
}

AblakMediaMessage *ablak_relay_hello(const AblakRelay *relay)
{
  AblakMediaMessage *message = ablak_media_message_new(ABLAK_MEDIA_HELLO, NULL, NULL);
  message->version = ABLAK_MEDIA_CONTROL_VERSION;
  message->legs = json_array();
  each_leg(relay, leg_entry, message->legs);
  return message;
}

static void stats_entry(AblakLeg *leg, gpointer legs)
{
  AblakFlowStats stats;
  ablak_flow_get_stats(leg->flow, &stats);
  json_t *entry = json_pack(
      "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "session", leg->session->id, "leg", leg->id,
      "state", ablak_media_leg_state_name(leg->state), "packetsReceived",
      (json_int_t)stats.packets_received, "bytesReceived", (json_int_t)stats.bytes_received,
      "packetsSent", (json_int_t)stats.packets_sent, "bytesSent", (json_int_t)stats.bytes_sent,
      "packetsRefused", (json_int_t)stats.packets_refused);
  if (leg->keyed)
    json_object_set_new(entry, "cipher", json_string(ablak_srtp_profile_name(leg->profile)));
  json_array_append_new(legs, entry);
}

static void tell_stats(AblakRelay *relay)
{
  g_autoptr(AblakMediaMessage) message = ablak_media_message_new(ABLAK_MEDIA_STATS, NULL, NULL);
  message->legs = json_array();
  each_leg(relay, stats_entry, message->legs);
  relay->emit(message, relay->data);
}

static bool record(AblakLeg *leg, const AblakMediaMessage *message, GError **error)
{
  int fd = message->fd >= 0 ? fcntl(message->fd, F_DUPFD_CLOEXEC, 0) : -1;
  if (fd >= 0 && message->party >= 1 && message->party <= ABLAK_TAP_PARTIES_MAX) {
    ablak_flow_tap(leg->flow, fd, (guint8)(message->party - 1));
    return true;
  }
  if (fd >= 0)
    close(fd);
  ablak_error_set(error, ABLAK_ERROR_INVALID, "media/control-malformed",
                  "record: no socket came along, or there is no such party");
  return false;
}

static bool handle_leg(AblakRelay *relay, AblakSession *session, const AblakMediaMessage *message,
                       GError **error)
{
  AblakLeg *leg = session != NULL ? session_leg(session, message->leg) : NULL;
  if (leg == NULL)
    return not_found(error);
  switch (message->type) {
  case ABLAK_MEDIA_ANSWER:
    return ablak_leg_answer(leg, message->generation, message->sdp, error);
  case ABLAK_MEDIA_CANDIDATE:
    return ablak_leg_candidate(leg, message->generation, message->candidate, error);
  case ABLAK_MEDIA_RESTART:
    return ablak_leg_restart(leg, error);
  case ABLAK_MEDIA_RECORD:
    return record(leg, message, error);
  default:
    leave(session, leg);
    if (session->legs->len == 0)
      g_hash_table_remove(relay->sessions, session->id);
    return true;
  }
}

static bool handle(AblakRelay *relay, const AblakMediaMessage *message, GError **error)
{
  AblakSession *session =
      message->session != NULL ? g_hash_table_lookup(relay->sessions, message->session) : NULL;
  switch (message->type) {
  case ABLAK_MEDIA_JOIN:
    return join(relay, session, message, error);
  case ABLAK_MEDIA_ANSWER:
  case ABLAK_MEDIA_CANDIDATE:
  case ABLAK_MEDIA_RESTART:
  case ABLAK_MEDIA_LEAVE:
  case ABLAK_MEDIA_RECORD:
    return handle_leg(relay, session, message, error);
  case ABLAK_MEDIA_CLOSE:
    if (session == NULL)
      return not_found(error);
    close_session(relay, session);
    return true;
  case ABLAK_MEDIA_UNRECORD:
    for (guint i = 0; session != NULL && i < session->legs->len; i++)
      ablak_flow_tap(((AblakLeg *)session->legs->pdata[i])->flow, -1, 0);
    return true;
  case ABLAK_MEDIA_STATS:
    tell_stats(relay);
    return true;
  case ABLAK_MEDIA_HELLO:
  case ABLAK_MEDIA_OFFER:
  case ABLAK_MEDIA_STATE:
  case ABLAK_MEDIA_ERROR:
    break;
  }
  ablak_error_set(error, ABLAK_ERROR_UNSUPPORTED, "media/control-unknown",
                  "%s goes from the media process to the box only",
                  ablak_media_type_name(message->type));
  return false;
}

void ablak_relay_handle(AblakRelay *relay, const AblakMediaMessage *message)
{
  g_autoptr(GError) error = NULL;
  if (!handle(relay, message, &error))
    tell_error(relay, message->session, message->leg, error);
}
