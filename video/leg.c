/* video/leg.c: one leg's life. */
#include "video/leg.h"
#include "core/clock.h"
#include "core/error.h"
#include <openssl/rand.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 30000
/* What both sides missed in so long a pause is too much to be sent again: a key frame is sooner. */
#define PAUSE_MS 1000
#define EARLY_PACKETS_MAX 8

void ablak_leg_set_state(AblakLeg *leg, AblakMediaLegState state, const char *reason)
{
  if (leg->state == state)
    return;
  leg->state = state;
  ablak_session_tell_state(leg->session, leg, reason);
}

/* The transports may be on the stack: the relay's sweep removes the leg. */
void ablak_leg_fail(AblakLeg *leg, const char *reason)
{
  if (leg->state == ABLAK_MEDIA_LEG_FAILED)
    return;
  leg->spent = true;
  leg->writable = false;
  ablak_relay_sweep_later(leg->session->relay);
  ablak_leg_set_state(leg, ABLAK_MEDIA_LEG_FAILED, reason);
}

static void connected_if_ready(AblakLeg *leg)
{
  if (!leg->keyed || !leg->writable || leg->state != ABLAK_MEDIA_LEG_CONNECTING)
    return;
  leg->connected_ms = ablak_clock_monotonic_ms();
  ablak_leg_route(leg);
  ablak_leg_set_state(leg, ABLAK_MEDIA_LEG_CONNECTED, NULL);
  ablak_leg_ask_key_frames(leg);
}

static void dtls_send(const guint8 *data, gsize size, gpointer user)
{
  AblakLeg *leg = user;
  if (leg->routed)
    ablak_flow_send(leg->flow, data, size);
  else
    ablak_ice_send(leg->ice, data, size);
}

static void dtls_established(AblakSrtpProfile profile, AblakSrtp *receive, AblakSrtp *send,
                             gpointer user)
{
  AblakLeg *leg = user;
  leg->profile = profile;
  leg->keyed = true;
  ablak_flow_set_keys(leg->flow, receive, send);
  connected_if_ready(leg);
}

static void dtls_ended(const char *reason, gpointer user)
{
  ablak_leg_fail(user, reason);
}

static const AblakDtlsHandler dtls_handler = {dtls_send, dtls_established, dtls_ended};

/* Not before ICE works: what the box would answer could not be sent. */
static void begin_dtls_if_ready(AblakLeg *leg)
{
  if (leg->dtls != NULL || leg->answer == NULL || !leg->writable)
    return;
  AblakRelay *relay = leg->session->relay;
  leg->dtls = ablak_dtls_new(relay->dtls, relay->ice->main_context, leg->answer->fingerprint,
                             &dtls_handler, leg);
  while (!g_queue_is_empty(&leg->early) && !leg->spent) {
    g_autoptr(GBytes) packet = g_queue_pop_head(&leg->early);
    gsize size = 0;
    const guint8 *data = g_bytes_get_data(packet, &size);
    ablak_dtls_receive(leg->dtls, data, size);
  }
}

bool ablak_leg_sends_anything(const AblakLeg *leg)
{
  const bool *sends = leg->answer->sends;
  return sends[ABLAK_SDP_AUDIO] || sends[ABLAK_SDP_VIDEO] || sends[ABLAK_SDP_SCREEN];
}

/* What every other page understands, so that any two meet on a common codec. */
static AblakSdpPayloads common_payloads(const AblakLeg *leg)
{
  AblakSdpPayloads common = ABLAK_SDP_PAYLOADS_ALL;
  GPtrArray *legs = leg->session->legs;
  for (guint i = 0; i < legs->len; i++) {
    const AblakLeg *other = legs->pdata[i];
    if (other != leg && ablak_leg_is_there(other))
      common &= other->understood;
  }
  return ablak_sdp_payloads_offerable(common);
}

