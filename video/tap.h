/* video/tap.h: packets of consenting parties on their way from a media loop to the recorder.
 *
 * A Unix socket of type SOCK_SEQPACKET, made by ablakd. Each message is this header and one
 * decrypted RTP packet or RTCP compound. The sender never waits: what the socket does not take is
 * dropped, and the count of it goes along. Both ends are on one machine, so numbers are in its
 * order, and `at_us` is its CLOCK_MONOTONIC at the turn in which the packet was read. */
#pragma once
#include "video/rtp.h"

#define ABLAK_TAP_PARTIES_MAX 4

typedef struct {
  gint64 at_us;
  guint32 dropped; /* messages of this flow, so far */
  guint8 party;    /* whose flow, from 0; below ABLAK_TAP_PARTIES_MAX */
  guint8 rtcp;
  guint8 reserved[2];
} AblakTapHeader;

#define ABLAK_TAP_MESSAGE_MAX (sizeof(AblakTapHeader) + ABLAK_RTP_PACKET_MAX)
