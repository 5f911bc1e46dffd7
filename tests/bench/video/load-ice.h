/* tests/bench/video/load-ice.h: as much of ICE (RFC 8445) as one pair of addresses needs.
 *
 * One agent has one address of its own and one of the relay's. It checks that pair, answers the
 * relay's checks, nominates when it is in control, and goes on checking for consent (RFC 7675).
 * Everything works on bytes; sending is the caller's. */
#pragma once
#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>

#define LOAD_ICE_PACKET_MAX 640

typedef struct {
  char ufrag[9], password[33];
  char remote_ufrag[257], remote_password[257];
  bool controlling;
  bool ready; /* the pair works and is nominated */
  bool answered;
  bool nominated;
  struct sockaddr_in remote;
  guint8 transaction[12];
  gint64 next_check_ns; /* G_MAXINT64 until the relay's side is known */
} LoadIce;

void load_ice_init(LoadIce *ice);
void load_ice_start(LoadIce *ice, const char *ufrag, const char *password,
                    const struct sockaddr_in *remote, bool controlling);
/* The next connectivity or consent check; returns its size. */
gsize load_ice_write_check(LoadIce *ice, gint64 now_ns, guint8 ret_packet[LOAD_ICE_PACKET_MAX]);
/* Takes a STUN packet; returns the size of the answer to send to `from`, or 0. */
gsize load_ice_receive(LoadIce *ice, const struct sockaddr_in *from, const guint8 *data, gsize size,
                       guint8 ret_answer[LOAD_ICE_PACKET_MAX]);
