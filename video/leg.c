/* video/leg.c: one leg's life. */
#include "video/leg.h"
#include "core/clock.h"
#include "core/error.h"
#include <openssl/rand.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 30000
/* Speech pauses aside, a page that sends is heard many times a second. */
#define RECENT_MS 1500
#define QUIET_MS 5000
#define LISTENER_QUIET_MS 15000
#define UNANSWERED_PACKETS 50
#define DEAD_MS 30000
#define EARLY_PACKETS_MAX 8

static void set_state(AblakLeg *leg, AblakMediaLegState state, const char *reason)
{
  if (leg->state == state)
    return;
  leg->state = state;
  ablak_session_tell_state(leg->session, leg, reason);
}

/* The transports may be on the stack: the relay's sweep removes the leg. */
static void fail(AblakLeg *leg, const char *reason)
{
  if (leg->state == ABLAK_MEDIA_LEG_FAILED)
    return;
  leg->spent = true;
  leg->writable = false;
  ablak_relay_sweep_later(leg->session->relay);
  set_state(leg, ABLAK_MEDIA_LEG_FAILED, reason);
}

static void connected_if_ready(AblakLeg *leg)
{
  if (leg->receive == NULL || !leg->writable || leg->state != ABLAK_MEDIA_LEG_CONNECTING)
    return;
  leg->heard_ms = ablak_clock_monotonic_ms();
  set_state(leg, ABLAK_MEDIA_LEG_CONNECTED, NULL);
  ablak_leg_ask_key_frames(leg);
}

static void dtls_send(const guint8 *data, gsize size, gpointer user)
{
  AblakLeg *leg = user;
  if (leg->ice != NULL)
    ablak_ice_send(leg->ice, data, size);
}

static void dtls_established(AblakSrtpProfile profile, AblakSrtp *receive, AblakSrtp *send,
                             gpointer user)
{
  AblakLeg *leg = user;
  leg->profile = profile;
  leg->receive = receive;
  leg->send = send;
  connected_if_ready(leg);
}

