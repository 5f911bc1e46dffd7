/* http/live.h: live events: one WebSocket a page, resumed by event number; SSE for integrations.
 *
 * Wire (JSON text; components LiveServerMessage and LiveClientMessage in openapi.json):
 *   server -> {"type":"hello","seq":N}            the newest event's number
 *             {"type":"event","seq","at","topic","kind","subject","data"}
 *             {"type":"reset","seq":N}            the asked-for number is too old: load afresh
 *             {"type":"message","topic","kind","data"}   not stored: chat, signalling
 *             {"type":"error","problem":{...}}
 *             {"type":"pong"}
 *   client -> {"type":"subscribe","topics":[...],"since":N|null}
 *             {"type":"send","topic","kind","data"}      handed to the daemon's receiver
 *             {"type":"ping"}    answered at once: a page learns nothing of WebSocket's own pings
 * A topic is subscribed only when the daemon's `may_subscribe` allows it for that identity. */
#pragma once
#include "http/http.h"

typedef struct AblakLive AblakLive;
typedef struct AblakLivePeer AblakLivePeer; /* one connected page or stream */

/* http knows no store: the daemon feeds events in and reads old ones out through these. */
typedef struct {
  bool (*may_subscribe)(gpointer identity, const char *topic, gpointer app);
  /* Whether an event or passing message of that kind, on a topic it follows, is for this identity's
   * eyes. May be NULL: all are. */
  bool (*may_hear)(gpointer identity, const char *kind, gpointer app);
  /* Calls `emit` for each stored event after `since` on these topics, oldest first; false: too old
   * or too many (a reset is sent). */
  bool (*replay)(gint64 since, const char *const *topics, void (*emit)(json_t *event, gpointer to),
                 gpointer to, gpointer app);
  gint64 (*last_seq)(gpointer app);
  /* A page's own message. May be NULL. */
  void (*receive)(AblakLivePeer *peer, const char *topic, const char *kind, json_t *data,
                  gpointer app);
  /* A topic has been allowed for this peer, once for each. May be NULL. */
  void (*subscribed)(AblakLivePeer *peer, const char *topic, gpointer app);
  void (*opened)(AblakLivePeer *peer, gpointer app); /* may be NULL */
  void (*closed)(AblakLivePeer *peer, gpointer app); /* may be NULL */
} AblakLiveCallbacks;

AblakLive *ablak_live_new(const AblakLiveCallbacks *callbacks, gpointer app);
void ablak_live_free(AblakLive *live);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakLive, ablak_live_free)

/* Handlers of the routes /api/live (WebSocket) and /api/events (SSE, ?topics=a,b and
 * Last-Event-ID); the identity is taken over from the request by `share_identity` (a reference for
 * the peer's life). */
void ablak_live_accept(AblakLive *live, AblakRequest *request, gpointer identity,
                       GDestroyNotify free_identity);
void ablak_live_stream(AblakLive *live, AblakRequest *request, gpointer identity,
                       GDestroyNotify free_identity);

/* A stored event, durable already: given to every peer subscribed to its topic. */
void ablak_live_publish(AblakLive *live, gint64 seq, gint64 at_ms, const char *topic,
                        const char *kind, const char *subject, json_t *data);
/* A passing message to a topic's subscribers but `except` (may be NULL). */
void ablak_live_message(AblakLive *live, const char *topic, const char *kind, json_t *data,
                        const AblakLivePeer *except);
/* A passing message to one peer. */
void ablak_live_peer_message(AblakLivePeer *peer, const char *topic, const char *kind,
                             json_t *data);
gpointer ablak_live_peer_identity(AblakLivePeer *peer);
bool ablak_live_peer_subscribed(AblakLivePeer *peer, const char *topic);
/* Ends the page's connection; its closed callback comes later. A stream just ends. */
void ablak_live_peer_close(AblakLivePeer *peer, unsigned code, const char *reason);
