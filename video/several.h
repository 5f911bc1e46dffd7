/* video/several.h: what a room of more than two needs beyond forwarding. The media loop's.
 *
 * Between two, congestion feedback passes end to end. Among more it cannot: each sender numbers its
 * own packets, so a receiver's feedback on two senders' numbers would speak of neither; and MIDs
 * name sections of the sender's page, not of the receiver's. So, once a packet and before it is
 * copied for anybody:
 * - its transport-wide number is noted and erased. The relay itself tells the sender what arrived,
 *   ten times a second, so the sender knows its way up to here. It forgets those packets, so what
 *   is lost behind the relay the relay repeats (resend.h);
 * - its MID is erased: the SSRCs are in the receivers' offers;
 * - its send time becomes the relay's, so that one receiver's packets of several senders have one
 *   clock. Browsers then estimate what they can take of all senders together (REMB).
 * An estimate is divided among those who send pictures, and each sender is told its least share: it
 * fits the weakest leg. Who was named first of all (citizen, sign language interpreter) counts for
 * three. Nobody is told less than a small picture needs.
 * Back among two, the limits are lifted and feedback passes end to end again.
 *
 * Why not pair by pair (a numbering for each receiver, and each one's feedback translated back): a
 * sender believes the first report about a packet, whosever it is, and one told only the worst of
 * them knows no shares; see README.md for what was measured. */
#pragma once
#include "video/loop-private.h"

static inline bool ablak_room_is_several(const AblakRoom *room)
{
  return room->length > 2;
}

/* The first `length` of loop->plain, all of them the flow's. */
void ablak_several_prepare(Loop *loop, AblakFlow *flow, guint length);
void ablak_several_tick(Loop *loop, AblakFlow *flow);
void ablak_several_end(AblakFlow *flow);