static void offer_now(AblakLeg *leg)
{
  AblakSession *session = leg->session;
  g_autofree char *ufrag = NULL, *password = NULL;
  g_auto(GStrv) candidates = ablak_ice_local_candidates(leg->ice);
  if (!ablak_ice_local_credentials(leg->ice, &ufrag, &password)) {
    ablak_leg_fail(leg, "ice-failed");
    return;
  }
  leg->offered_payloads = common_payloads(leg);
  leg->offer_stale = false;
  leg->generation++;
  g_hash_table_insert(session->generations, g_strdup(leg->id),
                      GINT_TO_POINTER((int)leg->generation));
  AblakSdpOffer offer = {
      .session_id = 1,
      .generation = leg->generation,
      .ufrag = ufrag,
      .password = password,
      .fingerprint = ablak_dtls_context_fingerprint(session->relay->dtls),
      .payloads = leg->offered_payloads,
      .candidates = (const char *const *)candidates,
  };
  memcpy(offer.receives, leg->may_send, sizeof offer.receives);
  ablak_leg_offer_places(leg, &offer);
  g_autoptr(AblakMediaMessage) message =
      ablak_media_message_new(ABLAK_MEDIA_OFFER, session->id, leg->id);
  message->generation = leg->generation;
  message->sdp = ablak_sdp_write_offer(&offer);
  session->relay->emit(message, session->relay->data);
}

static void ice_gathered(gpointer user)
{
  AblakLeg *leg = user;
  leg->gathered = true;
  ablak_leg_place(leg, NULL);
  leg->ice_generation = leg->generation + 1;
  offer_now(leg);
}

static void ice_writable(gpointer user)
{
  AblakLeg *leg = user;
  leg->writable = true;
  begin_dtls_if_ready(leg);
  connected_if_ready(leg);
}

static void ice_selected(gpointer user)
{
  AblakLeg *leg = user;
  if (leg->routed && !leg->spent)
    ablak_leg_route(leg);
}

void ablak_leg_receive_dtls(AblakLeg *leg, const guint8 *data, gsize size)
{
  if (leg->spent)
    return;
  if (leg->dtls != NULL)
    ablak_dtls_receive(leg->dtls, data, size);
  else if (g_queue_get_length(&leg->early) < EARLY_PACKETS_MAX)
    g_queue_push_tail(&leg->early, g_bytes_new(data, size));
}

/* Before the leg has a route of its own, and whenever it has none. */
static void ice_received(guint8 *data, gsize size, gpointer user)
{
  AblakLeg *leg = user;
  AblakPacketKind kind = ablak_packet_kind(data, size);
  if (kind == ABLAK_PACKET_DTLS)
    ablak_leg_receive_dtls(leg, data, size);
  else if (kind == ABLAK_PACKET_RTP || kind == ABLAK_PACKET_RTCP)
    ablak_flow_receive(leg->flow, data, size);
}

static const AblakIceHandler ice_handler = {ice_gathered, ice_received, ice_writable, ice_selected};

AblakLeg *ablak_leg_new(AblakSession *session, const AblakMediaMessage *join, gint64 generation,
                        GError **error)
{
  AblakLeg *leg = g_new0(AblakLeg, 1);
  leg->ice = ablak_ice_new(session->relay->ice, &ice_handler, leg, error);
  if (leg->ice == NULL) {
    g_free(leg);
    return NULL;
  }
  leg->session = session;
  leg->id = g_strdup(join->leg);
  leg->label = g_strdup(join->label);
  leg->may_send[ABLAK_SDP_AUDIO] = join->audio;
  leg->may_send[ABLAK_SDP_VIDEO] = join->video;
  leg->may_send[ABLAK_SDP_SCREEN] = join->screens && join->screen;
  leg->shape = (AblakSdpShape){.places = 1, .screens = join->screens};
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++)
    leg->offered[at].sources = g_array_new(FALSE, FALSE, sizeof(AblakSdpSource));
  leg->generation = generation;
  leg->understood = ABLAK_SDP_PAYLOADS_ALL;
  leg->early_candidates =
      g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))ablak_sdp_candidate_free);
  g_queue_init(&leg->early);
  return leg;
}

void ablak_leg_enter(AblakLeg *leg, bool first)
{
  leg->flow = ablak_flow_new(leg->session->room, leg->may_send, &ablak_leg_flow_handler, leg);
  if (first)
    ablak_flow_set_first(leg->flow);
}

