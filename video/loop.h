/* video/loop.h: the media loops, which carry the packets of connected legs.
 *
 * Why: a call is a few hundred packets a second, each worth about 2 us of ciphers. What costs is
 * being woken for it, and the way through libnice's mutex and GLib's main context, which polls all
 * its sockets each time.
 * So two kinds of threads share the work:
 *
 *   slow loop (GLib, one)                          media loop (epoll, one a core)
 *   signalling, libnice, DTLS, states     -->      sockets, SRTP contexts, who gets what
 *   owns AblakLeg, AblakSession        commands    owns AblakRoom, AblakFlow behind the handles
 *                                         <--
 *                                       events
 *
 * A room is a session's side in the media loops: it belongs to one loop, that with the fewest. A
 * flow is a leg's side. A packet is read, decrypted, checked, encrypted for each other flow of the
 * room and sent within one turn of the loop, in the loop's own buffers: nothing is allocated, no
 * lock is taken, nobody else touches these structures.
 *
 * Routes. Once libnice has selected a pair, the leg gets a socket of its own for it (twin.h), and
 * from then on the peer's packets bypass libnice. The peer's STUN requests come there too and are
 * answered there; consent is asked there (consent.h). DTLS goes up as an event. The route ends
 * - when ICE restarts: it is parked, because libnice must see the answers to its checks. Nothing is
 *   lost: what the socket holds is drained, what comes later reaches us through libnice, and we go
 *   on sending to the old address from the parked socket (RFC 8445 §9) until the new pair is there;
 * - when libnice selects another pair: drained and replaced;
 * - when the peer moves without telling (a NAT forgot it): its route falls silent while its packets
 *   reach libnice from elsewhere, or altogether. The flow says `astray`, the slow loop offers twins
 *   to the addresses libnice has heard of, and the first one whose peer answers a question of ours
 *   with the right key becomes the route.
 * Where a twin cannot be had the route only sends, from libnice's own socket, and packets come
 * through libnice for good.
 *
 * Turns. epoll is level-triggered: a turn takes at most a batch from each socket and comes back for
 * the rest. Beyond 2,000 packets a second, and while a picture has come in part (the marker of its
 * last packet is missing), a loop sleeps until 1 ms has passed since its last turn began, so that a
 * turn finds several packets; else it wakes at once. So the loop adds less than 1 ms, and never
 * more than 1,000 wake-ups a second are paid for. Packets of one size, as those of a picture are,
 * go through the kernel as one (UDP_SEGMENT) and come from it so where it joined them (UDP_GRO).
 *
 * Bounds: packets waiting in either direction between the loops are limited and the newest are
 * dropped; other commands and events are few (one a message of the box, one a second a flow).
 *
 * Ownership: handles are the slow loop's; freeing one never waits. Descriptors and SRTP contexts
 * given are taken. Handlers are called in the slow loop's context, never from inside a call, and
 * never after the handle was freed. Threads: all functions here belong to the slow loop. */
#pragma once
#include "video/sdp.h"
#include "video/srtp.h"
#include <sys/socket.h>

typedef struct AblakLoops AblakLoops;
/* `count` threads; 0: one a core. */
AblakLoops *ablak_loops_new(GMainContext *main_context, guint count,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Waits for the threads. Every room was freed before. */
void ablak_loops_free(AblakLoops *loops);

typedef struct AblakRoom AblakRoom;
AblakRoom *ablak_room_new(AblakLoops *loops);
/* Its flows were freed before. */
void ablak_room_free(AblakRoom *room);

#define ABLAK_ROOM_FLOWS_MAX 4

typedef enum {
  ABLAK_FLOW_SSRC_TAKEN, /* another flow of the room sends it (RFC 7714 §8.1: no nonce twice) */
  ABLAK_FLOW_SSRC_TOO_MANY,
} AblakFlowRefusal;

typedef struct {
  /* A DTLS datagram of the peer. */
  void (*dtls)(const guint8 *data, gsize size, gpointer user);
  /* The peer was heard for the first time since ablak_flow_watch(). */
  void (*heard)(gpointer user);
  /* The peer may have moved away from `address`: offer ablak_flow_probe() others. */
  void (*astray)(const struct sockaddr *address, gpointer user);
  /* A stream is not relayed; told once a flow. */
  void (*refused)(AblakFlowRefusal why, guint32 ssrc, gpointer user);
} AblakFlowHandler;

typedef struct {
  guint64 packets_received, bytes_received;
  guint64 packets_sent, bytes_sent;
  guint64 packets_refused;
} AblakFlowStats;

typedef struct AblakFlow AblakFlow;
/* At most ABLAK_ROOM_FLOWS_MAX a room. `handler` outlives the flow. */
AblakFlow *ablak_flow_new(AblakRoom *room, const bool may_send[ABLAK_SDP_KINDS],
                          const AblakFlowHandler *handler, gpointer user);
void ablak_flow_free(AblakFlow *flow);

void ablak_flow_set_keys(AblakFlow *flow, AblakSrtp *receive, AblakSrtp *send);
/* The streams the peer announced, instead of those before. */
void ablak_flow_set_sources(AblakFlow *flow, const AblakSdpSource *sources, gsize length);

/* What the peer agreed on: of what has no RTX a copy is kept, to be sent again (resend.h). */
void ablak_flow_set_payloads(AblakFlow *flow, AblakSdpPayloads agreed);

typedef struct {
  int fd;
  bool own; /* a twin: the peer's packets come there */
  struct sockaddr_storage remote;
  socklen_t remote_size;
  const char *local_ufrag, *local_password;
  const char *remote_ufrag, *remote_password;
} AblakFlowRoute;
/* The way to the peer from now on. The strings are copied. */
void ablak_flow_set_route(AblakFlow *flow, const AblakFlowRoute *route);
/* Another way that becomes the route if the peer answers there and no longer on the present one. */
void ablak_flow_probe(AblakFlow *flow, const AblakFlowRoute *route);
void ablak_flow_park(AblakFlow *flow);

/* Its picture has the greatest share of what a weak line takes, for good (several.h). */
void ablak_flow_set_first(AblakFlow *flow);

/* An SRTP or SRTCP packet that came through libnice. */
void ablak_flow_receive(AblakFlow *flow, const guint8 *data, gsize size);
/* A DTLS datagram to the peer. */
void ablak_flow_send(AblakFlow *flow, const guint8 *data, gsize size);
/* This party's packets go to the socket, too (video/tap.h), with a key frame each 10 s, where a
 * player can begin; -1: no longer. The descriptor is taken. */
void ablak_flow_tap(AblakFlow *flow, int fd, guint8 party);
/* Asks this flow's peer for key frames, at most once each 500 ms; later when it was asked just
 * now. */
void ablak_flow_ask_key_frame(AblakFlow *flow);

/* Monotonic milliseconds of the last authentic packet of any kind; 0 before the first. */
gint64 ablak_flow_heard_ms(const AblakFlow *flow);
/* When the peer last consented (RFC 7675); 0 when the present route cannot ask. */
gint64 ablak_flow_consent_ms(const AblakFlow *flow);
/* Asks for `heard`, once. */
void ablak_flow_watch(AblakFlow *flow);
void ablak_flow_get_stats(const AblakFlow *flow, AblakFlowStats *ret_stats);
