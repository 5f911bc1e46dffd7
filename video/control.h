/* video/control.h: what ablakd and ablak-media say to each other.
 *
 * Purpose: the only link between the box and its media process. ablakd listens on a Unix stream
 * socket, ablak-media connects to it and connects again with back-off when it is gone; running
 * calls go on meanwhile. A frame is a 4-byte big-endian length (at most 256 KiB) and one JSON
 * object. This header holds the protocol and the helpers of both sides; library
 * `ablak-media-control`, which needs core only.
 *
 * Names: `session` is one call, `leg` is one page in it. Both are chosen by the box: 1 to 64
 * characters of [A-Za-z0-9._:-]. `generation` counts the offers of one leg, from 1 and on over
 * repeated joins while the session lasts; an answer carries the generation of the offer that it
 * answers, a candidate that of the last offer the page has answered or is answering.
 *
 * media -> box
 *   hello      {version, legs:[{session, leg, state}]}   first on every connection
 *   offer      {session, leg, generation, sdp}           complete: it holds all the candidates that
 *                                                        are known; a later offer replaces an
 *                                                        earlier one (somebody else's streams
 *                                                        became known, or ICE restarts)
 *   candidate  {session, leg, generation, candidate, mid}   found after the offer; "" ends them
 *   state      {session, leg, state, cipher?, reason?}
 *   error      {session?, leg?, slug, detail}            what the box sent was refused and changed
 *                                                        nothing, or a leg broke a rule
 *   stats      {legs:[{session, leg, state, cipher?, packetsReceived, bytesReceived,
 *               packetsSent, bytesSent, packetsRefused}]}   reply to stats; bytes are of datagrams
 * box -> media
 *   join       {session, leg, audio, video, label?, screens?, screen?, first?}
 *                                                        a new leg, or fresh ICE and DTLS for one
 *                                                        that exists; answered by offer. The flags
 *                                                        say what the page may send; it sees and
 *                                                        hears the others in any case. `label`:
 * whose it is, told to the others' pages (places.c). `screens`: it knows sections of screens, too (sdp.h), and
 * with `screen` may send its own. `first`: its picture has the greatest share of a line too weak
 * for all (several.h) answer     {session, leg, generation, sdp} candidate  {session, leg,
 * generation, candidate, mid}   "" ends them restart    {session, leg} ICE restart: answered by a
 * new offer leave      {session, leg} close      {session}                                 every
 * leg leaves record     {session, leg, party} and, beside the frame (SCM_RIGHTS), a socket: this
 * leg's packets go there, too (video/tap.h, which counts parties from 0, this from 1), until the
 * leg goes or unrecord   {session} stats      {}
 *
 * States of a leg: new -> connecting -> connected <-> disconnected -> failed -> closed.
 * disconnected: nothing heard for 5 s; failed: for 30 s, or ICE or DTLS gave up, or the page closed
 * its connection (`reason`); closed follows at once and the leg is forgotten. Ask for restart when
 * disconnected, join again when failed. When a person comes or goes the others get a new offer,
 * in which everybody who stays keeps their place.
 *
 * After a crash of ablak-media its hello has no legs: the box sends join again for every page that
 * wants a call. After a crash of ablakd the hello names legs that go on; the box may keep them
 * (their pages need no new offer when connected) or leave them. Messages to a box that is away
 * are dropped: hello tells all that counts.
 *
 * The page: `pc.setRemoteDescription(offer)`, add its tracks to the transceivers the offer made
 * (mids "audio", "video" and "screen"), `createAnswer`, send the answer at once and the candidates
 * as they come; the same again for every later offer. It never makes an offer.
 *
 * Ownership: messages own their strings; NULL or 0 where a type has no such member.
 * Threads: a channel belongs to the thread-default main context it was made in. */
#pragma once
#include "core/json.h"
#include <gio/gio.h>
#include <stdbool.h>

#define ABLAK_MEDIA_CONTROL_VERSION 1
#define ABLAK_MEDIA_FRAME_MAX (256u * 1024u)
#define ABLAK_MEDIA_ID_MAX 64

