/* http/transport.h: connections carried by libwebsockets, private to this folder.
 *
 * libwebsockets 4.1.6 gives sockets, TLS and buffering, on a libuv loop that is one source of the
 * GLib loop (net.c); HTTP/1.1 and WebSocket framing are read by head.c and frame.c. Its own HTTP
 * role is not used for four reasons, all in its 4.1.6 sources: a connection whose reply is pending
 * stays readable and spins when the peer sends or closes; flow control also stops writing; a POST
 * without a length is taken as 100 MB; and targets arrive decoded, so "%2F" and "/" cannot be told
 * apart.
 *
 * Ownership: the owner holds the transport from creation to ablak_transport_unref. Callbacks come
 * on the main context; `closed` exactly once, never from inside an owner's own call. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct AblakNet AblakNet;
typedef struct AblakTransport AblakTransport;

typedef struct {
  const char *certificate, *key; /* PEM paths */
  const char *ca, *crl;          /* PEM paths or NULL: what clients are verified against */
} AblakNetTls;

/* A libwebsockets context with one virtual host; plain when `tls` is NULL. */
AblakNet *ablak_net_new(const AblakNetTls *tls, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Reads the certificate and its key again, for connections to come. After a failure those of before
 * are still used. */
bool ablak_net_renew(AblakNet *net, GError **error);
/* Closes what is left. Never from inside a transport's callback. */
void ablak_net_free(AblakNet *net);

typedef struct {
  void (*data)(gpointer owner, const guint8 *bytes, gsize size);
  void (*drained)(gpointer owner); /* everything queued has gone to the kernel */
  void (*closed)(gpointer owner);
} AblakTransportCallbacks;

/* Takes over a connected socket; the descriptor is closed on failure too. Where the net has TLS, it
 * is the server's side of it. */
AblakTransport *ablak_transport_accept(AblakNet *net, int fd,
                                       const AblakTransportCallbacks *callbacks, gpointer owner);
/* No callback comes after it; an open connection is cut. */
void ablak_transport_unref(AblakTransport *transport);

void ablak_transport_send(AblakTransport *transport, GBytes *bytes);
gsize ablak_transport_queued(AblakTransport *transport);
/* Bytes given to the kernel so far: for "does this peer still read" deadlines. */
guint64 ablak_transport_written(AblakTransport *transport);
/* Stops reading, so that the peer's window fills. */
void ablak_transport_pause(AblakTransport *transport, bool pause);
/* Writes what fits without waiting for the loop: last words before the loop ends. */
void ablak_transport_push(AblakTransport *transport);
/* Sends what is queued, then ends politely: half-closes and discards what still comes, so that a
 * reset does not overtake the reply (RFC 9112 §9.6). */
void ablak_transport_finish(AblakTransport *transport);
/* Cuts the connection from the loop's next turn. */
void ablak_transport_abort(AblakTransport *transport);

/* The peer's verified certificate; NULL when there is none. Free with g_free. */
char *ablak_transport_peer_cn(AblakTransport *transport);
char *ablak_transport_peer_sha256(AblakTransport *transport);