static void dtls_ended(const char *reason, gpointer user)
{
  fail(user, reason);
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

static bool sends_anything(const AblakLeg *leg)
{
  return leg->answer->sends[ABLAK_SDP_AUDIO] || leg->answer->sends[ABLAK_SDP_VIDEO];
}

typedef enum { ABSENT, QUIET, ALIVE } Presence;

static Presence presence(const AblakLeg *leg)
{
  if (leg->answer == NULL || leg->spent)
    return ABSENT;
  if (leg->state == ABLAK_MEDIA_LEG_DISCONNECTED)
    return QUIET;
  return leg->state == ABLAK_MEDIA_LEG_CONNECTING || !sends_anything(leg) ||
                 ablak_clock_monotonic_ms() - leg->heard_ms < RECENT_MS
             ? ALIVE
             : QUIET;
}

/* Whom the page is shown, as the sections have room for one person. A page that was loaded again
 * joins beside its former leg, of which nobody knows yet that it is dead. So: who has just come;
 * else who was shown, as long as they are alive; else who was heard last. */
static AblakLeg *choose(const AblakLeg *leg, AblakLeg *arrived)
{
  AblakLeg *best = NULL;
  GPtrArray *legs = leg->session->legs;
  if (arrived != NULL && presence(arrived) == ALIVE)
    return arrived;
  if (leg->shown != NULL && presence(leg->shown) == ALIVE)
    return leg->shown;
  for (guint i = 0; i < legs->len; i++) {
    AblakLeg *other = legs->pdata[i];
    if (other == leg || presence(other) == ABSENT)
      continue;
    if (best == NULL || presence(other) > presence(best) ||
        (presence(other) == presence(best) && other->heard_ms > best->heard_ms))
      best = other;
  }
  return best;
}

static bool sources_equal(const GArray *a, const GArray *b)
{
  if (a->len != b->len)
    return false;
  for (guint i = 0; i < a->len; i++) {
    const AblakSdpSource *x = &g_array_index(a, AblakSdpSource, i);
    const AblakSdpSource *y = &g_array_index(b, AblakSdpSource, i);
    if (x->kind != y->kind || x->ssrc != y->ssrc || x->rtx_ssrc != y->rtx_ssrc)
      return false;
  }
  return true;
}

/* The sections' direction: when the other person has left, the page's tracks end, so that it can
 * show so; before anybody came they wait. */
static bool shows_anyone(const AblakLeg *leg)
{
  return leg->shown != NULL || !leg->had_company;
}

static void offer_now(AblakLeg *leg)
{
  AblakSession *session = leg->session;
  g_autofree char *ufrag = NULL, *password = NULL;
  g_auto(GStrv) candidates = ablak_ice_local_candidates(leg->ice);
  if (!ablak_ice_local_credentials(leg->ice, &ufrag, &password)) {
    fail(leg, "ice-failed");
    return;
  }
  g_array_set_size(leg->offered, 0);
  if (leg->shown != NULL)
    g_array_append_vals(leg->offered, leg->shown->answer->sources->data,
                        leg->shown->answer->sources->len);
  leg->offered_company = leg->shown != NULL;
  leg->had_company = leg->had_company || leg->offered_company;
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
      .candidates = (const char *const *)candidates,
      .receives = {leg->may_send[ABLAK_SDP_AUDIO], leg->may_send[ABLAK_SDP_VIDEO]},
      .sends = shows_anyone(leg),
      .stream = "remote",
      .sources = (const AblakSdpSource *)(gpointer)leg->offered->data,
      .sources_length = leg->offered->len,
  };
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
  leg->shown = choose(leg, NULL);
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

static void receive_dtls(AblakLeg *leg, const guint8 *data, gsize size)
{
  if (leg->dtls != NULL)
    ablak_dtls_receive(leg->dtls, data, size);
  else if (g_queue_get_length(&leg->early) < EARLY_PACKETS_MAX)
    g_queue_push_tail(&leg->early, g_bytes_new(data, size));
}

static void heard(AblakLeg *leg)
{
  leg->heard_ms = ablak_clock_monotonic_ms();
  leg->sent_when_heard = leg->stats.packets_sent;
  if (leg->state != ABLAK_MEDIA_LEG_DISCONNECTED)
    return;
  set_state(leg, ABLAK_MEDIA_LEG_CONNECTED, NULL);
  ablak_leg_ask_key_frame(leg, leg->heard_ms);
  ablak_leg_ask_key_frames(leg);
}

static void ice_received(guint8 *data, gsize size, gpointer user)
{
  AblakLeg *leg = user;
  AblakPacketKind kind = ablak_packet_kind(data, size);
  leg->stats.packets_received++;
  leg->stats.bytes_received += size;
  if (leg->spent)
    return;
  if (kind == ABLAK_PACKET_DTLS) {
    receive_dtls(leg, data, size);
  } else if (leg->receive == NULL || (kind != ABLAK_PACKET_RTP && kind != ABLAK_PACKET_RTCP)) {
    leg->stats.packets_refused++;
  } else {
    guint64 refused = leg->stats.packets_refused;
    if (kind == ABLAK_PACKET_RTP)
      ablak_leg_forward_rtp(leg, data, size);
    else
      ablak_leg_forward_rtcp(leg, data, size);
    if (leg->stats.packets_refused == refused)
      heard(leg);
  }
}

static const AblakIceHandler ice_handler = {ice_gathered, ice_received, ice_writable};

AblakLeg *ablak_leg_new(AblakSession *session, const char *id, bool audio, bool video,
                        gint64 generation, GError **error)
{
  AblakLeg *leg = g_new0(AblakLeg, 1);
  leg->ice = ablak_ice_new(session->relay->ice, &ice_handler, leg, error);
  if (leg->ice == NULL) {
    g_free(leg);
    return NULL;
  }
  leg->session = session;
  leg->id = g_strdup(id);
  leg->may_send[ABLAK_SDP_AUDIO] = audio;
  leg->may_send[ABLAK_SDP_VIDEO] = video;
  leg->offered = g_array_new(FALSE, FALSE, sizeof(AblakSdpSource));
  leg->generation = generation;
  leg->key_frame_asked_ms = G_MININT32;
  leg->early_candidates =
      g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))ablak_sdp_candidate_free);
  g_queue_init(&leg->early);
  return leg;
}

static gboolean owned_by(gpointer ssrc, gpointer owner, gpointer leg)
{
  return owner == leg;
}