typedef enum {
  ABLAK_MEDIA_HELLO,
  ABLAK_MEDIA_OFFER,
  ABLAK_MEDIA_CANDIDATE,
  ABLAK_MEDIA_STATE,
  ABLAK_MEDIA_ERROR,
  ABLAK_MEDIA_STATS,
  ABLAK_MEDIA_JOIN,
  ABLAK_MEDIA_ANSWER,
  ABLAK_MEDIA_RESTART,
  ABLAK_MEDIA_LEAVE,
  ABLAK_MEDIA_CLOSE,
  ABLAK_MEDIA_RECORD,
  ABLAK_MEDIA_UNRECORD,
} AblakMediaType;

typedef enum {
  ABLAK_MEDIA_LEG_NEW,
  ABLAK_MEDIA_LEG_CONNECTING,
  ABLAK_MEDIA_LEG_CONNECTED,
  ABLAK_MEDIA_LEG_DISCONNECTED,
  ABLAK_MEDIA_LEG_FAILED,
  ABLAK_MEDIA_LEG_CLOSED,
} AblakMediaLegState;

const char *ablak_media_type_name(AblakMediaType type);
const char *ablak_media_leg_state_name(AblakMediaLegState state);

typedef struct {
  AblakMediaType type;
  char *session;
  char *leg;
  gint64 generation;
  char *sdp;
  char *candidate;
  char *mid;
  bool audio, video;
  char *label;
  bool screens, screen, first;
  AblakMediaLegState state;
  char *cipher;
  char *reason;
  char *slug;
  char *detail;
  gint64 version;
  gint64 party;
  int fd;       /* of record: the message's own; -1: none */
  json_t *legs; /* hello and stats: an array of objects, each with session, leg and state */
} AblakMediaMessage;

AblakMediaMessage *ablak_media_message_new(AblakMediaType type, const char *session,
                                           const char *leg);
void ablak_media_message_free(AblakMediaMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakMediaMessage, ablak_media_message_free)

/* One frame's payload. Errors: "media/control-malformed" (not JSON, a member missing or of the
 * wrong type or length), "media/control-unknown" (no such type). */
AblakMediaMessage *ablak_media_message_parse(const char *text, gsize length,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
json_t *ablak_media_message_to_json(const AblakMediaMessage *message);
/* The whole frame with its length; NULL and "media/frame-too-large" beyond the limit. */
GBytes *ablak_media_message_frame(const AblakMediaMessage *message,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Cuts a byte stream into frames' payloads. */
typedef struct AblakMediaFrames AblakMediaFrames;
AblakMediaFrames *ablak_media_frames_new(void);
void ablak_media_frames_free(AblakMediaFrames *frames);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakMediaFrames, ablak_media_frames_free)
void ablak_media_frames_push(AblakMediaFrames *frames, const void *data, gsize size);
/* true: *ret_payload is the next payload, or NULL when more bytes are needed. false: the stream
 * announces a frame beyond the limit ("media/frame-too-large") and cannot be read further. */
bool ablak_media_frames_pop(AblakMediaFrames *frames, GBytes **ret_payload,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* One connection, either side. Callbacks run in the channel's context and never from inside a call
 * of the user's. After `closed` nothing more is called; free the channel then or whenever. */
typedef struct AblakMediaChannel AblakMediaChannel;
typedef struct {
  void (*received)(AblakMediaChannel *channel, const AblakMediaMessage *message, gpointer data);
  /* A frame that could not be read; the connection goes on. */
  void (*malformed)(AblakMediaChannel *channel, const GError *error, gpointer data);
  /* The other side went away, or announced too large a frame (error), or reads too slowly. */
  void (*closed)(AblakMediaChannel *channel, const GError *error, gpointer data);
} AblakMediaChannelHandler;

/* Takes a reference to the connection, a Unix socket's, and begins reading. `handler` outlives the
 * channel. */
AblakMediaChannel *ablak_media_channel_new(GIOStream *connection,
                                           const AblakMediaChannelHandler *handler, gpointer data);
/* Closes the connection; nothing is called any more. May be called from a callback. */
void ablak_media_channel_free(AblakMediaChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakMediaChannel, ablak_media_channel_free)
/* Queues the message, and a duplicate of its descriptor. Never blocks; beyond 4 MiB unsent the
 * connection is given up (`closed`). */
void ablak_media_channel_send(AblakMediaChannel *channel, const AblakMediaMessage *message);
