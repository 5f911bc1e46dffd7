/* video/replay.h: packet index estimation (RFC 3711 §3.3.1 and appendix A) and the replay window
 * (§3.3.2) of one stream. Private to SRTP. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ABLAK_REPLAY_BITS 1024

typedef struct {
  bool begun;
  guint64 highest;
  guint64 seen[ABLAK_REPLAY_BITS / 64]; /* a ring: bit index % ABLAK_REPLAY_BITS */
} AblakReplay;

/* The 48-bit index (roll-over counter and sequence number) that a 16-bit number means. false when
 * it lies before the stream's beginning. */
bool ablak_replay_estimate(const AblakReplay *replay, guint16 sequence, guint64 *ret_index);
bool ablak_replay_is_fresh(const AblakReplay *replay, guint64 index);
/* Only for an authentic packet with a fresh index. */
void ablak_replay_mark(AblakReplay *replay, guint64 index);
