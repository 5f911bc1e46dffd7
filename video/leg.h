/* video/leg.h: one page's connection: its offer and answer, ICE, DTLS, keys and state. Private to
 * the relay: relay.c finds legs and hands them messages, leg.c lives one leg's life, leg-media.c is
 * its link to the media loops, which carry its packets. */
#pragma once
#include "video/control.h"
#include "video/dtls.h"
#include "video/ice.h"
#include "video/loop.h"
#include "video/relay.h"
#include "video/rtp.h"
#include "video/sdp.h"

typedef struct AblakLeg AblakLeg;
typedef struct AblakSession AblakSession;

struct AblakRelay {
  AblakIceSettings *ice;
  AblakDtlsContext *dtls;
  AblakLoops *loops;
  bool through_ice;
  guint sessions_max;
  AblakRelayEmit emit;
  gpointer data;
  GHashTable *sessions; /* id -> AblakSession */
  GSource *tick;
  GSource *sweep;
};

struct AblakSession {
  AblakRelay *relay;
  char *id;
  GPtrArray *legs;         /* AblakLeg, in order of joining */
  AblakRoom *room;         /* its side in a media loop */
  GHashTable *generations; /* leg id -> the last one used, so that a joined-again leg goes on */
};

/* What a place of the last offer showed. */
typedef struct {
  GArray *sources; /* AblakSdpSource */
  char *label;
  bool company;     /* somebody was there */
  bool had_company; /* or at an earlier offer */
} AblakOfferedPlace;

struct AblakLeg {
  AblakSession *session;
  char *id;
  char *label; /* whose it is, for the others' pages; NULL: the box says nothing */
  bool may_send[ABLAK_SDP_KINDS];
  AblakMediaLegState state;

  gint64 generation;     /* of the last offer */
  gint64 ice_generation; /* of the first offer with the present ICE credentials */
  gint64 answered;       /* the last generation answered */
  bool offer_stale;      /* to be offered again once the present offer is answered */
  AblakLeg *shown[ABLAK_SDP_PLACES_MAX]; /* the others, each in their place of this page */
  AblakOfferedPlace offered[ABLAK_SDP_PLACES_MAX];
  AblakSdpShape shape; /* of the last offer */
  AblakSdpPayloads offered_payloads;
  AblakSdpPayloads understood; /* as far as it was offered them; the rest counts as understood */
  bool gathered;

  AblakIce *ice;
  AblakDtls *dtls;
  GQueue early; /* GBytes: DTLS packets that came before the answer */
  AblakSdpAnswer *answer;
  guint remote_candidates;
  GPtrArray *early_candidates; /* came before the answer they belong to */
  bool writable;

  AblakFlow *flow; /* its side in the media loop */
  AblakSrtpProfile profile;
  bool keyed;  /* DTLS is through */
  bool routed; /* the flow has a route */
  bool spent;  /* failed: the sweep removes it */

  gint64 began_ms;         /* connecting since */
  gint64 connected_ms;     /* the first time */
  gint64 silent_since_ms;  /* as the last tick saw it */
  guint64 sent_when_heard; /* packets, up to then */
};

AblakLeg *ablak_leg_new(AblakSession *session, const AblakMediaMessage *join, gint64 generation,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Into the session's room, where there must be a place. Before anything else is done with it. */
void ablak_leg_enter(AblakLeg *leg, bool first);
/* Leaves the session's tables too. */
void ablak_leg_free(AblakLeg *leg);

bool ablak_leg_answer(AblakLeg *leg, gint64 generation, const char *sdp,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_leg_candidate(AblakLeg *leg, gint64 generation, const char *text,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_leg_restart(AblakLeg *leg, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Offers again, now or when the present offer is answered, if what the page is to be shown is no
 * longer what was offered. `arrived`: a leg that has just answered for the first time, or NULL. */
void ablak_leg_refresh(AblakLeg *leg, AblakLeg *arrived);
/* Packets and consent watched, twice a second. */
void ablak_leg_tick(AblakLeg *leg, gint64 now_ms);

/* relay.c */
void ablak_session_tell_state(AblakSession *session, const AblakLeg *leg, const char *reason);
void ablak_session_tell_error(AblakSession *session, const AblakLeg *leg, const GError *error);
void ablak_relay_sweep_later(AblakRelay *relay);
/* The streams of a leg became known or ended: the others are offered what there is now. */
void ablak_session_refresh(AblakSession *session, AblakLeg *arrived);

/* places.c */
/* Somebody is there to be shown. */
bool ablak_leg_is_there(const AblakLeg *leg);
/* Chooses whom the page is shown. `arrived` as above. */
void ablak_leg_place(AblakLeg *leg, AblakLeg *arrived);
void ablak_leg_forget(AblakLeg *leg, const AblakLeg *gone);
/* It is no longer what was offered. */
bool ablak_leg_places_changed(const AblakLeg *leg);
/* Fills shape and places, and remembers them. */
void ablak_leg_offer_places(AblakLeg *leg, AblakSdpOffer *ret_offer);

/* leg.c, for leg-media.c and places.c */
bool ablak_leg_sends_anything(const AblakLeg *leg);
void ablak_leg_set_state(AblakLeg *leg, AblakMediaLegState state, const char *reason);
void ablak_leg_fail(AblakLeg *leg, const char *reason);
void ablak_leg_receive_dtls(AblakLeg *leg, const guint8 *data, gsize size);

/* leg-media.c */
extern const AblakFlowHandler ablak_leg_flow_handler;
/* The selected pair carries the packets from now on. */
void ablak_leg_route(AblakLeg *leg);
/* Asks every other leg for a key frame: this one begins to watch. */
void ablak_leg_ask_key_frames(AblakLeg *leg);
gint64 ablak_leg_heard_ms(const AblakLeg *leg);
/* Why nobody is there any more; NULL while somebody may be. `dead`: beyond hope. */
const char *ablak_leg_silence(AblakLeg *leg, gint64 now_ms, bool *ret_dead);
