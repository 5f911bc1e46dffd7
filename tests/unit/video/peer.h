/* A page of a call, in C: one UDP socket, ICE as the controlled side, DTLS, SRTP. It answers every
 * offer and the checks made of it, and counts what it gets. Runs in the default main context. */
#pragma once
#include "video/control.h"
#include "video/srtp.h"

typedef struct Peer Peer;
typedef void (*PeerSay)(const AblakMediaMessage *message, gpointer data);

/* `say` takes its messages to the relay. SSRCs `ssrc` (audio) and `ssrc` + 1 (video). */
Peer *peer_new(const char *session, const char *leg, guint32 ssrc, PeerSay say, gpointer data);
void peer_free(Peer *peer);
/* What the relay says; other legs' messages are passed over. */
void peer_hear(Peer *peer, const AblakMediaMessage *message);
bool peer_is_connected(const Peer *peer);
AblakMediaLegState peer_state(const Peer *peer);
const char *peer_reason(const Peer *peer);

/* One video packet, of about 1,000 octets; its number is the payload. */
void peer_send(Peer *peer);
/* The next packet's number is passed over; it can be sent later. */
void peer_skip(Peer *peer);
void peer_send_skipped(Peer *peer, guint32 number);
/* One in `nth` packets is not noticed when it comes; 0: all are. */
void peer_lose(Peer *peer, guint nth);
/* Asks the one who sends `ssrc` for every packet missing so far. The answer is its count. */
guint peer_ask_again(Peer *peer, guint32 ssrc);
/* From now on its packets have extensions as a browser's have. */
void peer_extend(Peer *peer);
/* That it can take so much of everyone together. */
void peer_tell_estimate(Peer *peer, guint32 ssrc, guint64 bps);
void peer_send_raw(Peer *peer, const guint8 *data, gsize size);
/* Numbers of distinct packets sent and received. */
guint peer_sent(const Peer *peer);
guint peer_received(const Peer *peer);
guint peer_key_frames_asked(const Peer *peer);
/* Requests for packets it sent. */
guint peer_nacks(const Peer *peer);
typedef struct {
  guint numbered, named; /* packets that came with a transport-wide number, with a MID */
  guint arrivals_told;   /* feedback packets on its own packets' arrival */
  guint64 limit_bps;     /* how much it may send, as it was told last; 0: never */
} PeerFeedback;
PeerFeedback peer_feedback(const Peer *peer);
/* The last one; borrowed. */
const char *peer_offer(const Peer *peer);
guint16 peer_port(const Peer *peer);

/* Another socket, which the relay is told of only by checks that come from it. */
void peer_move(Peer *peer);
/* Neither reads nor sends. */
void peer_cut(Peer *peer, bool cut);
