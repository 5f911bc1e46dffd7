/* video/relay.h: sessions and their legs: the media process without its control socket.
 *
 * Purpose: takes the box's messages, gives the answers through a callback, and relays packets
 * between the legs of a session without decoding them. With two legs feedback (key frame requests,
 * NACK, transport-wide congestion control, reports) passes end to end, because both legs share one
 * table of payload types and extensions and sequence numbers are never changed. Among three and four
 * the relay takes part in congestion control (video/several.h). Packets are carried by threads of
 * their own (video/loop.h).
 *
 * Durability: none; all of it is gone with the process. Threads: everything here, callbacks too,
 * runs in the main context of the settings. Several relays may run in several threads. */
#pragma once
#include "video/control.h"
#include "video/ice.h"

#define ABLAK_RELAY_LEGS_MAX 4

typedef struct AblakRelay AblakRelay;
/* May be called from inside ablak_relay_handle(). */
typedef void (*AblakRelayEmit)(const AblakMediaMessage *message, gpointer data);

typedef struct {
  AblakIceSettings *ice;     /* outlives the relay and its last agent (`ice->open`) */
  const char *srtp_profiles; /* as in dtls.h */
  guint sessions_max;
  guint loops;      /* media loops; 0: one a core */
  bool through_ice; /* no sockets of our own: packets pass libnice (video/loop.h) */
} AblakRelaySettings;

AblakRelay *ablak_relay_new(const AblakRelaySettings *settings, AblakRelayEmit emit, gpointer data,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Every leg leaves; nothing is emitted. The context must go round until `ice->open` is 0. */
void ablak_relay_free(AblakRelay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakRelay, ablak_relay_free)

/* A message of the box. A refusal is emitted as an error message and changes nothing. */
void ablak_relay_handle(AblakRelay *relay, const AblakMediaMessage *message);
/* What a new connection begins with. */
AblakMediaMessage *ablak_relay_hello(const AblakRelay *relay);