void ablak_leg_free(AblakLeg *leg)
{
  ablak_dtls_free(leg->dtls);
  ablak_ice_close(leg->ice);
  ablak_flow_free(leg->flow);
  g_queue_clear_full(&leg->early, (GDestroyNotify)g_bytes_unref);
  for (guint i = 0; i < leg->session->legs->len; i++)
    ablak_leg_forget(leg->session->legs->pdata[i], leg);
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++) {
    g_array_unref(leg->offered[at].sources);
    g_free(leg->offered[at].label);
  }
  g_free(leg->label);
  ablak_sdp_answer_free(leg->answer);
  g_ptr_array_unref(leg->early_candidates);
  g_free(leg->id);
  g_free(leg);
}

static bool is_live(const AblakLeg *leg, GError **error)
{
  if (!leg->spent)
    return true;
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "media/leg-failed",
                  "the leg has failed and must join again");
  return false;
}

/* RFC 7714 §8.1: no nonce twice under one key. What was never announced the media loop refuses. */
static bool announced_by_another(const AblakLeg *leg, guint32 ssrc)
{
  for (guint i = 0; i < leg->session->legs->len; i++) {
    const AblakLeg *other = leg->session->legs->pdata[i];
    const GArray *sources = other->answer != NULL && other != leg ? other->answer->sources : NULL;
    for (guint j = 0; sources != NULL && j < sources->len; j++) {
      const AblakSdpSource *source = &g_array_index(sources, AblakSdpSource, j);
      if (source->ssrc == ssrc || (ssrc != 0 && source->rtx_ssrc == ssrc))
        return true;
    }
  }
  return false;
}

/* Everything that may refuse the answer, before anything is changed. */
static bool answer_fits(AblakLeg *leg, const AblakSdpAnswer *answer, GError **error)
{
  const GArray *sources = answer->sources;
  if (leg->answer != NULL &&
      memcmp(leg->answer->fingerprint, answer->fingerprint, sizeof answer->fingerprint) != 0) {
    ablak_error_set(error, ABLAK_ERROR_UNSUPPORTED, "media/sdp-unsupported",
                    "the certificate changed: the leg must join again");
    return false;
  }
  if (leg->answer != NULL && leg->answered >= leg->ice_generation &&
      (strcmp(leg->answer->ufrag, answer->ufrag) != 0 ||
       strcmp(leg->answer->password, answer->password) != 0)) {
    ablak_error_set(error, ABLAK_ERROR_UNSUPPORTED, "media/sdp-unsupported",
                    "the ICE credentials changed without a restart");
    return false;
  }
  for (guint i = 0; i < sources->len; i++) {
    const AblakSdpSource *source = &g_array_index(sources, AblakSdpSource, i);
    guint32 ssrcs[2] = {source->ssrc, source->rtx_ssrc};
    for (int j = 0; j < 2; j++)
      if (announced_by_another(leg, ssrcs[j])) {
        ablak_error_set(error, ABLAK_ERROR_CONFLICT, "media/ssrc-duplicate",
                        "another leg of the session already sends SSRC %u", ssrcs[j]);
        return false;
      }
  }
  return true;
}

static void add_candidates(AblakLeg *leg, const GPtrArray *candidates)
{
  ablak_ice_add_remote_candidates(leg->ice, candidates);
  leg->remote_candidates += candidates->len;
}

static void take_ice(AblakLeg *leg, const AblakSdpAnswer *answer)
{
  leg->remote_candidates = 0;
  ablak_ice_set_remote_credentials(leg->ice, answer->ufrag, answer->password);
  add_candidates(leg, answer->candidates);
  add_candidates(leg, leg->early_candidates);
  g_ptr_array_set_size(leg->early_candidates, 0);
}

bool ablak_leg_answer(AblakLeg *leg, gint64 generation, const char *sdp, GError **error)
{
  if (!is_live(leg, error))
    return false;
  if (!leg->gathered || generation != leg->generation || leg->answered == generation) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "media/generation-stale",
                    "the answer is not for the present offer");
    return false;
  }
  g_autoptr(AblakSdpAnswer) answer = ablak_sdp_parse_answer(sdp, leg->shape, error);
  if (answer == NULL || !answer_fits(leg, answer, error))
    return false;
  bool new_ice = leg->answered < leg->ice_generation;
  leg->answered = generation;
  g_clear_pointer(&leg->answer, ablak_sdp_answer_free);
  leg->answer = g_steal_pointer(&answer);
  leg->understood = (leg->understood & ~leg->offered_payloads) | leg->answer->payloads;
  ablak_flow_set_sources(leg->flow, (const AblakSdpSource *)(gpointer)leg->answer->sources->data,
                         leg->answer->sources->len);
  ablak_flow_set_payloads(leg->flow, leg->answer->payloads);
  bool arrived = leg->state == ABLAK_MEDIA_LEG_NEW;
  if (arrived) {
    leg->began_ms = ablak_clock_monotonic_ms();
    ablak_leg_set_state(leg, ABLAK_MEDIA_LEG_CONNECTING, NULL);
  }
  if (new_ice)
    take_ice(leg, leg->answer);
  begin_dtls_if_ready(leg);
  ablak_session_refresh(leg->session, arrived ? leg : NULL);
  /* Those who came meanwhile may understand less. */
  leg->offer_stale = leg->offer_stale || common_payloads(leg) != leg->offered_payloads;
  if (leg->offer_stale && !leg->spent)
    offer_now(leg);
  return true;
}

