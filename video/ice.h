/* video/ice.h: one ICE agent (RFC 8445), controlling, one component, over libnice.
 *
 * Purpose: hides libnice: host candidates on the configured addresses, trickled remote candidates,
 * restarts, and its asynchronous end. Whether the peer still consents is the user's to judge:
 * libnice 0.1.21 asks each 5 s and gives up for good after 10, so that a cut of 6 s can end a call
 * (RFC 7675 §5.1 allows 30).
 *
 * Ownership: closing gives the agent away: nothing is called any more, and its sockets are gone
 * when `*settings->open` has fallen. Callbacks come from the main context, never from inside a
 * call, but for `received`, during which closing is allowed too. Threads: the main context's. */
#pragma once
#include "video/sdp.h"
#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

typedef struct {
  GMainContext *main_context;
  const char *const *addresses; /* NULL or empty: all; loopback if there is no other */
  guint16 port_min, port_max;   /* 0: ports the system chooses */
  const char *stun_address;     /* NULL: none */
  guint16 stun_port;
  guint open; /* agents not fully closed yet */
} AblakIceSettings;

typedef struct {
  void (*gathered)(gpointer user);
  void (*received)(guint8 *data, gsize size, gpointer user);
  void (*writable)(gpointer user); /* a pair works; comes again after a restart */
  void (*selected)(gpointer user); /* another pair carries packets: see ablak_ice_path() */
} AblakIceHandler;

typedef struct AblakIce AblakIce;
AblakIce *ablak_ice_new(AblakIceSettings *settings, const AblakIceHandler *handler, gpointer user,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_ice_close(AblakIce *ice);

/* Free with g_free / g_strfreev. */
bool ablak_ice_local_credentials(AblakIce *ice, char **ret_ufrag, char **ret_password);
GStrv ablak_ice_local_candidates(AblakIce *ice);

void ablak_ice_set_remote_credentials(AblakIce *ice, const char *ufrag, const char *password);
void ablak_ice_add_remote_candidates(AblakIce *ice, const GPtrArray *candidates);
/* New local credentials; the old pair goes on carrying packets until a new one works. */
void ablak_ice_restart(AblakIce *ice);
bool ablak_ice_send(AblakIce *ice, const guint8 *data, gsize size);

typedef struct {
  struct sockaddr_storage address;
  socklen_t size;
} AblakIceAddress;
/* A duplicate of the descriptor that carries the selected pair, and the peer's address; -1 when
 * there is no such pair. */
int ablak_ice_path(AblakIce *ice, AblakIceAddress *ret_remote);
/* Every address of the peer heard of so far, told or seen: AblakIceAddress. */
GArray *ablak_ice_remote_addresses(AblakIce *ice);
