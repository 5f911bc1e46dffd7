/* tests/bench/video/load-net.h: the generator's one UDP socket.
 *
 * All legs share it: leg i is 10.78.0.1 + i at the same port, so a relay sees as many hosts as
 * there are legs while the generator sends and receives for all of them in one system call. It
 * never sleeps on the socket: what it sleeps on is a timer, so a relay's send does not pay for
 * waking it, as no relay pays for waking who is at the other end of a cable. When a datagram came
 * is what the kernel noted, not when it was read.
 *
 * Threads: one. */
#pragma once
#include <glib.h>
#include <netinet/in.h>

typedef struct LoadNet LoadNet;
/* NULL with errno set when there is no socket. */
LoadNet *load_net_new(void);
void load_net_free(LoadNet *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadNet, load_net_free)

struct in_addr load_net_leg_address(guint leg);
guint16 load_net_port(const LoadNet *net);

/* At once. */
void load_net_send(LoadNet *net, guint leg, const struct sockaddr_in *to, const guint8 *data,
                   gsize size);

/* Packets of one size, but for the last which may be shorter: the kernel takes them in one piece
 * and cuts them up where they arrive (UDP_SEGMENT). A socket that asks for UDP_GRO gets them
 * uncut, as from a network card that received them back to back. */
#define LOAD_BURST_MAX 8
typedef struct {
  guint count;
  const guint8 *data[LOAD_BURST_MAX]; /* stays until the next load_net_flush() */
  gsize sizes[LOAD_BURST_MAX];
  gint64 *ret_sent_ns[LOAD_BURST_MAX]; /* become the time just before the system call */
} LoadBurst;
void load_net_queue(LoadNet *net, guint leg, const struct sockaddr_in *to, const LoadBurst *burst);
void load_net_flush(LoadNet *net);

typedef void (*LoadNetReceived)(guint leg, const struct sockaddr_in *from, guint8 *data, gsize size,
                                gint64 at_ns, gpointer user);
/* Everything that has come. The callback may change the data. */
void load_net_receive(LoadNet *net, LoadNetReceived received, gpointer user);
/* Datagrams the kernel dropped because the generator was too slow; must stay 0. */
guint64 load_net_drops(const LoadNet *net);
/* Datagrams the kernel would not take. */
guint64 load_net_unsent(const LoadNet *net);

/* CLOCK_REALTIME, the clock of the kernel's notes. */
gint64 load_now_ns(void);
