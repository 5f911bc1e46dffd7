/* video/sdp.h: the offers the box writes and the answers and candidates it reads (RFC 8866,
 * RFC 8839, RFC 9429).
 *
 * Purpose: every leg is offered the same payload types and header extension numbers, so packets
 * pass from one to the other unchanged but for their encryption. An answer is read only as far as
 * the relay needs it; anything it relies on is checked.
 *
 * Errors: "media/sdp-malformed", "media/sdp-unsupported" (well-formed, but not what was offered),
 * "media/candidate-malformed". Threads: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ABLAK_SDP_SIZE_MAX (64u * 1024u)
#define ABLAK_SDP_SOURCES_MAX 16
#define ABLAK_SDP_CANDIDATES_MAX 20

/* A screen, or a camera that looks at a document, is a second picture beside the camera's: of the
 * same payload types, with a section and streams of its own. */
typedef enum { ABLAK_SDP_AUDIO, ABLAK_SDP_VIDEO, ABLAK_SDP_SCREEN, ABLAK_SDP_KINDS } AblakSdpKind;

/* The one table of payload types, in order of preference. */
enum {
  ABLAK_PT_OPUS = 111,
  ABLAK_PT_VP8 = 96,
  ABLAK_PT_VP8_RTX = 97,
  ABLAK_PT_VP9 = 98,
  ABLAK_PT_VP9_RTX = 99,
  ABLAK_PT_H264 = 102,
  ABLAK_PT_H264_RTX = 103,
};
/* A set of them: bit i is the table's entry i. */
typedef guint32 AblakSdpPayloads;
#define ABLAK_SDP_PAYLOADS_ALL ((AblakSdpPayloads)0x7f)
/* What can be offered when the others understand `payloads` only: retransmissions go with what they
 * repeat, and a kind of which nothing is left is offered whole, as a section needs something. */
AblakSdpPayloads ablak_sdp_payloads_offerable(AblakSdpPayloads payloads);
/* Those of video that were agreed on without their retransmissions. */
AblakSdpPayloads ablak_sdp_payloads_without_rtx(AblakSdpPayloads agreed);
/* All of a kind. */
AblakSdpPayloads ablak_sdp_payloads_of(AblakSdpKind kind);
/* The set of one; 0 for a payload type that is not in the table. */
AblakSdpPayloads ablak_sdp_payload_set(guint8 payload_type);
/* false for a payload type that was not offered; a screen's say ABLAK_SDP_VIDEO. */
bool ablak_sdp_payload_kind(guint8 payload_type, AblakSdpKind *ret_kind, bool *ret_rtx);

/* One stream someone sends: its SSRC and, 0 for none, that of its retransmissions. */
typedef struct {
  AblakSdpKind kind;
  guint32 ssrc;
  guint32 rtx_ssrc;
  char cname[33];
} AblakSdpSource;

/* Where somebody else is seen and heard. The page's own streams go through the sections of the
 * first place, so with two people each section goes both ways. */
typedef struct {
  bool shown;                    /* somebody is or will be there */
  const char *label;             /* whose it is (RFC 4574); NULL: nothing is said */
  const AblakSdpSource *sources; /* what they send, as far as it is known */
  gsize sources_length;
} AblakSdpPlace;
#define ABLAK_SDP_PLACES_MAX 3

/* A leg's sections: for each place one of audio, one of video and, with `screens`, one of a screen,
 * with the mids "audio", "video", "screen", "audio-2", "video-2" and so on. */
typedef struct {
  guint places; /* 1 to ABLAK_SDP_PLACES_MAX; never fewer than in an earlier offer */
  bool screens;
} AblakSdpShape;

typedef struct {
  guint64 session_id;
  gint64 generation;
  const char *ufrag;
  const char *password;
  const char *fingerprint;        /* "sha-256 AB:CD:…" */
  AblakSdpPayloads payloads;      /* offerable ones */
  const char *const *candidates;  /* "candidate:…", NULL at the end */
  bool receives[ABLAK_SDP_KINDS]; /* what the page may send */
  AblakSdpShape shape;
  AblakSdpPlace places[ABLAK_SDP_PLACES_MAX];
} AblakSdpOffer;

/* Streams are called "remote", "remote-2" and so on; a screen's "remote-screen". Free with g_free.
 */
char *ablak_sdp_write_offer(const AblakSdpOffer *offer);

typedef enum {
  ABLAK_CANDIDATE_HOST,
  ABLAK_CANDIDATE_SRFLX,
  ABLAK_CANDIDATE_PRFLX,
  ABLAK_CANDIDATE_RELAY,
} AblakSdpCandidateType;

typedef struct {
  char *foundation;
  char *address; /* numeric */
  guint16 port;
  guint32 priority;
  AblakSdpCandidateType type;
} AblakSdpCandidate;
void ablak_sdp_candidate_free(AblakSdpCandidate *candidate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSdpCandidate, ablak_sdp_candidate_free)

/* `text` is "candidate:…" with or without "a=". true with *ret_candidate NULL for a candidate that
 * is well-formed but of no use here: not UDP, not component 1, or a name instead of an address
 * (RFC 8828 `.local` names cost seconds to look up, and the peer shows up as peer-reflexive). */
bool ablak_sdp_parse_candidate(const char *text, AblakSdpCandidate **ret_candidate,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  char *ufrag;
  char *password;
  guint8 fingerprint[32]; /* SHA-256 of the certificate */
  bool accepted[ABLAK_SDP_KINDS];
  AblakSdpPayloads payloads; /* understood; all of a kind whose section was refused */
  bool sends[ABLAK_SDP_KINDS];
  GArray *sources;       /* AblakSdpSource, of the page's own sections */
  GPtrArray *candidates; /* AblakSdpCandidate */
  bool end_of_candidates;
} AblakSdpAnswer;
void ablak_sdp_answer_free(AblakSdpAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSdpAnswer, ablak_sdp_answer_free)

/* An answer to an offer of that shape. */
AblakSdpAnswer *ablak_sdp_parse_answer(const char *text, AblakSdpShape shape,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Both sides' common knowledge of a section: its place in the description gives the rest. */
static inline guint ablak_sdp_kinds(AblakSdpShape shape)
{
  return shape.screens ? ABLAK_SDP_KINDS : ABLAK_SDP_SCREEN;
}
/* As "m=" lines have it. */
const char *ablak_sdp_media_name(AblakSdpKind kind);
/* "video", "video-2" …; `place` counts from 0. Free with g_free. */
char *ablak_sdp_mid(AblakSdpKind kind, guint place);
