/* video/twin.h: a second UDP socket on the address and port of a first one, for one peer alone.
 *
 * Purpose: libnice finds the path to a peer on its own socket. The twin is bound to the same local
 * address and port and connected to that peer; the kernel prefers the socket that is connected to a
 * packet's sender, so the peer's packets come to the twin, and all others to libnice as before.
 * Linux promises this order in no document, so a test proves it for both families; where binding
 * fails, the caller goes on with the first socket.
 *
 * The first socket allows its address to be shared only while a twin is being bound: as long as it
 * is open nobody else can join in. Twins always allow it, or there could not be a second one beside
 * the first. Ownership: descriptors are the caller's. Threads: any; two calls on the same first
 * socket not at once. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Non-blocking and close-on-exec; -1 with errno set when it cannot be had. */
int ablak_twin_open(int first, const struct sockaddr *peer, socklen_t peer_size);
/* The peer's packets go to the first socket again. What the twin got before can still be read, so
 * that nothing is lost; it can still send with an explicit address. */
bool ablak_twin_park(int twin);