bool ablak_leg_candidate(AblakLeg *leg, gint64 generation, const char *text, GError **error)
{
  AblakSdpCandidate *candidate = NULL;
  if (!is_live(leg, error))
    return false;
  if (generation < leg->ice_generation || generation > leg->generation) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "media/generation-stale",
                    "the candidate is not for the present offer");
    return false;
  }
  /* An empty one ends them. libnice is not told: it would give up before a peer whose addresses
   * are hidden has shown up; the relay's own time-out decides. */
  if (text[0] == '\0')
    return true;
  if (!ablak_sdp_parse_candidate(text, &candidate, error))
    return false;
  if (candidate == NULL)
    return true;
  g_autoptr(GPtrArray) one =
      g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))ablak_sdp_candidate_free);
  if (leg->remote_candidates + leg->early_candidates->len >= ABLAK_SDP_CANDIDATES_MAX)
    ablak_sdp_candidate_free(candidate);
  else if (leg->answered < leg->ice_generation)
    g_ptr_array_add(leg->early_candidates, candidate);
  else
    g_ptr_array_add(one, candidate);
  add_candidates(leg, one);
  return true;
}

bool ablak_leg_restart(AblakLeg *leg, GError **error)
{
  if (!is_live(leg, error))
    return false;
  if (!leg->gathered || leg->state == ABLAK_MEDIA_LEG_NEW) {
    ablak_error_set(error, ABLAK_ERROR_CONFLICT, "media/leg-new",
                    "the leg has not answered its first offer");
    return false;
  }
  /* libnice must see the answers to its checks. */
  ablak_flow_park(leg->flow);
  ablak_ice_restart(leg->ice);
  g_ptr_array_set_size(leg->early_candidates, 0);
  leg->remote_candidates = 0;
  leg->ice_generation = leg->generation + 1;
  offer_now(leg);
  return true;
}

void ablak_leg_refresh(AblakLeg *leg, AblakLeg *arrived)
{
  if (leg->spent || !leg->gathered)
    return;
  ablak_leg_place(leg, arrived);
  leg->offer_stale = ablak_leg_places_changed(leg) || common_payloads(leg) != leg->offered_payloads;
  if (leg->offer_stale && leg->answered == leg->generation)
    offer_now(leg);
}

void ablak_leg_tick(AblakLeg *leg, gint64 now_ms)
{
  bool dead = false;
  if (leg->state == ABLAK_MEDIA_LEG_CONNECTING) {
    if (now_ms - leg->began_ms >= CONNECT_TIMEOUT_MS)
      ablak_leg_fail(leg, leg->writable ? "dtls-timeout" : "ice-timeout");
    return;
  }
  if (leg->state != ABLAK_MEDIA_LEG_CONNECTED && leg->state != ABLAK_MEDIA_LEG_DISCONNECTED)
    return;
  const char *reason = ablak_leg_silence(leg, now_ms, &dead);
  if (dead) {
    ablak_leg_fail(leg, reason);
  } else if (reason != NULL && leg->state == ABLAK_MEDIA_LEG_CONNECTED) {
    ablak_flow_watch(leg->flow);
    ablak_leg_set_state(leg, ABLAK_MEDIA_LEG_DISCONNECTED, reason);
  } else if (ablak_leg_sends_anything(leg) && now_ms - ablak_leg_heard_ms(leg) >= PAUSE_MS) {
    ablak_flow_watch(leg->flow);
  }
}
