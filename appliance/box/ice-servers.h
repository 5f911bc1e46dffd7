/* box/ice-servers.h: the STUN and TURN servers that a visit's pages may use, with credentials that
 * run out. coturn's scheme (use-auth-secret, draft-uberti-behave-turn-rest-00): the user name is
 * "<time it ends, in seconds>:<visit>", the password base64(HMAC-SHA1(secret, user name)), so
 * coturn needs the shared secret only and knows nothing of visits.
 *
 * Threads: any; nothing changes after ablak_ice_servers_new. */
#pragma once
#include "core/json.h"
#include <glib.h>
#include <stdbool.h>

typedef struct AblakIceServers AblakIceServers;

/* `urls`: separated by commas or blanks; empty means none. `secret_file` holds the secret shared
 * with coturn, read once; it may be empty when no URL is a TURN server's. `minutes`: how long
 * credentials last. Error: "core/config". */
AblakIceServers *ablak_ice_servers_new(const char *urls, const char *secret_file, gint64 minutes,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_ice_servers_free(AblakIceServers *servers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakIceServers, ablak_ice_servers_free)

/* The array that RTCPeerConnection takes as `iceServers`, for one visit. New reference. */
json_t *ablak_ice_servers_for(const AblakIceServers *servers, const char *visit, gint64 now_ms);