void ablak_leg_free(AblakLeg *leg)
{
  ablak_dtls_free(leg->dtls);
  ablak_ice_close(leg->ice);
  ablak_srtp_free(leg->receive);
  ablak_srtp_free(leg->send);
  g_queue_clear_full(&leg->early, (GDestroyNotify)g_bytes_unref);
  g_hash_table_foreach_remove(leg->session->owners, owned_by, leg);
  for (guint i = 0; i < leg->session->legs->len; i++) {
    AblakLeg *other = leg->session->legs->pdata[i];
    if (other->shown == leg)
      other->shown = NULL;
  }
  g_array_unref(leg->offered);
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
    for (int j = 0; j < 2; j++) {
      AblakLeg *owner = g_hash_table_lookup(leg->session->owners, GUINT_TO_POINTER(ssrcs[j]));
      if (owner != NULL && owner != leg) {
        ablak_error_set(error, ABLAK_ERROR_CONFLICT, "media/ssrc-duplicate",
                        "another leg of the session already sends SSRC %u", ssrcs[j]);
        return false;
      }
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

static void claim_sources(AblakLeg *leg)
{
  const GArray *sources = leg->answer->sources;
  for (guint i = 0; i < sources->len; i++) {
    const AblakSdpSource *source = &g_array_index(sources, AblakSdpSource, i);
    ablak_leg_claim(leg, source->ssrc);
    if (source->rtx_ssrc != 0)
      ablak_leg_claim(leg, source->rtx_ssrc);
  }
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
  g_autoptr(AblakSdpAnswer) answer = ablak_sdp_parse_answer(sdp, error);
  if (answer == NULL || !answer_fits(leg, answer, error))
    return false;
  bool new_ice = leg->answered < leg->ice_generation;
  leg->answered = generation;
  g_clear_pointer(&leg->answer, ablak_sdp_answer_free);
  leg->answer = g_steal_pointer(&answer);
  claim_sources(leg);
  bool arrived = leg->state == ABLAK_MEDIA_LEG_NEW;
  if (arrived) {
    leg->began_ms = ablak_clock_monotonic_ms();
    set_state(leg, ABLAK_MEDIA_LEG_CONNECTING, NULL);
  }
  if (new_ice)
    take_ice(leg, leg->answer);
  begin_dtls_if_ready(leg);
  ablak_session_refresh(leg->session, arrived ? leg : NULL);
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
  leg->shown = choose(leg, arrived);
  leg->offer_stale =
      (leg->shown != NULL) != leg->offered_company ||
      (leg->shown != NULL && !sources_equal(leg->shown->answer->sources, leg->offered));
  if (leg->offer_stale && leg->answered == leg->generation)
    offer_now(leg);
}

/* How long silence may last. A page that only listens sends a receiver report each 1 to 8 s while
 * something comes (RFC 3550 §6.2), and nothing at all otherwise. 0: silence means nothing. */
static gint64 quiet_limit_ms(const AblakLeg *leg)
{
  if (sends_anything(leg))
    return QUIET_MS;
  return leg->stats.packets_sent > leg->sent_when_heard + UNANSWERED_PACKETS ? LISTENER_QUIET_MS
                                                                             : 0;
}

void ablak_leg_tick(AblakLeg *leg, gint64 now_ms)
{
  gint64 quiet_ms = now_ms - leg->heard_ms;
  if (leg->state == ABLAK_MEDIA_LEG_CONNECTING && now_ms - leg->began_ms >= CONNECT_TIMEOUT_MS) {
    fail(leg, leg->writable ? "dtls-timeout" : "ice-timeout");
  } else if (leg->state == ABLAK_MEDIA_LEG_CONNECTED) {
    gint64 limit_ms = quiet_limit_ms(leg);
    if (limit_ms > 0 && quiet_ms >= limit_ms)
      set_state(leg, ABLAK_MEDIA_LEG_DISCONNECTED, "silent");
  } else if (leg->state == ABLAK_MEDIA_LEG_DISCONNECTED && quiet_ms >= DEAD_MS) {
    /* Also what RFC 7675 asks for: nothing is sent any longer to who has been silent for 30 s. */
    fail(leg, "silent");
  }
  if (leg->key_frame_wanted)
    ablak_leg_ask_key_frame(leg, now_ms);
}
